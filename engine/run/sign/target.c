/* SPDX-License-Identifier: Apache-2.0 */
#include "run/sign/target.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"
#include "base/filesystem.h"
#include "base/sum.h"
#include "record/fingerprint.h"
#include "run/sign/alarm.h"
#include "run/sign/visit.h"

#define TRIES_MAX 8
/* Between two tries: long enough for most writers of a page; all pauses of a run together take less
 * than a minute. */
#define PAUSE_NS   10000000
#define PAUSES_MAX 3000

#define CHANGED_TEXT "has changed since it was hashed; sign again"
#define MOVING_TEXT                                                                             \
	"keeps changing while it is read; sign again when nothing writes to it, or replace it " \
	"by rename"

/* One target that has changed. */
struct change {
	struct stp_target *target;
	struct stp_target_step *step;
	size_t worker;
	const struct stp_decision *decision;
	struct stp_target_counts *counts;
};

/* --- the record ------------------------------------------------------------------------------ */

static void clean(struct stp_record *record)
{
	/* A path that comes back is a target like all others. */
	record->flags &= (uint16_t) ~(STP_RECORD_LISTED | STP_RECORD_NO_PATH | STP_RECORD_REMOVED |
	                              STP_RECORD_SIZED);
	record->origin = 0;
}

/* Sets the fingerprint; if it differs, the ledger's record is no longer the same. */
static void set_fingerprint(struct stp_target *target, const struct stp_fingerprint *print)
{
	if (stp_fingerprint_difference(&target->record.fingerprint, print))
		target->is_committed = 0;
	target->record.fingerprint = *print;
}

void stp_target_init(struct stp_target *target, unsigned hash_set,
                     const struct stp_decision *decision)
{
	target->record = *decision->record;
	target->is_committed = decision->is_committed;
	target->fate = STP_TARGET_SIGN;
	if (decision->record_set != hash_set || target->record.flags & STP_RECORD_CLAIMS)
		stp_record_restate(&target->record, decision->record_set, hash_set,
		                   target->digests);
	clean(&target->record);
	/* A tolerated difference: the next run compares with what this one saw. */
	if (decision->tolerated & STP_TOLERATED_CTIME)
		target->record.flags |= STP_RECORD_PASSED;
	if (decision->tolerated)
		set_fingerprint(target, &decision->entry->fingerprint);
}

static enum stp_errc fault(struct change *change, const char *text, int sys_errno)
{
	const struct stp_record *record =
	    change->decision->entry ? change->decision->entry : change->decision->record;

	stp_fault_add(&change->step->run->faults, STP_CHANGED, sys_errno, "links", record->path,
	              record->path_bytes, "%s", text);
	change->target->fate = STP_TARGET_FAULTED;
	return STP_OK;
}

/* Whether the last run signed these very bytes, so that it also made their names. */
static int was_signed(const struct stp_sign_run *run, const struct stp_decision *decision)
{
	const struct stp_record *before = decision->committed;

	return decision->is_committed ||
	       (before && (before->flags & STP_RECORD_DIGESTS) &&
	        before->length == decision->record->length &&
	        memcmp(before->digests, decision->record->digests, run->digest_bytes) == 0);
}

/* --- what has changed ------------------------------------------------------------------------ */

static void add_path(struct stp_missing *list, const struct stp_record *record)
{
	char path[STP_PATH_BYTES_MAX + 1];

	stp_record_path(record, path);
	stp_missing_add(list, path);
}

/* Signs the target as it was signed last, if those bytes are still served; else it is a fault. */
static enum stp_errc keep_last(struct change *change, const char *text, struct stp_err *err)
{
	const struct stp_decision *decision = change->decision;
	struct stp_sign_run *run = change->step->run;
	struct stp_target *target = change->target;
	struct stp_record record;
	int serves = 0;

	if (!decision->committed)
		return fault(change, text, 0);
	record = *decision->committed;
	if (decision->committed_set != run->config.hash_set || record.flags & STP_RECORD_CLAIMS)
		stp_record_restate(&record, decision->committed_set, run->config.hash_set,
		                   target->digests);
	if (record.flags & STP_RECORD_DIGESTS)
		STP_TRY(
		    stp_links_serve(change->step->links, change->worker, &record, &serves, err));
	if (!serves)
		return fault(change, text, 0);
	clean(&record);
	target->record = record;
	/* The generation already has it, unless it comes from the published bins. */
	target->is_committed = !change->step->has_published;
	target->fate = STP_TARGET_SIGN;
	add_path(&change->counts->kept, &record);
	return STP_OK;
}

/* The file is gone. */
static enum stp_errc be_absent(struct change *change, struct stp_err *err)
{
	const struct stp_decision *decision = change->decision;

	if (decision->committed && stp_sign_is_mutable(change->step->run, decision->entry))
		return keep_last(change, "was removed during the run; sign again", err);
	change->target->fate = STP_TARGET_ABSENT;
	add_path(&change->counts->absent, decision->entry);
	return STP_OK;
}

