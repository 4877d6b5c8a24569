# Target files, of the repository and of a mirror.
$ index idx 30
$ stampede init repo --targets idx --bins 8 --now $(at 1) >/dev/null
$ stampede sign repo --now $(at 2) --quiet >/dev/null
$ stampede verify repo --now $(at 2) --targets | grep -E "hashed|findings"
  35 files hashed, 129.78 kB; 0 not in the sample
no findings
$ stampede verify --targets repo --now $(at 2) --json | tr ',' '\n' | grep -E 'files_|errors'
"errors":0
"files_checked":35
"files_checked_bytes":129782
"files_skipped":0
$ cp -r idx mirror && cp -r repo/public/metadata metadata && cp metadata/1.root.json trusted.json
$ stampede verify metadata --root trusted.json --targets mirror --now $(at 2) | tail -n 1
no findings
$ stampede verify metadata --targets --now $(at 2) >/dev/null
2> stampede: verify: metadata: is not a repository; name the folder of the files: --targets=DIR
= 2
$ file=$(cd mirror && ls -d packages/*/*/*/*.whl | head -n 1); printf X | dd of=mirror/$file bs=1 conv=notrunc 2>/dev/null
$ page=$(cd mirror && ls -d simple/*/index.html | head -n 1); rm mirror/$page; echo new >mirror/extra.txt
$ stampede verify metadata --root trusted.json --targets mirror --now $(at 2) | grep -E "^(error|warning|[0-9])" | sed 's/sha512 is .*,/sha512 is …,/'
error: target-differs: packages/08/50/f0fe7fb87ddbb68cef9f7fce4b9b36d927929fc383f86d1f672e54ccf749/sync_1-9.24.3-cp312-cp312-win_amd64.whl: its sha512 is …, which is not what is signed
error: target-absent: simple/cache-3/index.html: is signed but missing, under its own name and as HASH.NAME
warning: target-unknown: extra.txt: is not in the index
2 errors, 1 warnings
= 1
$ stampede verify metadata --root nowhere.json --now $(at 2)
2> stampede: verify: nowhere.json: cannot be read; give the root file that is trusted
= 2
$ stampede verify repo --sample 1/3
2> stampede: verify: --sample says how many files of --targets to hash; see 'stampede verify --help'
= 2
$ stampede verify repo --targets --sample 3
2> stampede: verify: --sample takes 1/K, such as 1/30, not '3'; see 'stampede verify --help'
= 2

# Changes since the first night.
$ echo changed >>idx/$page; rm idx/$file; echo new >idx/simple/new.html
$ stampede sign repo --now $(at 3) --quiet >/dev/null
$ stampede verify repo --against 1 | sed 's/sha512 [0-9a-f]*/sha512 HEX/; s/-> [0-9a-f]*$/-> HEX/; s/[0-9]* -> [0-9]* bytes/N -> N bytes/; s/ [0-9]* bytes/ N bytes/'
changed simple/cache-3/index.html N -> N bytes, sha512 HEX -> HEX
removed packages/08/50/f0fe7fb87ddbb68cef9f7fce4b9b36d927929fc383f86d1f672e54ccf749/sync_1-9.24.3-cp312-cp312-win_amd64.whl N bytes, sha512 HEX
added   simple/new.html N bytes, sha512 HEX
snapshot 2 against 1: 1 changed, 1 removed, 1 added
= 1
$ stampede verify repo --against metadata --json | sed 's/"[a-z_]*digest":"[0-9a-f]*"/"digest"/g; s/"seconds":[0-9.e-]*/"seconds":N/; s/_length":[0-9]*/_length":N/g'
{"change":"changed","path":"simple/cache-3/index.html","algorithm":"sha512","digest","old_length":N,"digest","new_length":N}
{"change":"removed","path":"packages/08/50/f0fe7fb87ddbb68cef9f7fce4b9b36d927929fc383f86d1f672e54ccf749/sync_1-9.24.3-cp312-cp312-win_amd64.whl","algorithm":"sha512","digest","old_length":N}
{"change":"added","path":"simple/new.html","algorithm":"sha512","digest","new_length":N}
{"summary":{"old_snapshot":1,"new_snapshot":2,"old_bins":8,"new_bins":8,"bins_same":5,"changed":1,"removed":1,"added":1,"seconds":N}}
= 1
$ stampede verify repo --against 2 | tail -n 1
snapshot 2 against 2: 0 changed, 0 removed, 0 added
$ stampede verify repo --against repo/state/commits/1.json | tail -n 1
snapshot 2 against 1: 1 changed, 1 removed, 1 added
= 1
$ stampede verify repo --against nowhere
2> stampede: verify: nowhere: is not there; give a folder, an older timestamp or a snapshot's version
= 2
$ stampede verify repo --against metadata --targets
2> stampede: verify: --against compares metadata; run --targets apart; see 'stampede verify --help'
= 2
