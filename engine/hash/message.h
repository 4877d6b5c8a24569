/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of hashing that kernels do not do: initial values, padding, digests.
 *
 *	message:  [ body: whole blocks, straight to the kernels ][ rest: 0 … 255 bytes ]
 *	                                                           └▶ tail: rest + padding
 *
 * Shape      words are eight chaining values: uint32_t for SHA-256, else uint64_t.
 * Memory     none.
 * Ownership  the caller's buffers.
 * Threads    any thread; no state.
 */
#ifndef STP_HASH_MESSAGE_H
#define STP_HASH_MESSAGE_H

#include "hash/hash.h"
#include "hash/kernel.h"

/* Space for the longest rest, with its padding: BLAKE2b's last block may be whole, but must not be
 * hashed before the end is known. */
#define STP_HASH_TAIL_MAX 256

/* The words of alg in stream. */
void *stp_stream_words(struct stp_hash_stream *stream, enum stp_alg alg);

/* Initial values; key_bytes only for BLAKE2b (RFC 7693 section 2.5: the key is the first block). */
void stp_message_start(enum stp_alg alg, size_t key_bytes, void *words);

/* Writes rest and padding of a message of total bytes; returns the number of whole blocks. */
size_t stp_message_tail(enum stp_alg alg, const uint8_t *rest, size_t rest_bytes, uint64_t total,
                        uint8_t tail[STP_HASH_TAIL_MAX]);

/* Writes stp_alg_digest_bytes(alg) bytes. */
void stp_message_digest(enum stp_alg alg, const void *words, uint8_t *digest);

/* Compresses blocks of one message, counter bytes of which are done, with a one-lane kernel.
 * last: these are the tail blocks of a message of counter + rest bytes. */
void stp_message_run(const struct stp_hash_kernel *kernel, void *words, const uint8_t *blocks,
                     size_t block_count, uint64_t counter);
void stp_message_run_last(const struct stp_hash_kernel *kernel, void *words, const uint8_t *tail,
                          size_t block_count, uint64_t total);

#endif
