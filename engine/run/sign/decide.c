/* SPDX-License-Identifier: Apache-2.0 */
#include "run/sign/decide.h"

#include <sodium.h>
#include <string.h>

#include "base/bytes.h"
#include "run/sign/compare.h"

/* What the ledger has of a group's path, and what was signed last. After a recovery the published
 * bins alone say what was signed; a path that the ledger has and they do not was removed by a run
 * whose ledger was lost. */
struct history {
	const struct stp_record *newest;    /* NULL: none, or removed and not remembered */
	const struct stp_record *committed; /* of the generation, without checkpoints */
	const struct stp_record *removed;   /* not committed any more, remembered */
	unsigned newest_set, committed_set, removed_set; /* of their digests */
	int newest_is_committed;
};

/* True when the ledger's record is of the bytes that were published. */
static int is_same(const struct history *history)
{
	struct stp_said published = stp_said_by(history->committed, history->committed_set);
	struct stp_said newest = stp_said_by(history->newest, history->newest_set);

	return stp_said_compare(&published, &newest) == STP_SAME_YES;
}

/* Notes what the ledger's generation says of the path. */
static void note_generation(const struct stp_decide_rules *rules, const struct stp_record *record,
                            struct history *history)
{
	unsigned set = stp_record_set(record, rules->generation_set);

	if (!(record->flags & STP_RECORD_REMOVED) && !rules->has_published) {
		history->committed = record;
		history->committed_set = set;
	} else if (!history->committed && set) {
		history->removed = record;
		history->removed_set = set;
	}
}

static struct history look_up(const struct stp_decide_rules *rules,
                              const struct stp_merge_group *group, size_t first_item)
{
	struct history history = {NULL, NULL, NULL, 0, 0, 0, 0};
	int generation_met = 0;
	size_t i;

	for (i = first_item; i < group->count; i++) {
		const struct stp_merge_item *item = &group->items[i];
		unsigned origin = rules->origins[item->source_index];
		int is_checkpoint = origin == STP_ORIGIN_CHECKPOINT;

		if (origin == STP_ORIGIN_PUBLISHED) {
			history.committed = &item->record;
			history.committed_set = stp_record_set(&item->record, rules->hash_set);
			continue;
		}
		if (!history.newest) {
			history.newest = &item->record;
			history.newest_set =
			    stp_record_set(&item->record,
			                   is_checkpoint ? rules->hash_set : rules->generation_set);
			history.newest_is_committed = !is_checkpoint && !rules->has_published;
		}
		if (!is_checkpoint && !generation_met) {
			note_generation(rules, &item->record, &history);
			generation_met = 1;
		}
	}
	if (!history.newest)
		return history;
	if (!(history.newest->flags & STP_RECORD_REMOVED)) {
		/* The ledger's record of the published bytes has their file's fingerprint as
		 * well. */
		if (rules->has_published && history.committed && is_same(&history)) {
			history.committed = history.newest;
			history.committed_set = history.newest_set;
		}
		return history;
	}
	history.newest_is_committed = 0;
	if (!stp_record_is_remembered(history.newest))
		history.newest = NULL;
	return history;
}

/* Whether removed has been remembered for longer than the configuration says. */
static int is_forgotten(const struct stp_decide_rules *rules, const struct stp_record *removed)
{
	uint64_t days = rules->retention_days;

	return days && removed->removed_at && rules->now >= 0 &&
	       (uint64_t)rules->now > removed->removed_at &&
	       ((uint64_t)rules->now - removed->removed_at) / 86400 >= days;
}

/* Drops a removed record that is too old. */
static void forget(const struct stp_decide_rules *rules, struct history *history)
{
	if (!history->removed || !(history->removed->flags & STP_RECORD_REMOVED) ||
	    !is_forgotten(rules, history->removed))
		return;
	if (history->newest == history->removed)
		history->newest = NULL;
	history->removed = NULL;
}

/* True when this run re-reads the file whatever its fingerprint says. The choice of a part is keyed
 * (SipHash), so outsiders cannot predict in which night a file is read. */
