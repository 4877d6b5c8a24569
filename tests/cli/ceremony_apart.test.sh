#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A ceremony of 2 of 3 holders, each in a network namespace without any interface that is up, and in a folder
# with the program, the holder's own key and root, and what a stick brings: nothing else is shared.
set -euo pipefail
: "${STAMPEDE:=$(dirname "$(realpath "$0")")/../../build/dev/stampede}"
# What the holders have; slow_offline.test.sh gives them stampede-offline.
: "${STAMPEDE_OFFLINE:=$STAMPEDE}"
scratch=$(mktemp -d "${TMPDIR:-/tmp}/stampede-apart-XXXXXX")
trap 'rm -rf "$scratch"' EXIT
trap 'echo "FAILED: line $LINENO" >&2' ERR
set -E
cd "$scratch"
umask 022
fail() { echo "FAILED: $*" >&2; exit 1; }
unshare -rn true 2>/dev/null || { echo 'skipped: no network namespaces here'; exit 77; }

# apart WHO COMMAND…: without a network, without the environment, in the folder of WHO. A sanitizer cannot look for
# leaks in there: the process is not dumpable, and another user namespace may not read its /proc.
apart() {
	local who=$1
	shift
	(cd "$who" && unshare -rn env -i PATH="$PATH" LC_ALL=C.UTF-8 ASAN_OPTIONS=detect_leaks=0 "$@")
}
now=2030-01-02T12:00:00Z

mkdir index server stick
echo one >index/one.whl
cp "$STAMPEDE" server/stampede
mv index server/
apart server ./stampede init repo --targets index --bins 4 --now 2030-01-01T12:00:00Z --quiet >/dev/null
apart server ./stampede sign repo --quiet --now 2030-01-01T12:00:00Z >/dev/null
for i in 1 2 3; do
	mkdir -m 700 "holder$i"
	mv "server/repo/offline-keys/root-$i.pem" "holder$i/key.pem"
	cp server/repo/public/metadata/1.root.json "holder$i/kept.json"
	cp "$STAMPEDE_OFFLINE" "holder$i/stampede"
done
mv server/repo/offline-keys/targets-1.pem holder1/targets.pem
mv server/repo/offline-keys/targets-2.pem holder2/targets.pem

# The server makes the payload; a stick takes it from one holder to the next.
apart server ./stampede ceremony start repo --out P --purpose 'the yearly renewal' --renew root,targets --now $now >/dev/null
before=$(sha256sum <server/P)
cp server/P stick/
for i in 1 2; do
	cp stick/P "holder$i/P"
	apart "holder$i" ./stampede ceremony show P --trust kept.json --json --now $now >words.json
	python3 -c "import json;print(*json.load(open('words.json'))['words'][:2])" >words
	for key in key targets; do
		apart "holder$i" ./stampede ceremony sign P --trust kept.json --key pem:$key.pem --now $now <words >"shown$i"
	done
	grep -q 'root 1 → 2' "shown$i" || fail "holder $i does not see the root: $(cat "shown$i")"
	[ "$(sha256sum <"holder$i/P")" = "$before" ] || fail 'the payload changed'
	[ "$(find "holder$i" -name 'P.*.sig' | wc -l)" = 2 ] || fail "holder $i: $(ls "holder$i")"
	# In upper case, as a stick with FAT may have it.
	for file in "holder$i"/P.*.sig; do cp "$file" "stick/$(basename "$file" | tr a-z A-Z)"; done
	rm "holder$i/P"
done
# The third holder was away, and sees who has signed.
cp stick/* holder3/
apart holder3 sh -c './stampede ceremony status P P.*.SIG' >status || fail "not complete: $(cat status)"
grep -q '^complete$' status
rm server/P
cp stick/* server/
apart server sh -c "./stampede ceremony finish repo P P.*.SIG --now $now" >/dev/null
apart server ./stampede sign repo --quiet --now $now >/dev/null
apart server ./stampede verify repo --now $now >verify || fail "verify: $(cat verify)"
[ -f server/repo/public/metadata/2.root.json ] && [ -f server/repo/public/metadata/2.targets.json ]
# A fourth holder replaces the third, with a key that was made without a network as well.
mkdir -m 700 holder4
cp "$STAMPEDE_OFFLINE" holder4/stampede
cp server/repo/public/metadata/2.root.json holder4/kept.json
apart holder4 ./stampede key new ./grace --now $now >/dev/null
third=$(apart holder3 ./stampede key show key.pem --json | python3 -c "import json,sys;print(json.load(sys.stdin)['keyid'])")
cp holder4/grace.key.json server/
apart server ./stampede ceremony start repo --out R --purpose 'grace for the third' --remove "root=$third" \
	--add root=grace.key.json --now $now >/dev/null
for who in holder1 holder2 holder4; do
	cp server/R "$who/R"
	key=key.pem
	[ $who != holder4 ] || key=grace.pem
	cp server/repo/public/metadata/2.root.json "$who/kept2.json"
	apart $who ./stampede ceremony show R --trust kept2.json --json --now $now >words.json
	python3 -c "import json;print(*json.load(open('words.json'))['words'][:2])" >words
	apart $who ./stampede ceremony sign R --trust kept2.json --key pem:$key --now $now <words >shown
	grep -q '+ grace ' shown || fail "the new key is not shown: $(cat shown)"
	[ $who = holder4 ] || cp "$who"/R.*.sig server/
done
# The old and the new threshold are reached, but the new key has not signed.
got=0
apart server sh -c "./stampede ceremony status R R.*.sig" >status || got=$?
[ $got = 1 ] || fail "complete without the new key: $(cat status)"
! apart server sh -c "./stampede ceremony finish repo R R.*.sig --now $now" >/dev/null 2>err || fail 'published'
cp holder4/R.*.sig server/
apart server sh -c "./stampede ceremony finish repo R R.*.sig --now $now" >/dev/null
[ -f server/repo/public/metadata/3.root.json ]
# What the holders keep from now on verifies the next payload.
cp server/repo/public/metadata/2.root.json holder3/kept.json
apart server ./stampede ceremony start repo --out Q --purpose 'the next' --renew root --now $now >/dev/null
cp server/Q holder3/
apart holder3 ./stampede ceremony show Q --trust kept.json --now $now | grep -q 'root 3 → 4'
cp holder1/kept.json holder3/old.json
apart holder3 ./stampede ceremony show Q --trust old.json --now $now >/dev/null
got=0
apart holder3 ./stampede ceremony show P --trust kept.json --now $now >/dev/null 2>err || got=$?
[ $got = 3 ] && grep -q 'which it replaced' err || fail "an old payload is shown: $(cat err)"
echo ok
