#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A limit on the size of files (ulimit -f): a write beyond it is refused like any other, in every command
# that writes. By default the kernel would kill the process.
. "$(dirname "$0")/lib.sh"

index 400
# within KIB COMMAND…: exit status in got, stdout in out, stderr in err, through a pipe
within() {
	local kib=$1
	shift
	{ (ulimit -f "$kib" && exec "$@" 2>&1 >out) && echo 0 >&8 || echo $? >&8; } 8>status | cat >err
	got=$(cat status)
}
# refused WHAT: the command failed with a message about the limit
refused() {
	[ "$got" = 3 ] || fail "$1: exit $got: $(cat err)"
	says '^stampede: .*(File too large|larger than the limit)'
}

within 0 "$STAMPEDE" init tiny --targets index --bins 16
refused init
[ ! -e tiny ] || fail "init left $(find tiny)"

# Whichever file is the first that is too large: keys and configuration are smaller than a bin.
init repo --targets index --bins 4 --target-files none
sign_is 0 repo --json
before=$(published repo)
for kib in 0 1 4 16 64; do
	for how in '' '--jobs 0'; do
		within $kib "$STAMPEDE" sign repo --rehash all $how
		refused "sign with $kib KiB $how"
		[ "$(published repo)" = "$before" ] || fail "sign with $kib KiB: published"
	done
done
verified repo

# A copy of a target that may change.
mkdir pages pages/simple
head -c 300000 /dev/urandom >pages/simple/index.html
init copies --targets pages --bins 4
within 200 "$STAMPEDE" sign copies
refused 'sign with a copy'
says '^stampede: links: '
[ -z "$(find copies/public/targets -type f)" ] || fail 'a part of a copy is left'
sign_is 0 copies --json

# The output of a command, and the other files that it writes.
within 0 "$STAMPEDE" sign repo --metrics run.prom --report run.html
refused products
within 4 "$STAMPEDE" hash index
refused hash
within 0 "$STAMPEDE" verify repo --json
refused verify
within 0 "$STAMPEDE" status repo
refused status
within 0 "$STAMPEDE" plan --targets-count 1000
refused plan

# The audit log is rewritten without its old lines.
init old --targets pages --bins 4 --target-files none --now 2020-01-01T00:00:00Z
sign_is 0 old --now 2020-01-01T00:00:00Z
sign_is 0 old --now 2020-06-01T00:00:00Z
cp old/state/audit.log log
within 0 "$STAMPEDE" gc old --now 2020-06-02T00:00:00Z
refused gc
cmp log old/state/audit.log || fail 'gc lost lines of the audit log'
"$STAMPEDE" gc old --now 2020-06-02T00:00:00Z >out 2>err || fail "gc: $(cat err)"
sign_is 0 old --now 2020-06-02T00:00:00Z
