#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# An index that vanishes, for whatever reason, is not signed as an empty one; what was recorded of it is
# still there when it is back.
. "$(dirname "$0")/lib.sh"

index 60
init repo --targets index --bins 4 --hash sha256 --target-files none
sign_is 0 repo --json
field_is targets 60
field_is targets_before 0
cp -a repo good
before=$(published repo)
rows() { # the index as a list
	(cd index && find . -type f -printf '%P\n' | sort | while read -r f; do
		echo "$f,$(stat -c %s "$f"),$(sha256sum "$f" | cut -c 1-64)"
	done)
}
rows >rows
(echo path,length,sha256 && cat rows) >whole.csv

# too_many WHY ARGS…: exit 3 with the reason WHY, in a dry run too; nothing is published or forgotten
too_many() {
	local why=$1
	shift
	sign_is 3 repo --json "$@"
	[ "$(published repo)" = "$before" ] || fail "$why: published"
	says "^stampede: sign: [^ ]*: [0-9]+ of 60 targets would be removed \(at most 10 may be\), so nothing was published: .*$why"
	says "--allow-removals $(field files_removed)$"
	says '^stampede: sign: (packages|simple)/.*: was signed last time and would be removed: '
	[ "$(grep -c 'was signed last time' err)" -le 5 ] || fail "$why: more than five examples"
	cp err err.real
	sign_is 3 repo --dry-run "$@"
	grep -E 'would be removed|was signed' err.real | cmp -s - <(grep -E 'would be removed|was signed' err) ||
		fail "$why: a dry run says something else: $(cat err.real err)"
	sign_is 3 repo --jobs 0 "$@"
	grep -E 'would be removed|was signed' err.real | cmp -s - <(grep -E 'would be removed|was signed' err) ||
		fail "$why: the serial run says something else: $(cat err.real err)"
}
# back: the next run has all records, and hashes nothing
back() {
	sign_is 0 repo --json
	field_is targets 60
	field_is targets_before 60
	field_is files_hashed 0
	field_is files_removed 0
	verified repo
	rm -rf repo
	cp -a good repo
}

