/* SPDX-License-Identifier: Apache-2.0 */
#include "publish/marks.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <xxhash.h>

#include "base/faultpoint.h"
#include "base/file.h"
#include "base/text.h"
#include "publish/folders.h"
#include "publish/mark_name.h"
#include "publish/repo.h"
#include "record/fingerprint.h"
#include "stampede/alg.h"

#define STAGE       "links"
#define STATE_BYTES 17 /* 16 hex digits and a line feed */

/* A mark that this worker made, to which it links the next ones. */
struct worker {
	int seed_fd; /* the folder of seed; -1: none yet */
	char seed[STP_NAME_BYTES_MAX + 1];
};

/* Where a mark goes: a folder that is open, and its name in it. */
struct place {
	int fd;
	const char *name;
};

struct stp_marks {
	int targets_fd; /* the caller's */
	int state_fd;   /* the caller's */
	int wants_all;
	int are_new;
	atomic_int moved;                   /* something has to be recorded at the commit */
	atomic_int shards[STP_MARK_SHARDS]; /* open folders; -1: not yet */
	struct worker *workers;
	size_t worker_count;
};

/* ------------------------------------------------------------------ state of the folders */

/* Adds the state of a folder of marks to the hash. */
static void add_folder(XXH3_state_t *hash, int targets_fd, const char *name)
{
	uint64_t values[3] = {0, 0, 0};
	struct stat st;

	if (fstatat(targets_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		struct stp_fingerprint print = stp_fingerprint_of(&st, 0);

		values[0] = print.ino ^ (uint64_t)(S_ISDIR(st.st_mode) ? 0 : 1) << 63;
		values[1] = (uint64_t)print.mtime_ns;
		values[2] = (uint64_t)print.ctime_ns;
	}
	XXH3_64bits_update(hash, values, sizeof(values));
}

/* What state/marks should hold for the present state of the folders; 0: there are none. */
static uint64_t folders_print(int targets_fd)
{
	XXH3_state_t *hash = XXH3_createState();
	char name[sizeof(STP_MARKS_FOLDER) + 8];
	uint64_t print;
	struct stat st;
	unsigned shard;

	if (!hash || fstatat(targets_fd, STP_MARKS_FOLDER, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
	    !S_ISDIR(st.st_mode)) {
		XXH3_freeState(hash);
		return 0;
	}
	XXH3_64bits_reset(hash);
	add_folder(hash, targets_fd, STP_MARKS_FOLDER);
	add_folder(hash, targets_fd, STP_MARKS_FOLDER "/" STP_MARKS_LONG_FOLDER);
	for (shard = 0; shard < STP_MARK_SHARDS; shard++) {
		snprintf(name, sizeof(name), STP_MARKS_FOLDER "/%02x", shard);
		add_folder(hash, targets_fd, name);
	}
	print = XXH3_64bits_digest(hash);
	XXH3_freeState(hash);
	return print ? print : 1;
}

int stp_marks_is_noted(int targets_fd, int state_fd)
{
	struct stp_err ignored = STP_ERR_INIT;
	struct stp_buf file = STP_BUF_INIT;
	uint8_t noted[8];
	uint64_t print = 0;

	if (stp_file_read(state_fd, STP_MARKS_STATE_FILE, 64, STAGE, &file, &ignored) == STP_OK &&
	    file.count == STATE_BYTES &&
	    stp_hex_decode((const char *)file.data, sizeof(noted), noted, 0))
		print = stp_load64_be(noted);
	stp_buf_release(&file);
	return print && print == folders_print(targets_fd);
}

enum stp_errc stp_marks_note(int targets_fd, int state_fd, struct stp_err *err)
{
	char text[STATE_BYTES + 1];

	snprintf(text, sizeof(text), "%016llx\n", (unsigned long long)folders_print(targets_fd));
	return stp_file_write(state_fd, STP_MARKS_STATE_FILE, text, STATE_BYTES,
	                      STP_MODE_PRIVATE_FILE, STP_FILE_REPLACE, STAGE, err);
}

/* ------------------------------------------------------------------ folders */

/* Makes every folder above the mark called name. */
static int make_folders(int targets_fd, const char *name)
{
	char path[STP_MARK_NAME_BYTES];
	size_t folder_bytes = (size_t)(strrchr(name, '/') - name);

	memcpy(path, name, folder_bytes);
	path[folder_bytes] = '\0';
	return stp_folders_make(targets_fd, path);
}

/* Removes a symbolic link in place of a folder of marks, which is made later; gives others access
 * to a folder that they may not enter. */
static enum stp_errc check_folder(int targets_fd, const char *name, struct stp_err *err)
{
	struct stat st;

	if (fstatat(targets_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ? STP_OK : STP_FAIL_SYS(err, STAGE, name, "cannot stat");
	if (S_ISLNK(st.st_mode))
		return unlinkat(targets_fd, name, 0) == 0
		           ? STP_OK
		           : STP_FAIL_SYS(err, STAGE, name,
		                          "is a symbolic link that cannot be removed");
	if (!S_ISDIR(st.st_mode))
		return STP_FAIL(err, STP_FORMAT, STAGE, name,
		                "is not a folder, where marks of signed targets belong; move it "
		                "away, and sign again");
	if ((st.st_mode & 0777) != STP_MODE_PUBLIC_FOLDER &&
	    fchmodat(targets_fd, name, STP_MODE_PUBLIC_FOLDER, 0) != 0)
		return STP_FAIL_SYS(err, STAGE, name, "cannot set permissions");
	return STP_OK;
}

static enum stp_errc check_folders(int targets_fd, struct stp_err *err)
{
	char name[sizeof(STP_MARKS_FOLDER) + 8];
	unsigned shard;

	STP_TRY(check_folder(targets_fd, STP_MARKS_FOLDER "/" STP_MARKS_LONG_FOLDER, err));
	for (shard = 0; shard < STP_MARK_SHARDS; shard++) {
		snprintf(name, sizeof(name), STP_MARKS_FOLDER "/%02x", shard);
		STP_TRY(check_folder(targets_fd, name, err));
	}
	return STP_OK;
}

/* ------------------------------------------------------------------ begin */

static enum stp_errc open_marks(struct stp_marks *marks, struct stp_err *err)
{
	STP_TRY(check_folder(marks->targets_fd, STP_MARKS_FOLDER, err));
	if (stp_folders_make(marks->targets_fd, STP_MARKS_FOLDER) != 0)
		return STP_FAIL_SYS(err, STAGE, STP_MARKS_FOLDER, "cannot make the folder");
	marks->wants_all = !stp_marks_is_noted(marks->targets_fd, marks->state_fd);
	atomic_init(&marks->moved, marks->wants_all);
	marks->are_new = !stp_file_exists(marks->state_fd, STP_MARKS_STATE_FILE);
	return marks->wants_all ? check_folders(marks->targets_fd, err) : STP_OK;
}

enum stp_errc stp_marks_begin(int targets_fd, int state_fd, size_t worker_count,
                              struct stp_marks **out_marks, struct stp_err *err)
{
	struct stp_marks *marks = calloc(1, sizeof(*marks));
	enum stp_errc code;
	size_t i;

	if (!marks)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, NULL, "no memory");
	marks->targets_fd = targets_fd;
	marks->state_fd = state_fd;
	marks->worker_count = worker_count;
	for (i = 0; i < STP_MARK_SHARDS; i++)
		atomic_init(&marks->shards[i], -1);
	marks->workers = calloc(worker_count, sizeof(*marks->workers));
	for (i = 0; marks->workers && i < worker_count; i++)
		marks->workers[i].seed_fd = -1;
	code = marks->workers ? open_marks(marks, err)
	                      : STP_FAIL_ERRNO(err, ENOMEM, STAGE, NULL, "no memory");
	if (code != STP_OK) {
		stp_marks_end(marks);
		return code;
	}
	*out_marks = marks;
	return STP_OK;
}

int stp_marks_want_all(const struct stp_marks *marks)
{
	return marks->wants_all;
}

/* ------------------------------------------------------------------ put */

/* The folder of a flat mark, opened once, by the first worker that needs it; -1 when that fails. */
static int open_shard(struct stp_marks *marks, const char *name)
{
	const char *digits = name + sizeof(STP_MARKS_FOLDER);
	char path[sizeof(STP_MARKS_FOLDER) + STP_MARK_SHARD_DIGITS + 1];
	uint8_t shard;
	int known = -1;
	int fd;

	if (!stp_hex_decode(digits, 1, &shard, 0))
		return -1; /* .signed/long */
	fd = atomic_load_explicit(&marks->shards[shard], memory_order_acquire);
	if (fd >= 0)
		return fd;
	memcpy(path, name, sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	fd = stp_folders_open(marks->targets_fd, path, O_PATH | O_DIRECTORY);
	if (fd < 0 && errno == ENOENT && stp_folders_make(marks->targets_fd, path) == 0)
		fd = stp_folders_open(marks->targets_fd, path, O_PATH | O_DIRECTORY);
	if (fd < 0 ||
	    atomic_compare_exchange_strong_explicit(&marks->shards[shard], &known, fd,
	                                            memory_order_acq_rel, memory_order_acquire))
		return fd;
	close(fd); /* another worker has opened it meanwhile */
	return known;
}

static struct place find_place(struct stp_marks *marks, const char *name)
{
	struct place place = {.fd = open_shard(marks, name), .name = name};

	if (place.fd >= 0)
		place.name = strrchr(name, '/') + 1;
	else
		place.fd = marks->targets_fd;
	return place;
}

/* Makes one more link to the worker's last empty file, or a new empty file. */
static int make_mark(struct worker *worker, const struct place *place)
{
	int is_flat = strlen(place->name) < sizeof(worker->seed) && !strchr(place->name, '/');
	int fd;
	int rc;

	if (worker->seed_fd >= 0)
		return linkat(worker->seed_fd, worker->seed, place->fd, place->name, 0);
	fd = openat(place->fd, place->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
	            STP_MODE_PUBLIC_FILE);
	if (fd < 0)
		return -1;
	rc = fchmod(fd, STP_MODE_PUBLIC_FILE);
	if (close(fd) != 0)
		rc = -1;
	if (rc == 0 && is_flat) {
		worker->seed_fd = place->fd;
		memcpy(worker->seed, place->name, strlen(place->name) + 1);
	}
	return rc;
}

/* Checks what already has the mark's name: a regular file is kept, a symbolic link is removed. */
static enum stp_errc look_at_taken(const struct place *place, const char *name, int *out_there,
                                   struct stp_err *err)
{
	struct stat st;

	*out_there = 0;
	if (fstatat(place->fd, place->name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ? STP_OK : STP_FAIL_SYS(err, STAGE, name, "cannot stat");
	*out_there = S_ISREG(st.st_mode);
	if (*out_there)
		return STP_OK;
	if (unlinkat(place->fd, place->name, 0) != 0)
		return STP_FAIL_SYS(err, STAGE, name,
		                    "cannot make the mark; move away the folder of that name");
	return STP_OK;
}

/* Starts a new empty file when its links run out (65,000 on ext4), or the file system has none. */
static int is_spent(int why)
{
	return why == EMLINK || why == EXDEV || why == EPERM || why == EOPNOTSUPP || why == ENOENT;
}

static enum stp_errc put_mark(struct stp_marks *marks, struct worker *worker, const char *name,
                              int *out_made, struct stp_err *err)
{
	struct place place = find_place(marks, name);
	int tries;

	STP_FAULT_TRY(err, STAGE, "mark", name);
	*out_made = 0;
	for (tries = 0; tries < 4; tries++) {
		int there;
		int why;

		if (make_mark(worker, &place) == 0) {
			*out_made = 1;
			return STP_OK;
		}
		why = errno;
		if (why == EEXIST) {
			STP_TRY(look_at_taken(&place, name, &there, err));
			if (there)
				return STP_OK;
		} else if (why == ENOENT && place.fd == marks->targets_fd && tries == 0) {
			if (make_folders(marks->targets_fd, name) != 0)
				return STP_FAIL_SYS(err, STAGE, name,
				                    "cannot make the folders of the mark");
		} else if (worker->seed_fd >= 0 && is_spent(why)) {
			worker->seed_fd = -1;
		} else {
			return STP_FAIL_ERRNO(err, why, STAGE, name, "cannot make the mark");
		}
	}
	return STP_FAIL(err, STP_CHANGED, STAGE, name,
	                "cannot make the mark: another process keeps removing it; sign again");
}

enum stp_errc stp_marks_put(struct stp_marks *marks, size_t worker_index, const char *path,
                            size_t path_bytes, const uint8_t *digests, unsigned hash_set,
                            enum stp_marks_result *out_result, struct stp_err *err)
{
	int alg;

	STP_ASSERT(worker_index < marks->worker_count);
	*out_result = STP_MARKS_THERE;
	for (alg = 0; alg < STP_ALG_COUNT; alg++) {
		char name[STP_MARK_NAME_BYTES];
		char hex[STP_MARK_DIGITS];
		int made;

		if (!(hash_set & STP_ALG_BIT(alg)))
			continue;
		stp_hex_encode(digests + stp_alg_set_offset(hash_set, (enum stp_alg)alg),
		               STP_MARK_DIGITS / 2, hex);
		if (!stp_mark_name(path, path_bytes, hex, name)) {
			*out_result = STP_MARKS_TOO_LONG;
			return STP_OK;
		}
		STP_TRY(put_mark(marks, &marks->workers[worker_index], name, &made, err));
		if (made) {
			*out_result = STP_MARKS_MADE;
			atomic_store_explicit(&marks->moved, 1, memory_order_relaxed);
		}
	}
	return STP_OK;
}

/* ------------------------------------------------------------------ end */

int stp_marks_are_new(const struct stp_marks *marks)
{
	return marks->are_new;
}

enum stp_errc stp_marks_commit(struct stp_marks *marks, struct stp_err *err)
{
	return atomic_load(&marks->moved) ? stp_marks_note(marks->targets_fd, marks->state_fd, err)
	                                  : STP_OK;
}

void stp_marks_end(struct stp_marks *marks)
{
	size_t i;

	if (!marks)
		return;
	for (i = 0; i < STP_MARK_SHARDS; i++) {
		int fd = atomic_load(&marks->shards[i]);

		stp_fd_close(&fd);
	}
	free(marks->workers);
	free(marks);
}
