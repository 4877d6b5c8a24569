# Who signs what, what is to be done next, whose keys must be found, and what to do when keys are lost.
$ cat >keyring.py <<'EOF'
> # REPO NAME=HOLDER=TIME…: names root-1 … bins-2 and the last signature of each; root-3 is the one that did not sign
> # the second root
> import json, os, sys
> known = dict((word.split('=')[0], word.split('=')[1:]) for word in sys.argv[2:])
> metadata = sys.argv[1] + '/public/metadata/'
> root = json.load(open(metadata + '1.root.json'))['signed']['roles']
> bins = json.load(open(metadata + '1.targets.json'))['signed']['delegations']['roles'][0]
> signed = metadata + '2.root.json'
> signed = [s['keyid'] for s in json.load(open(signed))['signatures']] if os.path.exists(signed) else []
> keys = {}
> for role, ids in (('root', root['root']['keyids']), ('targets', root['targets']['keyids']), ('bins', bins['keyids'])):
>     for number, keyid in enumerate(sorted(ids, key=lambda keyid: keyid not in signed and role == 'root'), 1):
>         name = '%s-%d' % (role, number)
>         holder, time = known.get(name, ['', '2030-01-01T12:00:00Z'])
>         keys[keyid] = {'added': '2030-01-01T12:00:00Z', 'holder': holder, 'last_document': '1.%s.json' % role,
>                        'last_signature': time, 'name': name}
> with open(sys.argv[1] + '/keyring.json', 'w') as out:
>     json.dump({'format': 1, 'keys': keys}, out, sort_keys=True, separators=(',', ':'))
> EOF
$ keyring() { python3 keyring.py "$@"; }
$ next() { stampede status "$@" | grep -E '^(signers|calendar|DUE|QUORUM)' | sed -E 's/\{[0-9a-f]{8}\}/{ONLINE}/'; }
$ index idx 20
$ stampede init repo --targets idx --bins 4 --now $(at 1) --quiet >/dev/null && keyring repo
$ next repo --now $(at 1)
signers    root: 2 of 3 {root-1 root-2 root-3}, quorum margin 1
signers    targets: 2 of 2 {targets-1 targets-2}, quorum margin 0
signers    bins: 2 of 2 {bins-1 bins-2}, quorum margin 0
signers    bin-n, snapshot, timestamp: 1 of 1 {ONLINE}, online: this machine
calendar   root, targets, bins: root 2 of 3 {root-1 root-2 root-3}; targets 2 of 2 {targets-1 targets-2}; bins 2 of 2 {bins-1 bins-2} must sign before 2031-01-01T12:00:00Z (in 365 d): stampede ceremony start repo --renew root,targets,bins --out PAYLOAD --purpose TEXT
$ stampede sign repo --now $(at 2) --metrics m.prom --quiet >/dev/null
$ next repo --now $(at 2)
signers    root: 2 of 3 {root-1 root-2 root-3}, quorum margin 1
signers    targets: 2 of 2 {targets-1 targets-2}, quorum margin 0
signers    bins: 2 of 2 {bins-1 bins-2}, quorum margin 0
signers    bin-n, snapshot, timestamp: 1 of 1 {ONLINE}, online: this machine
calendar   bin-n, snapshot, timestamp: sign before 2030-01-03T12:00:00Z (in 24 h 0 m), online, this machine: stampede sign repo
calendar   root, targets, bins: root 2 of 3 {root-1 root-2 root-3}; targets 2 of 2 {targets-1 targets-2}; bins 2 of 2 {bins-1 bins-2} must sign before 2031-01-01T12:00:00Z (in 364 d): stampede ceremony start repo --renew root,targets,bins --out PAYLOAD --purpose TEXT
$ grep -E '^stampede_quorum_margin' m.prom | sed 's/repo="[^"]*"/repo=""/'
stampede_quorum_margin{repo="",role="root"} 1
stampede_quorum_margin{repo="",role="targets"} 0
stampede_quorum_margin{repo="",role="bins"} 0

