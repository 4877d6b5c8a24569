# Outputs: --report, --metrics and --log-format.
$ index tree 20 && stampede init repo --targets tree --bins 16 >/dev/null
$ stampede sign repo --report run.html --metrics run.prom >/dev/null
$ head -n 1 run.html && grep -c '<svg' run.html
<!doctype html>
* (glob)
$ grep -E '^stampede_(targets|faults|last_run_success|files_hashed)\{' run.prom
stampede_last_run_success{repo="SCRATCH/repo"} 1
stampede_targets{repo="SCRATCH/repo"} 20
stampede_files_hashed{repo="SCRATCH/repo"} 20
stampede_faults{repo="SCRATCH/repo"} 0
$ grep -c '^stampede_last_success_timestamp_seconds{' run.prom
1

# A run that fails keeps the time of the last success and says that it failed.
$ mkfifo tree/packages/pipe && stampede sign repo --metrics run.prom --report run.html
2> stampede: scan: packages/pipe: is a FIFO* (glob)
2> stampede: sign: 1 path cannot be signed* (glob)
= 3
$ grep -E '^stampede_(last_run_success|faults)\{' run.prom
stampede_last_run_success{repo="SCRATCH/repo"} 0
stampede_faults{repo="SCRATCH/repo"} 1
$ grep -c '^stampede_last_success_timestamp_seconds{' run.prom
1
$ grep -c 'packages/pipe' run.html
1
$ rm tree/packages/pipe

# Folders are checked before the work, not after it.
$ stampede sign repo --report nowhere/run.html
2> stampede: output: nowhere: cannot open* (glob)
= 2
$ stampede sign repo --dry-run --metrics run.prom
2> stampede: sign: --metrics tells about real runs; leave it out with --dry-run; see 'stampede sign --help'
= 2

# Every message is a JSON object on a line of its own.
$ stampede sign missing --log-format json
2> {"time":"*","level":"error","verb":"sign","stage":"repository","subject":"missing","message":"cannot open*","exit_status":*} (glob)
= 2
$ stampede sign --log-format=json
2> {"time":"*","level":"error","verb":"sign","stage":"usage","message":"give one REPO, the folder that init made"} (glob)
= 2
$ stampede sign repo --log-format yaml
2> stampede: sign: --log-format takes one of text, json, journal, not 'yaml'; see 'stampede sign --help'
= 2

# A failure after the commit does not undo it: exit status 4, and the message says so.
$ stampede sign repo >/dev/full
2> stampede: output: stdout could not be written; its reader or disk is gone
2> stampede: publish: timestamp.json: version 2 was published before that, so clients have the new snapshot; only this output is missing
= 4
$ stampede sign repo --json >/dev/full
2> stampede: output: stdout could not be written; its reader or disk is gone
2> stampede: publish: timestamp.json: version 3 was published before that, so clients have the new snapshot; only this output is missing
= 4
$ stampede sign repo >&-
2> stampede: output: stdout could not be written; its reader or disk is gone
2> stampede: publish: timestamp.json: version 4 was published before that, so clients have the new snapshot; only this output is missing
= 4
$ stampede sign repo --metrics /dev/full >/dev/null
2> stampede: output: /dev/full: cannot be written: No space left on device; make room there
2> stampede: publish: timestamp.json: version 5 was published before that, so clients have the new snapshot; only this output is missing
= 4
$ stampede sign repo --report /dev/full --log-format json >/dev/null
2> {"time":"*","level":"error","verb":"sign","stage":"output","subject":"/dev/full","message":"cannot be written: No space left on device; make room there","exit_status":4,"errno":28} (glob)
2> {"time":"*","level":"fault","verb":"sign","stage":"publish","subject":"timestamp.json","message":"version 6 was published before that, so clients have the new snapshot; only this output is missing"} (glob)
= 4
$ stampede sign repo --report /dev/full --metrics after.prom --quiet; grep -E '^stampede_last_run_(success|published)' after.prom
stampede_last_run_success{repo="SCRATCH/repo"} 0
stampede_last_run_published{repo="SCRATCH/repo"} 1
2> stampede: output: /dev/full: cannot be written: No space left on device; make room there
2> stampede: publish: timestamp.json: version 7 was published before that, so clients have the new snapshot; only this output is missing
$ stampede sign repo | true; echo ${PIPESTATUS[0]}
4
$ stampede verify repo --quiet >/dev/null

# A failure before it, or without one, is a failed run like any other.
$ stampede sign repo --dry-run >/dev/full
2> stampede: output: stdout could not be written; its reader or disk is gone
= 3
$ mkfifo tree/packages/pipe && stampede sign repo --json --metrics m.prom >/dev/full
2> stampede: scan: packages/pipe: is a FIFO; exclude or remove it
2> stampede: sign: 1 path cannot be signed, so nothing was published; fix it, or publish without it: --on-fault skip
2> stampede: output: stdout could not be written; its reader or disk is gone
= 3
$ grep -E '^stampede_last_run_(success|published)' m.prom && rm tree/packages/pipe m.prom
stampede_last_run_success{repo="SCRATCH/repo"} 0
stampede_last_run_published{repo="SCRATCH/repo"} 0

