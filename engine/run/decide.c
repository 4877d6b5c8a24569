/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The decision about one path: what the scan says ⋈ what the ledger knows.
 *
 *	scan         ledger                          verdict
 *	nothing      nothing, or a removed path      NONE
 *	nothing      a record that a row repeats     KEEP the record (run/known.h)
 *	nothing      any record, in a refresh        KEEP the record (run/source.h)
 *	nothing      any other record                REMOVED
 *	two records  any                             DUPLICATE
 *	row          any                             KEEP the row, or the ledger's equal record
 *	entry        same fingerprint, trusted       KEEP the ledger's record
 *	entry        anything else                   HASH
 *
 * A removed path that the ledger remembers is told besides, whatever the verdict: what it had when
 * it was signed last is what it must have when it comes back, and while it stays away the ledger
 *goes on remembering it (decisions/0190-removed-paths.md).
 *
 * After hashing, an entry whose file was at fault stays unresolved (NONE: the fault is on the
 * list), whatever older record matches; one that was hashed in a newer state than the scan saw is
 * known by its key.
 */
#include <sodium.h>
#include <string.h>

#include "base/bytes.h"
#include "run/remember.h"
#include "run/sign_run.h"

/* What is known of a group's path: the ledger's word, and what was signed last. After a recovery
 * the published bins alone say what was signed; a path that they do not have and the ledger has was
 * removed by a run whose ledger was lost. */
struct known {
	const struct stp_record *newest;    /* NULL: unknown, or removed and not remembered */
	const struct stp_record *committed; /* of the generation, checkpoints left out */
	const struct stp_record *removed;   /* not committed any more, remembered */
	int newest_is_committed;
};

static int digests_equal(const struct stp_sign_run *run, const struct stp_record *a,
                         const struct stp_record *b)
{
	return a->length == b->length && memcmp(a->digests, b->digests, run->digest_bytes) == 0;
}

/* What the ledger's generation says of the path. */
static void take_generation(const struct stp_sign_run *run, const struct stp_record *record,
                            struct known *known)
{
	if (!(record->flags & STP_RECORD_REMOVED) && !run->has_published)
		known->committed = record;
	else if (!known->committed && (record->flags & STP_RECORD_DIGESTS))
		known->removed = record;
}

static struct known look_up(const struct stp_sign_run *run, const struct stp_sources *sources,
                            const struct stp_merge_group *group, size_t first_item)
{
	size_t ledger_start = run->scan.count + run->published.count;
	struct known known = {NULL, NULL, NULL, 0};
	int generation_met = 0;
	size_t i;

	for (i = first_item; i < group->count; i++) {
		const struct stp_merge_item *item = &group->items[i];
		const struct stp_segment *segment = sources->items[item->source_index].segment;
		int is_checkpoint;

		if (item->source_index < ledger_start) {
			known.committed = &item->record;
			continue;
		}
		is_checkpoint = stp_segment_info(segment)->kind == STP_SEGMENT_CHECKPOINT;
		if (!known.newest) {
			known.newest = &item->record;
			known.newest_is_committed = !is_checkpoint && !run->has_published;
		}
		if (!is_checkpoint && !generation_met) {
			take_generation(run, &item->record, &known);
			generation_met = 1;
		}
	}
	if (!known.newest)
		return known;
	if (!(known.newest->flags & STP_RECORD_REMOVED)) {
		/* The ledger's record of published bytes knows their file besides. */
		if (run->has_published && known.committed &&
		    (known.committed->flags & STP_RECORD_DIGESTS) &&
		    digests_equal(run, known.committed, known.newest))
			known.committed = known.newest;
		return known;
	}
	known.newest_is_committed = 0;
	if (!stp_record_is_remembered(known.newest))
		known.newest = NULL;
	return known;
}

/* Leaves out what is remembered for longer than the configuration says. */
static void forget(const struct stp_sign_run *run, struct known *known)
{
	if (!known->removed || !(known->removed->flags & STP_RECORD_REMOVED) ||
	    !stp_sign_is_forgotten(run, known->removed))
		return;
	if (known->newest == known->removed)
		known->newest = NULL;
	known->removed = NULL;
}

