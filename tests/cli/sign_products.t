# --report, --metrics and --log-format.
$ index tree 20 && stampede init repo --targets tree --bins 16 >/dev/null
$ stampede sign repo --report run.html --metrics run.prom >/dev/null
$ head -n 1 run.html && grep -c '<svg' run.html
<!doctype html>
* (glob)
$ grep -E '^stampede_(targets|faults|last_run_success|files_hashed)\{' run.prom
stampede_last_run_success{repo="repo"} 1
stampede_targets{repo="repo"} 20
stampede_files_hashed{repo="repo"} 20
stampede_faults{repo="repo"} 0
$ grep -c '^stampede_last_success_timestamp_seconds{' run.prom
1

# A run that fails keeps the time of the last success and says that it failed.
$ mkfifo tree/packages/pipe && stampede sign repo --metrics run.prom --report run.html
2> stampede: scan: packages/pipe: is a FIFO* (glob)
2> stampede: sign: 1 path cannot be signed* (glob)
= 3
$ grep -E '^stampede_(last_run_success|faults)\{' run.prom
stampede_last_run_success{repo="repo"} 0
stampede_faults{repo="repo"} 1
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
2> stampede: sign: --log-format takes one of text, json, not 'yaml'; see 'stampede sign --help'
= 2
