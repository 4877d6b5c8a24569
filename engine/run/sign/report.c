/* SPDX-License-Identifier: Apache-2.0 */
#include "run/sign/report.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/json_fields.h"
#include "base/text.h"
#include "hash/hash.h"
#include "run/last_run.h"

/* What report->private_ owns. */
struct kept {
	struct stp_arena arena;
	struct stp_sign_fault *faults;
	struct stp_sign_fault *damage;
	struct stp_sign_fault *notes;
};

/* Copies two lists, one after the other; second may be NULL. */
static int copy_faults(struct kept *kept, const struct stp_fault_list *first,
                       const struct stp_fault_list *second, struct stp_sign_fault **out)
{
	size_t first_count = first->count;
	size_t count = first_count + (second ? second->count : 0);
	struct stp_sign_fault *copies =
	    stp_arena_alloc(&kept->arena, (count + 1) * sizeof(*copies));
	size_t i;

	if (!copies)
		return 0;
	for (i = 0; i < count; i++) {
		const struct stp_fault *fault =
		    i < first_count ? &first->items[i] : &second->items[i - first_count];

		copies[i].stage = fault->stage;
		copies[i].subject =
		    stp_arena_copy(&kept->arena, fault->subject, strlen(fault->subject));
		copies[i].text = stp_arena_copy(&kept->arena, fault->text, strlen(fault->text));
		if (!copies[i].subject || !copies[i].text)
			return 0;
	}
	*out = copies;
	return 1;
}

int stp_sign_report_set_faults(struct stp_sign_report *report, const struct stp_fault_list *faults,
                               const struct stp_fault_list *damage,
                               const struct stp_fault_list *reported,
                               const struct stp_fault_list *notes)
{
	struct kept *kept = calloc(1, sizeof(*kept));

	if (!kept)
		return 0;
	stp_arena_init(&kept->arena, 64 * 1024);
	report->private_ = kept;
	if (!copy_faults(kept, faults, NULL, &kept->faults) ||
	    !copy_faults(kept, damage, NULL, &kept->damage) ||
	    !copy_faults(kept, reported, notes, &kept->notes))
		return 0;
	report->faults = kept->faults;
	report->fault_kept_count = faults->count;
	report->fault_count = faults->total;
	report->damage = kept->damage;
	report->damage_count = damage->count;
	report->notes = kept->notes;
	report->note_count = reported->count + notes->count;
	report->logged_count = reported->count;
	return 1;
}

void stp_sign_report_release(struct stp_sign_report *report)
{
	struct kept *kept = report->private_;

	if (kept) {
		stp_arena_release(&kept->arena);
		free(kept);
	}
	memset(report, 0, sizeof(*report));
}

static json_t *versions_json(const struct stp_sign_versions *versions)
{
	json_t *object = json_object();

	stp_json_set_u64(object, "root", versions->root);
	stp_json_set_u64(object, "targets", versions->targets);
	stp_json_set_u64(object, "bins", versions->bins);
	stp_json_set_u64(object, "snapshot", versions->snapshot);
	stp_json_set_u64(object, "timestamp", versions->timestamp);
	return object;
}

static json_t *seconds_json(const struct stp_sign_seconds *seconds)
{
	json_t *object = json_object();

	stp_json_set_seconds(object, "scan", seconds->scan);
	stp_json_set_seconds(object, "hash", seconds->hash);
	stp_json_set_seconds(object, "ledger", seconds->ledger);
	stp_json_set_seconds(object, "bins", seconds->bins);
	stp_json_set_seconds(object, "sign", seconds->sign);
	stp_json_set_seconds(object, "publish", seconds->publish);
	stp_json_set_seconds(object, "rest", seconds->rest);
	stp_json_set_seconds(object, "total", seconds->total);
	return object;
}