/* Whether the file, which was read again, may have its present bytes. */
static int may_be_so(struct change *change)
{
	const struct stp_record *now = &change->target->record;
	struct stp_signed_last before = stp_sign_signed_last(change->decision);
	struct stp_said said_now = stp_said_by(now, change->step->run->config.hash_set);
	enum stp_same same;

	if ((!change->decision->committed && !change->decision->removed) ||
	    stp_sign_may_change(change->step->run, now))
		return 1;
	same = stp_said_compare(&before.said, &said_now);
	if (same == STP_SAME_YES)
		return 1;
	change->target->fate = STP_TARGET_FAULTED;
	if (same == STP_SAME_NO)
		stp_sign_alarm(change->step->run, now, &before, &said_now);
	else
		(void)fault(change, CHANGED_TEXT, 0);
	return 0;
}

/* The number that records use for the file system that this record names by its device. */
static uint64_t fs_id_of(struct stp_sign_run *run, const struct stp_record *record)
{
	char path[STP_PATH_BYTES_MAX + 1];

	stp_record_path(record, path);
	return stp_fs_id(&run->fs, (dev_t)record->fingerprint.fs_id, run->targets_fd, path);
}

/* Reads the file again and makes its names. *out_again: it changed once more. */
static enum stp_errc try_again(struct change *change, int *out_again, struct stp_err *err)
{
	struct stp_sign_run *run = change->step->run;
	struct stp_target *target = change->target;
	struct stp_record record = *change->decision->entry;
	enum stp_links_result result;
	enum stp_links_now now;
	int sys_errno;

	*out_again = 0;
	STP_TRY(stp_links_reread(change->step->links, change->worker, &record, target->now, &now,
	                         &sys_errno, err));
	if (sys_errno)
		return fault(change, "cannot be opened to make its HASH.NAME", sys_errno);
	if (now == STP_LINKS_NOW_GONE)
		return be_absent(change, err);
	*out_again = now != STP_LINKS_NOW_FILE;
	if (*out_again)
		return STP_OK;
	clean(&record);
	record.verified_at = stp_clock_now();
	record.fingerprint.fs_id = fs_id_of(run, &record);
	target->record = record;
	target->is_committed = 0;
	if (!may_be_so(change))
		return STP_OK;
	STP_TRY(stp_links_put(change->step->links, change->worker, &target->record,
	                      &target->record.fingerprint, &run->faults, &result, err));
	*out_again = result == STP_LINKS_CHANGED;
	target->fate = result == STP_LINKS_FAULT ? STP_TARGET_FAULTED : STP_TARGET_SIGN;
	if (result == STP_LINKS_DONE) {
		change->counts->reread_files++;
		change->counts->reread_bytes =
		    stp_sum_add(change->counts->reread_bytes, record.length);
	}
	return STP_OK;
}

static void pause_a_little(struct stp_target_step *step)
{
	static const struct timespec pause = {.tv_nsec = PAUSE_NS};

	if (atomic_fetch_add_explicit(&step->pauses, 1, memory_order_relaxed) < PAUSES_MAX)
		nanosleep(&pause, NULL);
}

static enum stp_errc sort_out(struct change *change, struct stp_err *err)
{
	const struct stp_record *entry = change->decision->entry;
	struct stp_sign_run *run = change->step->run;
	const struct stp_record *record = entry ? entry : change->decision->record;
	int is_mutable = stp_sign_is_mutable(run, record);
	int again = 1;
	int tries;

	/* A list's statement about a file is not corrected here. */
	if (!entry || !(entry->flags & STP_RECORD_FILE) || entry->flags & STP_RECORD_LISTED)
		return is_mutable ? keep_last(change, CHANGED_TEXT, err)
		                  : fault(change, CHANGED_TEXT, 0);
	for (tries = 0; tries < TRIES_MAX; tries++) {
		if (stp_cancelled(run->cancel))
			return STP_FAIL(err, STP_CANCELLED, "links", NULL, "stopped");
		if (tries)
			pause_a_little(change->step);
		STP_TRY(try_again(change, &again, err));
		if (!again)
			return STP_OK;
	}
	return is_mutable ? keep_last(change, MOVING_TEXT, err) : fault(change, MOVING_TEXT, 0);
}

/* --- names ----------------------------------------------------------------------------------- */

static enum stp_errc put_names(struct stp_target *target, const struct stp_target_step *step,
                               size_t worker, const struct stp_decision *decision,
                               struct stp_fault_list *faults, enum stp_links_result *out_result,
                               struct stp_err *err)
{
	struct stp_fingerprint print = target->record.fingerprint;

	if (was_signed(step->run, decision))
		STP_TRY(stp_links_repair(step->links, worker, &target->record, &print, faults,
		                         out_result, err));
	else
		STP_TRY(stp_links_put(step->links, worker, &target->record, &print, faults,
		                      out_result, err));
	set_fingerprint(target, &print);
	return STP_OK;
}

