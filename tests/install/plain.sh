#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# plain.sh WHAT PLAIN BUILD: what a build without any options makes, in the folder PLAIN; BUILD is the
# test build that runs this.
#
#   build    builds it, without cmocka
#   hooks    it holds no fault point and obeys no variable that a test build does
#   refuses  BUILD itself cannot be installed or packed
#   paths    no folder of the machine that built it stands in it, or in a library
#   same     built again elsewhere, it is the same program and the same libraries, byte for byte
set -euo pipefail
what=$1 plain=$2 build=$3
source=$(realpath "$(dirname "$0")/../..")
scratch=$(mktemp -d "${TMPDIR:-/tmp}/stampede-plain-XXXXXX")
trap 'rm -rf "$scratch"' EXIT
products=(stampede libstampede.a libstampede.so)

die() {
	echo "$*" >&2
	exit 1
}

# build_plain SOURCE FOLDER
build_plain() {
	rm -f "$2/CMakeCache.txt" # defaults of today, not those of an earlier build
	{ cmake -S "$1" -B "$2" && cmake --build "$2" -j "$(nproc)"; } >"$scratch/log" 2>&1 ||
		die "$(tail -n 30 "$scratch/log")"
}

# Variables of test builds: whatever the source calls STAMPEDE_SOMETHING in a string.
variables() { grep -rhoE --include='*.[ch]' '"STAMPEDE_[A-Z0-9_]+"' "$source/engine" | tr -d '"' | sort -u; }

# Every variable, set to what does most in a test build.
harmful() {
	local name
	for name in $(variables); do
		case $name in
		STAMPEDE_FAULT_POINT) echo "$name=sign.flip:1:EIO" ;;
		STAMPEDE_FAULT_TRACE | STAMPEDE_FAULT_REACH) echo "$name=$scratch/victim" ;;
		STAMPEDE_FAULT_SLOW) echo "$name=100000000" ;;
		STAMPEDE_CPU_DISABLE) echo "$name=all" ;;
		*) echo "$name=1" ;;
		esac
	done
}

case $what in
build)
	build_plain "$source" "$plain"
	! grep -q '^CMOCKA' "$plain/CMakeCache.txt" || die 'a plain build looks for cmocka'
	;;
hooks)
	[ "$(variables | wc -l)" -ge 7 ] || die "where are the variables of test builds? $(variables)"
	hooks='stp_(fault_point|fault_write|hook_|read_opened_hook)'
	for name in $(variables); do # the searches below can find what they look for
		grep -aqF "$name" "$build/stampede" || die "$name is not in a test build either"
	done
	[ "$(nm "$build/stampede" | grep -cE "$hooks")" -ge 3 ] || die 'nm shows no fault points of a test build'
	for file in "${products[@]}"; do
		file=$plain/$file
		[ -s "$file" ] || die "$file is not there"
		! grep -ao 'STAMPEDE_[A-Z0-9_]*' "$file" || die "$file reads variables of test builds"
		! nm "$file" 2>/dev/null | grep -E "$hooks" || die "$file has fault points"
	done
	cd "$scratch"
	mkdir index
	echo a >index/a
	echo b >index/b
	echo precious >victim
	mapfile -t set < <(harmful)
	for round in 1 2; do
		[ $round = 2 ] || env "${set[@]}" timeout 60 "$plain/stampede" init repo --targets index --bins 4 >/dev/null
		env "${set[@]}" timeout 60 "$plain/stampede" sign repo --quiet >/dev/null ||
			die "with ${set[*]}: exit $?"
		"$plain/stampede" verify repo >out 2>&1 || die "with ${set[*]}: $(cat out)"
	done
	[ "$(cat victim)" = precious ] || die 'a variable makes it write a file'
	[ "$(echo victim*)" = victim ] || die 'a variable makes it create a file'
	;;
refuses)
	want='test build'
	for component in '' stampede; do
		! cmake --install "$build" --prefix "$scratch/root" ${component:+--component "$component"} >"$scratch/log" 2>&1 ||
			die "a test build is installed ${component:+(component)}"
		grep -q "$want" "$scratch/log" || die "no clear error: $(cat "$scratch/log")"
	done
	! (cd "$scratch" && cpack --config "$build/CPackConfig.cmake" -B "$scratch/package") >"$scratch/log" 2>&1 ||
		die 'a test build is packed'
	grep -q "$want" "$scratch/log" || die "no clear error: $(cat "$scratch/log")"
	[ -z "$(find "$scratch" -name stampede -type f -o -name '*.deb')" ] || die "left: $(find "$scratch")"
	! cmake -S "$source" -B "$scratch/tests" -DSTP_TESTS=ON >"$scratch/log" 2>&1 ||
		die 'tests without hooks are configured'
	grep -q 'STP_TEST_HOOKS=ON' "$scratch/log" || die "no clear error: $(cat "$scratch/log")"
	;;
paths)
	for file in "${products[@]}"; do
		file=$plain/$file
		[ -s "$file" ] || die "$file is not there"
		! grep -aoF -e "$source" -e "$plain" "$file" || die "$file names where it was built"
	done
	grep -aq 'engine/cli/value.c' "$plain/stampede" || die 'an assertion does not name its source file'
	;;
same)
	mkdir "$scratch/elsewhere"
	cp -r "$source"/{*.md,CMakeLists.txt,LICENSE,engine,include,tools} "$scratch/elsewhere/"
	build_plain "$scratch/elsewhere" "$scratch/made"
	for file in "${products[@]}"; do
		cmp "$plain/$file" "$scratch/made/$file" || die "$file depends on where it is built"
	done
	;;
*) die "$what: not known" ;;
esac
