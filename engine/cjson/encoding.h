/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two encodings of a document whose strings contain control characters, such as the line feeds
 * of a PEM key (root, targets and bins metadata).
 *
 *	signed bytes   canonical form: only '"' and '\' are escaped, {"public":"-----BEGIN…⏎MFkw…"}
 *	file bytes     JSON, which forbids raw control characters:   {"public":"-----BEGIN…\nMFkw…"}
 *
 * Nothing else differs, and each control character has one escape (\n, \r, \t, \u00xx): so each of
 * the two follows from the other, byte for byte. A document without control characters has equal
 * bytes in both.
 *
 * Shape      whole documents, appended to a stp_buf.
 * Memory     the caller's buffer grows.
 * Ownership  the caller's.
 * Threads    any thread; no state.
 */
#ifndef STP_CJSON_ENCODING_H
#define STP_CJSON_ENCODING_H

#include "base/bytes.h"
#include "base/err.h"

/* Appends the file bytes of a document to out. STP_FORMAT for a NUL byte. The document itself is
 * not checked: see stp_cjson_check_file(). */
enum stp_errc stp_cjson_to_file(const void *signed_bytes, size_t count, const char *stage,
                                const char *subject, struct stp_buf *out,
                                struct stp_err *err) STP_MUST_CHECK;

/* Appends the signed bytes of a document to out. STP_FORMAT unless file is what
 * stp_cjson_to_file() makes of a canonical document: raw control characters, other escapes of the
 * same characters, and escapes of other characters are refused like any form that is not
 * canonical. */
enum stp_errc stp_cjson_from_file(const void *file, size_t count, const char *stage,
                                  const char *subject, struct stp_buf *out,
                                  struct stp_err *err) STP_MUST_CHECK;

#endif
