/* SPDX-License-Identifier: Apache-2.0 */
/*
 * refuse_call openat2 ENOSYS|EPERM COMMAND…: runs COMMAND in a sandbox that refuses the system
 * call. ENOSYS is what systemd answers, EPERM what older container runtimes do. 77 where no filter
 * can be installed.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "seccomp.h"

int main(int argc, char **argv)
{
	int sys;

	if (argc < 4 || strcmp(argv[1], "openat2") != 0)
		return 2;
	sys = strcmp(argv[2], "EPERM") == 0 ? EPERM : ENOSYS;
	if (!seccomp_refuse(SYS_openat2, sys))
		return 77;
	execvp(argv[3], argv + 3);
	perror(argv[3]);
	return 126;
}
