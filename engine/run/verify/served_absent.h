/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What verify reports about all targets whose files are missing: one error when links in
 * public/targets lead into a missing targets folder, one warning for files that a digest list
 * names, or a remark when another server has all files.
 *
 * Shape      counts in, at most one finding or a remark out.
 * Memory     none.
 * Ownership  the caller's.
 * Threads    one thread.
 */
#ifndef STP_RUN_VERIFY_SERVED_ABSENT_H
#define STP_RUN_VERIFY_SERVED_ABSENT_H

#include <stdint.h>

#include "publish/missing.h"
#include "verify/finding.h"

struct stp_served_absent {
	struct stp_missing missing; /* targets without a file */
	uint64_t astray;            /* links and marks of these, which lead nowhere */
	uint64_t present;           /* targets with a file */
	int of_list;                /* the targets come from a digest list */
	int has_index;              /* the targets folder exists */
	const char *targets_dir;
};

/* The remark (a static string), or NULL. */
const char *stp_served_absent(const struct stp_served_absent *absent,
                              struct stp_finding_list *findings);

#endif
