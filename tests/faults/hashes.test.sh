#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Other bytes under a signed name are an alarm even if no known digest has a configured algorithm: after
# "hashes" was changed, with and without a ledger, and for rows of a list whose digests are not those of
# the repository.
. "$(dirname "$0")/lib.sh"

# hashes REPO ALGORITHM…: edits stampede.json
hashes() {
	local repo=$1
	shift
	awk -v list="$(printf '"%s", ' "$@")" '
		/^ *"hashes":/ { print "\"hashes\": [" substr(list, 1, length(list) - 2) "],"; inside = 1 }
		!inside
		inside && /\]/ { inside = 0 }' "$repo/stampede.json" >edited
	cat edited >"$repo/stampede.json"
}
# again REPO: a fresh copy of it as repo
again() { rm -rf repo && cp -a "$1" repo; }
row() { # PATH ALGORITHM…: path, length, digests
	printf '%s,%s' "$1" "$(stat -c %s "index/$1")"
	for algorithm in "${@:2}"; do printf ',%s' "$(digest_of "$algorithm" "index/$1")"; done
	echo
}
digest_of() { case $1 in blake2b-256) b2sum -l 256 "$2" ;; *) "${1}sum" "$2" ;; esac | cut -d ' ' -f 1; }
list() { # ALGORITHM…: a list of all packages
	(IFS=, && echo "path,length,$*")
	(cd index && find packages -type f | sort) | while read -r path; do row "$path" "$@"; done
}

index 30
count=$(find index/packages -type f | wc -l)
init base --targets index --bins 4 --target-files none --hash sha512
sign_is 0 base --json
file=$(cd index && find packages -type f | sort | sed -n 2p)
page=$(cd index && find simple -type f | sort | sed -n 1p)
cp "index/$file" kept
# Other bytes of the same length, so that only a digest differs.
evil() { printf X | dd of="index/$file" bs=1 seek=3 conv=notrunc 2>/dev/null; }
restore() { cp kept "index/$file"; }

