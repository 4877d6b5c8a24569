/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lines of hash's output as records of a sorter, in the byte order of their paths.
 *
 *	{ path_bytes 2, length 8, path, digests }
 *
 * Shape      digests of one set of algorithms; paths of at most STP_PATH_BYTES_MAX bytes.
 * Memory     the sorter's.
 * Ownership  a line points into the record from which it is read.
 * Threads    any.
 */
#ifndef STP_RUN_HASH_LINES_H
#define STP_RUN_HASH_LINES_H

#include "sort/sorter.h"
#include "stampede/hash.h"

/* The order of two records of lines. */
int stp_hash_lines_compare(const uint8_t *a, const uint8_t *b);

enum stp_errc stp_hash_lines_add(struct stp_sorter *sorter, const struct stp_hash_file *line,
                                 size_t digest_bytes, struct stp_err *err) STP_MUST_CHECK;

struct stp_hash_file stp_hash_lines_get(const uint8_t *record);

#endif