enum stp_errc stp_target_link(struct stp_target *target, struct stp_target_step *step,
                              size_t worker, const struct stp_decision *decision,
                              struct stp_target_counts *counts, struct stp_err *err)
{
	struct change change = {target, step, worker, decision, counts};
	enum stp_links_result result = STP_LINKS_CHANGED;

	if (stp_links_need(step->links) == STP_LINKS_NEED_NONE) {
		/* It was left to the copy, but the targets folder is empty now, so no copies are
		 * made. */
		return decision->verdict == STP_VERDICT_KEEP ? STP_OK
		                                             : fault(&change, CHANGED_TEXT, 0);
	}
	if (decision->verdict != STP_VERDICT_HASH) {
		if (decision->is_committed && !stp_links_look(step->links, &target->record))
			return STP_OK;
		STP_TRY(
		    put_names(target, step, worker, decision, &step->run->faults, &result, err));
	}
	if (result == STP_LINKS_FAULT)
		target->fate = STP_TARGET_FAULTED;
	return result == STP_LINKS_CHANGED ? sort_out(&change, err) : STP_OK;
}

/* --- files with several names ---------------------------------------------------------------- */

/* True when the names of the target may be made before all others are checked: it has the bytes
 * that were signed, or none were signed. */
static int may_link_first(const struct stp_sign_run *run, const struct stp_decision *decision)
{
	return decision->verdict == STP_VERDICT_KEEP && decision->record->flags & STP_RECORD_FILE &&
	       !stp_sign_is_mutable(run, decision->record) &&
	       ((!decision->committed && !decision->removed) || was_signed(run, decision));
}

static enum stp_errc link_first(void *ctx, size_t worker, const struct stp_decision *decision,
                                struct stp_err *err)
{
	struct stp_target_step *step = ctx;
	const struct stp_sign_run *run = step->run;
	struct stp_fault_list ignored;
	struct stp_target target;
	enum stp_links_result result;
	enum stp_errc code;
	char path[STP_PATH_BYTES_MAX + 1];
	struct stat st;

	if (!may_link_first(run, decision))
		return STP_OK;
	stp_target_init(&target, run->config.hash_set, decision);
	if (!(target.record.flags & STP_RECORD_DIGESTS))
		return STP_OK;
	stp_record_path(&target.record, path);
	if (fstatat(run->targets_fd, path, &st, AT_SYMLINK_NOFOLLOW) != 0 || st.st_nlink < 2)
		return STP_OK;
	/* Anything wrong with it is found again when it is signed. */
	stp_fault_list_init(&ignored);
	code = put_names(&target, step, worker, decision, &ignored, &result, err);
	stp_fault_list_release(&ignored);
	return code;
}

enum stp_errc stp_sign_link_first(struct stp_target_step *step,
                                  const struct stp_comparison *comparison, struct stp_err *err)
{
	const struct stp_keyset *several = &comparison->rules.hashed->several_names;

	if (!stp_links_are_hard(step->links) || step->run->targets_fd < 0)
		return STP_OK;
	if (stp_links_need(step->links) == STP_LINKS_NEED_ALL)
		several = NULL;
	return stp_sign_visit(step->run, comparison, several, link_first, step, err);
}

/* --- counts ---------------------------------------------------------------------------------- */

void stp_target_counts_merge(struct stp_target_counts *into, const struct stp_target_counts *from)
{
	into->reread_files += from->reread_files;
	into->reread_bytes = stp_sum_add(into->reread_bytes, from->reread_bytes);
	stp_missing_merge(&into->kept, &from->kept);
	stp_missing_merge(&into->absent, &from->absent);
}

void stp_target_counts_release(struct stp_target_counts *counts)
{
	stp_missing_release(&counts->kept);
	stp_missing_release(&counts->absent);
}

/* One note about all paths of a list; its subject is the first path. */
static void note(struct stp_sign_run *run, const struct stp_missing *list, const char *one,
                 const char *many)
{
	char others[512] = "";

	if (!list->count || !list->kept)
		return;
	if (list->count == 1) {
		stp_fault_add(&run->notes, STP_CHANGED, 0, "links", list->paths[0],
		              strlen(list->paths[0]), "%s", one);
		return;
	}
	if (list->kept > 1)
		snprintf(others, sizeof(others), " (among them %.200s%s%.200s)", list->paths[1],
		         list->kept > 2 ? ", " : "", list->kept > 2 ? list->paths[2] : "");
	stp_fault_add(&run->notes, STP_CHANGED, 0, "links", list->paths[0], strlen(list->paths[0]),
	              "and %" PRIu64 " other%s%s %s", list->count - 1, list->count == 2 ? "" : "s",
	              others, many);
}

void stp_target_note(struct stp_sign_run *run, const struct stp_target_counts *counts)
{
	note(run, &counts->kept,
	     "kept changing during the run: it is signed as it was last time, and those bytes are "
	     "still served",
	     "kept changing during the run: they are signed as they were last time, and those "
	     "bytes are still served");
	note(run, &counts->absent, "was removed during the run: it is not signed",
	     "were removed during the run: they are not signed");
}
