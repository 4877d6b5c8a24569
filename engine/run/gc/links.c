/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Removing target links that no live bin lists. Anything may be in public/targets: an operator's
 * robots.txt, a folder of the index mounted there. So a file is removed only if it is verified to
 * be one that publish/links.h makes:
 *
 *	DIR/HASH.NAME          HASH is as long as a digest, in lower case, and one of
 *	  a symbolic link      with exactly the text that refers to DIR/NAME in the targets folder
 *	  a regular file       (hard link, reflink, copy) whose bytes have the digest HASH
 *	a mark                 below .signed, empty, with a name that a mark can have
 *	a temporary file       at the top, by its name
 *
 * and is on the same mount as public/targets. A folder is removed only if this gc emptied it.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cpu.h"
#include "base/faultpoint.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/text.h"
#include "hash/hash.h"
#include "publish/links.h"
#include "publish/mark_name.h"
#include "publish/marks.h"
#include "publish/names.h"
#include "run/gc/run.h"

#define STAGE       "gc"
#define TOP         "public/targets"
#define CHUNK_BYTES ((size_t)256 * 1024)
/* The longest HASH and its dot, before a name that is as long as a path may be. */
#define PREFIX_BYTES_MAX (2 * STP_DIGEST_BYTES_MAX + 1)

/* A walk below public/targets: path is the folder being read, with a "/" at its end. */
struct walk {
	struct stp_gc_run *run;
	dev_t device;
	char base[PATH_MAX]; /* from public/targets to the targets folder */
	char path[STP_PATH_BYTES_MAX + PREFIX_BYTES_MAX + 2];
	size_t depth;
	uint64_t removed;              /* files and folders */
	struct stp_hasher *hashers[2]; /* of the short and the long digests, made when needed */
	uint8_t *chunk;
};

enum stp_errc stp_gc_has_links(const struct stp_gc_run *run, int *out_has, struct stp_err *err)
{
	DIR *folder = stp_folder_list(run->repo.targets_fd);
	const struct dirent *entry;

	if (!folder)
		return STP_FAIL_SYS(err, STAGE, TOP, "cannot list");
	*out_has = 0;
	while (!*out_has && (entry = readdir(folder)))
		*out_has = strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	closedir(folder);
	return STP_OK;
}

/* ------------------------------------------------------------------ what sign made */

/* Whether the symbolic link name, at the end of path, is the one that sign makes for its target. */
static int link_is_own(const struct walk *walk, int folder_fd, const char *name, size_t hex,
                       size_t path_bytes)
{
	char target[sizeof(walk->path)];
	char text[PATH_MAX];
	char there[PATH_MAX];
	size_t folder_bytes = path_bytes - strlen(name);
	size_t target_bytes = path_bytes - hex - 1;
	ssize_t count = readlinkat(folder_fd, name, there, sizeof(there));

	memcpy(target, walk->path, folder_bytes);
	memcpy(target + folder_bytes, name + hex + 1, target_bytes - folder_bytes);
	return stp_links_text(walk->base, target, target_bytes, text) &&
	       count == (ssize_t)strlen(text) && memcmp(there, text, (size_t)count) == 0;
}

/* The algorithms whose digests have that many hex digits. */
static unsigned algs_of(size_t hex)
{
	unsigned set = 0;
	int alg;

	for (alg = 0; alg < STP_ALG_COUNT; alg++)
		if (2 * stp_alg_digest_bytes((enum stp_alg)alg) == hex)
			set |= STP_ALG_BIT(alg);
	return set;
}

static enum stp_errc prepare_hashing(struct walk *walk, unsigned set, struct stp_hasher **hasher,
                                     struct stp_err *err)
{
	if (!walk->chunk)
		walk->chunk = malloc(CHUNK_BYTES);
	if (!walk->chunk)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, NULL, "no memory to hash files");
	return *hasher ? STP_OK : stp_hasher_create(set, stp_cpu_features(), 1, hasher, err);
}

/* Fills the chunk from fd at offset; short only at the end of the file. */
static enum stp_errc read_chunk(struct walk *walk, int fd, off_t offset, size_t *out_bytes,
                                struct stp_err *err)
{
	size_t have = 0;

	STP_TRY(stp_gc_check_cancel(walk->run, err));
	while (have < CHUNK_BYTES) {
		ssize_t got =
		    pread(fd, walk->chunk + have, CHUNK_BYTES - have, offset + (off_t)have);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return STP_FAIL_SYS(err, STAGE, walk->path, "cannot read");
		if (got == 0)
			break;
		have += (size_t)got;
	}
	*out_bytes = have;
	return STP_OK;
}

