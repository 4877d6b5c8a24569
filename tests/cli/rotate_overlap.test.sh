#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# While the last online keys take over, no ceremony that changes online keys begins or ends, whatever else it changes.
set -euo pipefail
here=$(dirname "$(realpath "$0")")
: "${STAMPEDE:=$here/../../build/dev/stampede}"
scratch=$(mktemp -d "${TMPDIR:-/tmp}/stampede-rotate-overlap-XXXXXX")
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
complains() { grep -qF -- "$1" err || fail "does not report '$1': $(cat err)"; }
hour() { date -u -d "2026-01-01 + $1 hours" +%FT%TZ; }
signed() { # PAYLOAD: by all offline keys
	"$STAMPEDE" ceremony show "$1" --trust trust.json --json | python3 -c "import json,sys;print(*json.load(sys.stdin)['words'][:2])" >words
	for key in repo/offline-keys/*.pem; do
		"$STAMPEDE" ceremony sign "$1" --trust trust.json --key "pem:$key" --now "$(hour 2)" <words >out 2>err || :
	done
}
mkdir index
echo a >index/a.whl
is 0 init repo --targets index --bins 2 --now "$(hour 0)" --quiet
is 0 sign repo --quiet --now "$(hour 1)"
cp repo/public/metadata/1.root.json trust.json
for name in k2 k3 ada; do is 0 key new repo/keys/$name --now "$(hour 0)" --quiet; done

is 0 rotate repo --online-key repo/keys/k2.key.json --yes --quiet --now "$(hour 2)"
is 0 sign repo --quiet --now "$(hour 3)"
mixed=(ceremony start repo --purpose mixed --now "$(hour 4)" --online timestamp=repo/keys/k3.key.json --add root=repo/keys/ada.key.json)
is 2 "${mixed[@]}" --out late
complains 'a rotation of online keys is under way until 2026-01-03T03:00:00Z, and a ceremony that changes online keys has to wait for its end'
[ ! -e late ] || fail 'a payload was written'
# A payload that another program made.
mv repo/state/rotation.json .
is 0 "${mixed[@]}" --out mixed
mv rotation.json repo/state
signed mixed
"$STAMPEDE" ceremony sign mixed --trust trust.json --key pem:repo/keys/ada.pem --now "$(hour 2)" <words >out 2>err || fail "$(cat err)"
is 2 ceremony finish repo mixed mixed.*.sig --now "$(hour 4)"
complains 'a rotation of online keys is under way until 2026-01-03T03:00:00Z, and a ceremony that changes online keys has to wait for its end'
[ ! -e repo/public/metadata/3.root.json ] || fail 'the root was published'
# Other ceremonies go on.
is 0 ceremony start repo --out other --purpose other --now "$(hour 4)" --add root=repo/keys/ada.key.json

is 0 sign repo --quiet --now "$(hour 52)"
is 0 ceremony finish repo mixed mixed.*.sig --now "$(hour 52)"
[ -e repo/public/metadata/3.root.json ] || fail 'the root was not published after the overlap'
