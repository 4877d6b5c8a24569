/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every header of the library needs: how its functions are marked.
 */
#ifndef STAMPEDE_API_H
#define STAMPEDE_API_H

/* On each function that the library exports; all others are hidden. */
#if defined(__GNUC__)
#define STP_API __attribute__((visibility("default")))
#else
#define STP_API
#endif

/* On each function whose result says whether it worked. */
#if defined(__GNUC__)
#define STP_MUST_CHECK __attribute__((warn_unused_result))
#else
#define STP_MUST_CHECK
#endif

#endif