static int is_chosen(const struct stp_decide_rules *rules, const uint8_t key[STP_KEY_BYTES])
{
	uint8_t hash[crypto_shorthash_BYTES];

	if (rules->rehash.what == STP_REHASH_ALL)
		return 1;
	if (rules->rehash.what != STP_REHASH_PART)
		return 0;
	crypto_shorthash(hash, key, STP_KEY_BYTES, rules->rehash.hash_key);
	return stp_load64_le(hash) % rules->rehash.parts == rules->rehash.part;
}

/* True when a record with the digests of set has all configured ones. */
static int has_all(const struct stp_decide_rules *rules, unsigned set)
{
	return (set & rules->hash_set) == rules->hash_set;
}

/* Whether the ledger's record can be used for the file. Sets decision->again if not, although the
 * file was hashed before, and decision->tolerated if so. */
static int is_trusted(const struct stp_decide_rules *rules, const struct history *history,
                      enum stp_decide_pass pass, struct stp_decision *decision)
{
	const struct stp_record *entry = decision->entry;
	const struct stp_record *newest = history->newest;
	enum stp_again again;
	unsigned tolerated;

	if (!newest || !(newest->flags & STP_RECORD_FILE))
		return 0;
	again = stp_again_compare(&rules->again, entry, newest, &tolerated);
	if (pass == STP_DECIDE_EMIT) {
		if (!has_all(rules, history->newest_set))
			return 0;
		/* Hashed in a newer state than the scan saw: ignore what the scan found. */
		if (stp_keyset_has(&rules->hashed->moved, entry->key))
			return 1;
		decision->tolerated = tolerated;
		return again == STP_AGAIN_NOT;
	}
	if (again == STP_AGAIN_NOT)
		again = stp_again_settled(&rules->again, newest);
	if (again == STP_AGAIN_NOT && !has_all(rules, history->newest_set))
		again = STP_AGAIN_HASHES;
	if (again == STP_AGAIN_NOT && is_chosen(rules, entry->key))
		again = STP_AGAIN_REHASH;
	decision->again = again;
	decision->tolerated = again == STP_AGAIN_NOT ? tolerated : 0;
	return again == STP_AGAIN_NOT;
}

/* True when the row of an entry claims other digests than newest has; that the length is equal is
 * known from the fingerprint. */
static int contradicts(const struct stp_record *entry, const struct history *history)
{
	struct stp_said claims = stp_said_by(entry, 0);
	struct stp_said has = stp_said_by(history->newest, history->newest_set);

	claims.length = has.length;
	return stp_said_compare(&claims, &has) == STP_SAME_NO;
}

static void keep_newest(struct stp_decision *decision, const struct history *history)
{
	decision->verdict = STP_VERDICT_KEEP;
	decision->record = history->newest;
	decision->record_set = history->newest_set;
	decision->is_committed = history->newest_is_committed;
}

/* True when what was signed last has digests, but none with an algorithm of set. */
static int cannot_compare(const struct history *history, const struct stp_record *entry,
                          unsigned set)
{
	const struct stp_record *before =
	    history->committed ? history->committed : history->removed;
	unsigned before_set = history->committed ? history->committed_set : history->removed_set;

	return before && before_set && before->length == entry->length && !(before_set & set);
}

/* A complete row: it is the target, unless it cannot be compared with what was signed. */
static void decide_row(const struct stp_decide_rules *rules, const struct history *history,
                       enum stp_decide_pass pass, struct stp_decision *decision)
{
	const struct stp_record *entry = decision->entry;
	const struct stp_record *newest = history->newest;
	unsigned config_set = rules->hash_set;

	decision->record = entry;
	decision->record_set = stp_record_set(entry, config_set);
	if (cannot_compare(history, entry, decision->record_set)) {
		if (pass == STP_DECIDE_EMIT && stp_keyset_has(&rules->hashed->refused, entry->key))
			return;
		decision->verdict = STP_VERDICT_HASH;
		if (pass == STP_DECIDE_EMIT && is_trusted(rules, history, pass, decision))
			keep_newest(decision, history);
		return;
	}
	decision->verdict = STP_VERDICT_KEEP;
	if (newest && history->newest_is_committed && history->newest_set == config_set &&
	    entry->flags & STP_RECORD_DIGESTS && newest->length == entry->length &&
	    memcmp(newest->digests, entry->digests, rules->digest_bytes) == 0)
		keep_newest(decision, history);
}