/* Digests of the whole file with all algorithms of set. */
static enum stp_errc hash_file(struct walk *walk, int fd, unsigned set, struct stp_hasher *hasher,
                               uint8_t *digests, struct stp_err *err)
{
	struct stp_hash_stream stream;
	size_t bytes = CHUNK_BYTES;
	off_t offset = 0;

	stp_hash_stream_init(&stream, set);
	while (bytes == CHUNK_BYTES) {
		struct stp_hash_job job = {
		    .stream = &stream, .data = walk->chunk, .digests = digests};

		STP_TRY(read_chunk(walk, fd, offset, &bytes, err));
		job.bytes = bytes;
		job.final = bytes < CHUNK_BYTES;
		stp_hasher_submit(hasher, &job);
		while (!stp_hasher_next(hasher, STP_HASHER_DRAIN))
			;
		offset += (off_t)bytes;
	}
	return STP_OK;
}

/* Whether the regular file has the digest in its name; not if it cannot be opened. */
static enum stp_errc file_is_own(struct walk *walk, int folder_fd, const char *name, size_t hex,
                                 int *out_is_own, struct stp_err *err)
{
	uint8_t digests[STP_ALG_COUNT * STP_DIGEST_BYTES_MAX];
	char text[2 * STP_DIGEST_BYTES_MAX];
	unsigned set = algs_of(hex);
	struct stp_hasher **hasher = &walk->hashers[hex == 2 * STP_DIGEST_BYTES_MAX];
	enum stp_errc code;
	int alg;
	int fd = stp_gc_open(folder_fd, name, O_RDONLY | O_NONBLOCK | O_NOCTTY);

	*out_is_own = 0;
	if (fd < 0)
		return STP_OK;
	code = prepare_hashing(walk, set, hasher, err);
	if (code == STP_OK)
		code = hash_file(walk, fd, set, *hasher, digests, err);
	close(fd);
	for (alg = 0; alg < STP_ALG_COUNT && code == STP_OK; alg++) {
		if (!(set & STP_ALG_BIT(alg)))
			continue;
		stp_hex_encode(digests + stp_alg_set_offset(set, (enum stp_alg)alg), hex / 2, text);
		*out_is_own |= memcmp(text, name, hex) == 0;
	}
	return code;
}

static int is_mark(const struct walk *walk, size_t path_bytes)
{
	char target[STP_MARK_NAME_BYTES];
	char hex[STP_MARK_DIGITS + 1];

	return stp_mark_parse(walk->path, path_bytes, target, hex);
}

static enum stp_errc check_own(struct walk *walk, int folder_fd, const char *name,
                               size_t path_bytes, const struct stat *st, int *out_is_own,
                               struct stp_err *err)
{
	size_t hex = stp_target_name_hex(name);

	*out_is_own = 0;
	if (!S_ISREG(st->st_mode) && !S_ISLNK(st->st_mode))
		return STP_OK;
	if (walk->depth == 0 && stp_temporary_is(name))
		*out_is_own = 1;
	else if (is_mark(walk, path_bytes))
		*out_is_own = S_ISREG(st->st_mode) && st->st_size == 0;
	else if (hex && S_ISREG(st->st_mode))
		return file_is_own(walk, folder_fd, name, hex, out_is_own, err);
	else if (hex)
		*out_is_own = link_is_own(walk, folder_fd, name, hex, path_bytes);
	return STP_OK;
}

/* ------------------------------------------------------------------ the walk */

static enum stp_errc walk_folder(struct walk *walk, int folder_fd, size_t path_bytes,
                                 struct stp_err *err);

/* Counts an unknown file: name in the folder whose path has folder_bytes. */
static enum stp_errc leave(struct walk *walk, const char *name, size_t folder_bytes)
{
	walk->path[folder_bytes] = '\0';
	stp_gc_unknown(walk->run, TOP, walk->path, name);
	return STP_OK;
}

/* Walks the folder at path, then removes it if that emptied it. */
static enum stp_errc enter_folder(struct walk *walk, int folder_fd, const char *name,
                                  size_t path_bytes, struct stp_err *err)
{
	uint64_t before = walk->removed;
	enum stp_errc code;
	int fd = walk->depth < STP_TREE_DEPTH_MAX
	             ? stp_gc_open(folder_fd, name, O_RDONLY | O_DIRECTORY)
	             : -1;

	/* Too deep to be made by sign, or not readable. */
	if (fd < 0)
		return leave(walk, name, path_bytes - strlen(name));
	walk->path[path_bytes++] = '/';
	walk->path[path_bytes] = '\0';
	walk->depth++;
	code = walk_folder(walk, fd, path_bytes, err);
	walk->depth--;
	close(fd);
	if (code == STP_OK && !walk->run->options->dry_run && walk->removed != before &&
	    unlinkat(folder_fd, name, AT_REMOVEDIR) == 0)
		walk->removed++; /* else it stays, because it is not empty */
	return code;
}

