/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sealed document: the bytes of one metadata file with their length, digest and version, kept
 * together, so that no document can be published with the numbers of another. For documents other
 * than bins: any number of signatures, of any scheme and length.
 *
 *	BODY ─▶ each signer ─▶ {"signatures":[{"keyid":K,"sig":S},…],"signed":BODY}
 *
 * Shape      bytes[0, length) is the whole file, envelope included.
 * Memory     stp_sealed_make() allocates length bytes.
 * Ownership  release with stp_sealed_release().
 * Threads    read-only once made.
 */
#ifndef STP_SIGN_SEALED_H
#define STP_SIGN_SEALED_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/limits.h"
#include "keys/signer.h"

struct stp_sealed {
	char name[STP_NAME_BYTES_MAX + 1]; /* file name in metadata/: "7.root.json" */
	const uint8_t *bytes;
	size_t length;
	uint8_t sha256[32];
	uint64_t version;
	uint8_t *owned; /* bytes, when release() frees them */
};

/* Signs the canonical bytes body with signer_count signers (1 … STP_SIGNATURES_MAX) and makes the
 * file. Signatures are sorted by their keyids, whatever the order of signers, and each is
 * verified against the bytes in the finished file. STP_KEY when a key is given twice, under one
 * keyid or two, STP_REFUSED when a check fails, STP_FORMAT when body is not canonical or holds
 * control characters. */
enum stp_errc stp_sealed_make(const char *name, uint64_t version, const void *body,
                              size_t body_bytes, struct stp_signer *const *signers,
                              size_t signer_count, struct stp_sealed *out_sealed,
                              struct stp_err *err) STP_MUST_CHECK;

/* As stp_sealed_make() for a body whose strings may contain control characters, as in root, targets
 * and bins with PEM keys: body is signed, its encoding in the file (cjson/encoding.h) is written.
 */
enum stp_errc stp_sealed_make_escaped(const char *name, uint64_t version, const void *body,
                                      size_t body_bytes, struct stp_signer *const *signers,
                                      size_t signer_count, struct stp_sealed *out_sealed,
                                      struct stp_err *err) STP_MUST_CHECK;

/* Frees the bytes and clears the struct. */
void stp_sealed_release(struct stp_sealed *sealed);

#endif
