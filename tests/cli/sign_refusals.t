# Wrong input of sign: exit 2 with what to do, 75 for a lock holder.
$ index idx 10
$ stampede init repo --targets idx --bins 16 --now $(at 1) >/dev/null
$ stampede sign
2> stampede: sign: give one REPO, the folder that init made; see 'stampede sign --help'
= 2
$ stampede sign repo other
2> stampede: sign: give one REPO, the folder that init made; see 'stampede sign --help'
= 2
$ stampede sign missing
2> stampede: repository: missing: cannot open: No such file or directory; name a repository made by `stampede init`
= 2
$ stampede sign idx
2> stampede: repository: idx: has no stampede.json; name a repository made by `stampede init`
= 2
$ stampede sign repo --jobs many
2> stampede: sign: --jobs takes a whole number from 0 to 1024, not 'many'; see 'stampede sign --help'
= 2
$ stampede sign repo --jobs 100000
2> stampede: sign: --jobs takes a whole number from 0 to 1024, not '100000'; see 'stampede sign --help'
= 2
$ stampede sign repo --io fast
2> stampede: sign: --io takes one of auto, uring, pread, not 'fast'; see 'stampede sign --help'
= 2
$ stampede sign repo --on-fault ignore
2> stampede: sign: --on-fault takes one of stop, skip, not 'ignore'; see 'stampede sign --help'
= 2
$ stampede sign repo --rehash 1/0
2> stampede: sign: --rehash takes changed, all or 1/K such as 1/30, not '1/0'; see 'stampede sign --help'
= 2
$ stampede sign repo --now 2030-02-30T00:00:00Z
2> stampede: sign: --now: '2030-02-30T00:00:00Z' is not a calendar date; see 'stampede sign --help'
= 2
$ stampede sign repo --digests missing.csv --now $(at 2)
2> stampede: list: missing.csv: cannot open the digest list: No such file or directory
= 2

# The configuration.
$ cp repo/stampede.json good.json
$ sed 's/"bins": 16,/"bins": 17,/' good.json >repo/stampede.json; stampede sign repo --now $(at 2)
2> stampede: config: stampede.json: "bins": 17 is not a power of two
= 2
$ sed 's/"bins": 16,/"binz": 16,/' good.json >repo/stampede.json; stampede sign repo --now $(at 2)
2> stampede: config: stampede.json: "binz": is not a known field; correct the name or remove it
= 2
$ sed 's/"bins": 16,/"bins": 16, "bins": 16,/' good.json >repo/stampede.json; stampede sign repo --now $(at 2)
2> stampede: config: stampede.json: line 8: duplicate object key near '"bins"'; fix it
= 2
$ head -c 40 good.json >repo/stampede.json; stampede sign repo --now $(at 2)
2> stampede: config: stampede.json: line 4: string or '}' expected near end of file; fix it
= 2
$ rm repo/stampede.json; stampede sign repo --now $(at 2)
2> stampede: repository: repo: has no stampede.json; restore it from a backup
= 2
$ cp good.json repo/stampede.json

# The targets folder: it must exist, and be neither in the repository nor around it.
$ mv idx away; stampede sign repo --now $(at 2)
2> stampede: scan: SCRATCH/idx: cannot open the targets folder (No such file or directory); mount it, or correct "targets_dir" in stampede.json
= 2
$ mv away idx
$ around() { sed "s|\"targets_dir\": \".*\"|\"targets_dir\": \"$1\"|" good.json >repo/stampede.json; }
$ around "$PWD"; stampede sign repo --now $(at 2)
2> stampede: scan: SCRATCH: the repository is in the targets folder; correct "targets_dir" in stampede.json, or move one of them
= 2
$ ln -s "$PWD" loop; around "$PWD/loop"; stampede sign repo --now $(at 2)
2> stampede: scan: SCRATCH/loop: the repository is in the targets folder; correct "targets_dir" in stampede.json, or move one of them
= 2
$ around "$PWD/repo/public"; stampede sign repo --now $(at 2)
2> stampede: scan: SCRATCH/repo/public: the targets folder is in the repository; correct "targets_dir" in stampede.json, or move one of them
= 2
$ around "$PWD/good.json"; stampede sign repo --now $(at 2)
2> stampede: scan: SCRATCH/good.json: cannot open the targets folder (Not a directory); mount it, or correct "targets_dir" in stampede.json
= 2
$ cp good.json repo/stampede.json

# The online key.
$ chmod 640 repo/keys/online.pem; stampede sign repo --now $(at 2)
2> stampede: keys: online.pem: the key file is open to others (mode 0640); chmod 600 it
= 2
$ chmod 600 repo/keys/online.pem; chmod 755 repo/keys; stampede sign repo --now $(at 2)
2> stampede: keys: online.pem: the key folder is open to others (mode 0755); chmod 700 it
= 2
$ chmod 700 repo/keys; mv repo/keys/online.pem key.pem; stampede sign repo --now $(at 2)
2> stampede: keys: keys/online.pem: is not there: restore this online key from a backup, or, if it is lost, see how to replace it: stampede status REPO --lost KEYID
= 2
$ openssl genpkey -algorithm ed25519 -out repo/keys/online.pem; chmod 600 repo/keys/online.pem
$ stampede sign repo --now $(at 2)
2> stampede: published: keys/online.pem: is not the key that root and bins name; restore the right one, or publish this one: stampede init --update
= 2
$ openssl genpkey -algorithm rsa -out repo/keys/online.pem 2>/dev/null; chmod 600 repo/keys/online.pem
$ stampede sign repo --now $(at 2)
2> stampede: keys: online.pem: is not an Ed25519 key; make one with openssl genpkey -algorithm ed25519
= 2
$ echo garbage >repo/keys/online.pem; stampede sign repo --now $(at 2)
2> stampede: keys: online.pem: is not a PEM file with a private key; restore it from a backup
= 2
$ mv key.pem repo/keys/online.pem

