#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# init --ceremony, ceremony start, finish and drill: the repository's side, with keys of their holders. Attacks on it:
# thresholds of the old or the new role only, a base that moved, two payloads for one version, expired documents, an
# online key that is an offline one, removals below the threshold, a kill at every step.
set -euo pipefail
here=$(dirname "$(realpath "$0")")
: "${STAMPEDE:=$here/../../build/dev/stampede}"
scratch=$(mktemp -d "${TMPDIR:-/tmp}/stampede-ceremony-repo-XXXXXX")
trap 'rm -rf "$scratch"' EXIT
trap 'echo "FAILED: line $LINENO" >&2' ERR
set -E
cd "$scratch"
umask 022
fail() { echo "FAILED: $*" >&2; exit 1; }

# is STATUS WORDS…: stampede WORDS…, its output in out and err
is() {
	local want=$1 got=0
	shift
	"$STAMPEDE" "$@" >out 2>err || got=$?
	[ "$got" = "$want" ] || fail "$*: exit $got, not $want: $(cat out err)"
}
says() { grep -qF -- "$1" out || fail "does not print '$1': $(cat out)"; }
complains() { grep -qF -- "$1" err || fail "does not report '$1': $(cat err)"; }
json() { python3 -c "import json,sys;v=json.load(open('out'));[v:=v[int(k) if k.isdigit() else k] for k in sys.argv[1].split('.')];print(v)" "$1"; }
at() { printf '2030-%02d-01T12:00:00Z' "$1"; }
# signed PAYLOAD KEY…: each key signs the payload; --trust is trust.json unless it makes the first root
signed() {
	local payload=$1 trust=() key
	shift
	[ ! -e trust.json ] || trust=(--trust trust.json)
	"$STAMPEDE" ceremony show "$payload" "${trust[@]}" --json | python3 -c "import json,sys;print(*json.load(sys.stdin)['words'][:2])" >words
	for key; do is 0 ceremony sign "$payload" "${trust[@]}" --key "pem:keys/$key.pem" <words; done
}
finish() { # STATUS PAYLOAD [OPTIONS…]: with all its signature files
	local status=$1 payload=$2
	shift 2
	is "$status" ceremony finish "${repo:-repo}" "$payload" "$payload".*.sig "$@"
}

mkdir -m 700 keys
mkdir index
echo one >index/one.whl
for name in ada bob eve dan tim; do "$STAMPEDE" key new keys/$name >/dev/null; done
keyid() { python3 -c "import json,sys;print(json.load(open(f'keys/{sys.argv[1]}.key.json'))['signatures'][0]['keyid'])" "$1"; }

# ------------------------------------------------------------------ init --ceremony
is 2 init repo --targets index --keys keys/ada.key.json
complains 'go with --ceremony'
is 2 init repo --targets index --ceremony first.json
complains 'root: has no key'
is 2 init repo --targets index --ceremony first.json --keys keys/ada.key.json keys/ada.key.json
complains 'is given twice for root'
is 2 init repo --targets index --ceremony first.json --keys keys/ada.key.json --root-threshold 2
complains 'root: 2 of 1 keys must sign, which nobody can reach'
is 2 init repo --targets index --ceremony first.json --keys keys/ada.key.json --threshold timestamp=2
complains 'is not ROLE=T of root, targets or bins'
python3 - <<'EOF'
import json
key = json.load(open("keys/ada.key.json"))
key["signatures"] = []
json.dump(key, open("unproven.key.json", "w"), separators=(",", ":"), sort_keys=True)
EOF
is 2 init repo --targets index --ceremony first.json --keys unproven.key.json
complains 'is not signed by the key itself'
[ ! -e repo ] && [ ! -e first.json ]
is 0 init repo --targets index --bins 4 --ceremony first.json --now "$(at 1)" --json \
	--keys keys/ada.key.json keys/bob.key.json root=keys/eve.key.json targets=keys/tim.key.json
[ "$(json thresholds.0.document)" = 1.root.json ] && [ "$(json thresholds.0.threshold)" = 2 ]
[ "$(json words | tr -cd , | wc -c)" = 12 ]
[ ! -e repo/offline-keys ] && [ -z "$(ls repo/public/metadata)" ]
for command in sign status verify; do
	got=0
	"$STAMPEDE" $command repo >out 2>err || got=$?
	[ $got = 2 ] || fail "$command of a repository without a root: exit $got"
	complains "$scratch/first.json: this payload of the first ceremony ("
	complains 'stampede ceremony finish'
done
is 2 ceremony start repo --out x.json --purpose x
complains 'this payload of the first ceremony'
is 2 init repo --targets index --ceremony first.json --keys keys/ada.key.json
complains 'is a repository already'

