#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The same index, keys and clock give the same bytes: for every number of threads, both I/O back
# ends and every set of hash kernels, in a first run and in a second one after changes; and every
# published digest is sha512sum's.
set -euo pipefail
built=$(dirname "$(realpath "$0")")/../../build/dev
: "${STAMPEDE:=$built/stampede}" "${STAMPEDE_CORPUS:=$built/tools/corpus/stampede-corpus}"
: "${REFUSE_CALL:=$built/tests/refuse_call}"
# In memory if there is space: otherwise two dozen runs wait for two dozen barriers.
above=${TMPDIR:-/tmp}
if [ -z "${TMPDIR:-}" ] && [ "$(df --output=avail -k /dev/shm 2>/dev/null | tail -n 1)" -gt 300000 ] 2>/dev/null; then
	above=/dev/shm
fi
scratch=$(mktemp -d "$above/stampede-e2e-XXXXXX")
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
fail() {
	echo "$*" >&2
	exit 1
}

"$STAMPEDE_CORPUS" --count 300 --seed 9 --sizes small idx 2>/dev/null
"$STAMPEDE_CORPUS" --count 6 --seed 10 --no-simple --sizes 1500000 idx 2>/dev/null
: >idx/packages/empty-1.0.tar.gz
touch -d 2020-01-01 idx/packages/empty-1.0.tar.gz
"$STAMPEDE" init seed --targets idx --bins 64 --now 2030-01-01T00:00:00Z --quiet >/dev/null
cp -a seed seed2

io=(uring pread)
if ! "$STAMPEDE" sign seed --io uring --now 2030-01-02T00:00:00Z --quiet >/dev/null 2>said; then
	cat said
	echo 'no io_uring here: only pread is compared'
	io=(pread)
fi
rm -rf seed && mv seed2 seed

# Sandboxes that refuse openat2: systemd's returns ENOSYS, older container runtimes EPERM.
refusals=(ENOSYS-pread-2 EPERM-pread-0 ENOSYS-auto-2)
if ! "$REFUSE_CALL" openat2 ENOSYS true; then
	echo 'no filter of system calls here: openat2 is not refused'
	refusals=()
fi

variants=() without=()
run() { # NAME DAY OPTIONS…: signs the repository NAME
	local name=$1 day=$2
	shift 2
	"${without[@]}" "$STAMPEDE" sign "$name" --now "2030-01-0${day}T00:00:00Z" --quiet "$@" >/dev/null ||
		fail "sign $name $* failed"
}
all() { # DAY: signs every variant
	local back jobs sys refusal
	for back in "${io[@]}"; do
		for jobs in 0 1 2 5; do
			[ -d "$back-$jobs" ] || { cp -a seed "$back-$jobs"; variants+=("$back-$jobs"); }
			run "$back-$jobs" "$1" --io "$back" --jobs "$jobs"
		done
	done
	for features in all avx512 avx512,avx2 shani; do
		[ -d "cpu-$features" ] || { cp -a seed "cpu-$features"; variants+=("cpu-$features"); }
		STAMPEDE_CPU_DISABLE=$features run "cpu-$features" "$1" --jobs 2
	done
	for refusal in "${refusals[@]}"; do
		[ -d "$refusal" ] || { cp -a seed "$refusal"; variants+=("$refusal"); }
		IFS=- read -r sys back jobs <<<"$refusal"
		without=("$REFUSE_CALL" openat2 "$sys")
		run "$refusal" "$1" --io "$back" --jobs "$jobs"
		without=()
	done
	for variant in "${variants[@]}"; do
		diff -r --no-dereference "${variants[0]}/public" "$variant/public" >differs ||
			fail "day $1: $variant differs from ${variants[0]}: $(head differs)"
	done
	"$STAMPEDE" verify "${variants[0]}" --now "2030-01-0${1}T00:00:00Z" --quiet >/dev/null ||
		fail "day $1: verify says no"
}

# Every digest of the published bins, by path, as sha512sum would print it.
published() {
	local version
	version=$(grep -o '"version":[0-9]*}*$' "$1/public/metadata/timestamp.json" | tr -dc 0-9)
	cat "$1/public/metadata/$version".bin-n-*.json |
		grep -oE '"[^"]+":\{"hashes":\{"sha512":"[0-9a-f]{128}"\},"length":[0-9]+' |
		sed -E 's|^"([^"]+)":.*"sha512":"([0-9a-f]+)".*|\2  \1|' | sort -k 2
}

all 2
published "${variants[0]}" >first.sum
[ "$(wc -l <first.sum)" -eq "$(find idx -type f | wc -l)" ] || fail 'not every file is published'
(cd idx && sha512sum -c --quiet ../first.sum) || fail 'a published digest is wrong'

"$STAMPEDE_CORPUS" --count 300 --seed 9 --sizes small --round 1 --add 3 --remove 2 --change 10 idx 2>/dev/null
all 3
published "${variants[0]}" >second.sum
[ "$(wc -l <second.sum)" -eq "$(find idx -type f | wc -l)" ] || fail 'not every file is published'
(cd idx && sha512sum -c --quiet ../second.sum) || fail 'a published digest is wrong'
echo "${#variants[@]} variants, two runs each, same bytes: ${variants[*]}"