# Another run that holds the lock (it waits for its list).
$ mkfifo list; stampede sign repo --digests list --now $(at 2) >/dev/null 2>&1 & sleep 0.5; stampede sign repo --now $(at 2)
2> stampede: repository: state/lock: held by "sign *" (command and process); try again when it is done (glob)
= 75
$ exec 8>list; exec 8>&-; wait

# None of this published anything.
$ ls repo/public/metadata
1.bins.json
1.root.json
1.targets.json

# Afterwards everything works again.
$ stampede sign repo --now $(at 2) >/dev/null
$ stampede verify repo --now $(at 2) | tail -n 1
no findings

# A process that is not stampede holds the lock: it is named, and never called a run.
$ holds() { python3 -c 'import fcntl,os,sys,time; f=open(sys.argv[1],"r+"); fcntl.lockf(f,fcntl.LOCK_EX); open("held","w"); time.sleep(20)' $1 & for i in $(seq 100); do [ -e held ] && break; sleep 0.1; done; rm held; }
$ holds repo/state/lock; stampede gc repo 2>&1 | sed "s/process $!,/process PID,/"; kill $!; wait $! 2>/dev/null; true
stampede: repository: state/lock: held by process PID, which is not stampede; end it, or try again when it is done

# A JSON document is not a list of rows: the message says how to convert it.
$ stampede init listed --targets idx --bins 4 --now $(at 1) --quiet; H=$(printf '%0128d' 0); row='{"path":"a","length":1,"sha512":"'$H'"}'
$ try() { stampede sign listed --digests - --now $(at 2) --quiet; }
$ echo "{\"rows\":[$row,$row]}" | try
2> stampede: list: stdin: is one JSON object that holds an array, "rows"; write one object per line: jq -c '.rows[]'
= 2
$ printf '{"releases":[%s,\n%s\n]}\n' "$row" "$row" | try
2> stampede: list: stdin: is one JSON object that holds an array, "releases"; write one object per line: jq -c '.releases[]'
= 2
$ echo "{\"total\":1,\"odd name\":[$row]}" | try
2> stampede: list: stdin: is one JSON object that holds an array, "odd name"; write one object per line: jq -c '.NAME[]'
= 2
$ echo "{\"files\":{\"a\":$row}}" | try
2> stampede: list: stdin: is one JSON object that holds another, "files"; write one object per line, such as: jq -c '.files | to_entries[] | {path: .key} + .value'
= 2
$ printf '{"tags":["x"],"path":"../a"}\n{"rows":[]}\n{"op":"commit"}\n' | try
2> stampede: list: stdin: columns not used: tags
2> stampede: list: stdin:1: column path: has a "." or ".." segment; write the path without it
2> stampede: list: stdin:2: column path: is empty; name a file
2> stampede: sign: 2 paths cannot be signed, so nothing was published; fix them, or publish without them: --on-fault skip
= 3

# A value that is not a length is shown.
$ printf 'path,length,sha512\na,\\N,%s\nb,NULL,%s\nc,1e5,%s\nd,-1,%s\n#end\n' $H $H $H $H | try
2> stampede: list: stdin:2: column length: is "\N", which databases write for NULL; leave the field empty, as COPY ... CSV HEADER does
2> stampede: list: stdin:3: column length: is "NULL", which databases write for NULL; leave the field empty, as COPY ... CSV HEADER does
2> stampede: list: stdin:4: column length: is "1e5", not a whole number below 2^53 in plain decimal digits, without sign, spaces, separators and exponent; correct the row
2> stampede: list: stdin:5: column length: is "-1", not a whole number below 2^53 in plain decimal digits, without sign, spaces, separators and exponent; correct the row
2> stampede: sign: 4 paths cannot be signed, so nothing was published; fix them, or publish without them: --on-fault skip
= 3

# A missing folder of keys is a mistake on the command line, and so is a file in its place.
$ stampede init repo --update --yes --now $(at 3) --offline-keys nowhere
2> stampede: update: nowhere: cannot open the folder of --offline-keys (No such file or directory); mount it, or name another
= 2
$ echo >file; stampede init repo --update --yes --now $(at 3) --offline-keys file
2> stampede: update: file: cannot open the folder of --offline-keys (Not a directory); mount it, or name another
= 2

# Why something cannot be written, and how to fix it.
$ chmod 555 repo/public/metadata; as_user stampede sign repo --quiet --now $(at 3) 2>&1 | tail -n 1
stampede: publish: 2.bin-n-0.json: cannot create: Permission denied; correct the owner or mode of its folder
= 3
