#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Modification times in any century, and lengths whose sum overflows 64 bits.
. "$(dirname "$0")/lib.sh"

any_time() {
	local how
	for how in '' '--jobs 0'; do
		rm -rf repo && init repo --targets m --bins 4 --link copy
		sign_is 0 repo $how --json
		field_is files_hashed 6
		verified repo
		# A file with a time in the future is unchanged as well, until that time.
		sign_is 0 repo $how --json
		field_is files_reused 6
		says 'has a time in the future'
		verified repo
		printf 'path,length,sha512\n%s,,\n%s,,\n' 2446 first >list.csv
		sign_is 0 repo $how --digests list.csv --allow-removals all --json
		field_is targets 2
		verified repo
	done
	"$STAMPEDE" status repo >status.out 2>&1 || fail "$on: status: $(cat status.out)"
}
on times any_time

# More than clients can count is not signed. The progress of hash stays within bounds.
any_length() {
	local pid total
	init repo-large --targets m --bins 4
	sign_is 3 repo-large --dry-run
	says '^stampede: scan: a: is longer than 9,007,199,254,740,991 bytes'
	sign_is 4 repo-large --on-fault skip --json
	field_is targets 0
	verified repo-large
	printf 'path,length,sha512\na,,\n' >list.csv
	sign_is 3 repo-large --digests list.csv
	says '^stampede: list: a: is longer than 9,007,199,254,740,991 bytes'
	STAMPEDE_PROGRESS_MS=50 "$STAMPEDE" hash m --progress plain --log-format json >out 2>err &
	pid=$!
	for _ in $(seq 100); do
		grep -q bytes_total err && break
		sleep 0.05
	done
	sleep 0.3
	kill -TERM $pid
	wait $pid || true
	total=$(grep -oE '"bytes_total": ?[0-9-]+' err | tail -n 1 | grep -oE '[0-9-]+$')
	[ "$total" = 9223372036854775807 ] || fail "$on: bytes_total $total: $(cat err)"
	grep -qE '"share": ?(0\.|[0-9.]+e-)' err || fail "$on: no share: $(tail -n 1 err)"
}
on large any_length
