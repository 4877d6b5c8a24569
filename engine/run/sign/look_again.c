/* SPDX-License-Identifier: Apache-2.0 */
#include "run/sign/look_again.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"
#include "base/faultpoint.h"
#include "base/filesystem.h"
#include "base/progress.h"
#include "hash/hash.h"
#include "ledger/segment.h"
#include "record/fingerprint.h"
#include "run/sign/again.h"
#include "run/sign/alarm.h"
#include "run/sign/files_queue.h"
#include "run/sign/visit.h"

/* However busy the index is, the run continues after this many rounds, or when they took this
 * long. */
#define ROUNDS_MAX 8
#define ROUNDS_NS  (UINT64_C(60) * 1000000000)
/* A file that is gone may be about to be replaced: it counts as gone after two checks. */
#define PAUSE_NS   100000000
#define RANGE_BITS 6

struct look {
	struct stp_sign_run *run;
	const struct stp_comparison *comparison;
	struct stp_hashed *hashed;
	int has_copies;                 /* of mutable files */
	int wants_names;                /* names may be hard links */
	struct stp_sources checkpoints; /* what is looked at */
	struct stp_keyset moved;        /* keys of files that are not what was hashed */
	struct stp_keyset gone;         /* of those, by this round */
	struct stp_keyset before;       /* the same by the round before */
	struct stp_files_queue *queue;
};

/* --- one file -------------------------------------------------------------------------------- */

enum there {
	THERE_FILE,
	THERE_GONE, /* or a folder, which is not an entry */
	THERE_OTHER,
};

/* Fills *out, a copy of record, with the present state of its file. */
static enum there look_at(struct stp_sign_run *run, const struct stp_record *record,
                          struct stp_record *out, unsigned *out_links)
{
	char path[STP_PATH_BYTES_MAX + 1];
	struct stat st;

