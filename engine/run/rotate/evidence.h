/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything that a hunt after a theft looks at, opened: the repository, the last known good, the
 * keys that were stolen and both audit logs; and the hunt over them.
 *
 * The last known good must be of this repository (its newest root is one of the published ones) and
 * must hold nothing that the thief signed. What is published may be damaged: then the keys are
 * those of the last known good.
 *
 * Shape      one struct.
 * Memory     that of its parts.
 * Ownership  stp_evidence_close(), also after a failed open. The repository is the caller's.
 * Threads    one thread.
 */
#ifndef STP_RUN_ROTATE_EVIDENCE_H
#define STP_RUN_ROTATE_EVIDENCE_H

#include "publish/repo.h"
#include "run/freeze.h"
#include "run/rotate/hunt.h"
#include "run/rotate/log.h"
#include "run/trusted.h"

struct stp_evidence_in {
	const struct stp_repo *repo;
	const struct stp_trust *trust;     /* NULL: what is published cannot be trusted */
	const struct stp_current *current; /* with trust */
	const struct stp_freeze *freeze;   /* of an earlier call: whose keys were stolen */
	const struct stp_stolen_options *options;
};

struct stp_evidence {
	struct stp_evidence_in in;
	struct stp_side good;
	int good_state_fd; /* -1: the last known good has none */
	struct stp_finding_list findings;
	struct stp_key_ring ring; /* of the published delegation to the bins */
	const struct stp_public_key *keys[STP_FREEZE_STOLEN_MAX];
	size_t key_count;
	struct stp_rotate_log log;
};

/* Opens the last known good and finds the keys. STP_CONFIG or STP_REFUSED when it cannot be one. */
enum stp_errc stp_evidence_open(struct stp_evidence *evidence, const struct stp_evidence_in *in,
                                struct stp_err *err) STP_MUST_CHECK;
void stp_evidence_close(struct stp_evidence *evidence);

/* Hunts in public/metadata and in the mirrors into hunt, which the caller releases, also after a
 * failure. STP_REFUSED when the last known good holds forgeries. */
enum stp_errc stp_evidence_hunt(struct stp_evidence *evidence, struct stp_hunt *hunt,
                                struct stp_err *err) STP_MUST_CHECK;

#endif
