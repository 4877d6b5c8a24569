# verify exits with 1 and prints a line for each finding; status shows what is published.
$ index idx 40
$ stampede init repo --targets idx --bins 16 --now $(at 1) >/dev/null
$ stampede verify repo --now $(at 1)
repo/public/metadata
  root       version 1        expires 2031-01-01T12:00:00Z
  0 bins (none), 0 targets of 0 B, 0 B of bin metadata
  3 signatures checked, 3 of them by two libraries
error: file-missing: timestamp.json: is not there
1 errors, 0 warnings
= 1
$ stampede status repo --now $(at 1) | grep -vE '^(signers|calendar)'
nothing is published yet; run 'stampede sign'
root       version 1        expires 2031-01-01T12:00:00Z, in 365 d
last run   none on record
disk       metadata *, target files *, state * (glob)
$ stampede sign repo --now $(at 2) --quiet >/dev/null
$ stampede verify repo --now $(at 2)
repo/public/metadata
  root       version 1        expires 2031-01-01T12:00:00Z
  timestamp  version 1        expires 2030-01-03T12:00:00Z
  snapshot   version 1        expires 2030-01-03T12:00:00Z
  targets    version 1        expires 2031-01-01T12:00:00Z
  bins       version 1        expires 2031-01-01T12:00:00Z
  16 bins (succinct), 40 targets of 173.66 kB, 16.35 kB of bin metadata
  25 signatures checked, 25 of them by two libraries
...
no findings
$ stampede verify repo/public/metadata --now $(at 2)
repo/public/metadata
  root       version 1        expires 2031-01-01T12:00:00Z
  timestamp  version 1        expires 2030-01-03T12:00:00Z
  snapshot   version 1        expires 2030-01-03T12:00:00Z
  targets    version 1        expires 2031-01-01T12:00:00Z
  bins       version 1        expires 2031-01-01T12:00:00Z
  16 bins (succinct), 40 targets of 173.66 kB, 16.35 kB of bin metadata
  25 signatures checked, 25 of them by two libraries
...
no findings
$ stampede status repo --now $(at 2) | grep -vE '^(signers|calendar)'
root       version 1        expires 2031-01-01T12:00:00Z, in 364 d
targets    version 1        expires 2031-01-01T12:00:00Z, in 364 d
bins       version 1        expires 2031-01-01T12:00:00Z, in 364 d
bin-n      version 1        expires 2030-01-03T12:00:00Z, in 24 h 0 m
snapshot   version 1        expires 2030-01-03T12:00:00Z, in 24 h 0 m
timestamp  version 1        expires 2030-01-03T12:00:00Z, in 24 h 0 m
last run   2030-01-02T12:00:00Z, 0 s ago
coverage   100 %: 40 targets of 173.66 kB, 0 files at fault
hashed     40 files, 173.66 kB, * (glob)
oldest     digest verified * (glob)
disk       metadata *, target files *, state * (glob)

# Expired.
$ stampede verify repo --now $(at 9)
repo/public/metadata
  root       version 1        expires 2031-01-01T12:00:00Z
  timestamp  version 1        expires 2030-01-03T12:00:00Z
  snapshot   version 1        expires 2030-01-03T12:00:00Z
  targets    version 1        expires 2031-01-01T12:00:00Z
  bins       version 1        expires 2031-01-01T12:00:00Z
  16 bins (succinct), 40 targets of 173.66 kB, 16.35 kB of bin metadata
  25 signatures checked, 25 of them by two libraries
...
error: expired: 1.bin-n-0.json: expired at 2030-01-03T12:00:00Z
...
18 errors, 0 warnings
= 1

# One bin with one other byte; a missing bin; a truncated snapshot.
$ cp -r repo/public/metadata good
$ bin=$(cd good && ls -S *bin-n-*.json | head -n 1); sed -i 's/"length":/"length":9/' repo/public/metadata/$bin
$ stampede verify repo --now $(at 2)
repo/public/metadata
  root       version 1        expires 2031-01-01T12:00:00Z
  timestamp  version 1        expires 2030-01-03T12:00:00Z
  snapshot   version 1        expires 2030-01-03T12:00:00Z
  targets    version 1        expires 2031-01-01T12:00:00Z
  bins       version 1        expires 2031-01-01T12:00:00Z
  16 bins (succinct), 40 targets of 263.65 kB, 16.35 kB of bin metadata
  25 signatures checked, 25 of them by two libraries