static json_t *expiries_json(const struct stp_sign_expiries *expiries)
{
	json_t *object = json_object();

	stp_json_set_time(object, "root", expiries->root);
	stp_json_set_time(object, "targets", expiries->targets);
	stp_json_set_time(object, "bins", expiries->bins);
	stp_json_set_time(object, "bin_n", expiries->bin_n);
	stp_json_set_time(object, "snapshot", expiries->snapshot);
	stp_json_set_time(object, "timestamp", expiries->timestamp);
	return object;
}

static json_t *margin_json(const struct stp_sign_margin *margin)
{
	return margin->known ? json_integer(margin->margin) : json_null();
}

static json_t *margins_json(const struct stp_sign_margins *margins)
{
	json_t *object = json_object();

	json_object_set_new(object, "root", margin_json(&margins->root));
	json_object_set_new(object, "targets", margin_json(&margins->targets));
	json_object_set_new(object, "bins", margin_json(&margins->bins));
	return object;
}

static json_t *kernels_json(const struct stp_sign_report *report)
{
	json_t *object = json_object();
	int alg;

	for (alg = 0; alg < STP_ALG_COUNT; alg++)
		if (report->hash_set & STP_ALG_BIT(alg))
			json_object_set_new(object, stp_alg_name((enum stp_alg)alg),
			                    json_string(stp_hash_kernel_name(
			                        (enum stp_alg)alg, report->cpu_features)));
	return object;
}

/* Subjects are escaped and texts cleaned: they may hold any byte, and JSON must be UTF-8. */
static json_t *faults_json(const struct stp_sign_fault *faults, size_t count)
{
	json_t *array = json_array();
	size_t i;

	for (i = 0; i < count; i++) {
		char subject[4 * 4096 + 8];
		char text[1024];
		json_t *object = json_object();

		stp_text_escape(faults[i].subject, strlen(faults[i].subject), subject,
		                sizeof(subject));
		stp_text_clean(faults[i].text, strlen(faults[i].text), text, sizeof(text));
		json_object_set_new(object, "stage", json_string(faults[i].stage));
		json_object_set_new(object, "subject", json_string(subject));
		json_object_set_new(object, "text", json_string(text));
		json_array_append_new(array, object);
	}
	return array;
}

/* The name of each reason, in the order in which they are printed. */
static const char *const again_names[STP_AGAIN_COUNT] = {
    [STP_AGAIN_NOT] = NULL,        [STP_AGAIN_SIZE] = "size",     [STP_AGAIN_MTIME] = "mtime",
    [STP_AGAIN_INODE] = "inode",   [STP_AGAIN_CTIME] = "ctime",   [STP_AGAIN_DEVICE] = "device",
    [STP_AGAIN_UNSETTLED] = "new", [STP_AGAIN_FUTURE] = "future", [STP_AGAIN_HASHES] = "hashes",
    [STP_AGAIN_REHASH] = "rehash",
};

uint64_t stp_sign_again_text(const struct stp_sign_again *again, char *out, size_t size)
{
	uint64_t total = 0;
	size_t used = 0;
	char count[32];
	size_t i;

	for (i = 1; i < STP_AGAIN_COUNT; i++)
		total += again->files[i];
	out[0] = '\0';
	if (!total)
		return 0;
	used = (size_t)snprintf(out, size, "hashed again: %s file%s (",
	                        stp_count_format(total, count), total == 1 ? "" : "s");
	for (i = 1; i < STP_AGAIN_COUNT && used < size; i++)
		if (again->files[i])
			used += (size_t)snprintf(out + used, size - used, "%s%s: %s",
			                         out[used - 1] == '(' ? "" : ", ",
			                         stp_count_format(again->files[i], count),
			                         again_names[i]);
	if (used < size)
		snprintf(out + used, size - used, ")");
	return total;
}

static json_t *again_json(const struct stp_sign_again *again)
{
	json_t *object = json_object();
	uint64_t total = 0;
	size_t i;

	for (i = 1; i < STP_AGAIN_COUNT; i++)
		total += again->files[i];
	stp_json_set_u64(object, "files", total);
	for (i = 1; i < STP_AGAIN_COUNT; i++)
		stp_json_set_u64(object, again_names[i], again->files[i]);
	return object;
}

