/* SPDX-License-Identifier: Apache-2.0 */
#include "run/sign/files_queue.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/faultpoint.h"
#include "base/progress.h"
#include "base/sum.h"
#include "digest/stage.h"
#include "hash/hash.h"
#include "record/stamp.h"
#include "run/sign/again.h"
#include "run/sign/alarm.h"

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

/* What one worker found; the arena owns the files. */
struct part {
	struct stp_arena arena;
	struct pending **items;
	size_t count, capacity;
};

struct stp_files_queue {
	struct stp_sign_run *run;
	struct stp_hashed *hashed; /* what checkpoints do not say */
	int is_again;
	struct part *parts;           /* one per worker */
	struct stp_fault_list failed; /* by the stage, until they are sorted out */

	struct pending **items; /* by set of algorithms, large first */
	size_t count;
	unsigned set;        /* of those being hashed */
	size_t end;          /* where they end */
	atomic_size_t taken; /* the next one */
};

/* Copies the digests that said points to. */
static int keep_said(struct part *part, struct stp_said *said)
{
	size_t bytes = stp_alg_set_digest_bytes(said->set);
	uint8_t *copy;

	if (!bytes)
		return 1;
	copy = stp_arena_alloc(&part->arena, bytes);
	if (copy) {
		memcpy(copy, said->digests, bytes);
		said->digests = copy;
	}
	return copy != NULL;
}

static struct pending *make_pending(struct part *part, const struct stp_record *entry)
{
	struct pending *item =
	    stp_arena_alloc(&part->arena, sizeof(*item) + (size_t)entry->path_bytes + 1);

	if (item && part->count == part->capacity) {
		size_t capacity = part->capacity ? part->capacity * 2 : 256;
		struct pending **items = realloc(part->items, capacity * sizeof(struct pending *));

		if (!items)
			return NULL;
		part->items = items;
		part->capacity = capacity;
	}
	if (!item)
		return NULL;
	memset(item, 0, sizeof(*item));
	item->entry = *entry;
	memcpy(item->path, entry->path, entry->path_bytes);
	item->path[entry->path_bytes] = '\0';
	item->entry.path = item->path;
	part->items[part->count++] = item;
	return item;
}

enum stp_errc stp_files_queue_put(struct stp_files_queue *queue, size_t worker,
                                  const struct stp_decision *decision,
                                  const struct stp_record *entry, struct stp_err *err)
{
	unsigned config_set = queue->run->config.hash_set;
	struct part *part = &queue->parts[worker];
	struct pending *item = make_pending(part, entry);
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
	if (!keep_said(part, &item->claims) || !keep_said(part, &item->before.said))
		return STP_FAIL_ERRNO(err, ENOMEM, "hash", NULL, "no memory for the files to hash");
	return STP_OK;
}

/* --- gathering ------------------------------------------------------------------------------- */

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

enum stp_errc stp_files_queue_gather(struct stp_files_queue *queue, size_t *out_count,
                                     uint64_t *out_bytes, struct stp_err *err)
{
	size_t total = 0;
	size_t i;

	for (i = 0; i < queue->run->worker_count; i++)
		total += queue->parts[i].count;
	free(queue->items);
	queue->count = 0;
	queue->items = malloc((total ? total : 1) * sizeof(struct pending *));
	if (!queue->items)
		return STP_FAIL_ERRNO(err, ENOMEM, "hash", NULL, "no memory for %zu files", total);
	for (i = 0; i < queue->run->worker_count; i++) {
		struct part *part = &queue->parts[i];

		if (part->count)
			memcpy(queue->items + queue->count, part->items,
			       part->count * sizeof(struct pending *));
		queue->count += part->count;
		part->count = 0;
	}
	if (queue->count)
		qsort(queue->items, queue->count, sizeof(struct pending *), compare_pending);
	*out_count = queue->count;
	*out_bytes = 0;
	for (i = 0; i < queue->count; i++)
		*out_bytes = stp_sum_add(*out_bytes, queue->items[i]->entry.length);
	return STP_OK;
}

/* --- hashing --------------------------------------------------------------------------------- */

