/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may sign now: the newest targets and bins, which are newer than what clients see from the end
 * of a ceremony until the next sign, and which are there before the first one.
 *
 * Shape      what trust/ verified, and the role of the bins.
 * Memory     as trust/trust.h.
 * Ownership  release with stp_newest_release().
 * Threads    one thread.
 */
#ifndef STP_RUN_STATUS_NEWEST_H
#define STP_RUN_STATUS_NEWEST_H

#include "run/trusted.h"
#include "stampede/status.h"

struct stp_newest {
	int found; /* 0: something is wrong, or there is nothing; the rest is empty */
	struct stp_trust trust;
	struct stp_current current;
	struct stp_key_ring bin_ring;
	struct stp_role bin_role; /* of bin-n; key_count 0: none */
};

/* Reads them; what is wrong is left to the reader of what is listed, which names it. */
void stp_newest_load(struct stp_newest *newest, const struct stp_repo *repo,
                     const struct stp_config *config);
void stp_newest_release(struct stp_newest *newest);

/* Sets waiting_version and waiting_expires of targets and bins, after their listed versions. */
void stp_newest_note(const struct stp_newest *newest, struct stp_status_report *status);

#endif
