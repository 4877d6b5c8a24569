#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# stampede-offline: built twice, in two folders, it is the same file; it is static, has no code that reads or
# writes repositories, loads nothing, and its holders can do their part of a ceremony.
set -euo pipefail
here=$(dirname "$(realpath "$0")")
source=$(realpath "$here/../..")
: "${STAMPEDE:=$source/build/dev/stampede}"
scratch=$(mktemp -d "${TMPDIR:-/tmp}/stampede-offline-XXXXXX")
trap 'rm -rf "$scratch"' EXIT
trap 'echo "FAILED: line $LINENO" >&2' ERR
set -E
fail() { echo "FAILED: $*" >&2; exit 1; }
for library in sodium crypto jansson; do
	[ -n "$("${CC:-cc}" -print-file-name="lib$library.a" | grep /)" ] || { echo "skipped: no lib$library.a"; exit 77; }
done

mkdir -p "$scratch/one" "$scratch/another"
cp -r "$source"/{CMakeLists.txt,CMakePresets.json,LICENSE,README.md,CHANGELOG.md,engine,include,tools} "$scratch/one/"
cp -r "$scratch/one" "$scratch/another/place"
for folder in one another/place; do
	(cd "$scratch/$folder" && cmake --preset offline && cmake --build --preset offline) >"$scratch/log" 2>&1 ||
		fail "build: $(tail -n 20 "$scratch/log")"
done
program=$scratch/one/build/offline/stampede-offline
cmp "$program" "$scratch/another/place/build/offline/stampede-offline" || fail 'two builds differ'
! readelf -d "$program" | grep -q NEEDED || fail 'it needs shared libraries'
! readelf -l "$program" | grep -q INTERP || fail 'it is not static'
nm "$program" >"$scratch/symbols"
! grep -E ' [tT] stp_(ledger|publish|repo|bins|scan|read|list|trust|init|sign|verify)_' "$scratch/symbols" ||
	fail 'it has code of repositories'
[ "$("$program" --help | grep -c ceremony)" = 1 ] || fail 'its commands'
! "$program" sign x 2>/dev/null || fail 'it signs repositories'
if command -v strace >/dev/null; then
	strace -f -e trace=openat,socket -o "$scratch/trace" "$program" ceremony show /dev/null --trust /dev/null 2>/dev/null || true
	! grep -E 'socket\(|[.]so' "$scratch/trace" || fail 'it loads or connects'
fi
STAMPEDE_OFFLINE=$program "$here/ceremony_apart.test.sh"
