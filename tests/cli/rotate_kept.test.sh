#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A rotation wipes no key that signs still: another role may name the same file by another path, or the key may have
# moved to another role.
set -euo pipefail
here=$(dirname "$(realpath "$0")")
: "${STAMPEDE:=$here/../../build/dev/stampede}"
scratch=$(mktemp -d "${TMPDIR:-/tmp}/stampede-rotate-kept-XXXXXX")
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
sign() { is 0 sign repo --quiet --now "$(hour "$1")"; }
signers() { # PYTHON: edits the object s
	python3 - "$1" <<'END'
import json, sys
config = json.load(open("repo/stampede.json"))
s = config.setdefault("signers", {})
exec(sys.argv[1])
json.dump(config, open("repo/stampede.json", "w"), indent=2)
END
}
make() {
	rm -rf repo
	is 0 init repo --targets index --bins 2 --now "$(hour 0)" --quiet
	sign 1
	cp repo/public/metadata/1.root.json trust.json
	for name in k2 k3 k4; do is 0 key new repo/keys/$name --now "$(hour 0)" --quiet; done
}
signed() { # PAYLOAD: by all offline keys
	"$STAMPEDE" ceremony show "$1" --trust trust.json --json | python3 -c "import json,sys;print(*json.load(sys.stdin)['words'][:2])" >words
	for key in repo/offline-keys/*.pem; do
		"$STAMPEDE" ceremony sign "$1" --trust trust.json --key "pem:$key" --now "$(hour 2)" <words >out 2>err || :
	done
}
mkdir index
echo a >index/a.whl

# ------------------------------------------------------------------ the same file by another path
make
signers 's["bin_n"] = "pem:'"$scratch"'/repo/keys/online.pem"'
sign 2
is 0 rotate repo --online-key repo/keys/k2.key.json --role timestamp,snapshot --yes --quiet --now "$(hour 2)"
sign 3
sign 52
[ -s repo/keys/online.pem ] || fail 'the key of the bins was wiped'
sign 53
# A run that died between its last word and the wiping, or any later one.
ln -s keys repo/other
signers 's["bin_n"] = "pem:other/online.pem"'
sign 54
[ -s repo/keys/online.pem ] || fail 'the key of the bins was wiped by a later run'

# ------------------------------------------------------------------ a key that moved to another role
make
is 0 rotate repo --online-key repo/keys/k2.key.json --role snapshot --yes --quiet --now "$(hour 2)"
sign 3
sign 52
is 0 ceremony start repo --out moved --purpose moved --now "$(hour 53)" \
	--online timestamp=repo/keys/k2.key.json --online snapshot=repo/keys/k3.key.json
signed moved
is 0 ceremony finish repo moved moved.*.sig --now "$(hour 53)"
sign 54
sign 110
[ -s repo/keys/k2.pem ] || fail 'the new key of timestamp was wiped'
[ -s repo/keys/online.pem ] || fail 'the key of the bins was wiped'
sign 111

# A later run, with "signers" that name a key again that this rotation had replaced: it is not wiped.
signers 's["bin_n"] = "pem:keys/online.pem"'
sign 112
[ -s repo/keys/online.pem ] || fail 'a key that is in use again was wiped'
