# What monitoring reads.
$ index idx 20
$ stampede init repo --targets idx --bins 4 --now $(at 1) >/dev/null
$ stampede status repo --now $(at 1) | grep -vE '^(disk|signers|calendar)'
nothing is published yet; run 'stampede sign'
root       version 1        expires 2031-01-01T12:00:00Z, in 365 d
last run   none on record
$ stampede status repo --now $(at 1) --expires-within 12h >/dev/null
2> stampede: status: nothing is published yet; run 'stampede sign'
= 1
$ stampede sign repo --now $(at 2) --quiet >/dev/null
$ stampede status repo --now $(at 2) | sed 's/; [0-9.]* s in all/; N s in all/; s/, [0-9.]* [kMG]*B.s;/, RATE;/' | grep -vE '^(disk|signers|calendar)'
root       version 1        expires 2031-01-01T12:00:00Z, in 364 d
targets    version 1        expires 2031-01-01T12:00:00Z, in 364 d
bins       version 1        expires 2031-01-01T12:00:00Z, in 364 d
bin-n      version 1        expires 2030-01-03T12:00:00Z, in 24 h 0 m
snapshot   version 1        expires 2030-01-03T12:00:00Z, in 24 h 0 m
timestamp  version 1        expires 2030-01-03T12:00:00Z, in 24 h 0 m
last run   2030-01-02T12:00:00Z, 0 s ago
coverage   100 %: 20 targets of 72.78 kB, 0 files at fault
hashed     20 files, 72.78 kB, RATE; 0 reused; N s in all
oldest     digest verified * (glob)
$ stampede status repo --now $(at 2) --expires-within 12h --quiet >/dev/null
$ stampede status repo --now $(at 2) --expires-within 2d --json | grep -o '"expires_within":[^]]*]'
"expires_within":["bin_n","snapshot","timestamp"]
2> stampede: status: bin-n: expires at 2030-01-03T12:00:00Z, in 24 h 0 m; run 'stampede sign'
2> stampede: status: snapshot: expires at 2030-01-03T12:00:00Z, in 24 h 0 m; run 'stampede sign'
2> stampede: status: timestamp: expires at 2030-01-03T12:00:00Z, in 24 h 0 m; run 'stampede sign'
= 1
$ stampede status repo --now $(at 2) --expires-within 2d >/dev/null
2> stampede: status: bin-n: expires at 2030-01-03T12:00:00Z, in 24 h 0 m; run 'stampede sign'
2> stampede: status: snapshot: expires at 2030-01-03T12:00:00Z, in 24 h 0 m; run 'stampede sign'
2> stampede: status: timestamp: expires at 2030-01-03T12:00:00Z, in 24 h 0 m; run 'stampede sign'
= 1
$ stampede status repo --now $(at 5) --json | sed 's/"signers".*//' | tr ',' '\n' | grep -E 'first_expiry|bins_missing|problems|coverage|"faults"|timestamp'
"timestamp":1}
"timestamp":"2030-01-03T12:00:00Z"}
"timestamp":-172800}
"first_expiry":"2030-01-03T12:00:00Z"
"first_expiry_role":"timestamp"
"bins_missing":0
"problems":2
"timestamp.json: expired at 2030-01-03T12:00:00Z"]
"coverage_percent":100.0
"faults":0
2> stampede: status: bin-n: expired at 2030-01-03T12:00:00Z, 2 d ago; run 'stampede sign'
2> stampede: status: snapshot: expired at 2030-01-03T12:00:00Z, 2 d ago; run 'stampede sign'
2> stampede: status: timestamp: expired at 2030-01-03T12:00:00Z, 2 d ago; run 'stampede sign'
= 1
$ rm repo/public/metadata/*.bin-n-2.json
$ stampede status repo --now $(at 2) | grep MISSING
MISSING    1 of 4 bins are not there
2> stampede: status: what is published is not in order; 'stampede verify' lists what is wrong
= 1
$ stampede status repo --now $(at 2) --expires-within 1h >/dev/null
2> stampede: status: what is published is not in order; 'stampede verify' lists what is wrong
= 1

# Expired roles are not a success, asked for or not; the next sign renews online roles.
$ stampede sign repo --now $(at 3) --quiet >/dev/null
$ stampede status repo --now $(at 4) | grep -E 'PROBLEM|^timestamp'
timestamp  version 2        expires 2030-01-04T12:00:00Z, 0 s ago
PROBLEM    2.snapshot.json: expired at 2030-01-04T12:00:00Z
PROBLEM    timestamp.json: expired at 2030-01-04T12:00:00Z
2> stampede: status: bin-n: expired at 2030-01-04T12:00:00Z, 0 s ago; run 'stampede sign'
2> stampede: status: snapshot: expired at 2030-01-04T12:00:00Z, 0 s ago; run 'stampede sign'
2> stampede: status: timestamp: expired at 2030-01-04T12:00:00Z, 0 s ago; run 'stampede sign'
= 1
$ stampede status repo --now $(at 4) --quiet >/dev/null
= 1

# A number without a unit could be seconds or days.
$ stampede status repo --expires-within 90
2> stampede: status: --expires-within takes a time with its unit, such as 90m, 12h or 7d, not '90'; see 'stampede status --help'
= 2
$ stampede status repo --expires-within root=30
2> stampede: status: --expires-within takes a time with its unit, such as 90m, 12h or 7d, not '30'; see 'stampede status --help'
= 2
$ stampede status repo --expires-within day=30d
2> stampede: status: --expires-within ROLE=TIME takes one of root, targets, bins, bin-n, snapshot, timestamp, online, offline, not 'day'; see 'stampede status --help'
= 2
$ stampede status repo --expires-within root=30d,timestamp
2> stampede: status: --expires-within takes a time with its unit, such as 90m, 12h or 7d, not 'timestamp'; see 'stampede status --help'
= 2
$ stampede status repo --expires-within root=99999999999d
2> stampede: status: --expires-within takes a time with its unit, such as 90m, 12h or 7d, not '99999999999d'; see 'stampede status --help'
= 2
$ stampede status repo --expires-within ''
2> stampede: status: --expires-within takes a time with its unit, such as 90m, 12h or 7d, not ''; see 'stampede status --help'
= 2

# Root, targets and bins are counted separately: TIME alone is for what every run renews, and they are due
# thirty days before they expire.
$ stampede sign repo --now 2030-11-30T12:00:00Z --quiet >/dev/null
$ stampede status repo --now 2030-11-30T12:00:00Z --expires-within 12h >/dev/null
$ stampede sign repo --now 2030-12-02T12:00:00Z --quiet >/dev/null
2> stampede: expiry: root: expires at 2031-01-01T12:00:00Z, in 30 days, and clients accept nothing after that; renew it with the offline keys: stampede init REPO --update
2> stampede: expiry: targets: expires at 2031-01-01T12:00:00Z, in 30 days, and clients accept nothing after that; renew it with the offline keys: stampede init REPO --update
2> stampede: expiry: bins: expires at 2031-01-01T12:00:00Z, in 30 days, and clients accept nothing after that; renew it with the offline keys: stampede init REPO --update
$ stampede status repo --now 2030-12-02T12:00:00Z >/dev/null
$ stampede status repo --now 2030-12-02T12:00:00Z --expires-within 12h >/dev/null
2> stampede: status: root: expires at 2031-01-01T12:00:00Z, in 30 d; renew it with the offline keys: stampede init REPO --update
2> stampede: status: targets: expires at 2031-01-01T12:00:00Z, in 30 d; renew it with the offline keys: stampede init REPO --update
2> stampede: status: bins: expires at 2031-01-01T12:00:00Z, in 30 d; renew it with the offline keys: stampede init REPO --update
= 1
$ stampede status repo --now 2030-12-02T12:00:00Z --expires-within root=29d,targets=29d --expires-within bins=29d >/dev/null
$ stampede status repo --now 2030-12-02T12:00:00Z --expires-within 12h,root=31d,targets=1d,bins=0m >/dev/null
2> stampede: status: root: expires at 2031-01-01T12:00:00Z, in 30 d; renew it with the offline keys: stampede init REPO --update
= 1
$ stampede status repo --now 2030-12-02T12:00:00Z --expires-within timestamp=25h --json | grep -o '"expires_within":[^]]*]'
"expires_within":["timestamp"]
2> stampede: status: timestamp: expires at 2030-12-03T12:00:00Z, in 24 h 0 m; run 'stampede sign'
= 1

# Every run reports it, and continues.
$ stampede sign repo --now 2030-12-03T12:00:00Z --quiet >/dev/null
2> stampede: expiry: root: expires at 2031-01-01T12:00:00Z, in 29 days, and clients accept nothing after that; renew it with the offline keys: stampede init REPO --update
2> stampede: expiry: targets: expires at 2031-01-01T12:00:00Z, in 29 days, and clients accept nothing after that; renew it with the offline keys: stampede init REPO --update
2> stampede: expiry: bins: expires at 2031-01-01T12:00:00Z, in 29 days, and clients accept nothing after that; renew it with the offline keys: stampede init REPO --update
$ stampede sign repo --now 2030-12-31T13:00:00Z --quiet --json | grep -oE '"notes":.*expires at[^"]*"|"expiries":[^}]*'
"notes":[{"stage":"expiry","subject":"root","text":"expires at 2031-01-01T12:00:00Z, in 23 hours, and clients accept nothing after that; renew it with the offline keys: stampede init REPO --update"},{"stage":"expiry","subject":"targets","text":"expires at 2031-01-01T12:00:00Z, in 23 hours, and clients accept nothing after that; renew it with the offline keys: stampede init REPO --update"},{"stage":"expiry","subject":"bins","text":"expires at 2031-01-01T12:00:00Z, in 23 hours, and clients accept nothing after that; renew it with the offline keys: stampede init REPO --update"
"expiries":{"root":"2031-01-01T12:00:00Z","targets":"2031-01-01T12:00:00Z","bins":"2031-01-01T12:00:00Z","bin_n":null,"snapshot":null,"timestamp":"2030-12-04T12:00:00Z"
2> stampede: expiry: root: expires at 2031-01-01T12:00:00Z, in 23 hours, and clients accept nothing after that; renew it with the offline keys: stampede init REPO --update
2> stampede: expiry: targets: expires at 2031-01-01T12:00:00Z, in 23 hours, and clients accept nothing after that; renew it with the offline keys: stampede init REPO --update
2> stampede: expiry: bins: expires at 2031-01-01T12:00:00Z, in 23 hours, and clients accept nothing after that; renew it with the offline keys: stampede init REPO --update
2> stampede: published: root: expires at 2031-01-01T12:00:00Z, before what this run would sign; renew it: stampede init --update
= 3
# Shorter periods are due later: at a tenth.
$ stampede init short --targets idx --bins 4 --now $(at 1) --quiet >/dev/null
$ sed -i -E 's/"(root|targets|bins)": [0-9]{5,}/"\1": 1728000/' short/stampede.json && stampede init short --update --yes --now $(at 1) --quiet >/dev/null
$ stampede sign short --now $(at 18) --quiet >/dev/null
$ stampede sign short --now $(at 19) --quiet >/dev/null
2> stampede: expiry: root: expires at 2030-01-21T12:00:00Z, in 2 days, and clients accept nothing after that; renew it with the offline keys: stampede init REPO --update
2> stampede: expiry: targets: expires at 2030-01-21T12:00:00Z, in 2 days, and clients accept nothing after that; renew it with the offline keys: stampede init REPO --update
2> stampede: expiry: bins: expires at 2030-01-21T12:00:00Z, in 2 days, and clients accept nothing after that; renew it with the offline keys: stampede init REPO --update

# A run that ended early says nothing about coverage.
$ stampede init fresh --targets idx --bins 4 --now $(at 1) --quiet >/dev/null && mv idx away
$ stampede sign fresh --now $(at 2)
2> stampede: scan: SCRATCH/idx: cannot open the targets folder (No such file or directory); mount it, or correct "targets_dir" in stampede.json
= 2
$ stampede status fresh --now $(at 2) | grep -vE '^(disk|signers|calendar)'
nothing is published yet; run 'stampede sign'
root       version 1        expires 2031-01-01T12:00:00Z, in 364 d
last run   2030-01-02T12:00:00Z, 0 s ago, nothing published
error      stampede: scan: SCRATCH/idx: cannot open the targets folder (No such file or directory); mount it, or correct "targets_dir" in stampede.json
coverage   not known: the run ended before it had seen the whole index
hashed     0 files, 0 B; 0 reused; 0.0 s in all
$ stampede status fresh --now $(at 2) --json | grep -oE '"coverage_percent":[^,]*'
"coverage_percent":null
$ mv away idx

# Nor is what a refused run found the same as what is published.
$ stampede init refused --targets idx --bins 4 --now $(at 1) --quiet >/dev/null
$ stampede sign refused --now $(at 2) --metrics m.prom --quiet >/dev/null
$ mv idx away && mkdir idx
$ stampede sign refused --now 2030-01-03T10:00:00Z --metrics m.prom --quiet >/dev/null 2>&1
= 3
$ stampede status refused --now 2030-01-03T11:00:00Z | grep -E '^(coverage|found)'
found      0 targets of 0 B, 0 files at fault; not published
$ stampede status refused --now 2030-01-03T11:00:00Z --json | grep -oE '"coverage_percent":[^,]*'
"coverage_percent":null
$ grep -E '^stampede_(targets|target_bytes|metadata_version|last_run_published)[{]' m.prom | sed 's/{.*}//'
stampede_last_run_published 0
stampede_targets 20
stampede_target_bytes 72779
stampede_metadata_version 1
$ stampede sign refused --now 2030-01-03T10:00:00Z --metrics new.prom --quiet >/dev/null 2>&1
= 3
$ grep -E '^stampede_(targets|target_bytes|metadata_version)[{]' new.prom
= 1
$ rmdir idx && mv away idx

# Damage is not a success, and is named; before the first sign nothing is published yet.
$ stampede init broken --targets idx --bins 4 --now $(at 1) --quiet >/dev/null && stampede status broken --now $(at 1) >/dev/null
$ mv broken/public/metadata/1.root.json root.json && stampede status broken --now $(at 1) | grep -vE '^(disk|signers|calendar)'
nothing is published yet
PROBLEM    1.root.json: is not there
last run   none on record
2> stampede: status: 1.root.json: is not there
= 1
$ mv root.json broken/public/metadata/1.root.json && stampede sign broken --now $(at 2) --quiet >/dev/null
$ mv broken/public/metadata/timestamp.json timestamp.json && stampede status broken --now $(at 2) | grep -vE '^(disk|oldest|hashed|signers|calendar)'
root       version 1        expires 2031-01-01T12:00:00Z, in 364 d
PROBLEM    timestamp.json: is not there
last run   2030-01-02T12:00:00Z, 0 s ago
coverage   100 %: 20 targets of 72.78 kB, 0 files at fault
2> stampede: status: what is published is not in order; 'stampede verify' lists what is wrong
= 1
$ echo '{}' >broken/public/metadata/timestamp.json && stampede status broken --now $(at 2) | grep -E '^(nothing|PROBLEM)'
PROBLEM    timestamp.json: file.signatures is missing (an array is needed)
PROBLEM    timestamp.json: file.signed is missing (an object is needed)
2> stampede: status: what is published is not in order; 'stampede verify' lists what is wrong
= 1
$ cp timestamp.json broken/public/metadata/timestamp.json && stampede status broken --now $(at 2) >/dev/null
$ : >broken/public/metadata/1.bin-n-2.json && stampede status broken --now $(at 2) | grep -E '^(MISSING|BROKEN)'
BROKEN     1 of 4 bins cannot be read
2> stampede: status: what is published is not in order; 'stampede verify' lists what is wrong
= 1
$ stampede status broken --now $(at 2) --json | grep -oE '"(bins_unreadable|problems)":[0-9]+'
"bins_unreadable":1
"problems":0
2> stampede: status: what is published is not in order; 'stampede verify' lists what is wrong
= 1
# An older copy of public/metadata that was restored.
$ stampede sign broken --now $(at 2) --quiet >/dev/null && cp -a broken/public/metadata old-metadata && stampede sign broken --now $(at 2) --quiet >/dev/null
$ rm -r broken/public/metadata && mv old-metadata broken/public/metadata && stampede status broken --now $(at 2) | grep -E '^PROBLEM'
PROBLEM    snapshot.json: is version 2, but version 3 was published; restore public/metadata from a backup or a mirror
PROBLEM    timestamp.json: is version 2, but version 3 was published; restore public/metadata from a backup or a mirror
2> stampede: status: what is published is not in order; 'stampede verify' lists what is wrong
= 1
$ echo x >>broken/state/floors && stampede status broken --now $(at 2) | grep -E '^PROBLEM'
PROBLEM    state/floors: is damaged; restore state/ and keys/ from one backup
2> stampede: status: what is published is not in order; 'stampede verify' lists what is wrong
= 1
$ stampede status idx
2> stampede: repository: idx: has no stampede.json; name a repository made by `stampede init`
= 2
$ stampede status repo --expires-within soon
2> stampede: status: --expires-within takes a time with its unit, such as 90m, 12h or 7d, not 'soon'; see 'stampede status --help'
= 2
$ stampede status
2> stampede: status: give one repository; see 'stampede status --help'
= 2

# A folder that cannot be listed is named, with its path.
$ cp -r refused listed && rm -r listed/keys listed/state/floors && mkdir -p listed/state/one/two && chmod -R a+rX listed && chmod 000 listed/state/one/two
$ as_user stampede status listed --now 2030-01-03T10:00:00Z >/dev/null
2> stampede: status: state/one/two: cannot list the folder: Permission denied
= 3
$ chmod 755 listed/state/one/two && chmod 000 listed/state/ledger && as_user stampede status listed --now 2030-01-03T10:00:00Z >/dev/null
2> stampede: status: state/ledger: cannot list the folder: Permission denied
= 3
