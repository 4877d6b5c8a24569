# Key files that are not what they seem. Each is refused, with a message that names it.
$ mkdir -m 700 k; umask 077; openssl genpkey -algorithm ed25519 -out k/a.pem; openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out k/p.pem; for k in a p; do openssl pkey -in k/$k.pem -pubout -out $k.pub.pem; stampede key import k/$k.pem --quiet >/dev/null; done; ls
a.key.json
a.pub.pem
k
p.key.json
p.pub.pem
$ pem() { echo "-----BEGIN $1-----"; base64 -w 64; echo "-----END $1-----"; }
$ edit() { python3 -c 'import json,sys; d=json.load(open(sys.argv[1])); s=d["signed"]; k=s["key"]; exec(sys.argv[2]); sys.stdout.write(json.dumps(d,sort_keys=True,separators=(",",":"),ensure_ascii=False))' "$@" >x.key.json; stampede key show x.key.json; }

# Upper-case digits: another spelling of the same bytes.
$ edit a.key.json 'k["keyval"]["public"]=k["keyval"]["public"].upper()'
2> stampede: keys: x.key.json: its key cannot be used: it is not 64 lower-case hexadecimal digits
= 2
$ edit a.key.json 's=d["signatures"][0]; s["sig"]=s["sig"].upper()'
2> stampede: keys: x.key.json: is not signed by its own key: it was altered, or its maker does not have the secret key; get it from the holder again
= 2
$ edit a.key.json 's=d["signatures"][0]; s["keyid"]=s["keyid"].upper()' 2>&1 | sed 's/[0-9A-Fa-f]\{16\}…/KEYID…/g'
stampede: keys: x.key.json: is signed under the keyid KEYID…, which is not the one of its key, KEYID…; have the holder make it again
= 2

# A signature with s + order, of another key, twice; points of small order; y above the prime.
$ edit a.key.json 's=d["signatures"][0]; b=bytes.fromhex(s["sig"]); n=int.from_bytes(b[32:],"little")+2**252+27742317777372353535851937790883648493; s["sig"]=(b[:32]+n.to_bytes(32,"little")).hex()'
2> stampede: keys: x.key.json: is not signed by its own key: it was altered, or its maker does not have the secret key; get it from the holder again
= 2
$ edit a.key.json 's=d["signatures"][0]; s["sig"]="01"+63*"00"'
2> stampede: keys: x.key.json: is not signed by its own key: it was altered, or its maker does not have the secret key; get it from the holder again
= 2
$ edit a.key.json 'd["signatures"]*=2'
2> stampede: keys: x.key.json: is not a key file that stampede made: '],"signed":' was expected at byte 228; a member is missing, unknown or of another form
= 3
$ for point in 01$(printf '%062d' 0) ec$(printf 'f%.0s' {1..60})7f $(printf '%064d' 0) f0$(printf 'f%.0s' {1..60})7f; do edit a.key.json "k['keyval']['public']='$point'"; done
2> stampede: keys: x.key.json: its key cannot be used: it is not a point of the prime-order group of Ed25519
2> stampede: keys: x.key.json: its key cannot be used: it is not a point of the prime-order group of Ed25519
2> stampede: keys: x.key.json: its key cannot be used: it is not a point of the prime-order group of Ed25519
2> stampede: keys: x.key.json: its key cannot be used: it is not a point of the prime-order group of Ed25519
= 2

# ECDSA signatures: trailing bytes, padded and negative integers, not DER at all.
$ edit p.key.json 's=d["signatures"][0]; s["sig"]+="00"'
2> stampede: keys: x.key.json: is not signed by its own key: it was altered, or its maker does not have the secret key; get it from the holder again
= 2
$ edit p.key.json 's=d["signatures"][0]; b=bytes.fromhex(s["sig"]); r=b[4:4+b[3]]; t=b[4+b[3]:]; r=b"\0"+r; b=bytes([2,len(r)])+r+t; s["sig"]=(bytes([0x30,len(b)])+b).hex()'
2> stampede: keys: x.key.json: is not signed by its own key: it was altered, or its maker does not have the secret key; get it from the holder again
= 2
$ edit p.key.json 's=d["signatures"][0]; s["sig"]="3006020100020100"'
2> stampede: keys: x.key.json: is not signed by its own key: it was altered, or its maker does not have the secret key; get it from the holder again
= 2
$ edit p.key.json 's=d["signatures"][0]; s["sig"]=""'
2> stampede: keys: x.key.json: is not signed by its own key: it was altered, or its maker does not have the secret key; get it from the holder again
= 2

