# Commands of two words: a family lists its commands, and names what is not one of them.
$ stampede key
2> usage: stampede key COMMAND [options]
2> ...
2> 'stampede key COMMAND --help' describes a command.
= 2
$ stampede key --help | head -n 1
usage: stampede key COMMAND [options]
$ stampede key nonsense
2> stampede: key: unknown command; 'stampede key --help' lists them
= 2
$ stampede key --json
2> stampede: key: unknown command; 'stampede key --help' lists them
= 2
$ stampede key new --help | head -n 1
usage: stampede key new DIR/NAME [options]
$ stampede --help | grep -A 1 '^  key '
  key      secret keys of people, and the files that describe them:
           new, show, list, import
$ stampede new
2> stampede: unknown command; 'stampede --help' lists them
= 2

# A key of RFC 8032 (section 7.1, test 1): Ed25519 signatures, and so descriptions, are deterministic.
$ mkdir -m 700 safe; printf -- '-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n-----END PRIVATE KEY-----\n' >safe/rfc.pem; chmod 600 safe/rfc.pem
$ stampede key import safe/rfc.pem --holder 'Ada Example' --now $(at 1)
public key  rfc.key.json
type        ed25519, scheme ed25519
keyid       74c181c7ad8a0855d4b55e44d2ba87aabdddb196832571f15f92fece332e4916
words       lavender ankle cafe uniform motor cement helmet cradle hexagon bison corduroy petal porridge
name        rfc
holder      Ada Example
made        2030-01-01T12:00:00Z
$ cat rfc.key.json; echo
{"signatures":[{"keyid":"74c181c7ad8a0855d4b55e44d2ba87aabdddb196832571f15f92fece332e4916","sig":"7a67ef8fe5df429c24fb400c2c26a75ac8162a43eab905cbc6e982720ef69da5c38a3754a16881647d5019105a9ae8957479d7d24039398e7754e9a33d45cf0b"}],"signed":{"_type":"stampede-key","format":1,"holder":"Ada Example","key":{"keytype":"ed25519","keyval":{"public":"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"},"scheme":"ed25519"},"made":"2030-01-01T12:00:00Z","name":"rfc"}}
$ stampede key show pem:safe/rfc.pem
type        ed25519, scheme ed25519
keyid       74c181c7ad8a0855d4b55e44d2ba87aabdddb196832571f15f92fece332e4916
words       lavender ankle cafe uniform motor cement helmet cradle hexagon bison corduroy petal porridge
proof       the file holds the secret key
secret      not encrypted
devices     must take in the whole document, so that not every one fits:
  Nitrokey 3      1024 bytes: timestamp, bins, targets
  YubiHSM 2       2019 bytes: timestamp, bins, targets, root with 3 root keys
  AWS KMS         4096 bytes: timestamp, bins, targets, root with 3 root keys, root with 5 root keys
  AWS CloudHSM   16000 bytes: timestamp, bins, targets, root with 3 root keys, root with 5 root keys
  ssh-agent     262076 bytes: timestamp, bins, targets, root with 3 root keys, root with 5 root keys, snapshot of 2,048 bins
$ stampede key show rfc.key.json --json
{"keyid":"74c181c7ad8a0855d4b55e44d2ba87aabdddb196832571f15f92fece332e4916","keytype":"ed25519","scheme":"ed25519","public":"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a","words":["lavender","ankle","cafe","uniform","motor","cement","helmet","cradle","hexagon","bison","corduroy","petal","porridge"],"name":"rfc","holder":"Ada Example","made":"2030-01-01T12:00:00Z","proven":true,"secret":false,"encrypted":false,"devices":[{"device":"Nitrokey 3","message_bytes_max":1024,"documents":["timestamp","bins","targets"]},{"device":"YubiHSM 2","message_bytes_max":2019,"documents":["timestamp","bins","targets","root with 3 root keys"]},{"device":"AWS KMS","message_bytes_max":4096,"documents":["timestamp","bins","targets","root with 3 root keys","root with 5 root keys"]},{"device":"AWS CloudHSM","message_bytes_max":16000,"documents":["timestamp","bins","targets","root with 3 root keys","root with 5 root keys"]},{"device":"ssh-agent","message_bytes_max":262076,"documents":["timestamp","bins","targets","root with 3 root keys","root with 5 root keys","snapshot of 2,048 bins"]}]}

