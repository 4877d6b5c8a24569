#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Network and user-space file systems: no rename with flags, no hard links, no O_TMPFILE.
. "$(dirname "$0")/lib.sh"

: "${REFUSE_CALL:?}"
"$REFUSE_CALL" renameat2 EINVAL true || skip 'no filter of system calls here'
index 30
without() { # CALLS…, then -- and a command
	local calls=()
	while [ "$1" != -- ]; do
		calls+=("$REFUSE_CALL" "$1" "$2")
		shift 2
	done
	shift
	"${calls[@]}" "$@"
}

round() { # CALL ERRNO…: init, sign twice, gc, renew, and what clients see
	local got=0
	rm -rf repo
	without "$@" -- "$STAMPEDE" init repo --targets index --bins 4 --quiet >out 2>err ||
		fail "without $*: init: $(cat err)"
	for _ in 1 2; do
		without "$@" -- "$STAMPEDE" sign repo --quiet --json >out 2>err || fail "without $*: sign: $(cat err)"
	done
	field_is files_reused 30
	touch -d 2001-01-01 index/packages/*/*/*/*.whl 2>/dev/null || true
	without "$@" -- "$STAMPEDE" sign repo --quiet >out 2>err || fail "without $*: sign: $(cat err)"
	without "$@" -- "$STAMPEDE" init repo --update --yes --quiet >out 2>err ||
		fail "without $*: init --update: $(cat err)"
	without "$@" -- "$STAMPEDE" sign repo --quiet >out 2>err || fail "without $*: sign: $(cat err)"
	without "$@" -- "$STAMPEDE" gc repo --quiet >out 2>err || fail "without $*: gc: $(cat err)"
	without "$@" -- "$STAMPEDE" verify repo --targets index >out 2>&1 || fail "without $*: verify: $(cat out)"
	! find repo -name '.tmp-*' | grep . || fail "without $*: temporary files are left"
	! find repo/state repo/keys repo/public/metadata -type f -links +1 | grep . ||
		fail "without $*: files with two names are left"
	# An existing repository is not replaced.
	without "$@" -- "$STAMPEDE" init repo --targets index --quiet >out 2>err && got=0 || got=$?
	[ $got != 0 ] || fail "without $*: init replaced a repository"
}
round renameat2 EINVAL
round renameat2 EINVAL linkat EPERM
round renameat2 EPERM O_TMPFILE EOPNOTSUPP
round renameat2 ENOSYS linkat EOPNOTSUPP O_TMPFILE EISDIR
