/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A signature as another program wrote it:
 *
 *	openssl pkeyutl       64 bytes of Ed25519, DER of ECDSA
 *	hex, base64 of those  with white space around and between lines
 *	signify, minisign -l  "untrusted comment: …", base64("Ed" · key number · signature), …
 *
 * What such a file says of its key is not trusted, nor is its comment: the signature is verified
 *with the key that the document names. minisign without -l signs a hash of the document, which no
 *TUF client accepts ("ED").
 *
 * Shape      one file in, the bytes of one signature out.
 * Memory     the caller's.
 * Ownership  none.
 * Threads    any thread; no state.
 */
#ifndef STP_CEREMONY_RAW_SIGNATURE_H
#define STP_CEREMONY_RAW_SIGNATURE_H

#include "base/err.h"
#include "scheme/scheme.h"

#define STP_RAW_SIGNATURE_FILE_BYTES_MAX ((size_t)16 << 10)

/* Reads the signature; out has STP_SIGNATURE_BYTES_MAX bytes. subject names the file. STP_FORMAT
 * for anything else than the above. Nothing is verified. */
enum stp_errc stp_raw_signature_read(const void *bytes, size_t count, const char *subject,
                                     uint8_t *out, size_t *out_count,
                                     struct stp_err *err) STP_MUST_CHECK;

#endif
