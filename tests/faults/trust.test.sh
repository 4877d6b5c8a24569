#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Somebody who can write to public/ once, without a key, gains nothing: signing starts from roots and
# floors outside it. A correct repository is never refused.
. "$(dirname "$0")/lib.sh"

# refused STATUS FILE COMMAND…: COMMAND has that exit status, names FILE and a remedy, and publishes nothing
refused() {
	local want=$1 file=$2 got=0 before
	shift 2
	before=$(published repo)
	"$STAMPEDE" "$@" >out 2>err </dev/null || got=$?
	[ "$got" = "$want" ] || fail "$*: exit $got, not $want: $(cat out err)"
	says "$file"
	says '; |, or '
	[ "$(published repo)" = "$before" ] || fail "$*: published in spite of $file"
}
# all_refuse FILE: every command that would sign or remove refuses and names FILE
all_refuse() {
	refused 3 "$1" sign repo
	refused 3 "$1" sign repo --dry-run
	refused 3 "$1" gc repo
	refused 3 "$1" init repo --update --yes
}
# attack FILE SED: public/metadata/FILE edited; all refuse; then it is restored
attack() {
	cp "repo/public/metadata/$1" saved
	sed -i "$2" "repo/public/metadata/$1"
	! cmp -s saved "repo/public/metadata/$1" || fail "'$2' changes nothing in $1"
	all_refuse "$1"
	! "$STAMPEDE" verify repo >/dev/null 2>&1 || fail "verify has no finding about $1"
	cp saved "repo/public/metadata/$1"
	sign_is 0 repo
}
version() { grep -oE '"version":[0-9]+' repo/public/metadata/timestamp.json | tail -n 1 | cut -d : -f 2; }

