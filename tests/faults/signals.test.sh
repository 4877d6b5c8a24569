#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# SIGTERM and SIGINT stop a run within two seconds, keep what was hashed and say how to continue;
# SIGKILL loses at most a few seconds of hashing.
. "$(dirname "$0")/lib.sh"

"$STAMPEDE_CORPUS" --count 12000 --sizes 200000 --no-simple index 2>/dev/null
init repo --targets index --bins 16 --target-files none

# begins: starts signing and waits until hashing is under way
begins() {
	"$STAMPEDE" sign repo --progress plain --jobs 1 --io pread >out 2>err &
	pid=$!
	for _ in $(seq 300); do
		[ -n "$(ls repo/state/ledger/*checkpoint* 2>/dev/null)" ] && return
		kill -0 "$pid" 2>/dev/null || return 0
		sleep 0.02
	done
}

# reads_some: waits until the run has read 100 MB (0.8 s if /proc does not report that)
reads_some() {
	local read_bytes
	for _ in $(seq 200); do
		kill -0 "$pid" 2>/dev/null || return 0
		read_bytes=$(awk '/^rchar/ { print $2 }' "/proc/$pid/io" 2>/dev/null) || true
		[ -n "$read_bytes" ] || { sleep 0.8; return; }
		[ "$read_bytes" -lt 100000000 ] || return 0
		sleep 0.05
	done
}

for signal in TERM INT; do
	rm -rf repo && init repo --targets index --bins 16 --target-files none
	"$STAMPEDE" sign repo --jobs 1 --io pread >out 2>err &
	pid=$!
	reads_some
	began=$(date +%s%N)
	kill -s "$signal" "$pid" 2>/dev/null || true
	got=0
	wait "$pid" || got=$?
	took=$((($(date +%s%N) - began) / 1000000))
	[ "$got" = 0 ] && continue # it was faster than the signal
	[ "$got" = 3 ] || fail "SIG$signal: exit $got, not 3: $(cat err)"
	[ "$took" -lt 2000 ] || fail "SIG$signal: took $took ms"
	says 'run the same command again'
	[ ! -e repo/public/metadata/timestamp.json ] || fail "SIG$signal: published"
	sign_is 0 repo --json
	[ "$(field files_reused)" -ge 1 ] || fail "SIG$signal: what was hashed is lost: $(cat out)"
	[ $(($(field files_reused) + $(field files_hashed))) = 12000 ] || fail "SIG$signal: $(cat out)"
	verified repo
done

rm -rf repo && init repo --targets index --bins 16 --target-files none
begins
kept=$(ls repo/state/ledger/*checkpoint* 2>/dev/null || true)
kill -s KILL "$pid" 2>/dev/null || true
wait "$pid" 2>/dev/null || true
sign_is 0 repo --json
[ -z "$kept" ] || [ "$(field files_reused)" -ge 1 ] || fail "after SIGKILL all is hashed again: $(cat out)"
[ $(($(field files_reused) + $(field files_hashed))) = 12000 ] || fail "after SIGKILL: $(cat out)"
verified repo
