/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A new seal key after a theft, and a ledger that owes nothing to the old one.
 *
 *	keys/ledger.key.next made ─▶ state/ledger emptied ─▶ sealed files of state/ sealed anew ─▶
 *	ledger.key.next renamed to ledger.key ─▶ ledger filled from the last known good
 *
 * Who had the old seal key could edit state/ledger: give a file other digests and the fingerprint
 * that it has now, so that it is never hashed again. So nothing of the old ledger is used. The new
 * one has the targets of the last known good with their digests and without fingerprints: the next
 * sign hashes every file, and raises its alarm where a distribution file has other bytes than in
 * the last known good. Checkpoints and remembered paths of removed files are lost with the rest.
 *
 * Each step may die and is done again by the next call; until the rename, the sealed files may be
 * of the old key or of the new one.
 *
 * Shape      the repository, locked, and one side.
 * Memory     256 MiB of records, the largest bin of the last known good for each worker.
 * Ownership  the caller's.
 * Threads    one call; workers inside.
 */
#ifndef STP_RUN_ROTATE_RESEAL_H
#define STP_RUN_ROTATE_RESEAL_H

#include "base/cancel.h"
#include "base/progress.h"
#include "keys/keys.h"
#include "publish/repo.h"
#include "verify/half.h"

#define STP_LEDGER_KEY_NEXT_FILE "ledger.key.next"

/* Seals what is sealed with the seal key, besides the ledger: reads it with `before` or, after a
 * call that died, with `after`, and writes it with `after`. */
typedef enum stp_errc stp_reseal_fn(void *ctx, int state_fd, const uint8_t *before,
                                    const uint8_t *after, struct stp_err *err);

/* Replaces *seal_key, that of keys/ledger.key. */
enum stp_errc stp_reseal(const struct stp_repo *repo, stp_reseal_fn *fn, void *ctx,
                         struct stp_seal_key **seal_key, struct stp_err *err) STP_MUST_CHECK;

struct stp_reseal_ledger {
	const struct stp_repo *repo;
	const uint8_t *seal_key;
	const struct stp_side *good;
	uint64_t published; /* version of the timestamp: the ledger is that run's */
	uint32_t source;    /* enum stp_index_source of stampede.json */
	unsigned hash_set;  /* configured */
	int64_t now;
	size_t jobs;
	struct stp_cancel *cancel;
	struct stp_progress *progress;
};

/* Fills the ledger, if it has no generation, from the bins of good. STP_REFUSED names what is wrong
 * with them. *out_targets: their number. */
enum stp_errc stp_reseal_fill(const struct stp_reseal_ledger *in, uint64_t *out_targets,
                              struct stp_err *err) STP_MUST_CHECK;

#endif
