/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many threads read bins, because they mostly wait for the disk, until a window of files is queued;
 * then these are hashed, and so on until the last bin.
 */
#include "run/verify/files.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cpu.h"
#include "base/limits.h"
#include "base/text.h"
#include "base/thread.h"
#include "digest/queue.h"
#include "digest/stage.h"
#include "hash/hash.h"
#include "publish/names.h"
#include "record/stamp.h"
#include "scan/tree.h"
#include "verify/bin_file.h"
#include "verify/bins.h"
#include "verify/published.h"

#define STAGE     "verify"
#define MARK      8  /* digest bytes kept per known target, shared by its algorithms */
#define KEY_KEPT  16 /* key bytes kept per known target */
#define KEY_BATCH 256
/* A window has about this many files; where bins hold more, a bin for each job. */
#define WINDOW_FILES 32768

/* A target in the set of keys. */
struct known {
	uint8_t key[KEY_KEPT];
	uint8_t mark[MARK];
};

struct known_bin {
	struct known *items; /* sorted */
	size_t count;
};

struct audit {
	const struct stp_verify_files_options *options;
	struct known_bin *known; /* by bin */
	struct stp_digest_queue *queue;
	size_t reader_count;
	struct reader {
		struct stp_buf file;
		struct stp_bin_file bin;
	} * readers;
	int64_t bin_files;             /* expected number of files of a bin */
	int64_t window_files;          /* a window is full with this many */
	atomic_int_fast64_t queued;    /* in this window, and expected of bins being read */
	atomic_uint_fast64_t next_bin; /* to be read */
	atomic_uint_fast64_t files, bytes, skipped;
};

/* ---------------------------------------------------------------- targets of one bin */

/* Whether a target with this key is in today's sample. */
static int in_sample(const struct audit *audit, const uint8_t key[32])
{
	uint64_t mixed;

	if (audit->options->sample <= 1)
		return 1;
	/* splitmix64 over the key and the day. */
	mixed = stp_load64_be(key + 8) +
	        (uint64_t)(audit->options->now / 86400) * 0x9e3779b97f4a7c15ULL;
	mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9ULL;
	mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebULL;
	return (mixed ^ (mixed >> 31)) % audit->options->sample == 0;
}

/* Queues the file at path; the item's extra is its digests as signed, packed in the set's order. */
static enum stp_errc queue_file(struct audit *audit, size_t worker,
                                const struct stp_bin_entry *entry, const char *path,
                                size_t path_bytes, uint64_t ino, struct stp_err *err)
{
	unsigned set = audit->options->hash_set;
	struct stp_record record = {
	    .path = path,
	    .path_bytes = (uint16_t)path_bytes,
	    .length = entry->length,
	    .fingerprint.ino = ino,
	};
	struct stp_digest_item *item;
	uint8_t *digests;
	int alg;

	STP_TRY(stp_digest_queue_put(audit->queue, worker, &record, 0,
	                             stp_alg_set_digest_bytes(set), &item, err));
	atomic_fetch_add_explicit(&audit->queued, 1, memory_order_relaxed);
	digests = item->extra;
	for (alg = 0; alg < STP_ALG_COUNT; alg++)
		if (set & STP_ALG_BIT(alg))
			(void)stp_hex_decode(entry->hex[alg],
			                     stp_alg_digest_bytes((enum stp_alg)alg),
			                     digests + stp_alg_set_offset(set, (enum stp_alg)alg),
			                     0);
	return STP_OK;
}

/* Whether HASH.NAME is a file of its own: neither a symbolic link nor a hard link to the index's
 * file. */
