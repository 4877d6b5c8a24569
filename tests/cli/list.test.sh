#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Digest lists, night after night: the same list, a list in another order and format, a damaged
# ledger, a new row and a removed one; every run must publish exactly the rows of its list.
set -euo pipefail
: "${STAMPEDE:=$(dirname "$(realpath "$0")")/../../build/dev/stampede}"
scratch=$(mktemp -d "${TMPDIR:-/tmp}/stampede-list-XXXXXX")
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
fail() {
	echo "$*" >&2
	exit 1
}

mkdir targets
"$STAMPEDE" init repo --targets targets --bins 16 --hash sha256 --quiet >/dev/null
for i in $(seq 400); do
	echo "packages/$((i % 7))/name-$i.whl,$i,$(printf '%064x' "$i")"
done >rows

run() { # NAME LIST: signs with the list and compares what is published with rows
	local name=$1 list=$2
	"$STAMPEDE" sign repo --digests "$list" --json --quiet >report || fail "$name: sign failed"
	grep -q '"published":true' report || fail "$name: not published"
	version=$(grep -o '"snapshot":[0-9]*' report | cut -d: -f2)
	grep -ho '"packages/[^}]*},"length":[0-9]*' repo/public/metadata/"$version".bin-n-*.json |
		sed -E 's/^"([^"]*)":\{"hashes":\{"sha256":"([0-9a-f]*)"\},"length":([0-9]*)$/\1,\3,\2/' |
		sort >published
	sort rows | cmp -s - published || fail "$name: what is published is not the list"
	"$STAMPEDE" verify repo >/dev/null || fail "$name: verify says no"
}

(echo path,length,sha256 && cat rows) >a.csv
run first a.csv
run 'the same' a.csv
(echo path,length,sha256 && tac rows) >b.csv
run 'another order' b.csv
run 'another order, again' b.csv
awk -F, '{printf "{\"sha256\":\"%s\",\"path\":\"%s\",\"length\":%s}\n", $3, $1, $2}' rows >c.ndjson
run ndjson c.ndjson
run stdin - <c.ndjson
run 'before damage' a.csv
run 'before damage, again' a.csv
printf '\125' | dd of="$(ls repo/state/ledger/*.base.segment | head -1)" bs=1 seek=9000 conv=notrunc 2>/dev/null
run damaged a.csv
grep -q 'damaged or was changed' report || fail 'the damage is not named'
run 'after damage' a.csv
echo "packages/new.whl,5,$(printf 'ab%.0s' $(seq 32))" >>rows
(echo path,length,sha256 && cat rows) >a.csv
run 'a new row' a.csv
sed -i 3d rows
(echo path,length,sha256 && cat rows) >a.csv
run 'a removed row' a.csv
run 'a removed row, again' a.csv

# How a list ends: an empty last line or none, LF or CRLF, changes nothing.
(cat a.csv && echo) >ends.csv
run 'an empty last line' ends.csv
sed 's/$/\r/' a.csv >ends.csv
run CRLF ends.csv
(sed 's/$/\r/' a.csv && printf '\r\n') >ends.csv
run 'CRLF and an empty last line' ends.csv
printf %s "$(cat a.csv)" >ends.csv
run 'no end of the last line' ends.csv
sed '5i\
\
' a.csv >ends.csv
run 'empty lines in the middle' ends.csv

# Files of the tree that the list does not name are not targets; verify --targets names them.
echo stray >targets/stray.whl
run 'a file beside the list' a.csv
grep -q stray published && fail 'a file that the list does not name is a target'
"$STAMPEDE" verify repo --targets >verify.out 2>&1 || true # the files of the rows are missing
grep -q '^warning: target-unknown: stray.whl: ' verify.out || fail 'verify does not name the stray file'
rm targets/stray.whl

