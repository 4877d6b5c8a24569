# rotate --stolen: the online key was stolen.
$ index idx 20; stampede init repo --targets idx --bins 4 --profile compat --now $(at 1) --quiet >/dev/null; stampede sign repo --now $(at 1) --quiet; cp -a repo good; stampede sign repo --now $(at 1) --quiet
$ stampede key new repo/keys/online-2 >/dev/null
2> stampede: key: repo/keys/online-2.pem: is not encrypted: whoever reads the file has the key; --encrypt makes one with a passphrase
$ stampede rotate repo --stolen
2> stampede: rotate: --stolen needs --against LAST-KNOWN-GOOD, a copy of the repository or of its metadata from before the theft; see 'stampede rotate --help'
= 2
$ stampede rotate repo --against good
2> stampede: rotate: takes --against, --key, --mirror, --purge-list and --jobs only with --stolen; see 'stampede rotate --help'
= 2
$ stampede rotate repo --stolen --against good --role timestamp
2> stampede: rotate: --role timestamp: clients that saw what the thief signed stay stuck unless the keys of timestamp, snapshot and bin-n are replaced together; leave --role out, or name an offline role, targets or bins; see 'stampede rotate --help'
= 2
$ stampede rotate repo --stolen --against good --role root
2> stampede: rotate: --role root: fewer root keys than the threshold sign nothing that clients take; replace it by a ceremony: stampede ceremony start REPO --out PAYLOAD --remove root=NAME --add root=NEW.key.json; see 'stampede rotate --help'
= 2
$ stampede rotate repo --stolen --against good --overlap 2h --online-key repo/keys/online-2.key.json
2> stampede: rotate: --overlap: a stolen key signs nothing any more; see 'stampede rotate --help'
= 2
$ stampede rotate repo --stolen --against repo/public/metadata
2> stampede: rotate: repo/public/metadata: is this repository itself; name a copy of it, from before the theft
= 2
$ stampede rotate repo --stolen --against nowhere
2> stampede: verify: nowhere: holds no metadata (timestamp.json or 1.root.json); give a repository or its metadata folder
= 2
$ stampede init other --targets idx --bins 4 --profile compat --now $(at 1) --quiet >/dev/null; stampede sign other --now $(at 1) --quiet; stampede rotate repo --stolen --against other
2> stampede: rotate: other: has a 1.root.json that public/metadata does not have: it is a copy of another repository, or one of the two was altered; name a copy of this one, from before the theft
= 3
# A dry run changes nothing, and a forged copy is found.
$ stampede rotate repo --stolen --against good --dry-run --now $(at 1)
hunt: 13 files read, 11 signed by us, 0 forged, 0 cannot be judged
  state/audit.log: 12 lines from 2030-01-01T12:00:00Z to 2030-01-01T12:00:00Z
    it agrees with the copy in the last known good
    not in public/metadata: 1 timestamps before the last, 0 files older than the oldest snapshot kept (gc), 0 of runs that published nothing
    the log shows what no run signed; a thief who could write state/ could add lines
    for files younger than the last known good
since the last known good: 0 targets have other bytes, 0 were removed, 0 added
clients that reach this repository recover at their next update; those that the thief
keeps from it are at risk until 2031-01-01T12:00:00Z, when the first of root, targets and bins expires
$ mkdir mirror; cp repo/public/metadata/2.bin-n-1.json mirror/2.bin-n-2.json; ln -s /etc/passwd mirror/1.json; stampede rotate repo --stolen --against good --mirror mirror --dry-run --now $(at 1) | sed -n 1,5p
hunt: 14 files read, 11 signed by us, 1 FORGED, 1 cannot be judged
    mirror/2.bin-n-2.json: bin-n-2 2, expires 2030-01-02T12:00:00Z, a file of ours under another name
      against the last known good: 0 targets changed, 0 added, 3 withheld
      withheld packages/18/e8/525bdf54cf79345b05bacbe4417992c52ddc8d192fe8e69d82bc71cacf43/sync_1-7.8.10-py3-none-any.whl
               was sha256 f3728694884c913645162b4255fada0fd1ea0cf3d06cd49c11f9a86f3b2fbe94