static int is_copy(const struct audit *audit, const struct stp_bin_entry *entry,
                   const struct stat *st)
{
	char path[STP_PATH_BYTES_MAX + 1];
	struct stat plain;

	snprintf(path, sizeof(path), "%.*s", (int)entry->path_bytes, entry->path);
	return S_ISREG(st->st_mode) && (uint64_t)st->st_size == entry->length &&
	       stp_stamp_of(st->st_ctim) > audit->options->touched_after_ns &&
	       (fstatat(audit->options->copies_of_fd, path, &plain, AT_SYMLINK_NOFOLLOW) != 0 ||
	        plain.st_dev != st->st_dev || plain.st_ino != st->st_ino);
}

/* Queues the file at path, if there is one; a wrong length is reported at once. */
static enum stp_errc queue_name(struct audit *audit, size_t worker,
                                const struct stp_bin_entry *entry, const char *path,
                                size_t path_bytes, int *out_there, struct stp_err *err)
{
	struct stat st;

	if (fstatat(audit->options->targets_fd, path, &st, AT_SYMLINK_NOFOLLOW) != 0) {
		if (errno == ENOENT || errno == ENOTDIR || errno == ENAMETOOLONG)
			return STP_OK;
		return STP_FAIL_SYS(err, STAGE, path, "cannot stat");
	}
	*out_there = 1;
	if (audit->options->copies_of_fd >= 0 && !is_copy(audit, entry, &st))
		return STP_OK;
	if (S_ISREG(st.st_mode) && (uint64_t)st.st_size != entry->length) {
		stp_finding_add(audit->options->findings, STP_FINDING_TARGET_DIFFERS, path,
		                "has %llu bytes, but %llu are signed",
		                (unsigned long long)st.st_size, (unsigned long long)entry->length);
		return STP_OK;
	}
	return queue_file(audit, worker, entry, path, path_bytes, st.st_ino, err);
}

/* Queues every name under which the target exists. */
static enum stp_errc queue_target(struct audit *audit, size_t worker,
                                  const struct stp_bin_entry *entry, struct stp_err *err)
{
	char path[STP_PATH_BYTES_MAX + 2 * STP_DIGEST_BYTES_MAX + 8];
	int there = 0;
	int alg;

	snprintf(path, sizeof(path), "%.*s", (int)entry->path_bytes, entry->path);
	if (audit->options->copies_of_fd < 0)
		STP_TRY(queue_name(audit, worker, entry, path, entry->path_bytes, &there, err));
	for (alg = 0; alg < STP_ALG_COUNT; alg++) {
		size_t count;

		if (!(audit->options->hash_set & STP_ALG_BIT(alg)))
			continue;
		count = stp_target_name(entry->path, entry->path_bytes, entry->hex[alg],
		                        2 * stp_alg_digest_bytes((enum stp_alg)alg), path,
		                        sizeof(path));
		if (count)
			STP_TRY(queue_name(audit, worker, entry, path, count, &there, err));
	}
	if (!there && audit->options->copies_of_fd < 0) {
		snprintf(path, sizeof(path), "%.*s", (int)entry->path_bytes, entry->path);
		stp_finding_add(audit->options->findings, STP_FINDING_TARGET_ABSENT, path,
		                "is signed but missing, under its own name and as HASH.NAME");
	}
	return STP_OK;
}

/* Notes the beginning of the target's digests, an equal part of MARK for each algorithm. */
static void fill_mark(const struct audit *audit, const struct stp_bin_entry *entry,
                      uint8_t mark[MARK])
{
	unsigned set = audit->options->hash_set;
	size_t share = MARK / (size_t)__builtin_popcount(set), used = 0;
	int alg;

	memset(mark, 0, MARK);
	for (alg = 0; alg < STP_ALG_COUNT; alg++) {
		if (!(set & STP_ALG_BIT(alg)))
			continue;
		(void)stp_hex_decode(entry->hex[alg], share, mark + used, 0);
		used += share;
	}
}

static int compare_known(const void *a, const void *b)
{
	return memcmp(a, b, KEY_KEPT);
}

/* Whether the path may be opened; the audit of bins reports the others. */
static int is_usable(const struct audit *audit, const struct stp_bin_file *bin,
                     const struct stp_bin_entry *entry)
{
	return bin->hash_set == audit->options->hash_set && !entry->escaped &&
	       !stp_target_path_problem(entry->path, entry->path_bytes);
}

