/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pending files: scan ⋈ ledger → what must be hashed → checkpoints.
 *
 *	key space, cut into windows of about WINDOW_ENTRIES entries
 *	  window: parallel merges over its ranges ─▶ list, large files first ─▶ hash stage
 *	                                              finished record ─▶ stp_ledger_put()
 *
 * Most files are hashed with the configured algorithms. Where the row of a list claims another
 *digest, or the last run signed with others, those are computed in the same pass and compared
 *before anything is recorded: a window's files are hashed in groups of one set of algorithms each.
 *
 * A window bounds memory; it is large enough that its ragged end (one file per worker, with the
 * largest files started first) costs little. Finished records are durable within seconds: a killed
 * run's checkpoints are ledger segments to the next run, so resuming needs no code here.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/stamp.h"
#include "base/sum.h"
#include "base/text.h"
#include "base/thread.h"
#include "hash/hash.h"
#include "run/again.h"
#include "run/alarm.h"
#include "run/hash_stage.h"
#include "run/progress.h"
#include "run/sign_run.h"

#define WINDOW_ENTRIES  262144
#define RANGE_BITS      5 /* 32 ranges per window for the workers to claim */
#define WINDOW_BITS_MAX 24
/* Ten ticks of a kernel with 100 Hz; stamps are taken from the tick's clock. */
#define SETTLE_NS INT64_C(100000000)

/* A file to hash. The stage hands back its path, from which the rest is found again. */
struct pending {
	struct stp_record entry;
	struct stp_said claims; /* of its row in a list; without length when that gave none */
	struct stp_signed_last
	    before;   /* what was signed, when it cannot be compared with what will be */
	unsigned set; /* algorithms to hash it with */
	int is_row;   /* a row that has all, read only to compare */
	char path[];
};

/* What one worker found; the arena owns the pending files. */
struct finder {
	struct stp_merge *merge;
	struct stp_arena arena;
	struct pending **items;
	size_t count, capacity;
	uint64_t reused, removed;
	uint64_t renumbered; /* records that get another number for their file system */
	struct stp_sign_again again;
};

struct pending_step {
	struct stp_sign_run *run;
	struct stp_sources sources;
	struct finder *finders; /* one per worker */
	unsigned range_bits;    /* all ranges: 2^range_bits */
	uint64_t window_count;
	atomic_uint_fast64_t next_range;
	uint64_t end_range;

	int is_counting; /* to say how much will be read; nothing is hashed */

	struct pending **queue; /* the window's files, by set of algorithms, large first */
	size_t queue_count;
	unsigned set;              /* of those being hashed */
	size_t queue_end;          /* where they end */
	atomic_size_t queue_taken; /* the next one */
};

/* --- finding -----------------------------------------------------------------------------------
 */

/* Copies the digests that said points to. */
static int keep_said(struct finder *finder, struct stp_said *said)
{
	size_t bytes = stp_alg_set_digest_bytes(said->set);
	uint8_t *copy;

	if (!bytes)
		return 1;
	copy = stp_arena_alloc(&finder->arena, bytes);
	if (copy) {
		memcpy(copy, said->digests, bytes);
		said->digests = copy;
	}
	return copy != NULL;
}

static struct pending *make_pending(struct finder *finder, const struct stp_record *entry)
{
	struct pending *item =
	    stp_arena_alloc(&finder->arena, sizeof(*item) + (size_t)entry->path_bytes + 1);

	if (item && finder->count == finder->capacity) {
		size_t capacity = finder->capacity ? finder->capacity * 2 : 256;
		struct pending **items =
		    realloc(finder->items, capacity * sizeof(struct pending *));

		if (!items)
			return NULL;
		finder->items = items;
		finder->capacity = capacity;
	}
	if (!item)
		return NULL;
	memset(item, 0, sizeof(*item));
	item->entry = *entry;
	memcpy(item->path, entry->path, entry->path_bytes);
	item->path[entry->path_bytes] = '\0';
	item->entry.path = item->path;
	finder->items[finder->count++] = item;
	return item;
}