# P-256: compressed, off the curve, explicit parameters; other curves; short RSA.
$ openssl pkey -in p.pub.pem -pubin -ec_conv_form compressed -out c.pem; stampede key show c.pem
2> stampede: keys: c.pem: its key cannot be used: it is not an uncompressed point on the curve of its scheme, by its name
= 2
$ openssl pkey -in p.pub.pem -pubin -outform DER | head -c 89 | { cat; printf xx; } | pem 'PUBLIC KEY' >off.pem; stampede key show off.pem
2> stampede: keys: off.pem: its key cannot be used: its PEM block holds no public key, or more than one
= 2
$ openssl pkey -in p.pub.pem -pubin -ec_param_enc explicit -out explicit.pem; stampede key show explicit.pem
2> stampede: keys: explicit.pem: its key cannot be used: it is not an uncompressed point on the curve of its scheme, by its name
= 2
$ openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 2>/dev/null | openssl pkey -pubout -out 384.pem; stampede key show 384.pem
2> stampede: keys: 384.pem: its key cannot be used: it is not an uncompressed point on the curve of its scheme, by its name
= 2
$ openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024 2>/dev/null | openssl pkey -pubout -out rsa.pem; stampede key show rsa.pem
2> stampede: keys: rsa.pem: its key cannot be used: its RSA modulus has too few or too many bits
= 2
$ openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 2>/dev/null | openssl pkey -pubout -out rsa.pem; stampede key show rsa.pem --quiet | head -n 1
type        rsa, scheme rsassa-pss-sha256
$ openssl genpkey -algorithm X25519 | openssl pkey -pubout -out x.pem; stampede key show x.pem
2> stampede: keys: x.pem: is a public key of another kind than Ed25519, ECDSA P-256 and RSA
= 2
$ { printf '\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00\x01'; head -c 31 /dev/zero; } | pem 'PUBLIC KEY' >small.pem; stampede key show small.pem
2> stampede: keys: small.pem: its key cannot be used: it is not a point of the prime-order group of Ed25519
= 2
$ { openssl pkey -in a.pub.pem -pubin -outform DER; printf 'x'; } | pem 'PUBLIC KEY' >more.pem; stampede key show more.pem
2> stampede: keys: more.pem: is a public key of another kind than Ed25519, ECDSA P-256 and RSA
= 2

# PEM with CR LF, a second block, or text around it.
$ for k in a.pub.pem k/a.pem; do sed 's/$/\r/' $k >k/crlf.pem; cat $k $k >k/two.pem; { echo x; cat $k; } >k/before.pem; { cat $k; echo x; } >k/behind.pem; for f in crlf two before behind; do stampede key show pem:k/$f.pem; stampede key show k/$f.pem; done; done 2>&1 | sort -u
stampede: keys: k/before.pem: has text before its PEM block; keep only the lines from BEGIN to END
stampede: keys: k/behind.pem: has text behind its PEM block; keep only the lines from BEGIN to END
stampede: keys: k/behind.pem: is not a PKCS#8 private key but has 'PUBLIC KEY'; a PKCS#8 key begins with BEGIN PRIVATE KEY
stampede: keys: k/crlf.pem: has lines that end with CR LF; convert it: tr -d '\r' <OLD >NEW
stampede: keys: k/two.pem: holds more than one PEM block; keep one key per file
stampede: keys: k/two.pem: is not a PKCS#8 private key but has 'PUBLIC KEY'; a PKCS#8 key begins with BEGIN PRIVATE KEY
= 2
$ cat k/a.pem a.pub.pem >k/mixed.pem; stampede key show k/mixed.pem
2> stampede: keys: k/mixed.pem: holds more than one PEM block; keep one key per file
= 2
$ cat a.pub.pem k/a.pem >k/mixed.pem; stampede key show k/mixed.pem
2> stampede: keys: k/mixed.pem: holds more than one PEM block; keep one key per file
= 2

# Key objects of other tools: other members would change the keyid.
$ object() { python3 -c 'import json,sys; k=json.load(open("a.key.json"))["signed"]["key"]; exec(sys.argv[1]); print(json.dumps(k,indent=1))' "$@" >o.json; stampede key show o.json --json; }
$ object pass | grep -o '"proven":[a-z]*'
"proven":false
$ object 'k["keyid_hash_algorithms"]=["sha256"]'
2> stampede: keys: o.json: has the member "keyid_hash_algorithms", which would change the keyid; remove it
= 2
$ object 'k["keyval"]["private"]=""'
2> stampede: keys: o.json: has the member "private", which would change the keyid; remove it
= 2
$ object 'del k["scheme"]'
2> stampede: keys: o.json: is not a key object {"keytype":…,"keyval":{"public":…},"scheme":…}
= 2
$ object 'k["scheme"]="ed25519ph"'
2> stampede: keys: o.json: is a key of type 'ed25519' with scheme 'ed25519ph', which not every client accepts; use Ed25519 or ECDSA P-256
= 2
$ object 'k["x-tuf-on-ci-keyowner"]="@ada"'
2> stampede: keys: o.json: has the member "x-tuf-on-ci-keyowner", which would change the keyid; remove it
= 2
$ sed 's/"scheme"/"scheme":"ed25519", "scheme"/' o.json >d.json; stampede key show d.json
2> stampede: keys: d.json: line 6: duplicate object key near '"scheme"'
= 2