# The folder: not mounted, empty after mkfs, partly removed, another one.
mv index away
mkdir index
too_many 'the folder is empty'
too_many 'the folder is empty' --on-fault skip
mkdir index/lost+found
too_many 'the folder is empty'
rmdir index/lost+found index
mv away index
back
mv index/packages away
too_many 'the folder packages is missing'
mkdir index/packages
too_many 'the folder packages is empty'
rmdir index/packages
mv away index/packages
back
# One folder deep in the tree: half of the files.
(cd index/packages && ls | tail -n +2) >folders
mkdir away
while read -r folder; do mv "index/packages/$folder" away; done <folders
too_many 'the folder packages/.* is missing'
while read -r folder; do mkdir "index/packages/$folder"; done <folders
too_many 'the folder packages/.* is empty'
while read -r folder; do rmdir "index/packages/$folder"; done <folders
mv away/* index/packages && rmdir away
back
mkdir other
for i in $(seq 70); do echo "other $i" >other/$i.whl; done
cp repo/stampede.json saved
sed -i "s|\"targets_dir\": \".*\"|\"targets_dir\": \"$PWD/other\"|" repo/stampede.json
too_many '70 other files are new|is missing'
[ -z "$(ls repo/state/ledger | grep checkpoint)" ] || fail 'files of another folder were hashed before that was noticed'
cp saved repo/stampede.json
back
# The whole index one folder deeper.
mkdir deeper && mv index deeper/new && mkdir index && mv deeper/new index/new
too_many 'is missing|other files are new'
mv index/new deeper/ && rmdir index && mv deeper/new index
back

# The globs.
cp repo/stampede.json saved
sed -i 's|"exclude": \[\]|"exclude": ["**"]|' repo/stampede.json
too_many 'exclude. of stampede.json keep them out'
cp saved repo/stampede.json
sed -i 's|"exclude": \[\]|"exclude": ["packages/**"]|' repo/stampede.json
too_many 'exclude. of stampede.json keep them out'
cp saved repo/stampede.json
sed -i 's|"include": \[\]|"include": ["package/**", "simple/**"]|' repo/stampede.json
too_many 'exclude. of stampede.json keep them out'
cp saved repo/stampede.json
back

# Lists: none of the rows, half of them, another index, other names.
printf 'path,length,sha256\n#end,0\n' >list.csv
too_many 'the list has no rows' --digests list.csv
(echo path,length,sha256 && head -n 30 rows) >list.csv
too_many 'the list has only 30 rows' --digests list.csv
too_many 'the list has only 30 rows' --digests list.csv --on-fault skip
sed '1!s|^|mirror/|' whole.csv >list.csv
too_many '60 other paths are new' --digests list.csv
sed '1!s|^|./|' whole.csv >list.csv
too_many '60 files, folders or rows are at fault' --digests list.csv --on-fault skip
tr '\n' '\r' <whole.csv >list.csv
sign_is 2 repo --digests list.csv --on-fault skip
[ "$(published repo)" = "$before" ] || fail 'a list with CR line ends was published'
(echo path,length,sha256 && sed 's|^[^,]*|other-&|' rows | tr / -) >list.csv
too_many '60 other paths are new' --digests list.csv
# Rows without their files.
cut -d , -f 1,2 whole.csv | sed '1!s|,.*|,1|' >list.csv
too_many 'rows are at fault' --digests list.csv --on-fault skip
back
# The whole list in place of the folder loses nothing, and is accepted.
sign_is 0 repo --digests whole.csv --json
field_is targets 60
says 'names the folder as the "source"'
rm -rf repo && cp -a good repo

# Not readable, for one who is not root.
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	chmod 755 "$scratch"
	cp "$STAMPEDE" program
	mkdir top && chown 65534 top
	user=(setpriv --reuid=65534 --regid=65534 --clear-groups ./program)
	"${user[@]}" init top/repo --targets index --bins 4 --quiet >/dev/null
	"${user[@]}" sign top/repo --quiet >/dev/null
	unreadable() {
		local got=0
		"${user[@]}" sign top/repo --on-fault skip --json --quiet >out 2>err || got=$?
		[ "$got" = 3 ] || fail "$1: exit $got: $(cat err)"
		says 'files, folders or rows are at fault'
		got=0
		"${user[@]}" sign top/repo --quiet >out 2>err || got=$?
		[ "$got" = 3 ] || fail "$1, without skip: exit $got: $(cat err)"
	}
	chmod 700 index/packages
	unreadable 'a folder'
	chmod 755 index/packages
	"${user[@]}" sign top/repo --json --quiet >out
	field_is files_hashed 0
	find index -type f -exec chmod 600 {} +
	unreadable 'all files'
	find index -type f -exec chmod 644 {} + # the inode's own time moves on: they are read again
	"${user[@]}" sign top/repo --json --quiet >out
	field_is targets 60
	rm -rf good repo
	init repo --targets index --bins 4 --hash sha256 --target-files none
	sign_is 0 repo
else
	echo 'files that may not be read were not tested (needs root and setpriv)'
fi

# What may be removed: ten, but not more than half; or as many as stampede.json or the command line allows.
find index/packages -type f | sort | sed -n 1,11p >gone
mkdir kept
take() { head -n "$1" gone | while read -r f; do mkdir -p "kept/$(dirname "$f")" && mv "$f" "kept/$f"; done; }
put() { cp -a kept/index/. index/ && rm -rf kept/index; }
take 10
sign_is 0 repo --json
field_is files_removed 10
put
sign_is 0 repo --json
field_is targets 60
take 11
sign_is 3 repo --json
field_is files_removed 11
sign_is 3 repo --allow-removals 10
sign_is 0 repo --allow-removals 11
put
sign_is 0 repo
set_limit() { sed -i "s|\"max_removals\": [^,]*|\"max_removals\": $1|" repo/stampede.json; }
set_limit 3
take 4
sign_is 3 repo
says 'at most 3 may be'
set_limit 4
sign_is 0 repo
put
sign_is 0 repo
set_limit '"50%"'
take 11
sign_is 0 repo
put
sign_is 0 repo
set_limit 0
take 1
sign_is 3 repo
sign_is 0 repo --allow-removals all
put
sign_is 0 repo --json
field_is targets 60
set_limit '"1%"'
sign_is 2 repo --allow-removals some
says "takes a whole number or all, not 'some'"
sign_is 2 repo --allow-removals -1

# Small indexes: one of two may be removed, none of one; after none, anything is allowed.
rm -rf index repo && mkdir -p index
init repo --targets index --bins 4 --hash sha256 --target-files none
sign_is 0 repo --json
field_is targets 0
sign_is 0 repo --json
echo a >index/a.whl && echo b >index/b.whl
sign_is 0 repo
rm index/a.whl
sign_is 0 repo
rm index/b.whl
sign_is 3 repo
says '1 of 1 targets would be removed \(at most 0 may be\)'
sign_is 0 repo --allow-removals 1 --json
field_is targets 0
sign_is 0 repo

# Without a ledger the published bins show what was signed; also with other hashes, and with other bins.
rm -rf index repo && index 60
init repo --targets index --bins 4 --hash sha256 --target-files none
sign_is 0 repo
"$STAMPEDE" init repo --update --bins 8 --yes >/dev/null 2>&1
sign_is 0 repo --json
field_is files_hashed 0
mv index away && mkdir index
before=$(published repo)
cp -a repo good.8
gone() {
	sign_is 3 repo --json
	says "60 of 60 targets would be removed"
	[ "$(published repo)" = "$before" ] || fail "$1: published"
	rm -rf repo && cp -a good.8 repo
}
gone 'other bins'
rm -rf repo/state/ledger
gone 'no ledger'
printf '\125' | dd of="$(ls repo/state/ledger/*.base.segment | tail -n 1)" bs=1 seek=9000 conv=notrunc 2>/dev/null
gone 'a damaged ledger'
python3 -c 'import json
d = json.load(open("repo/stampede.json")); d["hashes"] = ["sha512"]
json.dump(d, open("repo/stampede.json", "w"))' && gone 'other hashes'
rmdir index && mv away index

# A kill while a run is refused, or a run that dies late, does not change that.
mv index away && mkdir index
for step in publish.put ledger.write report.write; do
	(STAMPEDE_FAULT_POINT=$step:1 "$STAMPEDE" sign repo --quiet >/dev/null) 2>/dev/null || true
	[ "$(published repo)" = "$before" ] || fail "killed at $step: published"
done
sign_is 3 repo
rmdir index && mv away index
sign_is 0 repo --json
field_is files_hashed 0
field_is targets 60
[ "$(ls repo | grep -c '^\.tmp-' || true)" = 0 ] || fail 'temporary files stay behind'
