/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sign/batch: many canonical bodies + the online key → signed files, over the SHA-512 lanes.
 *
 * A document's buffer is laid out by the caller; the body is written once and never moves:
 *
 *	bytes ─▶ [ STP_ENVELOPE_HEAD_BYTES ][ BODY, body_bytes ][ STP_ENVELOPE_TAIL_BYTES ]
 *	          {"signatures":[{"keyid":"…","sig":"…"}],"signed":      }
 *
 * stp_sign_batch() hashes BODY twice where it lies, many documents side by side, and writes the
 * envelope around it. Signatures are byte for byte those of crypto_sign_detached().
 * stp_sign_check_batch() then reads the finished buffers, which it does not change, as a verifier
 * would: the signature from the file, a fresh hash of the file's body. Publish nothing that it
 * has not passed.
 *
 * In test builds the fault point sign.flip (base/faultpoint.h, with an errno such as
 * sign.flip:40:EIO) flips one bit of the N-th body right after it was signed.
 *
 * Shape      any count; best a multiple of 8 and at least 16 documents of similar size.
 * Memory     70 KiB of locked pages, 120 KiB of tables and a hasher per signer, made by create().
 * Ownership  buffers are the caller's; the key must outlive the signer.
 * Threads    one signer per thread; signers may share a key.
 */
#ifndef STP_SIGN_BATCH_H
#define STP_SIGN_BATCH_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "keys/keys.h"

/* {"signatures":[{"keyid":" 64 ","sig":" 128 "}],"signed": */
#define STP_ENVELOPE_HEAD_BYTES 239
#define STP_ENVELOPE_TAIL_BYTES 1 /* } */
#define STP_ENVELOPE_BYTES      (STP_ENVELOPE_HEAD_BYTES + STP_ENVELOPE_TAIL_BYTES)

struct stp_sign_doc {
	const char *name;  /* file name, for messages */
	uint8_t *bytes;    /* STP_ENVELOPE_BYTES + body_bytes; the body is in place */
	size_t body_bytes; /* not 0 */
	/* Out, by stp_sign_check_batch(): the first 32 bytes of SHA-512(R || A || BODY), the digest
	 * that the signature signs. For the audit log. */
	uint8_t challenge[32];
};

struct stp_signer;

/* features as in stp_hasher_create(). */
enum stp_errc stp_signer_create(const struct stp_key *key, unsigned features,
                                struct stp_signer **out_signer, struct stp_err *err) STP_MUST_CHECK;
void stp_signer_destroy(struct stp_signer *signer);

/* Signs docs[0, count) and writes their envelopes. Cannot fail for the documents' sake. */
enum stp_errc stp_sign_batch(struct stp_signer *signer, struct stp_sign_doc *docs, size_t count,
                             struct stp_err *err) STP_MUST_CHECK;

/* Checks every finished file against the key: envelope byte for byte, S reduced (RFC 8032 section
 * 5.1.7), S*B = R + k*A with k hashed anew. STP_REFUSED names the first document that fails:
 * nothing may be published. */
enum stp_errc stp_sign_check_batch(struct stp_signer *signer, struct stp_sign_doc *docs,
                                   size_t count, struct stp_err *err) STP_MUST_CHECK;

#endif