# Another payload of a first root is not the one that this repository waits for.
is 0 init other --targets index --bins 4 --ceremony other.json --now "$(at 1)" --keys keys/ada.key.json --quiet
signed other.json ada
finish 3 other.json --now "$(at 1)"
complains 'is not the first payload of this repository'
repo=other finish 0 other.json --now "$(at 1)"

signed first.json ada
finish 3 first.json --now "$(at 1)"
complains '1.root.json: has 1 of the 2 signatures that root 1 demands, and needs 1 more of bob, eve; name their files too'
signed first.json bob
finish 3 first.json --now "$(at 1)"
complains 'a new key, so nothing proves that it can sign'
complains --allow-unproven
signed first.json eve tim
finish 3 first.json --now 2032-01-01T12:00:00Z
complains '1.root.json: expired at 2031-01-01T12:00:00Z, before it was published'
[ -z "$(ls repo/public/metadata)" ]
cp -r repo unfinished
cp first.json first.json.*.sig unfinished
finish 0 first.json --now "$(at 1)"
says 'root     version 1, valid until 2031-01-01T12:00:00Z'
says 'Give repo/public/metadata/1.root.json to every holder and every client'
finish 0 first.json --now "$(at 2)"
says 'All of it was published already.'
# What refused the runs before is over, and everybody's keys are known before the first sign.
is 0 status repo --now "$(at 1)"
says 'last run   none on record'
says 'signers    bins: 2 of 2 {ada bob}, quorum margin 0'
says ' --renew root,targets,bins '
! grep -q '^error\|^waiting' out || fail "an old refusal is shown: $(cat out)"
[ ! -e repo/state/ceremony ] && [ ! -e repo/state/shadow ]
# Offline keys are elsewhere, so only a ceremony renews roles.
cp -r repo aged
is 0 sign aged --now 2030-12-10T12:00:00Z --quiet
complains 'root: expires at 2031-01-01T12:00:00Z, in 22 days, and clients accept nothing after that; renew it with the offline keys: stampede ceremony start REPO'
is 1 status aged --now 2030-12-10T12:00:00Z --expires-within 1h
complains 'bins: expires at 2031-01-01T12:00:00Z, in 22 d; renew it with the offline keys: stampede ceremony start REPO'
is 3 sign aged --now 2031-01-01T12:00:00Z --quiet
complains 'root: expired at 2031-01-01T12:00:00Z; renew it: stampede ceremony start REPO'
is 0 sign repo --now "$(at 1)" --quiet
is 0 verify repo --now "$(at 1)"
cp repo/public/metadata/1.root.json trust.json
python3 - "$(keyid eve)" <<'EOF'
import json, sys
key = json.load(open("repo/keyring.json"))["keys"][sys.argv[1]]
assert (key["name"], key["last_document"], key["last_signature"]) == ("eve", "1.root.json", "2030-01-01T12:00:00Z"), key
EOF

# ------------------------------------------------------------------ what cannot be had
start() { # STATUS OPTIONS…
	local status=$1
	shift
	rm -f p.json p.json.*
	is "$status" ceremony start repo --out p.json --purpose test --now "$(at 2)" "$@"
}
start 2 --remove root=ada --remove root=bob
complains 'without ada it has 1 key, but 2 must sign'
start 2 --remove root=tim
complains 'tim: names no key of root; these are: '
grep -q 'ada' err && grep -q 'bob' err && grep -q 'eve' err || fail "lists no keys: $(cat err)"
start 2 --threshold root=2
complains 'root: its threshold is 2 already; leave it out'
start 2 --remove root=eve --add root=keys/eve.key.json
complains 'is the key of root that is to be removed, so nothing would change'
start 2 --threshold root=4
complains '4 of 3 keys must sign, which nobody can reach'
start 2 --add root=keys/ada.key.json
complains 'signs root already'
start 2 --add snapshot=keys/dan.key.json
complains 'snapshot: is not an offline role'
start 2 --online root=keys/dan.key.json
complains 'root: is not an online role'
start 2 --online timestamp,snapshot=keys/eve.key.json
complains 'cannot sign both timestamp and root'
start 2 --online bins=keys/dan.key.json --add root=keys/dan.key.json
complains 'cannot sign both'
start 2 --add root=unproven.key.json
complains 'is not signed by the key itself'
start 2 --add root=keys/dan.pem
complains 'dan.pem: is a secret key, which must not come to this machine; give NAME.key.json'
cp keys/dan.key.json keys/dan.copy && chmod 600 keys/dan.copy
is 2 ceremony sign first.json --key pem:keys/dan.copy </dev/null
complains 'is a description of a key, not a secret key; give NAME.pem'
start 2 --bins 5
complains '5 is not a power of two'
start 2 --renew snapshot
complains 'snapshot: is not an offline role'
start 2 --expires root=99999
start 2 --add root
complains 'is not ROLE=VALUE'
is 2 ceremony start repo --out p.json --now "$(at 2)"
complains '--purpose TEXT is required'
is 2 ceremony start repo --out first.json --purpose x --now "$(at 2)"
complains 'first.json: exists; name a new file'
[ ! -e p.json ]

