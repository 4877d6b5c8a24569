/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which snapshots stay, and what they list.
 *
 *	commits   1      2            3     4 (current)
 *	          ├──────┼────────────┼─────┼──────────▶ time
 *	                         now-T┴──────────┴ now
 *
 * Clients saw commit n until commit n+1, so 2 stays here: it was seen within T.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>
#include <xxhash.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/text.h"
#include "publish/mark_name.h"
#include "publish/names.h"
#include "publish/publish.h"
#include "run/gc/run.h"
#include "verify/bin_file.h"
#include "verify/foreign.h"

#define STAGE "gc"

/* ------------------------------------------------------------------ names */

void stp_name_set_init(struct stp_name_set *set)
{
	memset(set, 0, sizeof(*set));
	/* The seed keeps others from choosing names that collide; without random bytes, gc still
	 * works. */
	if (getrandom(&set->seed, sizeof(set->seed), GRND_NONBLOCK) != (ssize_t)sizeof(set->seed))
		set->seed = 1;
}

void stp_name_set_release(struct stp_name_set *set)
{
	free(set->slots);
	memset(set, 0, sizeof(*set));
}

static uint64_t hash_name(const struct stp_name_set *set, const char *name, size_t name_bytes)
{
	uint64_t hash = XXH3_64bits_withSeed(name, name_bytes, set->seed);

	return hash ? hash : 1;
}

/* Slot of hash, or the empty slot where it belongs. */
static uint64_t *find_slot(uint64_t *slots, size_t capacity, uint64_t hash)
{
	size_t at = (size_t)hash & (capacity - 1);

	while (slots[at] && slots[at] != hash)
		at = (at + 1) & (capacity - 1);
	return &slots[at];
}

static enum stp_errc grow(struct stp_name_set *set, struct stp_err *err)
{
	size_t capacity = set->capacity ? set->capacity * 2 : 1024;
	uint64_t *slots = calloc(capacity, sizeof(*slots));
	size_t i;

	if (!slots)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, NULL, "no memory to mark names");
	for (i = 0; i < set->capacity; i++)
		if (set->slots[i])
			*find_slot(slots, capacity, set->slots[i]) = set->slots[i];
	free(set->slots);
	set->slots = slots;
	set->capacity = capacity;
	return STP_OK;
}

enum stp_errc stp_name_set_add(struct stp_name_set *set, const char *name, size_t name_bytes,
                               struct stp_err *err)
{
	uint64_t hash = hash_name(set, name, name_bytes);
	uint64_t *slot;

	if (set->count * 2 >= set->capacity)
		STP_TRY(grow(set, err));
	slot = find_slot(set->slots, set->capacity, hash);
	if (!*slot)
		set->count++;
	*slot = hash;
	return STP_OK;
}

int stp_name_set_has(const struct stp_name_set *set, const char *name, size_t name_bytes)
{
	return set->capacity &&
	       *find_slot(set->slots, set->capacity, hash_name(set, name, name_bytes)) != 0;
}

/* ------------------------------------------------------------------ live snapshots */

/* All snapshots that were published and still exist, with their times. */
struct snapshots {
	struct stp_buf items; /* struct stp_commit */
};

/* "V.snapshot.json"; 0 when name is another. */
static int snapshot_version(const char *name, uint64_t *out_version)
{
	size_t digits = strspn(name, "0123456789");

	return strcmp(name + digits, ".snapshot.json") == 0 &&
	       stp_u64_parse(name, digits, out_version);
}

