/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What holds for all calls of the library.
 *
 *	struct stp_sign_options options = STP_SIGN_OPTIONS_INIT;
 *	struct stp_sign_report report;
 *	struct stp_err err = STP_ERR_INIT;
 *
 *	options.repo = "/srv/stampede/pypi";
 *	if (stp_sign(&options, &report, &err) != STP_OK)
 *		…
 *	stp_sign_report_release(&report);
 *
 * Options    every member that is 0 or NULL means the default. The first member is the size of the
 *            struct that the program was compiled with, set by …_OPTIONS_INIT: members that a later
 *            version appends are 0 for an older program. A larger struct than the library knows is
 *            refused (STP_CONFIG) unless what is beyond is zero. Size 0, of a struct that was only
 *            cleared, stands for the members of version 0.1.
 * Reports    structs of the caller's; each call clears its report first, so that releasing it is
 *            right whatever the call returned. A report grows only with a new soname.
 * Strings    are NUL-terminated; those in options stay the caller's and are used during the call
 *            only. Paths are bytes, in no encoding.
 * Time       seconds since 1970 (UTC) as int64_t. `now` 0 is the clock, read once; with has_now it
 *            is the second 0 itself.
 * Callbacks  are called from the thread that made the call, with the ctx from beside them, and must
 *            not call the library on the same repository.
 * Threads    calls on different repositories may run side by side.
 */
#ifndef STAMPEDE_OPTIONS_H
#define STAMPEDE_OPTIONS_H

#include <stddef.h>

#include "stampede/api.h"

/* jobs: how many threads work. 0 is one per processor. */
#define STP_JOBS_MAX 1024
/* The serial reference: the calling thread, pread(2) and portable kernels. Slow, the same bytes. */
#define STP_JOBS_SERIAL ((size_t)-1)

/* An options struct with its size set and all else 0; for the macros …_OPTIONS_INIT. */
#ifdef __cplusplus
extern "C++" {
template <typename options> inline options stp_sized()
{
	options sized = options();

	sized.size = sizeof(sized);
	return sized;
}
}
#define STP_SIZED(type) stp_sized<type>()
#else
#define STP_SIZED(type)              \
	{                            \
		.size = sizeof(type) \
	}
#endif

#endif
