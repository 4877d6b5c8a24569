# SPDX-License-Identifier: Apache-2.0
#
# Shared by the fault tests: a scratch folder, a small repository, and assertions with clear messages.
# Sourced by *.test.sh.
set -euo pipefail

: "${STAMPEDE:?}" "${STAMPEDE_CORPUS:?}"
scratch=$(mktemp -d "${TMPDIR:-/tmp}/stampede-fault-XXXXXX")
mounted=()
cleanup() {
	for folder in "${mounted[@]}"; do umount -l "$folder" 2>/dev/null || true; done
	chmod -R u+rwX "$scratch" 2>/dev/null || true
	rm -rf "$scratch"
}
trap cleanup EXIT
trap 'echo "FAILED: line $LINENO: $BASH_COMMAND" >&2' ERR
set -E
cd "$scratch"

fail() { echo "FAILED: $*" >&2; exit 1; }
skip() { echo "skipped: $*"; exit 77; }

# index N: the folder index with N small files
index() { "$STAMPEDE_CORPUS" --count "$1" --sizes small index 2>/dev/null; }
init() { "$STAMPEDE" init "$@" --quiet >/dev/null; }

# sign_is STATUS REPO ARGS…: signs, keeps stdout in out and stderr in err, asserts the exit status
sign_is() {
	local want=$1 got=0
	shift
	"$STAMPEDE" sign "$@" >out 2>err || got=$?
	[ "$got" = "$want" ] || fail "sign $*: exit $got, not $want: $(cat out err)"
}
says() { grep -qE -- "$1" err || fail "stderr does not contain '$1' but: $(cat err)"; }
# field NAME: a number in the --json report in out
field() { grep -oE "\"$1\":[0-9]+" out | sed -n 1p | cut -d : -f 2; }
# field_is NAME NUMBER
field_is() { [ "$(field "$1")" = "$2" ] || fail "$1 is $(field "$1"), not $2: $(cat out)"; }
verified() { "$STAMPEDE" verify "$1" >verify.out 2>&1 || fail "verify $1: $(cat verify.out)"; }
# published REPO: one digest over all that clients can see
published() { find "$1/public" -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum; }
# signed_digest REPO PATH: the sha256 in the published bins, with --hash sha256
signed_digest() {
	local version
	version=$(grep -oE '"version":[0-9]+' "$1/public/metadata/timestamp.json" | tail -n 1 | cut -d : -f 2)
	cat "$1/public/metadata/$version".bin-n-*.json |
		grep -oE "\"$2\":\{\"hashes\":\{\"sha256\":\"[0-9a-f]{64}" | tail -c 65
}
# on_loop IMAGE FOLDER: the file system in IMAGE
on_loop() {
	mkdir -p "$2"
	mount -o loop "$1" "$2" 2>/dev/null || skip 'cannot mount images here (needs root and a loop device)'
	mounted+=("$scratch/$2")
}
# small_fs FOLDER OPTIONS: a tmpfs of its own
small_fs() {
	mkdir -p "$1"
	mount -t tmpfs -o "$2" none "$1" 2>/dev/null || skip 'cannot mount here (needs root)'
	mounted+=("$scratch/$1")
}
