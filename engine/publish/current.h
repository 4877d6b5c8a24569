/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The published state that the next run needs: versions, expiries and the snapshot's names. trust/
 * reads and verifies it; the functions here decide whether a run may publish on top of it.
 *
 * Shape      one struct.
 * Memory     an arena inside; about 40 bytes per name of the snapshot.
 * Ownership  release with stp_current_release().
 * Threads    read-only after load.
 */
#ifndef STP_PUBLISH_CURRENT_H
#define STP_PUBLISH_CURRENT_H

#include "publish/commits.h"
#include "publish/repo.h"
#include "roles/roles.h"

/* One offline role as published. version 0: there is none (bins without a bins role). */
struct stp_current_role {
	uint64_t version;
	int64_t expires; /* epoch seconds */
	uint64_t length; /* bytes of the file */
};

struct stp_current {
	struct stp_arena arena;
	struct stp_current_role root, targets, bins;
	/* The delegation to bin-n in the published bins (or targets) role. */
	enum stp_delegation delegation;
	uint32_t bin_count; /* 0: targets are another tool's and delegate to no bins */
	char bin_prefix[STP_BIN_NAME_BYTES]; /* succinct only, else "" */
	char bin_keyid[65];                  /* the online key that bin-n must be signed with */
	char timestamp_keyid[65];            /* the same in root, for timestamp and snapshot */
	char snapshot_keyid[65];
	int is_consistent; /* root says consistent_snapshot: true */
	int is_taken_over; /* timestamp and snapshot are another tool's: nothing was signed here yet
	                    */
	int is_offline_apart; /* there is no folder offline-keys: a ceremony renews roles */
	/* 0 before the first sign. */
	uint64_t timestamp_version;
	uint64_t snapshot_version;
	int64_t timestamp_expires;
	int64_t committed_at;      /* when it was published; 0: unknown */
	struct stp_meta_list meta; /* of the snapshot; empty before the first sign */
	struct stp_commit_list commits;
};

/* Checks the clock: STP_REFUSED when now is before the last published time, unless the operator
 * declares that the clock was ahead then (after_clock_error); STP_CONFIG when that is not needed.
 */
enum stp_errc stp_current_check_clock(const struct stp_current *current, int64_t now,
                                      int after_clock_error, struct stp_err *err) STP_MUST_CHECK;

/* The keys at hand that sign an online role. */
struct stp_current_keys {
	const char *file; /* the first of them, for messages: "keys/online.pem" */
	const char *keyids[2];
	size_t count;
};

/* Whether a run at now with config and these keys (by enum stp_online_role) may publish on top of
 * it:
 *	STP_CONFIG   configuration and published delegation differ, or none of the keys of an
 *	             online role is the one that is published for it
 *	STP_REFUSED  root, targets or bins has expired, or would expire before what the run
 *publishes Each message names the remedy. */
enum stp_errc stp_current_check(const struct stp_current *current, const struct stp_config *config,
                                const struct stp_current_keys keys[STP_ONLINE_ROLES], int64_t now,
                                struct stp_err *err) STP_MUST_CHECK;

/* The version that was published last and that state/ledger knows; 0: this repository published
 * nothing yet. */
uint64_t stp_current_published(const struct stp_current *current);

void stp_current_release(struct stp_current *current);

#endif
