# rotate --stolen while an earlier rotation is in overlap: both older keys are wiped.
$ index idx 20; stampede init repo --targets idx --bins 4 --profile compat --now $(at 1) --quiet >/dev/null; stampede sign repo --now $(at 1) --quiet
$ for key in n1 n2 n3; do stampede key new repo/keys/$key >/dev/null 2>&1; done
$ stampede rotate repo --online-key repo/keys/n1.key.json --now $(at 1) --yes --quiet; stampede sign repo --now $(at 1) --quiet
2> stampede: rotation: 2.root.json: is published and names the new online keys; the old ones sign too until 2030-01-03T12:00:00Z, and the first sign after that removes them
$ cp -a repo good; ls repo/keys/*.pem
repo/keys/n1.pem
repo/keys/n2.pem
repo/keys/n3.pem
repo/keys/online.pem
$ stampede rotate repo --stolen --against good --online-key repo/keys/n2.key.json --now $(at 1) --yes --quiet
$ stampede status repo --now $(at 1) 2>/dev/null | grep ^rotation; stampede rotate repo | grep -v '…'
rotation   staged: the next 'stampede sign' wipes the stolen key, signs everything with the new one and publishes the root first
rotation: staged
The next sign wipes the stolen key, signs everything with the new one and
publishes the root first: stampede sign repo
$ stampede sign repo --now $(at 1) --quiet
2> stampede: rotation: keys/n1.pem: was replaced, and its key ????????????????… overwritten and removed; flash memory, snapshots and backups may still hold it (glob)
2> stampede: rotation: keys/online.pem: was replaced, and its key ????????????????… overwritten and removed; flash memory, snapshots and backups may still hold it (glob)
2> stampede: rotation: 3.root.json: is published: it names the new online keys, and no client that has it accepts the stolen ones; purge caches now, and run verify
$ ls repo/keys/*.pem
repo/keys/n2.pem
repo/keys/n3.pem
$ stampede rotate repo | head -1; stampede status repo --now $(at 1) | grep ^rotation
rotation: done
= 1
# Files that a former key signed are there, so they are not missing.
$ rm -r good; cp -a repo good; stampede rotate repo --stolen --against good --dry-run --now $(at 1) | grep -c MISSING
0
= 1
# A second theft right after it: which key is meant has to be said.
$ stampede rotate repo --stolen --against good --now $(at 1) --yes --quiet
2> stampede: rotate: repo: has recovered from the last theft: nothing is left to do. If the new online key ????????????????… was stolen too, name it by its keyid (glob)
= 2
$ stampede rotate repo --stolen --against good --key 00000000 --now $(at 1) --yes --quiet
2> stampede: rotate: 00000000: is not a key that signs online; the one that does is ????????????????… (glob)
= 2
$ ls repo/state | grep -c frozen
0
= 1
$ stampede rotate repo --stolen --against good --key $(stampede rotate repo --json | grep -o '"next_keyid": *"[0-9a-f]*"' | head -1 | cut -d '"' -f 4) --online-key repo/keys/n3.key.json --now $(at 1) --yes --quiet
$ stampede sign repo --now $(at 1) --quiet
2> stampede: rotation: keys/n2.pem: was replaced, and its key ????????????????… overwritten and removed; flash memory, snapshots and backups may still hold it (glob)
2> stampede: rotation: 4.root.json: is published: it names the new online keys, and no client that has it accepts the stolen ones; purge caches now, and run verify
$ ls repo/keys/*.pem; stampede verify repo --now $(at 1) --quiet >/dev/null
repo/keys/n3.pem
$ stampede sign repo --now $(at 1) --quiet; ls repo/keys/*.pem
repo/keys/n3.pem
