/* SPDX-License-Identifier: Apache-2.0 */
/*
 * refuse_call CALL ERRNO COMMAND…: runs COMMAND in a sandbox that refuses CALL with ERRNO. 77 where
 * no filter can be installed.
 *
 *	openat2      ENOSYS as from systemd, EPERM as from older container runtimes
 *	renameat2    only with flags: EINVAL as from NFS, GlusterFS, FUSE and old ZFS
 *	linkat       EPERM as from file systems without hard links
 *	O_TMPFILE    of openat: EOPNOTSUPP as from NFS and FUSE
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "seccomp.h"

/* The kernel's own bit; fcntl.h's O_TMPFILE has O_DIRECTORY besides. */
#define TMPFILE_BIT 020000000u

static int errno_of(const char *name)
{
	static const struct {
		const char *name;
		int sys;
	} known[] = {
	    {"ENOSYS", ENOSYS},         {"EPERM", EPERM},   {"EINVAL", EINVAL},
	    {"EOPNOTSUPP", EOPNOTSUPP}, {"EISDIR", EISDIR},
	};
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(known[i].name, name) == 0)
			return known[i].sys;
	return 0;
}

/* -1: no such call. */
static int refuse(const char *call, int sys)
{
	if (strcmp(call, "openat2") == 0)
		return seccomp_refuse(SYS_openat2, sys);
	if (strcmp(call, "linkat") == 0)
		return seccomp_refuse(SYS_linkat, sys);
	if (strcmp(call, "renameat2") == 0)
		return seccomp_refuse_bits(SYS_renameat2, 4, ~0u, sys);
	if (strcmp(call, "O_TMPFILE") == 0)
		return seccomp_refuse_bits(SYS_openat, 2, TMPFILE_BIT, sys);
	return -1;
}

int main(int argc, char **argv)
{
	int sys = argc < 4 ? 0 : errno_of(argv[2]);
	int done = sys ? refuse(argv[1], sys) : -1;

	if (done < 0)
		return 2;
	if (!done)
		return 77;
	execvp(argv[3], argv + 3);
	perror(argv[3]);
	return 126;
}
