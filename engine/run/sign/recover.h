/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recovering what was signed from what is published.
 *
 *	timestamp ─▶ snapshot ─▶ every bin of the last run ─▶ signature, version ─▶ records
 *
 * The ledger shows which files have changed under their names. If it is missing, damaged or older
 * than the published timestamp (after a crash between two commits, or because an old state/ was
 * restored), it cannot be relied on alone: whoever can write state/ could silence the alarm by
 * breaking it. Then the published bins, each checked against the online key, say what was signed.
 * They have no fingerprints, so no file is skipped because of them: they only add alarms, and give
 * the number of targets. Paths that were removed earlier are in no bin: if the ledger is lost, so
 * are they.
 *
 * A bin does not say which one it is, and all bins of a run have the same key and version. So that
 * none can replace another and hide what that one signed, each may hold only paths that belong to
 * it, and must have the length that the snapshot lists, if it lists one.
 *
 * Shape      sorted sources for the merge, one list.
 * Memory     RECOVER_BUDGET_BYTES of records; more are spilled to disk.
 * Ownership  stp_recovered_release() frees the result.
 * Threads    starts workers; the caller waits.
 */
#ifndef STP_RUN_SIGN_RECOVER_H
#define STP_RUN_SIGN_RECOVER_H

#include "base/cancel.h"
#include "base/fault.h"
#include "base/progress.h"
#include "ledger/ledger.h"
#include "roles/roles.h"
#include "scheme/public_key.h"

/* True when the ledger cannot say what was signed, but published metadata can. published: the
 * version of the timestamp, 0 if there is none. */
int stp_recover_is_needed(const struct stp_ledger *ledger, const struct stp_fault_list *damage,
                          uint64_t published);

struct stp_recover_in {
	const struct stp_meta_list *meta; /* of the published snapshot */
	uint64_t version;                 /* of that snapshot, and of the bins of the last run */
	int metadata_fd;
	int spill_fd;                     /* folder for records that do not fit into memory */
	const struct stp_public_key *key; /* that signs bins */
	/* that signed them before it, or NULL: the last run may have used it */
	const struct stp_public_key *former_key;
	unsigned hash_set;
	size_t jobs;
	struct stp_cancel *cancel;
	struct stp_progress *progress;
};

struct stp_recovered {
	struct stp_sources published; /* what was signed, from the published bins */
	int has_published;            /* use it for what the last run signed */
};

/* Reads the published bins. STP_REFUSED names a bin that is not what was published. */
enum stp_errc stp_recover(const struct stp_recover_in *in, struct stp_recovered *out,
                          struct stp_err *err) STP_MUST_CHECK;

/* Adds a note that paths which were removed may not be known, if the ledger was not used. */
void stp_recover_note(const struct stp_ledger *ledger, const struct stp_fault_list *damage,
                      uint64_t published, struct stp_fault_list *notes);

/* Zeroed memory is allowed. */
void stp_recovered_release(struct stp_recovered *recovered);

#endif
