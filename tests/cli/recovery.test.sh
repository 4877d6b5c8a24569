#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What README.md and stampede-recovery(7) say about restoring and about problems, as printed: each
# message of README's table is made to appear, and the command beside it run; each block of the manual page
# is run, and what it prints compared. "…" matches any text.
set -euo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
above=${TMPDIR:-/tmp}
[ -n "${TMPDIR:-}" ] || [ ! -w /dev/shm ] || above=/dev/shm
scratch=$(mktemp -d "$above/stampede-recovery-XXXXXX")
mounted=
holder=
cleanup() {
	[ -z "$holder" ] || kill "$holder" 2>/dev/null || true
	[ -z "$mounted" ] || umount -l "$mounted" 2>/dev/null || true
	rm -rf "$scratch"
}
trap cleanup EXIT
cd "$scratch"
fail() { echo "FAILED: $*" >&2; exit 1; }
bin=$scratch/bin
mkdir bin srv srv/stampede backup media
ln -s "$STAMPEDE" bin/stampede
PATH=$bin:$PATH

"$STAMPEDE_CORPUS" --count 30 --sizes small srv/index 2>/dev/null
mkdir -p srv/index/packages/foo
echo foo >srv/index/packages/foo/foo-1.tar.gz
find srv/index -type f -exec touch -d '2 days ago' {} +
make() {
	stampede init srv/stampede/pypi --targets srv/index --bins 4 --hash sha256 --offline-keys media/keys --quiet >/dev/null
	stampede sign srv/stampede/pypi --quiet
}
make
cp -a srv/stampede/pypi fresh
cp -p srv/index/packages/foo/foo-1.tar.gz foo-1.tar.gz

# shows PATTERN FILE: a part of a line of FILE is PATTERN, in which "…" is any text
shows() {
	python3 - "$@" <<'PY'
import re, sys
regex = '.*'.join(re.escape(part) for part in sys.argv[1].split('…'))
sys.exit(0 if re.search(regex, open(sys.argv[2]).read()) else 1)
PY
}

# --- README's table: a function for each row that makes its message appear, in their order ---------------
repo=$scratch/srv/stampede/pypi
row_1() { mv srv/index away && mkdir srv/index && stampede sign "$repo"; }
row_2() { echo changed >>srv/index/packages/foo/foo-1.tar.gz && stampede sign "$repo"; }
row_3() {
	touch -d '2 days ago' "$repo"/state/floors && stampede sign "$repo"
	cp -a "$repo" newer && stampede sign newer --above 9999 --quiet && cp newer/public/metadata/timestamp.json .
}
row_4() { stampede sign "$repo" --quiet --now "$(date -u -d '+30 days' +%FT%TZ)" && stampede sign "$repo"; }
row_5() { rm -r "$repo/state" && stampede sign "$repo"; }
row_6() { find "$repo/public/targets" -name '*foo-1*' -delete && stampede sign "$repo"; }
row_7() {
	mkfifo list
	stampede sign "$repo" --digests list --quiet >/dev/null 2>&1 &
	holder=$!
	exec 9>list
	sleep 0.5
	local got=0
	stampede sign "$repo" || got=$?
	[ "$got" = 75 ] || fail "row 7: exit status $got"
	exec 9>&-
	wait "$holder" || true
	holder=
}
row_8() { # a repository that is 350 days old
	mv media media.kept && mkdir media && rm -rf "$repo"
	stampede init "$repo" --targets srv/index --bins 4 --hash sha256 --offline-keys media/keys \
		--now "$(date -u -d '350 days ago' +%FT%TZ)" --quiet >/dev/null
	stampede sign "$repo"
}
row_9() { openssl genpkey -algorithm ed25519 -out "$repo/keys/online.pem" 2>/dev/null && chmod 600 "$repo/keys/online.pem" && stampede sign "$repo"; }
row_10() {
	rm -rf "$repo" && mkdir "$repo"
	mount -t tmpfs -o size=1m none "$repo" 2>/dev/null || return 77
	mounted=$repo
	cp -a fresh/. "$repo" && chmod 755 "$repo"
	for _ in 1 2 3; do stampede sign "$repo" --quiet; done
	dd if=/dev/zero of="$repo/ballast" bs=1k 2>/dev/null || true
	stampede sign "$repo"
}
row_11() {
	(cd srv/index && find . -type f -printf '%P\n' | while read -r path; do
		echo "$path,$(stat -c %s "$path"),$(sha256sum <"$path" | cut -c 1-64)"
	done) >rows
	{ echo path,length,sha256; cat rows; } >list.csv
	# shellcheck disable=SC2002
	cat list.csv | stampede sign "$repo" --digests -
}
row_12() { echo note >"$repo/public/metadata/note.txt" && stampede sign "$repo" && rm "$repo/public/metadata/note.txt"; }
row_13() { touch 'srv/index/a#b.whl' && stampede sign "$repo"; }
row_14() { chmod 755 "$repo/keys" && stampede sign "$repo"; }
# What must be done by hand after the command of a row.
after_10() { rm "$repo/ballast"; }