# --- "hashes" is changed: every file is read once and compared, in every combination.
change() { # FROM TO: alarms about the file that changes in the same night, and about nothing else
	again base
	if [ "$1" != sha512 ]; then
		hashes repo ${1//,/ }
		sign_is 0 repo --json
	fi
	rm -rf before && cp -a repo before
	hashes repo ${2//,/ }
	sign_is 0 repo --json
	says 'hash: stampede.json: "hashes" was changed since the last run, so 30 files will be read .* and compared with what was signed'
	field_is files_hashed 30
	verified repo
	sign_is 0 repo --json
	field_is files_hashed 0
	[ ! -s err ] || fail "the change is reported again: $(cat err)"
	again before
	hashes repo ${2//,/ }
	evil
	echo more >>"index/$page"
	for jobs in 0 2; do
		sign_is 3 repo --json --jobs $jobs
		field_is faults 1
		says "$file: has other bytes than were signed before"
	done
	sign_is 4 repo --json --on-fault skip
	field_is targets 29
	again before
	hashes repo ${2//,/ }
	sign_is 0 repo --allow-replace "$file" --json
	verified repo
	restore
}
change sha512 sha256
change sha512 blake2b-256
change sha512 sha256,sha512
change sha256,sha512 blake2b-256,sha256
change sha256,blake2b-256 sha512

# Removing an algorithm needs no reading; a change is detected as on any night.
again base
hashes repo sha256 sha512
sign_is 0 repo --json
hashes repo sha256
sign_is 0 repo --json
field_is files_hashed 0
[ "$(signed_digest repo "$file")" = "$(sha256sum "index/$file" | cut -c 1-64)" ] || fail 'another digest'
verified repo
sign_is 0 repo --json
field_is files_hashed 0
hashes repo sha256 sha512
sign_is 0 repo --json
hashes repo sha512
evil
sign_is 3 repo
says "$file: has other bytes than were signed before \(sha512 "
restore

# --- a run that dies half way is continued, and forgets no alarm.
again base
hashes repo sha256
STAMPEDE_FAULT_POINT=snapshot.write:1:ENOSPC sign_is 3 repo
sign_is 0 repo --json
field_is files_hashed 0
again base
hashes repo sha256
STAMPEDE_FAULT_POINT=snapshot.write:1:ENOSPC sign_is 3 repo
evil
sign_is 3 repo --json
field_is files_hashed 1
says "$file: has other bytes than were signed before"
# What was allowed in a run that failed is not allowed permanently.
STAMPEDE_FAULT_POINT=snapshot.write:1:ENOSPC sign_is 3 repo --allow-replace "$file"
sign_is 3 repo
says "$file: has other bytes than were signed before"
sign_is 0 repo --allow-replace "$file"
restore

# --- state/ is lost, or older: what is published shows what was signed, with any hash.
for break in 'rm -rf repo/state/ledger' 'rm repo/state/ledger/1.manifest' 'truncate -s 5000 repo/state/ledger/1.base.segment'; do
	again base
	hashes repo sha256
	$break
	sign_is 0 repo --json
	again base
	hashes repo sha256
	$break
	evil
	sign_is 3 repo
	says "$file: has other bytes than were signed before \(sha512 "
	restore
done

# --- with a list. It may have both digests, and then needs no file.
init listed --targets index --bins 4 --target-files none --hash sha256
list sha256 >old.csv
list sha256 sha512 >both.csv
list sha512 >new.csv
sign_is 0 listed --digests old.csv
rm -rf base && mv listed base
hashes base sha512
mv index index.away && mkdir index
again base
sign_is 0 repo --digests both.csv --json
field_is files_hashed 0
field_is targets "$count"
verified repo
sign_is 0 repo --digests new.csv --json
[ ! -s err ] || fail "said: $(cat err)"
again base
sed "s#^$file,\([0-9]*\),......#$file,\1,abcdef#" both.csv >evil.csv
sign_is 3 repo --digests evil.csv
says "$file: has other bytes than were signed before \(sha256 .* is now abcdef"
sign_is 3 repo --digests new.csv
says "$file: new.csv:3 has no digest to compare with what was signed before \"hashes\" was changed \(add that column once\), so the file must be read, and it cannot be found"
(cat new.csv && echo "packages/new.whl,1,$(printf 'ab%.0s' $(seq 64))") >more.csv
rmdir index && mv index.away index
sed "s#^$file,\([0-9]*\),#$file,1\1,#" new.csv >evil.csv
sign_is 3 repo --digests evil.csv
says "$file: has other bytes than were signed before \(length ([0-9]*) is now 1"
# A new row need not be compared.
again base
sign_is 0 repo --digests more.csv --json
says "so $count files will be read"
field_is files_hashed "$count"
sign_is 0 repo --digests more.csv --json
field_is files_hashed 0
again base
evil
list sha512 >evil.csv # the list and the file, in the same night
for jobs in 0 2; do
	sign_is 3 repo --digests evil.csv --jobs $jobs
	says "$file: has other bytes than were signed before \(sha256 "
done
sign_is 3 repo --digests new.csv # the file alone
says "list: $file: is not the file that new.csv:3 describes \(sha512 [0-9a-f]{16}\.\.\., the file has [0-9a-f]{16}"
sign_is 0 repo --digests evil.csv --allow-replace "$file"
verified repo
restore

# --- a file that is read because its row lacks something must be what the row says.
hashes base sha256
init fresh --targets index --bins 4 --target-files none --hash sha512
for columns in sha256 blake2b-256 sha256,blake2b-256; do
	again fresh
	list ${columns//,/ } >list.csv
	evil
	before=$(published repo)
	for jobs in 0 2; do
		sign_is 3 repo --digests list.csv --jobs $jobs
		says "list: $file: is not the file that list.csv:3 describes \(${columns%%,*} [0-9a-f]{16}\.\.\., the file has "
	done
	[ "$(published repo)" = "$before" ] || fail 'published in spite of the alarm'
	for night in 1 2; do
		sign_is 4 repo --digests list.csv --on-fault skip --json
		field_is targets $((count - 1))
		field_is faults 1
	done
	restore
	sign_is 0 repo --digests list.csv --json
	field_is targets "$count"
	verified repo
done
# Without a length in the row, and with another length.
again fresh
(echo path,sha256 && tail -n +2 list.csv | cut -d , -f 1,3) >short.csv
evil
sign_is 3 repo --digests short.csv
says "list: $file: is not the file that short.csv:3 describes \(sha256 "
restore
sed "s#^$file,\([0-9]*\),#$file,1\1,#" list.csv >longer.csv
sign_is 3 repo --digests longer.csv
says "list: $file: is not the file that longer.csv:3 describes \(length 1([0-9]*), the file has "
# An unchanged file is not read again; a list that now has something else is detected nevertheless.
again fresh
hashes repo sha256 sha512
list sha256 >list.csv
sign_is 0 repo --digests list.csv --json
field_is files_hashed "$count"
sign_is 0 repo --digests list.csv --json
field_is files_hashed 0
sed "s#^$file,\([0-9]*\),......#$file,\1,abcdef#" list.csv >evil.csv
sign_is 3 repo --digests evil.csv --json
field_is files_hashed 0
says "list: $file: is not the file that evil.csv:3 describes \(sha256 abcdef.*, the file has "
