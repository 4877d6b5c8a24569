/* SPDX-License-Identifier: Apache-2.0 */
#include "run/sign/glob_use.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void stp_glob_use_mark(struct stp_glob_use *use, size_t index)
{
	if (!atomic_exchange_explicit(&use->is_used[index], 1, memory_order_relaxed))
		atomic_fetch_sub_explicit(&use->unused_count, 1, memory_order_relaxed);
}

static int is_watched(enum stp_glob_kind kind, const char *glob)
{
	return kind != STP_GLOB_EXCLUDES || strcspn(glob, "*?[") > 0;
}

enum stp_errc stp_glob_use_begin(struct stp_glob_use *use, const struct stp_globs *globs,
                                 enum stp_glob_kind kind, struct stp_err *err)
{
	size_t i;

	if (!globs->count)
		return STP_OK;
	use->is_used = calloc(globs->count, sizeof(*use->is_used));
	if (!use->is_used)
		return STP_FAIL_ERRNO(err, ENOMEM, "scan", NULL, "no memory for globs");
	use->globs = *globs;
	use->kind = kind;
	atomic_store(&use->unused_count, globs->count);
	for (i = 0; i < globs->count; i++)
		if (!is_watched(kind, globs->items[i]))
			stp_glob_use_mark(use, i);
	return STP_OK;
}

static int is_used(const struct stp_glob_use *use, size_t index)
{
	return atomic_load_explicit(&use->is_used[index], memory_order_relaxed);
}

/* A function of its own, so that the usual case costs one load. */
static void see_path(struct stp_glob_use *use, const char *path, size_t path_bytes)
{
	size_t i;

	for (i = 0; i < use->globs.count; i++) {
		struct stp_globs one = {use->globs.items + i, 1};

		if (is_used(use, i))
			continue;
		if (use->kind == STP_GLOB_PATHS ? stp_globs_match(&one, path, path_bytes)
		                                : stp_globs_name(&one, path, path_bytes))
			stp_glob_use_mark(use, i);
	}
}

void stp_glob_use_see(struct stp_glob_use *use, const char *path, size_t path_bytes)
{
	if (atomic_load_explicit(&use->unused_count, memory_order_relaxed))
		see_path(use, path, path_bytes);
}

void stp_glob_use_pass(struct stp_glob_use *use, const char *folder, size_t folder_bytes)
{
	size_t i;

	if (!atomic_load_explicit(&use->unused_count, memory_order_relaxed))
		return;
	for (i = 0; i < use->globs.count; i++) {
		struct stp_globs one = {use->globs.items + i, 1};

		if (!is_used(use, i) && stp_globs_reach(&one, folder, folder_bytes))
			stp_glob_use_mark(use, i);
	}
}

void stp_glob_use_note(const struct stp_glob_use *use, const char *why,
                       struct stp_fault_list *notes)
{
	size_t i;

	for (i = 0; i < use->globs.count; i++)
		if (!is_used(use, i))
			stp_fault_add(notes, STP_OK, 0, "scan", use->globs.items[i],
			              strlen(use->globs.items[i]), "%s; correct or remove it", why);
}

void stp_glob_use_release(struct stp_glob_use *use)
{
	free(use->is_used);
	memset(use, 0, sizeof(*use));
}
