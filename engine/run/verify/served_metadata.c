/* SPDX-License-Identifier: Apache-2.0 */
#include "run/verify/served_metadata.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "publish/repo.h"

/* Bits of which one must be set for others to get in. */
static int is_open_to_others(const struct stat *st, mode_t owner_bit)
{
	return (st->st_mode & (owner_bit >> 6 | owner_bit >> 3)) != 0;
}

static void look_at_folder(const char *subject, int fd, const char *name,
                           struct stp_finding_list *findings)
{
	struct stat st;

	if (fstatat(fd, name, &st, 0) == 0 && !is_open_to_others(&st, S_IXUSR))
		stp_finding_add(findings, STP_FINDING_SERVED_UNREADABLE, subject,
		                "cannot be entered by the web server (mode %04o); chmod go+x",
		                (unsigned)st.st_mode & 07777);
}

/* V.ROLE.json and timestamp.json; temporary and other files are not served. */
static int is_metadata(const char *name)
{
	size_t count = strlen(name);

	return count > 5 && name[0] != '.' && strcmp(name + count - 5, ".json") == 0;
}

static void look_at_files(int metadata_fd, struct stp_finding_list *findings)
{
	int fd = openat(metadata_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	struct stat st;

	if (!folder) {
		stp_fd_close(&fd);
		return;
	}
	while ((entry = readdir(folder)))
		if (is_metadata(entry->d_name) &&
		    fstatat(metadata_fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(st.st_mode) && !is_open_to_others(&st, S_IRUSR))
			stp_finding_add(findings, STP_FINDING_SERVED_UNREADABLE, entry->d_name,
			                "cannot be read by the web server (mode %04o); chmod go+r",
			                (unsigned)st.st_mode & 07777);
	closedir(folder);
}

void stp_served_metadata(const char *repository, int metadata_fd, struct stp_finding_list *findings)
{
	int repo_fd = open(repository, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (repo_fd >= 0) {
		look_at_folder(repository, repo_fd, ".", findings);
		look_at_folder(STP_PUBLIC_FOLDER, repo_fd, STP_PUBLIC_FOLDER, findings);
		close(repo_fd);
	}
	look_at_folder(STP_PUBLIC_FOLDER "/" STP_METADATA_FOLDER, metadata_fd, ".", findings);
	look_at_files(metadata_fd, findings);
}
