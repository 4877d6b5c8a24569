/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The version of these headers, and of the library that a program runs with. They differ when the
 * library was updated after the program had been built. The build takes its version from here.
 */
#ifndef STAMPEDE_VERSION_H
#define STAMPEDE_VERSION_H

#include "stampede/api.h"

#ifdef __cplusplus
extern "C" {
#endif

#define STP_VERSION_MAJOR  0
#define STP_VERSION_MINOR  1
#define STP_VERSION_PATCH  0
#define STP_VERSION_STRING "0.1.0"

/* 1 when these headers are of version major.minor.patch or of a later one. */
#define STP_VERSION_AT_LEAST(major, minor, patch) \
	(STP_VERSION_MAJOR > (major) ||           \
	 (STP_VERSION_MAJOR == (major) &&         \
	  (STP_VERSION_MINOR > (minor) ||         \
	   (STP_VERSION_MINOR == (minor) && STP_VERSION_PATCH >= (patch)))))

/* The library's own: "0.1.0"; static string. */
STP_API const char *stp_version(void);

#ifdef __cplusplus
}
#endif
#endif
