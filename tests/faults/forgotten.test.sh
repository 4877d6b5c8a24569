#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A file that is missing for a night, for whatever reason, and comes back with other bytes raises the
# alarm as if it had been there; with its own bytes it is signed, and is not read again.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
. "$here/nights.sh"

alarm() { # NAME ARGS…: other bytes are refused, whatever happens to faults
	local name=$1
	shift
	night 4 repo --on-fault skip "$@"
	says "^stampede: sign: $file: has other bytes than were signed before, before it was removed at 20[^ ]*Z \(.*sha256 [0-9a-f]{16}\.\.\. is now [0-9a-f]{16}\.\.\.\)" ||
		fail "$name: no alarm"
	[ -z "$(signed_digest repo "$file")" ] || fail "$name: signed"
}
# try NAME HIDE SHOW [ARGS…]: HIDE makes the file vanish for two nights, SHOW brings it back
try() {
	local name=$1 hide=$2 show=$3
	shift 3
	fresh
	eval "$hide"
	for _ in 1 2; do
		"${user[@]}" "$STAMPEDE" sign repo --on-fault skip --quiet "$@" >out 2>err || [ $? = 4 ] ||
			fail "$name: $(cat err)"
	done
	[ -z "$(signed_digest repo "$file")" ] || fail "$name: it did not vanish"
	eval "$show"
	cp -p "index/$file" kept
	# With its own bytes it is signed, and only what has another inode or time is hashed.
	cp -a top saved
	night 0 repo
	field_is targets 40
	signed "$name"
	rm -rf top && mv saved top
	# With others it is not, however often that is tried, whichever segment of the ledger has it.
	echo evil >"index/$file"
	alarm "$name"
	alarm "$name, the second night" --rehash all
	night 3 repo
	# Restored, it is signed as before.
	cp -p kept "index/$file"
	night 0 repo
	signed "$name, restored"
	echo evil >"index/$file"
	night 3 repo
	says "$file: has other bytes than were signed before \(.*sha256"
	night 0 repo --allow-replace "$file"
	signed "$name, replaced"
}
exclude() { sed -i "s|\"exclude\": \[[^]]*\]|\"exclude\": [$1]|" repo/stampede.json; }
try deleted 'mv index/$file away' 'mv away index/$file'
try 'a symbolic link' 'mv index/$file away && ln -s /nonexistent index/$file' 'mv -f away index/$file'
try 'a folder' 'mv index/$file away && mkdir index/$file' 'rmdir index/$file && mv away index/$file'
try 'a FIFO' 'mv index/$file away && mkfifo index/$file' 'mv -f away index/$file'
try excluded "exclude '\"packages/f1-*\"'" "exclude ''"
try 'not included' 'sed -i "s|\"include\": \[\]|\"include\": [\"packages/f[!1]*\", \"packages/f1[0-9]*\", \"simple/**\"]|" repo/stampede.json' \
	'python3 -c "import json; d = json.load(open(\"repo/stampede.json\")); d[\"include\"] = []; json.dump(d, open(\"repo/stampede.json\", \"w\"))"'
try 'its folder elsewhere' 'mv index/packages away' 'mv away index/packages' --allow-removals all
try 'all of it elsewhere' 'mv index away && mkdir index' 'rmdir index && mv away index' --allow-removals all
if [ ${#user[@]} != 0 ]; then
	try unreadable 'chown 0 index/$file; chmod 0 index/$file' 'chmod 644 index/$file'
	try 'in a folder that is unreadable' 'chown 0 index/packages; chmod 0 index/packages' 'chmod 755 index/packages' --allow-removals all
fi

# What is excluded for a night, or on a disk that is not mounted, is not read again.
fresh
exclude '"packages/f1*"'
night 3 repo
night 0 repo --allow-removals 11
exclude ''
night 0 repo
field_is files_hashed 0
field_is targets 40
mv index away && mkdir index
night 0 repo --allow-removals all
night 0 repo
rmdir index && mv away index
night 0 repo
field_is files_hashed 1 # the page: mutable files are not remembered
field_is targets 40
verified repo
# A file with the old name that is older than the removal is read as well: only its own state counts.
mv index/$file away
night 0 repo
cp -p away index/$file
night 0 repo
field_is files_hashed 1

# Lists: a row that is left out for a night; another list; a list after the folder.
for jobs in 0 2; do
	fresh
	(echo path,length,sha256 && rows) >whole.csv
	grep -v "^$file" whole.csv >without.csv
	sed "s|^$file,.*|$file,7,$(printf 'e%.0s' $(seq 64))|" whole.csv >evil.csv
	night 0 repo --digests whole.csv --jobs $jobs
	night 0 repo --digests without.csv --jobs $jobs
	field_is targets 39
	night 0 repo --digests without.csv --jobs $jobs # the same list again
	alarm 'a row' --digests evil.csv --jobs $jobs
	night 0 repo --digests without.csv --jobs $jobs
	night 0 repo --digests whole.csv --jobs $jobs
	field_is targets 40
	signed 'a row'
	night 0 repo --digests without.csv --jobs $jobs
	# From the folder as well.
	cp -p index/$file away
	echo evil >index/$file
	alarm 'the folder after a list' --jobs $jobs
	night 0 repo --digests evil.csv --allow-replace $file --jobs $jobs
	[ "$(signed_digest repo $file)" = "$(printf 'e%.0s' $(seq 64))" ] || fail 'the row was not used'
done