index 12
evil=$(printf 'e%.0s' $(seq 64))
for profile in pep458 compat prefixes; do
	rm -rf repo
	init repo --targets index --bins 4 --profile $profile
	sign_is 0 repo
	cp repo/public/metadata/1.root.json client-root.json

	# Another key in root, threshold 1; the same in targets, bins, timestamp and snapshot.
	attack 1.root.json "s/\"root\":{\"keyids\":\[/&\"$evil\",/; s/\"threshold\":2/\"threshold\":1/"
	attack 1.root.json 's/"threshold":2/"threshold":1/'
	attack 1.targets.json "s/\"keyids\":\[/&\"$evil\",/"
	attack 1.targets.json 's/"targets":{}/"targets":{"evil.whl":{"hashes":{"sha256":"00"},"length":1}}/'
	[ $profile != pep458 ] || attack 1.bins.json 's/"bit_length":2/"bit_length":3/'
	attack timestamp.json 's/"version":\([0-9]*\)}$/"version":9007199254740990}/; s/"version":[0-9]*}}$/"version":9007199254740990}}/'
	attack timestamp.json 's/"expires":"2/"expires":"3/'
	attack "$(version).snapshot.json" 's/"meta":{/&"evil.json":{"version":7},/'
	attack "$(version).snapshot.json" 's/\("targets.json":{[^}]*"version":\)1/\12/'
	# An edited snapshot, and a timestamp that matches it.
	cp "repo/public/metadata/$(version).snapshot.json" saved-snapshot
	cp repo/public/metadata/timestamp.json saved-timestamp
	v=$(version)
	sed -i 's/"meta":{/&"evil.json":{"version":7},/' "repo/public/metadata/$v.snapshot.json"
	sum=$(sha256sum "repo/public/metadata/$v.snapshot.json" | cut -c 1-64)
	bytes=$(stat -c %s "repo/public/metadata/$v.snapshot.json")
	sed -i "s/\"sha256\":\"[0-9a-f]*\"},\"length\":[0-9]*/\"sha256\":\"$sum\"},\"length\":$bytes/" repo/public/metadata/timestamp.json
	all_refuse timestamp.json
	cp saved-snapshot "repo/public/metadata/$v.snapshot.json"
	cp saved-timestamp repo/public/metadata/timestamp.json
	sign_is 0 repo

	# A role newer than the newest that is not signed; one that is not reached at all is named.
	sed 's/"version":1}}$/"version":2}}/' repo/public/metadata/1.targets.json >repo/public/metadata/2.targets.json
	all_refuse 2.targets.json
	rm repo/public/metadata/2.targets.json
	sed 's/"version":1}}$/"version":2}}/' repo/public/metadata/1.root.json >repo/public/metadata/2.root.json
	all_refuse 2.root.json
	rm repo/public/metadata/2.root.json
	v=$(version)
	: >repo/public/metadata/9007199254740990.x.json
	cp repo/public/metadata/1.targets.json repo/public/metadata/900.targets.json
	: >repo/public/metadata/9007199254740990.bin-n-0.json
	cp "repo/public/metadata/$v.snapshot.json" "repo/public/metadata/$((v + 1)).snapshot.json"
	sign_is 0 repo
	says '9007199254740990.x.json: is not a file of this repository'
	says '900.targets.json: is not a file of this repository'
	says "holds files of 2 versions that were never published, from $((v + 1)) to 9007199254740990"
	[ "$(version)" = $((v + 2)) ] || fail "version $(version) after $v: only the number that is in use is skipped"
	rm repo/public/metadata/9007199254740990.* repo/public/metadata/900.targets.json "repo/public/metadata/$((v + 1)).snapshot.json"

	# Old files that were once valid.
	cp -a repo/public/metadata before
	sign_is 0 repo
	for gone in timestamp.json "$(version).snapshot.json" 1.root.json 1.targets.json; do
		mv "repo/public/metadata/$gone" gone
		all_refuse "${gone%.targets.json}"
		mv gone "repo/public/metadata/$gone"
	done
	cp repo/public/metadata/timestamp.json saved
	cp before/timestamp.json repo/public/metadata/timestamp.json
	refused 3 timestamp.json sign repo
	cp saved repo/public/metadata/timestamp.json
	rm -rf before

	# Correct changes are not refused: bins changed, roles renewed, signed again, gc.
	"$STAMPEDE" init repo --update --bins 8 --yes >/dev/null 2>&1
	sign_is 0 repo
	"$STAMPEDE" init repo --update --yes >/dev/null 2>view
	grep -q '^root 1 → 2\|^root 2 → 3' view || fail "the view: $(cat view)"
	sign_is 0 repo
	"$STAMPEDE" gc repo --quiet >/dev/null
	sign_is 0 repo
	verified repo
	"$STAMPEDE" verify repo --root client-root.json >/dev/null || fail 'a client with the first root'
	# The renewed root is pinned: the first one alone is not enough any more.
	mkdir newer
	mv repo/public/metadata/[2-9].root.json newer
	refused 3 root.json sign repo
	mv newer/* repo/public/metadata/
	rmdir newer

	# Roots before the trusted one, through which old clients go: edited, with other bytes that are correctly
	# signed, missing; when state/floors covers them, and when it does not.
	for older in 1.root.json 2.root.json; do
		[ -e "repo/public/metadata/$((${older%%.*} + 1)).root.json" ] || continue
		attack "$older" 's/"threshold":2/"threshold":1/'
		attack "$older" 's/"expires":"2/"expires":"3/'
		mv "repo/public/metadata/$older" saved
		all_refuse "$older"
		sed 's/"signed"/ &/' saved >"repo/public/metadata/$older"
		all_refuse "$older"
		cp repo/state/floors saved-floors
		rm repo/state/floors
		sed 's/"expires":"2/"expires":"3/' saved >"repo/public/metadata/$older"
		refused 3 "$older" sign repo
		cp saved-floors repo/state/floors
		mv saved "repo/public/metadata/$older"
		sign_is 0 repo
	done
	rm repo/state/floors
	sign_is 0 repo
	cmp -s <(grep ^older repo/state/floors) <(grep ^older saved-floors) || fail 'other older roots after a loss of state/floors'
done

# The pins: edited ones are refused, one of the two may be lost; without both only sign works.
cp repo/stampede.json saved-config
sed -i 's/"sha256": "../"sha256": "00/' repo/stampede.json
refused 3 root.json sign repo
cp saved-config repo/stampede.json
rm repo/state/floors
sign_is 0 repo
says 'state/floors: is missing, so what is in public/metadata counts'
sign_is 0 repo
! [ -s err ] || fail "the floors are there again: $(cat err)"
python3 - <<'P' || skip 'no python3'
import json
c = json.load(open("repo/stampede.json"))
del c["trusted_root"]
json.dump(c, open("repo/stampede.json", "w"))
P
sign_is 0 repo
rm repo/state/floors
sign_is 0 repo
says 'names no trusted root'
refused 2 trusted_root init repo --update --yes
refused 3 'trust|root' init repo --update --yes --trust repo/public/metadata/1.targets.json
"$STAMPEDE" init repo --update --yes --trust client-root.json >/dev/null 2>&1
grep -q trusted_root repo/stampede.json || fail 'no root is pinned'
sign_is 0 repo
! grep -q 'trusted root' err || fail 'still no pin'

# state/floors: another seal, other bytes.
cp repo/state/floors saved
for edit in 's/^snapshot [0-9]*/snapshot 1/' 's/^seal ../seal 00/' 's/^root/Root/' '$d'; do
	sed -i "$edit" repo/state/floors
	refused 3 state/floors sign repo
	cp saved repo/state/floors
done

# The time of the last publication is not lost with the commit records.
was=$(grep ^committed repo/state/floors)
rm -r repo/state/commits
"$STAMPEDE" init repo --update --yes --roles root >/dev/null 2>&1
[ "$(grep ^committed repo/state/floors)" = "$was" ] || fail "$was, and now $(grep ^committed repo/state/floors)"