# A year: root is renewed without its third key, which has signed nothing since; then it is silent for 400 days.
$ stampede sign repo --now 2030-12-10T12:00:00Z --quiet 2>/dev/null
$ next repo --now 2030-12-10T12:00:00Z | grep -E '^(DUE|QUORUM)'
DUE        root, targets, bins: root 2 of 3 {root-1 root-2 root-3}; targets 2 of 2 {targets-1 targets-2}; bins 2 of 2 {bins-1 bins-2} must sign before 2031-01-01T12:00:00Z (in 22 d): stampede ceremony start repo --renew root,targets,bins --out PAYLOAD --purpose TEXT
$ cp -a repo three && mv repo/offline-keys/root-3.pem away.pem && stampede init repo --update --yes --now 2030-12-10T12:00:00Z --quiet >/dev/null 2>&1
$ stampede sign repo --now 2030-12-11T12:00:00Z --quiet && keyring repo root-3='third holder'=2030-01-01T12:00:00Z
$ next repo --now 2030-12-11T12:00:00Z
signers    root: 2 of 3 {root-1 root-2 root-3}, quorum margin 1
signers    targets: 2 of 2 {targets-1 targets-2}, quorum margin 0
signers    bins: 2 of 2 {bins-1 bins-2}, quorum margin 0
signers    bin-n, snapshot, timestamp: 1 of 1 {ONLINE}, online: this machine
calendar   bin-n, snapshot, timestamp: sign before 2030-12-12T12:00:00Z (in 24 h 0 m), online, this machine: stampede sign repo
calendar   root: {root-3} should sign before 2031-02-05T12:00:00Z (in 56 d), or too few of the keys are known to work: stampede ceremony drill repo --out PAYLOAD
calendar   root, targets, bins: root 2 of 3 {root-1 root-2 root-3}; targets 2 of 2 {targets-1 targets-2}; bins 2 of 2 {bins-1 bins-2} must sign before 2031-12-10T12:00:00Z (in 364 d): stampede ceremony start repo --renew root,targets,bins --out PAYLOAD --purpose TEXT