/* Whether records of one list say the same of their path. The merge returns at most
 * STP_MERGE_ITEMS_MAX of them. */
static int are_repeats(const struct stp_merge_group *group, size_t count, unsigned set)
{
	const struct stp_record *first = &group->items[0].record;
	size_t bytes = stp_alg_set_digest_bytes(stp_record_set(first, set));
	size_t i;

	if (group->total > group->count || !(first->flags & STP_RECORD_LISTED))
		return 0;
	for (i = 1; i < count; i++) {
		const struct stp_record *other = &group->items[i].record;

		if (other->flags != first->flags ||
		    (first->flags & STP_RECORD_SIZED && other->length != first->length) ||
		    (bytes && memcmp(other->digests, first->digests, bytes) != 0))
			return 0;
	}
	return 1;
}

/* Finds the path's entry, and whether all records of the scan agree. */
static int find_entry(const struct stp_decide_rules *rules, const struct stp_merge_group *group,
                      size_t scanned, struct stp_decision *decision)
{
	decision->entry = &group->items[0].record;
	if (scanned == 1)
		return 1;
	if (are_repeats(group, scanned, rules->hash_set)) {
		decision->repeats = (unsigned)scanned - 1;
		return 1;
	}
	decision->verdict = STP_VERDICT_DUPLICATE;
	decision->second = &group->items[1].record;
	return 0;
}

/* Decides about a path that no input names: whether the record that was signed last stays. */
static void decide_unnamed(const struct stp_decide_rules *rules, const struct history *history,
                           struct stp_decision *decision)
{
	if (!history->committed)
		return;
	decision->verdict = STP_VERDICT_REMOVED;
	if (rules->list && stp_list_reuse_has(rules->list, history->committed))
		decision->is_committed = 1;
	else if (rules->is_refresh && has_all(rules, history->committed_set))
		decision->is_committed = !rules->has_published;
	else
		return;
	decision->verdict = STP_VERDICT_KEEP;
	decision->record = history->committed;
	decision->record_set = history->committed_set;
}

struct stp_decision stp_decide(const struct stp_decide_rules *rules,
                               const struct stp_merge_group *group, enum stp_decide_pass pass)
{
	struct stp_decision decision = {.verdict = STP_VERDICT_NONE};
	struct history history;
	size_t scanned = 0;

	while (scanned < group->count &&
	       rules->origins[group->items[scanned].source_index] == STP_ORIGIN_SCAN)
		scanned++;
	history = look_up(rules, group, scanned);
	forget(rules, &history);
	decision.committed = history.committed;
	decision.committed_set = history.committed_set;
	decision.removed = history.removed;
	decision.removed_set = history.removed_set;
	if (scanned == 0) {
		decide_unnamed(rules, &history, &decision);
		return decision;
	}
	if (!find_entry(rules, group, scanned, &decision))
		return decision;
	if (!(decision.entry->flags & STP_RECORD_FILE)) {
		decide_row(rules, &history, pass, &decision);
		return decision;
	}
	if (pass == STP_DECIDE_EMIT && stp_keyset_has(&rules->hashed->refused, decision.entry->key))
		return decision;
	if (pass == STP_DECIDE_EMIT && stp_keyset_has(&rules->hashed->gone, decision.entry->key)) {
		decide_unnamed(rules, &history, &decision);
		return decision;
	}
	if (pass == STP_DECIDE_EMIT &&
	    stp_keyset_has(&rules->hashed->unstable_keys, decision.entry->key)) {
		decision.verdict = STP_VERDICT_HASH;
		decision.record = decision.entry;
		return decision;
	}
	if (is_trusted(rules, &history, pass, &decision)) {
		keep_newest(&decision, &history);
		if (decision.entry->flags & STP_RECORD_CLAIMS &&
		    contradicts(decision.entry, &history))
			decision.verdict = STP_VERDICT_CONTRADICTED;
		return decision;
	}
	decision.verdict = STP_VERDICT_HASH;
	decision.record = decision.entry;
	return decision;
}
