/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sign/batch: many canonical bodies + one signer → signed files, for bins.
 *
 * A document's buffer is laid out by the caller; the body is written once and never moves:
 *
 *	bytes ─▶ [ STP_ENVELOPE_HEAD_BYTES ][ BODY, body_bytes ][ STP_ENVELOPE_TAIL_BYTES ]
 *	          {"signatures":[{"keyid":"…","sig":"…"}],"signed":      }
 *
 * The envelope has a fixed size, so the signer's scheme must have signatures of one size: Ed25519.
 * stp_sign_batch() passes the bodies to the signer in place and writes the envelope around
 * each. stp_sign_check_batch() then reads the finished buffers, which it does not change, as a
 * verifier would: the signature from the file over the file's body. Publish nothing that has
 * not passed it.
 *
 * In test builds the fault point sign.flip (base/faultpoint.h, with an errno such as
 * sign.flip:40:EIO) flips one bit of the N-th body right after it was signed.
 *
 * Shape      any count; best a multiple of the signer's limits.batch, of similar size.
 * Memory     about 10 KiB of stack.
 * Ownership  buffers are the caller's.
 * Threads    one signer per thread.
 */
#ifndef STP_SIGN_BATCH_H
#define STP_SIGN_BATCH_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "keys/signer.h"

/* {"signatures":[{"keyid":" 64 ","sig":" 128 "}],"signed": */
#define STP_ENVELOPE_HEAD_BYTES      239
#define STP_ENVELOPE_TAIL_BYTES      1 /* } */
#define STP_ENVELOPE_BYTES           (STP_ENVELOPE_HEAD_BYTES + STP_ENVELOPE_TAIL_BYTES)
#define STP_ENVELOPE_SIGNATURE_BYTES 64

struct stp_sign_doc {
	const char *name;  /* file name, for messages */
	uint8_t *bytes;    /* STP_ENVELOPE_BYTES + body_bytes; the body is in place */
	size_t body_bytes; /* not 0 */
	/* Out, by stp_sign_check_batch(): what the signature covers, for the audit log. */
	uint8_t covered[STP_COVERED_BYTES];
};

/* Signs docs[0, count) and writes their envelopes. STP_KEY when the signer's signatures do not fit
 * the envelope. */
enum stp_errc stp_sign_batch(struct stp_signer *signer, struct stp_sign_doc *docs, size_t count,
                             struct stp_err *err) STP_MUST_CHECK;

/* Checks every finished file against the signer's key: envelope byte for byte, then
 * stp_signer_check(). STP_REFUSED names the first document that fails; then nothing may be
 * published. */
enum stp_errc stp_sign_check_batch(struct stp_signer *signer, struct stp_sign_doc *docs,
                                   size_t count, struct stp_err *err) STP_MUST_CHECK;

#endif