# ------------------------------------------------------------------ what sign or verify would refuse
# made_by_hand EDIT: a payload that was edited (d: its documents by their roles), signed, and refused whole
made_by_hand() {
	start 0 --renew root --renew targets --renew bins
	python3 - "$1" <<'PY'
import json, sys
payload = json.load(open("p.json"))
d = {x["name"].split(".")[1]: x["signed"] for x in payload["documents"]}
exec(sys.argv[1])
json.dump(payload, open("p.json", "w"), separators=(",", ":"), sort_keys=True)
PY
	signed p.json ada bob
	finish 3 p.json --now "$(at 2)"
	complains 'was not published: '
	[ ! -e repo/public/metadata/2.root.json ] && [ ! -e repo/public/metadata/2.targets.json ]
}
made_by_hand 'r = d["targets"]["delegations"]["roles"]; r.insert(0, {"name": "evil", "keyids": r[0]["keyids"], "threshold": 1, "paths": ["*"], "terminating": True})'
complains '2.targets.json: was not published: it delegates to evil, a new role that no snapshot lists'
made_by_hand 'd["targets"]["targets"] = {"own.whl": {"length": 1, "hashes": {"sha256": 64 * "0"}}}'
complains '2.targets.json: was not published: it lists targets itself'
made_by_hand 'd["bins"]["delegations"]["succinct_roles"]["name_prefix"] = "binx"'
complains 'bins: was not published: its bins are called binx'
made_by_hand 'r = d["root"]["roles"]; r["timestamp"] = {"keyids": sorted(r["root"]["keyids"] + r["timestamp"]["keyids"]), "threshold": 2}'
complains 'timestamp: was not published: 2 keys would have to sign it'

# ------------------------------------------------------------------ somebody leaves
start 0 --expires root=20 --threshold root=3 --remove targets=ada
complains 'WARNING: root has no spare key from now on: 3 of 3 must sign, and when one is lost nobody can'
complains 'WARNING: 2.root.json is valid for 20 days only'
complains 'WARNING: 2.root.json expires 314 days sooner than the published version'
complains 'may no longer sign targets, but still signs root and bins'
start 0 --threshold root=1 --remove root=bob --remove root=eve
complains 'WARNING: root has no spare key from now on'
complains 'WARNING: only 1 key must sign root from now on; before: 2'
complains 'may no longer sign root, but still signs targets'
start 0 --remove root=eve --add root=keys/dan.key.json --json
[ "$(json thresholds.0.by)" = 'root 1' ] && [ "$(json thresholds.1.by)" = 'root 2' ]
cp p.json leave.json
start 0 --renew root
cp p.json second.json
start 0 --threshold root=3 --renew targets,bins
cp p.json third.json
# Only the new threshold: ada and dan are two of root 2, but one of root 1.
signed leave.json ada dan
finish 3 leave.json --now "$(at 2)"
complains '2.root.json: has 1 of the 2 signatures that root 1 demands'
# Only the old one.
rm leave.json.*.sig
signed leave.json bob eve
finish 3 leave.json --now "$(at 2)"
complains '2.root.json: has 1 of the 2 signatures that root 2 demands'
signed leave.json ada
finish 3 leave.json --now "$(at 2)"
complains 'is not signed by dan, a new key'
signed leave.json dan
before=$(cd repo && find . -type f ! -name lock ! -name last-run.json -exec sha256sum {} + | sort)
finish 3 leave.json --now 2032-01-01T12:00:00Z
[ "$before" = "$(cd repo && find . -type f ! -name lock ! -name last-run.json -exec sha256sum {} + | sort)" ] || fail 'a refused finish changed the repository'
cp -r repo two
finish 0 leave.json --now "$(at 2)" --json
[ "$(json versions.root)" = 2 ] && [ "$(json versions.targets)" = None ] && [ "$(json must_sign)" = False ]
# A second payload for root 2, as good as the first.
signed second.json ada bob eve
finish 3 second.json --now "$(at 2)"
complains '2.root.json: is published already, and is not what this payload has'
# One for targets and bins only would be of a root that moved.
is 0 ceremony start two --out moved.json --purpose x --now "$(at 2)" --renew bins
signed moved.json ada bob
finish 3 moved.json --now "$(at 2)"
complains 'root: has moved from version 1 to 2 since this payload was made'
# Of another repository.
repo=other finish 3 moved.json --now "$(at 2)"
complains 'root: version 1 has other bytes than when this payload was made'
is 0 sign repo --now "$(at 2)" --quiet
is 0 verify repo --now "$(at 2)"
# Whoever left does not come back from an old stick.
start 2 --add root=keys/eve.key.json
complains 'version 2 of root replaced this key of root'
complains --allow-replaced
start 0 --add root=keys/eve.key.json --allow-replaced

