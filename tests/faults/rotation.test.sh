#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A rotation of the online keys that dies at each of its steps, without clients of others: what a client finds
# that knows the new root, that does not know it, and that a cache keeps from it, has no errors.
. "$(dirname "$0")/lib.sh"
command -v openssl >/dev/null || skip 'openssl is not there'

# key FOLDER NAME: FOLDER/NAME.pem and FOLDER/NAME.key.json
key() {
	local public object signed id
	openssl genpkey -algorithm ed25519 -out "$1/$2.pem" 2>/dev/null
	chmod 600 "$1/$2.pem"
	public=$(openssl pkey -in "$1/$2.pem" -pubout -outform DER | tail -c 32 | od -An -tx1 | tr -d ' \n')
	object="{\"keytype\":\"ed25519\",\"keyval\":{\"public\":\"$public\"},\"scheme\":\"ed25519\"}"
	id=$(printf %s "$object" | sha256sum | cut -c 1-64)
	signed="{\"_type\":\"stampede-key\",\"format\":1,\"holder\":\"\",\"key\":$object,\"made\":\"2026-11-22T04:00:00Z\",\"name\":\"$2\"}"
	printf %s "$signed" >message
	openssl pkeyutl -sign -rawin -in message -inkey "$1/$2.pem" -out signature
	printf '{"signatures":[{"keyid":"%s","sig":"%s"}],"signed":%s}' "$id" \
		"$(od -An -tx1 signature | tr -d ' \n')" "$signed" >"$1/$2.key.json"
}

# client FOLDER WHAT: a client that has the first root finds no error in FOLDER
client() {
	"$STAMPEDE" verify "$1" --as-client --root first.root.json --now "$now" --json >client.out 2>&1 || true
	grep -q '"errors":0' client.out || fail "$2: $(cat client.out)"
}
# clients WHAT: so does one behind a cache that has no next root
clients() {
	client repo/public/metadata "$1"
	[ -z "${hidden-}" ] || [ ! -e "repo/public/metadata/$hidden" ] || {
		rm -rf cache
		cp -r repo/public/metadata cache
		rm "cache/$hidden"
		client cache "$1, behind a cache"
	}
}
# names: every published name but the timestamp's, with its digest
names() { (cd repo/public/metadata && find . -name '*.json' ! -name timestamp.json -print0 | sort -z | xargs -0 sha256sum); }
at() { date -u -d "@$((began + $1 * 3600))" +%Y-%m-%dT%H:%M:%SZ; }

# through TIME: signs at TIME, after copies of the repository died at each step and went on
through() {
	local point
	now=$1
	cp -r repo before
	STAMPEDE_FAULT_TRACE=$scratch/trace sign_is 0 repo --quiet --now "$now"
	clients "signed at $now"
	rm -rf signed
	mv repo signed
	sort -u trace | grep -E '^(rotation|delegation|root|snapshot|timestamp|config|keys)\.(renamed|end|wipe|wiped)$' >points
	: >trace
	[ -s points ] || fail 'no step was passed'
	while read -r point; do
		rm -rf repo
		cp -r before repo
		names >names.before
		! { STAMPEDE_FAULT_POINT=$point "$STAMPEDE" sign repo --quiet --now "$now" >/dev/null; } 2>/dev/null || fail "$point: did not die"
		clients "killed at $point"
		names >names.killed
		sign_is 0 repo --quiet --now "$now"
		clients "killed at $point, then signed"
		(cd repo/public/metadata && sha256sum --quiet --ignore-missing -c) <names.before || fail "$point: bytes changed"
		grep -E 'root|targets|bins\.json' names.killed | (cd repo/public/metadata && sha256sum --quiet -c) || fail "$point: bytes changed"
	done <points
	rm -rf repo before
	mv signed repo
}

# stage: rotate, after copies of the repository died at each step of that: it is staged as a whole or not at all
stage() {
	local point phase got
	local rotate=(rotate repo --online-key repo/keys/next.key.json --overlap 20h --now "$(at 0)" --quiet --yes)
	cp -r repo before
	STAMPEDE_FAULT_TRACE=$scratch/trace "$STAMPEDE" "${rotate[@]}" >/dev/null 2>err || fail "rotate: $(cat err)"
	rm -rf signed
	mv repo signed
	sort -u trace | grep -E '^(stage|rotation)\.' >points
	: >trace
	[ -s points ] || fail 'no step was passed'
	names_before=$(cd before && find public -type f -print0 | sort -z | xargs -0 sha256sum)
	while read -r point; do
		rm -rf repo
		cp -r before repo
		! { STAMPEDE_FAULT_POINT=$point "$STAMPEDE" "${rotate[@]}" >/dev/null; } 2>/dev/null || fail "$point: did not die"
		[ "$(cd repo && find public -type f -print0 | sort -z | xargs -0 sha256sum)" = "$names_before" ] || fail "$point: visible"
		phase=$("$STAMPEDE" rotate repo --json | grep -oE '"phase":"[a-z]+"')
		got=0
		"$STAMPEDE" "${rotate[@]}" >/dev/null 2>err || got=$?
		case $phase$got in
		'"phase":"none"0') ;;
		'"phase":"staged"2') says 'a rotation of online keys is staged' ;;
		*) fail "$point: $phase, then exit $got: $(cat err)" ;;
		esac
		now=$(at 1)
		sign_is 0 repo --quiet --now "$now"
		clients "killed at $point of rotate, then signed"
	done <points
	rm -rf repo before
	mv signed repo
}

began=$(date +%s)
: >trace
index 12
for profile in pep458 prefixes; do
	rm -rf repo first.root.json
	init repo --targets index --bins 4 --profile $profile --now "$(at 0)"
	cp repo/public/metadata/1.root.json first.root.json
	sign_is 0 repo --quiet --now "$(at 0)"
	key repo/keys next
	hidden=2.root.json
	stage
	through "$(at 1)"
	through "$(at 12)"
	[ -e repo/keys/online.pem ] || fail 'the old key was wiped too early'
	hidden=
	through "$(at 22)"
	[ ! -e repo/keys/online.pem ] || fail 'the old key was not wiped'
	"$STAMPEDE" rotate repo --quiet --json | grep -q '"phase":"done"' || fail 'it is not done'
	"$STAMPEDE" verify repo --now "$now" >verify.out 2>&1 || fail "$(cat verify.out)"
done
