/* SPDX-License-Identifier: Apache-2.0 */
#include "keys/keyfile.h"

#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/user.h"

/* A file name that cannot leave its folder. */
static int is_plain_name(const char *name)
{
	return name[0] && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && !strchr(name, '/');
}

/* Nobody but the caller may enter; what is "file" or "folder" for messages. */
static enum stp_errc check_private(const struct stat *st, const char *what, const char *chmod,
                                   const char *name, struct stp_err *err)
{
	char owner[STP_USER_BYTES], here[STP_USER_BYTES];

	if (st->st_uid != geteuid())
		return STP_FAIL(err, STP_KEY, "keys", name,
		                "the key %s belongs to user %s, but user %s runs this; run it as "
		                "its owner, or use a copy of your own",
		                what, stp_user_name(st->st_uid, owner),
		                stp_user_name(geteuid(), here));
	if (st->st_mode & (S_IRWXG | S_IRWXO))
		return STP_FAIL(err, STP_KEY, "keys", name,
		                "the key %s is open to others (mode %04o); chmod %s it", what,
		                (unsigned)(st->st_mode & 07777), chmod);
	return STP_OK;
}

static enum stp_errc check_folder(int folder_fd, const char *name, struct stp_err *err)
{
	struct stat st;

	if (!is_plain_name(name))
		return STP_FAIL(err, STP_KEY, "keys", name, "is no plain file name");
	if (fstat(folder_fd, &st) != 0)
		return STP_FAIL_SYS(err, "keys", name, "cannot stat the key folder");
	if (!S_ISDIR(st.st_mode))
		return STP_FAIL(err, STP_KEY, "keys", name, "the key folder is no folder");
	return check_private(&st, "folder", "700", name, err);
}

static enum stp_errc check_file(int fd, const char *name, size_t *out_count, struct stp_err *err)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return STP_FAIL_SYS(err, "keys", name, "cannot stat");
	if (!S_ISREG(st.st_mode))
		return STP_FAIL(err, STP_KEY, "keys", name, "is no regular file");
	STP_TRY(check_private(&st, "file", "600", name, err));
	if (st.st_size < 1 || st.st_size > STP_KEY_FILE_BYTES_MAX)
		return STP_FAIL(err, STP_KEY, "keys", name,
		                "is no key file: %lld bytes, expected 1 to %d",
		                (long long)st.st_size, STP_KEY_FILE_BYTES_MAX);
	*out_count = (size_t)st.st_size;
	return STP_OK;
}

/* The whole open file into fresh locked memory. */
static enum stp_errc read_locked(int fd, const char *name, uint8_t **out_bytes, size_t *out_count,
                                 struct stp_err *err)
{
	enum stp_errc code;
	size_t count = 0;
	uint8_t *bytes;

	STP_TRY(check_file(fd, name, &count, err));
	bytes = sodium_malloc(count);
	if (!bytes)
		return STP_FAIL_ERRNO(err, ENOMEM, "keys", name, "cannot get locked memory");
	code = stp_fd_read_at(fd, bytes, count, 0, "keys", name, err);
	if (code != STP_OK) {
		sodium_free(bytes);
		return code;
	}
	*out_bytes = bytes;
	*out_count = count;
	return STP_OK;
}

enum stp_errc stp_keyfile_read(int folder_fd, const char *name, uint8_t **out_bytes,
                               size_t *out_count, struct stp_err *err)
{
	enum stp_errc code;
	int fd;

	if (sodium_init() < 0)
		return STP_FAIL(err, STP_KEY, "keys", name, "libsodium does not start");
	STP_TRY(check_folder(folder_fd, name, err));
	fd = openat(folder_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 && errno == ELOOP)
		return STP_FAIL(err, STP_KEY, "keys", name,
		                "is a link; put the key file itself there");
	if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == EIO))
		return STP_FAIL_SYS(err, "keys", name, "cannot open the key file");
	if (fd < 0)
		return stp_err_set(err, STP_KEY, errno, "keys", name, __FILE__, __LINE__,
		                   "cannot open the key file");
	code = read_locked(fd, name, out_bytes, out_count, err);
	close(fd);
	return code;
}

enum stp_errc stp_keyfile_create(int folder_fd, const char *name, const uint8_t *bytes,
                                 size_t count, struct stp_err *err)
{
	struct stat st;

	STP_TRY(check_folder(folder_fd, name, err));
	/* A friendly answer; STP_FILE_NEW is what makes sure of it. */
	if (fstatat(folder_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return STP_FAIL(err, STP_KEY, "keys", name,
		                "is there already; keys are never overwritten");
	return stp_file_write(folder_fd, name, bytes, count, 0600, STP_FILE_NEW, "keys", err);
}
