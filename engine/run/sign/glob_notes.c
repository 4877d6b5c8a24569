/* SPDX-License-Identifier: Apache-2.0 */
#include "run/sign/glob_notes.h"

#include <stdio.h>
#include <string.h>

#include "run/sign/sign_run.h"

/* "mutable" as init writes it is not a mistake if there are no such pages. */
static int is_default_mutable(const struct stp_globs *globs)
{
	return globs->count == 1 && strcmp(globs->items[0], "simple/**") == 0;
}

enum stp_errc stp_glob_notes_begin(struct stp_sign_run *run, struct stp_err *err)
{
	const struct stp_sign_options *options = run->options;
	const struct stp_config *config = &run->config;
	struct stp_glob_notes *globs = &run->globs;
	struct stp_globs scan = {(const char **)(uintptr_t)options->scan_globs,
	                         options->scan_glob_count};
	struct stp_globs replace = {(const char **)(uintptr_t)options->replace_paths,
	                            options->replace_path_count};

	STP_TRY(stp_glob_use_begin(&globs->replace, &replace, STP_GLOB_PATHS, err));
	if (options->digests)
		return stp_glob_use_begin(&globs->scan, &scan, STP_GLOB_INCLUDES, err);
	STP_TRY(stp_glob_use_begin(&globs->include, &config->include, STP_GLOB_INCLUDES, err));
	STP_TRY(stp_glob_use_begin(&globs->exclude, &config->exclude, STP_GLOB_EXCLUDES, err));
	if (is_default_mutable(&config->mutable_globs))
		return STP_OK;
	return stp_glob_use_begin(&globs->mutable_globs, &config->mutable_globs, STP_GLOB_PATHS,
	                          err);
}

void stp_glob_notes_pass(struct stp_glob_notes *globs, const char *folder, size_t folder_bytes)
{
	atomic_store_explicit(&globs->has_met, 1, memory_order_relaxed);
	stp_glob_use_pass(&globs->include, folder, folder_bytes);
	stp_glob_use_pass(&globs->exclude, folder, folder_bytes);
	stp_glob_use_pass(&globs->mutable_globs, folder, folder_bytes);
	stp_glob_use_pass(&globs->scan, folder, folder_bytes);
}

void stp_sign_note_globs(struct stp_sign_run *run)
{
	const struct stp_glob_notes *globs = &run->globs;
	char text[256];

	if (globs->is_complete && atomic_load(&globs->has_met)) {
		stp_glob_use_note(&globs->include,
		                  "is in \"include\" of stampede.json, and matches nothing",
		                  &run->notes);
		stp_glob_use_note(&globs->exclude,
		                  "is in \"exclude\" of stampede.json, and matches nothing",
		                  &run->notes);
		stp_glob_use_note(&globs->mutable_globs,
		                  "is in \"mutable\" of stampede.json, and matches nothing",
		                  &run->notes);
		snprintf(text, sizeof(text), "is given with %s, and matches nothing",
		         stp_hint_text(STP_HINT_SCAN));
		stp_glob_use_note(&globs->scan, text, &run->notes);
	}
	if (globs->is_compared) {
		snprintf(text, sizeof(text),
		         "is given with %s, and names no file that has other bytes than were "
		         "signed",
		         stp_hint_text(STP_HINT_REPLACE));
		stp_glob_use_note(&globs->replace, text, &run->notes);
	}
}

void stp_glob_notes_release(struct stp_glob_notes *globs)
{
	stp_glob_use_release(&globs->include);
	stp_glob_use_release(&globs->exclude);
	stp_glob_use_release(&globs->mutable_globs);
	stp_glob_use_release(&globs->scan);
	stp_glob_use_release(&globs->replace);
}