/* Computes the keys of up to KEY_BATCH targets, then adds them to set and queue. */
static enum stp_errc queue_batch(struct audit *audit, size_t worker, const struct stp_bin_file *bin,
                                 size_t begin, size_t end, struct known_bin *known,
                                 struct stp_err *err)
{
	const uint8_t *paths[KEY_BATCH] = {NULL};
	size_t bytes[KEY_BATCH] = {0};
	uint8_t keys[KEY_BATCH][32];
	size_t i;

	for (i = begin; i < end; i++) {
		paths[i - begin] = (const uint8_t *)bin->entries[i].path;
		bytes[i - begin] = bin->entries[i].path_bytes;
	}
	stp_hash_many(STP_ALG_SHA256, paths, bytes, end - begin, NULL, 0, keys[0], sizeof(keys[0]));
	for (i = begin; i < end; i++) {
		struct known *item = &known->items[known->count];

		if (!is_usable(audit, bin, &bin->entries[i]))
			continue;
		memcpy(item->key, keys[i - begin], KEY_KEPT);
		fill_mark(audit, &bin->entries[i], item->mark);
		known->count++;
		if (in_sample(audit, keys[i - begin]))
			STP_TRY(queue_target(audit, worker, &bin->entries[i], err));
		else
			atomic_fetch_add_explicit(&audit->skipped, 1, memory_order_relaxed);
	}
	return STP_OK;
}

/* Adds all targets of bin index to the queue and to the set of keys. */
static enum stp_errc read_bin(struct audit *audit, size_t worker, size_t index, struct stp_err *err)
{
	struct reader *reader = &audit->readers[worker];
	const struct stp_chain *tree = audit->options->tree;
	struct known_bin *known = &audit->known[index];
	char name[256];
	int there;
	size_t i;

	if (!tree->bin_items[index].listed)
		return STP_OK;
	stp_bin_file_name(&tree->bin_items[index], name, sizeof(name));
	STP_TRY(stp_published_read(tree->folder_fd, name, STP_BIN_FILE_BYTES_MAX, &reader->file,
	                           NULL, &there, err));
	if (!there || stp_bin_file_parse(&reader->bin, reader->file.data, reader->file.count) !=
	                  STP_BIN_FILE_OK)
		return STP_OK; /* the audit of bins reports it */
	known->items = malloc((reader->bin.entry_count + 1) * sizeof(*known->items));
	if (!known->items)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, name, "cannot note targets");
	for (i = 0; i < reader->bin.entry_count; i += KEY_BATCH) {
		size_t end = i + KEY_BATCH < reader->bin.entry_count ? i + KEY_BATCH
		                                                     : reader->bin.entry_count;

		STP_TRY(queue_batch(audit, worker, &reader->bin, i, end, known, err));
	}
	qsort(known->items, known->count, sizeof(*known->items), compare_known);
	return STP_OK;
}

/* Reads bins until the window has enough files. The expected files of a bin are counted before it
 * is read, so that no more bins are started than the window needs. */
static enum stp_errc fill_window(void *ctx, size_t worker, struct stp_err *err)
{
	struct audit *audit = ctx;
	const struct stp_verify_files_options *options = audit->options;

	while (atomic_fetch_add(&audit->queued, audit->bin_files) < audit->window_files) {
		uint64_t index = atomic_fetch_add(&audit->next_bin, 1);

		if (index >= options->tree->bin_count)
			return STP_OK;
		if (options->cancel && stp_cancelled(options->cancel))
			return STP_FAIL(err, STP_CANCELLED, STAGE, NULL, "stopped");
		STP_TRY(read_bin(audit, worker, (size_t)index, err));
		atomic_fetch_sub(&audit->queued, audit->bin_files);
	}
	return STP_OK;
}

/* ----------------------------------------------------------------------- hash stage */