# 400 days to the second.
$ stampede sign repo --now 2031-02-05T12:00:00Z --quiet --metrics m.prom
$ stampede status repo --now 2031-02-05T12:00:00Z | grep -E '^(signers    root|DUE|QUORUM)'
signers    root: 2 of 3 {root-1 root-2 root-3}, quorum margin 1
DUE        root: {root-3} should sign before 2031-02-05T12:00:00Z (0 s ago), or too few of the keys are known to work: stampede ceremony drill repo --out PAYLOAD
$ stampede status repo --now 2031-02-05T12:00:01Z | grep -E '^(signers    root|DUE|QUORUM)'
signers    root: 2 of 3 {root-1 root-2 root-3}, quorum margin 0
QUORUM     root: quorum margin 0: 2 of 3 keys signed within 400 days, and 2 must sign; find root-3 (third holder; last signature 2030-01-01T12:00:00Z) and let them sign: stampede ceremony drill repo --out PAYLOAD
2> stampede: status: root: quorum margin 0: 2 of 3 keys signed within 400 days, and 2 must sign; find root-3 (third holder; last signature 2030-01-01T12:00:00Z) and let them sign: stampede ceremony drill repo --out PAYLOAD
= 1
$ stampede status repo --now 2031-02-05T12:00:01Z --quiet >/dev/null
= 1
$ grep -E '^stampede_quorum_margin.*root' m.prom | sed 's/.*} //'
1
$ stampede sign repo --now 2031-02-05T12:00:01Z --quiet --metrics m.prom
$ grep -E '^stampede_quorum_margin.*root' m.prom | sed 's/.*} //'
0
# A run that fails before it looks leaves what is known.
$ chmod 755 repo/keys && stampede sign repo --now 2031-02-05T12:00:02Z --quiet --metrics m.prom 2>/dev/null
= 2
$ chmod 700 repo/keys && grep -E '^stampede_quorum_margin' m.prom | sed 's/.*} //' | tr '\n' ' '
0 0 0 
# For programs: the same in one look.
$ cat >look.py <<'EOF'
> import json, sys
> status = json.load(sys.stdin)
> names = lambda keys: ' '.join(key['name'] or 'online' for key in keys)
> for role, signers in status['signers'].items():
>     print(role, signers['threshold'], names(signers['keys']), signers.get('margin'), signers.get('margin_until'))
> print(status['quorum_margin'], status['quorum_alarms'])
> for task in status['calendar']:
>     print(task['what'], ','.join(task['roles']), task['signatures'], names(task['keys']), task['before'],
>           task['seconds_left'], 'due' if task['due'] else 'later')
> key = status['signers']['root']['keys'][2]
> print([key[name] for name in ('name', 'holder', 'key_type', 'state', 'last_signature', 'last_document')])
> EOF
$ stampede status repo --now 2031-02-05T12:00:01Z --json | python3 look.py
root 2 root-1 root-2 root-3 0 None
targets 2 targets-1 targets-2 0 2032-01-14T12:00:00Z
bins 2 bins-1 bins-2 0 2032-01-14T12:00:00Z
bin_n 1 online None None
snapshot 1 online None None
timestamp 1 online None None
{'root': 0, 'targets': 0, 'bins': 0} ['root']
sign bin_n,snapshot,timestamp 1 online 2031-02-06T12:00:01Z 86400 later
renew root 2 root-1 root-2 root-3 2031-12-10T12:00:00Z 26611199 later
renew targets 2 targets-1 targets-2 2031-12-10T12:00:00Z 26611199 later
renew bins 2 bins-1 bins-2 2031-12-10T12:00:00Z 26611199 later
['root-3', 'third holder', 'ed25519', 'silent', '2030-01-01T12:00:00Z', '1.root.json']
2> stampede: status: root: quorum margin 0: 2 of 3 keys signed within 400 days, and 2 must sign; find root-3 (third holder; last signature 2030-01-01T12:00:00Z) and let them sign: stampede ceremony drill repo --out PAYLOAD
= 1
$ stampede status repo --now 2030-12-11T12:00:00Z --json | python3 look.py | sed -n '7,$p'
{'root': 1, 'targets': 0, 'bins': 0} []
drill root 1 root-3 2031-02-05T12:00:00Z 4838400 later
sign bin_n,snapshot,timestamp 1 online 2031-02-06T12:00:01Z 4924801 later
renew root 2 root-1 root-2 root-3 2031-12-10T12:00:00Z 31449600 later
renew targets 2 targets-1 targets-2 2031-12-10T12:00:00Z 31449600 later
renew bins 2 bins-1 bins-2 2031-12-10T12:00:00Z 31449600 later
['root-3', 'third holder', 'ed25519', 'alive', '2030-01-01T12:00:00Z', '1.root.json']

# A drill, or any other signature in the keyring, ends the alarm; one in the future proves nothing, nor does a keyring
# that cannot be read.
$ keyring repo root-3='third holder'=2031-02-01T12:00:00Z && stampede status repo --now 2031-02-05T12:00:01Z --quiet >/dev/null
$ keyring repo root-3='third holder'=2031-12-01T12:00:00Z && stampede status repo --now 2031-02-05T12:00:01Z >/dev/null
2> stampede: status: root: quorum margin 0: 2 of 3 keys signed within 400 days, and 2 must sign; find root-3 (third holder; its signature is dated 2031-12-01T12:00:00Z, in the future) and let them sign: stampede ceremony drill repo --out PAYLOAD
= 1
$ rm repo/keyring.json && stampede status repo --now 2031-02-05T12:00:01Z 2>&1 >/dev/null | sed -E 's/find [0-9a-f]{8}/find KEYID/'
stampede: status: root: quorum margin 0: 2 of 3 keys signed within 400 days, and 2 must sign; find KEYID (no signature is known) and let them sign: stampede ceremony drill repo --out PAYLOAD
= 1
$ echo '{' >repo/keyring.json && stampede status repo --now 2031-02-05T12:00:01Z 2>/dev/null | grep ^PROBLEM | sed 's/:.*//'
PROBLEM    keyring.json
= 1

