/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ledger in a scratch folder whose generation holds the records of a test.
 *
 * Shape      one generation per call of ledger_take().
 * Memory     none.
 * Ownership  ledger_end() closes and removes all.
 * Threads    one thread.
 */
#ifndef STP_TESTS_MADE_LEDGER_H
#define STP_TESTS_MADE_LEDGER_H

#include <stdlib.h>

#include "ledger/ledger.h"
#include "ledger/segment.h"
#include "records.h"
#include "scratch.h"

struct made_ledger {
	struct scratch scratch;
	uint8_t seal_key[STP_SEAL_KEY_BYTES];
	unsigned hash_set;
	struct stp_fault_list damage;
	struct stp_ledger *ledger;
};

static inline void ledger_open(struct made_ledger *made)
{
	struct stp_ledger_options options = {.state_fd = made->scratch.fd,
	                                     .seal_key = made->seal_key,
	                                     .hash_set = made->hash_set,
	                                     .damage = &made->damage};

	assert_int_equal(stp_ledger_open(&options, &made->ledger, NULL), STP_OK);
}

static inline void ledger_init(struct made_ledger *made, unsigned hash_set)
{
	memset(made, 0, sizeof(*made));
	made->hash_set = hash_set;
	scratch_init(&made->scratch);
	stp_fault_list_init(&made->damage);
	ledger_open(made);
}

static inline void ledger_reopen(struct made_ledger *made)
{
	stp_ledger_close(made->ledger);
	ledger_open(made);
}

static inline int ledger_compare(const void *a, const void *b)
{
	const struct stp_record *const *x = a;
	const struct stp_record *const *y = b;

	return stp_key_compare((*x)->key, (*y)->key);
}

/* Commits a base of records, which are sorted for it, and opens the ledger again. */
static inline void ledger_take(struct made_ledger *made, const struct stp_record **records,
                               size_t count, const struct stp_ledger_summary *summary)
{
	struct stp_segment_writer *writer;
	size_t i;

	qsort(records, count, sizeof(*records), ledger_compare);
	assert_int_equal(stp_ledger_begin(made->ledger, STP_SEGMENT_BASE, &writer, NULL), STP_OK);
	for (i = 0; i < count; i++)
		assert_int_equal(stp_segment_add(writer, records[i], NULL), STP_OK);
	assert_int_equal(stp_ledger_prepare(made->ledger, writer, NULL), STP_OK);
	assert_int_equal(stp_ledger_commit(made->ledger, summary, NULL), STP_OK);
	ledger_reopen(made);
}

static inline void ledger_end(struct made_ledger *made)
{
	stp_ledger_close(made->ledger);
	stp_fault_list_release(&made->damage);
	scratch_release(&made->scratch);
}

#endif
