#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every second of a run is in one of its stages, whatever kind of run it is: in the JSON report, in
# state/last-run.json of a run that fails, and in the metrics.
set -euo pipefail
above=${TMPDIR:-/tmp}
[ -n "${TMPDIR:-}" ] || [ ! -w /dev/shm ] || above=/dev/shm # a dozen runs wait for a dozen barriers otherwise
scratch=$(mktemp -d "$above/stampede-stages-XXXXXX")
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
fail() { echo "$*"; exit 1; }

# sums WHAT FILE: the stages of a report add up to its total, within a twentieth or 2 ms
sums() {
	grep -oE '"seconds":\{[^}]*\}' "$2" | tr -d '{}"' | sed 's/^seconds://' | tr ',:' '\n ' | awk -v what="$1" '
		$1 == "total" { total = $2; next }
		{ sum += $2; stages++; all = all " " $1 " " $2 }
		END {
			off = sum > total ? sum - total : total - sum
			if (stages != 7 || total <= 0 || (off > total / 20 && off > 0.002)) {
				printf "%s: %d stages sum to %.3f of %.3f s:%s\n", what, stages, sum, total, all
				exit 1
			}
		}' || exit 1
}
# at_least WHAT STAGE SECONDS FILE
at_least() {
	local found
	found=$(grep -oE '"seconds":\{[^}]*\}' "$4" | grep -oE "\"$2\":[0-9.e-]+" | cut -d : -f 2)
	awk -v found="$found" -v least="$3" 'BEGIN { exit !(found >= least) }' || fail "$1: $2 took only $found s"
}
run() { # WHAT OPTIONS…
	local what=$1
	shift
	"$STAMPEDE" sign repo --json --quiet "$@" >out 2>err || true
	sums "$what" out
}

"$STAMPEDE_CORPUS" --count 400 --sizes small idx 2>/dev/null
"$STAMPEDE" init repo --targets idx --bins 64 --hash sha256 --quiet >/dev/null
run 'the first run'
run 'the second run'
run 'a run without workers' --jobs 0
run 'a run on five workers' --jobs 5
run 'a dry run' --dry-run
run 're-hashing' --rehash all
rm -rf repo/state/ledger
run 'a run that reads what was published' # its time belongs to the ledger
mkfifo idx/packages/pipe
run 'a run that stops at a fault'
sums 'what a failed run leaves' repo/state/last-run.json
rm idx/packages/pipe
run 'a run that another forbids' --now 2020-01-01T00:00:00Z

# Waiting counts for the stage that waits.
(cd idx && find . -type f -printf '%P\n' | sort | while read -r path; do
	printf '%s,%s,%s\n' "$path" "$(stat -c %s "$path")" "$(sha256sum "$path" | cut -c 1-64)"
done) >rows
{ echo path,length,sha256; sleep 2; cat rows; echo '#end'; } | "$STAMPEDE" sign repo --json --quiet --digests - >out || fail 'no list was signed'
sums 'a slow list' out
at_least 'a slow list' scan 0.5 out

"$STAMPEDE" sign repo --quiet --metrics m.prom >/dev/null
awk '/^stampede_stage_seconds/ {
	if ($1 ~ /"total"/) total = $2; else { sum += $2; stages++ }
}
END { off = sum - total; if (off < 0) off = -off; exit !(stages == 7 && off < total / 20 + 0.002) }' m.prom ||
	fail "stages of the metrics: $(grep stage_seconds m.prom)"
