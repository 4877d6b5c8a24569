# gc removes what no client can need any more.
$ index idx 20
$ stampede init repo --targets idx --bins 4 --profile compat --now $(at 1) --quiet > /dev/null
$ stampede gc repo --now $(at 1)
removed 0 metadata files and 0 target links, 0 B (snapshots: 0)
nothing is published yet
$ for day in 2 3 4 5; do rm "$(find idx/packages -type f | sort | head -n 1)"; stampede sign repo --now $(at $day) --json > /dev/null; done
2> stampede: publish: timestamp.json: expires 2030-01-04T12:00:00Z, before the run after next at the interval seen (86400 s); sign more often, or raise the expiry in stampede.json
2> stampede: publish: timestamp.json: expires 2030-01-05T12:00:00Z, before the run after next at the interval seen (86400 s); sign more often, or raise the expiry in stampede.json
2> stampede: publish: timestamp.json: expires 2030-01-06T12:00:00Z, before the run after next at the interval seen (86400 s); sign more often, or raise the expiry in stampede.json
$ stampede gc repo --now $(at 5) --dry-run
would remove 5 metadata files and 1 target links, 5.76 kB (snapshots: 1)
kept 16 metadata files and 18 target links for 3 snapshots from version 2 on, and 1 roots
$ stampede gc repo --now $(at 5) --keep 1 --dry-run
would remove 10 metadata files and 2 target links, 11.31 kB (snapshots: 2)
kept 11 metadata files and 17 target links for 2 snapshots from version 3 on, and 1 roots
$ ls repo/public/metadata | grep -c snapshot
4
$ stampede gc repo --now $(at 5) --keep 1 --grace 1h --json
{"dry_run":false,"files_removed":10,"bytes_removed":11312,"links_removed":2,"snapshots_removed":2,"audit_lines_removed":0,"snapshots_kept":2,"oldest_kept":3,"files_kept":11,"links_kept":17,"roots_kept":1,"strangers":0,"unknown":[],"damaged":0}
$ ls repo/public/metadata
1.root.json
1.targets.json
3.bin-n-0.json
3.bin-n-1.json
3.bin-n-2.json
3.bin-n-3.json
3.snapshot.json
4.bin-n-0.json
4.bin-n-1.json
4.bin-n-2.json
4.bin-n-3.json
4.snapshot.json
timestamp.json
$ ls repo/state/commits
3.json
4.json
$ stampede verify repo --now $(at 5) --json | grep -c '"errors":0'
1

# Files that stampede did not make stay, and are named.
$ echo own >repo/public/targets/robots.txt; touch "repo/public/targets/$(printf 'a\033[31m')" repo/public/metadata/index.html
$ stampede gc repo --now $(at 5) --keep 1 --grace 1h
removed 0 metadata files and 0 target links, 0 B (snapshots: 0)
kept 11 metadata files and 17 target links for 2 snapshots from version 3 on, and 1 roots
left alone 3 unknown files, which stampede did not make:
  public/metadata/index.html
  public/targets/a\x1b[31m
  public/targets/robots.txt
$ stampede gc repo --now $(at 5) --keep 1 --grace 1h --json | grep -o '"strangers.*'
"strangers":3,"unknown":["public/metadata/index.html","public/targets/a\\x1b[31m","public/targets/robots.txt"],"damaged":0}
$ rm repo/public/targets/robots.txt repo/public/targets/a* repo/public/metadata/index.html

# A publication in the future: the clock is wrong, or it was.
$ stampede gc repo --now $(at 4)
2> stampede: published: timestamp.json: was published at 2030-01-05T12:00:00Z, after this run's time; set the clock right. If it is right now and was ahead then: --after-clock-error
= 3
$ stampede gc repo --now $(at 4) --after-clock-error --keep 1 --grace 1h
removed 0 metadata files and 0 target links, 0 B (snapshots: 0)
kept 11 metadata files and 17 target links for 2 snapshots from version 3 on, and 1 roots
$ stampede gc repo --now $(at 5) --after-clock-error
2> stampede: published: --after-clock-error: is not needed: nothing was published after this run's time; leave it out
= 2
$ stampede gc repo --grace 5
2> stampede: gc: --grace takes a time with its unit, such as 90m, 12h or 7d, not '5'; see 'stampede gc --help'
= 2
$ stampede gc repo --keep 0
2> stampede: gc: --keep takes a whole number from 1 to 1000000, not '0'; see 'stampede gc --help'
= 2
$ stampede gc
2> stampede: gc: give one REPO; see 'stampede gc --help'
= 2

# What init --update made since the last sign is kept, however often it ran: the next sign goes from one version to the next.
$ index twice 10 && stampede init renewed --targets twice --bins 4 --now $(at 1) --quiet && stampede sign renewed --now $(at 2) --quiet
$ for i in 1 2 3; do stampede init renewed --update --yes --quiet --now $(at 2); done; stampede gc renewed --now $(at 9) --quiet; ls renewed/public/metadata | grep -E 'targets|bins' | paste -sd ' '
1.bins.json 1.targets.json 2.bins.json 2.targets.json 3.bins.json 3.targets.json 4.bins.json 4.targets.json
$ stampede sign renewed --now $(at 9) --quiet && stampede gc renewed --keep 1 --now $(at 20) --quiet && ls renewed/public/metadata | grep -E 'targets|bins' | paste -sd ' ' && stampede verify renewed --now $(at 9) | tail -n 1
4.bins.json 4.targets.json
no findings
