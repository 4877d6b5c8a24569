/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/ledger.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <sodium.h>

#include "base/file.h"
#include "ledger/folder.h"
#include "ledger/ledger_state.h"
#include "ledger/segment_reader.h"

#define FOLDER "ledger"

/* Opens the segment of entry and checks that it is the one that the manifest describes. */
static enum stp_errc open_listed(struct stp_ledger *ledger, const struct stp_manifest_entry *entry,
                                 struct stp_segment **out_segment, struct stp_err *err)
{
	const struct stp_segment_info *info;
	struct stp_segment *segment;

	STP_TRY(stp_segment_open(ledger->folder_fd, entry->name, ledger->seal_key, &segment, err));
	info = stp_segment_info(segment);
	if (sodium_memcmp(info->seal, entry->seal, STP_SEAL_BYTES) != 0 ||
	    info->hash_set != ledger->manifest.hash_set) {
		stp_segment_close(segment);
		return STP_FAIL(err, STP_CHANGED, "ledger", entry->name,
		                "is not the segment that its manifest lists, but another one with "
		                "the same key");
	}
	stp_segment_tolerate(segment, ledger->options.damage);
	*out_segment = segment;
	return STP_OK;
}

/* Opens the manifest's segments, newest first, up to the first that is broken. */
static void open_segments(struct stp_ledger *ledger)
{
	struct stp_manifest *manifest = &ledger->manifest;
	struct stp_err err = STP_ERR_INIT;
	size_t i;

	/* Segments of another set are read, but a delta cannot be based on them. */
	ledger->is_whole = !manifest->count || manifest->hash_set == ledger->options.hash_set;
	for (i = 0; i < manifest->count; i++) {
		if (open_listed(ledger, &manifest->entries[i], &ledger->segments[i], &err) !=
		    STP_OK) {
			ledger->is_whole = 0;
			stp_ledger_refuse(ledger, &err);
			if (i + 1 < manifest->count)
				stp_fault_add(ledger->options.damage, STP_CHANGED, 0, "ledger",
				              manifest->entries[i + 1].name,
				              strlen(manifest->entries[i + 1].name),
				              "not used, because a newer segment is missing or "
				              "broken; its files count as new");
			return;
		}
		ledger->segment_count++;
	}
}

/* A checkpoint file found at open: kept when it opens and is newer than the generation in use. */
static enum stp_errc find_checkpoint(struct stp_ledger *ledger, const struct stp_ledger_file *file,
                                     struct stp_err *err)
{
	struct stp_checkpoint checkpoint = {.number = file->number, .level = file->level};
	struct stp_err local = STP_ERR_INIT;
	const struct stp_segment_info *info;

	snprintf(checkpoint.name, sizeof(checkpoint.name), "%s", file->name);
	if (ledger->next_number <= file->number)
		ledger->next_number = file->number + 1;
	if (stp_segment_open(ledger->folder_fd, file->name, ledger->seal_key, &checkpoint.segment,
	                     &local) != STP_OK) {
		stp_ledger_refuse(ledger, &local);
		return STP_OK;
	}
	info = stp_segment_info(checkpoint.segment);
	/* One whose records are in the generation already would put older records on top of it. */
	if (info->kind != STP_SEGMENT_CHECKPOINT || info->hash_set != ledger->options.hash_set ||
	    info->generation <= ledger->manifest.generation) {
		stp_segment_close(checkpoint.segment);
		return STP_OK;
	}
	if (ledger->next_generation <= info->generation)
		ledger->next_generation = info->generation;
	stp_segment_tolerate(checkpoint.segment, ledger->options.damage);
	return stp_ledger_add_checkpoint(ledger, &checkpoint, err);
}

/* The next generation's number is above all that exist. */
static void pass_number(struct stp_ledger *ledger, uint64_t number)
{
	if (number < UINT64_MAX / 2 && ledger->next_generation <= number)
		ledger->next_generation = number + 1;
}