static int next_file(void *ctx, size_t worker, struct stp_record *out)
{
	struct audit *audit = ctx;
	const struct stp_digest_item *item = stp_digest_queue_next(audit->queue);

	(void)worker;
	if (!item)
		return STP_HASH_NEXT_END;
	stp_digest_item_record(item, out);
	return STP_HASH_NEXT_FILE;
}

static enum stp_finding_code differs(const struct audit *audit)
{
	return audit->options->copies_of_fd < 0 ? STP_FINDING_TARGET_DIFFERS
	                                        : STP_FINDING_SERVED_DIFFERS;
}

/* Reports what differs between a hashed file and what is signed. */
static void compare_digests(struct audit *audit, const struct stp_digest_item *item,
                            const struct stp_record *record)
{
	const uint8_t *digests = item->extra;
	unsigned set = audit->options->hash_set;
	int alg;

	if (record->length != item->length) {
		stp_finding_add(audit->options->findings, differs(audit), item->path,
		                "has %llu bytes, but %llu are signed",
		                (unsigned long long)record->length,
		                (unsigned long long)item->length);
		return;
	}
	for (alg = 0; alg < STP_ALG_COUNT; alg++) {
		size_t at, bytes = stp_alg_digest_bytes((enum stp_alg)alg);
		char found[2 * STP_DIGEST_BYTES_MAX + 1];

		if (!(set & STP_ALG_BIT(alg)))
			continue;
		at = stp_alg_set_offset(set, (enum stp_alg)alg);
		if (memcmp(record->digests + at, digests + at, bytes) == 0)
			continue;
		stp_hex_encode(record->digests + at, bytes, found);
		found[2 * bytes] = '\0';
		stp_finding_add(audit->options->findings, differs(audit), item->path,
		                "its %s is %s, which is not what is signed",
		                stp_alg_name((enum stp_alg)alg), found);
		return;
	}
}

static enum stp_errc done_file(void *ctx, size_t worker, const struct stp_record *record,
                               struct stp_err *err)
{
	struct audit *audit = ctx;

	(void)worker;
	(void)err;
	compare_digests(audit, stp_digest_item_of(record), record);
	atomic_fetch_add_explicit(&audit->files, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&audit->bytes, record->length, memory_order_relaxed);
	return STP_OK;
}

/* Files that could not be read become findings. */
static void report_faults(struct audit *audit, const struct stp_fault_list *faults)
{
	size_t i;

	for (i = 0; i < faults->count; i++)
		stp_finding_add(audit->options->findings,
		                audit->options->copies_of_fd < 0 ? STP_FINDING_TARGET_ABSENT
		                                                 : STP_FINDING_SERVED_UNREADABLE,
		                faults->items[i].subject, "cannot be read: %s",
		                faults->items[i].text);
}

/* Hashes the files of one window. */
static enum stp_errc hash_window(struct audit *audit, const struct stp_read_choice *io,
                                 struct stp_err *err)
{
	const struct stp_verify_files_options *options = audit->options;
	struct stp_fault_list faults;
	struct stp_hash_stage_options stage = {
	    .root_fd = options->targets_fd,
	    .hash_set = options->hash_set,
	    .jobs = options->jobs,
	    .features = stp_cpu_features(),
	    .io = *io,
	    .verified_at = options->now,
	    .cancel = options->cancel,
	    .faults = &faults,
	    .exact_length = 1,
	    .shown = options->progress,
	};
	enum stp_errc code;

	stp_fault_list_init(&faults);
	code = stp_hash_stage_run(&stage, next_file, done_file, audit, err);
	report_faults(audit, &faults);
	stp_fault_list_release(&faults);
	return code;
}

static enum stp_errc hash_files(struct audit *audit, struct stp_err *err)
{
	const struct stp_verify_files_options *options = audit->options;
	struct stp_read_choice io;
	enum stp_errc code;
	unsigned group;
	uint64_t bytes;
	size_t count;