static int next_file(void *ctx, size_t worker, struct stp_record *out)
{
	struct stp_files_queue *queue = ctx;
	size_t at = atomic_fetch_add_explicit(&queue->taken, 1, memory_order_relaxed);

	(void)worker;
	if (at >= queue->end)
		return 0;
	*out = queue->items[at]->entry;
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
	struct stp_files_queue *queue = ctx;
	struct stp_sign_run *run = queue->run;
	const struct pending *item =
	    (const struct pending *)(const void *)(record->path - offsetof(struct pending, path));
	const struct stp_record *entry = &item->entry;
	struct stp_said now = stp_said_by(record, queue->set);
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
	if (queue->is_again || item->is_row || entry->length != record->length ||
	    memcmp(&entry->fingerprint, &record->fingerprint, sizeof(entry->fingerprint)) != 0)
		STP_TRY(stp_keyset_add(&queue->hashed->moved, record->key, err));
	if (queue->set != run->config.hash_set)
		stp_record_restate(&done, queue->set, run->config.hash_set, digests);
	done.flags &= (uint16_t)~STP_RECORD_SIZED;
	return stp_ledger_put(run->ledger, &done, err);
}

enum stp_errc stp_sign_refuse(const struct stp_sign_run *run, struct stp_hashed *hashed,
                              size_t first_fault, struct stp_err *err)
{
	size_t i;

	if (run->faults.total > run->faults.count)
		return STP_FAIL(err, STP_LIMIT, "hash", NULL,
		                "more than %d files are at fault; fix the tree first",
		                STP_FAULTS_KEPT_MAX);
	for (i = first_fault; i < run->faults.count; i++) {
		const char *path = run->faults.items[i].subject;
		uint8_t key[STP_KEY_BYTES];

		stp_hash_one(STP_ALG_SHA256, path, strlen(path), key);
		STP_TRY(stp_keyset_add(&hashed->refused, key, err));
	}
	return STP_OK;
}

/* True when the file may well be there and keep still a moment later: it changed while it was read,
 * or was not there just then. What may change may even have been something else for a moment. */
static int may_settle(const struct stp_sign_run *run, const struct stp_fault *fault)
{
	return fault->code == STP_CHANGED ||
	       (fault->code == STP_FORMAT &&
	        stp_globs_match(&run->config.mutable_globs, fault->subject,
	                        strlen(fault->subject)));
}

/* Sorts out what the stage could not hash. */
static enum stp_errc sort_failed(struct stp_files_queue *queue, struct stp_err *err)
{
	struct stp_sign_run *run = queue->run;
	size_t i;

	if (queue->failed.total > queue->failed.count)
		return STP_FAIL(err, STP_LIMIT, "hash", NULL,
		                "more than %d files cannot be hashed; fix the tree first",
		                STP_FAULTS_KEPT_MAX);
	for (i = 0; i < queue->failed.count; i++) {
		const struct stp_fault *fault = &queue->failed.items[i];
		struct stp_fault_list *list =
		    may_settle(run, fault) ? &queue->hashed->unsettled : &run->faults;

		/* The text ends with what errno means. */
		stp_fault_add(list, fault->code, 0, fault->stage, fault->subject,
		              strlen(fault->subject), "%s", fault->text);
	}
	stp_fault_list_release(&queue->failed);
	stp_fault_list_init(&queue->failed);
	/* Whoever is on neither list would leave the index without a word. */
	if (queue->hashed->unsettled.total > queue->hashed->unsettled.count)
		return STP_FAIL(err, STP_LIMIT, "hash", NULL,
		                "more than %d files change while they are read; sign again when "
		                "less is written",
		                STP_FAULTS_KEPT_MAX);
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
static int64_t settle(const struct stp_files_queue *queue)
{
	const struct stp_sign_run *run = queue->run;
	struct timespec now;
	struct timespec pause = {.tv_nsec = SETTLE_NS};
	int64_t now_ns;
	size_t i;

	if (!stp_fs_all_have_own_clock(&run->fs))
		return stp_sign_racy_after(run);
	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	now_ns = stp_stamp_of(now);
	for (i = 0; i < queue->count; i++) {
		const struct stp_fingerprint *print = &queue->items[i]->entry.fingerprint;

		if (is_fresh(print->mtime_ns, now_ns) || is_fresh(print->ctime_ns, now_ns)) {
			nanosleep(&pause, NULL);
			return stp_stamp_later(now_ns, 1);
		}
	}
	return stp_stamp_later(now_ns, -SETTLE_NS);
}

/* Hashes the files of one set of algorithms, which start at first in the queue. */
static enum stp_errc hash_group(struct stp_files_queue *queue, size_t first, int64_t racy_after_ns,
                                struct stp_hash_progress *counted, struct stp_err *err)
{
	struct stp_sign_run *run = queue->run;
	struct stp_hash_stage_options options = {
	    .root_fd = run->targets_fd,
	    .hash_set = queue->items[first]->set,
	    .jobs = run->jobs,
	    .features = run->features,
	    .io = run->io,
	    .verified_at = run->verified_at,
	    .racy_after_ns = racy_after_ns,
	    .fs = &run->fs,
	    .cancel = run->cancel,
	    .faults = &queue->failed,
	    .progress = counted,
	    .shown = run->options->progress,
	};