# Skipped numbers are reported, with the reason, and no number is used twice.
v=$(version)
sign_is 0 repo
cp repo/public/metadata/timestamp.json older
echo $((v + 5000)) >repo/state/reserved
sign_is 0 repo
says "state/reserved: names a version far above $((v + 1)), the last one published, so this run is version $((v + 5001));"
rm -r repo/state/floors repo/state/commits repo/state/reserved
cp older repo/public/metadata/timestamp.json
: >repo/public/metadata/9007199254740990.bin-n-0.json
sign_is 0 repo
says "$((v + 5001)).snapshot.json: was signed by this repository, but neither"
says 'holds files of 1 version that'
[ "$(version)" = $((v + 5002)) ] || fail "version $(version) after $((v + 5001))"
rm repo/public/metadata/9007199254740990.bin-n-0.json
sign_is 0 repo
! [ -s err ] || fail "still something to say: $(cat err)"

# Another repository in place of public/ and of state/floors, whose newer root stampede.json does not name:
# verify, which may not read the key of the seal, trusts neither pin alone.
rm -rf thief saved-public
init thief --targets index --bins 4
for _ in $(seq "$(grep -A 2 trusted_root repo/stampede.json | grep -oE '"version": [0-9]+' | cut -d ' ' -f 2)"); do
	"$STAMPEDE" init thief --update --yes --roles root >/dev/null 2>&1
done
sign_is 0 thief
cp -a repo/public saved-public
cp repo/state/floors saved
rm -r repo/public
cp -a thief/public repo/public
cp thief/state/floors repo/state/floors
got=0; "$STAMPEDE" verify repo >verify.out 2>&1 || got=$?
[ $got = 1 ] && grep -q 'root.json: is not the root that stampede.json or state/ names' verify.out || fail "verify: $got, $(cat verify.out)"
got=0; "$STAMPEDE" status repo >status.out 2>&1 || got=$?
[ $got != 0 ] && grep -q 'is not in order' status.out || fail "status: $(cat status.out)"
rm -r repo/public
mv saved-public repo/public
cp saved repo/state/floors
sign_is 0 repo

# Without permission to read keys/ and state/ that is reported, and published files can be examined.
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	mkdir open
	cp -a repo open/
	ln -s ../index open/index
	cp "$STAMPEDE" open/stampede
	chmod 711 . open
	as_user() { setpriv --reuid=65534 --regid=65534 --clear-groups open/stampede "$@" >out 2>err || got=$?; }
	got=0; as_user verify open/repo
	[ $got = 0 ] || fail "verify by another user: $(cat out err)"
	chmod 755 open/repo/state open/repo/state/commits
	chmod 644 open/repo/state/commits/* open/repo/state/last-run.json
	got=0; as_user gc open/repo --dry-run
	[ $got = 0 ] || fail "gc --dry-run by another user: $(cat out err)"
	got=0; as_user sign open/repo --dry-run
	says 'run it as its owner'
	# A repository whose owner changes, as in README for the timer, is not a backup.
	rm -r open/repo
	sleep 1.1
	chown -R 65534:65534 repo
	got=0; as_user sign repo
	[ $got = 0 ] && ! [ -s err ] || fail "sign by the new owner: $got, $(cat err)"
	chown -R 0:0 repo
	sign_is 0 repo
	! [ -s err ] || fail "back to the first owner: $(cat err)"
	rm -r open
fi

# A person at a terminal is asked.
if command -v script >/dev/null; then
	echo no | script -qec "$STAMPEDE init repo --update" /dev/null >asked 2>&1 && fail 'continued after no'
	grep -q 'Type yes' asked || fail "not asked: $(cat asked)"
	echo yes | script -qec "$STAMPEDE init repo --update" /dev/null >asked 2>&1 || fail "stopped after yes: $(cat asked)"
fi

# A repository that is restored from a backup uses no version twice.
cp -a repo backup
sleep 1.1 # the inode of state/ may be used again: then only the times of state/floors tell
for _ in 1 2 3; do sign_is 0 repo; done
seen=$(version)
rm -rf repo
cp -a backup repo
sign_is 0 repo
says 'restored from a backup'
[ "$(version)" -gt "$seen" ] || fail "version $(version) again after $seen"
v=$(version)
sign_is 0 repo
[ "$(version)" = $((v + 1)) ] || fail "version $(version) after $v"
# Nor when the roles are renewed before the first sign.
rm -rf backup
cp -a repo backup
sleep 1.1
for _ in 1 2 3; do sign_is 0 repo; done
seen=$(version)
rm -rf repo
cp -a backup repo
"$STAMPEDE" init repo --update --yes >/dev/null 2>&1
sign_is 0 repo
says 'restored from a backup'
[ "$(version)" -gt "$seen" ] || fail "version $(version) again after $seen and init --update"
verified repo
# A copy elsewhere is a copy; with a newer timestamp it continues above that.
cp -a repo other
cp repo/public/metadata/timestamp.json newest
sign_is 0 other
! grep -q backup err || fail 'a copy elsewhere'
sign_is 0 repo --above 12345
[ "$(version)" = 12346 ] || fail "version $(version), not above 12345"
refused 2 --above sign repo --above 12345
refused 2 --above sign repo --above 9007199254740990
refused 2 client-root.json sign repo --above client-root.json
cp repo/public/metadata/timestamp.json newest
rm -rf repo
mv other repo
sign_is 0 repo --above newest
[ "$(version)" = 12347 ] || fail "version $(version), not above newest"
verified repo