# Root whose every key is needed has no spare one.
$ stampede init all --targets idx --bins 4 --root-threshold 2/2 --now $(at 1) --quiet >/dev/null && keyring all
$ stampede status all --now $(at 1) | grep -E '^(signers    root|QUORUM)'
signers    root: 2 of 2 {root-1 root-2}, quorum margin 0
QUORUM     root: quorum margin 0: 2 of 2 keys signed within 400 days, and 2 must sign; there is no spare key, so add one: stampede ceremony start all --add root=NAME.key.json --out PAYLOAD --purpose TEXT
2> stampede: status: root: quorum margin 0: 2 of 2 keys signed within 400 days, and 2 must sign; there is no spare key, so add one: stampede ceremony start all --add root=NAME.key.json --out PAYLOAD --purpose TEXT
= 1

# A signature counts only if it is right.
$ stampede init forged --targets idx --bins 4 --now $(at 1) --quiet >/dev/null && stampede sign forged --now $(at 1) --quiet
$ python3 - <<'EOF'
> import json
> path = 'forged/public/metadata/1.targets.json'
> text = open(path).read()
> sig = json.loads(text)['signatures'][0]['sig']
> open(path, 'w').write(text.replace(sig, sig[:8] + sig[8:16][::-1] + sig[16:]))
> EOF
$ stampede status forged --now $(at 1) 2>/dev/null | grep -E '^QUORUM' | sed -E 's/find [0-9a-f]{8}/find KEYID/'
QUORUM     targets: quorum margin -1: 1 of 2 keys signed within 400 days, and 2 must sign; find KEYID (no signature is known) and let them sign: stampede ceremony drill forged --out PAYLOAD
= 1

# Offline roles are counted apart: days are nothing to a ceremony.
$ keyring three && stampede sign three --now 2030-12-11T13:00:00Z --quiet 2>/dev/null
$ stampede status three --now 2030-12-11T13:00:00Z --expires-within 12h --json 2>/dev/null | grep -o '"expires_within":[^]]*]'
"expires_within":["root","targets","bins"]
= 1
$ stampede status three --now 2030-12-11T13:00:00Z --expires-within online=12h --json | grep -o '"expires_within":[^]]*]'
"expires_within":[]
$ stampede status three --now 2030-12-11T13:00:00Z --expires-within offline=20d --json | grep -o '"expires_within":[^]]*]'
"expires_within":[]
$ stampede status three --now 2030-12-11T13:00:00Z --expires-within online=24h,offline=21d --json 2>/dev/null | grep -o '"expires_within":[^]]*]'
"expires_within":["root","targets","bins","bin_n","snapshot","timestamp"]
= 1
$ stampede status three --now 2030-12-11T13:00:00Z --expires-within 12h,offline=20d --json | grep -o '"expires_within":[^]]*]'
"expires_within":[]
$ stampede status three --now 2030-12-11T13:00:00Z --expires-within root=20d,offline=21d --json 2>/dev/null | grep -o '"expires_within":[^]]*]'
"expires_within":["targets","bins"]
= 1
$ stampede status three --now 2030-12-11T13:00:00Z --expires-within 0h --json | grep -o '"expires_within":[^]]*]'
"expires_within":["root","targets","bins"]
2> stampede: status: root: expires at 2031-01-01T12:00:00Z, in 20 d; renew it with the offline keys: stampede init REPO --update
2> stampede: status: targets: expires at 2031-01-01T12:00:00Z, in 20 d; renew it with the offline keys: stampede init REPO --update
2> stampede: status: bins: expires at 2031-01-01T12:00:00Z, in 20 d; renew it with the offline keys: stampede init REPO --update
= 1
$ stampede verify three --now 2030-12-11T13:00:00Z --expires-within 0h --quiet | grep -c expires-soon
0
= 1
$ stampede status three --now 2030-12-12T13:00:00Z --expires-within 0h --json 2>/dev/null | grep -o '"expires_within":[^]]*]'
"expires_within":["root","targets","bins","bin_n","snapshot","timestamp"]
= 1