/* Finds the newest valid manifest. */
static void find_manifest(struct stp_ledger *ledger, const struct stp_ledger_folder *folder)
{
	size_t i;

	for (i = 0; i < folder->count; i++) {
		const struct stp_ledger_file *file = &folder->items[i];
		struct stp_err err = STP_ERR_INIT;

		if (file->kind != STP_LEDGER_MANIFEST)
			continue;
		pass_number(ledger, file->number);
		if (ledger->manifest.generation)
			continue;
		if (stp_manifest_read(ledger->folder_fd, file->number, ledger->seal_key,
		                      &ledger->manifest, &err) != STP_OK)
			stp_ledger_refuse(ledger, &err);
	}
}

/* Removes the leftovers of runs that never committed: they must not fill a disk that made those
 * runs fail, and generations must not skip numbers because of them, because parts are re-hashed in
 * the order of those numbers. A leftover segment is one that is newer than the newest manifest;
 * where that manifest is broken, leftovers cannot be recognized, and all segments stay. What cannot
 * be removed stays, and its number is not used. */
static void sweep_uncommitted(struct stp_ledger *ledger, const struct stp_ledger_folder *folder)
{
	int is_known = !ledger->options.read_only && ledger->refused_count == 0;
	size_t i;

	for (i = 0; i < folder->count; i++) {
		const struct stp_ledger_file *file = &folder->items[i];

		if (file->kind == STP_LEDGER_LEFTOVER && !ledger->options.read_only)
			unlinkat(ledger->folder_fd, file->name, 0);
		if (file->kind != STP_LEDGER_SEGMENT)
			continue;
		if (!is_known || file->number <= ledger->manifest.generation ||
		    unlinkat(ledger->folder_fd, file->name, 0) != 0)
			pass_number(ledger, file->number);
	}
}

/* Loads everything that is in the folder. */
static enum stp_errc load(struct stp_ledger *ledger, struct stp_err *err)
{
	struct stp_ledger_folder folder;
	enum stp_errc code = STP_OK;
	size_t i;

	STP_TRY(stp_ledger_folder_list(ledger->folder_fd, &folder, err));
	find_manifest(ledger, &folder);
	sweep_uncommitted(ledger, &folder);
	open_segments(ledger);
	for (i = 0; i < folder.count && code == STP_OK; i++) {
		if (folder.items[i].kind == STP_LEDGER_CHECKPOINT)
			code = find_checkpoint(ledger, &folder.items[i], err);
	}
	stp_ledger_folder_release(&folder);
	return code;
}

/* Opens or creates the folder; a read-only ledger may be missing. */
static enum stp_errc open_folder(struct stp_ledger *ledger, struct stp_err *err)
{
	struct stp_err why = STP_ERR_INIT;
	enum stp_errc code;

	if (!ledger->options.read_only)
		return stp_folder_make(ledger->options.state_fd, FOLDER, 0700, "ledger",
		                       &ledger->folder_fd, err);
	code =
	    stp_folder_open(ledger->options.state_fd, FOLDER, "ledger", &ledger->folder_fd, &why);
	if (code == STP_OK || why.sys_errno == ENOENT)
		return STP_OK;
	stp_err_merge(err, &why);
	return code;
}

enum stp_errc stp_ledger_open(const struct stp_ledger_options *options,
                              struct stp_ledger **out_ledger, struct stp_err *err)
{
	struct stp_ledger *ledger = calloc(1, sizeof(*ledger));
	enum stp_errc code = STP_OK;

	if (!ledger)
		return STP_FAIL_ERRNO(err, ENOMEM, "ledger", NULL, "cannot open it");
	ledger->options = *options;
	ledger->folder_fd = -1;
	ledger->next_generation = 1;
	ledger->next_number = 1;
	ledger->is_whole = 1;
	stp_collect_init(ledger);
	/* May be called again, from any thread. */
	if (sodium_init() >= 0)
		ledger->seal_key = sodium_malloc(STP_SEAL_KEY_BYTES);
	if (!ledger->seal_key)
		code = STP_FAIL_ERRNO(err, ENOMEM, "ledger", NULL, "no locked memory for its key");
	else
		memcpy(ledger->seal_key, options->seal_key, STP_SEAL_KEY_BYTES);
	if (code == STP_OK)
		code = open_folder(ledger, err);
	if (code == STP_OK && ledger->folder_fd >= 0)
		code = load(ledger, err);
	if (code != STP_OK) {
		stp_ledger_close(ledger);
		return code;
	}
	*out_ledger = ledger;
	return STP_OK;
}