	STP_TRY(stp_read_choose(STP_IO_MODE_AUTO, &io, err));
	stp_progress_stage(options->progress, "files", options->target_count,
	                   options->target_bytes);
	do {
		stp_digest_queue_reset(audit->queue);
		atomic_store(&audit->queued, 0);
		code = stp_workers_run(options->jobs ? audit->reader_count : 0, "bins", fill_window,
		                       audit, options->cancel, err);
		if (code == STP_OK)
			code = stp_digest_queue_gather(audit->queue, &count, &bytes, err);
		if (code == STP_OK && stp_digest_queue_next_group(audit->queue, &group))
			code = hash_window(audit, &io, err);
	} while (code == STP_OK && atomic_load(&audit->next_bin) < options->tree->bin_count);
	return code;
}

/* -------------------------------------------------------------------- unknown files */

static const struct known *find_known(const struct audit *audit, const char *path,
                                      size_t path_bytes)
{
	uint8_t key[32];
	const struct known_bin *bin;
	uint32_t index;

	stp_hash_one(STP_ALG_SHA256, path, path_bytes, key);
	index = stp_chain_bin_of(audit->options->tree, stp_load64_be(key));
	if (index >= audit->options->tree->bin_count)
		return NULL;
	bin = &audit->known[index];
	return bin->count ? bsearch(key, bin->items, bin->count, sizeof(*bin->items), compare_known)
	                  : NULL;
}

/* Whether one of the target's digests begins with hex. */
static int mark_matches(const struct audit *audit, const struct known *known, const char *hex,
                        size_t hex_chars)
{
	unsigned set = audit->options->hash_set;
	size_t share = MARK / (size_t)__builtin_popcount(set), used = 0;
	uint8_t begin[MARK];
	int alg;

	for (alg = 0; alg < STP_ALG_COUNT; alg++) {
		if (!(set & STP_ALG_BIT(alg)))
			continue;
		if (hex_chars == 2 * stp_alg_digest_bytes((enum stp_alg)alg) &&
		    stp_hex_decode(hex, share, begin, 0) &&
		    memcmp(begin, known->mark + used, share) == 0)
			return 1;
		used += share;
	}
	return 0;
}

/* True when path is the HASH.NAME of a target. */
static int is_prefixed(const struct audit *audit, const char *path, size_t path_bytes)
{
	const char *slash = memrchr(path, '/', path_bytes);
	size_t folder = slash ? (size_t)(slash + 1 - path) : 0;
	const char *name = path + folder;
	const char *dot = memchr(name, '.', path_bytes - folder);
	char plain[STP_PATH_BYTES_MAX + 1];
	const struct known *known;
	size_t rest;

	if (!dot || (dot - name != 64 && dot - name != 128))
		return 0;
	rest = path_bytes - (size_t)(dot + 1 - path);
	if (folder + rest > STP_PATH_BYTES_MAX)
		return 0;
	memcpy(plain, path, folder);
	memcpy(plain + folder, dot + 1, rest);
	known = find_known(audit, plain, folder + rest);
	return known && mark_matches(audit, known, name, (size_t)(dot - name));
}

static enum stp_errc check_entries(void *ctx, size_t worker_index, const struct stp_record *records,
                                   size_t count, struct stp_err *err)
{
	struct audit *audit = ctx;
	size_t i;

	(void)worker_index;
	(void)err;
	for (i = 0; i < count; i++) {
		char path[STP_PATH_BYTES_MAX + 1];
		const char *name = memrchr(records[i].path, '/', records[i].path_bytes);

		name = name ? name + 1 : records[i].path;
		if (name[0] == '.' || find_known(audit, records[i].path, records[i].path_bytes) ||
		    is_prefixed(audit, records[i].path, records[i].path_bytes))
			continue;
		snprintf(path, sizeof(path), "%.*s", (int)records[i].path_bytes, records[i].path);
		stp_finding_add(audit->options->findings, STP_FINDING_TARGET_UNKNOWN, path,
		                "is not in the index");
	}
	return STP_OK;
}

