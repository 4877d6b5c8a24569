# init --update renews offline roles and changes the number of bins.
$ index idx 20
$ stampede init repo --targets idx --bins 16 --now $(at 1) --quiet > /dev/null
$ stampede sign repo --now $(at 2) --json > /dev/null
$ mkdir away && chmod 700 away && mv repo/offline-keys/* away
$ stampede init repo --update --now $(at 3)
2> stampede: update: offline keys: no role has enough keys in the folder; name another with --offline-keys
= 2
$ stampede init repo --update --bins 4 --offline-keys away --roles bins --now $(at 3)
bins     version 2, valid until 2031-01-03T12:00:00Z
4 bins from the next sign on; names of earlier bins stay listed
Take the offline keys off this machine again, then publish it: stampede sign
2> bins 1 → 2
2>   delegates to 4 roles bin-n-… (before: 16 roles bin-n-…)
2>   = ????????????????… ed25519  signs them (glob)
2>   1 of 1 keys sign them (before: 1 of 1)
2>   expires 2031-01-01T12:00:00Z → 2031-01-03T12:00:00Z
2>   unchanged: _type, spec_version, targets
$ stampede sign repo --now $(at 3) --json > /dev/null
2> stampede: publish: timestamp.json: expires 2030-01-04T12:00:00Z, before the run after next at the interval seen (86400 s); sign more often, or raise the expiry in stampede.json
$ stampede verify repo --now $(at 3) --json | grep -c '"errors":0'
1
$ grep -oE 'bin-n-[0-9a-f]\.json":\{"version":[0-9]+\}' repo/public/metadata/2.snapshot.json | tr '\n' ' '; echo
bin-n-0.json":{"version":2} bin-n-1.json":{"version":2} bin-n-2.json":{"version":2} bin-n-3.json":{"version":2} bin-n-4.json":{"version":1} bin-n-5.json":{"version":1} bin-n-6.json":{"version":1} bin-n-7.json":{"version":1} bin-n-8.json":{"version":1} bin-n-9.json":{"version":1} bin-n-a.json":{"version":1} bin-n-b.json":{"version":1} bin-n-c.json":{"version":1} bin-n-d.json":{"version":1} bin-n-e.json":{"version":1} bin-n-f.json":{"version":1} 
$ stampede init repo --update --offline-keys away --now $(at 4) --json
{"root":{"version":2,"expires":"2031-01-04T12:00:00Z"},"targets":{"version":2,"expires":"2031-01-04T12:00:00Z"},"bins_role":{"version":3,"expires":"2031-01-04T12:00:00Z"},"bins":4,"bins_changed":false}
2> root 1 → 2
2>   = ????????????????… ed25519  signs root (glob)
2>   = ????????????????… ed25519  signs root (glob)
2>   = ????????????????… ed25519  signs root (glob)
2>   2 of 3 keys sign root (before: 2 of 3)
2>   = ????????????????… ed25519  signs targets (glob)
2>   = ????????????????… ed25519  signs targets (glob)
2>   2 of 2 keys sign targets (before: 2 of 2)
2>   = ????????????????… ed25519  signs snapshot (glob)
2>   1 of 1 keys sign snapshot (before: 1 of 1)
2>   = ????????????????… ed25519  signs timestamp (glob)
2>   1 of 1 keys sign timestamp (before: 1 of 1)
2>   expires 2031-01-01T12:00:00Z → 2031-01-04T12:00:00Z
2>   unchanged: _type, consistent_snapshot, spec_version
2> targets 1 → 2
2>   delegates to 1 role bins (before: 1 role bins)
2>   = ????????????????… ed25519  signs them (glob)
2>   = ????????????????… ed25519  signs them (glob)
2>   2 of 2 keys sign them (before: 2 of 2)
2>   expires 2031-01-01T12:00:00Z → 2031-01-04T12:00:00Z
2>   unchanged: _type, spec_version, targets
2> bins 2 → 3
2>   delegates to 4 roles bin-n-… (before: 4 roles bin-n-…)
2>   = ????????????????… ed25519  signs them (glob)
2>   1 of 1 keys sign them (before: 1 of 1)
2>   expires 2031-01-03T12:00:00Z → 2031-01-04T12:00:00Z
2>   unchanged: _type, spec_version, targets
$ stampede init repo --update --offline-keys away --now $(at 2)
2> stampede: published: timestamp.json: was published at 2030-01-03T12:00:00Z, after this run's time; set the clock right. If it is right now and was ahead then: --after-clock-error
= 3
$ rm away/root-1.pem away/root-2.pem
$ stampede init repo --update --offline-keys away --roles root,bins --now $(at 4)
2> stampede: update: root: 1 of its keys are in the offline folder, but 2 must sign; put them there, or name the folder with --offline-keys
= 2
$ stampede init repo --update --hash sha256
2> stampede: init: --update takes only --bins, --roles, --offline-keys, --trust, --yes, --after-clock-error and --now; see 'stampede init --help'
= 2
$ stampede init repo --update --roles snapshot
2> stampede: init: --roles: snapshot is no list of root, targets, bins; see 'stampede init --help'
= 2
$ stampede init repo --roles root
2> stampede: init: --roles, --trust, --yes and --after-clock-error go with --update; see 'stampede init --help'
= 2
