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
$ stampede sign repo --now $(at 3) --json > /dev/null
2> stampede: publish: timestamp.json: expires 2030-01-04T12:00:00Z, before the run after next at the interval seen (86400 s); sign more often, or raise the expiry in stampede.json
$ stampede verify repo --now $(at 3) --json | grep -c '"errors":0'
1
$ grep -oE 'bin-n-[0-9a-f]\.json":\{"version":[0-9]+\}' repo/public/metadata/2.snapshot.json | tr '\n' ' '; echo
bin-n-0.json":{"version":2} bin-n-1.json":{"version":2} bin-n-2.json":{"version":2} bin-n-3.json":{"version":2} bin-n-4.json":{"version":1} bin-n-5.json":{"version":1} bin-n-6.json":{"version":1} bin-n-7.json":{"version":1} bin-n-8.json":{"version":1} bin-n-9.json":{"version":1} bin-n-a.json":{"version":1} bin-n-b.json":{"version":1} bin-n-c.json":{"version":1} bin-n-d.json":{"version":1} bin-n-e.json":{"version":1} bin-n-f.json":{"version":1} 
$ stampede init repo --update --offline-keys away --now $(at 4) --json
{"root":{"version":2,"expires":"2031-01-04T12:00:00Z"},"targets":{"version":2,"expires":"2031-01-04T12:00:00Z"},"bins_role":{"version":3,"expires":"2031-01-04T12:00:00Z"},"bins":4,"bins_changed":false}
$ stampede init repo --update --offline-keys away --now $(at 2)
2> stampede: update: timestamp.json: was published after this run's time; set the clock right
= 3
$ rm away/root-1.pem away/root-2.pem
$ stampede init repo --update --offline-keys away --roles root,bins --now $(at 4)
2> stampede: update: root: 1 of its keys are in the offline folder, 2 must sign; put them there, or name the folder with --offline-keys
= 2
$ stampede init repo --update --hash sha256
2> stampede: init: --update takes only --bins, --roles, --offline-keys and --now; see 'stampede init --help'
= 2
$ stampede init repo --update --roles snapshot
2> stampede: init: --roles: snapshot is no list of root, targets, bins; see 'stampede init --help'
= 2
$ stampede init repo --roles root
2> stampede: init: --roles goes with --update; see 'stampede init --help'
= 2
