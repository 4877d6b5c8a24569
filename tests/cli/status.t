# What monitoring reads.
$ index idx 20
$ stampede init repo --targets idx --bins 4 --now $(at 1) >/dev/null
$ stampede status repo --now $(at 1) | grep -v ^disk
nothing is published yet; run 'stampede sign'
root       version 1        expires 2031-01-01T12:00:00Z, in 365 d
last run   none on record
$ stampede status repo --now $(at 1) --expires-within 12h >/dev/null
2> stampede: status: what is published is not complete
= 1
$ stampede sign repo --now $(at 2) --quiet >/dev/null
$ stampede status repo --now $(at 2) | sed 's/; [0-9.]* s in all/; N s in all/; s/, [0-9.]* [kMG]*B.s;/, RATE;/' | grep -v ^disk
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
$ stampede status repo --now $(at 2) --expires-within 2d >/dev/null
2> stampede: status: timestamp expires within the time asked for
= 1
$ stampede status repo --now $(at 5) --json | tr ',' '\n' | grep -E 'first_expiry|bins_missing|problems|coverage|"faults"|timestamp'
"timestamp":1}
"timestamp":"2030-01-03T12:00:00Z"}
"timestamp":-172800}
"first_expiry":"2030-01-03T12:00:00Z"
"first_expiry_role":"timestamp"
"bins_missing":0
"problems":2
"coverage_percent":100.0
"faults":0
$ rm repo/public/metadata/*.bin-n-2.json
$ stampede status repo --now $(at 2) | grep MISSING
MISSING    1 of 4 bins are not there
$ stampede status repo --now $(at 2) --expires-within 1h >/dev/null
2> stampede: status: what is published is not complete
= 1
$ stampede status idx
2> stampede: repository: idx: has no stampede.json; name a repository made by `stampede init`
= 2
$ stampede status repo --expires-within soon
2> stampede: status: --expires-within soon: give a time such as 90m, 12h or 7d; see 'stampede status --help'
= 2
$ stampede status
2> stampede: status: give one repository; see 'stampede status --help'
= 2
