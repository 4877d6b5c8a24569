/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Public keys as other programs write them. Each key has one accepted encoding in each form: what
 * two programs could read differently is refused.
 *
 * Shape      the text of a file in, a key object out.
 * Memory     none that outlives the call.
 * Ownership  the caller's.
 * Threads    any thread; no state.
 */
#ifndef STP_RUN_KEY_PUBLIC_KEY_FILE_H
#define STP_RUN_KEY_PUBLIC_KEY_FILE_H

#include "base/err.h"
#include "scheme/key_object.h"

/* A SubjectPublicKeyInfo in one PEM block: Ed25519, ECDSA P-256, RSA from 2,048 bits. STP_KEY. */
enum stp_errc stp_spki_read(const char *text, size_t chars, const char *subject,
                            struct stp_key_object *out, struct stp_err *err) STP_MUST_CHECK;

/* One line "ssh-ed25519 BASE64 COMMENT", or of type ecdsa-sha2-nistp256 (RFC 8709 section 4, RFC
 * 5656 section 3.1). STP_KEY. */
enum stp_errc stp_openssh_read(const char *text, size_t chars, const char *subject,
                               struct stp_key_object *out, struct stp_err *err) STP_MUST_CHECK;

/* {"keytype":…,"keyval":{"public":…},"scheme":…} with any white space, no other members. STP_KEY.
 */
enum stp_errc stp_key_json_read(const char *text, size_t chars, const char *subject,
                                struct stp_key_object *out, struct stp_err *err) STP_MUST_CHECK;

#endif