/* Adds a snapshot with its time: that of its commit record or, if state/ was lost, of its file. */
static enum stp_errc add_snapshot(struct stp_gc_run *run, struct snapshots *all, const char *name,
                                  uint64_t version, struct stp_err *err)
{
	const struct stp_commit *record = stp_commit_find(&run->current.commits, version);
	struct stp_commit commit = {version, version, 0};
	struct stat st;

	if (record) {
		commit = *record;
	} else {
		if (fstatat(run->repo.metadata_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
			return STP_FAIL_SYS(err, STAGE, name, "cannot stat");
		commit.committed_at = st.st_mtim.tv_sec;
	}
	return stp_buf_append(&all->items, &commit, sizeof(commit), err);
}

static enum stp_errc list_snapshots(struct stp_gc_run *run, struct snapshots *all,
                                    struct stp_err *err)
{
	DIR *folder = stp_folder_list(run->repo.metadata_fd);
	const struct dirent *entry;
	enum stp_errc code = STP_OK;
	uint64_t version;

	if (!folder)
		return STP_FAIL_SYS(err, STAGE, "public/metadata", "cannot list");
	while (code == STP_OK && (errno = 0, entry = readdir(folder)))
		if (snapshot_version(entry->d_name, &version) &&
		    version <= run->current.snapshot_version)
			code = add_snapshot(run, all, entry->d_name, version, err);
	if (code == STP_OK && errno)
		code = STP_FAIL_SYS(err, STAGE, "public/metadata", "cannot list");
	closedir(folder);
	return code;
}

static int by_snapshot(const void *a, const void *b)
{
	uint64_t left = ((const struct stp_commit *)a)->snapshot_version;
	uint64_t right = ((const struct stp_commit *)b)->snapshot_version;

	return (left > right) - (left < right);
}

/* A snapshot with a time in the future was published while the clock was ahead: its time is at most
 * that of the next one, or now. */
static void correct_future(struct stp_commit *items, size_t count, int64_t now)
{
	int64_t latest = now;

	for (; count; count--) {
		struct stp_commit *item = &items[count - 1];

		if (item->committed_at > now)
			item->committed_at = latest;
		latest = item->committed_at;
	}
}

enum stp_errc stp_gc_find_live(struct stp_gc_run *run, struct stp_err *err)
{
	struct snapshots all = {STP_BUF_INIT};
	struct stp_commit *items;
	enum stp_errc code = list_snapshots(run, &all, err);
	int64_t keep_from = stp_time_add(run->now, -run->options->grace_seconds);
	size_t count = all.items.count / sizeof(*items);
	size_t first = 0;

	if (code == STP_OK) {
		items = (struct stp_commit *)(void *)all.items.data;
		if (count)
			qsort(items, count, sizeof(*items), by_snapshot);
		correct_future(items, count, run->now);
		/* Each was seen until the next one; the newest is always kept. */
		while (first + 1 < count && items[first + 1].committed_at <= keep_from)
			first++;
		if (count > run->options->keep && first > count - run->options->keep)
			first = count - run->options->keep;
		if (count <= run->options->keep)
			first = 0;
		run->live.count = count - first;
		run->live.items = stp_arena_alloc(&run->arena, run->live.count * sizeof(*items));
		if (!run->live.items)
			code = STP_FAIL_ERRNO(err, ENOMEM, STAGE, NULL, "no memory");
		else if (items && run->live.count)
			memcpy(run->live.items, items + first, run->live.count * sizeof(*items));
	}
	stp_buf_release(&all.items);
	run->report->snapshots_kept = run->live.count;
	run->report->oldest_kept =
	    code == STP_OK && run->live.count ? run->live.items[0].snapshot_version : 0;
	return code;
}

/* ------------------------------------------------------------------ marking */

struct marking {
	struct stp_gc_run *run;
	int with_links;
	int with_marks; /* public/targets/.signed exists */
	int is_current; /* the snapshot is the newest: none of its files may be damaged */
	struct stp_bin_file bin;
	struct stp_buf file;
};

/* Marks DIR/HASH.NAME of one target and one hash; sign makes no names that do not fit. */
static enum stp_errc mark_link(struct marking *m, const struct stp_bin_entry *entry, int alg,
                               struct stp_err *err)
{
	char name[STP_PATH_BYTES_MAX + 2 * STP_DIGEST_BYTES_MAX + 2];
	size_t count =
	    stp_target_name(entry->path, entry->path_bytes, entry->hex[alg],
	                    2 * stp_alg_digest_bytes((enum stp_alg)alg), name, sizeof(name));

	return count ? stp_name_set_add(&m->run->links, name, count, err) : STP_OK;
}

/* The same for the mark of a target that the web server finds without its digest. */
static enum stp_errc mark_mark(struct marking *m, const struct stp_bin_entry *entry, int alg,
                               struct stp_err *err)
{
	char name[STP_MARK_NAME_BYTES];
	size_t count = entry->path_bytes > STP_PATH_BYTES_MAX
	                   ? 0
	                   : stp_mark_name(entry->path, entry->path_bytes, entry->hex[alg], name);

	return count ? stp_name_set_add(&m->run->links, name, count, err) : STP_OK;
}

/* Marks the links of a bin's targets. */
static enum stp_errc mark_bin(struct marking *m, const char *name, struct stp_err *err)
{
	size_t i;
	int alg;

	STP_TRY(stp_file_read(m->run->repo.metadata_fd, name, STP_TARGETS_BYTES_MAX, STAGE,
	                      &m->file, err));
	switch (stp_bin_file_parse(&m->bin, m->file.data, m->file.count)) {
	case STP_BIN_FILE_OK:
		break;
	case STP_BIN_FILE_OTHER:
		return STP_FAIL(stp_hinted(err, STP_HINT_SIGN), STP_FORMAT, STAGE, name,
		                "is not a bin that stampede wrote; the next %s writes "
		                "all current bins again",
		                stp_hint_text(STP_HINT_SIGN));
	default:
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, name, "no memory");
	}
	for (i = 0; i < m->bin.entry_count; i++)
		for (alg = 0; alg < STP_ALG_COUNT; alg++)
			if (m->bin.entries[i].hex[alg]) {
				STP_TRY(mark_link(m, &m->bin.entries[i], alg, err));
				if (m->with_marks)
					STP_TRY(mark_mark(m, &m->bin.entries[i], alg, err));
			}
	return STP_OK;
}

/* Handles the result of reading a file: one that only an older snapshot lists may be damaged or
 * missing, because clients no longer need it. */
static enum stp_errc forgive(struct marking *m, const char *name, enum stp_errc code,
                             struct stp_err *err)
{
	struct stp_gc_run *run = m->run;

	if (m->is_current || (code != STP_FORMAT && err->sys_errno != ENOENT))
		return code;
	*err = (struct stp_err)STP_ERR_INIT;
	run->links_in_doubt = 1;
	if (!run->report->damaged++)
		snprintf(run->report->damaged_name, sizeof(run->report->damaged_name), "%.255s",
		         name);
	return STP_OK;
}

/* Marks one line of a snapshot. All bins of a run have its version; a line with an older one is an
 * offline role or a retired name, which clients never request: its file stays, what it lists does
 * not. */
static enum stp_errc mark_line(struct marking *m, const char *key, json_int_t version,
                               uint64_t run_version, struct stp_err *err)
{
	char name[STP_NAME_BYTES_MAX + 32];
	struct stp_gc_run *run = m->run;
	enum stp_errc code;
	int count = snprintf(name, sizeof(name), "%lld.%s", (long long)version, key);
	char role[STP_NAME_BYTES_MAX + 1];

	if (count < 0 || (size_t)count >= sizeof(name) || strchr(name, '/'))
		return STP_FAIL(err, STP_FORMAT, STAGE, key, "is not the name of a role");
	if (stp_name_set_has(&run->files, name, (size_t)count))
		return STP_OK; /* an earlier snapshot lists it too */
	STP_TRY(stp_name_set_add(&run->files, name, (size_t)count, err));
	snprintf(role, sizeof(role), "%s", key);
	role[strcspn(role, ".")] = '\0'; /* the name of a bin has no dot */
	if (!m->with_links || (uint64_t)version != run_version || !stp_bin_role_is(role))
		return STP_OK;
	code = mark_bin(m, name, err);
	return code == STP_OK ? STP_OK : forgive(m, name, code, err);
}

/* Marks what a snapshot lists. */
static enum stp_errc mark_lines(struct marking *m, uint64_t version, struct stp_err *err)
{
	struct stp_gc_run *run = m->run;
	char name[64];
	const char *key;
	json_t *value;
	json_t *document;
	json_t *meta;
	enum stp_errc code;
	int count = snprintf(name, sizeof(name), "%llu.snapshot.json", (unsigned long long)version);

	STP_TRY(stp_name_set_add(&run->files, name, (size_t)count, err));
	STP_TRY(stp_file_read(run->repo.metadata_fd, name, STP_SNAPSHOT_BYTES_MAX, STAGE, &m->file,
	                      err));
	document =
	    json_loadb((const char *)m->file.data, m->file.count, JSON_REJECT_DUPLICATES, NULL);
	meta = json_object_get(json_object_get(document, "signed"), "meta");
	code = json_is_object(meta) ? STP_OK
	                            : STP_FAIL(err, STP_FORMAT, STAGE, name,
	                                       "is not a snapshot; restore it from a backup");
	json_object_foreach(meta, key, value)
	{
		const json_t *listed = json_object_get(value, "version");

		if (code == STP_OK && stp_cancelled(run->options->cancel))
			code = STP_FAIL(err, STP_CANCELLED, STAGE, name, "stopped");
		if (code == STP_OK && !json_is_integer(listed))
			code = STP_FAIL(err, STP_FORMAT, STAGE, name,
			                "is not a snapshot; restore it from a backup");
		if (code == STP_OK)
			code = mark_line(m, key, json_integer_value(listed), version, err);
	}
	json_decref(document);
	return code;
}

static enum stp_errc mark_snapshot(struct marking *m, uint64_t version, struct stp_err *err)
{
	enum stp_errc code;
	char name[64];

	m->is_current = version == m->run->current.snapshot_version;
	code = mark_lines(m, version, err);
	if (code == STP_OK)
		return STP_OK;
	snprintf(name, sizeof(name), "%llu.snapshot.json", (unsigned long long)version);
	STP_TRY(forgive(m, name, code, err));
	m->run->files_in_doubt = 1;
	return STP_OK;
}

static uint64_t version_of(const void *ctx, const char *role)
{
	const struct stp_meta_list *meta = ctx;
	long at = stp_meta_list_find(meta, role);

	return at < 0 ? 0 : meta->items[at].version;
}

/* Marks the file of a target of a foreign role: whoever publishes that target put it there. */
static enum stp_errc mark_foreign(void *ctx, const char *path, size_t path_bytes, const char *hex,
                                  size_t hex_chars, struct stp_err *err)
{
	struct stp_gc_run *run = ctx;
	char name[STP_PATH_BYTES_MAX + 2 * STP_DIGEST_BYTES_MAX + 2];
	size_t count = hex_chars <= 2 * STP_DIGEST_BYTES_MAX
	                   ? stp_target_name(path, path_bytes, hex, hex_chars, name, sizeof(name))
	                   : 0;

	return count ? stp_name_set_add(&run->links, name, count, err) : STP_OK;
}

enum stp_errc stp_gc_mark(struct stp_gc_run *run, int with_links, struct stp_err *err)
{
	struct marking m = {.run = run,
	                    .with_links = with_links,
	                    .with_marks = stp_file_exists(run->repo.targets_fd, STP_MARKS_FOLDER)};
	struct stp_foreign_source foreign = {run->repo.metadata_fd, run->trust.targets.body_json,
	                                     version_of, &run->current.meta};
	enum stp_errc code = STP_OK;
	size_t i;

	stp_bin_file_init(&m.bin);
	for (i = 0; i < run->live.count && code == STP_OK; i++)
		code = mark_snapshot(&m, run->live.items[i].snapshot_version, err);
	stp_bin_file_release(&m.bin);
	stp_buf_release(&m.file);
	if (code == STP_OK && with_links)
		code = stp_foreign_each_target(&foreign, mark_foreign, run, err);
	return code;
}