# Known rows are only marked as seen; the serial reference sorts them all. Both must publish
# the same bytes, and report the same about a path that is named twice.
rm -rf repo
"$STAMPEDE" init repo --targets targets --bins 16 --hash sha256 --target-files none --quiet >/dev/null
sed -i 's#"simple/\*\*"#"**"#' repo/stampede.json
run 'for the twins' a.csv
twins() { # NAME LIST: signs repo and a copy of it with --jobs 0
	local name=$1 list=$2 now codes
	now=$(date -u +%Y-%m-%dT%H:%M:%SZ)
	rm -rf serial && cp -r repo serial
	codes=0
	"$STAMPEDE" sign serial --digests "$list" --now "$now" --jobs 0 --quiet >/dev/null 2>serial.err || codes=$?
	"$STAMPEDE" sign repo --digests "$list" --now "$now" --jobs 3 --quiet >/dev/null 2>repo.err || codes=$codes-$?
	diff -r --no-dereference serial/public repo/public || fail "$name: the serial reference published something else"
	sed 's#serial#repo#g' serial.err | diff - repo.err || fail "$name: the serial reference prints something else"
	[ "$codes" = "$3" ] || fail "$name: exit status $codes: $(head -3 repo.err)"
}
(echo path,length,sha256 && awk -F, -v OFS=, 'NR % 50 == 7 {$2 = 7} NR % 50 != 9' rows && echo "packages/newer,1,$(printf 'cd%.0s' $(seq 32))") >d.csv
twins 'one in fifty changed' d.csv 0
(echo path,length,sha256 && tail -n +2 d.csv | tac) >e.csv
twins 'another order of it' e.csv 0
(cat d.csv && sed -n 20p d.csv) >f.csv
twins 'a known row twice' f.csv 0
grep -q '^stampede: list: f.csv: 1 row repeats another row exactly; each is counted once$' repo.err || fail "$(cat repo.err)"
(cat d.csv && sed -n 20p d.csv | sed -E 's/,[0-9]+,/,99999,/') >g.csv
twins 'a known row and a changed one' g.csv 3-3
grep -q 'named twice: by g.csv:20 and by g.csv:' repo.err || fail "the lines are not named: $(cat repo.err)"
(cat d.csv && echo 'bad row') >h.csv
twins 'a bad row' h.csv 3-3
tail -n +2 d.csv >rows
tac rows >rows.other && sed -i 5d rows.other && cp rows.other rows
(echo path,length,sha256 && cat rows) >i.csv
printf '\125' | dd of="$(ls repo/state/ledger/*.base.segment | tail -1)" bs=1 seek=9000 conv=notrunc 2>/dev/null
run 'changed over a damaged ledger' i.csv
grep -q 'damaged or was changed' report || fail 'the damage is not named'

# A list without a column that the repository needs is one mistake, not one for each row.
mkdir bare
"$STAMPEDE" init bare/repo --targets targets --bins 16 --quiet >/dev/null # sha512
refused() { # LIST NAMES: the run says so in one line and publishes nothing
	local got=0
	"$STAMPEDE" sign bare/repo --digests "$1" --quiet >report 2>err || got=$?
	[ "$got" = 2 ] || fail "$1: exit status $got: $(head -3 err)"
	[ "$(wc -l <err)" = 1 ] || fail "$1: $(wc -l <err) lines: $(head -3 err)"
	grep -q "^stampede: list: $1: has no $2 in any of its 400 rows" err || fail "$1: $(cat err)"
}
for i in $(seq 400); do echo "packages/$i.whl,$i,$(printf '%064x' "$i")"; done >rows
(echo path,length,sha256 && cat rows) >bare.csv
refused bare.csv sha512
(echo path && cut -d, -f1 rows) >paths.csv
refused paths.csv 'length, sha512'
awk -F, '{printf "{\"path\":\"%s\",\"length\":%s}\n", $1, $2}' rows >bare.ndjson
refused bare.ndjson sha512
# Files that exist are read, even if the list does not have their length.
mkdir -p targets/packages
for i in $(seq 400); do echo "$i" >"targets/packages/$i.whl"; done
"$STAMPEDE" sign bare/repo --digests paths.csv --json --quiet >report || fail "paths alone: $(cat report)"
grep -q '"files_hashed":400,' report || fail "paths alone: $(cat report)"
"$STAMPEDE" verify bare/repo --targets >/dev/null || fail "paths alone: verify says no"
# Some do not exist: each row is a fault, of which a hundred are printed.
rm -f targets/packages/[1-3]*.whl
got=0
"$STAMPEDE" sign bare/repo --digests bare.csv --quiet >report 2>err || got=$?
[ "$got" = 3 ] || fail "missing files: exit status $got"
grep -q '^stampede: list: packages/1.whl: bare.csv:2 has no sha512, so the file must be read, and it cannot be found' err || fail "$(head -3 err)"
grep -q '^stampede: sign: [0-9]* more faults; --json lists them$' err || fail "$(tail -3 err)"
[ "$(wc -l <err)" -lt 110 ] || fail "$(wc -l <err) lines"
"$STAMPEDE" sign bare/repo --digests bare.csv --json --quiet >report 2>err || true
[ "$(grep -o '"stage":"list"' report | wc -l)" -gt 300 ] || fail "--json does not list all faults"
