/* SPDX-License-Identifier: Apache-2.0 */
#include "run/sign/files_queue.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/faultpoint.h"
#include "base/progress.h"
#include "digest/queue.h"
#include "digest/stage.h"
#include "hash/hash.h"
#include "record/fingerprint.h"
#include "record/stamp.h"
#include "record/trust.h"
#include "run/sign/again.h"
#include "run/sign/alarm.h"

/* A file to hash: what sign needs besides the item of the queue. */
struct pending {
	struct stp_record entry; /* path: the item's */
	struct stp_said claims;  /* of its row in a list; without length if the row has none */
	/* what was signed, if it cannot be compared with what will be signed */
	struct stp_signed_last before;
	int is_row; /* a complete row, whose file is read only to compare */
};

struct stp_files_queue {
	struct stp_sign_run *run;
	struct stp_hashed *hashed; /* results that are not in the checkpoints */
	int is_again;
	struct stp_digest_queue *files; /* a group is a set of algorithms */
	size_t count;                   /* gathered */
	unsigned set;                   /* of those being hashed */
	struct stp_fault_list failed;   /* by the stage, until sort_failed() */
};

/* Copies the digests that said points to. */
static int keep_said(struct stp_files_queue *queue, size_t worker, struct stp_said *said)
{
	size_t bytes = stp_alg_set_digest_bytes(said->set);
	uint8_t *copy;

	if (!bytes)
		return 1;
	copy = stp_digest_queue_alloc(queue->files, worker, bytes);
	if (copy) {
		memcpy(copy, said->digests, bytes);
		said->digests = copy;
	}
	return copy != NULL;
}

enum stp_errc stp_files_queue_put(struct stp_files_queue *queue, size_t worker,
                                  const struct stp_decision *decision,
                                  const struct stp_record *entry, struct stp_err *err)
{
	unsigned config_set = queue->run->config.hash_set;
	struct stp_said claims = stp_said_by(decision->entry, config_set);
	struct stp_signed_last before = stp_sign_signed_last(decision);
	int is_compared = !(before.said.set & config_set);
	unsigned set = config_set | claims.set | (is_compared ? before.said.set : 0);
	struct stp_digest_item *item;
	struct pending *pending;

	STP_TRY(
	    stp_digest_queue_put(queue->files, worker, entry, set, sizeof(*pending), &item, err));
	pending = item->extra;
	pending->entry = *entry;
	pending->entry.path = item->path;
	/* The stage returns the digests of the file itself. */
	pending->entry.digests = NULL;
	pending->entry.flags &= (uint16_t) ~(STP_RECORD_DIGESTS | STP_RECORD_CLAIMS);
	pending->claims = claims;
	if (is_compared)
		pending->before = before;
	pending->is_row = !(decision->entry->flags & STP_RECORD_FILE);
	if (!keep_said(queue, worker, &pending->claims) ||
	    !keep_said(queue, worker, &pending->before.said))
		return STP_FAIL_ERRNO(err, ENOMEM, "hash", NULL, "no memory for the files to hash");
	return STP_OK;
}

enum stp_errc stp_files_queue_gather(struct stp_files_queue *queue, size_t *out_count,
                                     uint64_t *out_bytes, struct stp_err *err)
{
	STP_TRY(stp_digest_queue_gather(queue->files, &queue->count, out_bytes, err));
	*out_count = queue->count;
	return STP_OK;
}

/* --- hashing --------------------------------------------------------------------------------- */

static int next_file(void *ctx, size_t worker, struct stp_record *out)
{
	struct stp_files_queue *queue = ctx;
	const struct stp_digest_item *item = stp_digest_queue_next(queue->files);

	(void)worker;
	if (!item)
		return STP_HASH_NEXT_END;
	*out = ((const struct pending *)item->extra)->entry;
	return STP_HASH_NEXT_FILE;
}

/* Raises the alarm about a row that the file contradicts. True after a fault. */
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
	const struct pending *item = stp_digest_item_of(record)->extra;
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
		/* Allowed for this run only. If this run fails, a later one could not know that, so
		 * it must read the file again. */
		if (!stp_sign_is_mutable(run, entry))
			done.flags |= STP_RECORD_RACY;
	}
	/* The file changed between scan and open, and was then read whole: its newer state counts.
	 * A row that was compared is noted by its key as well. */
	if (queue->is_again || item->is_row || entry->length != record->length ||
	    stp_fingerprint_difference(&entry->fingerprint, &record->fingerprint))
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