void stp_ledger_close(struct stp_ledger *ledger)
{
	size_t i;

	if (!ledger)
		return;
	for (i = 0; i < ledger->segment_count; i++)
		stp_segment_close(ledger->segments[i]);
	for (i = 0; i < ledger->checkpoint_count; i++)
		stp_segment_close(ledger->checkpoints[i].segment);
	for (i = 0; i < ledger->retired_count; i++)
		stp_segment_close(ledger->retired[i]);
	free(ledger->checkpoints);
	free(ledger->retired);
	stp_collect_release(ledger);
	stp_fd_close(&ledger->folder_fd);
	sodium_free(ledger->seal_key);
	free(ledger);
}

uint64_t stp_ledger_generation(const struct stp_ledger *ledger)
{
	return ledger->manifest.generation;
}

unsigned stp_ledger_hash_set(const struct stp_ledger *ledger)
{
	return ledger->segment_count ? ledger->manifest.hash_set : ledger->options.hash_set;
}

const struct stp_ledger_summary *stp_ledger_summary(const struct stp_ledger *ledger)
{
	return &ledger->manifest.summary;
}

size_t stp_ledger_refused_count(const struct stp_ledger *ledger)
{
	return ledger->refused_count;
}

/* Records in segments of the generation that are (or are not) of kind base. */
static uint64_t count_records(const struct stp_ledger *ledger, int of_base)
{
	uint64_t count = 0;
	size_t i;

	for (i = 0; i < ledger->segment_count; i++) {
		const struct stp_segment_info *info = stp_segment_info(ledger->segments[i]);

		if ((info->kind == STP_SEGMENT_BASE) == of_base)
			count += info->record_count;
	}
	return count;
}

uint64_t stp_ledger_base_count(const struct stp_ledger *ledger)
{
	return count_records(ledger, 1);
}

uint64_t stp_ledger_delta_count(const struct stp_ledger *ledger)
{
	return count_records(ledger, 0);
}

size_t stp_ledger_checkpoint_count(const struct stp_ledger *ledger)
{
	return ledger->checkpoint_count;
}

enum stp_errc stp_ledger_sources(struct stp_ledger *ledger, struct stp_sources *sources,
                                 struct stp_err *err)
{
	size_t i;

	for (i = 0; i < ledger->checkpoint_count; i++) {
		struct stp_source source = {.borrowed = 1, .is_ledger = 1};

		stp_ledger_open_checkpoint(ledger, i, &source.segment);
		if (!source.segment)
			continue;
		ledger->checkpoints[i].is_lent = 1;
		STP_TRY(stp_sources_add(sources, source, err));
	}
	for (i = 0; i < ledger->segment_count; i++) {
		struct stp_source source = {
		    .segment = ledger->segments[i], .borrowed = 1, .is_ledger = 1};

		STP_TRY(stp_sources_add(sources, source, err));
	}
	return STP_OK;
}

int stp_ledger_wants_base(const struct stp_ledger *ledger, uint64_t delta_record_count)
{
	size_t i;

	if (!ledger->is_whole || !ledger->segment_count ||
	    ledger->segment_count >= STP_LEDGER_SEGMENTS_MAX / 2)
		return 1;
	for (i = 0; i < ledger->segment_count; i++) {
		if (stp_segment_damaged_count(ledger->segments[i]))
			return 1;
	}
	return (stp_ledger_delta_count(ledger) + delta_record_count) >
	       stp_ledger_base_count(ledger) / 4;
}

enum stp_errc stp_ledger_begin(struct stp_ledger *ledger, enum stp_segment_kind kind,
                               struct stp_segment_writer **out_writer, struct stp_err *err)
{
	struct stp_segment_options options = stp_ledger_segment_options(ledger, kind);
	char name[STP_SEGMENT_NAME_MAX + 1];

