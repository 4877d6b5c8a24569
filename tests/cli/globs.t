# A glob that matches nothing is named, in one note; none of them changes the exit status.
$ mkdir -p idx/packages/a idx/packages/b idx/simple/x && for f in packages/a/1.whl packages/b/2.whl simple/x/index.html; do echo $f >idx/$f; done
$ stampede init repo --targets idx --bins 2 --now $(at 1) --quiet
$ lists() { sed -i "s|\"$1\": \[[^]]*\]|\"$1\": [$2]|" repo/stampede.json; }
$ signs() { stampede sign repo --allow-removals all --now $(at 1) --json "$@" | grep -oE '"targets":[0-9]+,"target_bytes'; }
$ signs
"targets":3,"target_bytes
$ lists exclude '"package/a/**", "packages/b/**", "packages/b/2.whl", "**/*.tmp"' && signs
"targets":2,"target_bytes
2> stampede: scan: package/a/**: is in "exclude" of stampede.json, and matches nothing; correct or remove it
$ lists exclude '"packages", "lost+found"' && signs
"targets":1,"target_bytes
2> stampede: scan: lost+found: is in "exclude" of stampede.json, and matches nothing; correct or remove it
$ lists exclude '' && lists include '"package/**", "packages/**", "packages/a/*"' && signs
"targets":2,"target_bytes
2> stampede: scan: package/**: is in "include" of stampede.json, and matches nothing; correct or remove it
$ lists include '' && sed -i 's|"simple/\*\*"|"simple/"|' repo/stampede.json && signs
"targets":3,"target_bytes
2> stampede: scan: simple/: is in "mutable" of stampede.json, and matches nothing; correct or remove it
$ rm -r idx/simple && sed -i 's|"simple/"|"simple/**"|' repo/stampede.json && signs && mkdir -p idx/simple/x && echo page >idx/simple/x/index.html
"targets":2,"target_bytes
$ signs --jobs 0
"targets":3,"target_bytes

# The same for --allow-replace: a path that did not change.
$ signs --allow-replace packages/a/1.whl --allow-replace 'packages/*/9.whl'
"targets":3,"target_bytes
2> stampede: scan: packages/a/1.whl: is given with --allow-replace, and names no file that has other bytes than were signed; correct or remove it
2> stampede: scan: packages/*/9.whl: is given with --allow-replace, and names no file that has other bytes than were signed; correct or remove it
$ echo changed >idx/packages/a/1.whl && signs --allow-replace packages/a/1.whl --allow-replace 'packages/a/*'
"targets":3,"target_bytes
$ echo again >idx/packages/a/1.whl && signs --allow-replace package/a/1.whl
"targets":2,"target_bytes
2> stampede: scan: package/a/1.whl: is given with --allow-replace, and names no file that has other bytes than were signed; correct or remove it
2> stampede: sign: packages/a/1.whl: has other bytes than were signed before (length 8 is now 6, sha512 b8b0ed52c9fbab2c... is now 4d490cafaf8f1e3f...); distribution files never change: find out who did this, then --allow-replace it or restore it
2> stampede: sign: 1 path cannot be signed, so nothing was published; fix it, or publish without it: --on-fault skip
= 3

# An empty index is a different matter.
$ mkdir none && stampede init empty --targets none --bins 2 --now $(at 1) --quiet && sed -i 's|"exclude": \[\]|"exclude": ["packages"]|' empty/stampede.json && stampede sign empty --now $(at 1) --quiet
2> stampede: sign: SCRATCH/none: 0 targets: it holds nothing to sign; is it mounted?

# Globs match paths relative to the folder.
$ for glob in ./a/** /a ../a a//b a/../b a/./b . ''; do lists exclude "\"$glob\"" && stampede sign repo --quiet; done
2> stampede: config: stampede.json: "exclude": item 1 is not a glob of target paths: it is empty, starts with "/" or "./", or has a "//", a ".." or an open "["
2> stampede: config: stampede.json: "exclude": item 1 is not a glob of target paths: it is empty, starts with "/" or "./", or has a "//", a ".." or an open "["
2> stampede: config: stampede.json: "exclude": item 1 is not a glob of target paths: it is empty, starts with "/" or "./", or has a "//", a ".." or an open "["
2> stampede: config: stampede.json: "exclude": item 1 is not a glob of target paths: it is empty, starts with "/" or "./", or has a "//", a ".." or an open "["
2> stampede: config: stampede.json: "exclude": item 1 is not a glob of target paths: it is empty, starts with "/" or "./", or has a "//", a ".." or an open "["
2> stampede: config: stampede.json: "exclude": item 1 is not a glob of target paths: it is empty, starts with "/" or "./", or has a "//", a ".." or an open "["
2> stampede: config: stampede.json: "exclude": item 1 is not a glob of target paths: it is empty, starts with "/" or "./", or has a "//", a ".." or an open "["
2> stampede: config: stampede.json: "exclude": item 1 is not a glob of target paths: it is empty, starts with "/" or "./", or has a "//", a ".." or an open "["
= 2
$ lists exclude '' && stampede sign repo --digests - --scan './simple/**' </dev/null
2> stampede: sign: --scan: './simple/**' is not a glob of target paths; write it as below the targets folder, without a leading "/" or "./"; see 'stampede sign --help'
= 2
$ stampede sign repo --allow-replace ./packages/a/1.whl
2> stampede: sign: --allow-replace: './packages/a/1.whl' is not a target path or a glob of such; write it as below the targets folder, without a leading "/" or "./"; see 'stampede sign --help'
= 2

# With a list, only --scan adds files of the folder; it may also name a folder.
$ lists exclude '"nothing"' && stampede init listed --targets idx --bins 2 --now $(at 1) --quiet
$ { echo path,length,sha512; echo "packages/a/1.whl,6,$(sha512sum idx/packages/a/1.whl | cut -d ' ' -f 1)"; echo '#end'; } >list
$ for glob in simple/ simple 'simple/**' '**/x/' 'smiple/**'; do stampede sign listed --digests list --scan "$glob" --allow-removals all --now $(at 1) --json | grep -oE '"targets":[0-9]+,"target_bytes'; done
"targets":2,"target_bytes
"targets":2,"target_bytes
"targets":2,"target_bytes
"targets":2,"target_bytes
"targets":1,"target_bytes
2> stampede: scan: smiple/**: is given with --scan, and matches nothing; correct or remove it