/* True when the file may be readable a moment later: it changed while it was read, or did not exist
 * just then. A mutable path may even have been something else for a moment. */
static int may_recover(const struct stp_sign_run *run, const struct stp_fault *fault)
{
	return fault->code == STP_CHANGED ||
	       (fault->code == STP_FORMAT &&
	        stp_globs_match(&run->config.mutable_globs, fault->subject,
	                        strlen(fault->subject)));
}

/* Decides what happens to the files that the stage could not hash. */
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
		    may_recover(run, fault) ? &queue->hashed->unstable : &run->faults;

		/* The text ends with what errno means. */
		stp_fault_add(list, fault->code, 0, fault->stage, fault->subject,
		              strlen(fault->subject), "%s", fault->text);
	}
	stp_fault_list_release(&queue->failed);
	stp_fault_list_init(&queue->failed);
	/* A file on neither list would be removed from the index silently. */
	if (queue->hashed->unstable.total > queue->hashed->unstable.count)
		return STP_FAIL(err, STP_LIMIT, "hash", NULL,
		                "more than %d files changed while they were read; sign again when "
		                "less is being written",
		                STP_FAULTS_KEPT_MAX);
	return STP_OK;
}

/* From which time on the queue's files are racy (record/trust.h). If this machine's clock sets the
 * stamps, it is enough to wait a moment before hashing a file that was made just now; otherwise,
 * files that changed since shortly before the scan are hashed again next time. */
static int64_t settle(const struct stp_files_queue *queue)
{
	const struct stp_sign_run *run = queue->run;
	struct timespec pause = {.tv_nsec = STP_STAMP_SETTLE_NS};
	int64_t now_ns = stp_stamp_tick();
	size_t i;

	if (!stp_fs_all_have_own_clock(&run->fs))
		return stp_sign_racy_after(run);
	for (i = 0; i < queue->count; i++) {
		const struct pending *item = stp_digest_queue_at(queue->files, i)->extra;

		if (stp_stamps_are_fresh(&item->entry.fingerprint, now_ns)) {
			nanosleep(&pause, NULL);
			return stp_stamp_later(now_ns, 1);
		}
	}
	return stp_stamp_later(now_ns, -STP_STAMP_SETTLE_NS);
}

/* Hashes the files of queue->set. */
static enum stp_errc hash_group(struct stp_files_queue *queue, int64_t racy_after_ns,
                                struct stp_hash_progress *counted, struct stp_err *err)
{
	struct stp_sign_run *run = queue->run;
	struct stp_hash_stage_options options = {
	    .root_fd = run->targets_fd,
	    .hash_set = queue->set,
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

	return stp_hash_stage_run(&options, next_file, file_done, queue, err);
}

enum stp_errc stp_files_queue_hash(struct stp_files_queue *queue, uint64_t *files, uint64_t *bytes,
                                   struct stp_err *err)
{
	struct stp_hash_progress counted = {0};
	enum stp_errc code = STP_OK;
	int64_t racy_after_ns;

	if (!queue->count)
		return STP_OK;
	STP_FAULT_TRY(err, "hash", "read", "targets");
	racy_after_ns = settle(queue);
	/* Of these files, not of the run: it shows which stamps were in the future when a file was
	 * hashed, see record/trust.h. */
	queue->run->verified_at = stp_clock_now();
	while (code == STP_OK && stp_digest_queue_next_group(queue->files, &queue->set))
		code = hash_group(queue, racy_after_ns, &counted, err);
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
	enum stp_errc code;

	if (!queue)
		return STP_FAIL_ERRNO(err, ENOMEM, "hash", NULL, "no memory for the workers");
	code = stp_digest_queue_create(run->worker_count, &queue->files, err);
	if (code != STP_OK) {
		free(queue);
		return code;
	}
	queue->run = run;
	queue->hashed = hashed;
	queue->is_again = is_again;
	stp_fault_list_init(&queue->failed);
	*out_queue = queue;
	return STP_OK;
}

void stp_files_queue_reset(struct stp_files_queue *queue)
{
	stp_digest_queue_reset(queue->files);
	queue->count = 0;
}

void stp_files_queue_destroy(struct stp_files_queue *queue)
{
	if (!queue)
		return;
	stp_digest_queue_destroy(queue->files);
	stp_fault_list_release(&queue->failed);
	free(queue);
}
