/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a "delegations" object: one intermediate role, or the bins (succinct of TAP 15, or
 * path_hash_prefixes), and checks that every key has exactly one bin.
 *
 * Shape      fills the bins, ranges and roles of a struct stp_chain.
 * Memory     16 bytes a hash prefix while they are sorted.
 * Ownership  the tree's.
 * Threads    one thread.
 */
#ifndef STP_VERIFY_DELEGATION_H
#define STP_VERIFY_DELEGATION_H

#include "verify/chain.h"

/* Reads doc's delegations into tree and its keys into ring; foreign roles of targets are left out
 * (verify/delegated.h, verify/foreign.h). When they name a role between targets and the bins,
 * *out_intermediate is its name (in tree's arena) and tree->bins_role its keys; out_intermediate
 * NULL means that there must be bins. Errors in the document become findings. */
enum stp_errc stp_delegation_load(struct stp_chain *tree, struct stp_document *doc,
                                  struct stp_key_ring *ring, const char **out_intermediate,
                                  struct stp_err *err) STP_MUST_CHECK;

#endif