# What to do about lost keys.
$ keyring three root-1='third holder'=2030-01-01T12:00:00Z
$ lost() { stampede status three --now 2030-01-02T12:00:00Z --lost "$@" | sed -E 's/\{[0-9a-f]{8}\}/{ONLINE}/; s/key [0-9a-f]{8}/key KEYID/; s/^(lost +)[0-9a-f]{8},/\1ONLINE,/'; return ${PIPESTATUS[0]}; }
$ lost root-1
lost       root-1 (third holder), key KEYID, signs root
root       2 needed, 2 of 3 keys left {root-2 root-3}: root can still be renewed; replace the lost keys at once, while it can
targets    2 needed, 2 of 2 keys left {targets-1 targets-2}: not affected
bins       2 needed, 2 of 2 keys left {bins-1 bins-2}: not affected
bin-n      1 needed, 1 of 1 keys left {ONLINE}: not affected
snapshot   1 needed, 1 of 1 keys left {ONLINE}: not affected
timestamp  1 needed, 1 of 1 keys left {ONLINE}: not affected
run        stampede key new DIR/NEW-1
run        stampede ceremony start three --remove root=root-1 --add root=NEW-1.key.json --out PAYLOAD --purpose TEXT
signed by  root: 2 of {root-2 root-3}, and every new key
then       holders sign PAYLOAD, and finish publishes it: see stampede-ceremony(7)
If somebody else may have a key, it is not lost but stolen: see stampede-rotate(1).
$ lost root-1,root-2
lost       root-1 (third holder), key KEYID, signs root
lost       root-2, key KEYID, signs root
root       2 needed, 1 of 3 keys left {root-3}: nobody can renew root any more, and TUF has no recovery from that
targets    2 needed, 2 of 2 keys left {targets-1 targets-2}: not affected
bins       2 needed, 2 of 2 keys left {bins-1 bins-2}: not affected
bin-n      1 needed, 1 of 1 keys left {ONLINE}: not affected
snapshot   1 needed, 1 of 1 keys left {ONLINE}: not affected
timestamp  1 needed, 1 of 1 keys left {ONLINE}: not affected
until      2031-01-01T12:00:00Z (in 364 d) clients accept what is published, and this machine goes on signing it; search for the keys until then
then       make a new repository in another folder and under another URL, and give its 1.root.json to clients by the way their first one came
never      publish two histories under one URL: clients that know the one refuse the other
If somebody else may have a key, it is not lost but stolen: see stampede-rotate(1).
= 1
$ lost root-1 --lost root-2 | tail -n 5
timestamp  1 needed, 1 of 1 keys left {ONLINE}: not affected
until      2031-01-01T12:00:00Z (in 364 d) clients accept what is published, and this machine goes on signing it; search for the keys until then
then       make a new repository in another folder and under another URL, and give its 1.root.json to clients by the way their first one came
never      publish two histories under one URL: clients that know the one refuse the other
If somebody else may have a key, it is not lost but stolen: see stampede-rotate(1).
= 1
$ lost targets-1 | grep -vE '^(root|bins|bin-n|snapshot|timestamp) '
lost       targets-1, key KEYID, signs targets
targets    2 needed, 1 of 2 keys left {targets-2}: the others cannot sign it any more; root can give it new keys
run        stampede key new DIR/NEW-1
run        stampede ceremony start three --remove targets=targets-1 --add targets=NEW-1.key.json --out PAYLOAD --purpose TEXT
signed by  root: 2 of {root-1 root-2 root-3}
signed by  targets: 2 of {NEW-1 targets-2}, every new key among them
then       holders sign PAYLOAD, and finish publishes it: see stampede-ceremony(7)
If somebody else may have a key, it is not lost but stolen: see stampede-rotate(1).
$ lost bins-2,bins-1 | grep -vE '^(root|targets|bin-n|snapshot|timestamp) '
lost       bins-1, key KEYID, signs bins
lost       bins-2, key KEYID, signs bins
bins       2 needed, no key left of 2: the others cannot sign it any more; targets can give it new keys
run        stampede key new DIR/NEW-1
run        stampede key new DIR/NEW-2
run        stampede ceremony start three --remove bins=bins-1 --add bins=NEW-1.key.json --remove bins=bins-2 --add bins=NEW-2.key.json --out PAYLOAD --purpose TEXT
signed by  targets: 2 of {targets-1 targets-2}
signed by  bins: 2 of {NEW-1 NEW-2}, every new key among them
then       holders sign PAYLOAD, and finish publishes it: see stampede-ceremony(7)
If somebody else may have a key, it is not lost but stolen: see stampede-rotate(1).
$ lost root-2,targets-2,bins-2 | grep -E '^(run|signed)'
run        stampede key new DIR/NEW-1
run        stampede key new DIR/NEW-2
run        stampede key new DIR/NEW-3
run        stampede ceremony start three --remove root=root-2 --add root=NEW-1.key.json --remove targets=targets-2 --add targets=NEW-2.key.json --remove bins=bins-2 --add bins=NEW-3.key.json --out PAYLOAD --purpose TEXT
signed by  root: 2 of {root-1 root-3}, and every new key
signed by  targets: 2 of {targets-1 NEW-2}, every new key among them
signed by  bins: 2 of {bins-1 NEW-3}, every new key among them
$ lost $(python3 -c "import json; print(json.load(open('three/public/metadata/1.root.json'))['signed']['roles']['timestamp']['keyids'][0])") | grep -vE '^(root|targets|bins) '
lost       ONLINE, key KEYID, signs bin-n, snapshot, timestamp
bin-n, snapshot, timestamp: 1 needed, no key left of 1: restore keys/ from a backup, see stampede-recovery(7); without one, a ceremony gives a new key
run        stampede ceremony start three --online bins,snapshot,timestamp=NEW.key.json --out PAYLOAD --purpose TEXT
signed by  root: 2 of {root-1 root-2 root-3}
signed by  bins: 2 of {bins-1 bins-2}
then       holders sign PAYLOAD, and finish publishes it: see stampede-ceremony(7)
If somebody else may have a key, it is not lost but stolen: see stampede-rotate(1).
$ lost root-1,root-2,targets-1 | grep -E '^(targets|until)'
targets    2 needed, 1 of 2 keys left {targets-2}: nobody can give it new keys any more
until      2031-01-01T12:00:00Z (in 364 d) clients accept what is published, and this machine goes on signing it; search for the keys until then
= 1
$ stampede status three --now 2031-02-05T12:00:01Z --lost root-1 | grep ^doubt
doubt      root: {root-2 root-3} did not sign within 400 days: find out first whether they still can
$ stampede status three --now 2030-01-02T12:00:00Z --lost root-1,targets-2 --json >lost.json
$ python3 -c "import json; lost = json.load(open('lost.json'))['lost']; print({role: (one['loss'], one['threshold'], len(one['lost']), len(one['left'])) for role, one in lost['roles'].items()}, lost['recoverable'], lost['clients_work_until'], lost['commands'])"
{'root': ('replace', 2, 1, 2), 'targets': ('rekey', 2, 1, 1), 'bins': ('none', 2, 0, 2), 'bin_n': ('none', 1, 0, 1), 'snapshot': ('none', 1, 0, 1), 'timestamp': ('none', 1, 0, 1)} True None ['stampede key new DIR/NEW-1', 'stampede key new DIR/NEW-2', 'stampede ceremony start three --remove root=root-1 --add root=NEW-1.key.json --remove targets=targets-2 --add targets=NEW-2.key.json --out PAYLOAD --purpose TEXT']
$ stampede status three --now 2030-01-02T12:00:00Z --lost root-1,root-2 --json | grep -oE '"recoverable":[a-z]*|"clients_work_until":"[^"]*"'
"recoverable":false
"clients_work_until":"2031-01-01T12:00:00Z"
= 1
$ stampede status three --lost root
2> stampede: status: root: is neither the name nor the keyid of a key that signs what is published; status lists the keys of each role
= 2
$ stampede status three --lost root-1,
2> stampede: status: --lost takes names or keyids of keys with commas between them, not 'root-1,'; see 'stampede status --help'
= 2
$ stampede status three --lost
2> stampede: status: --lost needs a value (KEY); see 'stampede status --help'
= 2