...
error: threshold: 1.bin-n-4.json: has 0 good signatures of bin-n-4, needs 1
error: signature: 1.bin-n-4.json: the signature of * is wrong (glob)
2 errors, 0 warnings
= 1
$ rm repo/public/metadata/$bin; stampede verify repo --now $(at 2)
repo/public/metadata
  root       version 1        expires 2031-01-01T12:00:00Z
  timestamp  version 1        expires 2030-01-03T12:00:00Z
  snapshot   version 1        expires 2030-01-03T12:00:00Z
  targets    version 1        expires 2031-01-01T12:00:00Z
  bins       version 1        expires 2031-01-01T12:00:00Z
  16 bins (succinct), 34 targets of 151.84 kB, 14.44 kB of bin metadata
  24 signatures checked, 24 of them by two libraries
...
error: file-missing: 1.bin-n-4.json: is not there
1 errors, 0 warnings
= 1
$ cp good/$bin repo/public/metadata/
$ snapshot=$(ls good | grep snapshot); head -c 200 good/$snapshot >repo/public/metadata/$snapshot
$ stampede verify repo --now $(at 2)
repo/public/metadata
  root       version 1        expires 2031-01-01T12:00:00Z
  timestamp  version 1        expires 2030-01-03T12:00:00Z
  0 bins (none), 0 targets of 0 B, 0 B of bin metadata
  4 signatures checked, 4 of them by two libraries
error: json: 1.snapshot.json: is not JSON: premature end of input at byte 200
error: length: 1.snapshot.json: has 200 bytes, but 857 are listed
error: hash: 1.snapshot.json: sha256 is *, but * is listed (glob)
3 errors, 0 warnings
= 1
$ cp good/$snapshot repo/public/metadata/; stampede verify repo --now $(at 2) --quiet
repo/public/metadata
  root       version 1        expires 2031-01-01T12:00:00Z
  timestamp  version 1        expires 2030-01-03T12:00:00Z
  snapshot   version 1        expires 2030-01-03T12:00:00Z
  targets    version 1        expires 2031-01-01T12:00:00Z
  bins       version 1        expires 2031-01-01T12:00:00Z
  16 bins (succinct), 40 targets of 173.66 kB, 16.35 kB of bin metadata
  25 signatures checked, 25 of them by two libraries
...
no findings

# A folder that is not a repository.
$ stampede verify
2> stampede: verify: give one repository or metadata folder; see 'stampede verify --help'
= 2
$ stampede verify missing
2> stampede: verify: missing: holds no metadata (timestamp.json or 1.root.json); give a repository or its metadata folder
= 2
$ stampede verify idx
2> stampede: verify: idx: holds no metadata (timestamp.json or 1.root.json); give a repository or its metadata folder
= 2
# A repository that lost its stampede.json is reported as such.
$ stampede init lost --targets idx --bins 2 --quiet >/dev/null && mv lost/public away && stampede verify lost
2> stampede: verify: lost: is a repository that has lost its public/metadata, or the timestamp.json and 1.root.json in it; restore public/metadata from a backup or a mirror
= 3
# Files that have the name of metadata but are not.
$ mv away lost/public && stampede sign lost --quiet && mkfifo lost/public/metadata/3.snapshot.json && mkdir lost/public/metadata/9.bin-n-0.json && stampede verify lost | grep '^[a-z]*: file-stray'
warning: file-stray: 3.snapshot.json: is not a regular file, as metadata must be; find out who put it there, and remove it
warning: file-stray: 9.bin-n-0.json: is not a regular file, as metadata must be; find out who put it there, and remove it
= 1
$ stampede status
2> stampede: status: give one repository; see 'stampede status --help'
= 2
$ stampede status missing
2> stampede: repository: missing: cannot open: No such file or directory; name a repository made by `stampede init`
= 2
$ stampede status repo --json --now $(at 2) | sed 's/"signers".*//' | grep -oE '"(targets|bins)":[0-9]+'
"targets":1
"bins":1
"targets":31449600
"bins":31449600
"targets":40
