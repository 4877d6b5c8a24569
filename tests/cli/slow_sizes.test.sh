#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Files of every size up to 5 GiB, and a folder of a million files: the same lines from both back
# ends, for every number of jobs, as sha512sum prints.
set -euo pipefail
export LC_ALL=C
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
die() { echo "slow_sizes.test: $*" >&2; exit 1; }

gib=$((1024 * 1024 * 1024))
mkdir tree
# Around blocks of the hashes, pages, chunks of the reader, the start of direct reads, and 2^32.
for size in 0 1 63 64 65 111 112 127 128 129 4095 4096 4097 65535 65536 65537 524287 524289 \
	1048575 1048576 1048577 3000001 268435457 $((4 * gib - 1)) $((4 * gib + 1)) $((5 * gib)); do
	file=tree/$size
	truncate -s "$size" "$file"
	# Some data at the start, in the middle and at the end of a file that is mostly holes.
	for at in 0 $((size / 2)) $((size > 300000 ? size - 300000 : size)); do
		count=$((size - at < 300000 ? size - at : 300000))
		head -c "$count" /dev/urandom | dd of="$file" bs=64K seek="$at" oflag=seek_bytes \
			iflag=fullblock conv=notrunc status=none
	done
	[[ $(stat -c %s "$file") == "$size" ]] || die "$file has another size"
done
find tree -type f -print0 | sort -z | xargs -0 sha512sum >expect
tried=0
for io in uring pread; do
	if [[ $io == uring ]] && ! "$STAMPEDE" hash --io uring tree/1 >/dev/null 2>&1; then
		continue
	fi
	for jobs in 1 2; do
		"$STAMPEDE" hash --quiet --io $io --jobs $jobs tree >got
		cmp expect got || die "differs with --io $io --jobs $jobs"
		tried=$((tried + 1))
	done
done
((tried >= 2)) || die "no back end ran"
rm -r tree

mkdir many
(cd many && seq -f %07.0f 1000000 | xargs touch)
printf x >many/0500000
empty=$(printf '' | sha512sum | cut -d ' ' -f 1)
for jobs in 1 2 8; do
	"$STAMPEDE" hash --quiet --jobs $jobs many >got
	[[ $(wc -l <got) == 1000000 ]] || die "$(wc -l <got) lines of a million, --jobs $jobs"
	cut -d ' ' -f 3 got | sort -c -u || die "not in order, or twice, --jobs $jobs"
	[[ $(grep -vc "^$empty  many/" got) == 1 ]] || die "a wrong digest, --jobs $jobs"
	sha512sum -c --quiet <(grep '/0500000$' got) || die "the file that is not empty, --jobs $jobs"
done