/* entry is that of the decision, or made from its row. */
static enum stp_errc add_pending(const struct stp_sign_run *run, struct finder *finder,
                                 const struct stp_decision *decision,
                                 const struct stp_record *entry, struct stp_err *err)
{
	unsigned config_set = run->config.hash_set;
	struct pending *item = make_pending(finder, entry);
	struct stp_signed_last before;

	if (!item)
		return STP_FAIL_ERRNO(err, ENOMEM, "hash", NULL, "no memory for the files to hash");
	item->set = config_set;
	item->is_row = !(decision->entry->flags & STP_RECORD_FILE);
	item->claims = stp_said_by(decision->entry, config_set);
	item->set |= item->claims.set;
	before = stp_sign_signed_last(decision);
	if (!(before.said.set & config_set)) {
		item->before = before;
		item->set |= before.said.set;
	}
	/* What the stage gives back is of the file. */
	item->entry.digests = NULL;
	item->entry.flags &= (uint16_t) ~(STP_RECORD_DIGESTS | STP_RECORD_CLAIMS);
	if (!keep_said(finder, &item->claims) || !keep_said(finder, &item->before.said))
		return STP_FAIL_ERRNO(err, ENOMEM, "hash", NULL, "no memory for the files to hash");
	return STP_OK;
}

static void count_again(const struct stp_sign_run *run, struct finder *finder,
                        const struct stp_decision *decision)
{
	if (decision->verdict == STP_VERDICT_HASH && decision->again)
		finder->again.files[decision->again]++;
	if (decision->tolerated & STP_TOLERATED_CTIME)
		finder->again.ctime_ignored++;
	if (!(decision->tolerated & STP_TOLERATED_DEVICE))
		return;
	finder->renumbered++;
	finder->again.renumbered += decision->record->fingerprint.fs_id != (uint64_t)run->fs.root;
}

static enum stp_errc take_decision(struct pending_step *step, struct finder *finder,
                                   const struct stp_decision *decision, struct stp_err *err)
{
	struct stp_record entry;

	if (decision->verdict == STP_VERDICT_KEEP && decision->entry &&
	    (decision->entry->flags & STP_RECORD_FILE))
		finder->reused++;
	if (decision->verdict == STP_VERDICT_REMOVED)
		finder->removed++;
	count_again(step->run, finder, decision);
	if (decision->verdict != STP_VERDICT_HASH)
		return STP_OK;
	if (decision->entry->flags & STP_RECORD_FILE || step->is_counting)
		return add_pending(step->run, finder, decision, decision->entry, err);
	if (stp_sign_find_file(step->run, decision->entry, &entry) != STP_FILE_FOUND)
		return STP_OK;
	return add_pending(step->run, finder, decision, &entry, err);
}

static enum stp_errc find_in_range(struct pending_step *step, struct finder *finder, uint64_t range,
                                   struct stp_err *err)
{
	struct stp_key_range keys = stp_key_range_at(range, step->range_bits);
	struct stp_merge_group group;

	STP_TRY(stp_merge_seek(finder->merge, &keys, err));
	for (;;) {
		struct stp_decision decision;

		STP_TRY(stp_merge_next(finder->merge, &group, err));
		if (!group.key)
			return STP_OK;
		decision = stp_sign_decide(step->run, &step->sources, &group, STP_DECIDE_PENDING);
		STP_TRY(take_decision(step, finder, &decision, err));
	}
}

static enum stp_errc find_worker(void *ctx, size_t worker, struct stp_err *err)
{
	struct pending_step *step = ctx;
	struct finder *finder = &step->finders[worker];

	if (!finder->merge)
		STP_TRY(stp_merge_create(&step->sources, &finder->merge, err));
	for (;;) {
		uint64_t range =
		    atomic_fetch_add_explicit(&step->next_range, 1, memory_order_relaxed);

		if (range >= step->end_range)
			return STP_OK;
		if (stp_cancelled(step->run->cancel))
			return STP_FAIL(err, STP_CANCELLED, "hash", NULL, "stopped");
		STP_TRY(find_in_range(step, finder, range, err));
	}
}

/* --- the window's queue ------------------------------------------------------------------------
 */

/* By set of algorithms; in it large files first, so that the end is not one worker with one huge
 * file; equal lengths by inode, which is near the order on disk. */
static int compare_pending(const void *a, const void *b)
{
	unsigned x_set = (*(struct pending *const *)a)->set;
	unsigned y_set = (*(struct pending *const *)b)->set;
	const struct stp_record *x = &(*(struct pending *const *)a)->entry;
	const struct stp_record *y = &(*(struct pending *const *)b)->entry;

	if (x_set != y_set)
		return x_set < y_set ? -1 : 1;
	if (x->length != y->length)
		return x->length < y->length ? 1 : -1;
	return (x->fingerprint.ino > y->fingerprint.ino) -
	       (x->fingerprint.ino < y->fingerprint.ino);
}

static enum stp_errc fill_queue(struct pending_step *step, struct stp_err *err)
{
	size_t total = 0;
	size_t i;

