#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# setup.sh SOURCE BUILD: npm ci of the locked clients into BUILD, once per lock file. Without node
# or without a registry the interop tests are skipped, unless STAMPEDE_TEST_STRICT is set.
set -euo pipefail
source=$1 build=$2
skip() {
	echo "$1"
	[ -n "${STAMPEDE_TEST_STRICT:-}" ] && exit 1
	exit 77
}
mkdir -p "$build"
cd "$build"
if [ -d node_modules/tuf-js ] && cmp -s "$source/package-lock.json" .installed-lock; then
	echo 'clients are installed'
	exit 0
fi
command -v npm >/dev/null || skip 'no npm here'
rm -f .installed-lock
cp "$source/package.json" "$source/package-lock.json" .
cp "$source/../../.npmrc" .npmrc
npm ci --ignore-scripts --no-audit --no-fund --prefer-offline --fetch-retries 3 \
	--fetch-retry-mintimeout 1000 --fetch-retry-maxtimeout 8000 || skip 'npm could not install the clients'
cp package-lock.json .installed-lock
