/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ledger: the records of every target, kept from run to run in state/ledger/.
 *
 *	open ─▶ sources (checkpoints, deltas, base; newest first) ─▶ merge with the scan
 *	hashing ─▶ stp_ledger_put() from all workers ─▶ checkpoint segments every few seconds
 *	emit ─▶ stp_ledger_begin(base | delta) ─▶ parts ─▶ stp_ledger_commit()
 *	                                       ─▶ N.manifest ─▶ sweep
 *
 * A generation is a sealed N.manifest that lists segments, newest first, with size and seal. The
 * newest segment that has a key wins; STP_RECORD_REMOVED means that its target is gone, and such a
 * record may remember its digests, in a base too. The last two generations are kept; files that
 * neither lists are removed at commit, and leftovers of runs that never committed at open.
 *
 * Nothing that is broken is used: a manifest whose seal does not match becomes a fault, and the
 * generation before it is used; a generation with a broken segment loses that segment and all below
 * it, a broken block loses its key range. The only consequence is re-hashing. An older generation
 * that was restored as a whole passes every check of a seal; its summary.run_version shows it, and
 * run/ compares that with what is published.
 *
 * Resume needs no code: checkpoints of a killed run are sources like the others, so their files
 * count as unchanged.
 *
 * Shape      at most STP_LEDGER_SEGMENTS_MAX segments in a generation.
 * Memory     indexes of the open segments; a checkpoint buffer of a few MiB.
 * Ownership  the ledger owns its segments; sources borrow them until the ledger is closed.
 * Threads    stp_ledger_put() and stp_ledger_flush() from any thread. Everything else: one thread.
 */
#ifndef STP_LEDGER_LEDGER_H
#define STP_LEDGER_LEDGER_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/fault.h"
#include "ledger/merge.h"
#include "ledger/segment.h"
#include "record/record.h"

#define STP_LEDGER_SEGMENTS_MAX 32

struct stp_ledger;

struct stp_ledger_options {
	int state_fd;            /* REPO/state, not closed */
	const uint8_t *seal_key; /* STP_SEAL_KEY_BYTES, copied to locked memory */
	unsigned hash_set;       /* of checkpoints and of the next generation */
	int read_only;           /* status, verify: nothing is created or removed */
	/* faults: what was broken and not used; outlives the ledger */
	struct stp_fault_list *damage;
};

/* What a generation records about the run that wrote it. */
struct stp_ledger_summary {
	uint64_t run_version; /* version of the metadata this run published */
	int64_t published_at; /* epoch seconds */
	uint64_t target_count;
	int64_t oldest_verified_at; /* of the digests of all targets; 0: no file was read */
	uint64_t tag;               /* the caller's: the identity of the digest list */
	uint32_t source;            /* the caller's: where the targets came from; 0: unknown */
};

/* Opens state/ledger/ (created if missing). An empty ledger is fine: no generation, no sources. */
enum stp_errc stp_ledger_open(const struct stp_ledger_options *options,
                              struct stp_ledger **out_ledger, struct stp_err *err) STP_MUST_CHECK;

/* The generation in use, 0 when there is none; its summary, all zeros when there is none. */
uint64_t stp_ledger_generation(const struct stp_ledger *ledger);
const struct stp_ledger_summary *stp_ledger_summary(const struct stp_ledger *ledger);

/* The hash set of the generation's digests: that of options, unless the configuration has changed
 * since. Checkpoints always have that of options; those of another set are not used. */
unsigned stp_ledger_hash_set(const struct stp_ledger *ledger);

/* The number of files that could not be used, all named in the damage list. */
size_t stp_ledger_refused_count(const struct stp_ledger *ledger);

/* The numbers of records in the base and in all deltas of the generation, and of checkpoint
 * segments found. */
uint64_t stp_ledger_base_count(const struct stp_ledger *ledger);
uint64_t stp_ledger_delta_count(const struct stp_ledger *ledger);
size_t stp_ledger_checkpoint_count(const struct stp_ledger *ledger);

/* Appends all segments to sources, newest first (checkpoints, deltas, base), borrowed. A merge over
 * them may run while other threads put and flush. Call it again (on a released list) after hashing
 * to see this run's checkpoints; do not call it while others put or flush. */
enum stp_errc stp_ledger_sources(struct stp_ledger *ledger, struct stp_sources *sources,
                                 struct stp_err *err) STP_MUST_CHECK;

/* --- checkpoints: finished work, durable within seconds --- */

/* Records a finished target (copied). Becomes durable with the next flush, which put does by itself
 * every STP_CHECKPOINT_SECONDS or when its buffer is full; the thread that finds it due does the
 * work while others continue. Many small checkpoints are merged into larger ones on the way. */
enum stp_errc stp_ledger_put(struct stp_ledger *ledger, const struct stp_record *record,
                             struct stp_err *err) STP_MUST_CHECK;

#define STP_CHECKPOINT_SECONDS 3

/* Makes everything put so far durable: call it at the end of hashing and when the run is
 * stopped. */
enum stp_errc stp_ledger_flush(struct stp_ledger *ledger, struct stp_err *err) STP_MUST_CHECK;

/* --- a new generation --- */

/* True when a new base should be written instead of a delta of delta_record_count records: there is
 * no complete chain to base the delta on, or one of another set, a block of it is damaged, the
 * deltas together would hold over a quarter of the base's records, or there would be too many
 * segments. Then a commit needs a base. */
int stp_ledger_wants_base(const struct stp_ledger *ledger, uint64_t delta_record_count);

/* Starts the segment of the next generation; one that was prepared before is withdrawn. Fill it
 * with parts or stp_segment_add(). */
enum stp_errc stp_ledger_begin(struct stp_ledger *ledger, enum stp_segment_kind kind,
                               struct stp_segment_writer **out_writer,
                               struct stp_err *err) STP_MUST_CHECK;

/* Makes the new segment durable under its name. It is not part of a generation yet, so a crash
 * afterwards leaves a file that the next run removes. Frees the writer, also on failure. Call it
 * before the commit of the metadata. */
enum stp_errc stp_ledger_prepare(struct stp_ledger *ledger, struct stp_segment_writer *writer,
                                 struct stp_err *err) STP_MUST_CHECK;

/* Writes the next generation's manifest: a prepared base replaces all segments, a prepared delta
 * goes on top; with neither, the segments stay and only the summary changes. Then removes older
 * generations, segments that no manifest lists, and checkpoints (their records are in the ledger
 * now). */
enum stp_errc stp_ledger_commit(struct stp_ledger *ledger, const struct stp_ledger_summary *summary,
                                struct stp_err *err) STP_MUST_CHECK;

/* Closes files, wipes the key. Sources from it must be released before. NULL is allowed. */
void stp_ledger_close(struct stp_ledger *ledger);

#endif
