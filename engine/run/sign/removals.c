/* SPDX-License-Identifier: Apache-2.0 */
#include "run/sign/removals.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "run/sign/decide.h"
#include "run/sign/sign_run.h"

#define STAGE "sign"
/* Error texts have 256 bytes: the text around the cause takes 155 with the largest numbers. */
#define CAUSE_BYTES 100
#define NAME_BYTES  40

/* --- counting -------------------------------------------------------------------------------- */

/* Inserts removal by its key and takes over its path; what no longer fits is freed. */
static void show(struct stp_removals *removals, const struct stp_removal *removal)
{
	size_t at = removals->shown_count;

	if (at == STP_REMOVALS_SHOWN) {
		if (stp_key_compare(removals->shown[at - 1].key, removal->key) <= 0) {
			free(removal->path);
			return;
		}
		free(removals->shown[--at].path);
	} else {
		removals->shown_count++;
	}
	while (at && stp_key_compare(removals->shown[at - 1].key, removal->key) > 0) {
		removals->shown[at] = removals->shown[at - 1];
		at--;
	}
	removals->shown[at] = *removal;
}

enum stp_errc stp_removals_count(struct stp_removals *removals, const struct stp_record *record,
                                 enum stp_removal_reason reason, struct stp_err *err)
{
	struct stp_removal removal = {.reason = reason,
	                              .fs_id = record->fingerprint.fs_id,
	                              .has_fs_id = (record->flags & STP_RECORD_FILE) != 0};
	size_t last = removals->shown_count;

	removals->count++;
	removals->excluded += reason == STP_REMOVAL_EXCLUDED;
	removals->at_fault += reason == STP_REMOVAL_FAULT;
	if (last == STP_REMOVALS_SHOWN &&
	    stp_key_compare(removals->shown[last - 1].key, record->key) <= 0)
		return STP_OK;
	memcpy(removal.key, record->key, STP_KEY_BYTES);
	removal.path = strndup(record->path, record->path_bytes);
	if (!removal.path)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, NULL, "no memory for a path");
	show(removals, &removal);
	return STP_OK;
}

enum stp_errc stp_removals_add(struct stp_removals *removals, const struct stp_sign_run *run,
                               const struct stp_decision *decision, struct stp_err *err)
{
	const struct stp_record *before = decision->committed;
	enum stp_removal_reason reason = STP_REMOVAL_ABSENT;

	if (!before)
		return STP_OK;
	if (decision->verdict != STP_VERDICT_REMOVED)
		reason = STP_REMOVAL_FAULT;
	else if (!run->options->digests &&
	         !stp_config_keeps(&run->config, before->path, before->path_bytes))
		reason = STP_REMOVAL_EXCLUDED;
	return stp_removals_count(removals, before, reason, err);
}

void stp_removals_merge(struct stp_removals *removals, struct stp_removals *part)
{
	size_t i;

	removals->before += part->before;
	removals->count += part->count;
	removals->excluded += part->excluded;
	removals->at_fault += part->at_fault;
	removals->added += part->added;
	for (i = 0; i < part->shown_count; i++)
		show(removals, &part->shown[i]);
	memset(part, 0, sizeof(*part));
}

void stp_removals_release(struct stp_removals *removals)
{
	while (removals->shown_count)
		free(removals->shown[--removals->shown_count].path);
	memset(removals, 0, sizeof(*removals));
}

uint64_t stp_removals_allowed(const struct stp_sign_run *run, uint64_t before)
{
	uint64_t allowed = stp_removal_limit_of(&run->config.max_removals, before);

	return run->options->allow_removals > allowed ? run->options->allow_removals : allowed;
}

/* --- the likely cause ------------------------------------------------------------------------ */

/* mkfs creates it, so a folder that holds nothing else counts as empty. */
#define MADE_BY_MKFS "lost+found"

/* Writes name, escaped, into out; a long one is cut. */
static const char *short_name(const char *name, char out[NAME_BYTES])
{
	stp_text_escape(name, strlen(name), out, NAME_BYTES);
	return out;
}

