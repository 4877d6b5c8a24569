/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bins/: a sorted ledger → one bin's targets in canonical order, and their canonical bytes.
 *
 *	records in key order ─▶ stp_bin_add() … ─▶ stp_bin_sort() ─▶ stp_bin_write()
 *	  (one bin's range)        copies              by path         into a buffer of known size
 *
 * A target belongs to the bin whose index is the first bit_length bits of SHA-256(path) (TAP 15,
 * PEP 458), always SHA-256. Keys are that hash, so a bin is a contiguous range of a sorted ledger,
 * for any number of bins.
 *
 * Shape      one struct per bin in progress; reused for the next with stp_bin_reset().
 * Memory     copies of paths and digests in one arena, and 24 more bytes per target.
 * Ownership  the bin owns its copies.
 * Threads    one thread per bin.
 */
#ifndef STP_BINS_BIN_H
#define STP_BINS_BIN_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "record/record.h"

/* Index of the bin of key among 2^bits bins, bits 1 … 32. */
uint32_t stp_bin_index(const uint8_t key[STP_KEY_BYTES], unsigned bits);

struct stp_bin_target {
	const char *path;
	const uint8_t *digests; /* packed in the set's order */
	uint64_t length;
	uint16_t path_bytes;
};

struct stp_bin {
	struct stp_arena arena;
	struct stp_bin_target *targets; /* in order of adding; by path after stp_bin_sort() */
	size_t count;
	size_t capacity;
	size_t path_bytes;           /* sum over targets */
	size_t length_digits;        /* sum of decimal digits of the lengths */
	size_t common_bytes;         /* prefix that all paths share */
	struct stp_bin_order *order; /* scratch of the sort */
};

/* An empty bin; allocates nothing yet. */
void stp_bin_init(struct stp_bin *bin);
void stp_bin_release(struct stp_bin *bin);
/* Empties the bin and keeps its memory. */
void stp_bin_reset(struct stp_bin *bin);

/* Copies a record that has digests (digest_bytes of them) into the bin. The path must have passed
 * scan/path.h: it is written without escapes. */
enum stp_errc stp_bin_add(struct stp_bin *bin, const struct stp_record *record, size_t digest_bytes,
                          struct stp_err *err) STP_MUST_CHECK;

/* Sorts by path, bytewise, which is code point order for ASCII (canonical JSON). */
void stp_bin_sort(struct stp_bin *bin);

/* Bytes that stp_bin_write() writes: the members of "targets" without its braces. */
size_t stp_bin_write_bytes(const struct stp_bin *bin, unsigned hash_set);

/* Writes the members, exactly stp_bin_write_bytes() of them, and returns the end:
 *	"PATH":{"hashes":{"NAME":"HEX",…},"length":N},…
 * (specification section 4.5, TARGETS). The bin must be sorted. */
uint8_t *stp_bin_write(const struct stp_bin *bin, unsigned hash_set, uint8_t *out);

#endif
