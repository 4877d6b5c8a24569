/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Publishing: a version of the repository from its reservation to its commit.
 *
 *	begin (version reserved) ─▶ names, bins by emit ─▶ snapshot, timestamp ─▶ commit ─▶ state
 *
 * Shape      one struct; its pointers are NULL before it begins and after it ends.
 * Memory     see publish/publish.h and publish/links.h.
 * Ownership  stp_publishing_end(), after an abort or a commit.
 * Threads    one thread; emit's workers use the members whose headers allow that.
 */
#ifndef STP_RUN_SIGN_PUBLISHING_H
#define STP_RUN_SIGN_PUBLISHING_H

#include "publish/links.h"
#include "run/sign/open.h"
#include "run/sign/source.h"
#include "run/sign/versions.h"
#include "sign/audit.h"

struct stp_publishing {
	struct stp_publisher *publisher;
	struct stp_links *links;
	struct stp_audit *audit;
	const struct stp_role_signers *signers;
	uint64_t version; /* of this run's bins, snapshot and timestamp */
};

/* target_count: about how many there will be. */
enum stp_errc stp_publishing_begin(struct stp_sign_run *run, const struct stp_sign_opened *opened,
                                   uint64_t target_count, struct stp_publishing *out,
                                   struct stp_err *err) STP_MUST_CHECK;

/* Removes what was written and not committed. */
void stp_publishing_abort(struct stp_publishing *publishing);

void stp_publishing_end(struct stp_publishing *publishing);

/* What the commit needs from earlier steps. */
struct stp_commit_in {
	const struct stp_source_choice *choice;
	const uint64_t *bin_lengths; /* bytes of each bin's file */
	uint64_t identity; /* list identity, if the targets are exactly that list; else 0 */
};

/* Makes snapshot and timestamp, publishes them, and updates state/ accordingly. report->published
 * says whether clients see them, also after a failure. */
enum stp_errc stp_publishing_commit(struct stp_sign_run *run, struct stp_sign_opened *opened,
                                    struct stp_publishing *publishing,
                                    const struct stp_commit_in *in,
                                    struct stp_err *err) STP_MUST_CHECK;

#endif