= 1
$ ls repo/state | grep -c frozen
0
= 1
# Keys of an offline role: the hunt, and what to do.
$ cp repo/public/metadata/1.targets.json mirror/; stampede rotate repo --stolen --against good --role targets --mirror mirror --now $(at 1) | grep -v ^clients
hunt: 15 files read, 2 signed by us, 0 forged, 1 cannot be judged
    mirror/1.json: is a symbolic link, not a regular file; remove it, and put the file itself in its place
since the last known good: 0 targets have other bytes, 0 were removed, 0 added
keeps from it are at risk until 2031-01-01T12:00:00Z, when the first of root, targets and bins expires
Replace the stolen key by a ceremony, then sign:
  stampede ceremony start repo --out PAYLOAD --purpose "a stolen targets key" --remove targets=NAME --add targets=NEW.key.json
# From here on nothing is signed.
$ stampede rotate repo --stolen --against good --now $(at 1) --quiet
$ stampede sign repo --now $(at 1)
2> stampede: freeze: state/frozen: the online key ????????????????… was stolen, as was noted at 2030-01-01T12:00:00Z: nothing is signed or removed until it is replaced; go on with stampede rotate --stolen (glob)
= 3
$ stampede gc repo --now $(at 1)
2> stampede: freeze: state/frozen: the online key ????????????????… was stolen, as was noted at 2030-01-01T12:00:00Z: nothing is signed or removed until it is replaced; go on with stampede rotate --stolen (glob)
= 3
$ stampede status repo --now $(at 1) 2>/dev/null | grep ^PROBLEM | cut -c 1-39
PROBLEM    state/frozen: the online key
= 1
# It is the only problem: what is published is in order, and the keys are known.
$ stampede status repo --now $(at 1) >/dev/null
2> stampede: status: nothing is signed after the theft of a key; go on with stampede rotate --stolen
= 1
$ stampede key list repo --now $(at 1) >/dev/null
$ stampede rotate repo --online-key repo/keys/online-2.key.json --role timestamp --now $(at 1) --yes --quiet
2> stampede: rotate: roles: some only: the online key was stolen, and clients that saw what the thief signed stay stuck unless the keys of timestamp, snapshot and bins are replaced together; name no roles
= 3
$ stampede init repo --update --now $(at 1) --yes --quiet 2>&1 | grep -c 'nothing is signed or removed until it is replaced'
1
= 3
# A ceremony that keeps the stolen key somewhere is refused as well.
$ holders() { stampede ceremony show $1 --trust good/public/metadata/1.root.json --json | python3 -c "import json,sys; print(*json.load(sys.stdin)['words'][:2])" >words; for key in root-1 root-2 targets-1; do stampede ceremony sign $1 --trust good/public/metadata/1.root.json --key pem:repo/offline-keys/$key.pem --now $(at 1) <words >/dev/null 2>&1; done; }
$ stampede ceremony start repo --out P1 --purpose some --online timestamp=repo/keys/online-2.key.json --now $(at 1) --quiet; holders P1; stampede ceremony finish repo P1 P1.*.sig --now $(at 1)
2> stampede: ceremony: bin-n: keeps the key that was stolen: clients that saw what the thief signed stay stuck, unless one new key replaces those of timestamp, snapshot and bin-n together: stampede rotate --stolen
= 3
$ ls repo/public/metadata | grep root
1.root.json
# All of them: the documents are staged, and sign publishes.
$ stampede rotate repo --stolen --against good --online-key repo/keys/online-2.key.json --out P2 --now $(at 1) --quiet; holders P2; stampede ceremony finish repo P2 P2.*.sig --now $(at 1) | tail -3; stampede sign repo --now $(at 1) --quiet
The new online keys are staged. The next sign wipes the stolen key, signs everything with
the new one and publishes the root first.
next: stampede sign repo
2> stampede: rotation: keys/online.pem: was replaced, and its key ????????????????… overwritten and removed; flash memory, snapshots and backups may still hold it (glob)
2> stampede: rotation: 2.root.json: is published: it names the new online keys, and no client that has it accepts the stolen ones; purge caches now, and run verify
$ ls repo/keys; ls repo/state | grep frozen; stampede verify repo --now $(at 1) --quiet >/dev/null
ledger.key
online-2.key.json
online-2.pem
$ stampede sign repo --now $(at 1) --quiet