# --quiet leaves stdout to what was asked for.
$ stampede sign repo --quiet
$ stampede sign repo --quiet --json | cut -c 1-18
{"published":true,
$ stampede gc repo --quiet
$ stampede init quiet --targets tree --bins 4 --quiet
$ stampede init quiet --update --yes --quiet

# Another user can read the metrics, whatever the umask; they name the repository by its path.
$ (umask 077 && cd tree && stampede sign ../repo/../repo --quiet --metrics ../m.prom --report ../private.html) && stat -c '%a %n' m.prom private.html
644 m.prom
600 private.html
$ sed -n 's/^stampede_targets\([^ ]*\) .*/\1/p' m.prom
{repo="SCRATCH/repo"}
$ grep -oE '^stampede_role_[a-z_]*\{.*,' m.prom | sed 's/,$//' | sort -u
stampede_role_expires_seconds{repo="SCRATCH/repo"
stampede_role_expires_timestamp_seconds{repo="SCRATCH/repo"
$ grep -oE ',role="[a-z_]*"\} [0-9]' m.prom | cut -d ' ' -f 1 | sort | uniq -c | tr -s ' '
 2 ,role="bin_n"}
 3 ,role="bins"}
 3 ,role="root"}
 2 ,role="snapshot"}
 3 ,role="targets"}
 2 ,role="timestamp"}

# A run that fails early knows nothing of targets and expiries: earlier values stay.
$ grep -E '^stampede_(targets|metadata_version|role_expires_timestamp_seconds)\{' m.prom >before
$ mv tree away; stampede sign repo --quiet --metrics m.prom
2> stampede: scan: SCRATCH/tree: cannot open the targets folder (No such file or directory); mount it, or correct "targets_dir" in stampede.json
= 2
$ grep -E '^stampede_(targets|metadata_version|role_expires_timestamp_seconds)\{' m.prom | diff before - && mv away tree
$ grep -E '^stampede_last_run' m.prom | sed 's/ 17[0-9]*$/ NOW/'
stampede_last_run_success{repo="SCRATCH/repo"} 0
stampede_last_run_published{repo="SCRATCH/repo"} 0
stampede_last_run_timestamp_seconds{repo="SCRATCH/repo"} NOW

# Faults are skipped, which is not a success.
$ mkfifo tree/packages/pipe; stampede sign repo --quiet --on-fault skip --metrics m.prom
2> stampede: scan: packages/pipe: is a FIFO; exclude or remove it
= 4
$ grep -E '^stampede_(last_run_success|last_run_published|faults)' m.prom && rm tree/packages/pipe
stampede_last_run_success{repo="SCRATCH/repo"} 0
stampede_last_run_published{repo="SCRATCH/repo"} 1
stampede_faults{repo="SCRATCH/repo"} 1

# What --report and --metrics name is written after the run, so it is checked before: it must not be in the repository or the index, or be a file that is read.
$ index apart 12 && stampede init guarded --targets apart --bins 4 --now $(at 1) >/dev/null && stampede sign guarded --now $(at 2) --quiet
$ all() { find guarded apart list -printf '%p %s %m %T@ %l\n' | sort; }
$ first=$(cd apart && find packages -type f | sort | head -n 1); mkdir out; ln -s ../guarded/stampede.json out/link; ln -s ../guarded/public out/public; echo path,length >list; all >before
$ for file in guarded/stampede.json guarded/keys/online.pem guarded/state/floors guarded/public/metadata/timestamp.json guarded/public/targets/new guarded/new out/link out/public/new out/../guarded/new; do for option in --report --metrics; do stampede sign guarded --now $(at 3) $option $file 2>&1 | sed "s|$file|FILE|"; echo "exit status ${PIPESTATUS[0]}"; done; done | sort | uniq -c | tr -s ' '
 18 exit status 2
 18 stampede: output: FILE: lies in the repository, where it could take the place of one of its files; name a file elsewhere
$ for file in apart/$first apart/new apart/simple/new; do for option in --report --metrics; do stampede sign guarded --now $(at 3) $option $file 2>&1 | sed "s|$file|FILE|"; echo "exit status ${PIPESTATUS[0]}"; done; done | sort | uniq -c | tr -s ' '
 6 exit status 2
 6 stampede: output: FILE: lies in the targets folder, where it would be signed; name a file elsewhere