	for (i = 0; i < step->run->worker_count; i++)
		total += step->finders[i].count;
	free(step->queue);
	step->queue = malloc((total ? total : 1) * sizeof(struct pending *));
	if (!step->queue)
		return STP_FAIL_ERRNO(err, ENOMEM, "hash", NULL, "no memory for %zu files", total);
	step->queue_count = 0;
	for (i = 0; i < step->run->worker_count; i++) {
		struct finder *finder = &step->finders[i];

		if (finder->count)
			memcpy(step->queue + step->queue_count, finder->items,
			       finder->count * sizeof(struct pending *));
		step->queue_count += finder->count;
		finder->count = 0;
	}
	if (step->queue_count)
		qsort(step->queue, step->queue_count, sizeof(struct pending *), compare_pending);
	return STP_OK;
}

/* --- hashing -----------------------------------------------------------------------------------
 */

static int next_file(void *ctx, size_t worker, struct stp_record *out)
{
	struct pending_step *step = ctx;
	size_t at = atomic_fetch_add_explicit(&step->queue_taken, 1, memory_order_relaxed);

	(void)worker;
	if (at >= step->queue_end)
		return 0;
	*out = step->queue[at]->entry;
	return 1;
}

/* The alarm about a row that the file contradicts. True after a fault. */
static int is_contradicted(struct stp_sign_run *run, const struct pending *item,
                           const struct stp_said *now)
{
	struct stp_said claims = item->claims;

	if (!(item->entry.flags & STP_RECORD_LISTED))
		return 0;
	if (!(item->entry.flags & STP_RECORD_SIZED))
		claims.length = now->length;
	if (stp_said_compare(&claims, now) != STP_SAME_NO)
		return 0;
	stp_sign_contradict(run, &item->entry, &claims, now);
	return 1;
}

static enum stp_errc file_done(void *ctx, size_t worker, const struct stp_record *record,
                               struct stp_err *err)
{
	struct pending_step *step = ctx;
	struct stp_sign_run *run = step->run;
	const struct pending *item =
	    (const struct pending *)(const void *)(record->path - offsetof(struct pending, path));
	const struct stp_record *entry = &item->entry;
	struct stp_said now = stp_said_by(record, step->set);
	struct stp_record done = *record;
	uint8_t digests[STP_CLAIMS_BYTES_MAX];

	(void)worker;
	if (is_contradicted(run, item, &now))
		return STP_OK;
	if (item->before.said.set && stp_said_compare(&item->before.said, &now) == STP_SAME_NO) {
		if (!stp_sign_may_change(run, entry)) {
			stp_sign_alarm(run, entry, &item->before, &now);
			return STP_OK;
		}
		/* Allowed for this run only. A later one could not tell any more, so should this
		 * one fail, it reads the file again. */
		if (!stp_sign_is_mutable(run, entry))
			done.flags |= STP_RECORD_RACY;
	}
	/* The file moved on between scan and open, and was then read whole: its newer state counts.
	 * A row was compared, and is known by its key as well. */
	if (item->is_row || entry->length != record->length ||
	    memcmp(&entry->fingerprint, &record->fingerprint, sizeof(entry->fingerprint)) != 0)
		STP_TRY(stp_keyset_add(&run->moved, record->key, err));
	if (step->set != run->config.hash_set)
		stp_record_restate(&done, step->set, run->config.hash_set, digests);
	done.flags &= (uint16_t)~STP_RECORD_SIZED;
	return stp_ledger_put(run->ledger, &done, err);
}

/* Remembers which files of this step ended in a fault: no older record may stand for them. */
static enum stp_errc note_refused(struct pending_step *step, size_t first_fault,
                                  struct stp_err *err)
{
	struct stp_sign_run *run = step->run;
	size_t i;

	if (run->faults.total > run->faults.count)
		return STP_FAIL(err, STP_LIMIT, "hash", NULL,
		                "more than %d files are at fault; fix the tree first",
		                STP_FAULTS_KEPT_MAX);
	for (i = first_fault; i < run->faults.count; i++) {
		const char *path = run->faults.items[i].subject;
		uint8_t key[STP_KEY_BYTES];

		stp_hash_one(STP_ALG_SHA256, path, strlen(path), key);
		STP_TRY(stp_keyset_add(&run->refused, key, err));
	}
	return STP_OK;
}

/* A stamp of the future (a file's mtime may be anything) is not waited for. */
static int is_fresh(int64_t stamp, int64_t now_ns)
{
	return stamp >= stp_stamp_later(now_ns, -SETTLE_NS) && stamp <= now_ns;
}

