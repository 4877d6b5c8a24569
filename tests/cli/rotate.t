# `status` and `verify` while an online key is replaced: no problem is reported, and how far it is.
$ hour() { date -u -d "2026-01-01 + $1 hours" +%FT%TZ; }
$ mkdir index && echo a > index/a.whl
$ stampede init repo --targets index --bins 2 --now $(hour 0) --quiet >out
$ stampede sign repo --now $(hour 1) --quiet
$ stampede key new repo/keys/second --now $(hour 2) --quiet >out 2>err
$ rotation() { stampede status repo --now $(hour $1) 2>&1 | grep -E '^rotation|not in order'; stampede status repo --now $(hour $1) --json | grep -o '"rotation":{[^}]*}'; }
$ rotation 2
"rotation":{"phase":"none","until":null}
$ stampede rotate repo --online-key repo/keys/second.key.json --yes --now $(hour 2) --quiet >out 2>err || cat err
$ rotation 2
rotation   staged: the next 'stampede sign' publishes the new online keys
"rotation":{"phase":"staged","until":null}
$ stampede sign repo --now $(hour 3) --quiet 2>err
$ rotation 4
rotation   the old and the new online keys sign until 2026-01-03T03:00:00Z, in 47 h 0 m
"rotation":{"phase":"overlap","until":"2026-01-03T03:00:00Z"}
$ stampede verify repo --now $(hour 4) --quiet | grep -E '^(error|warning)'
= 1
$ stampede sign repo --now $(hour 52) --quiet 2>err; ls repo/keys
ledger.key
second.key.json
second.pem
$ rotation 52
"rotation":{"phase":"none","until":null}
