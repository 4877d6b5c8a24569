/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How files are read: by io_uring, by a pool of threads that call pread(2), or whichever works
 * here.
 */
#ifndef STAMPEDE_IO_H
#define STAMPEDE_IO_H

#include <stddef.h>

#include "stampede/api.h"

#ifdef __cplusplus
extern "C" {
#endif

enum stp_io_mode {
	STP_IO_MODE_AUTO = 0,  /* io_uring where the system allows it, else pread */
	STP_IO_MODE_URING = 1, /* io_uring or an error */
	STP_IO_MODE_PREAD = 2, /* a pool of threads that call pread */
};

/* The mode called "auto", "uring" or "pread", or -1. */
STP_API int stp_io_mode_from_name(const char *name);

/* "auto", "uring", "pread". */
STP_API const char *stp_io_mode_name(enum stp_io_mode mode);

#ifdef __cplusplus
}
#endif
#endif
