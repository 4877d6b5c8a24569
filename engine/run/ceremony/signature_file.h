/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signature files as they are written: PAYLOAD.KEYID8.sig, or where the caller says.
 *
 *	signatures ─▶ is there a file? ─ no ──▶ new file
 *	                     └ of the same key and payload, and good ─▶ merged, replaced if that
 *adds any
 *
 * Shape      one file.
 * Memory     two struct stp_signatures.
 * Ownership  the caller's.
 * Threads    one thread.
 */
#ifndef STP_RUN_CEREMONY_SIGNATURE_FILE_H
#define STP_RUN_CEREMONY_SIGNATURE_FILE_H

#include "ceremony/signatures.h"
#include "stampede/ceremony.h"

/* The name of the file, allocated: out, or that beside payload_path. NULL when memory is short. */
char *stp_signature_file_name(const char *payload_path, const char *keyid, const char *out);

/* Writes signatures, all of which are good, to path, durably. A file that is there must hold good
 * signatures of the same key and payload, which are kept: *out_was_there is 1 when that adds
 * nothing. STP_CONFIG for any other file. */
enum stp_errc stp_signature_file_put(const struct stp_payload *payload,
                                     const struct stp_signatures *signatures, const char *path,
                                     int *out_was_there, struct stp_err *err) STP_MUST_CHECK;

/* Writes bytes to path, whole or not at all. */
enum stp_errc stp_ceremony_write(const char *path, const void *bytes, size_t count, int is_new,
                                 struct stp_err *err) STP_MUST_CHECK;

/* Fills the members that reports have in common. */
void stp_ceremony_name(const struct stp_payload *payload, char out_hex[65],
                       const char *out_words[STP_CEREMONY_WORDS]);

#endif
