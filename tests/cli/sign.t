# The first run, a second of an unchanged index, and one after changes.
$ index idx 40
$ stampede init repo --targets idx --bins 16 --now $(at 1) >/dev/null
$ counts() { grep -oE '"(targets|bins|files_hashed|files_reused|files_removed|faults)":[0-9]+' "$1" | head -n 6; }
$ stampede sign repo --now $(at 2) --json --quiet >first.json; echo $?; counts first.json
0
"targets":40
"bins":16
"files_hashed":40
"files_reused":0
"files_removed":0
"faults":0
$ ls repo/public/metadata | sed 's/^[0-9]*\./N./' | sort
N.bin-n-0.json
N.bin-n-1.json
N.bin-n-2.json
N.bin-n-3.json
N.bin-n-4.json
N.bin-n-5.json
N.bin-n-6.json
N.bin-n-7.json
N.bin-n-8.json
N.bin-n-9.json
N.bin-n-a.json
N.bin-n-b.json
N.bin-n-c.json
N.bin-n-d.json
N.bin-n-e.json
N.bin-n-f.json
N.bins.json
N.root.json
N.snapshot.json
N.targets.json
timestamp.json
$ stampede verify repo --now $(at 2)
repo/public/metadata
  root       version 1        expires 2031-01-01T12:00:00Z
  timestamp  version 1        expires 2030-01-03T12:00:00Z
  snapshot   version 1        expires 2030-01-03T12:00:00Z
  targets    version 1        expires 2031-01-01T12:00:00Z
  bins       version 1        expires 2031-01-01T12:00:00Z
  16 bins (succinct), 40 targets of 173.66 kB, 16.35 kB of bin metadata
  25 signatures checked, 25 of them by two libraries
  40 names looked at as a web server would serve them
clients
  python-tuf     yes
  tuf-js         yes
  go-tuf 2       yes
  tough          no       does not support succinct delegations (TAP 15); does not support sha512 as the only hash
  php-tuf        yes
  rust-tuf       no       does not support succinct delegations (TAP 15); it is not known whether it accepts sha512 as the only hash
  sigstore-java  no       does not support succinct delegations (TAP 15); it is not known whether it accepts sha512 as the only hash
no findings

$ stampede sign repo --now $(at 3) --json --quiet >second.json; echo $?; counts second.json
0
"targets":40
"bins":16
"files_hashed":0
"files_reused":40
"files_removed":0
"faults":0

$ page=$(find idx/simple -name index.html | sort | head -n 1); echo '<!-- changed -->' >>"$page"
$ mkdir -p idx/packages/zz && echo new >idx/packages/zz/new-1.0.tar.gz
$ rm "$(find idx/packages -name '*.whl' | sort | head -n 1)"
$ stampede sign repo --now $(at 4) --json --quiet >third.json; echo $?; counts third.json
0
"targets":40
"bins":16
"files_hashed":2
"files_reused":38
"files_removed":1
"faults":0
$ stampede verify repo --now $(at 4)
...
no findings

# For people.
$ stampede sign repo --now $(at 5)
signed 40 targets (172.05 kB) in 16 bins as version 4
hashed 0 files (0 B), reused 40, removed 0, left out 0
took * (glob)
published repo/public/metadata/timestamp.json, valid until 2030-01-06T12:00:00Z
2> stampede: publish: timestamp.json: expires 2030-01-06T12:00:00Z, before the run after next at the interval seen (86400 s); sign more often, or raise the expiry in stampede.json
$ stampede sign repo --now $(at 5) --dry-run
dry run: 40 targets in 16 bins, 0 files to hash (0 B), 0 removed; nothing was written

# Time does not go back.
$ stampede sign repo --now $(at 3)
2> stampede: published: timestamp.json: was published at 2030-01-05T12:00:00Z, after this run's time; set the clock right. If it is right now and was ahead then: --after-clock-error
= 3

# A distribution file never changes under its name: an alarm, nothing published.
$ file=$(find idx/packages -name '*.tar.gz' | sort | head -n 1)
$ cp repo/public/metadata/timestamp.json before.json
$ echo tampered >>"$file"
$ stampede sign repo --now $(at 6)
2> stampede: sign: packages/*.tar.gz: has other bytes than were signed before (length * is now *, sha512 *... is now *...); distribution files never change: find out who did this, then --allow-replace it or restore it (glob)
2> stampede: sign: 1 path cannot be signed, so nothing was published; fix it, or publish without it: --on-fault skip
= 3
$ cmp before.json repo/public/metadata/timestamp.json
$ stampede sign repo --now $(at 6) --allow-replace "${file#idx/}"
signed 40 targets (172.06 kB) in 16 bins as version 6
hashed 0 files (0 B), reused 40, removed 0, left out 0
took * (glob)
published repo/public/metadata/timestamp.json, valid until 2030-01-07T12:00:00Z
2> stampede: publish: timestamp.json: expires 2030-01-07T12:00:00Z, before the run after next at the interval seen (86400 s); sign more often, or raise the expiry in stampede.json
$ stampede verify repo --now $(at 6)
...
no findings