/* The racy rule, see engine/decisions/0004-racy-files.md. A file whose stamps are older than a tick
 * when it is opened cannot be changed later without a newer stamp. Where the stamps come from this
 * machine's clock, waiting a tick or two before hashing a file made just now is all it takes;
 * elsewhere what changed since shortly before the scan (stp_fs_grace_ns()) is hashed again next
 * time. */
static int64_t settle(const struct pending_step *step)
{
	const struct stp_sign_run *run = step->run;
	struct timespec now;
	struct timespec pause = {.tv_nsec = SETTLE_NS};
	int64_t now_ns;
	size_t i;

	if (!stp_fs_all_have_own_clock(&run->fs))
		return stp_sign_racy_after(run);
	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	now_ns = stp_stamp_of(now);
	for (i = 0; i < step->queue_count; i++) {
		const struct stp_fingerprint *print = &step->queue[i]->entry.fingerprint;

		if (is_fresh(print->mtime_ns, now_ns) || is_fresh(print->ctime_ns, now_ns)) {
			nanosleep(&pause, NULL);
			return stp_stamp_later(now_ns, 1);
		}
	}
	return stp_stamp_later(now_ns, -SETTLE_NS);
}

/* Hashes the files of one set of algorithms, which start at first in the queue. */
static enum stp_errc hash_group(struct pending_step *step, size_t first, int64_t racy_after_ns,
                                struct stp_err *err)
{
	struct stp_sign_run *run = step->run;
	struct stp_hash_progress counted = {0};
	struct stp_hash_stage_options options = {
	    .root_fd = run->targets_fd,
	    .hash_set = step->queue[first]->set,
	    .jobs = run->jobs,
	    .features = run->features,
	    .io = run->io,
	    .verified_at = run->verified_at,
	    .racy_after_ns = racy_after_ns,
	    .fs = &run->fs,
	    .cancel = run->cancel,
	    .faults = &run->faults,
	    .progress = &counted,
	    .shown = run->options->progress,
	};
	enum stp_errc code;

	step->set = options.hash_set;
	step->queue_end = first;
	while (step->queue_end < step->queue_count &&
	       step->queue[step->queue_end]->set == step->set)
		step->queue_end++;
	atomic_store(&step->queue_taken, first);
	code = stp_hash_stage_run(&options, next_file, file_done, step, err);
	run->report->files_hashed += atomic_load(&counted.files);
	run->report->bytes_hashed += atomic_load(&counted.bytes);
	return code;
}

static enum stp_errc hash_queue(struct pending_step *step, uint64_t window, struct stp_err *err)
{
	struct stp_sign_run *run = step->run;
	int64_t racy_after_ns;
	uint64_t bytes = 0;
	size_t i;

	for (i = 0; i < step->queue_count; i++)
		bytes = stp_sum_add(bytes, step->queue[i]->entry.length);
	if (run->options->dry_run || step->is_counting) {
		run->report->files_hashed += step->queue_count;
		run->report->bytes_hashed = stp_sum_add(run->report->bytes_hashed, bytes);
		return STP_OK;
	}
	stp_progress_part(run->options->progress, window, step->window_count, step->queue_count,
	                  bytes);
	racy_after_ns = settle(step);
	/* Of this window, not of the run: stamps that lay ahead when a file was hashed are known by
	 * it, see run/again.c. */
	run->verified_at = stp_clock_now();
	for (i = 0; i < step->queue_count; i = step->queue_end)
		STP_TRY(hash_group(step, i, racy_after_ns, err));
	return STP_OK;
}

/* --- windows -----------------------------------------------------------------------------------
 */

/* The first window says for all, since its paths are a random part of them. */
static void tell_again(const struct pending_step *step)
{
	struct stp_sign_again again = {0};
	size_t i;

	for (i = 0; i < step->run->worker_count; i++)
		stp_again_add(&again, &step->finders[i].again);
	stp_sign_tell_again(step->run, &again, step->window_count);
}

static enum stp_errc do_window(struct pending_step *step, uint64_t window, struct stp_err *err)
{
	struct stp_sign_run *run = step->run;
	size_t first_fault = run->faults.count;
	size_t total = run->faults.total;
	uint64_t removed = 0;
	size_t i;

