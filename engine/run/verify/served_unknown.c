/* SPDX-License-Identifier: Apache-2.0 */
#include "run/verify/served_unknown.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <xxhash.h>

#include "base/arena.h"
#include "base/array.h"
#include "base/bytes.h"
#include "base/file.h"
#include "base/limits.h"
#include "hash/hash.h"
#include "publish/mark_name.h"
#include "publish/names.h"
#include "record/stamp.h"
#include "run/past.h"

#define STAGE "verify"
#define TOP   "public/targets/"
/* At most this many names are looked up in older snapshots; more are reported at once. */
#define LEFT_MAX 1000000

/* A name that the current snapshot does not account for. */
struct left {
	const char *name; /* relative to public/targets */
	const char *path; /* of the target; NULL: not a name that sign makes */
	uint64_t key;     /* first bytes of the path's SHA-256 */
	const char *hex;  /* the digest's digits */
	size_t hex_chars;
	int is_explained;
};

struct search {
	const struct stp_served_unknown_options *options;
	struct stp_arena arena;
	struct left *items;
	size_t count, capacity;
	char name[STP_PATH_BYTES_MAX + STP_NAME_BYTES_MAX + 2]; /* of the walk */
	size_t depth;
};

static int compare_hashes(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static int is_known(const struct search *search, const char *name, size_t name_bytes)
{
	uint64_t hash = XXH3_64bits_withSeed(name, name_bytes, search->options->seed);

	return search->options->known_count &&
	       bsearch(&hash, search->options->known, search->options->known_count, sizeof(hash),
	               compare_hashes) != NULL;
}

/* Finds which target a name that sign makes represents; path and hex are what left then points to.
 */
static void split_name(struct left *left, size_t name_bytes, char path[STP_MARK_NAME_BYTES],
                       char hex[STP_MARK_DIGITS + 1])
{
	const char *slash = strrchr(left->name, '/');
	size_t folder_bytes = slash ? (size_t)(slash - left->name) + 1 : 0;
	size_t digits = stp_target_name_hex(left->name + folder_bytes);
	uint8_t key[32];

	if (stp_mark_parse(left->name, name_bytes, path, hex)) {
		left->hex = hex;
		left->hex_chars = STP_MARK_DIGITS;
	} else if (digits && name_bytes - digits - 1 <= STP_PATH_BYTES_MAX) {
		memcpy(path, left->name, folder_bytes);
		memcpy(path + folder_bytes, left->name + folder_bytes + digits + 1,
		       name_bytes - folder_bytes - digits - 1);
		path[name_bytes - digits - 1] = '\0';
		left->hex = left->name + folder_bytes;
		left->hex_chars = digits;
	} else {
		return;
	}
	left->path = path;
	stp_hash_one(STP_ALG_SHA256, path, strlen(path), key);
	left->key = stp_load64_be(key);
}

/* Whether the part of the current snapshot that would list the name's target was verified. */
static int is_decided(const struct search *search, const struct left *left)
{
	const struct stp_served_unknown_options *options = search->options;
	uint32_t bin;

	if (!left->path)
		return 1; /* no snapshot can list it */
	if (!options->tree->bin_count)
		return 0;
	bin = stp_chain_bin_of(options->tree, left->key);
	return bin >= options->tree->bin_count || options->bins_taken[bin];
}

/* Copies what left points to. */
static int keep(struct search *search, struct left *left, size_t name_bytes)
{
	left->name = stp_arena_copy(&search->arena, left->name, name_bytes);
	if (left->path) {
		left->path = stp_arena_copy(&search->arena, left->path, strlen(left->path));
		left->hex = stp_arena_copy(&search->arena, left->hex, left->hex_chars);
		return left->name && left->path && left->hex;
	}
	return left->name != NULL;
}

static enum stp_errc add_left(struct search *search, size_t name_bytes, struct stp_err *err)
{
	char path[STP_MARK_NAME_BYTES];
	char hex[STP_MARK_DIGITS + 1];
	struct left left = {.name = search->name};

	split_name(&left, name_bytes, path, hex);
	if (!is_decided(search, &left))
		return STP_OK;
	if (search->count >= LEFT_MAX) { /* too many to look up: reported at once */
		stp_finding_add(search->options->findings, STP_FINDING_SERVED_UNKNOWN, search->name,
		                "is in public/targets, but is not signed");
		return STP_OK;
	}
	if (!STP_ARRAY_RESERVE(search->items, search->capacity, search->count + 1) ||
	    !keep(search, &left, name_bytes))
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, TOP, "no memory for names");
	search->items[search->count++] = left;
	return STP_OK;
}