# OpenSSH keys.
$ ssh() { printf '%s\n' "$1" >id.pub; stampede key show id.pub; }
$ ssh-keygen -q -t ed25519 -N '' -C 'a comment with spaces' -f k/id; stampede key show k/id.pub | head -n 1; pub=$(cat k/id.pub)
type        ed25519, scheme ed25519
$ ssh "$pub"$'\n'"$pub"
2> stampede: keys: id.pub: has more than one line; keep one key per file
= 2
$ ssh "${pub/ssh-ed25519/ecdsa-sha2-nistp256}"
2> stampede: keys: id.pub: is not an OpenSSH P-256 key with an uncompressed point: it was altered
= 2
$ ssh "${pub/AAAAC3/AAAAD3}"
2> stampede: keys: id.pub: is not an OpenSSH Ed25519 key: it was altered
= 2
$ ssh 'ssh-ed25519 AAAA'
2> stampede: keys: id.pub: is not an OpenSSH Ed25519 key: it was altered
= 2
$ ssh 'ssh-ed25519'
2> stampede: keys: id.pub: is not a key file: neither PEM, JSON nor OpenSSH of type ssh-ed25519 or ecdsa-sha2-nistp256
= 2
$ ssh 'ssh-ed25519 !!!!'
2> stampede: keys: id.pub: is not an OpenSSH key: its second word is not base64
= 2
$ ssh "no-pty $pub"
2> stampede: keys: id.pub: is not a key file: neither PEM, JSON nor OpenSSH of type ssh-ed25519 or ecdsa-sha2-nistp256
= 2
$ ssh "$pub"$'\r'
2> stampede: keys: id.pub: has a carriage return or NUL; convert it to plain text
= 2
$ ssh 'sk-ssh-ed25519@openssh.com AAAA'
2> stampede: keys: id.pub: is a FIDO key, which never signs a plain message, so it cannot sign metadata; use a key without 'sk'
= 2
$ ssh 'ssh-rsa AAAA'
2> stampede: keys: id.pub: is not a key file: neither PEM, JSON nor OpenSSH of type ssh-ed25519 or ecdsa-sha2-nistp256
= 2
$ stampede key show k/id
2> stampede: keys: k/id: is not a PKCS#8 private key but has 'OPENSSH PRIVATE KEY', which only ssh reads; make a new key
= 2

# Names that mislead, duplicate members, depth, size.
$ edit a.key.json 's["name"]="a\u202eb"'
2> stampede: keys: x.key.json: the name of a key is of ASCII letters, digits, '.', '_', '-', '+' and '@'
= 3
$ edit a.key.json 's["holder"]="a\u202eb"'
2> stampede: keys: x.key.json: the holder of a key is UTF-8 without control characters
= 3
$ edit a.key.json 's["holder"]="a\u200bb"'
2> stampede: keys: x.key.json: the holder of a key has characters that cannot be seen
= 3
$ edit a.key.json 's["holder"]="\u0410da"'
2> stampede: keys: x.key.json: the holder of a key has a word with letters of several scripts, which look alike
= 3
$ edit a.key.json 's["name"]="../a"'
2> stampede: keys: x.key.json: the name of a key is of ASCII letters, digits, '.', '_', '-', '+' and '@'
= 3
$ edit a.key.json 's["more"]=1'
2> stampede: keys: x.key.json: is not a key file that stampede made: ',"name":' was expected at byte 449; a member is missing, unknown or of another form
= 3
$ edit a.key.json 's["name"]="b"'
2> stampede: keys: x.key.json: is not signed by its own key: it was altered, or its maker does not have the secret key; get it from the holder again
= 2
$ sed 's/"format":1/"format":1,"format":1/' a.key.json >x.key.json; stampede key show x.key.json
2> stampede: keys: x.key.json: holds a key twice (byte 274); it is not canonical JSON
= 3
$ { printf '{"signed":'; printf '[%.0s' {1..5000}; } >deep.json; stampede key show deep.json
2> stampede: keys: deep.json: is nested too deeply (byte 41); it is not canonical JSON
= 3
$ { printf '{'; head -c 20000 /dev/zero | tr '\0' ' '; } >large.json; stampede key show large.json
2> stampede: keys: large.json: has 20001 bytes, more than the 16384 that such a file may have; restore it from a backup
= 3
$ mkfifo fifo; stampede key show fifo; ln -s /dev/zero zero; stampede key show zero; stampede key show .; : >empty; stampede key show empty
2> stampede: keys: fifo: is a named pipe, not a regular file; remove it, and put the file itself in its place
2> stampede: keys: zero: is a symbolic link, not a regular file; remove it, and put the file itself in its place
2> stampede: keys: .: is a folder, not a regular file; remove it, and put the file itself in its place
2> stampede: keys: empty: is empty; it should hold a key
= 2
$ head -c 100 /dev/urandom >noise; printf '\0' >>noise; stampede key show noise
2> stampede: keys: noise: is not a key file: neither PEM, JSON nor OpenSSH of type ssh-ed25519 or ecdsa-sha2-nistp256
= 2
$ truncate -s 100G sparse.pem; stampede key show sparse.pem
2> stampede: keys: sparse.pem: has 107374182400 bytes, more than the 16384 that such a file may have; restore it from a backup
= 3
