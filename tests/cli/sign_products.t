# --report, --metrics and --log-format.
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

# Folders are looked at before the work, not after it.
$ stampede sign repo --report nowhere/run.html
2> stampede: output: nowhere: cannot open* (glob)
= 2
$ stampede sign repo --dry-run --metrics run.prom
2> stampede: sign: --metrics tells about real runs; leave it out with --dry-run; see 'stampede sign --help'
= 2

# Every message is one JSON object a line.
$ stampede sign missing --log-format json
2> {"time":"*","level":"error","verb":"sign","stage":"repository","subject":"missing","message":"cannot open*","exit_status":*} (glob)
= 2
$ stampede sign --log-format=json
2> {"time":"*","level":"error","verb":"sign","stage":"usage","message":"give one REPO, the folder that init made"} (glob)
= 2
$ stampede sign repo --log-format yaml
2> stampede: sign: --log-format takes one of text, json, journal, not 'yaml'; see 'stampede sign --help'
= 2

# What is lost behind the commit does not undo it: exit status 4, and the message says so.
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
2> stampede: output: /dev/full: cannot be written: No space left on device
2> stampede: publish: timestamp.json: version 5 was published before that, so clients have the new snapshot; only this output is missing
= 4
$ stampede sign repo --report /dev/full --log-format json >/dev/null
2> {"time":"*","level":"error","verb":"sign","stage":"output","subject":"/dev/full","message":"cannot be written: No space left on device","exit_status":4,"errno":28} (glob)
2> {"time":"*","level":"fault","verb":"sign","stage":"publish","subject":"timestamp.json","message":"version 6 was published before that, so clients have the new snapshot; only this output is missing"} (glob)
= 4
$ stampede sign repo --report /dev/full --metrics after.prom --quiet; grep -E '^stampede_last_run_(success|published)' after.prom
stampede_last_run_success{repo="SCRATCH/repo"} 0
stampede_last_run_published{repo="SCRATCH/repo"} 1
2> stampede: output: /dev/full: cannot be written: No space left on device
2> stampede: publish: timestamp.json: version 7 was published before that, so clients have the new snapshot; only this output is missing
$ stampede sign repo | true; echo ${PIPESTATUS[0]}
4
$ stampede verify repo --quiet >/dev/null

# What is lost before it, or without one, is a failed run as any other.
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

# Metrics are for another user, whatever the umask, and name the repository by its place.
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
 2 ,role="bins"}
 2 ,role="root"}
 2 ,role="snapshot"}
 2 ,role="targets"}
 2 ,role="timestamp"}

# A run that fails early knows nothing of targets and expiries: what was known stays.
$ grep -E '^stampede_(targets|metadata_version|role_expires_timestamp_seconds)\{' m.prom >before
$ mv tree away; stampede sign repo --quiet --metrics m.prom
2> stampede: scan: SCRATCH/tree: cannot open the targets folder (No such file or directory); mount it, or correct "targets_dir" in stampede.json
= 2
$ grep -E '^stampede_(targets|metadata_version|role_expires_timestamp_seconds)\{' m.prom | diff before - && mv away tree
$ grep -E '^stampede_last_run' m.prom | sed 's/ 17[0-9]*$/ NOW/'
stampede_last_run_success{repo="SCRATCH/repo"} 0
stampede_last_run_published{repo="SCRATCH/repo"} 0
stampede_last_run_timestamp_seconds{repo="SCRATCH/repo"} NOW

# Faults are left out, which is no success.
$ mkfifo tree/packages/pipe; stampede sign repo --quiet --on-fault skip --metrics m.prom
2> stampede: scan: packages/pipe: is a FIFO; exclude or remove it
= 4
$ grep -E '^stampede_(last_run_success|last_run_published|faults)' m.prom && rm tree/packages/pipe
stampede_last_run_success{repo="SCRATCH/repo"} 0
stampede_last_run_published{repo="SCRATCH/repo"} 1
stampede_faults{repo="SCRATCH/repo"} 1
