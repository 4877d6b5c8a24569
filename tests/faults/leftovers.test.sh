#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Whatever fails in the middle leaves no temporary files, or the next run removes them: a bench that is
# stopped or killed, a renewal of the offline roles that is killed at any step, outputs on a full disk.
[ ! -w /dev/shm ] || export TMPDIR=${TMPDIR:-/dev/shm}
. "$(dirname "$0")/lib.sh"

# A bench that is stopped, by Ctrl-C, by the end of its terminal, by the system; and one that is killed.
mkdir work
# starts: a bench that has begun to make files; with the dispositions of an interactive shell
starts() {
	env --default-signal=INT,HUP "$STAMPEDE" bench --work work --seconds 6 --quiet >out 2>err &
	pid=$!
	for _ in $(seq 1500); do
		[ -z "$(find work -mindepth 2 -type f -size +0 ! -path "work/${left:-none}/*" -print -quit 2>/dev/null)" ] || return 0
		sleep 0.02
	done
	kill -KILL "$pid" 2>/dev/null || true
	fail 'the bench made no file'
}
for signal in INT HUP TERM; do
	starts
	kill -s "$signal" "$pid"
	wait "$pid" && fail "a bench that was stopped by SIG$signal succeeded"
	[ -z "$(ls -A work)" ] || fail "SIG$signal left $(ls -A work)"
done
starts
kill -KILL "$pid" 2>/dev/null || true
wait "$pid" 2>/dev/null || true
left=$(ls -A work)
[ -n "$left" ] || fail 'the killed bench left nothing to remove'
starts
kill -INT "$pid"
[ ! -e "work/$left" ] || fail 'the next bench left what the killed one had made'
wait "$pid" || true
[ -z "$(ls -A work)" ] || fail "left $(ls -A work)"

# An output on a full disk, of every command that writes one.
index 5
init repo --targets index --bins 2 --hash sha256
small_fs full size=64k
echo '{"schema":"stampede-bench/1"}' >bench.json
dd if=/dev/zero of=full/ballast bs=1k count=60 2>/dev/null || true
echo before >full/run.html
dd if=/dev/zero of=full/ballast2 bs=1k count=60 2>/dev/null || true
sign_is 4 repo --report full/run.html --metrics full/run.prom --quiet
"$STAMPEDE" bench --from bench.json --html full/bench.html >/dev/null 2>&1 && fail 'a page on a full disk'
"$STAMPEDE" plan --targets-count 20000 --svg full/plan.svg >/dev/null 2>&1 && fail 'a picture on a full disk'
[ "$(cat full/run.html)" = before ] || fail 'the old page is gone'
[ "$(ls -A full | tr '\n' ' ')" = 'ballast ballast2 run.html ' ] || fail "left $(ls -A full)"

# The renewal of offline roles, killed at any step: it can be repeated, and the next sign removes the
# leftovers.
cp -a repo renewed
STAMPEDE_FAULT_TRACE=$scratch/trace "$STAMPEDE" init renewed --update --yes --quiet >/dev/null
[ -s trace ] || skip 'this build has no fault points'
left=0
for step in $(sort trace | uniq -c | awk '{ print $2 ":1"; if ($1 > 1) print $2 ":" $1 }'); do
	rm -rf renewed && cp -a repo renewed
	STAMPEDE_FAULT_POINT=$step "$STAMPEDE" init renewed --update --yes --quiet >/dev/null 2>&1 && continue
	[ -z "$(find renewed -name '.tmp-*')" ] || left=$((left + 1))
	"$STAMPEDE" init renewed --update --yes --quiet >/dev/null 2>err || fail "killed at $step, then: $(cat err)"
	sign_is 0 renewed
	[ -z "$(find renewed -name '.tmp-*')" ] || fail "killed at $step: $(find renewed -name '.tmp-*')"
	verified renewed
done
[ "$left" -gt 3 ] || fail 'no death left a temporary file'
