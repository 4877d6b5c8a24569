# A first run that finds nothing to sign publishes that, and says what may be wrong.
$ mkdir none && stampede init repo --targets none --bins 2 --now $(at 1) --quiet
$ stampede sign repo --now $(at 1) --dry-run --quiet >/dev/null
2> stampede: sign: SCRATCH/none: 0 targets: it holds nothing to sign; is it mounted?
$ stampede sign repo --now $(at 1) --quiet
2> stampede: sign: SCRATCH/none: 0 targets: it holds nothing to sign; is it mounted?
$ stampede sign repo --now $(at 1) --quiet --json | grep -o '"notes":\[{[^]]*'
"notes":[{"stage":"sign","subject":"SCRATCH/none","text":"0 targets: it holds nothing to sign; is it mounted?"}
2> stampede: sign: SCRATCH/none: 0 targets: it holds nothing to sign; is it mounted?
$ mkdir none/folder && echo 1 >none/folder/file && sed -i 's|"exclude": \[\]|"exclude": ["folder"]|' repo/stampede.json && stampede sign repo --now $(at 1) --quiet
2> stampede: sign: SCRATCH/none: 0 targets: "include" and "exclude" of stampede.json exclude everything in it
$ sed -i 's|"exclude": \[[^]]*\]|"exclude": []|' repo/stampede.json && mv none/folder/file file && ln -s nowhere none/folder/file && stampede sign repo --now $(at 1) --quiet --on-fault skip
2> stampede: sign: SCRATCH/none: 0 targets: everything in it is at fault (1)
2> stampede: scan: folder/file: is a symbolic link, which is never followed; exclude it or put the file in its place
= 4
$ rm none/folder/file && mv file none/folder/file && stampede sign repo --now $(at 1) --quiet
$ rm none/folder/file && stampede sign repo --now $(at 1) --quiet
2> stampede: sign: folder/file: was signed last time and would be removed: it is not in the folder
2> stampede: sign: SCRATCH/none: 1 of 1 targets would be removed (at most 0 may be), so nothing was published: the folder folder is empty (is it mounted?); correct it, or accept it: --allow-removals 1
= 3
$ stampede sign repo --now $(at 1) --quiet --allow-removals all
# A list says so itself, and is not the folder.
$ printf 'path,length,sha512\n#end\n' | stampede sign repo --now $(at 1) --quiet --digests -
2> stampede: sign: stampede.json: names the folder as the "source": a run without --digests scans it again; if the list is the index from now on, set "source": "list"
$ stampede sign repo --now $(at 1) --quiet
2> stampede: sign: stampede.json: names the folder as the "source", so it was scanned; the targets of the last run were those of a list
2> stampede: sign: SCRATCH/none: 0 targets: it holds nothing to sign; is it mounted?
