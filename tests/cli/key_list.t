# Who has the keys of a repository, and whether enough of them are alive.
$ stampede key list
2> stampede: key list: give one repository; see 'stampede key list --help'
= 2
$ stampede key list nowhere
2> stampede: repository: nowhere: cannot open: No such file or directory; name a repository made by `stampede init`
= 2
$ index tree 3 && stampede init repo --targets tree --bins 4 --now $(at 1) --quiet >/dev/null && stampede sign repo --now $(at 2) --quiet
$ masked() { sed -E 's/[0-9a-f]{64}|[0-9a-f]{16}…/KEYID/g'; }
$ stampede key list repo --now $(at 11) | masked
role        threshold  keys  alive  margin
root                2     3      3       1
targets             2     2      2       0
bins                2     2      2       0
(no name)   ed25519
            KEYID
            root
            last signed 1.root.json at 2030-01-01T12:00:00Z, 10 d ago
(no name)   ed25519
            KEYID
            root
            last signed 1.root.json at 2030-01-01T12:00:00Z, 10 d ago
(no name)   ed25519
            KEYID
            root
            last signed 1.root.json at 2030-01-01T12:00:00Z, 10 d ago
(no name)   ed25519
            KEYID
            targets
            last signed 1.targets.json at 2030-01-01T12:00:00Z, 10 d ago
(no name)   ed25519
            KEYID
            targets
            last signed 1.targets.json at 2030-01-01T12:00:00Z, 10 d ago
(no name)   ed25519
            KEYID
            bins
            last signed 1.bins.json at 2030-01-01T12:00:00Z, 10 d ago
(no name)   ed25519
            KEYID
            bins
            last signed 1.bins.json at 2030-01-01T12:00:00Z, 10 d ago
(no name)   ed25519
            KEYID
            online: bin-n, snapshot, timestamp
$ stampede key list repo --now $(at 11) --json | masked | grep -o '"roles":\[{.*"keys":\[{[^}]*}'
"roles":[{"role":"root","threshold":2,"keys":3,"alive":3,"margin":1,"alarm":false},{"role":"targets","threshold":2,"keys":2,"alive":2,"margin":0,"alarm":false},{"role":"bins","threshold":2,"keys":2,"alive":2,"margin":0,"alarm":false},{"role":"bin_n","threshold":1,"keys":1,"alive":null,"margin":null,"alarm":false},{"role":"snapshot","threshold":1,"keys":1,"alive":null,"margin":null,"alarm":false},{"role":"timestamp","threshold":1,"keys":1,"alive":null,"margin":null,"alarm":false}],"keys":[{"keyid":"KEYID","keytype":"ed25519","name":null,"holder":null,"roles":["root"],"online":false,"last_signature":"2030-01-01T12:00:00Z","last_document":"1.root.json","life":"alive"}

# keyring.json has what metadata cannot: names, holders, drills.
$ keyid() { python3 -c 'import json; print(sorted(json.load(open("repo/public/metadata/1.root.json"))["signed"]["roles"]["root"]["keyids"])['$1'])'; }
$ printf '{"format":1,"keys":{"%s":{"holder":"Ada","last_document":"drill","last_signature":"2031-05-01T00:00:00Z","name":"safe-1"}}}' $(keyid 0) >repo/keyring.json
$ stampede key list repo --now 2031-06-01T00:00:00Z | masked | grep -A 3 'role\|safe-1'
role        threshold  keys  alive  margin
root                2     3      1      -1  ALARM: let all keys sign a drill
targets             2     2      0      -2  ALARM: let all keys sign a drill
bins                2     2      0      -2  ALARM: let all keys sign a drill
--
safe-1      ed25519, of Ada
            KEYID
            root
            last signed drill at 2031-05-01T00:00:00Z, 31 d ago
$ printf '{"format":1,"keys":{"%s":{"nick":"x"}}}' $(keyid 0) >repo/keyring.json
$ stampede key list repo --now $(at 11) 2>&1 >/dev/null | masked
stampede: key: keyring.json: "KEYID": it has a member that is unknown; correct it, or remove the file: names and dates are then lost, keys are not
stampede: key: 1.snapshot.json: expired at 2030-01-03T12:00:00Z
stampede: key: timestamp.json: expired at 2030-01-03T12:00:00Z
stampede: key: because of that, the list may be wrong; 'stampede verify' lists all that is wrong with what is published
= 1
$ rm repo/keyring.json

# What is published does not verify: the keys are shown with a warning.
$ sed -i 's/"threshold":2/"threshold":1/' repo/public/metadata/1.root.json; stampede key list repo --now $(at 11) 2>&1 >/dev/null | masked
stampede: key: 1.root.json: has 0 good signatures of root, needs 1
stampede: key: 1.root.json: the signature of KEYID is wrong
stampede: key: 1.root.json: the signature of KEYID is wrong
stampede: key: 1.root.json: the signature of KEYID is wrong
stampede: key: 1.root.json: is not the root that stampede.json or state/ names as trusted
stampede: key: 1.snapshot.json: expired at 2030-01-03T12:00:00Z
stampede: key: timestamp.json: expired at 2030-01-03T12:00:00Z
stampede: key: because of that, the list may be wrong; 'stampede verify' lists all that is wrong with what is published
= 1