# ------------------------------------------------------------------ the other roles, more bins, a new key for them
start 0 --remove targets=tim --add bins=keys/eve.key.json --bins 8 --expires bins=30
says '2.targets.json   root 3: 2 of'
signed p.json ada bob eve
cp -r repo more
for file in p.json p.json.*.sig; do cp "$file" "bins${file#p}"; done
finish 0 p.json --now "$(at 2)"
says 'bins     version 2, valid until 2030-03-03T12:00:00Z'
says '8 bins from the next sign on'
# Until then clients see the old ones, which is in order: who signs and until when is counted from the new ones.
is 0 status repo --now "$(at 2)"
says 'waiting    targets 2, bins 2: finished in a ceremony; the next sign makes them visible: stampede sign repo'
says 'targets    version 1 '
says 'signers    bins: 2 of 3 '
! grep -q ^PROBLEM out || fail 'what waits is not a problem'
grep '^[cD].* bins:' out | grep -qF 'must sign before 2030-03-03T12:00:00Z' || fail "calendar is not of bins 2: $(cat out)"
is 0 status repo --now "$(at 2)" --json
[ "$(json waiting)" = "{'targets': 2, 'bins': 2}" ] && [ "$(json signers.bins.keys | grep -o keyid | wc -l)" = 3 ]
is 2 status repo --now "$(at 2)" --lost tim
is 0 status repo --now "$(at 2)" --lost eve
says 'bins       2 needed, 2 of 3 keys left'
is 0 key list repo --now "$(at 2)"
grep -qE '^bins +2 +3 +3 +1$' out || fail "key list is not of bins 2: $(cat out)"
# Without them, or with other bytes, it is a backup that was restored.
for file in 2.targets.json 2.bins.json; do
	for damage in rm 'cp repo/public/metadata/1.targets.json'; do
		rm -rf damaged
		cp -r repo damaged
		$damage "damaged/public/metadata/$file"
		role=${file#2.}
		is 1 status damaged --now "$(at 2)"
		says "PROBLEM    $role: is version 1, but version 2 was published; restore public/metadata"
		! grep -q ^waiting out || fail "$file is waited for after $damage"
		is 1 key list damaged --now "$(at 2)"
	done
done
! grep -q 'sign now' out || fail 'the keys that stay have signed the published targets'
is 0 sign repo --now "$(at 2)" --quiet
is 0 verify repo --now "$(at 2)"
is 0 status repo --now "$(at 2)"
! grep -q ^waiting out
grep -q '"bins": 8' repo/stampede.json

# Online keys alone: staged, and the next sign publishes them, with both keys.
"$STAMPEDE" key new keys/next >/dev/null
start 0 --online timestamp,snapshot,bins=keys/next.key.json
signed p.json ada bob eve dan
cp -r repo gone
finish 2 p.json --now "$(at 2)"
complains 'keys/next.pem: is not there: put the secret key of'
cp keys/ada.pem repo/keys/next.pem
finish 2 p.json --now "$(at 2)"
complains 'the key of bin-n; put that key there'
cp keys/next.pem repo/keys/next.pem
before=$(ls repo/public/metadata)
finish 0 p.json --now "$(at 2)" --json
[ "$(json staged)" = True ] && [ "$(json published)" = False ] && [ "$(json must_sign)" = False ]
finish 0 p.json --now "$(at 2)"
says 'The new online keys are staged'
[ "$before" = "$(ls repo/public/metadata)" ]
is 2 ceremony start repo --out x.json --purpose x --now "$(at 2)"
complains 'a rotation of online keys is staged, which a ceremony would overtake'
is 0 sign repo --now "$(at 2)" --quiet
[ -e repo/public/metadata/4.root.json ]
is 0 verify repo --now "$(at 2)"
# The old key was replaced by hand before: at once, and clients wait for the next sign.
cp keys/next.pem gone/keys/online.pem
repo=gone finish 0 p.json --now "$(at 2)"
says 'sign now'
is 0 sign gone --now "$(at 2)" --quiet
is 0 verify gone --now "$(at 2)"
is 0 sign repo --now "$(at 3)" --quiet

# ------------------------------------------------------------------ a drill
cp repo/keyring.json keyring.before
before=$(ls repo/public/metadata)
is 0 ceremony drill repo --out drill.json --now "$(at 3)"
is 3 ceremony finish repo drill.json --now "$(at 3)"
complains 'nobody has signed this drill'
cmp repo/keyring.json keyring.before
signed drill.json bob
finish 0 drill.json --now "$(at 3)"
says 'This was a drill'
[ "$before" = "$(ls repo/public/metadata)" ]
python3 - "$(keyid bob)" <<'EOF'
import json, sys
before, after = (json.load(open(f))["keys"] for f in ("keyring.before", "repo/keyring.json"))
changed = [k for k in after if after[k] != before.get(k)]
assert changed == [sys.argv[1]], changed
assert (after[changed[0]]["last_document"], after[changed[0]]["last_signature"]) == ("drill", "2030-03-01T12:00:00Z")
EOF
# Signatures of then prove nothing about today.
cp repo/keyring.json keyring.before
finish 0 drill.json --now "$(at 9)"
cmp repo/keyring.json keyring.before
is 0 ceremony start repo --out after.json --purpose x --now "$(at 3)" --renew root --remove root=dan
signed after.json ada bob
finish 0 after.json --now "$(at 3)"
finish 3 drill.json --now "$(at 3)"
complains 'is a drill of other keys than those published now'

# ------------------------------------------------------------------ kill -9 at every step
STAMPEDE_FAULT_TRACE=trace "$STAMPEDE" sign repo --now "$(at 3)" --quiet
# killed POINT WORDS…: a shell of its own keeps the message that it was killed to itself
killed() {
	(STAMPEDE_FAULT_POINT=$1 "$STAMPEDE" "${@:2}"; exit $?) >/dev/null 2>&1 && fail "survived $1"
	true
}
if [ -e trace ]; then # a build with test hooks
	for case in unfinished two more; do
		case $case in
		unfinished) payload=first.json ;;
		two) payload=leave.json ;;
		more) payload=bins.json ;;
		esac
		now=$(at 2)
		rm -rf run trace
		cp -r $case run
		STAMPEDE_FAULT_TRACE=trace "$STAMPEDE" ceremony finish run $payload $payload.*.sig --now "$now" >/dev/null
		sort trace | uniq -c >points
		[ -s points ]
		while read -r count point; do
			for n in $(seq "$count"); do
				rm -rf run
				cp -r $case run
				killed "$point:$n" ceremony finish run $payload $payload.*.sig --now "$now"
				[ $case != two ] || { "$STAMPEDE" sign run --now "$now" --quiet >out 2>err || fail "sign after $point:$n: $(cat err)"; }
				"$STAMPEDE" ceremony finish run $payload $payload.*.sig --now "$now" >out 2>err || fail "finish again after $point:$n: $(cat err)"
				"$STAMPEDE" sign run --now "$now" --quiet >out 2>err || fail "sign after $point:$n, finished: $(cat err)"
				"$STAMPEDE" verify run --now "$now" >out 2>err || fail "verify after $point:$n: $(cat out err)"
				[ $case != more ] || grep -q '"bins": 8' run/stampede.json || fail "bins after $point:$n"
				[ ! -e run/state/shadow ] && [ ! -e run/state/ceremony ] || fail "left behind after $point:$n"
			done
		done <points
		echo "killed finish of $payload at $(awk '{ sum += $1 } END { print sum }' points) places"
	done
	begin=(init run --targets index --bins 4 --ceremony p.json --now "$(at 1)" --quiet --keys keys/ada.key.json keys/bob.key.json)
	rm -rf run trace p.json
	STAMPEDE_FAULT_TRACE=trace "$STAMPEDE" "${begin[@]}"
	sort trace | uniq -c >points
	while read -r count point; do
		for n in $(seq "$count"); do
			rm -rf run p.json
			killed "$point:$n" "${begin[@]}"
			[ -e run/stampede.json ] || "$STAMPEDE" "${begin[@]}" >out 2>err || fail "init after $point:$n: $(cat err)"
			grep -q "$(sha256sum <p.json | cut -d' ' -f1)" run/state/ceremony || fail "another payload after $point:$n"
		done
	done <points
	echo "killed init at $(awk '{ sum += $1 } END { print sum }' points) places"
fi

echo ok
