#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# library.sh WHAT BUILD: installs BUILD below a scratch folder and uses its library from programs that
# know nothing else of stampede.
#
#   c        by pkg-config, shared and static
#   cmake    a C++17 project by find_package, shared and static
#   python   ctypes and the shared library alone
#   readme   the example of README.md, as it is printed
#   exports  the shared library exports what the installed headers document, and nothing else
set -euo pipefail
what=$1 build=$2
here=$(dirname "$(realpath "$0")")
source=$here/../..
scratch=$(mktemp -d "${TMPDIR:-/tmp}/stampede-library-XXXXXX")
trap 'rm -rf "$scratch"' EXIT
root=$scratch/root

die() {
	echo "$*" >&2
	exit 1
}

cmake --install "$build" --prefix "$root" >"$scratch/log" || die "$(cat "$scratch/log")"
lib=$(dirname "$(find "$root" -name libstampede.a)")
export PKG_CONFIG_PATH=$lib/pkgconfig

# new_folder NAME: a folder with an index of three files.
new_folder() {
	mkdir -p "$scratch/$1/index"
	echo a >"$scratch/$1/index/a.whl"
	echo b >"$scratch/$1/index/b.whl"
	echo c >"$scratch/$1/index/c.tar.gz"
}

case $what in
c)
	for kind in '' --static; do
		new_folder "c$kind"
		libs=$(pkg-config --libs $kind stampede)
		if [ -n "$kind" ]; then libs=${libs//-lstampede/-l:libstampede.a}; fi
		# shellcheck disable=SC2046,SC2086
		cc -std=c17 -Wall -Wextra -Wpedantic -Werror -o "$scratch/use" "$here/use/use.c" \
			$(pkg-config --cflags stampede) $libs
		LD_LIBRARY_PATH=$lib "$scratch/use" "$scratch/c$kind"
	done
	[ -z "$(ldd "$scratch/use" | grep libstampede)" ] || die 'the static program needs the shared library'
	readelf -d "$lib/libstampede.so" | grep -q 'SONAME.*\[libstampede\.so\.0\]' || die 'the soname is another one'
	[ "$(pkg-config --modversion stampede)" = "$("$root/bin/stampede" --version | sed -n 's/^stampede //p')" ] ||
		die 'versions differ'
	;;
cmake)
	cmake -S "$here/use" -B "$scratch/build" -DCMAKE_PREFIX_PATH="$root" >"$scratch/log" 2>&1 &&
		cmake --build "$scratch/build" >>"$scratch/log" 2>&1 || die "$(cat "$scratch/log")"
	for kind in stampede stampede_static; do
		new_folder $kind
		"$scratch/build/use-$kind" "$scratch/$kind" || die "$kind: exit $?"
	done
	;;
python)
	command -v python3 >/dev/null || exit 77
	new_folder python
	python3 -I "$here/use/use.py" "$lib/libstampede.so.0" "$scratch/python"
	;;
readme)
	awk '/^```c$/ { take = 1; next } /^```$/ { take = 0 } take' "$source/README.md" >"$scratch/sign.c"
	grep -q stp_sign "$scratch/sign.c" || die 'README.md has no example'
	new_folder readme
	"$root/bin/stampede" init "$scratch/readme/repo" --targets "$scratch/readme/index" --bins 4 --quiet >/dev/null
	# shellcheck disable=SC2046
	cc -Wall -Wextra -Werror -o "$scratch/sign" "$scratch/sign.c" $(pkg-config --cflags --libs stampede)
	out=$(LD_LIBRARY_PATH=$lib "$scratch/sign" "$scratch/readme/repo")
	[ "$out" = '3 targets, version 1' ] || die "it prints: $out"
	;;
exports)
	"$source/tools/check/exports" "$lib/libstampede.so" "$root/include"
	# The check finds what is missing, and what is too much.
	cp -r "$root/include" "$scratch/more"
	echo 'STP_API int stp_forgotten(void);' >>"$scratch/more/stampede/version.h"
	! "$source/tools/check/exports" "$lib/libstampede.so" "$scratch/more" >"$scratch/log" || die 'a missing export passes'
	grep -qx stp_forgotten "$scratch/log" || die "$(cat "$scratch/log")"
	cp -r "$root/include" "$scratch/less"
	sed -i '/stp_version(/d' "$scratch/less/stampede/version.h"
	! "$source/tools/check/exports" "$lib/libstampede.so" "$scratch/less" >"$scratch/log" || die 'an export of no header passes'
	grep -qx stp_version "$scratch/log" || die "$(cat "$scratch/log")"
	;;
*) die "$what: not known" ;;
esac