/* Whether the folder is on another file system than removal's file was. */
static int is_elsewhere(const struct stp_sign_run *run, const struct stp_removal *removal, int fd)
{
	struct stp_fs_table fs;
	struct stat st;

	stp_fs_table_init(&fs, run->targets_fd);
	return removal->has_fs_id && fstat(fd, &st) == 0 &&
	       !stp_fs_is_same(&fs, stp_fs_id(&fs, st.st_dev, fd, ""), removal->fs_id);
}

/* Finds the highest folder on the path of removal's file that no longer exists, is empty, or is on
 * another file system: out describes it. Returns 0 when there is none. */
static int find_missing_folder(const struct stp_sign_run *run, const struct stp_removal *removal,
                               char *out, size_t size)
{
	char folder[STP_PATH_BYTES_MAX + 1];
	char name[NAME_BYTES];
	const char *slash = strchr(removal->path, '/');

	for (; slash; slash = strchr(slash + 1, '/')) {
		int empty;
		int fd;

		snprintf(folder, sizeof(folder), "%.*s", (int)(slash - removal->path),
		         removal->path);
		fd = openat(run->targets_fd, folder,
		            O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		empty = fd < 0 ? errno == ENOENT : stp_folder_is_empty(fd, MADE_BY_MKFS);
		if (empty) {
			snprintf(out, size, "the folder %s is %s (is it mounted?)",
			         short_name(folder, name), fd < 0 ? "missing" : "empty");
		} else if (fd >= 0 && is_elsewhere(run, removal, fd)) {
			snprintf(out, size, "%s is on another file system than last time",
			         short_name(folder, name));
			empty = 1;
		}
		stp_fd_close(&fd);
		if (empty)
			return 1;
	}
	return 0;
}

/* Whether path, or a folder that it is in, is on the list of faults. */
static int is_at_fault(const struct stp_sign_run *run, const char *path)
{
	size_t i;

	for (i = 0; i < run->faults.count; i++) {
		const char *subject = run->faults.items[i].subject;
		size_t bytes = strlen(subject);

		if (strncmp(path, subject, bytes) == 0 &&
		    (path[bytes] == '\0' || path[bytes] == '/'))
			return 1;
	}
	return 0;
}

/* Marks examples below a folder that is at fault: the scan did not reach them. */
static void note_faults(const struct stp_sign_run *run, struct stp_removals *removals)
{
	size_t i;

	for (i = 0; i < removals->shown_count; i++)
		if (is_at_fault(run, removals->shown[i].path))
			removals->shown[i].reason = STP_REMOVAL_FAULT;
}

/* Whether part makes up most of the removals, or the reason most of the examples. */
static int is_most(const struct stp_removals *removals, uint64_t part,
                   enum stp_removal_reason reason)
{
	size_t shown = 0;
	size_t i;

	for (i = 0; i < removals->shown_count; i++)
		shown += removals->shown[i].reason == reason;
	return part >= removals->count - part || 2 * shown > removals->shown_count;
}

static void cause_in_list(const struct stp_sign_run *run, const struct stp_removals *removals,
                          char *out, size_t size)
{
	char rows[32];

	if (run->report->list_rows == 0)
		snprintf(out, size, "the list has no rows (did the program that writes it fail?)");
	else if (removals->added >= removals->count - removals->added)
		snprintf(out, size, "%s other paths are new (another list, or other names?)",
		         stp_count_format(removals->added, rows));
	else
		snprintf(out, size, "the list has only %s rows (did it end early?)",
		         stp_count_format(run->report->list_rows, rows));
}

static void cause_in_tree(const struct stp_sign_run *run, const struct stp_removals *removals,
                          char *out, size_t size)
{
	char count[32];
	size_t i;

	if (stp_folder_is_empty(run->targets_fd, MADE_BY_MKFS)) {
		snprintf(out, size, "the folder is empty (is its file system mounted?)");
		return;
	}
	for (i = 0; i < removals->shown_count; i++)
		if (find_missing_folder(run, &removals->shown[i], out, size))
			return;
	if (removals->added >= removals->count - removals->added)
		snprintf(out, size,
		         "%s other files are new (is targets_dir right? were files moved?)",
		         stp_count_format(removals->added, count));
	else
		snprintf(out, size, "they are no longer in the folder");
}

static void find_cause(const struct stp_sign_run *run, const struct stp_removals *removals,
                       char *out, size_t size)
{
	char count[32];

	if (is_most(removals, removals->at_fault, STP_REMOVAL_FAULT) ||
	    run->faults.total >= removals->count)
		snprintf(out, size, "%s files, folders or rows are at fault",
		         stp_count_format(run->faults.total, count));
	else if (is_most(removals, removals->excluded, STP_REMOVAL_EXCLUDED))
		snprintf(out, size, "\"include\" and \"exclude\" of stampede.json keep them out");
	else if (run->options->digests)
		cause_in_list(run, removals, out, size);
	else
		cause_in_tree(run, removals, out, size);
}

/* --- the check ------------------------------------------------------------------------------- */

static int compare_paths(const void *a, const void *b)
{
	return strcmp(((const struct stp_removal *)a)->path, ((const struct stp_removal *)b)->path);
}

static const char *reason_text(const struct stp_sign_run *run, enum stp_removal_reason reason)
{
	if (reason == STP_REMOVAL_FAULT)
		return "it or its folder is at fault";
	if (reason == STP_REMOVAL_EXCLUDED)
		return "the globs of stampede.json keep it out";
	return run->options->digests ? "it is not in the list" : "it is not in the folder";
}

static void note_examples(struct stp_sign_run *run, struct stp_removals *removals)
{
	size_t i;

	qsort(removals->shown, removals->shown_count, sizeof(*removals->shown), compare_paths);
	for (i = 0; i < removals->shown_count; i++) {
		const struct stp_removal *removal = &removals->shown[i];

		stp_fault_add(&run->notes, STP_REFUSED, 0, STAGE, removal->path,
		              strlen(removal->path),
		              "was signed last time and would be removed: %s",
		              reason_text(run, removal->reason));
	}
}

enum stp_errc stp_removals_check(struct stp_sign_run *run, struct stp_removals *removals,
                                 struct stp_err *err)
{
	uint64_t allowed = stp_removals_allowed(run, removals->before);
	const char *subject =
	    run->options->digests ? run->list_source.name : run->config.targets_dir;
	char cause[CAUSE_BYTES];
	char a[32], b[32], c[32];

	if (removals->count <= allowed)
		return STP_OK;
	note_faults(run, removals);
	note_examples(run, removals);
	find_cause(run, removals, cause, sizeof(cause));
	return STP_FAIL(stp_hinted(err, STP_HINT_ALLOW_REMOVALS), STP_REFUSED, STAGE, subject,
	                "%s of %s targets would be removed (at most %s may be), so nothing was "
	                "published: %s; correct it, or accept it: %s %" PRIu64,
	                stp_count_format(removals->count, a), stp_count_format(removals->before, b),
	                stp_count_format(allowed, c), cause, stp_hint_text(STP_HINT_ALLOW_REMOVALS),
	                removals->count);
}

/* --- nothing at all -------------------------------------------------------------------------- */

void stp_sign_note_nothing(struct stp_sign_run *run, const struct stp_removals *removals)
{
	const char *folder = run->config.targets_dir;
	char text[CAUSE_BYTES];
	char count[32];

	if (run->report->targets || !run->report->counted || run->options->digests ||
	    removals->before)
		return;
	if (run->faults.total)
		snprintf(text, sizeof(text), "everything in it is at fault (%s)",
		         stp_count_format(run->faults.total, count));
	else if (atomic_load(&run->globs.has_met))
		snprintf(text, sizeof(text),
		         "\"include\" and \"exclude\" of stampede.json exclude everything in it");
	else
		snprintf(text, sizeof(text), "it holds nothing to sign; is it mounted?");
	stp_fault_add(&run->notes, STP_OK, 0, STAGE, folder, strlen(folder), "0 targets: %s", text);
}