$ stampede sign guarded --now $(at 3) --digests list --metrics out/../list
2> stampede: output: out/../list: --digests and --metrics name the same file; name another file for --metrics
= 2
$ stampede sign guarded --now $(at 3) --digests - --metrics list <list
2> stampede: output: list: --digests and --metrics name the same file; name another file for --metrics
= 2
$ stampede sign guarded --now $(at 3) --above list --report ./list
2> stampede: output: ./list: --above and --report name the same file; name another file for --report
= 2
$ stampede sign guarded --now $(at 3) --report out/both --metrics "$PWD/out/both"
2> stampede: output: SCRATCH/out/both: --report and --metrics name the same file; name another file for --metrics
= 2
$ stampede sign guarded --now $(at 3) --metrics out
2> stampede: output: out: is a folder; name a file
= 2
$ stampede sign guarded --now $(at 3) --metrics out/new/
2> stampede: output: out/new/: is a folder; name a file
= 2
$ stampede sign guarded --now $(at 3) --metrics ''
2> stampede: output: the name is empty; name a file
= 2
$ stampede sign guarded --now $(at 3) --dry-run --report guarded/stampede.json
2> stampede: output: guarded/stampede.json: lies in the repository, where it could take the place of one of its files; name a file elsewhere
= 2
$ stampede plan --repo guarded --svg guarded/stampede.json
2> stampede: output: guarded/stampede.json: lies in the repository, where it could take the place of one of its files; name a file elsewhere
= 2
$ stampede plan --targets-count 100 --svg out
2> stampede: output: out: is a folder; name a file
= 2
$ stampede plan --targets-count 100 --svg no/where.svg
2> stampede: output: no: cannot open the folder: No such file or directory
= 2
$ stampede bench --dir apart --html apart/bench.html
2> stampede: output: apart/bench.html: lies in the folder that is read, where nothing is written; name a file elsewhere
= 2
$ stampede bench --html out
2> stampede: output: out: is a folder; name a file
= 2
$ stampede bench --json out/b --html out/b
2> stampede: output: out/b: --json and --html name the same file; name another file for --html
= 2
$ stampede bench --from list --html list
2> stampede: output: list: --from and --html name the same file; name another file for --html
= 2
$ stampede bench --compare before list --html list
2> stampede: output: list: --compare and --html name the same file; name another file for --html
= 2
$ all | diff before -; cat list; ls out
path,length
link
public

# Pipes, devices and the file of stdout are written to directly; a link is replaced, not the file that it refers to.
$ stampede sign guarded --now $(at 3) --quiet --report /dev/null --metrics /dev/null && stampede sign guarded --now $(at 4) --quiet --metrics /dev/stdout | grep -c '^stampede_targets{'
1
$ ln -s shown.prom out/m; for day in 5 6; do stampede sign guarded --now $(at $day) --quiet --metrics out/m --report out/r; done; ls out
link
m
public
r

# Commands that did their work and cannot report it: exit status 4, and a line says what was done.
$ stampede init unsaid --targets tree --bins 4 --now $(at 1) >/dev/full
2> stampede: output: stdout could not be written; its reader or disk is gone
2> stampede: init: SCRATCH/unsaid: the repository was made before that; only this output is missing
= 4
$ stampede init unsaid2 --targets tree --bins 4 --now $(at 1) --json >&-
2> stampede: output: stdout could not be written; its reader or disk is gone
2> stampede: init: SCRATCH/unsaid2: the repository was made before that; only this output is missing
= 4
$ { sleep 0.2; stampede init unsaid3 --targets tree --bins 4 --now $(at 1); echo $? >status; } | true; cat status
4
$ for day in 2 3 4 5 6; do stampede sign unsaid --now $(at $day) --quiet; done
$ stampede init unsaid --update --yes --now $(at 6) 2>&1 >/dev/full | tail -n 2; echo ${PIPESTATUS[0]}; ls unsaid/public/metadata | grep -c '^2.root'
stampede: output: stdout could not be written; its reader or disk is gone
stampede: init: unsaid: the new versions were put in place before that; only this output is missing
4
1
$ stampede init unsaid --update --yes --json --quiet --now $(at 6) >/dev/full; stampede sign unsaid --now $(at 6) --quiet
2> stampede: output: stdout could not be written; its reader or disk is gone
2> stampede: init: unsaid: the new versions were put in place before that; only this output is missing
$ stampede gc unsaid --dry-run --now $(at 9) >/dev/full
2> stampede: output: stdout could not be written; its reader or disk is gone
= 3
$ stampede gc unsaid --now $(at 9) >/dev/full
2> stampede: output: stdout could not be written; its reader or disk is gone
2> stampede: gc: unsaid: what is out of use was removed before that; only this output is missing
= 4
$ stampede gc unsaid --now $(at 9) --json --log-format json >/dev/full
2> stampede: output: stdout could not be written; its reader or disk is gone
2> {"time":"*","level":"fault","verb":"gc","stage":"gc","subject":"unsaid","message":"what is out of use was removed before that; only this output is missing"} (glob)
= 4
$ stampede gc unsaid --now $(at 9) --quiet >/dev/full
$ stampede verify unsaid --now $(at 6) >/dev/null

# A folder that cannot be written is noticed before the run.
$ mkdir -m 555 closed; as_user stampede sign guarded --now $(at 7) --quiet --metrics closed/m
2> stampede: output: closed/m: cannot be written: its folder is not writable (Permission denied); name a file in another folder, or change the rights of this one
= 2