static int is_looked_for(void *ctx, const char *path, size_t path_bytes)
{
	const struct audit *audit = ctx;

	return stp_config_keeps(audit->options->config, path, path_bytes);
}

static int is_entered(void *ctx, const char *path, size_t path_bytes)
{
	const struct audit *audit = ctx;

	return stp_config_enters(audit->options->config, path, path_bytes);
}

/* Checks every file of the folder against the set of keys. */
static enum stp_errc find_unknown(struct audit *audit, struct stp_err *err)
{
	struct stp_fault_list faults;
	struct stp_tree_options walk = {
	    .threads = stp_tree_thread_count(audit->options->jobs),
	    .flags = STP_TREE_ANY_NAME | STP_TREE_SKIP_LINKS | STP_TREE_CROSS | STP_TREE_NO_KEYS,
	    .racy_after_ns = INT64_MAX,
	    .keep = audit->options->config ? is_looked_for : NULL,
	    .enter = audit->options->config ? is_entered : NULL,
	    .keep_ctx = audit,
	    .cancel = audit->options->cancel,
	    .faults = &faults,
	};
	enum stp_errc code;
	size_t i;

	stp_fault_list_init(&faults);
	stp_progress_stage(audit->options->progress, "walk", 0, 0);
	code = stp_tree_walk(audit->options->targets_fd, &walk, check_entries, audit, err);
	for (i = 0; i < faults.count; i++)
		stp_finding_add(audit->options->findings, STP_FINDING_TARGET_UNKNOWN,
		                faults.items[i].subject, "cannot be looked at: %s",
		                faults.items[i].text);
	stp_fault_list_release(&faults);
	return code;
}

static enum stp_errc prepare(struct audit *audit, struct stp_err *err)
{
	const struct stp_verify_files_options *options = audit->options;
	size_t bin_count = options->tree->bin_count;

	audit->bin_files = (int64_t)(options->target_count / (bin_count ? bin_count : 1)) + 1;
	audit->window_files = (int64_t)options->jobs * audit->bin_files;
	if (audit->window_files < WINDOW_FILES)
		audit->window_files = WINDOW_FILES;
	audit->reader_count = options->jobs ? stp_tree_thread_count(options->jobs) : 1;
	audit->known = calloc(bin_count + 1, sizeof(*audit->known));
	audit->readers = calloc(audit->reader_count, sizeof(*audit->readers));
	if (!audit->known || !audit->readers)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, "", "cannot start");
	return stp_digest_queue_create(audit->reader_count, &audit->queue, err);
}

static void release(struct audit *audit)
{
	size_t i;

	for (i = 0; audit->known && i < audit->options->tree->bin_count; i++)
		free(audit->known[i].items);
	for (i = 0; audit->readers && i < audit->reader_count; i++) {
		stp_buf_release(&audit->readers[i].file);
		stp_bin_file_release(&audit->readers[i].bin);
	}
	free(audit->known);
	free(audit->readers);
	stp_digest_queue_destroy(audit->queue);
}

enum stp_errc stp_verify_files(const struct stp_verify_files_options *options,
                               struct stp_verify_files_totals *out_totals, struct stp_err *err)
{
	struct audit audit = {.options = options};
	enum stp_errc code;

	memset(out_totals, 0, sizeof(*out_totals));
	if (!options->hash_set)
		return STP_OK; /* no targets at all */
	code = prepare(&audit, err);
	if (code == STP_OK)
		code = hash_files(&audit, err);
	if (code == STP_OK && options->sample <= 1 && options->copies_of_fd < 0)
		code = find_unknown(&audit, err);
	out_totals->files = atomic_load(&audit.files);
	out_totals->bytes = atomic_load(&audit.bytes);
	out_totals->skipped = atomic_load(&audit.skipped);
	release(&audit);
	return code;
}
