#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Names longer than any on ext4, as on NTFS, exFAT, SMB and FUSE, below paths that become too long;
# directory listings with wrong types.
. "$(dirname "$0")/lib.sh"

# Files called f in folders of names of $1 bytes, of which the path has no more than 4,095; $2 bytes
# precede each path.
files_within() {
	local folders=$(((4093 - $2 + 1) / ($1 + 1)))
	echo $(((folders < 18 ? folders : 18) + 1))
}

long_names() {
	local bytes=$1 expected jobs
	expected=$(($(files_within "$bytes" 2) + (bytes + 2 <= 4095 ? 1 : 0)))
	for jobs in 0 1 3; do
		hash_is 4 m --jobs "$jobs"
		[ "$(wc -l <out)" = "$expected" ] || fail "$on: --jobs $jobs: $(wc -l <out) lines, not $expected"
		says 'm/n.*: is a folder whose path is too long; shorten it$'
	done
	[ "$bytes" -le 4093 ] || says 'm/l.*: is longer than 4,095 bytes; shorten it$'

	# Only names of up to 255 bytes can be signed.
	expected=1
	[ "$bytes" -gt 255 ] || expected=$(($(files_within "$bytes" 0) + 1))
	rm -rf repo && init repo --targets m --bins 4 --target-files none
	sign_is 3 repo
	[ ! -e repo/public/metadata/timestamp.json ] || fail "$on: published"
	[ "$bytes" -le 255 ] || says 'l: has a name of more than 255 bytes; rename it$'
	sign_is 4 repo --on-fault skip --json
	field_is targets "$expected"
	verified repo
	"$STAMPEDE" verify repo --targets m >verify.out 2>&1 || [ $? = 1 ] ||
		fail "$on: verify: $(cut -c 1-500 verify.out)"
}
for bytes in 255 256 765 1000 4095; do on names:$bytes long_names $bytes; done

# No file is silently left out because its folder lists it as something else.
wrong_types() {
	local jobs
	for jobs in 0 2; do
		hash_is 4 m --jobs "$jobs"
		[ "$(sed 's/.*  //' out | paste -sd ' ')" = \
			'm/file-as-nothing m/folder-as-nothing/inside m/honest' ] || fail "$on: $(cat out)"
		says 'm/file-as-folder: was a folder and became something else during the scan; run again$'
		says 'm/folder-as-file: was listed as a file but is a folder; run again$'
		says 'left out 2 links and special files'
	done
	init repo-types --targets m --bins 4 --target-files none
	sign_is 3 repo-types
	says 'file-as-link: is a symbolic link'
	says 'file-as-99: is (no|not a) regular file'
	says 'folder-as-file: was listed as a file but is a folder; run again$'
}
on types wrong_types

listed_twice() {
	hash_is 0 m
	[ "$(wc -l <out)" = 5 ] || fail "$on: $(cat out)"
	init repo-twice --targets m --bins 4 --target-files none
	sign_is 3 repo-twice
	says '^stampede: list: file: is named twice: by the tree and by the tree; keep one$'
	says '^stampede: list: folder/inside: is named twice'
	sign_is 4 repo-twice --on-fault skip --json
	field_is targets 1
}
on twice listed_twice

without_inodes() {
	hash_is 0 m
	[ "$(sed 's/.*  //' out | paste -sd ' ')" = 'm/file m/folder/inside' ] || fail "$on: $(cat out)"
	init repo-inode0 --targets m --bins 4
	sign_is 0 repo-inode0 --json
	field_is targets 2
	verified repo-inode0
}
on inode0 without_inodes

# The kernel refuses impossible names; nothing of such a folder is published.
no_names() {
	hash_is 4 m
	says "m/: cannot read the folder's names: Input/output error"
	init "repo-$on" --targets m --bins 4
	sign_is 3 "repo-$on"
	[ ! -e "repo-$on/public/metadata/timestamp.json" ] || fail "$on: published"
}
on slash no_names
on empty no_names

only_dots() {
	hash_is 0 m
	[ "$(sed 's/.*  //' out)" = m/honest ] || fail "$on: $(cat out)"
}
on dots only_dots
