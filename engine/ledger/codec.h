/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The record's encoded form: the same for memory runs, spilled runs, segments and checkpoints.
 *
 *	key 32 | flags 2 | path_bytes 2 | length 8 | [fingerprint 32] [verified_at 8] [origin 8]
 *	[digests] | path
 *
 * Little endian, no padding, fields in brackets only when their flag is set: its size follows from
 * the first 44 bytes, and a record has exactly one encoding. FORMAT.md has a worked example.
 *
 * Shape      44 + … bytes per record, at most STP_RECORD_ENCODED_MAX.
 * Memory     the caller's buffers.
 * Ownership  a decoded record points into the bytes it was decoded from.
 * Threads    any thread; no state.
 */
#ifndef STP_LEDGER_CODEC_H
#define STP_LEDGER_CODEC_H

#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "record/record.h"

/* key, flags, path_bytes, length; fingerprint; verified_at; origin; every digest; path. */
#define STP_RECORD_HEAD_BYTES  44
#define STP_RECORD_ENCODED_MAX (STP_RECORD_HEAD_BYTES + 32 + 8 + 8 + 128 + STP_PATH_BYTES_MAX)

/* Bytes record takes; digest_bytes is stp_alg_set_digest_bytes() of the ledger's set. */
size_t stp_record_encoded_bytes(const struct stp_record *record, size_t digest_bytes);

/* Writes record to out (stp_record_encoded_bytes() bytes); returns the bytes written. Asserts that
 * there is a path, except that there is none with NO_PATH and may be none with REMOVED. */
size_t stp_record_encode(const struct stp_record *record, size_t digest_bytes, uint8_t *out);

/* Reads the record at bytes[0, left) into *out_record, which then points into bytes. Returns its
 * size, or 0 when it is not a valid record (hostile input is expected here). */
size_t stp_record_decode(const uint8_t *bytes, size_t left, size_t digest_bytes,
                         struct stp_record *out_record);

/* Bytes of a record known to be valid (made by stp_record_encode()). */
size_t stp_record_skip(const uint8_t *bytes, size_t digest_bytes);

#endif
