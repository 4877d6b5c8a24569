# SPDX-License-Identifier: Apache-2.0
#
# Shared by the tests on hostile file systems. Sourced by *.test.sh.
. "$(dirname "$0")/../faults/lib.sh"

: "${STAMPEDE_HOSTILEFS:?}"
mkdir m

# on SCENARIO FUNCTION ARGUMENT…: calls the function where the scenario is mounted on the folder m
on() {
	local scenario=$1 got=0
	shift
	"$STAMPEDE_HOSTILEFS" "$scenario" m \
		bash -c "set -euo pipefail; $(declare -f); on=$scenario; \"\$@\"" - "$@" || got=$?
	[ $got != 77 ] || exit 77
	[ $got = 0 ] || fail "on $scenario: $* (exit $got)"
}
# hash_is STATUS ARGUMENT…: as sign_is, within twenty seconds
hash_is() {
	local want=$1 got=0
	shift
	timeout 20 "$STAMPEDE" hash "$@" >out 2>err || got=$?
	[ "$got" = "$want" ] || fail "$on: hash $*: exit $got, not $want: $(cut -c 1-500 out err)"
}