static int fingerprint_equal(const struct stp_record *a, const struct stp_record *b)
{
	return a->length == b->length && a->fingerprint.fs_id == b->fingerprint.fs_id &&
	       a->fingerprint.ino == b->fingerprint.ino &&
	       a->fingerprint.mtime_ns == b->fingerprint.mtime_ns &&
	       a->fingerprint.ctime_ns == b->fingerprint.ctime_ns;
}

/* True when this run re-reads the file whatever its fingerprint says. The choice of a part is keyed
 * (SipHash), so nobody outside can tell which night a file's turn is. */
static int is_chosen(const struct stp_sign_run *run, const uint8_t key[STP_KEY_BYTES])
{
	uint8_t hash[crypto_shorthash_BYTES];

	if (run->options->rehash == STP_REHASH_ALL)
		return 1;
	if (run->options->rehash != STP_REHASH_PART)
		return 0;
	crypto_shorthash(hash, key, STP_KEY_BYTES, stp_seal_key_bytes(run->seal_key));
	return stp_load64_le(hash) % run->options->rehash_parts ==
	       stp_ledger_generation(run->ledger) % run->options->rehash_parts;
}

static int is_trusted(const struct stp_sign_run *run, const struct stp_record *entry,
                      const struct stp_record *newest, enum stp_decide_pass pass)
{
	const uint16_t needed = STP_RECORD_DIGESTS | STP_RECORD_FILE;

	if (!newest || (newest->flags & needed) != needed)
		return 0;
	if (pass == STP_DECIDE_EMIT)
		return fingerprint_equal(entry, newest) || stp_keyset_has(&run->moved, entry->key);
	return fingerprint_equal(entry, newest) && !(newest->flags & STP_RECORD_RACY) &&
	       !is_chosen(run, entry->key);
}

/* The path that no input names: what becomes of the record that was signed last. */
static void decide_unnamed(const struct stp_sign_run *run, const struct known *known,
                           struct stp_decision *decision)
{
	if (!known->committed)
		return;
	decision->verdict = STP_VERDICT_REMOVED;
	if (run->list_is_same || (run->known && stp_known_saw(run->known, known->committed))) {
		decision->verdict = STP_VERDICT_KEEP;
		decision->record = known->committed;
		decision->is_committed = 1;
	} else if (run->is_refresh && (known->committed->flags & STP_RECORD_DIGESTS)) {
		decision->verdict = STP_VERDICT_KEEP;
		decision->record = known->committed;
		decision->is_committed = !run->has_published;
	}
}

struct stp_decision stp_sign_decide(const struct stp_sign_run *run,
                                    const struct stp_sources *sources,
                                    const struct stp_merge_group *group, enum stp_decide_pass pass)
{
	struct stp_decision decision = {STP_VERDICT_NONE, NULL, NULL, NULL, NULL, NULL, 0};
	struct known known;
	size_t scanned = 0;

	while (scanned < group->count && group->items[scanned].source_index < run->scan.count)
		scanned++;
	known = look_up(run, sources, group, scanned);
	forget(run, &known);
	decision.committed = known.committed;
	decision.removed = known.removed;
	if (scanned == 0) {
		decide_unnamed(run, &known, &decision);
		return decision;
	}
	decision.entry = &group->items[0].record;
	if (scanned > 1) {
		decision.verdict = STP_VERDICT_DUPLICATE;
		decision.second = &group->items[1].record;
		return decision;
	}
	if (decision.entry->flags & STP_RECORD_DIGESTS) {
		decision.verdict = STP_VERDICT_KEEP;
		decision.is_committed = known.newest && known.newest_is_committed &&
		                        (known.newest->flags & STP_RECORD_DIGESTS) &&
		                        digests_equal(run, decision.entry, known.newest);
		decision.record = decision.is_committed ? known.newest : decision.entry;
		return decision;
	}
	if (pass == STP_DECIDE_EMIT && stp_keyset_has(&run->refused, decision.entry->key))
		return decision;
	if (is_trusted(run, decision.entry, known.newest, pass)) {
		decision.verdict = STP_VERDICT_KEEP;
		decision.record = known.newest;
		decision.is_committed = known.newest_is_committed;
		return decision;
	}
	decision.verdict = STP_VERDICT_HASH;
	decision.record = decision.entry;
	return decision;
}
