#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# show: what is signed for one path, since when, and whether the file and what is served match it.
set -euo pipefail
: "${STAMPEDE:=$(dirname "$(realpath "$0")")/../../build/dev/stampede}"
scratch=$(mktemp -d "${TMPDIR:-/tmp}/stampede-show-XXXXXX")
trap 'rm -rf "$scratch"' EXIT
trap 'echo "FAILED: line $LINENO" >&2' ERR
set -E
cd "$scratch"
fail() { echo "FAILED: $*" >&2; exit 1; }

# show_is STATUS ARGS…: keeps stdout in out
show_is() {
	local want=$1 got=0
	shift
	"$STAMPEDE" show "$@" >out 2>err || got=$?
	[ "$got" = "$want" ] || fail "show $*: exit $got, not $want: $(cat out err)"
}
says() { grep -qE -- "$1" out || fail "does not say '$1': $(cat out)"; }
# json NAME: a value of the object in out
json() { python3 -c "import json,sys;v=json.load(open('out'));[v:=v[k] for k in sys.argv[1].split('.')];print(v)" "$1"; }
json_is() { [ "$(json "$1")" = "$2" ] || fail "$1 is $(json "$1"), not $2: $(cat out)"; }
sign() { "$STAMPEDE" sign repo --quiet "$@" >/dev/null; }
at() { printf '2030-01-%02dT12:00:00Z' "$1"; }

mkdir -p index/packages index/simple
echo one >index/packages/one.whl
echo two >index/packages/two.whl
echo page >index/simple/index.html
"$STAMPEDE" init repo --targets index --bins 4 --target-files all --now "$(at 1)" --quiet >/dev/null
sign --now "$(at 1)"
show_is 0 repo packages/one.whl --json
json_is target True
json_is length 4
json_is hashes.sha512 "$(sha512sum <index/packages/one.whl | cut -d ' ' -f 1)"
json_is snapshot 1
json_is since 1
json_is since_time "$(at 1)"
json_is since_at_least False
json_is before None
json_is file.state length-matches
json_is file_unchanged True
json_is served.state length-matches
grep -q "\"packages/one.whl\"" "repo/public/metadata/$(json bin_file)" || fail 'another bin lists it'
show_is 0 repo packages/one.whl --check --json
json_is file.state matches
json_is served.state matches
show_is 0 repo packages/one.whl
says '^  since      version 1, 2030-01-01'
says 'untouched'

# Later: the same entry, a page with other bytes, a new file, a removed one.
echo three >index/packages/three.whl
echo page2 >index/simple/index.html
rm index/packages/two.whl
sign --now "$(at 2)"
sign --now "$(at 3)"
show_is 0 repo packages/one.whl --json
json_is snapshot 3
json_is since 1
show_is 0 repo packages/three.whl --json
json_is since 2
json_is before 1
json_is before_had_other False
show_is 0 repo simple/index.html --json
json_is since 2
json_is before 1
json_is before_had_other True
show_is 1 repo packages/two.whl --json
json_is target False
json_is last_listed 1
show_is 1 repo packages/two.whl
says 'is not a target in snapshot 3'
says 'it was one in snapshot 1'
show_is 1 repo packages/never.whl
says 'nor in any older snapshot'

# Without the older snapshots it can only say "at least".
rm repo/public/metadata/1.snapshot.json
show_is 0 repo packages/one.whl --json
json_is since 2
json_is since_at_least True
show_is 1 repo packages/two.whl --json
json_is last_listed None

# A file that was replaced, one that is damaged, one that is served wrongly.
cp -p index/packages/one.whl keep
printf 'ONE\n' >index/packages/one.whl
show_is 0 repo packages/one.whl --json
json_is file_unchanged False
json_is file.state length-matches
show_is 1 repo packages/one.whl --check --json
json_is file.state differs
json_is served.state differs
echo longer than that >index/packages/one.whl
show_is 1 repo packages/one.whl --json
json_is file.state other
cp -p keep index/packages/one.whl
rm repo/public/targets/packages/*.one.whl
show_is 1 repo packages/one.whl --check --json
json_is file.state matches
json_is served.state missing
ln -s /etc/passwd "repo/public/targets/packages/$(json hashes.sha512).one.whl"
show_is 1 repo packages/one.whl --json
json_is served.state other

# Not what the keys signed: nothing is shown.
bin=repo/public/metadata/$(json bin_file)
cp "$bin" good
sed -i 's/"length":4/"length":5/' "$bin"
show_is 1 repo packages/one.whl
[ ! -s out ] || fail "shows what nobody signed: $(cat out)"
grep -q 'cannot be verified' err || fail "says: $(cat err)"
cp good "$bin"
show_is 1 repo packages/one.whl --json

# The ledger only informs: without it the rest is shown.
mv repo/keys away
show_is 1 repo packages/one.whl
says 'the ledger cannot be read'
mv away repo/keys

# By a mark, and from a list.
rm -rf repo
"$STAMPEDE" init repo --targets index --bins 4 --target-files mutable --quiet >/dev/null
sign
show_is 0 repo packages/one.whl --check --json
json_is served.state matches
rm repo/public/targets/.signed/*/*one.whl
show_is 1 repo packages/one.whl --json
json_is served.state missing
rm -rf repo
"$STAMPEDE" init repo --targets index --bins 4 --hash sha256 --target-files none --quiet >/dev/null
printf 'path,length,sha256\npackages/one.whl,4,%s\n' "$(sha256sum <index/packages/one.whl | cut -d ' ' -f 1)" >list.csv
sign --digests list.csv
show_is 0 repo packages/one.whl --check
says 'never here: the digest is that of a digest list'
says 'another server has it'

# Paths that cannot be looked up.
show_is 2 repo
show_is 2 repo a b
show_is 2 repo ../etc/passwd
show_is 2 repo /etc/passwd
show_is 2 nowhere packages/one.whl
