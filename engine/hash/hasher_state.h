/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The internals of a hasher, so that stp_hash_many() can have one on its stack.
 *
 * Shape      slots [0, live) hold jobs; slot s is lane s % lanes of state group s / lanes in every
 *            algorithm of the set.
 * Memory     one struct, no pointers to other memory.
 * Ownership  jobs are the caller's.
 * Threads    one.
 */
#ifndef STP_HASH_HASHER_STATE_H
#define STP_HASH_HASHER_STATE_H

#include "hash/hash.h"
#include "hash/lanes.h"
#include "hash/message.h"

#define STP_HASH_SLOTS_MAX  STP_HASH_LANES_MAX
#define STP_HASH_GROUPS_MAX 8  /* states of all algorithms together */
#define STP_HASH_CLASSES    48 /* queue classes: one for each power of two */

/* A FIFO of jobs, linked by job->next. */
struct stp_hash_queue {
	struct stp_hash_job *head;
	struct stp_hash_job *last;
};

struct stp_hash_slot {
	struct stp_hash_job *job;
	const uint8_t *data;
	size_t left; /* units of STP_HASH_CHUNK_ALIGN bytes */
};

/* One algorithm of the set. */
struct stp_hash_engine {
	enum stp_alg alg;
	struct stp_hash_chain chain;
	struct stp_hash_state *groups;
};

struct stp_hasher {
	unsigned set;
	unsigned features;
	size_t job_count_max;
	size_t in_flight;
	size_t slot_count;
	size_t live;
	size_t tail_count;
	size_t engine_count;
	size_t quantum; /* units after which the next algorithm takes its turn */
	unsigned sequence;
	uint64_t classes_used; /* bit c: queue[c] is not empty */
	struct stp_hash_queue queue[STP_HASH_CLASSES];
	struct stp_hash_queue done;
	atomic_uint *lanes_busy; /* &unwatched, or given to stp_hasher_watch() */
	atomic_uint unwatched;
	struct stp_hash_slot slots[STP_HASH_SLOTS_MAX];
	struct stp_hash_job *tails[STP_HASH_SLOTS_MAX];
	struct stp_hash_engine engines[STP_ALG_COUNT];
	struct stp_hash_state states[STP_HASH_GROUPS_MAX];
};

/* Prepares an empty hasher in the caller's storage, aligned as the struct requires. */
void stp_hasher_init(struct stp_hasher *hasher, unsigned set, unsigned features,
                     size_t job_count_max);

#endif
