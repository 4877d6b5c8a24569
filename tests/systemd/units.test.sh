#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# units.test.sh BUILD: packages BUILD and tries the package where systemd runs: units.inside.sh.
set -euo pipefail
build=$1 here=$(dirname "$(realpath "$0")")
for tool in cpack dpkg dpkg-deb dpkg-shlibdeps file; do
	command -v $tool >/dev/null || exit 77
done
scratch=$(mktemp -d "${TMPDIR:-/tmp}/stampede-units-XXXXXX")
trap 'rm -rf "$scratch"' EXIT
chmod 755 "$scratch"
(cd "$scratch" && cpack --config "$build/CPackConfig.cmake" -B "$scratch/package") >"$scratch/log" 2>&1 ||
	{ cat "$scratch/log"; exit 1; }
mkdir "$scratch/payload"
cp "$scratch"/package/stampede_*.deb "$scratch/payload/stampede.deb"
cp "$here/units.inside.sh" "$scratch/payload/"
got=0
"$here/boot.sh" "$scratch/payload" units.inside.sh || got=$?
exit $got
