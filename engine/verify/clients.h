/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which TUF clients can use a repository, judged by its sizes, algorithms and style of delegation.
 *
 * The limits are the clients' defaults in their source code (the table in verify/clients.c); a
 * length that the parent lists replaces a limit.
 *
 * Shape      one verdict per client, always in the same order.
 * Memory     none but the caller's.
 * Ownership  the caller's.
 * Threads    any thread; no state.
 */
#ifndef STP_VERIFY_CLIENTS_H
#define STP_VERIFY_CLIENTS_H

#include "stampede/verify.h"

/* What a repository demands of its clients; sizes are those of the fetched files. */
struct stp_client_demands {
	uint64_t root_bytes, timestamp_bytes, snapshot_bytes;
	uint64_t targets_bytes, bins_bytes; /* bins: 0 without a bins role */
	uint64_t bin_bytes_max, bin_bytes_total;
	uint64_t root_steps;
	uint64_t bin_count;
	uint64_t targets_empty;   /* targets of length 0 */
	unsigned hash_set;        /* STP_ALG_BIT()s of target entries; 0: no targets */
	int is_succinct;          /* else path_hash_prefixes */
	int timestamp_has_length; /* the timestamp lists the snapshot's length */
	int snapshot_has_length;  /* the snapshot lists each role's length */
};

/* Fills verdicts, at most STP_CLIENTS_MAX; returns how many. */
size_t stp_clients_judge(const struct stp_client_demands *demands,
                         struct stp_client_verdict verdicts[STP_CLIENTS_MAX]);

#endif
