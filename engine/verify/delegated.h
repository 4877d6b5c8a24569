/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which of the roles that a document delegates to belong to stampede, and which are foreign:
 * another tool's or a vendor's, kept as they are.
 *
 *	"roles":[{"name":"claimed",…},{"name":"bins",…}]          foreign, the bins role
 *	"roles":[{"name":"vendor",…},{"name":"bin-n-0",…},…]      foreign, bins
 *
 * The bins role is called "bins" (or is the only one, and not a bin); a bin is called PREFIX-HEX
 * and is delegated by path_hash_prefixes. Clients search in the order of the list.
 *
 * Shape      members of "delegations".
 * Memory     none.
 * Ownership  the document's.
 * Threads    any thread; no state.
 */
#ifndef STP_VERIFY_DELEGATED_H
#define STP_VERIFY_DELEGATED_H

#include <jansson.h>
#include <stddef.h>

#define STP_BINS_ROLE "bins"

/* Whether the member of "roles" is a bin. */
int stp_delegated_is_bin(const json_t *role);

/* Index in "roles" of targets of the role between targets and the bins, or -1. */
long stp_delegated_bins_role(const json_t *roles);

/* The first bin in "roles", or NULL. */
json_t *stp_delegated_first_bin(const json_t *roles);

/* The number of bins in "roles". */
size_t stp_delegated_count_bins(const json_t *roles);

#endif