	*out = *record;
	stp_record_path(record, path);
	if (fstatat(run->targets_fd, path, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT || errno == ENOTDIR ? THERE_GONE : THERE_OTHER;
	if (S_ISDIR(st.st_mode))
		return THERE_GONE;
	if (!S_ISREG(st.st_mode))
		return THERE_OTHER;
	out->length = (uint64_t)st.st_size;
	out->fingerprint =
	    stp_fingerprint_of(&st, stp_fs_id(&run->fs, st.st_dev, run->targets_fd, path));
	*out_links = (unsigned)st.st_nlink;
	return THERE_FILE;
}

/* Mutable files are hashed once more when they are copied. */
static int is_copied(const struct look *look, const struct stp_record *record)
{
	return look->has_copies && stp_sign_is_mutable(look->run, record);
}

static enum stp_errc check_record(void *ctx, size_t worker, const struct stp_merge_group *group,
                                  struct stp_err *err)
{
	struct look *look = ctx;
	const struct stp_record *record = &group->items[0].record;
	struct stp_record now;
	unsigned tolerated;
	unsigned links;

	(void)worker;
	if (!(record->flags & STP_RECORD_FILE) || is_copied(look, record) ||
	    stp_keyset_has(&look->hashed->refused, record->key))
		return STP_OK;
	if (look_at(look->run, record, &now, &links) != THERE_FILE ||
	    stp_again_compare(&look->comparison->rules.again, &now, record, &tolerated) !=
	        STP_AGAIN_NOT)
		return stp_keyset_add(&look->moved, record->key, err);
	if (look->wants_names && links > 1)
		return stp_keyset_add(&look->hashed->several_names, record->key, err);
	return STP_OK;
}

/* --- checking all files ---------------------------------------------------------------------- */

/* Finds the checkpoints, newest first: records that are in no generation yet. */
static enum stp_errc find_checkpoints(struct look *look, struct stp_err *err)
{
	struct stp_sources all = STP_SOURCES_INIT;
	enum stp_errc code = stp_ledger_sources(look->run->ledger, &all, err);
	size_t i;

	stp_sources_release(&look->checkpoints);
	look->checkpoints = (struct stp_sources)STP_SOURCES_INIT;
	for (i = 0; i < all.count && code == STP_OK; i++)
		if (stp_segment_info(all.items[i].segment)->kind == STP_SEGMENT_CHECKPOINT)
			code = stp_sources_add(&look->checkpoints, all.items[i], err);
	stp_sources_release(&all);
	return code;
}

/* Notes in moved the files that are not as they were hashed, and those that could not be hashed. */
static enum stp_errc look_at_all(struct look *look, struct stp_err *err)
{
	struct stp_sign_run *run = look->run;
	struct stp_walk walk = {.run = run,
	                        .name = "look",
	                        .sources = &look->checkpoints,
	                        .fn = check_record,
	                        .ctx = look};
	size_t i;

	STP_FAULT_TRY(err, "hash", "look", "targets");
	stp_keyset_clear(&look->moved);
	stp_keyset_clear(&look->hashed->several_names);
	STP_TRY(find_checkpoints(look, err));
	walk.range_bits = stp_sources_range_bits(&look->checkpoints, RANGE_BITS);
	if (look->checkpoints.count)
		STP_TRY(stp_sign_walk(&walk, err));
	for (i = 0; i < look->hashed->unstable.count; i++) {
		const char *path = look->hashed->unstable.items[i].subject;
		struct stp_record record = {.path = path, .path_bytes = (uint16_t)strlen(path)};
		int is_left = is_copied(look, &record);

		stp_hash_one(STP_ALG_SHA256, path, strlen(path), record.key);
		STP_TRY(stp_keyset_add(is_left ? &look->hashed->unstable_keys : &look->moved,
		                       record.key, err));
	}
	stp_keyset_seal(&look->moved);
	stp_keyset_seal(&look->hashed->several_names);
	stp_keyset_seal(&look->hashed->unstable_keys);
	return STP_OK;
}

/* --- what moved ------------------------------------------------------------------------------ */

/* Queues a file that changed, in its present state, or notes that it is gone. */
static enum stp_errc queue_moved(void *ctx, size_t worker, const struct stp_decision *decision,
                                 struct stp_err *err)
{
	struct look *look = ctx;
	struct stp_record entry;
	enum there there;
	unsigned links;

	if (!decision->entry || !(decision->entry->flags & STP_RECORD_FILE) ||
	    (decision->verdict != STP_VERDICT_KEEP && decision->verdict != STP_VERDICT_HASH))
		return STP_OK;
	there = look_at(look->run, decision->entry, &entry, &links);
	/* A list that names a missing file is wrong, which is reported as a fault. */
	if (there == THERE_GONE && !(entry.flags & STP_RECORD_LISTED))
		return stp_keyset_add(&look->gone, entry.key, err);
	return stp_files_queue_put(look->queue, worker, decision, &entry, err);
}

static int are_same(const struct stp_keyset *a, const struct stp_keyset *b)
{
	return a->keys.count == b->keys.count &&
	       (a->keys.count == 0 || memcmp(a->keys.data, b->keys.data, a->keys.count) == 0);
}

/* Whether everything is as it was hashed, or gone permanently. */
static int is_quiet(const struct look *look, size_t queued)
{
	return queued == 0 && are_same(&look->gone, &look->before);
}

/* One check of all files, and what it found. */
static enum stp_errc do_round(struct look *look, size_t *out_queued, struct stp_err *err)
{
	uint64_t bytes;

	STP_TRY(look_at_all(look, err));
	stp_files_queue_reset(look->queue);
	stp_keyset_clear(&look->before);
	STP_TRY(
	    stp_buf_append(&look->before.keys, look->gone.keys.data, look->gone.keys.count, err));
	stp_keyset_clear(&look->gone);
	STP_TRY(stp_sign_visit(look->run, look->comparison, &look->moved, queue_moved, look, err));
	stp_keyset_seal(&look->gone);
	STP_TRY(stp_files_queue_gather(look->queue, out_queued, &bytes, err));
	if (*out_queued) {
		stp_progress_stage(look->run->options->progress, "rehash", 0, 0);
		stp_progress_part(look->run->options->progress, 0, 1, *out_queued, bytes);
	}
	return STP_OK;
}

static enum stp_errc refuse_new(const struct look *look, size_t first_fault, size_t total,
                                struct stp_err *err)
{
	if (look->run->faults.total != total)
		STP_TRY(stp_sign_refuse(look->run, look->hashed, first_fault, err));
	stp_keyset_seal(&look->hashed->refused);
	return STP_OK;
}

/* Hashes what changed, or waits if files are only gone. */
static enum stp_errc hash_again(struct look *look, size_t queued, struct stp_err *err)
{
	struct stp_sign_run *run = look->run;
	struct timespec pause = {.tv_nsec = PAUSE_NS};
	size_t first_fault = run->faults.count;
	size_t total = run->faults.total;

	if (queued == 0) {
		nanosleep(&pause, NULL);
		return STP_OK;
	}
	stp_fault_list_release(&look->hashed->unstable);
	stp_fault_list_init(&look->hashed->unstable);
	STP_TRY(stp_files_queue_hash(look->queue, &run->report->files_rehashed,
	                             &run->report->bytes_hashed, err));
	STP_TRY(stp_ledger_flush(run->ledger, err));
	stp_keyset_seal(&look->hashed->moved);
	return refuse_new(look, first_fault, total, err);
}

/* --- the end --------------------------------------------------------------------------------- */

/* Handles a file that still changes when there is no time left. */
static enum stp_errc give_up(void *ctx, size_t worker, const struct stp_decision *decision,
                             struct stp_err *err)
{
	struct look *look = ctx;
	const struct stp_record *entry = decision->entry;

	(void)worker;
	(void)err;
	if (!entry || !(entry->flags & STP_RECORD_FILE) || decision->verdict != STP_VERDICT_KEEP ||
	    decision->is_committed || stp_keyset_has(&look->gone, entry->key))
		return STP_OK;
	/* A mutable one is signed as it was hashed last: the next run signs it again. */
	if (!stp_sign_is_mutable(look->run, entry))
		stp_fault_add(&look->run->faults, STP_CHANGED, 0, "hash", entry->path,
		              entry->path_bytes,
		              "kept changing after it was hashed; sign again when nothing writes "
		              "to it");
	return STP_OK;
}

/* Makes faults of the files that could not be hashed, and will not be. */
static void fault_unstable(struct look *look)
{
	struct stp_sign_run *run = look->run;
	size_t i;

	for (i = 0; i < look->hashed->unstable.count; i++) {
		const struct stp_fault *fault = &look->hashed->unstable.items[i];
		struct stp_record record = {.path = fault->subject,
		                            .path_bytes = (uint16_t)strlen(fault->subject)};

		stp_hash_one(STP_ALG_SHA256, record.path, record.path_bytes, record.key);
		if (!is_copied(look, &record) && !stp_keyset_has(&look->gone, record.key))
			stp_fault_add(&run->faults, fault->code, 0, fault->stage, record.path,
			              record.path_bytes, "%s", fault->text);
	}
}

static enum stp_errc finish(struct look *look, int is_stable, struct stp_err *err)
{
	struct stp_sign_run *run = look->run;
	size_t first_fault = run->faults.count;
	size_t total = run->faults.total;

	fault_unstable(look);
	STP_TRY(refuse_new(look, first_fault, total, err));
	if (!is_stable) {
		first_fault = run->faults.count;
		total = run->faults.total;
		STP_TRY(stp_sign_visit(run, look->comparison, &look->moved, give_up, look, err));
		STP_TRY(refuse_new(look, first_fault, total, err));
	}
	return stp_buf_append(&look->hashed->gone.keys, look->gone.keys.data, look->gone.keys.count,
	                      err);
}

static enum stp_errc do_rounds(struct look *look, struct stp_err *err)
{
	uint64_t started = stp_clock_monotonic_ns();
	size_t queued;
	int round;

	for (round = 0;; round++) {
		STP_TRY(do_round(look, &queued, err));
		if (is_quiet(look, queued))
			return finish(look, 1, err);
		if (round == ROUNDS_MAX || stp_clock_monotonic_ns() - started > ROUNDS_NS)
			return finish(look, 0, err);
		STP_TRY(hash_again(look, queued, err));
	}
}

enum stp_errc stp_sign_look_again(struct stp_sign_run *run, const struct stp_comparison *comparison,
                                  struct stp_hashed *hashed, struct stp_err *err)
{
	struct look look = {.run = run,
	                    .comparison = comparison,
	                    .hashed = hashed,
	                    .has_copies = run->config.target_files != STP_TARGET_FILES_NONE,
	                    .wants_names = run->config.link == STP_LINK_HARDLINK,
	                    .checkpoints = STP_SOURCES_INIT};
	double *stage;
	enum stp_errc code;

	if (run->targets_fd < 0)
		return STP_OK;
	stage = stp_sign_stage(run, &run->report->seconds.hash);
	stp_keyset_init(&look.moved);
	stp_keyset_init(&look.gone);
	stp_keyset_init(&look.before);
	code = stp_files_queue_create(run, hashed, 1, &look.queue, err);
	if (code == STP_OK)
		code = do_rounds(&look, err);
	stp_files_queue_destroy(look.queue);
	stp_keyset_release(&look.moved);
	stp_keyset_release(&look.gone);
	stp_keyset_release(&look.before);
	stp_sources_release(&look.checkpoints);
	stp_sign_stage(run, stage);
	return code;
}
