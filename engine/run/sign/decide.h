/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The decision about one path: what the scan found ⋈ what the ledger has.
 *
 *	rules, group of records with one key ─▶ verdict, and the records that it is about
 *
 *	scan         ledger                          verdict
 *	nothing      nothing, or a removed path      NONE
 *	nothing      a record that a row repeats     KEEP the record (list/reuse.h)
 *	nothing      any record, in a refresh        KEEP the record (run/sign/source.h)
 *	nothing      any other record                REMOVED
 *	two records  any                             DUPLICATE, unless rows say the same
 *	row          nothing, or common algorithms   KEEP the row, or the ledger's equal record
 *	row          other algorithms only           HASH: the row's file must be read to compare
 *	entry        same fingerprint, trusted       KEEP the ledger's record, if its row agrees
 *	entry        anything else                   HASH
 *
 * A row has length and every configured digest; a row with less is an entry, like a file of the
 * tree. The ledger's record may have other algorithms than are configured ("hashes" was changed):
 * it is trusted if it has all configured ones, and in any case it says what was signed.
 *
 * A removed path that the ledger remembers is part of the decision, whatever the verdict: if it
 * comes back, it must have the bytes that were signed last, and until then the ledger continues to
 * remember it (decisions/0190-removed-paths.md).
 *
 * After hashing, an entry whose file was at fault stays unresolved (NONE: the fault is on the
 * list), whatever older record matches. struct stp_hashed names, by their keys, the other paths for
 * which scan and ledger are not enough: a file that was hashed in a newer state than the scan saw,
 * one that was removed meanwhile (treated as if the scan had not seen it), and one that kept
 * changing and is left to the step that copies it (HASH).
 *
 * Shape      one call per path; the answer follows from rules and group alone.
 * Memory     none.
 * Ownership  a decision points into the group.
 * Threads    any thread; rules are const while a step runs.
 */
#ifndef STP_RUN_SIGN_DECIDE_H
#define STP_RUN_SIGN_DECIDE_H

#include "ledger/merge.h"
#include "list/reuse.h"
#include "record/trust.h"
#include "run/sign/hashed.h"

/* The kind of a source of the merge. Sources are in this order, the ledger's segments newest
 * first. */
enum stp_origin {
	STP_ORIGIN_SCAN,       /* entries and rows */
	STP_ORIGIN_PUBLISHED,  /* bins of the last run, after a recovery */
	STP_ORIGIN_CHECKPOINT, /* hashed, and in no generation yet */
	STP_ORIGIN_GENERATION, /* what the last run signed and remembers */
};

/* Which files are read again although they have not changed. */
struct stp_rehash_rule {
	enum stp_rehash what;
	uint64_t parts, part;    /* STP_REHASH_PART: the part of this run */
	const uint8_t *hash_key; /* for choosing a part: outsiders cannot predict it */
};

struct stp_decide_rules {
	const uint8_t *origins;  /* enum stp_origin by source index */
	unsigned hash_set;       /* configured; that of the scan, the checkpoints and the bins */
	unsigned generation_set; /* of the generation's digests */
	size_t digest_bytes;     /* of hash_set */
	int has_published;       /* the published bins say what the last run signed */
	int is_refresh;          /* no input: the ledger's targets are signed again */
	const struct stp_list_reuse *list; /* known rows, which are not in the scan; or NULL */
	int64_t now;                       /* of the run */
	uint64_t retention_days;           /* how long removed paths are remembered; 0: forever */
	struct stp_again_rule again;
	struct stp_rehash_rule rehash;
	const struct stp_hashed *hashed;
};

enum stp_verdict {
	STP_VERDICT_NONE,         /* nothing to sign: a removed path, or at fault already */
	STP_VERDICT_KEEP,         /* record has the digests to sign */
	STP_VERDICT_HASH,         /* entry must be hashed first */
	STP_VERDICT_REMOVED,      /* the ledger has it, the scan does not */
	STP_VERDICT_DUPLICATE,    /* entry and second name it, with different contents */
	STP_VERDICT_CONTRADICTED, /* the list says other digests than record has */
};

struct stp_decision {
	enum stp_verdict verdict;
	const struct stp_record *record;    /* KEEP: what to sign; HASH: the entry */
	const struct stp_record *entry;     /* what the scan found, or NULL */
	const struct stp_record *second;    /* DUPLICATE: the other one */
	const struct stp_record *committed; /* what the last generation signed, or NULL */
	/* not signed last time, but remembered: what was signed before */
	const struct stp_record *removed;
	unsigned record_set;    /* KEEP, CONTRADICTED: record's digests */
	unsigned committed_set; /* committed's */
	unsigned removed_set;   /* removed's */
	unsigned repeats;       /* further rows that say the same as entry */
	int is_committed;       /* KEEP: record is the committed one, unchanged */
	enum stp_again again;   /* HASH: why a file that was hashed before is hashed again */
	unsigned tolerated;     /* KEEP of a file: STP_TOLERATED_*, entry's fingerprint is newer */
};

enum stp_decide_pass {
	STP_DECIDE_PENDING, /* before hashing: racy and chosen records are hashed again */
	STP_DECIDE_EMIT,    /* after it: what matches now is what was hashed */
};

struct stp_decision stp_decide(const struct stp_decide_rules *rules,
                               const struct stp_merge_group *group, enum stp_decide_pass pass);

#endif
