#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What a run shows while it works: plain lines, objects in the log, and the line on a terminal, whose
# width follows that of the terminal.
set -euo pipefail
: "${STAMPEDE:=$(dirname "$(realpath "$0")")/../../build/dev/stampede}"
: "${STAMPEDE_CORPUS:=$(dirname "$(realpath "$0")")/../../build/dev/tools/corpus/stampede-corpus}"
scratch=$(mktemp -d "${TMPDIR:-/tmp}/stampede-progress-XXXXXX")
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
fail() {
	echo "$*" >&2
	exit 1
}

# Holes: hours of hashing that need no space. Test builds take the time between lines from the environment.
mkdir holes
for i in 1 2 3 4 5 6 7 8; do truncate -s 64M holes/$i; done
export STAMPEDE_PROGRESS_MS=40
number='[0-9][0-9,]*'
amount='[0-9.]+ [kMG]?B'
lanes='[0-9.]+ of [0-9]+ lanes'

# --- plain lines ----------------------------------------------------------------------------------
"$STAMPEDE" hash holes --progress plain >/dev/null 2>err || fail "hash: $(cat err)"
grep -Eq "^stampede: progress: hash +[0-9]+%  $number of 8  $amount  $amount/s  $lanes" err ||
	fail "hash says no share and no lanes: $(cat err)"
grep -q "$(printf '\033')" err && fail "plain lines hold an escape"
"$STAMPEDE" init repo --targets holes --bins 4 --target-files none --quiet >/dev/null
"$STAMPEDE" sign repo --progress plain >/dev/null 2>err || fail "sign: $(cat err)"
grep -Eq "^stampede: progress: hash +[0-9]+%  $number of 8  $amount  $amount/s  $lanes" err ||
	fail "sign says no share and no lanes: $(cat err)"
"$STAMPEDE" verify repo --targets --progress plain >/dev/null 2>err || fail "verify: $(cat err)"
grep -Eq "^stampede: progress: files +[0-9]+%  $number of 8  $amount  $amount/s  $lanes" err ||
	fail "verify says no share and no lanes: $(cat err)"
"$STAMPEDE" hash holes --quiet --progress plain >/dev/null 2>err
[ ! -s err ] || fail "--quiet says: $(cat err)"
"$STAMPEDE" hash holes >/dev/null 2>err
grep -q progress err && fail "no terminal, no wish, and yet: $(cat err)"

# --- the log --------------------------------------------------------------------------------------
"$STAMPEDE" hash holes --progress plain --log-format json >/dev/null 2>err || fail "hash: $(cat err)"
grep -Eq '"level":"progress".*"stage":"hash".*"share":.*"lanes_busy":[0-9.]+,"lanes_total":[0-9]+\}' err ||
	fail "the log has no share and no lanes: $(cat err)"

# --- a terminal -----------------------------------------------------------------------------------
command -v script >/dev/null && script --version 2>/dev/null | grep -q util-linux || exit 0

# draws COLUMNS ARGUMENTS…: what is drawn on a terminal of that width, a line for each drawing
draws() {
	local columns=$1
	shift
	TERM=xterm script -qec "stty cols $columns rows 24; $STAMPEDE $* >/dev/null" /dev/null </dev/null |
		tr '\r' '\n' | sed 's/\x1b\[K//g'
}

for columns in 200 80 40 20 7; do
	draws $columns hash holes >out
	grep '^hash' out >lines || fail "nothing is drawn in $columns columns: $(cat out)"
	longest=$(awk '{ if (length > n) n = length } END { print n }' lines)
	[ "$longest" -lt $columns ] || fail "$columns columns, but a line has $longest: $(cat lines)"
done
draws 200 hash holes | grep -Eq "^hash +\[#*\.*\] +[0-9]+%  $number of 8  $amount  $amount/s  $lanes" ||
	fail "200 columns have space for everything: $(draws 200 hash holes)"
draws 80 hash holes | grep -Eq "^hash \[#*\.*\] +[0-9]+% $number $amount $amount/s [0-9]+/[0-9]+ lanes" ||
	fail "80 columns have space for everything, set close: $(draws 80 hash holes)"
draws 40 hash holes | grep -Eq '^hash .*[0-9]+%' || fail "40 columns have space for the share"
TERM=dumb script -qec "$STAMPEDE hash holes >/dev/null" /dev/null </dev/null >out
grep -q '%' out && fail "a terminal that cannot go back is drawn on: $(cat out)"

# The width changes during a run, however long that takes to begin.
TERM=xterm script -qec "stty cols 120 rows 24
	(while sleep 0.15 && stty cols 30 && sleep 0.15 && stty cols 120; do :; done </dev/tty 2>/dev/null) &
	$STAMPEDE hash holes holes holes --jobs 1 >/dev/null; kill \$!" /dev/null </dev/null |
	tr '\r' '\n' | sed 's/\x1b\[K//g' | grep '^hash ' >lines || fail "nothing is drawn"
awk 'length > 30 { wide = 1 } length < 30 { narrow = 1 } END { exit !(wide && narrow) }' lines ||
	fail "the width does not follow the terminal's: $(cat lines)"
