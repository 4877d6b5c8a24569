#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# File systems without modes: everything on a FAT stick has mode 0755 whatever chmod does, so the message
# must help. Test machines have no FAT; here fstatfs(2) reports it, and chmod(2) has no effect, as on FAT.
. "$(dirname "$0")/lib.sh"

command -v cc >/dev/null || skip 'there is no compiler'
cat >fat.c <<'C'
#define _GNU_SOURCE
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <stdlib.h>
#include <unistd.h>
int fstatfs(int fd, struct statfs *out)
{
	int rc = (int)syscall(SYS_fstatfs, fd, out);

	out->f_type = strtol(getenv("FILE_SYSTEM"), NULL, 0);
	return rc;
}
int fstatfs64(int fd, struct statfs64 *out)
{
	return fstatfs(fd, (struct statfs *)out);
}
int fchmod(int fd, mode_t mode)
{
	(void)fd, (void)mode;
	return 0;
}
C
cc -shared -fPIC -o fat.so fat.c
# on TYPE COMMAND…: on a file system of that type; stderr in err
on() {
	FILE_SYSTEM=$1 LD_PRELOAD=$scratch/fat.so "${@:2}" >out 2>err
}
on 0x4d44 "$STAMPEDE" --version || skip 'this build takes no preloaded library'

index 5
init repo --targets index --bins 2 --hash sha256
sign_is 0 repo
# offline keys on a stick: every folder there is open
mkdir -p stick/keys
chmod 755 stick/keys
on 0x4d44 "$STAMPEDE" init other --targets index --bins 2 --offline-keys stick/keys --quiet && fail 'keys in an open folder'
says 'keys: .*: the key folder is open to others \(mode 0755\); FAT does not store modes, so chmod has no effect: mount it with umask=077, or copy'
[ ! -e other ] && [ -z "$(ls stick/keys)" ] || fail "a refused init left $(ls -A other stick/keys)"
on 0xff534d42 "$STAMPEDE" init other --targets index --bins 2 --offline-keys stick/keys --quiet && fail 'keys in an open folder'
says 'SMB may not store modes: mount it with dir_mode=0700,file_mode=0600'
cp -r repo/offline-keys/. stick/keys/
on 0x2011bab0 "$STAMPEDE" init repo --update --yes --offline-keys stick/keys && fail 'keys in an open folder'
says 'open to others \(mode 0755\); exFAT does not store modes'
# the online key, the seal key, and a file of state/
for file in keys keys/online.pem keys/ledger.key state/audit.log state/lock; do
	[ -e repo/$file ] || continue
	mode=$(stat -c %a repo/$file)
	chmod 777 repo/$file
	on 0x65735546 "$STAMPEDE" sign repo && fail "signs with $file open"
	says "\(mode 0777\); chmod [67]00 it, and where that has no effect, mount the file system \(FUSE\) with umask=077"
	chmod "$mode" repo/$file
done
sign_is 0 repo
