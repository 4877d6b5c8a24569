#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What the environment variables of a test build must not do: write through a link, into something that
# is not a regular file, or as another user than the one who sets them.
. "$(dirname "$0")/lib.sh"

index 4
init repo --targets index --bins 4
grep -aq STAMPEDE_FAULT_TRACE "$STAMPEDE" || skip 'not a test build'

# --- the trace -----------------------------------------------------------------------------------
traced() { STAMPEDE_FAULT_TRACE=$1 timeout 60 "$STAMPEDE" sign repo --quiet >out 2>err || fail "exit $?: $(cat err)"; }
traced trace
grep -q '^publish.barrier$' trace || fail "the trace holds: $(cat trace)"
[ "$(stat -c %a trace)" = 600 ] || fail "others may read the trace: $(stat -c %a trace)"
lines=$(wc -l <trace)
traced trace
[ "$(wc -l <trace)" -gt "$lines" ] || fail 'the trace is not appended to'

echo precious >victim
ln -s victim link
traced link
[ "$(cat victim)" = precious ] || fail 'a trace is written through a link'
says 'link: cannot be opened as a regular file'
ln -s nothing dangling
traced dangling
[ ! -e nothing ] || fail 'a trace is created through a link'
mkfifo fifo
traced fifo
mkdir folder
traced folder
traced /dev/full

# --- another user's start ------------------------------------------------------------------------
command -v setpriv >/dev/null && [ "$(id -u)" = 0 ] || skip 'the rest needs root and setpriv'
chmod 755 . && mkdir -m 777 open && cp "$STAMPEDE" plain && cp "$STAMPEDE" raised && chmod 4755 raised
# starts PROGRAM NAME: as nobody, with a trace in open/NAME
starts() {
	setpriv --reuid=65534 --regid=65534 --clear-groups \
		env STAMPEDE_FAULT_TRACE="$PWD/open/$2" "./$1" init "open/repo-$2" --targets index --bins 4 --quiet >out 2>err ||
		true
}
starts plain nobody
[ -s open/nobody ] || skip 'nobody cannot start the program from here'
starts raised root
[ ! -e open/root ] || fail 'a set-user-id start writes a trace'