# Nothing is overwritten.
$ stampede key import safe/rfc.pem
2> stampede: keys: rfc.key.json: already exists; key files are never overwritten: choose another name, or remove it if nothing needs it
= 2
$ stampede key new safe/rfc
2> stampede: keys: safe/rfc.pem: already exists; key files are never overwritten: choose another name, or remove it if nothing needs it
= 2
$ stampede key import rfc.key.json
2> stampede: keys: rfc.key.json: is a description of a key already; use it as it is
= 2
$ stampede key import safe/rfc.pem --out nowhere
2> stampede: keys: nowhere: cannot open the folder: No such file or directory
= 3

# Names and holders that mislead are refused.
$ for name in '' . .. .x -x 'a b' a/ $'a\e[2J' "$(printf 'x%.0s' {1..65})" a.pem a.key.json a\" 'a;touch${IFS}b;c' 'a$b' "a'b"; do stampede key new "safe/$name"; done
2> stampede: keys: safe/: a key needs a name
2> stampede: keys: safe/.: the name of a key begins with a letter or a digit
2> stampede: keys: safe/..: the name of a key begins with a letter or a digit
2> stampede: keys: safe/.x: the name of a key begins with a letter or a digit
2> stampede: keys: safe/-x: the name of a key begins with a letter or a digit
2> stampede: keys: safe/a b: the name of a key is of ASCII letters, digits, '.', '_', '-', '+' and '@'
2> stampede: keys: safe/a/: a key needs a name
2> stampede: keys: safe/a\x1b[2J: the name of a key is of ASCII letters, digits, '.', '_', '-', '+' and '@'
2> stampede: keys: safe/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx: the name of a key has at most 64 characters
2> stampede: keys: safe/a.pem: give the name without its ending
2> stampede: keys: safe/a.key.json: give the name without its ending
2> stampede: keys: safe/a": the name of a key is of ASCII letters, digits, '.', '_', '-', '+' and '@'
2> stampede: keys: safe/a;touch${IFS}b;c: the name of a key is of ASCII letters, digits, '.', '_', '-', '+' and '@'
2> stampede: keys: safe/a$b: the name of a key is of ASCII letters, digits, '.', '_', '-', '+' and '@'
2> stampede: keys: safe/a'b: the name of a key is of ASCII letters, digits, '.', '_', '-', '+' and '@'
= 2
$ stampede key new -- ../-x
2> stampede: keys: ../-x: the name of a key begins with a letter or a digit
= 2
$ for holder in ' a' $'a\tb' $'a\xe2\x80\xaeb' $'a\xe2\x80\x8bb' $'\xd0\x90da' "$(printf 'x%.0s' {1..129})"; do stampede key new safe/a --holder "$holder"; done
2> stampede: keys: a: the holder of a key has spaces where they cannot be seen
2> stampede: keys: a: the holder of a key is UTF-8 without control characters
2> stampede: keys: a: the holder of a key is UTF-8 without control characters
2> stampede: keys: a: the holder of a key has characters that cannot be seen
2> stampede: keys: a: the holder of a key has a word with letters of several scripts, which look alike
2> stampede: keys: a: the holder of a key has at most 128 bytes
= 2
$ stampede key import safe/rfc.pem --name 'a b'
2> stampede: keys: safe/rfc.pem: the name of a key is of ASCII letters, digits, '.', '_', '-', '+' and '@'
= 2
$ ls safe
rfc.pem

# What a command needs.
$ stampede key new
2> stampede: key new: give one DIR/NAME, such as safe/safe-1; see 'stampede key new --help'
= 2
$ stampede key new safe/a --type p384
2> stampede: key new: --type takes one of ed25519, p256, not 'p384'; see 'stampede key new --help'
= 2
$ stampede key new safe/a --passphrase-fd 0
2> stampede: key new: --passphrase-fd is for a key with --encrypt; see 'stampede key new --help'
= 2
$ stampede key new safe/a --encrypt --passphrase-fd 77
2> stampede: key new: --passphrase-fd: descriptor 77 is not open; see 'stampede key new --help'
= 2
$ stampede key new safe/a --encrypt --passphrase-fd 0 </dev/null
2> stampede: key new: there is no passphrase: no terminal to ask on, and nothing from --passphrase-fd; see 'stampede key new --help'
= 2
$ echo | stampede key new safe/a --encrypt --passphrase-fd 0
2> stampede: key new: the passphrase is empty; see 'stampede key new --help'
= 2
$ setsid -w stampede key new safe/a --encrypt
2> stampede: key new: there is no passphrase: no terminal to ask on, and nothing from --passphrase-fd; see 'stampede key new --help'
= 2
$ stampede key show
2> stampede: key show: give one key file; see 'stampede key show --help'
= 2
$ stampede key show nowhere.pem
2> stampede: keys: nowhere.pem: cannot open: No such file or directory
= 3
$ for uri in agent:SHA256:x pkcs11:object=x exec:kms; do stampede key show $uri; done
2> stampede: keys: agent:SHA256:x: only key files can be used here, pem:PATH or a path; export what is to be signed, sign it with the tool of the device, and add the signature
2> stampede: keys: pkcs11:object=x: only key files can be used here, pem:PATH or a path; export what is to be signed, sign it with the tool of the device, and add the signature
2> stampede: keys: exec:kms: only key files can be used here, pem:PATH or a path; export what is to be signed, sign it with the tool of the device, and add the signature
= 2
$ mkdir -m 755 open; stampede key new open/a
2> stampede: keys: a.pem: the key folder is open to others (mode 0755); chmod 700 it
= 2
$ ls safe open
open:
(blank)
safe:
rfc.pem

# An encrypted key.
$ echo 'correct horse' | stampede key new safe/e --type p256 --encrypt --passphrase-fd 0 --json | sed 's/.*"encrypted":/"encrypted":/'
"encrypted":true,"secret_file":"safe/e.pem","public_file":"safe/e.key.json"}
$ stat -c '%a %n' safe safe/e.*; head -n 1 safe/e.pem
700 safe
644 safe/e.key.json
600 safe/e.pem
-----BEGIN ENCRYPTED PRIVATE KEY-----
$ stampede key show safe/e.pem --passphrase-fd 3 3< <(printf 'correct horse\nsomething else\n') | grep -v 'keyid\|words'
type        ecdsa, scheme ecdsa-sha2-nistp256
proof       the file holds the secret key
secret      encrypted
devices     sign a digest, so that every document fits
$ echo wrong | stampede key show safe/e.pem --passphrase-fd 0
2> stampede: keys: safe/e.pem: cannot be decrypted: the passphrase is wrong
= 2
$ setsid -w stampede key show safe/e.pem
2> stampede: keys: safe/e.pem: is encrypted, and there is no passphrase for it: no terminal to ask on, and nothing from --passphrase-fd
= 2
$ echo 'correct horse' | stampede key import safe/e.pem --passphrase-fd 0 --quiet | head -n 1
public key  e.key.json

# A key that was made, but whose report is lost.
$ stampede key new safe/lost >/dev/full
2> stampede: key: safe/lost.pem: is not encrypted: whoever reads the file has the key; --encrypt makes one with a passphrase
2> stampede: output: stdout could not be written; its reader or disk is gone
2> stampede: key: safe/lost.pem: the key was made before that; only this output is missing
= 4
$ ls safe
e.key.json
e.pem
lost.key.json
lost.pem
rfc.pem
