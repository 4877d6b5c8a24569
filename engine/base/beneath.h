/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening a path that must not leave its folder: openat2(2), or the same by other calls where that
 * is not available.
 *
 * Seccomp filters cannot look into openat2's arguments, so some refuse the call as a whole: systemd
 * does with RestrictSUIDSGID=yes, older container runtimes do by default. Linux before 5.6 does not
 * have the call. Then the path is walked here, one component at a time, and what openat2 would
 * refuse is refused with the same errno.
 *
 * Shape      one call in openat2's own terms.
 * Memory     none.
 * Ownership  the caller closes the descriptor.
 * Threads    any thread.
 */
#ifndef STP_BASE_BENEATH_H
#define STP_BASE_BENEATH_H

#include <linux/openat2.h>

/* Opens path as how says. how->resolve is 0 (openat(2) then), or RESOLVE_BENEATH,
 * RESOLVE_NO_SYMLINKS and RESOLVE_NO_MAGICLINKS together, with RESOLVE_NO_XDEV and RESOLVE_CACHED
 * as the caller wants; path has no component "..". Returns the descriptor, or -1 and errno:
 *
 *	ELOOP   a symbolic link on the way, or at its end without O_NOFOLLOW
 *	EXDEV   an absolute path; with RESOLVE_NO_XDEV a mount point on the way or at its end
 *	EAGAIN  a rename raced with the lookup, try again; RESOLVE_CACHED: it is not all in memory
 *	EINVAL  RESOLVE_CACHED where nothing but the disk can be asked
 *
 * and the errors of openat(2). */
long stp_open_beneath(int folder_fd, const char *path, const struct open_how *how);

#endif