static enum stp_errc remove_link(struct walk *walk, int folder_fd, const char *name,
                                 const struct stat *st, struct stp_err *err)
{
	struct stp_gc_report *report = walk->run->report;

	if (!walk->run->options->dry_run) {
		STP_FAULT_TRY(err, STAGE, "link", walk->path);
		if (unlinkat(folder_fd, name, 0) != 0)
			return STP_FAIL_SYS(err, STAGE, walk->path, "cannot remove");
	}
	walk->removed++;
	report->links_removed++;
	report->bytes_removed +=
	    S_ISREG(st->st_mode) && st->st_nlink == 1 ? (uint64_t)st->st_size : 0;
	return STP_OK;
}

/* Checks one name, at the end of path, which has path_bytes. */
static enum stp_errc look_at_name(struct walk *walk, int folder_fd, const char *name,
                                  size_t path_bytes, struct stp_err *err)
{
	enum stp_gc_place place;
	struct stat st;
	int is_own;

	STP_TRY(stp_gc_look(folder_fd, walk->device, name, walk->path, &place, &st, err));
	if (place == STP_GC_GONE)
		return STP_OK;
	if (place == STP_GC_ELSEWHERE)
		return leave(walk, name, path_bytes - strlen(name));
	if (S_ISDIR(st.st_mode))
		return enter_folder(walk, folder_fd, name, path_bytes, err);
	if (stp_name_set_has(&walk->run->links, walk->path, path_bytes)) {
		walk->run->report->links_kept++;
		return STP_OK;
	}
	STP_TRY(check_own(walk, folder_fd, name, path_bytes, &st, &is_own, err));
	return is_own ? remove_link(walk, folder_fd, name, &st, err)
	              : leave(walk, name, path_bytes - strlen(name));
}

static enum stp_errc walk_folder(struct walk *walk, int folder_fd, size_t path_bytes,
                                 struct stp_err *err)
{
	DIR *folder = stp_folder_list(folder_fd);
	const struct dirent *entry;
	enum stp_errc code = STP_OK;

	if (!folder)
		return STP_FAIL_SYS(err, STAGE, path_bytes ? walk->path : TOP, "cannot list");
	while (code == STP_OK && (errno = 0, entry = readdir(folder))) {
		const char *name = entry->d_name;
		size_t name_bytes = strlen(name);

		if (stp_name_is_dots(name))
			continue;
		code = stp_gc_check_cancel(walk->run, err);
		if (code != STP_OK)
			break;
		/* Other file systems allow longer names; the name and the "/" of a folder must
		 * fit. */
		if (name_bytes > STP_NAME_BYTES_MAX ||
		    path_bytes + name_bytes + 2 > sizeof(walk->path)) {
			code = leave(walk, name, path_bytes);
			continue;
		}
		memcpy(walk->path + path_bytes, name, name_bytes + 1);
		code = look_at_name(walk, folder_fd, name, path_bytes + name_bytes, err);
		walk->path[path_bytes] = '\0';
	}
	if (code == STP_OK && errno)
		code = STP_FAIL_SYS(err, STAGE, path_bytes ? walk->path : TOP, "cannot list");
	closedir(folder);
	return code;
}

enum stp_errc stp_gc_sweep_links(struct stp_gc_run *run, struct stp_err *err)
{
	struct walk *walk = calloc(1, sizeof(*walk));
	int marks_noted;
	enum stp_errc code;
	struct stat st;

	if (!walk)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, NULL, "no memory");
	walk->run = run;
	marks_noted = stp_marks_is_noted(run->repo.targets_fd, run->repo.state_fd);
	code = fstat(run->repo.targets_fd, &st) == 0 ? STP_OK
	                                             : STP_FAIL_SYS(err, STAGE, TOP, "cannot stat");
	if (code == STP_OK) {
		walk->device = st.st_dev;
		code = stp_links_base(&run->repo, run->config.targets_dir, walk->base, err);
	}
	if (code == STP_OK)
		code = walk_folder(walk, run->repo.targets_fd, 0, err);
	/* If nobody else touched the marks, the next sign need not check them because of what gc
	 * did. */
	if (code == STP_OK && marks_noted && walk->removed && !run->options->dry_run)
		code = stp_marks_note(run->repo.targets_fd, run->repo.state_fd, err);
	if (walk->hashers[0])
		stp_hasher_destroy(walk->hashers[0]);
	if (walk->hashers[1])
		stp_hasher_destroy(walk->hashers[1]);
	free(walk->chunk);
	free(walk);
	return code;
}