/* ------------------------------------------------------------------ the walk */

static enum stp_errc walk(struct search *search, int folder_fd, size_t name_bytes,
                          struct stp_err *err);

static enum stp_errc enter(struct search *search, int folder_fd, const char *name,
                           size_t name_bytes, struct stp_err *err)
{
	int fd = search->depth < STP_TREE_DEPTH_MAX + 4
	             ? openat(folder_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
	             : -1;
	enum stp_errc code;

	if (fd < 0) {
		stp_finding_add(search->options->findings, STP_FINDING_SERVED_UNKNOWN, search->name,
		                "is a folder that cannot be looked at");
		return STP_OK;
	}
	search->name[name_bytes++] = '/';
	search->name[name_bytes] = '\0';
	search->depth++;
	code = walk(search, fd, name_bytes, err);
	search->depth--;
	close(fd);
	return code;
}

static enum stp_errc visit(struct search *search, int folder_fd, const struct dirent *entry,
                           size_t folder_bytes, struct stp_err *err)
{
	size_t count = strlen(entry->d_name);
	struct stat st;
	int is_folder = entry->d_type == DT_DIR;

	if (stp_cancelled(search->options->cancel))
		return STP_FAIL(err, STP_CANCELLED, STAGE, "", "stopped");
	if (folder_bytes + count + 2 > sizeof(search->name))
		return STP_OK; /* longer than any target's name */
	memcpy(search->name + folder_bytes, entry->d_name, count + 1);
	if (entry->d_type == DT_UNKNOWN)
		is_folder = fstatat(folder_fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		            S_ISDIR(st.st_mode);
	if (is_folder)
		return enter(search, folder_fd, entry->d_name, folder_bytes + count, err);
	if (search->depth == 0 && stp_temporary_is(entry->d_name))
		return STP_OK;
	return is_known(search, search->name, folder_bytes + count)
	           ? STP_OK
	           : add_left(search, folder_bytes + count, err);
}

static enum stp_errc walk(struct search *search, int folder_fd, size_t name_bytes,
                          struct stp_err *err)
{
	DIR *folder = stp_folder_list(folder_fd);
	const struct dirent *entry;
	enum stp_errc code = STP_OK;

	if (!folder)
		return STP_FAIL_SYS(err, STAGE, TOP, "cannot list");
	while (code == STP_OK && (errno = 0, entry = readdir(folder)))
		if (!stp_name_is_dots(entry->d_name)) {
			code = visit(search, folder_fd, entry, name_bytes, err);
			search->name[name_bytes] = '\0';
		}
	if (code == STP_OK && errno)
		code = STP_FAIL_SYS(err, STAGE, TOP, "cannot list");
	closedir(folder);
	return code;
}

/* ------------------------------------------------------------------ older snapshots */

/* Whether the entry has a digest that begins with the name's. */
static int has_digest(const struct stp_bin_entry *entry, const struct left *left)
{
	int alg;

	for (alg = 0; alg < STP_ALG_COUNT; alg++)
		if (entry->hex[alg] &&
		    left->hex_chars <= 2 * stp_alg_digest_bytes((enum stp_alg)alg) &&
		    memcmp(entry->hex[alg], left->hex, left->hex_chars) == 0)
			return 1;
	return 0;
}

/* Looks up every unexplained name in one snapshot. */
static enum stp_errc ask_snapshot(struct search *search, uint64_t version, size_t *open,
                                  struct stp_err *err)
{
	const struct stp_served_unknown_options *options = search->options;
	struct stp_past past;
	enum stp_errc code;
	int good;
	size_t i;

	code = stp_past_open_of_its_time(&past, options->metadata_fd, options->pins, version, &good,
	                                 err);
	for (i = 0; code == STP_OK && good && i < search->count; i++) {
		struct left *left = &search->items[i];
		struct stp_past_target target;
		int bin_good;

		if (left->is_explained || !left->path)
			continue;
		if (stp_cancelled(options->cancel)) {
			code = STP_FAIL(err, STP_CANCELLED, STAGE, "", "stopped");
			break;
		}
		code =
		    stp_past_find(&past, left->path, strlen(left->path), &target, &bin_good, err);
		if (code != STP_OK || !bin_good || !target.entry || !has_digest(target.entry, left))
			continue;
		left->is_explained = 1;
		(*open)--;
	}
	stp_past_release(&past);
	return code;
}

/* Orders names so that those of one bin are adjacent, and it is read once. */
static int by_key(const void *a, const void *b)
{
	const struct left *x = a;
	const struct left *y = b;

	return (x->key > y->key) - (x->key < y->key);
}

static enum stp_errc ask_snapshots(struct search *search, struct stp_err *err)
{
	const struct stp_served_unknown_options *options = search->options;
	uint64_t below = UINT64_MAX;
	size_t open = 0;
	size_t i;

	for (i = 0; i < search->count; i++)
		open += search->items[i].path != NULL;
	while (open) {
		uint64_t next = 0;

		for (i = 0; i < options->snapshot_version_count; i++)
			if (options->snapshot_versions[i] < below &&
			    options->snapshot_versions[i] > next)
				next = options->snapshot_versions[i];
		if (!next)
			return STP_OK;
		STP_TRY(ask_snapshot(search, next, &open, err));
		below = next;
	}
	return STP_OK;
}

/* Whether a run that published nothing made the name: it is newer than the last publication, and it
 * serves a file that the next run signs (a copy must have the length of that file). */
static int is_unpublished(const struct search *search, const struct left *left)
{
	const struct stp_served_unknown_options *options = search->options;
	struct stat name, there, file;

	if (!left->path || options->index_fd < 0 ||
	    !stp_config_keeps(options->config, left->path, strlen(left->path)) ||
	    fstatat(options->public_fd, left->name, &name, AT_SYMLINK_NOFOLLOW) != 0 ||
	    stp_stamp_of(name.st_ctim) <= options->published_at_ns ||
	    fstatat(options->index_fd, left->path, &file, AT_SYMLINK_NOFOLLOW) != 0 ||
	    !S_ISREG(file.st_mode))
		return 0;
	if (left->hex_chars == STP_MARK_DIGITS) /* a mark, which is empty */
		return S_ISREG(name.st_mode) && name.st_size == 0;
	if (S_ISLNK(name.st_mode))
		return fstatat(options->public_fd, left->name, &there, 0) == 0 &&
		       there.st_dev == file.st_dev && there.st_ino == file.st_ino;
	return S_ISREG(name.st_mode) && name.st_size == file.st_size;
}

static void report(const struct search *search, uint64_t *unpublished)
{
	size_t i;

	for (i = 0; i < search->count; i++) {
		const struct left *left = &search->items[i];

		if (!left->is_explained && is_unpublished(search, left))
			(*unpublished)++;
		else if (!left->is_explained)
			stp_finding_add(
			    search->options->findings, STP_FINDING_SERVED_UNKNOWN, left->name,
			    left->path ? "is in public/targets, but no snapshot that is kept and "
			                 "verifies lists it; remove it, or let gc do so"
			               : "is in public/targets, but is not a name that sign "
			                 "makes; remove it");
	}
}

enum stp_errc stp_served_unknown(const struct stp_served_unknown_options *options,
                                 uint64_t *out_unpublished, struct stp_err *err)
{
	struct search *search = calloc(1, sizeof(*search));
	enum stp_errc code;

	if (!search)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, TOP, "no memory");
	search->options = options;
	*out_unpublished = 0;
	stp_arena_init(&search->arena, 64 * 1024);
	if (options->known_count)
		qsort(options->known, options->known_count, sizeof(*options->known),
		      compare_hashes);
	code = walk(search, options->public_fd, 0, err);
	if (search->count)
		qsort(search->items, search->count, sizeof(*search->items), by_key);
	if (code == STP_OK)
		code = ask_snapshots(search, err);
	if (code == STP_OK)
		report(search, out_unpublished);
	stp_arena_release(&search->arena);
	free(search->items);
	free(search);
	return code;
}