n=0
while IFS= read -r line; do
	n=$((n + 1))
	declare -F "row_$n" >/dev/null || fail "README has a row that this test does not know: $line"
	message=$(cut -d '`' -f 2 <<<"$line")
	# The last code of a row; a pipe in it is written \| in a table.
	command=$(sed 's/\\|/|/g' <<<"$line" | grep -oE '`[^`]*`' | tail -n 1 | tr -d '`')
	rm -rf "$repo" newer list
	cp -a fresh "$repo"
	got=0
	"row_$n" >out 2>&1 || got=$?
	[ "$got" != 77 ] || continue
	shows "$message" out || fail "row $n: not '$message' but: $(cat out)"
	! declare -F "after_$n" >/dev/null || "after_$n"
	command=${command//REPO/$repo}
	command=${command//\/srv\/index/$scratch/srv/index}
	command=${command//\/media/$scratch/media}
	want=0
	[ "$n" != 13 ] || want=4
	got=0
	bash -c "$command" >out 2>&1 </dev/null || got=$?
	[ "$got" = "$want" ] || fail "row $n: '$command' exits with $got: $(cat out)"
	[ "$n" != 1 ] || { rmdir srv/index && mv away srv/index; }
	[ "$n" != 13 ] || rm 'srv/index/a#b.whl'
	stampede sign "$repo" --quiet >out 2>&1 || fail "row $n: the next sign: $(cat out)"
	stampede verify "$repo" >out 2>&1 || fail "row $n: verify: $(cat out)"
	if [ "$n" = 2 ]; then cp -p foo-1.tar.gz srv/index/packages/foo/foo-1.tar.gz; fi
	if [ "$n" = 8 ]; then rm -rf media && mv media.kept media; fi
	if [ -n "$mounted" ]; then umount "$mounted" && mounted=; fi
done < <(sed -n '/^## When things go wrong/,/^## /p' "$top/README.md" | grep '^| [`…]')
[ "$n" -ge 10 ] && ! declare -F "row_$((n + 1))" >/dev/null || fail "README's table has $n rows"

# --- the manual page --------------------------------------------------------------------------------------
# Commands that the page needs on a host, but not this test.
printf '#!/bin/sh\n[ "$1" != -u ] || shift 2\nexec "$@"\n' >bin/sudo
printf '#!/bin/sh\nexit 0\n' >bin/systemctl
printf '#!/bin/sh\nexit 0\n' >bin/chown
printf '#!/bin/sh\ncp "%s/mirror/metadata/${2##*/}" .\n' "$scratch" >bin/curl
chmod +x bin/*

page=$top/tools/man/stampede-recovery.7
# shellcheck source=../support/manual.sh
source "$top/tests/support/manual.sh"
paths=(/srv/stampede /backup)
blocks=$(grep -c '^\.EX' "$page")
[ "$blocks" = 8 ] || fail "the manual page has $blocks blocks, and this test expects 8"
rm -rf "$repo" media/keys && make
run_block 1
[ -s backup/pypi.tar ] || fail 'there is no backup'
tar -tf backup/pypi.tar | grep -qE 'offline-keys|public/targets' && fail 'the backup has what it should not have'
for _ in 1 2 3; do stampede sign "$repo" --quiet; done
cp -a "$repo/public" mirror
run_block 2
stampede verify "$repo" --against mirror/metadata >out 2>&1 || fail "clients go back: $(cat out)"
# Renewed with the offline keys since, and a timestamp far ahead.
rm -rf mirror && cp -a "$repo" ahead
stampede init ahead --update --yes --offline-keys media/keys --quiet >/dev/null
stampede sign ahead --above 99999 --quiet
cp -a ahead/public mirror
cp mirror/metadata/2.root.json mirror/metadata/2.targets.json mirror/metadata/2.bins.json "$repo/public/metadata/"
run_block 3
stampede verify "$repo" --against mirror/metadata >out 2>&1 || fail "clients go back: $(cat out)"
run_block 4
[ ! -e "$repo" ] || fail 'the old host still has its repository'
run_block 5
stampede verify "$repo" >out 2>&1 || fail "moved: $(cat out)"
# The old host signs once more.
rm -rf mirror && stampede sign srv/stampede/pypi.moved --quiet
cp -a srv/stampede/pypi.moved/public mirror
run_block 6
run_block 7
stampede verify "$repo" >out 2>&1 || fail "lost parts: $(cat out)"
# Names, as a ceremony records them.
python3 - "$repo" <<'PY'
import json, sys
root = json.load(open(sys.argv[1] + '/public/metadata/1.root.json'))['signed']['roles']['root']
keys = {keyid: {'added': '2026-01-01T12:00:00Z', 'holder': 'board' if n == 1 else '', 'last_document': '1.root.json',
                'last_signature': '2026-01-01T12:00:00Z', 'name': 'safe-%d' % n}
        for n, keyid in enumerate(root['keyids'], 1)}
with open(sys.argv[1] + '/keyring.json', 'w') as out:
    json.dump({'format': 1, 'keys': keys}, out, sort_keys=True, separators=(',', ':'))
PY
run_block 8
