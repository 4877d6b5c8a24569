# Digests as sha512sum and sha256sum print them, sorted by path, and as their -c accepts them.
$ index idx 30
$ stampede hash idx >all; sha512sum -c --quiet all; wc -l <all
30
2> stampede: hash: 30 files, 124.53 kB in * s (*/s), * (glob)
$ find idx -type f | sort | xargs sha512sum | cmp - all
$ stampede hash --quiet --algorithm sha256 idx >all256; sha256sum -c --quiet all256
$ stampede hash --quiet --algorithm sha256,sha512 idx >tagged; cksum -c --quiet tagged && head -n 1 tagged | cut -c 1-8
SHA256 (

# The same for any number of threads and with either back end.
$ for jobs in 0 1 2 5; do stampede hash --quiet --jobs $jobs idx | cmp - all; stampede hash --quiet --jobs $jobs --io pread idx | cmp - all; done

# Known answers.
$ printf abc >abc; : >empty
$ stampede hash --quiet --algorithm sha256 abc empty
ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  abc
e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  empty
$ stampede hash --quiet abc | cut -c 1-16
ddaf35a193617aba
$ stampede hash --quiet --algorithm blake2b-256 abc
bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319  abc

# Hostile names: what sha512sum -c reads back.
$ mkdir odd; printf 1 >$'odd/new\nline'; printf 2 >'odd/back\slash'; printf 3 >'odd/quo"te'; printf 4 >$'odd/\xff'
$ stampede hash --quiet odd >odd.sum; sha512sum -c --quiet odd.sum && wc -l <odd.sum
4

# What cannot be hashed.
$ stampede hash --quiet
2> stampede: hash: give files or folders; see 'stampede hash --help'
= 2
$ stampede hash --quiet missing
2> stampede: hash: missing: cannot stat: No such file or directory
= 3
$ stampede hash --quiet --algorithm md5 abc
2> stampede: hash: --algorithm takes names out of sha256, sha512, blake2b-256, each once, not 'md5'; see 'stampede hash --help'
= 2
$ ln -s abc link; mkfifo fifo; mkdir some; cp abc some; ln -s ../abc some/link; mkfifo some/fifo
$ stampede hash --quiet fifo
2> stampede: hash: fifo: is not a regular file or folder
= 3
$ stampede hash some >some.sum; echo $?; sha512sum -c some.sum
0
some/abc: OK
2> stampede: hash: left out 2 links and special files
2> stampede: hash: 1 files, 3 B in * s (*/s), * (glob)
$ stampede hash --quiet abc >/dev/full
2> stampede: output: stdout could not be written; its reader or disk is gone
= 3
$ stampede hash --quiet --json abc | grep -oE '"(path|length)":("[^"]*"|[0-9]+)'
"path":"abc"
"length":3
