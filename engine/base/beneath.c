/* SPDX-License-Identifier: Apache-2.0 */
#include "base/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Set once the call was refused. A filter may be tightened but never loosened, so this holds. */
static atomic_int is_missing;

static long openat2(int folder_fd, const char *path, const struct open_how *how)
{
	return syscall(SYS_openat2, folder_fd, path, how, sizeof(*how));
}

/* Whether errno of a failed call is about the call itself. EPERM is what older container runtimes
 * answer to any call they do not know; it may be about the file as well, so a folder that is open
 * already decides. */
static int call_is_missing(int folder_fd)
{
	struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC};
	long fd;

	if (errno == ENOSYS)
		return 1;
	if (errno != EPERM)
		return 0;
	fd = openat2(folder_fd, ".", &how);
	if (fd >= 0)
		close((int)fd);
	if (fd < 0 && (errno == EPERM || errno == ENOSYS))
		return 1;
	errno = EPERM;
	return 0;
}

/* --- without the call ------------------------------------------------------------------------ */

static int fail(int sys)
{
	errno = sys;
	return -1;
}

/* Closes fd, keeps errno. */
static void drop(int fd)
{
	int sys = errno;

	close(fd);
	errno = sys;
}

/* The mount that contains name in the folder at ("": at itself): its number, or the device number
 * where Linux (before 5.8) or a filter does not report mounts. 0 when neither is known. */
static uint64_t mount_of(int at, const char *name)
{
	int flags = AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW;
	struct statx got;
	struct stat st;

	if (statx(at, name, flags, STATX_MNT_ID, &got) == 0 && (got.stx_mask & STATX_MNT_ID))
		return got.stx_mnt_id;
	return fstatat(at, name, &st, flags) == 0 ? st.st_dev : 0;
}

static int is_link(int at, const char *name)
{
	struct stat st;

	return fstatat(at, name, &st, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISLNK(st.st_mode);
}

/* Opens one component of a path. A link is never followed, and is opened or refused as O_NOFOLLOW
 * says only where may_be_link is set; elsewhere it is ELOOP. */
static int open_component(int at, const char *name, const struct open_how *how, uint64_t flags,
                          int may_be_link)
{
	int crosses_none = (how->resolve & RESOLVE_NO_XDEV) != 0;
	uint64_t mount = crosses_none ? mount_of(at, "") : 0;
	int fd = openat(at, name, (int)(flags | O_NOFOLLOW | O_CLOEXEC), (mode_t)how->mode);
	int sys = 0;

	if (fd < 0 && errno != ENOTDIR)
		return -1;
	/* Either a file was opened, or name is not a folder: it may be a link, or on another
	 * mount. */
	if (fd >= 0) {
		at = fd;
		name = "";
	}
	if (!may_be_link && (fd < 0 || (flags & O_PATH)) && is_link(at, name))
		sys = ELOOP;
	else if (crosses_none && (mount == 0 || mount_of(at, name) != mount))
		sys = EXDEV;
	else if (fd < 0)
		sys = ENOTDIR;
	if (sys && fd >= 0)
		close(fd);
	return sys ? fail(sys) : fd;
}

/* Copies the next component of *path to name and returns its length, 0 at the end, or -1 and errno.
 * "." and empty components are passed over. */
static int next_component(const char **path, char name[NAME_MAX + 1])
{
	const char *at = *path;
	size_t count;

	for (;;) {
		at += strspn(at, "/");
		count = strcspn(at, "/");
		if (count != 1 || at[0] != '.')
			break;
		at++;
	}
	if (count > NAME_MAX)
		return fail(ENAMETOOLONG);
	memcpy(name, at, count);
	name[count] = '\0';
	*path = at + count;
	/* It could lead out of the folder, and no caller passes one. */
	if (strcmp(name, "..") == 0)
		return fail(EXDEV);
	return (int)count;
}

/* The walk. The open descriptor of a folder on the way keeps its place in the tree: whatever is
 * renamed meanwhile, a component is looked up in the folder that was found, and never above it. */
static int walk(int folder_fd, const char *path, const struct open_how *how)
{
	char name[NAME_MAX + 1];
	char after[NAME_MAX + 1];
	int count = next_component(&path, name);
	int at = folder_fd;
	int fd = -1;

	if (count == 0)
		return openat(folder_fd, ".", (int)how->flags, (mode_t)how->mode);
	while (count > 0) {
		int must_be_folder = *path == '/';

		count = next_component(&path, after);
		fd = -1;
		if (count > 0)
			fd = open_component(at, name, how, O_PATH | O_DIRECTORY, 0);
		else if (count == 0)
			fd = open_component(at, name, how,
			                    how->flags | (must_be_folder ? O_DIRECTORY : 0),
			                    (how->flags & O_NOFOLLOW) && !must_be_folder);
		if (at != folder_fd)
			drop(at);
		if (fd < 0)
			return -1;
		at = fd;
		memcpy(name, after, sizeof(name));
	}
	return fd;
}

static int open_without(int folder_fd, const char *path, const struct open_how *how)
{
	if (how->resolve == 0)
		return openat(folder_fd, path, (int)how->flags, (mode_t)how->mode);
	if (how->resolve & RESOLVE_CACHED)
		return fail(EINVAL); /* as Linux before 5.12 */
	if (!*path)
		return fail(ENOENT);
	if (*path == '/')
		return fail(EXDEV);
	if (strlen(path) >= PATH_MAX)
		return fail(ENAMETOOLONG);
	return walk(folder_fd, path, how);
}

long stp_open_beneath(int folder_fd, const char *path, const struct open_how *how)
{
	long fd;

	if (!atomic_load_explicit(&is_missing, memory_order_relaxed)) {
		fd = openat2(folder_fd, path, how);
		if (fd >= 0 || !call_is_missing(folder_fd))
			return fd;
		atomic_store_explicit(&is_missing, 1, memory_order_relaxed);
	}
	return open_without(folder_fd, path, how);
}
