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

/* A target of a foreign role: hex is its digest with one of the algorithms. */
typedef enum stp_errc stp_foreign_target_fn(void *ctx, const char *path, size_t path_bytes,
                                            const char *hex, size_t hex_chars, struct stp_err *err);

struct stp_foreign_source {
	int folder_fd;         /* the metadata folder */
	const json_t *targets; /* "signed" of targets */
	/* The version that the snapshot lists for role; 0: none. */
	uint64_t (*version_of)(const void *ctx, const char *role);
	const void *version_ctx;
};

/* Calls fn for all targets of foreign roles, which are not verified here; files that cannot be read
 * are left out. */
enum stp_errc stp_foreign_each_target(const struct stp_foreign_source *source,
                                      stp_foreign_target_fn *fn, void *ctx,
                                      struct stp_err *err) STP_MUST_CHECK;

#endif
