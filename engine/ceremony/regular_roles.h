/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of bins that a few words describe completely: as many as a power of two, named
 *PREFIX-INDEX, with the same keys, and each an equal part of the path hashes, in order.
 *
 *	16384 roles bin-n-0000 … bin-n-3fff, each 1/16384 of the path hashes, signed by 1 of {…}
 *
 * Shape      one description.
 * Memory     none.
 * Ownership  strings and keyids are borrowed from the JSON.
 * Threads    any thread; no state.
 */
#ifndef STP_CEREMONY_REGULAR_ROLES_H
#define STP_CEREMONY_REGULAR_ROLES_H

#include <jansson.h>
#include <stddef.h>

struct stp_regular_roles {
	char prefix[132]; /* of the names, without '-' */
	size_t count;
	int name_digits;
	const json_t *keyids;
	json_int_t threshold;
	int terminating;
};

/* Describes "delegations.roles"; 0 when anything of it would be lost. */
int stp_regular_roles_read(const json_t *roles, struct stp_regular_roles *out);

#endif
