/* SPDX-License-Identifier: Apache-2.0 */
#include "keys/keyfile.h"

#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/modes.h"
#include "base/user.h"

/* A file name that cannot leave its folder. */
static int is_plain_name(const char *name)
{
	return name[0] && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && !strchr(name, '/');
}

/* Only the caller may have access; what is "file" or "folder" for messages. */
static enum stp_errc check_private(int fd, const struct stat *st, const char *what, unsigned mode,
                                   const char *name, struct stp_err *err)
{
	char owner[STP_USER_BYTES], here[STP_USER_BYTES];
	char advice[STP_MODE_ADVICE_BYTES];

	if (st->st_uid != geteuid())
		return STP_FAIL(err, STP_KEY, "keys", name,
		                "the key %s belongs to user %s, but user %s runs this; %s", what,
		                stp_user_name(st->st_uid, owner), stp_user_name(geteuid(), here),
		                stp_owner_advice(fd, advice));
	if (st->st_mode & (S_IRWXG | S_IRWXO))
		return STP_FAIL(err, STP_KEY, "keys", name,
		                "the key %s is open to others (mode %04o); %s", what,
		                (unsigned)(st->st_mode & 07777), stp_mode_advice(fd, mode, advice));
	return STP_OK;
}

static enum stp_errc check_folder(int folder_fd, const char *name, struct stp_err *err)
{
	struct stat st;

	if (!is_plain_name(name))
		return STP_FAIL(err, STP_KEY, "keys", name, "is not a plain file name");
	if (fstat(folder_fd, &st) != 0)
		return STP_FAIL_SYS(err, "keys", name, "cannot stat the key folder");
	if (!S_ISDIR(st.st_mode))
		return STP_FAIL(err, STP_KEY, "keys", name, "the key folder is not a folder");
	return check_private(folder_fd, &st, "folder", 0700, name, err);
}

static enum stp_errc check_file(int fd, const struct stat *st, const char *name,
                                struct stp_err *err)
{
	STP_TRY(check_private(fd, st, "file", 0600, name, err));
	if (st->st_size < 1 || st->st_size > STP_KEY_FILE_BYTES_MAX)
		return STP_FAIL(
		    err, STP_KEY, "keys", name,
		    "is not a key file: %lld bytes, expected 1 to %d; restore it from a "
		    "backup",
		    (long long)st->st_size, STP_KEY_FILE_BYTES_MAX);
	return STP_OK;
}

/* Opens the file. What the operator must correct is STP_KEY, a lack of resources is not. */
static enum stp_errc open_file(int folder_fd, const char *name, int *out_fd, struct stat *out_stat,
                               struct stp_err *err)
{
	struct stp_err why = STP_ERR_INIT;
	enum stp_errc code = stp_file_open(folder_fd, name, "keys", out_fd, out_stat, &why);
	int sys = why.sys_errno;

	if (code == STP_OK)
		return STP_OK;
	if (code == STP_FORMAT)
		return STP_FAIL(err, STP_KEY, "keys", name, "%s", why.text);
	if (sys == EMFILE || sys == ENFILE || sys == ENOMEM || sys == EIO)
		return STP_FAIL_ERRNO(err, sys, "keys", name, "cannot open the key file");
	return stp_err_set(err, STP_KEY, sys, "keys", name, __FILE__, __LINE__,
	                   "cannot open the key file");
}

/* The whole open file into fresh locked memory. */
static enum stp_errc read_locked(int fd, const char *name, size_t count, uint8_t **out_bytes,
                                 struct stp_err *err)
{
	enum stp_errc code;
	uint8_t *bytes = sodium_malloc(count);

	if (!bytes)
		return STP_FAIL_ERRNO(err, ENOMEM, "keys", name, "cannot get locked memory");
	code = stp_fd_read_at(fd, bytes, count, 0, "keys", name, err);
	if (code != STP_OK) {
		sodium_free(bytes);
		return code;
	}
	*out_bytes = bytes;
	return STP_OK;
}

enum stp_errc stp_keyfile_read(int folder_fd, const char *name, uint8_t **out_bytes,
                               size_t *out_count, struct stp_err *err)
{
	struct stat st;
	enum stp_errc code;
	int fd;

	if (sodium_init() < 0)
		return STP_FAIL(err, STP_KEY, "keys", name, "cannot initialize libsodium");
	STP_TRY(check_folder(folder_fd, name, err));
	STP_TRY(open_file(folder_fd, name, &fd, &st, err));
	code = check_file(fd, &st, name, err);
	if (code == STP_OK)
		code = read_locked(fd, name, (size_t)st.st_size, out_bytes, err);
	close(fd);
	if (code == STP_OK)
		*out_count = (size_t)st.st_size;
	return code;
}

/* A file that was renamed into place but could not be made durable: it is not in use, but the next
 * init would mistake it for a key. It is removed only if it holds exactly these bytes. */
static void take_back(int folder_fd, const char *name, const uint8_t *bytes, size_t count)
{
	struct stp_err ignored = STP_ERR_INIT;
	uint8_t *there = NULL;
	size_t there_count = 0;

	if (stp_keyfile_read(folder_fd, name, &there, &there_count, &ignored) != STP_OK)
		return;
	if (there_count == count && sodium_memcmp(there, bytes, count) == 0)
		unlinkat(folder_fd, name, 0);
	sodium_free(there);
}

enum stp_errc stp_keyfile_create(int folder_fd, const char *name, const uint8_t *bytes,
                                 size_t count, struct stp_err *err)
{
	enum stp_errc code;
	struct stat st;

	STP_TRY(check_folder(folder_fd, name, err));
	/* For a clear message; STP_FILE_NEW is what guarantees it. */
	if (fstatat(folder_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return STP_FAIL(err, STP_KEY, "keys", name,
		                "already exists; keys are never overwritten");
	code = stp_file_write(folder_fd, name, bytes, count, 0600, STP_FILE_NEW, "keys", err);
	if (code != STP_OK)
		take_back(folder_fd, name, bytes, count);
	return code;
}
