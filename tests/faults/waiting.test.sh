#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# FIFOs, sockets and devices where files are expected: no command waits forever. Only for a list that the
# operator names does it wait, until it is cancelled.
. "$(dirname "$0")/lib.sh"

# done_within SECONDS STATUS COMMAND…
done_within() {
	local seconds=$1 want=$2 got=0
	shift 2
	timeout "$seconds" "$@" >out 2>err || got=$?
	[ "$got" = "$want" ] || fail "$*: exit $got, not $want (124: it waited): $(cat err)"
}
index 20
init repo --targets index --bins 4 --target-files none --hash sha256
mkfifo fifo

# Reports that nobody reads.
done_within 20 4 "$STAMPEDE" sign repo --metrics fifo
says '^stampede: output: fifo: cannot be written: it is a socket, or nobody reads from it; name a file$'
done_within 20 4 "$STAMPEDE" sign repo --report fifo
says '^stampede: output: fifo: cannot be written'
# Somebody opens it and does not read: the report is larger than a pipe holds.
exec 7<>fifo
head -c 65536 /dev/zero >&7
done_within 30 4 "$STAMPEDE" sign repo --metrics fifo
says '^stampede: output: fifo: was not read for 10 seconds'
exec 7<&-
# A reader gets all of it, even if it is larger than a pipe holds.
cat fifo >got &
done_within 20 0 "$STAMPEDE" sign repo --report fifo
wait $!
"$STAMPEDE" sign repo --report file.html --quiet
grep -q '</html>' got || fail 'the report on a FIFO is not whole'
done_within 20 0 "$STAMPEDE" sign repo --metrics /dev/stdout
grep -q stampede_targets out || fail 'no metrics on stdout'
done_within 20 0 "$STAMPEDE" sign repo --metrics /dev/null
if command -v python3 >/dev/null; then
	python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("socket")'
	done_within 20 4 "$STAMPEDE" sign repo --metrics socket
	says '^stampede: output: socket: cannot be written'
fi

# Other inputs.
done_within 20 3 "$STAMPEDE" bench --compare fifo fifo
done_within 20 2 "$STAMPEDE" verify repo --against fifo
done_within 20 1 "$STAMPEDE" verify repo --root fifo
done_within 20 3 "$STAMPEDE" hash fifo
says 'fifo: is (no|not a) regular file'
done_within 20 3 "$STAMPEDE" hash --jobs 0 /dev/zero
says '/dev/zero: is (no|not a) regular file'

# A target of a list that is a FIFO.
mkfifo index/pipe
printf 'path,length,sha256\npipe,,\n' >list.csv
done_within 20 3 "$STAMPEDE" sign repo --digests list.csv
says 'pipe: list\.csv:2 has no length, sha256, so the file must be read, and it is not a regular file'
rm index/pipe

# The list itself: opened, read, cancelled.
for keeps_open in '' yes; do
	[ -z "$keeps_open" ] || exec 7<>fifo
	"$STAMPEDE" sign repo --digests fifo >out 2>err &
	pid=$!
	sleep 0.5
	kill -0 $pid 2>/dev/null || fail "did not wait for its list: $(cat err)"
	began=$(date +%s%N)
	kill -TERM $pid
	got=0
	wait $pid || got=$?
	[ $((($(date +%s%N) - began) / 1000000)) -lt 2000 ] || fail 'waited on after SIGTERM'
	[ "$got" = 2 ] || [ "$got" = 3 ] || fail "cancelled: exit $got: $(cat err)"
done
exec 7<&-
verified repo
