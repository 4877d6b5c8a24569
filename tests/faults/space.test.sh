#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Full disks, for real: bytes and inodes run out in a repository on a file system of its own.
. "$(dirname "$0")/lib.sh"

index 200
small_fs full size=700k
init full/repo --targets index --bins 16 --target-files none
sign_is 0 full/repo --json
signed=0
for _ in $(seq 60); do
	before=$(published full/repo)
	if ! "$STAMPEDE" sign full/repo --quiet >out 2>err; then
		signed=full
		break
	fi
done
[ "$signed" = full ] || fail 'the file system never became full'
says '^stampede: [a-z]+: .+: .*No space left on device'
[ "$(published full/repo)" = "$before" ] || fail 'something was published by the run that failed'
verified full/repo
mount -o remount,size=4m full
sign_is 0 full/repo --json
verified full/repo

# No inode left: in metadata, then in public/targets.
small_fs inodes size=8m,nr_inodes=60
init inodes/repo --targets index --bins 32 --target-files none
sign_is 3 inodes/repo
says 'No space left on device'
[ ! -e inodes/repo/public/metadata/timestamp.json ] || fail 'a timestamp without its bins'
mount -o remount,nr_inodes=400 inodes
sign_is 0 inodes/repo --json
verified inodes/repo

small_fs links size=8m,nr_inodes=150
init links/repo --targets index --bins 16 --target-files all
sign_is 3 links/repo
says '^stampede: links: .*No space left on device'
[ ! -e links/repo/public/metadata/timestamp.json ] || fail 'a timestamp without its target files'
mount -o remount,nr_inodes=4000 links
sign_is 0 links/repo --json
verified links/repo

# A full disk while hashing: checkpoints cannot be written, what is published stays.
small_fs hashing size=1m
init hashing/repo --targets index --bins 16 --target-files none
dd if=/dev/zero of=hashing/ballast bs=1k count=4000 2>/dev/null || true
sign_is 3 hashing/repo
says 'No space left on device'
rm hashing/ballast
sign_is 0 hashing/repo --json
verified hashing/repo

# A file system that becomes read-only.
before=$(published hashing/repo)
mount -o remount,ro hashing
sign_is 3 hashing/repo
says 'Read-only file system'
[ "$(published hashing/repo)" = "$before" ] || fail 'a read-only repository changed'
mount -o remount,rw hashing
sign_is 0 hashing/repo --json
