/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list of sorted sources that a merge reads.
 *
 * Shape      runs and segments in any number.
 * Memory     24 bytes a source.
 * Ownership  the list owns what is not borrowed.
 * Threads    read-only once it is made.
 */
#ifndef STP_LEDGER_SOURCES_H
#define STP_LEDGER_SOURCES_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct stp_segment;
struct stp_run; /* a finished memory run or spilled run */

/* One sorted source: exactly one of run and segment is set. */
struct stp_source {
	struct stp_run *run;
	struct stp_segment *segment;
	int borrowed;  /* not freed with the list: the ledger's own segments */
	int is_ledger; /* part of the ledger's newest-first chain; see Damage */
};

struct stp_sources {
	struct stp_source *items;
	size_t count;
	size_t capacity;
};

#define STP_SOURCES_INIT   \
	{                  \
		NULL, 0, 0 \
	}

enum stp_errc stp_sources_add(struct stp_sources *sources, struct stp_source source,
                              struct stp_err *err) STP_MUST_CHECK;

/* Frees all runs and segments that are not borrowed. */
void stp_sources_release(struct stp_sources *sources);

/* Records and encoded bytes in all sources together: upper bounds for what a merge yields. */
uint64_t stp_sources_record_count(const struct stp_sources *sources);
uint64_t stp_sources_bytes(const struct stp_sources *sources);

/* log2 of the number of equal key ranges worth working on in parallel: about 8 MiB of records
 * each, at most 2^bits_max. It depends on the sources only, never on the number of threads. */
unsigned stp_sources_range_bits(const struct stp_sources *sources, unsigned bits_max);

#endif
