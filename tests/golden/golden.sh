#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# golden.sh [--make] NAME: signs the index of 60 files that the corpus generator makes with the
# keys and the root metadata kept in NAME/, at fixed times, and compares every published byte with
# NAME/first and NAME/second (after a change).
#
#	NAME/seed/          stampede.json and what init published, targets_dir is @INDEX@
#	NAME/online.seed    the online key's 32 bytes in hex: useless outside this test
#	NAME/first, second  public/metadata after each run
#
# --make rewrites NAME/ with new keys: only after a deliberate change of what is published.
set -euo pipefail
built=$(dirname "$(realpath "$0")")/../../build/dev
: "${STAMPEDE:=$built/stampede}" "${STAMPEDE_CORPUS:=$built/tools/corpus/stampede-corpus}"
make=
[ "$1" = --make ] && { make=yes; shift; }
name=$1
here=$(cd "$(dirname "$0")" && pwd)/$name
scratch=$(mktemp -d "${TMPDIR:-/tmp}/stampede-golden-XXXXXX")
trap 'rm -rf "$scratch"' EXIT
index=$scratch/index
repo=$scratch/repo

corpus() { "$STAMPEDE_CORPUS" --count 60 --seed 4 --sizes small "$@" "$index" 2>/dev/null; }
# PKCS#8 of an Ed25519 key is a fixed header and the seed (RFC 8410).
pem_of_seed() {
	echo '-----BEGIN PRIVATE KEY-----'
	printf '%b' "$(printf '302e020100300506032b657004220420%s' "$1" | sed 's/../\\x&/g')" | base64
	echo '-----END PRIVATE KEY-----'
}

corpus
if [ -n "$make" ]; then
	case $name in
	pep458) options=(--profile pep458 --bins 16) ;;
	compat) options=(--profile compat --bins 32) ;;
	prefixes) options=(--profile prefixes --bins 8) ;;
	two_hashes) options=(--profile pep458 --bins 4 --hash "sha256,sha512") ;;
	*) echo "golden.sh: $name: not known" >&2; exit 2 ;;
	esac
	rm -rf "$here"
	mkdir -p "$here/seed"
	"$STAMPEDE" init "$repo" --targets "$index" --now 2030-01-01T00:00:00Z --target-files none "${options[@]}" >/dev/null
	openssl pkey -in "$repo/keys/online.pem" -outform DER | tail -c 32 | od -An -v -tx1 | tr -d ' \n' >"$here/online.seed"
	cp -r "$repo/public" "$here/seed/public"
	sed "s|$index|@INDEX@|" "$repo/stampede.json" >"$here/seed/stampede.json"
	rm -rf "$repo"
fi

cp -r "$here/seed" "$repo"
mkdir -p "$repo/public/targets"
mkdir -m 700 "$repo/keys" "$repo/state"
sed -i "s|@INDEX@|$index|" "$repo/stampede.json"
(umask 077 && pem_of_seed "$(cat "$here/online.seed")" >"$repo/keys/online.pem")
(umask 077 && printf '%064d\n' 0 >"$repo/keys/ledger.key")

# Files of an earlier step stay the same; only the timestamp is ever replaced.
known() {
	[ "$1" != timestamp.json ] && { [ -e "$here/seed/public/metadata/$1" ] || [ -e "$here/first/$1" ]; }
}

compare() { # EXPECTED
	if [ -n "$make" ]; then
		mkdir -p "$here/$1"
		for file in "$repo"/public/metadata/*; do
			known "${file##*/}" || cp "$file" "$here/$1/"
		done
		return
	fi
	for file in "$here/$1"/*; do
		cmp "$file" "$repo/public/metadata/${file##*/}" || failed=yes
	done
	for file in "$repo"/public/metadata/*; do
		known "${file##*/}" || [ -e "$here/$1/${file##*/}" ] || { echo "${file##*/} is new"; failed=yes; }
	done
}

failed=
"$STAMPEDE" sign "$repo" --now 2030-01-02T03:04:05Z --quiet >/dev/null
compare first
corpus --round 1 --add 5 --remove 5 --change 20
"$STAMPEDE" sign "$repo" --now 2030-01-02T11:04:05Z --quiet >/dev/null
compare second
"$STAMPEDE" verify "$repo" --now 2030-01-02T11:04:05Z --quiet >/dev/null || failed=yes
[ -z "$failed" ]
