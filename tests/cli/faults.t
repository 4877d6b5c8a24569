# Bad files are named, sorted; nothing is published unless --on-fault skip.
$ index idx 10
$ stampede init repo --targets idx --bins 16 --now $(at 1) >/dev/null
$ ln -s ../../etc/passwd idx/link; ln -s packages idx/folder-link
$ mkfifo idx/fifo
$ touch $'idx/new\nline' $'idx/esc\033[31m' idx/'quo"te' idx/'back\slash' $'idx/\xc3\xa9'
$ mkdir idx/deep; printf x >$'idx/deep/\xff\xfe'
$ stampede sign repo --now $(at 2)
2> stampede: scan: back\\slash: has a '"' or '\' in it, which clients escape differently; rename it
2> stampede: scan: deep/\xff\xfe: is not printable ASCII, so clients would not agree on its canonical form; rename it
2> stampede: scan: esc\x1b[31m: is not printable ASCII, so clients would not agree on its canonical form; rename it
2> stampede: scan: fifo: is a FIFO; exclude or remove it
2> stampede: scan: folder-link: is a symbolic link, which is never followed; exclude it or put the file in its place
2> stampede: scan: link: is a symbolic link, which is never followed; exclude it or put the file in its place
2> stampede: scan: new\x0aline: is not printable ASCII, so clients would not agree on its canonical form; rename it
2> stampede: scan: quo"te: has a '"' or '\' in it, which clients escape differently; rename it
2> stampede: scan: \xc3\xa9: is not printable ASCII, so clients would not agree on its canonical form; rename it
2> stampede: sign: 9 paths cannot be signed, so nothing was published; fix them, or publish without them: --on-fault skip
= 3
$ ls repo/public/metadata
1.bins.json
1.root.json
1.targets.json
$ cp -r repo serial; cp -r repo parallel; chmod -R go= repo/keys serial/keys parallel/keys
$ stampede sign repo --now $(at 2) --on-fault skip
signed 10 targets (26.94 kB) in 16 bins as version 1
hashed 0 files (0 B), reused 10, removed 0, left out 9
took * (glob)
published repo/public/metadata/timestamp.json, valid until 2030-01-03T12:00:00Z
2> stampede: scan: back\\slash: has a '"' or '\' in it, which clients escape differently; rename it
2> stampede: scan: deep/\xff\xfe: is not printable ASCII, so clients would not agree on its canonical form; rename it
2> stampede: scan: esc\x1b[31m: is not printable ASCII, so clients would not agree on its canonical form; rename it
2> stampede: scan: fifo: is a FIFO; exclude or remove it
2> stampede: scan: folder-link: is a symbolic link, which is never followed; exclude it or put the file in its place
2> stampede: scan: link: is a symbolic link, which is never followed; exclude it or put the file in its place
2> stampede: scan: new\x0aline: is not printable ASCII, so clients would not agree on its canonical form; rename it
2> stampede: scan: quo"te: has a '"' or '\' in it, which clients escape differently; rename it
2> stampede: scan: \xc3\xa9: is not printable ASCII, so clients would not agree on its canonical form; rename it
= 4
$ stampede verify repo --now $(at 2) | tail -n 1
no findings
$ stampede sign serial --now $(at 2) --on-fault skip --jobs 0 >/dev/null 2>serial.err; stampede sign parallel --now $(at 2) --on-fault skip --jobs 3 >/dev/null 2>parallel.err; cmp serial.err parallel.err; diff -r serial/public parallel/public

# Files that this user may not read.
$ rm -r repo idx; index idx 10; chmod 755 .
$ as_user stampede init repo --targets idx --bins 16 --now $(at 1) >/dev/null
$ chmod 000 "$(find idx/packages -name '*.whl' | sort | head -n 1)"; mkdir idx/closed; chown 65534 idx/closed 2>/dev/null; chmod 000 idx/closed
$ as_user stampede sign repo --now $(at 2) 2>err; echo $?; sed 's|packages/.*whl|FILE|' err
3
stampede: scan: closed: cannot read the folder: Permission denied
stampede: hash: FILE: cannot open: Permission denied
stampede: sign: 2 paths cannot be signed, so nothing was published; fix them, or publish without them: --on-fault skip