static json_t *report_json(const struct stp_sign_report *report)
{
	json_t *object = json_object();

	json_object_set_new(object, "published", json_boolean(report->published));
	json_object_set_new(object, "counted", json_boolean(report->counted));
	stp_json_set_u64(object, "targets", report->targets);
	stp_json_set_u64(object, "target_bytes", report->target_bytes);
	stp_json_set_u64(object, "bins", report->bins);
	stp_json_set_u64(object, "files_hashed", report->files_hashed);
	stp_json_set_u64(object, "bytes_hashed", report->bytes_hashed);
	json_object_set_new(object, "hashed_again", again_json(&report->again));
	stp_json_set_u64(object, "files_reused", report->files_reused);
	stp_json_set_u64(object, "files_removed", report->files_removed);
	stp_json_set_u64(object, "files_rehashed", report->files_rehashed);
	stp_json_set_u64(object, "files_kept", report->files_kept);
	stp_json_set_u64(object, "targets_before", report->targets_before);
	stp_json_set_u64(object, "list_rows", report->list_rows);
	stp_json_set_u64(object, "list_repeats", report->list_repeats);
	stp_json_set_u64(object, "published_files", report->published_files);
	stp_json_set_u64(object, "published_bytes", report->published_bytes);
	stp_json_set_u64(object, "leftover_files", report->leftover_files);
	stp_json_set_u64(object, "links_made", report->links_made);
	stp_json_set_u64(object, "links_repaired", report->links_repaired);
	stp_json_set_u64(object, "faults", report->fault_count);
	json_object_set_new(object, "fault_list",
	                    faults_json(report->faults, report->fault_kept_count));
	json_object_set_new(object, "ledger_damage",
	                    faults_json(report->damage, report->damage_count));
	json_object_set_new(object, "notes", faults_json(report->notes, report->note_count));
	stp_json_set_u64(object, "unknown_files", report->unknown_files);
	json_object_set_new(object, "versions", versions_json(&report->versions));
	json_object_set_new(object, "seconds", seconds_json(&report->seconds));
	stp_json_set_u64(object, "peak_rss_bytes", report->peak_rss_bytes);
	stp_json_set_u64(object, "landlock", (uint64_t)report->landlock_version);
	json_object_set_new(object, "io_backend", json_string(report->io_backend));
	json_object_set_new(object, "io_why", json_string(report->io_why));
	json_object_set_new(object, "kernels", kernels_json(report));
	json_object_set_new(object, "source",
	                    report->source ? json_string(report->source) : json_null());
	stp_json_set_time(object, "now", report->now);
	stp_json_set_time(object, "expires", report->expires_at);
	json_object_set_new(object, "expiries", expiries_json(&report->expiries));
	json_object_set_new(object, "quorum_margin", margins_json(&report->margins));
	stp_json_set_time(object, "oldest_verified", report->oldest_verified_at);
	return object;
}

char *stp_sign_report_json(const struct stp_sign_report *report)
{
	json_t *object = report_json(report);
	char *text = object ? json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;

	json_decref(object);
	return text;
}

void stp_sign_report_save(const struct stp_sign_report *report, int state_fd, enum stp_errc code,
                          const struct stp_err *err)
{
	struct stp_err ignored = STP_ERR_INIT;
	json_t *object = report_json(report);
	char line[1024] = "";
	char *text;

	if (!object)
		return;
	if (code != STP_OK)
		stp_err_format(err, line, sizeof(line));
	json_object_set_new(object, "error", code == STP_OK ? json_null() : json_string(line));
	text = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(9));
	if (text && stp_file_write(state_fd, STP_LAST_RUN_FILE, text, strlen(text), 0600,
	                           STP_FILE_REPLACE, "report", &ignored) != STP_OK)
		ignored.code = STP_OK; /* only informs; the run's own outcome counts */
	free(text);
	json_decref(object);
}
