/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Showing what comes from outside: names of files are bytes, and a terminal obeys some.
 *
 * Shape      byte ranges in, NUL-terminated text out.
 * Memory     none allocated.
 * Ownership  the caller's buffers.
 * Threads    any thread; no state.
 */
#ifndef STAMPEDE_TEXT_H
#define STAMPEDE_TEXT_H

#include <stddef.h>

#include "stampede/api.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Writes bytes as printable ASCII into out (NUL-terminated, at most size bytes with the NUL):
 * printable ASCII stays, "\" becomes "\\", everything else "\xHH". Cut text ends in "...".
 * Returns the length written without NUL. No raw control byte ever passes. */
STP_API size_t stp_text_escape(const char *bytes, size_t byte_count, char *out, size_t size);

/* For texts that may quote what comes from outside, the last step before they are shown or logged:
 * harmless characters stay, the bytes of others (control characters, what steers a terminal or the
 * direction of text, what is not UTF-8) become "\xHH". "\" stays, so that a name that was escaped
 * before is not escaped again, and cleaning twice changes nothing. out is NUL-terminated, valid
 * UTF-8, at most size bytes with the NUL; cut text ends in "...". Returns the length written
 * without NUL. */
STP_API size_t stp_text_clean(const char *bytes, size_t byte_count, char *out, size_t size);

#ifdef __cplusplus
}
#endif
#endif
