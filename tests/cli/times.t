# Times at the limits of what can be written: refused before anything is done, or limited to that.
$ index idx 10
$ stampede init late --targets idx --bins 4 --now 9999-06-01T00:00:00Z
2> stampede: init: --now: '9999-06-01T00:00:00Z' is too late: what is signed then could expire after the year 9999; give a time before 9990; see 'stampede init --help'
= 2
$ ls -d late
2> ls: cannot access 'late': No such file or directory
= 2
$ stampede init repo --targets idx --bins 4 --now $(at 1) --quiet >/dev/null
$ stampede sign repo --now $(at 1) --json >/dev/null
$ cp -a repo good
$ stampede sign repo --now 9990-01-04T00:00:00Z
2> stampede: sign: --now: '9990-01-04T00:00:00Z' is too late: what is signed then could expire after the year 9999; give a time before 9990; see 'stampede sign --help'
= 2
$ stampede init repo --update --now 9999-12-31T23:59:59Z
2> stampede: init: --now: '9999-12-31T23:59:59Z' is too late: what is signed then could expire after the year 9999; give a time before 9990; see 'stampede init --help'
= 2
$ stampede init repo --update --now 10000-01-01T00:00:00Z
2> stampede: init: --now: '10000-01-01T00:00:00Z' is not YYYY-MM-DDTHH:MM:SSZ; see 'stampede init --help'
= 2
$ diff -r repo good

# A role that would expire in a time that cannot be written is a mistake in stampede.json.
$ sed -i 's/"timestamp": 86400/"timestamp": 315360001/' repo/stampede.json
$ stampede sign repo --now $(at 2)
2> stampede: config: stampede.json: "expiry_seconds.timestamp": must be a whole number from 3600 to 315360000
= 2
$ cp good/stampede.json repo/stampede.json

# A very long time to keep something means to keep it.
$ stampede gc repo --now $(at 2) --audit 36500d --grace 5256000d
removed 0 metadata files and 0 target links, 0 B (snapshots: 0)
kept 7 metadata files and 10 target links for 1 snapshots from version 1 on, and 1 roots
$ stampede gc repo --now 9999-12-31T23:59:59Z --audit 5256000d --keep 1 --dry-run
would remove 0 metadata files and 0 target links, 0 B (snapshots: 0)
kept 7 metadata files and 10 target links for 1 snapshots from version 1 on, and 1 roots
$ stampede gc repo --now 1970-01-01T00:00:00Z --dry-run
2> stampede: published: timestamp.json: was published *after this run's time* (glob)
= 3
$ stampede status repo --now 9999-12-31T23:59:59Z --expires-within 100000000d >/dev/null
2> stampede: status: root: quorum margin -2: 0 of * keys signed within 400 days, and 2 must sign; find * (glob)
2> stampede: status: targets: quorum margin -2: 0 of * keys signed within 400 days, and 2 must sign; find * (glob)
2> stampede: status: bins: quorum margin -2: 0 of * keys signed within 400 days, and 2 must sign; find * (glob)
2> stampede: status: root: expired at 2031-01-01T12:00:00Z, 2910616 d ago; renew it with the offline keys: stampede init REPO --update
2> stampede: status: targets: expired at 2031-01-01T12:00:00Z, 2910616 d ago; renew it with the offline keys: stampede init REPO --update
2> stampede: status: bins: expired at 2031-01-01T12:00:00Z, 2910616 d ago; renew it with the offline keys: stampede init REPO --update
2> stampede: status: bin-n: expired at 2030-01-02T12:00:00Z, 2910980 d ago; run 'stampede sign'
2> stampede: status: snapshot: expired at 2030-01-02T12:00:00Z, 2910980 d ago; run 'stampede sign'
2> stampede: status: timestamp: expired at 2030-01-02T12:00:00Z, 2910980 d ago; run 'stampede sign'
= 1
$ stampede verify repo --now 9999-12-31T23:59:59Z --expires-within 100000000d | tail -n 1
* errors, 0 warnings (glob)
= 1

# Whatever times are in state/.
$ record() { printf '{"committed_at":"%s","snapshot":1,"timestamp":1}\n' "$1" >repo/state/commits/1.json; }
$ record 9999-12-31T23:59:59Z; stampede sign repo --now $(at 2) >/dev/null
2> stampede: published: timestamp.json: was published at 9999-12-31T23:59:59Z* (glob)
= 3
$ record 12345-01-01T00:00:00Z; stampede gc repo --now $(at 2)
2> stampede: state: 1.json: is not a commit record; restore it from a backup, or remove it: gc then uses the modification time of its snapshot's file
= 3
$ cp good/state/commits/1.json repo/state/commits/
$ last_run() { printf '{"now":"%s","oldest_verified":"%s","error":"x"}' "$1" "$1" >repo/state/last-run.json; }
$ last_run 9999-12-31T23:59:59Z; stampede status repo --now $(at 1) | grep -E 'last run|oldest'
last run   9999-12-31T23:59:59Z, in 2910981 d, nothing published
oldest     digest verified 9999-12-31T23:59:59Z, in 2910981 d
$ last_run 1970-01-01T00:00:00Z; stampede status repo --now $(at 1) | grep -E 'last run|oldest'
last run   1970-01-01T00:00:00Z, 21915 d ago, nothing published
$ last_run 99999-99-99T99:99:99Z; stampede gc repo --now $(at 2) --quiet
