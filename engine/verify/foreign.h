/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Foreign roles: those to which targets delegates besides the bins, and all to which these delegate
 * in turn. Their holders sign them; a repository publishes them as they are.
 *
 *	targets ─┬▶ claimed ─▶ project-1 …   each: listed, its file as listed, signed by a threshold
 *	         └▶ bins                      of the keys that its delegator names, not expired
 *
 * Shape      findings, and marks in the list of the snapshot.
 * Memory     the documents from targets down to the role that is read.
 * Ownership  the caller's tree.
 * Threads    one thread.
 */
#ifndef STP_VERIFY_FOREIGN_H
#define STP_VERIFY_FOREIGN_H

#include "verify/chain.h"

/* Checks all foreign roles of tree, whose targets document and delegations were read, and marks
 * their names as delegated. Errors in documents become findings. */
enum stp_errc stp_foreign_audit(struct stp_chain *tree, int64_t now, int64_t expires_within_s,
                                struct stp_finding_list *findings,
                                struct stp_err *err) STP_MUST_CHECK;

#endif