	queue->set = options.hash_set;
	queue->end = first;
	while (queue->end < queue->count && queue->items[queue->end]->set == queue->set)
		queue->end++;
	atomic_store(&queue->taken, first);
	return stp_hash_stage_run(&options, next_file, file_done, queue, err);
}

enum stp_errc stp_files_queue_hash(struct stp_files_queue *queue, uint64_t *files, uint64_t *bytes,
                                   struct stp_err *err)
{
	struct stp_hash_progress counted = {0};
	enum stp_errc code = STP_OK;
	int64_t racy_after_ns;
	size_t i;

	if (!queue->count)
		return STP_OK;
	STP_FAULT_TRY(err, "hash", "read", "targets");
	racy_after_ns = settle(queue);
	/* Of these files, not of the run: stamps that lay ahead when a file was hashed are known by
	 * it, see run/sign/again.c. */
	queue->run->verified_at = stp_clock_now();
	for (i = 0; i < queue->count && code == STP_OK; i = queue->end)
		code = hash_group(queue, i, racy_after_ns, &counted, err);
	*files += atomic_load(&counted.files);
	*bytes += atomic_load(&counted.bytes);
	return code == STP_OK ? sort_failed(queue, err) : code;
}

/* --- the queue itself ------------------------------------------------------------------------ */

enum stp_errc stp_files_queue_create(struct stp_sign_run *run, struct stp_hashed *hashed,
                                     int is_again, struct stp_files_queue **out_queue,
                                     struct stp_err *err)
{
	struct stp_files_queue *queue = calloc(1, sizeof(*queue));
	size_t i;

	if (queue)
		queue->parts = calloc(run->worker_count, sizeof(*queue->parts));
	if (!queue || !queue->parts) {
		free(queue);
		return STP_FAIL_ERRNO(err, ENOMEM, "hash", NULL, "no memory for the workers");
	}
	queue->run = run;
	queue->hashed = hashed;
	queue->is_again = is_again;
	for (i = 0; i < run->worker_count; i++)
		stp_arena_init(&queue->parts[i].arena, 0);
	stp_fault_list_init(&queue->failed);
	*out_queue = queue;
	return STP_OK;
}

void stp_files_queue_reset(struct stp_files_queue *queue)
{
	size_t i;

	for (i = 0; i < queue->run->worker_count; i++) {
		queue->parts[i].count = 0;
		stp_arena_reset(&queue->parts[i].arena);
	}
	queue->count = 0;
}

void stp_files_queue_destroy(struct stp_files_queue *queue)
{
	size_t i;

	if (!queue)
		return;
	for (i = 0; i < queue->run->worker_count; i++) {
		stp_arena_release(&queue->parts[i].arena);
		free(queue->parts[i].items);
	}
	stp_fault_list_release(&queue->failed);
	free(queue->parts);
	free(queue->items);
	free(queue);
}
