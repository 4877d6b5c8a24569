/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recovering what was signed from what is published.
 *
 *	timestamp ─▶ snapshot ─▶ every bin of the last run ─▶ signature, version ─▶ records
 *
 * The ledger says which file changed under its name. When it is missing, damaged or older than the
 * published timestamp (a crash between two commits, or somebody who put old state back), its word
 *is not enough: whoever can write state/ could silence the alarm by breaking it. Then the published
 * bins, each checked against the online key, say what was signed. They carry no fingerprints, so
 * nothing is skipped on their word: they only add alarms, and say how many targets there were. What
 * was removed before is in no bin: where the ledger is gone, so is that.
 *
 * A bin does not say which one it is, and all of a run carry the same key and version. So that none
 * stands in for another, and hides what that one signed, each may hold only paths that belong to
 * it, and must have the length that the snapshot lists, where it lists one.
 *
 * Shape      sorted sources for the merge, one list.
 * Memory     RECOVER_BUDGET_BYTES of records, then they spill.
 * Ownership  stp_recovered_release() frees what came of it.
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
 * version of the timestamp, 0 when there is none. */
int stp_recover_is_needed(const struct stp_ledger *ledger, const struct stp_fault_list *damage,
                          uint64_t published);

struct stp_recover_in {
	const struct stp_meta_list *meta; /* of the published snapshot */
	uint64_t version;                 /* of that snapshot, and of the bins of the last run */
	int metadata_fd;
	int spill_fd;                     /* folder for records that do not fit into memory */
	const struct stp_public_key *key; /* that signs bins */
	unsigned hash_set;
	size_t jobs;
	struct stp_cancel *cancel;
	struct stp_progress *progress;
};

struct stp_recovered {
	struct stp_sources published; /* what the published bins say was signed */
	int has_published;            /* it stands for what the last run signed */
};

/* Reads the published bins. STP_REFUSED names a bin that is not what was published. */
enum stp_errc stp_recover(const struct stp_recover_in *in, struct stp_recovered *out,
                          struct stp_err *err) STP_MUST_CHECK;

/* Adds to notes what a ledger that did not count leaves open: paths that were removed. */
void stp_recover_note(const struct stp_ledger *ledger, const struct stp_fault_list *damage,
                      uint64_t published, struct stp_fault_list *notes);

/* Of zeroed memory too. */
void stp_recovered_release(struct stp_recovered *recovered);

#endif
