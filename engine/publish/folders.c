/* SPDX-License-Identifier: Apache-2.0 */
#include "publish/folders.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/beneath.h"
#include "base/limits.h"
#include "publish/repo.h"

int stp_folders_open(int folder_fd, const char *path, int flags)
{
	struct open_how how = {
	    .flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
	    .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	long fd;

	do
		fd = stp_open_beneath(folder_fd, path, &how);
	while (fd < 0 && (errno == EINTR || errno == EAGAIN));
	return (int)fd;
}

int stp_folders_make(int folder_fd, const char *path)
{
	char part[STP_PATH_BYTES_MAX + 1];
	const char *slash = path;
	int more = 1;

	if (strlen(path) > STP_PATH_BYTES_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	while (more) {
		size_t count = strcspn(slash, "/");
		const char *name;
		int parent = folder_fd;
		int rc;

		more = slash[count] == '/';
		memcpy(part, path, (size_t)(slash - path) + count);
		part[(slash - path) + (long)count] = '\0';
		name = part + (slash - path);
		if (slash != path) {
			part[slash - path - 1] = '\0';
			parent = stp_folders_open(folder_fd, part, O_PATH | O_DIRECTORY);
			if (parent < 0)
				return -1;
		}
		rc = mkdirat(parent, name, STP_MODE_PUBLIC_FOLDER);
		if (rc == 0) /* the umask may have cleared bits */
			rc = fchmodat(parent, name, STP_MODE_PUBLIC_FOLDER, 0);
		else if (errno == EEXIST)
			rc = 0;
		if (parent != folder_fd)
			close(parent);
		if (rc != 0)
			return -1;
		slash += count + 1;
	}
	return 0;
}

int stp_folders_unlink(int folder_fd, const char *path)
{
	char part[STP_PATH_BYTES_MAX + 1];
	size_t count = 0;
	struct stat st;

	if (strlen(path) > STP_PATH_BYTES_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	do {
		count += strcspn(path + count, "/");
		memcpy(part, path, count);
		part[count] = '\0';
		if (fstatat(folder_fd, part, &st, AT_SYMLINK_NOFOLLOW) != 0)
			return errno == ENOENT ? 0 : -1;
		if (S_ISLNK(st.st_mode))
			return unlinkat(folder_fd, part, 0);
	} while (path[count++]);
	return 0;
}