	for (i = 0; i < run->worker_count; i++)
		stp_arena_reset(&step->finders[i].arena);
	atomic_store(&step->next_range, window << RANGE_BITS);
	step->end_range = (window + 1) << RANGE_BITS;
	STP_TRY(stp_workers_run(run->jobs, "compare", find_worker, step, run->cancel, err));
	/* Another folder than the index is not hashed for hours to find that out. */
	for (i = 0; i < run->worker_count; i++)
		removed += step->finders[i].removed;
	STP_TRY(stp_sign_survey(run, removed, err));
	if (!step->is_counting && window == 0)
		tell_again(step);
	STP_TRY(fill_queue(step, err));
	STP_TRY(hash_queue(step, window, err));
	return run->faults.total == total ? STP_OK : note_refused(step, first_fault, err);
}

/* Says once how much will be read, and why, where that is more than it need be. */
static enum stp_errc tell_count(struct pending_step *step, struct stp_err *err)
{
	struct stp_sign_run *run = step->run;
	struct stp_sign_report *report = run->report;
	uint64_t files = report->files_hashed;
	uint64_t bytes = report->bytes_hashed;
	char count[32];
	char size[32];
	uint64_t window;
	size_t i;

	step->is_counting = 1;
	for (window = 0; window < step->window_count; window++)
		STP_TRY(do_window(step, window, err));
	step->is_counting = 0;
	for (i = 0; i < run->worker_count; i++) {
		step->finders[i].reused = 0;
		step->finders[i].removed = 0;
		step->finders[i].renumbered = 0;
		memset(&step->finders[i].again, 0, sizeof(step->finders[i].again));
	}
	if (report->files_hashed > files)
		stp_sign_tell(run, "hash", run->why_read_subject,
		              "%s, so %s file%s will be read (%s)%s", run->why_read,
		              stp_count_format(report->files_hashed - files, count),
		              report->files_hashed - files == 1 ? "" : "s",
		              stp_bytes_format(report->bytes_hashed - bytes, size),
		              run->why_read_hint);
	report->files_hashed = files;
	report->bytes_hashed = bytes;
	run->why_read[0] = '\0';
	return STP_OK;
}

static enum stp_errc do_windows(struct pending_step *step, struct stp_err *err)
{
	struct stp_sign_run *run = step->run;
	unsigned window_bits = 0;
	uint64_t window;
	enum stp_errc code = STP_OK;

	while (window_bits < WINDOW_BITS_MAX && run->entry_count >> window_bits > WINDOW_ENTRIES)
		window_bits++;
	step->range_bits = window_bits + RANGE_BITS;
	step->window_count = (uint64_t)1 << window_bits;
	stp_progress_stage(run->options->progress, "hash", 0, 0);
	if (run->why_read[0])
		code = tell_count(step, err);
	for (window = 0; window < step->window_count && code == STP_OK; window++)
		code = do_window(step, window, err);
	/* What was hashed is kept, also when the run stops here. */
	if (!run->options->dry_run) {
		struct stp_err flush_err = STP_ERR_INIT;
		enum stp_errc flushed = stp_ledger_flush(run->ledger, &flush_err);

		if (code == STP_OK && flushed != STP_OK) {
			stp_err_merge(err, &flush_err);
			code = flushed;
		}
	}
	return code;
}

enum stp_errc stp_sign_pending(struct stp_sign_run *run, struct stp_err *err)
{
	struct pending_step step = {.run = run, .sources = STP_SOURCES_INIT};
	double *stage;
	enum stp_errc code;
	size_t i;

	if (run->entry_count == 0)
		return STP_OK;
	step.finders = calloc(run->worker_count, sizeof(*step.finders));
	if (!step.finders)
		return STP_FAIL_ERRNO(err, ENOMEM, "hash", NULL, "no memory for the workers");
	stage = stp_sign_stage(run, &run->report->seconds.hash);
	for (i = 0; i < run->worker_count; i++)
		stp_arena_init(&step.finders[i].arena, 0);
	code = stp_sign_sources(run, &step.sources, err);
	if (code == STP_OK)
		code = do_windows(&step, err);
	stp_keyset_seal(&run->refused);
	stp_keyset_seal(&run->moved);
	for (i = 0; i < run->worker_count; i++) {
		run->report->files_reused += step.finders[i].reused;
		run->renumbered += step.finders[i].renumbered;
		stp_again_add(&run->report->again, &step.finders[i].again);
		stp_merge_destroy(step.finders[i].merge);
		stp_arena_release(&step.finders[i].arena);
		free(step.finders[i].items);
	}
	free(step.finders);
	free(step.queue);
	stp_sources_release(&step.sources);
	stp_sign_stage(run, stage);
	return code;
}
