#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The metrics file follows the rules of Prometheus' text format (promtool checks it if installed),
# is replaced as a whole, and reports a failed run; every line of a JSON log is an object.
set -euo pipefail
scratch=$(mktemp -d "${TMPDIR:-/tmp}/stampede-metrics-XXXXXX")
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
fail() { echo "$1"; exit 1; }
sign() { "$STAMPEDE" sign repo --metrics out/stampede.prom "$@"; }

mkdir -p tree/a out
for i in 1 2 3; do echo "$i" >"tree/a/$i.whl"; done
"$STAMPEDE" init repo --targets tree --bins 4 --quiet >/dev/null
sign --quiet >/dev/null

# Each sample follows HELP and TYPE of its own name, and is a number.
check() {
	awk '
		/^# HELP [a-z_]+ ./ { help[$3] = 1; next }
		/^# TYPE [a-z_]+ (gauge|counter)$/ {
			if (!($3 in help) || $3 in type) { print "TYPE: " $0; bad = 1 }
			type[$3] = 1
			next
		}
		/^[a-z_]+[{][a-z]+="[^"]*"(,[a-z]+="[^"]*")*[}] -?[0-9.e+-]+$/ {
			name = $0
			sub(/[{].*/, "", name)
			if (!(name in type)) { print "no TYPE: " $0; bad = 1 }
			if ($0 in seen) { print "twice: " $0; bad = 1 }
			seen[$0] = 1
			next
		}
		{ print "not understood: " $0; bad = 1 }
		END { exit bad }' out/stampede.prom || fail "the metrics file breaks the format"
	if command -v promtool >/dev/null; then
		promtool check metrics <out/stampede.prom || fail "promtool refuses the metrics file"
	fi
}
check
grep -q '^stampede_last_run_success{.*} 1$' out/stampede.prom || fail "the run is not reported as a success"
for name in last_success_timestamp_seconds stage_seconds targets target_bytes faults \
	seconds_to_expiry oldest_verified_age_seconds; do
	grep -q "^stampede_$name{" out/stampede.prom || fail "no $name"
done

# Replaced as a whole: a reader that has the old file open reads it to its end, and nothing else is left.
before=$(stat -c %i out/stampede.prom)
exec 3<out/stampede.prom
sign --quiet >/dev/null
[ "$before" != "$(stat -c %i out/stampede.prom)" ] || fail "the metrics file was written in place"
[ "$(cat <&3 | grep -c '^stampede_stage_seconds')" = 8 ] || fail "the old file changed while it was read"
[ "$(ls out)" = stampede.prom ] || fail "something is left beside the metrics file"

# A run that fails reports that there too.
echo changed >tree/a/1.whl
sign --quiet >/dev/null 2>&1 && fail "a changed distribution file was signed"
check
grep -q '^stampede_last_run_success{.*} 0$' out/stampede.prom || fail "a failed run is reported as a success"

# JSON lines: one object each, nothing else.
sign --log-format json --progress plain >/dev/null 2>log.jsonl && fail "a changed distribution file was signed"
[ -s log.jsonl ] || fail "the log is empty"
grep -vqE '^[{]"time":"[0-9TZ:-]+",.*[}]$' log.jsonl && fail "not an object: $(grep -vE '^[{].*[}]$' log.jsonl)"
exit 0
