/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fault points: places where a test makes the program die or a system call fail.
 *
 *	STAMPEDE_FAULT_POINT=publish.rename          killed at the first passage
 *	STAMPEDE_FAULT_POINT=publish.put:40          … at the fortieth
 *	STAMPEDE_FAULT_POINT=publish.put:40:ENOSPC   the fortieth write fails with it (EIO, ENOSPC,
 *	                                             EMFILE, ENOMEM, EROFS); :abort, :exit
 *	STAMPEDE_FAULT_POINT=publish.put:1:stop      stops there (SIGSTOP), to be looked at
 *	STAMPEDE_FAULT_POINT=publish.put:1:reach     tries to read and write the file that
 *	                                             STAMPEDE_FAULT_REACH names, prints the result
 *	                                             on stderr, and continues
 *	STAMPEDE_FAULT_TRACE=FILE                every passage's name is appended to FILE
 *	STAMPEDE_FAULT_SLOW=MICROSECONDS         every passage takes that long, so that a death at a
 *	                                         random time is one at a random step
 *	STAMPEDE_SHORT_WRITES=BYTES             no write accepts more at once
 *
 * Only builds with STP_TEST_HOOKS have them, and such builds cannot be installed; in others the
 * macro is the constant 0 and the environment is ignored. A test build that is started set-user-ID
 * ignores it as well (secure_getenv(3)), and FILE must be a regular file, not a link to one.
 *
 * Shape      a point is a stage's name, a dot and the step's name.
 * Memory     none.
 * Ownership  none.
 * Threads    any thread; passages are counted over all of them.
 */
#ifndef STP_BASE_FAULTPOINT_H
#define STP_BASE_FAULTPOINT_H

#include <stddef.h>

#if defined(STP_TEST_HOOKS)
/* The value of the variable called name, or NULL. All variables that tests set are read through
 * this function. */
const char *stp_hook_variable(const char *name);
/* The errno that the step reports as its own, 0 to continue; does not return when the test wants
 * the program to die. */
int stp_fault_point_hit(const char *stage, const char *step);
/* How many of count bytes a write may ask for. */
size_t stp_fault_write_bytes(size_t count);
#define STP_FAULT_WRITE_BYTES(count) stp_fault_write_bytes(count)
#define STP_FAULT_POINT(stage, step) stp_fault_point_hit((stage), (step))
#else
#define STP_FAULT_POINT(stage, step) 0
#define STP_FAULT_WRITE_BYTES(count) (count)
#endif

/* Returns a failure about subject when the test wants one here. */
#define STP_FAULT_TRY(err, stage, step, subject)                                           \
	do {                                                                               \
		int stp_fault_errno_ = STP_FAULT_POINT(stage, step);                       \
		if (stp_fault_errno_)                                                      \
			return STP_FAIL_ERRNO((err), stp_fault_errno_, (stage), (subject), \
			                      "cannot %s", (step));                        \
	} while (0)

#endif
