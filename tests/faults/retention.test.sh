#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# How long removed paths are remembered, and what ends that: intended replacement, retention, a lost
# ledger, a run that dies, other hashes; the same with any number of workers.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
. "$here/nights.sh"

# Removed and uploaded again on purpose: allowed by path, by glob, or as mutable. A glob for another path
# has no effect.
fresh
mkdir -p index/packages/foo
for i in 1 2 3; do echo "foo $i" >"index/packages/foo/foo-$i [x].whl"; done
night 0 repo
rm -r index/packages/foo
night 0 repo
mkdir index/packages/foo
for i in 1 2 3; do echo "new foo $i" >"index/packages/foo/foo-$i [x].whl"; done
night 3 repo
[ "$(grep -c 'has other bytes' err)" = 3 ] || fail "not three alarms: $(cat err)"
night 3 repo --allow-replace 'packages/foo'
night 3 repo --allow-replace 'packages/*.whl'
night 3 repo --allow-replace 'packages/foo/foo-? x.whl'
night 3 repo --allow-replace 'packages/foo/foo-1 [x].whl'
[ "$(grep -c 'has other bytes' err)" = 2 ] || fail "not two alarms: $(cat err)"
night 2 repo --allow-replace '/packages/**'
says "is not a target path or a glob of such"
night 0 repo --allow-replace 'packages/foo/**'
field_is targets 43
rm index/packages/foo/*
night 0 repo
sed -i 's|"simple/\*\*"|"simple/**", "packages/foo/**"|' repo/stampede.json
echo newer >'index/packages/foo/foo-1 [x].whl'
night 0 repo
# A page is not remembered.
rm index/simple/index.html
night 0 repo
echo 'another page' >index/simple/index.html
night 0 repo
field_is targets 41

# Retention: forever unless stampede.json sets a number of days; then that, in a delta and in a base.
retention() {
	fresh
	sed -i "s|\"removed_retention_days\": null|\"removed_retention_days\": $1|" repo/stampede.json
	night 0 repo --now "$(at 0)"
	cp -p index/$file kept
	rm index/$file
	night 0 repo --now "$(at 1)"
	# The day of the removal counts, not the last day on which it was missing.
	night 0 repo --now "$(at 5)"
	echo evil >index/$file
}
retention null
night 3 repo --now "$(at 300)"
says "removed at $(at 1) "
retention 30
night 3 repo --now "$(at 30)"
night 0 repo --now "$(at 31)"
signed 'forgotten after 30 days'
# Many changes cause a new base, which leaves out what is forgotten and nothing else.
for days in 30 400; do
	retention $days
	rm index/$file
	for i in $(seq 2 15); do echo "changed $i" >>index/simple/index.html; touch "index/packages/f$i-1.0.whl"; done
	night 0 repo --now "$(at 60)"
	for i in $(seq 2 15); do touch "index/packages/f$i-1.0.whl"; done
	night 0 repo --now "$(at 61)"
	[ "$(ls repo/state/ledger/*.base.segment | wc -l)" -ge 1 ] || fail 'no base'
	echo evil >index/$file
	if [ $days = 30 ]; then night 0 repo --now "$(at 62)"; else night 3 repo --now "$(at 62)"; fi
done

# state/ is lost: the published bins show what was signed last, and a note reports that older paths are
# forgotten.
fresh
rm index/packages/f2-1.0.whl
night 0 repo
rm index/$file
night 0 repo
rm -rf repo/state/ledger
echo evil >index/$file
echo evil >index/packages/f3-1.0.whl
night 4 repo --on-fault skip
says 'state/ledger: is lost or damaged.*forgotten'
says 'f3-1.0.whl: has other bytes'
# What is refused in that run is remembered from then on.
night 3 repo
says 'f3-1.0.whl: has other bytes'
! grep -q "$file: has" err || fail 'a path of a lost ledger cannot be known'
! grep -q forgotten err || fail 'the note comes again'

# A run that dies between its two commits has removed the path, although the ledger does not record it.
for step in timestamp.renamed ledger.write; do
	fresh
	before=$(published repo)
	rm index/$file
	("${user[@]}" env STAMPEDE_FAULT_POINT=$step:1 "$STAMPEDE" sign repo --quiet >/dev/null) 2>/dev/null && skip 'no test build'
	[ "$(published repo)" != "$before" ] || fail "killed at $step: not published"
	echo evil >index/$file
	night 3 repo
	says "$file: has other bytes than were signed before"
	! grep -q forgotten err || fail "killed at $step: $(cat err)"
	night 4 repo --on-fault skip
	night 3 repo
	says "$file: has other bytes than were signed before, before it was removed"
	rm index/$file
	night 0 repo
	echo "good 1" >index/$file
	night 0 repo
	signed "killed at $step"
done

# Other hashes: those in both sets are compared, lengths always.
hashes() { python3 -c 'import json, sys
d = json.load(open("repo/stampede.json")); d["hashes"] = sys.argv[1:]
json.dump(d, open("repo/stampede.json", "w"))' "$@"; }
fresh
hashes sha256 sha512
echo 'evil 1' >index/$file
night 3 repo
says "$file: has other bytes than were signed before \(.*sha256"
echo 'good 1' >index/$file
night 0 repo
hashes sha512 blake2b-256
echo 'evil one' >index/$file
night 3 repo
says "$file: has other bytes than were signed before \(.*sha512"
echo 'good 1' >index/$file
night 0 repo
hashes sha256
echo 'evil one' >index/$file
night 3 repo
says "$file: has other bytes than were signed before \(length 7 is now 9"
echo 'good 1' >index/$file
night 0 repo
verified repo

# The same bytes and the same ledger for every number of workers and both ways of reading.
fresh
"${user[@]}" "$STAMPEDE" init top/seed --targets index --bins 4 --hash sha256 --target-files none --quiet --now "$(at 0)" >/dev/null
cp -a index index.0
variants=()
for io in uring pread; do for jobs in 0 1 2; do variants+=("$io-$jobs"); cp -a top/seed "top/$io-$jobs"; done; done
day=1
all() { # STATUS ARGS…
	local status=$1 variant io
	shift
	for variant in "${variants[@]}"; do
		io=${variant%-*}
		"$STAMPEDE" sign top/seed --io uring --dry-run --now "$(at 1)" --quiet >/dev/null 2>&1 || io=pread
		night "$status" "top/$variant" --io "$io" --jobs "${variant#*-}" --now "$(at $day)" "$@"
		sed "s/$variant/X/g" err >"err.$variant"
		cmp -s "err.${variants[0]}" "err.$variant" || fail "day $day: $variant says: $(cat "err.${variants[0]}" "err.$variant")"
		diff -r "top/${variants[0]}/public" "top/$variant/public" >differs || fail "day $day: $variant: $(cat differs)"
	done
	day=$((day + 1))
}
all 0
rm index/packages/f1-1.0.whl index/packages/f2-1.0.whl
all 0
ln -s x index/packages/f2-1.0.whl
echo evil >index/packages/f1-1.0.whl
echo evil >index/packages/f5-1.0.whl
all 4 --on-fault skip
all 3
rm index/packages/f2-1.0.whl
mv index/packages away
all 3
mkdir index/packages
all 3
rmdir index/packages
mv away index/packages
cp -p index.0/packages/f1-1.0.whl index.0/packages/f5-1.0.whl index/packages
all 0
all 0 --allow-replace '**'
