/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The decision about one path: what the scan says ⋈ what the ledger knows.
 *
 *	scan         ledger                          verdict
 *	nothing      nothing, or a tombstone         NONE
 *	nothing      a record that a row repeats     KEEP the record (run/known.h)
 *	nothing      any other record                REMOVED
 *	two records  any                             DUPLICATE
 *	row          any                             KEEP the row, or the ledger's equal record
 *	entry        same fingerprint, trusted       KEEP the ledger's record
 *	entry        anything else                   HASH
 *
 * After hashing, an entry whose file was at fault stays unresolved (NONE: the fault is on the
 * list), whatever older record matches; one that was hashed in a newer state than the scan saw is
 * known by its key.
 */
#include <sodium.h>
#include <string.h>

#include "base/bytes.h"
#include "run/sign_run.h"

/* What is known of a group's path: the ledger's word, and what was signed last. After a recovery
 * the published bins alone say what was signed. */
struct known {
	const struct stp_record *newest;    /* NULL: unknown or a tombstone */
	const struct stp_record *committed; /* of the generation, checkpoints left out */
	int newest_is_committed;
};

static struct known look_up(const struct stp_sign_run *run, const struct stp_sources *sources,
                            const struct stp_merge_group *group, size_t first_item)
{
	size_t ledger_start = run->scan.count + run->published.count;
	struct known known = {NULL, NULL, 0};
	int newest_met = 0;
	int committed_met = run->has_published;
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
		if (!newest_met) {
			known.newest = &item->record;
			known.newest_is_committed = !is_checkpoint && !run->has_published;
			newest_met = 1;
		}
		if (!is_checkpoint && !committed_met) {
			known.committed = &item->record;
			committed_met = 1;
		}
	}
	if (known.newest && (known.newest->flags & STP_RECORD_REMOVED))
		known.newest = NULL;
	if (known.committed && (known.committed->flags & STP_RECORD_REMOVED))
		known.committed = NULL;
	return known;
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

static int digests_equal(const struct stp_sign_run *run, const struct stp_record *a,
                         const struct stp_record *b)
{
	return a->length == b->length && memcmp(a->digests, b->digests, run->digest_bytes) == 0;
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

struct stp_decision stp_sign_decide(const struct stp_sign_run *run,
                                    const struct stp_sources *sources,
                                    const struct stp_merge_group *group, enum stp_decide_pass pass)
{
	struct stp_decision decision = {STP_VERDICT_NONE, NULL, NULL, NULL, NULL, 0};
	struct known known;
	size_t scanned = 0;

	while (scanned < group->count && group->items[scanned].source_index < run->scan.count)
		scanned++;
	known = look_up(run, sources, group, scanned);
	decision.committed = known.committed;
	if (scanned == 0 && known.committed &&
	    (run->list_is_same || (run->known && stp_known_saw(run->known, known.committed)))) {
		decision.verdict = STP_VERDICT_KEEP;
		decision.record = known.committed;
		decision.is_committed = 1;
		return decision;
	}
	if (scanned == 0) {
		if (known.committed)
			decision.verdict = STP_VERDICT_REMOVED;
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
