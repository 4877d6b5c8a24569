/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One message at a time, on one-lane kernels: the ragged end, stp_hash_one() and the serial
 * reference.
 *
 * BLAKE2b must know the end before it compresses the last whole block (RFC 7693 section 3.3), so a
 * stream whose set has BLAKE2b holds the last 128 bytes of a chunk back until the next one comes.
 *
 * Shape      bytes in multiples of STP_HASH_CHUNK_ALIGN, except at the end.
 * Memory     none.
 * Ownership  the stream is the caller's.
 * Threads    one thread per stream.
 */
#ifndef STP_HASH_STREAM_H
#define STP_HASH_STREAM_H

#include "hash/hash.h"
#include "hash/kernel.h"

/* Compresses bytes (a multiple of STP_HASH_CHUNK_ALIGN) with every algorithm of the set. */
void stp_stream_blocks(struct stp_hash_stream *stream, unsigned features, const uint8_t *data,
                       size_t bytes);

/* How many of a chunk's bytes are whole blocks that need not be held back. */
size_t stp_stream_body_bytes(const struct stp_hash_stream *stream, size_t bytes);

/* Hashes a whole chunk, as stp_hasher_submit() and stp_hasher_next() do. */
void stp_stream_absorb(struct stp_hash_stream *stream, unsigned features, const uint8_t *data,
                       size_t bytes, int final, uint8_t *digests);

#endif
