#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Files without an end, and one whose copy takes long: nothing fills the disk, nothing continues after
# SIGTERM.
. "$(dirname "$0")/lib.sh"

leaves_nothing() {
	local left
	[ ! -e "$1/public/metadata/timestamp.json" ] || fail "$on: published"
	left=$(find "$1/public/targets" -type f)
	[ -z "$left" ] || fail "$on: left: $left"
}

# Hashed up to its size, copied no further; the serial reference reads one byte more and detects it.
endless() {
	local how got
	for how in '--io auto' '--io pread' '--jobs 0'; do
		rm -rf repo && init repo --targets m --bins 4
		got=0
		# A copy that continues ends here, at a gigabyte.
		(ulimit -f 1000000 && exec timeout 20 "$STAMPEDE" sign repo $how >out 2>err) || got=$?
		[ "$got" = 3 ] || fail "$on: sign $how: exit $got: $(cat err)"
		says '^stampede: (links|hash): simple/page: .*(changed (since it was hashed|while it was read)|keeps changing while it is read)'
		leaves_nothing repo
	done
	hash_is 3 m --jobs 0
	says 'm/simple/page: changed while it was read'
}
on endless endless
on grows endless

# --jobs 0 reads an endless file to its size and one byte; the others exactly to its size.
by_its_size() {
	hash_is 0 m
	[ "$(cut -c 1-128 out)" = "$(head -c 100000 /dev/zero | sha512sum | cut -c 1-128)" ] ||
		fail "$on: $(cat out)"
}
on endless by_its_size

# Copying takes five seconds; the run ends within two, and leaves no temporary file.
slow() {
	local got=0 pid began took how=$1
	rm -rf repo && init repo --targets m --bins 4
	"$STAMPEDE" sign repo $how >out 2>err &
	pid=$!
	until compgen -G 'repo/public/targets/.tmp-*' >/dev/null; do
		kill -0 $pid 2>/dev/null || fail "$on: nothing was copied: $(cat err)"
		sleep 0.02
	done
	sleep 0.3
	began=$(date +%s%N)
	kill -TERM $pid
	wait $pid || got=$?
	took=$((($(date +%s%N) - began) / 1000000))
	[ "$got" = 3 ] || fail "$on: $how: exit $got: $(cat err)"
	[ "$took" -lt 2000 ] || fail "$on: $how: took $took ms after SIGTERM"
	says 'run the same command again'
	leaves_nothing repo
}
on slow slow ''
on slow slow '--jobs 0'