	STP_ASSERT(!ledger->options.read_only);
	/* A run that starts again withdraws what it prepared. */
	if (ledger->has_prepared)
		unlinkat(ledger->folder_fd, ledger->prepared.name, 0);
	ledger->has_prepared = 0;
	STP_ASSERT(kind == STP_SEGMENT_BASE || (kind == STP_SEGMENT_DELTA && ledger->is_whole &&
	                                        ledger->segment_count < STP_LEDGER_SEGMENTS_MAX));
	snprintf(name, sizeof(name), "%llu.%s.segment", (unsigned long long)ledger->next_generation,
	         kind == STP_SEGMENT_BASE ? "base" : "delta");
	/* A run that was killed after its prepare may have left one; no manifest lists it. */
	if (unlinkat(ledger->folder_fd, name, 0) != 0 && errno != ENOENT)
		return STP_FAIL_SYS(err, "ledger", name, "cannot remove a leftover");
	return stp_segment_create(ledger->folder_fd, name, &options, out_writer, err);
}

enum stp_errc stp_ledger_prepare(struct stp_ledger *ledger, struct stp_segment_writer *writer,
                                 struct stp_err *err)
{
	struct stp_manifest_entry *entry = &ledger->prepared;
	struct stp_segment_info info;

	STP_TRY(stp_segment_commit(writer, &info, err));
	snprintf(entry->name, sizeof(entry->name), "%llu.%s.segment",
	         (unsigned long long)info.generation,
	         info.kind == STP_SEGMENT_BASE ? "base" : "delta");
	entry->kind = info.kind;
	entry->generation = info.generation;
	entry->file_bytes = info.file_bytes;
	entry->record_count = info.record_count;
	memcpy(entry->seal, info.seal, STP_SEAL_BYTES);
	ledger->has_prepared = 1;
	return STP_OK;
}

/* True when manifest lists the segment name. */
static int lists(const struct stp_manifest *manifest, const char *name)
{
	size_t i;

	for (i = 0; i < manifest->count; i++) {
		if (strcmp(manifest->entries[i].name, name) == 0)
			return 1;
	}
	return 0;
}

/* Removes every file of the ledger that neither of the two generations needs. */
static enum stp_errc sweep(struct stp_ledger *ledger, const struct stp_manifest *now,
                           const struct stp_manifest *before, struct stp_err *err)
{
	struct stp_ledger_folder folder;
	size_t i;

	STP_TRY(stp_ledger_folder_list(ledger->folder_fd, &folder, err));
	for (i = 0; i < folder.count; i++) {
		const struct stp_ledger_file *file = &folder.items[i];

		if (file->kind == STP_LEDGER_MANIFEST &&
		    (file->number == now->generation || file->number == before->generation))
			continue;
		if (file->kind == STP_LEDGER_SEGMENT &&
		    (lists(now, file->name) || lists(before, file->name)))
			continue;
		/* What cannot be removed now is tried again by the next run. */
		unlinkat(ledger->folder_fd, file->name, 0);
	}
	stp_ledger_folder_release(&folder);
	return STP_OK;
}

enum stp_errc stp_ledger_commit(struct stp_ledger *ledger, const struct stp_ledger_summary *summary,
                                struct stp_err *err)
{
	struct stp_manifest next = {
	    .hash_set = ledger->options.hash_set,
	    .generation = ledger->next_generation,
	    .summary = *summary,
	};
	int is_base = ledger->has_prepared && ledger->prepared.kind == STP_SEGMENT_BASE;
	size_t i;

	STP_ASSERT(is_base || ledger->is_whole);
	if (ledger->has_prepared)
		next.entries[next.count++] = ledger->prepared;
	for (i = 0; i < ledger->manifest.count && !is_base; i++)
		next.entries[next.count++] = ledger->manifest.entries[i];
	STP_TRY(stp_manifest_write(&next, ledger->folder_fd, ledger->seal_key, err));
	STP_TRY(sweep(ledger, &next, &ledger->manifest, err));
	ledger->manifest = next;
	ledger->next_generation++;
	ledger->has_prepared = 0;
	return STP_OK;
}
