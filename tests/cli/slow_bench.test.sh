#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# bench measures, predicts, writes what it promises, leaves nothing behind, and stops when asked.
set -euo pipefail
scratch=$(mktemp -d "${TMPDIR:-/var/tmp}/stampede-bench-test-XXXXXX")
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
mkdir work
fail() { echo "$1"; exit 1; }

"$STAMPEDE" bench --seconds 5 --work work --json bench.json --html bench.html --targets 200000 >bench.txt 2>bench.err
[ -z "$(ls -A work)" ] || fail "files were left behind"
for field in schema version time machine kernels scaling memory encode sign scan read hash durable \
	latency sorting runs model predictions notes noisy seconds; do
	grep -q "\"$field\":" bench.json || fail "bench.json has no $field"
done
for word in "hash kernels" "reading, files in flight" latency predicted bottleneck; do
	grep -q "$word" bench.txt || fail "the text has no $word"
done
grep -q '<svg' bench.html || fail "the page has no picture"
"$STAMPEDE" bench --compare bench.json bench.json | grep -q 'x1.00' || fail "a machine is not as fast as itself"

# It shows its progress, and the time that is left; the result is printed before the scratch folder is removed.
STAMPEDE_PROGRESS_MS=100 "$STAMPEDE" bench --seconds 5 --work work --progress plain >plain.txt 2>plain.err
grep -Eq '^stampede: progress: kernels +[0-9]+%.* ETA [0-9]+s$' plain.err || fail "no time left: $(head -3 plain.err)"
grep -Eq '^stampede: progress: hash +.* of [0-9]+ lanes' plain.err || fail "no lanes: $(grep hash plain.err | head -3)"
shares=$(grep -Eo '^stampede: progress: [a-z ]+ [0-9]+%' plain.err | grep -Eo '[0-9]+%' | tr -d %)
[ "$shares" = "$(sort -n <<<"$shares")" ] || fail "the bar goes back: $shares"
[ -z "$(ls -A work)" ] || fail "files were left behind"

# It predicts for another index without measuring again.
"$STAMPEDE" bench --from bench.json --targets 2270000 >asked.txt
grep -q "^yours: 2,270,000 targets" asked.txt || fail "the result says nothing of another index"

# A signal stops it soon, and the scratch folder is removed.
"$STAMPEDE" bench --seconds 60 --work work >/dev/null 2>stopped.err &
pid=$!
sleep 3
kill -TERM $pid
status=0
wait $pid || status=$?
[ $status -ne 0 ] || fail "a stopped bench said that all went well"
[ -z "$(ls -A work)" ] || fail "files were left behind by a stopped bench"
