/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/folder.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/file.h"
#include "base/text.h"

/* Splits N.ROLE.json; 0 for any other name. *out_role points into name. */
static int parse_name(const char *name, uint64_t *out_version, const char **out_role,
                      size_t *out_role_bytes)
{
	const char *dot = strchr(name, '.');
	size_t count = strlen(name);

	if (!dot || count < 6 || strcmp(name + count - 5, ".json") != 0 ||
	    dot + 1 > name + count - 5 || !stp_u64_parse(name, (size_t)(dot - name), out_version) ||
	    *out_version == 0)
		return 0;
	*out_role = dot + 1;
	*out_role_bytes = (size_t)(name + count - 5 - (dot + 1));
	return *out_role_bytes > 0;
}

static int role_is(const char *role, size_t count, const char *wanted)
{
	return count == strlen(wanted) && memcmp(role, wanted, count) == 0;
}

/* Records the versions of roots and snapshots. */
static enum stp_errc note_name(void *ctx, int folder_fd, const char *name, struct stp_err *err)
{
	struct stp_metadata_folder *folder = ctx;
	const char *role;
	size_t count;
	uint64_t version;

	(void)folder_fd;
	if (!parse_name(name, &version, &role, &count))
		return STP_OK;
	if (role_is(role, count, "root") && version > folder->root_version_max)
		folder->root_version_max = version;
	if (!role_is(role, count, "snapshot"))
		return STP_OK;
	if (!STP_ARRAY_RESERVE(folder->snapshot_versions, folder->snapshot_version_capacity,
	                       folder->snapshot_version_count + 1))
		return STP_FAIL_ERRNO(err, ENOMEM, "verify", name, "cannot list snapshots");
	folder->snapshot_versions[folder->snapshot_version_count++] = version;
	return STP_OK;
}

/* Opens path/below when it is a folder that holds metadata. */
static int try_open(struct stp_metadata_folder *folder, const char *path, const char *below)
{
	int used = snprintf(folder->path, sizeof(folder->path), "%s%s", path, below);

	if (used < 0 || (size_t)used >= sizeof(folder->path))
		return 0;
	folder->fd = open(folder->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder->fd < 0)
		return 0;
	if (stp_file_exists(folder->fd, "timestamp.json") ||
	    stp_file_exists(folder->fd, "1.root.json"))
		return 1;
	stp_fd_close(&folder->fd);
	return 0;
}

static int is_repository(const char *path)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int found = fd >= 0 && stp_file_exists(fd, "stampede.json");

	stp_fd_close(&fd);
	return found;
}

enum stp_errc stp_metadata_folder_open(struct stp_metadata_folder *folder, const char *path,
                                       struct stp_err *err)
{
	static const char *const below[] = {"/public/metadata", "/metadata", ""};
	enum stp_errc code;
	size_t i;

	memset(folder, 0, sizeof(*folder));
	folder->fd = -1;
	for (i = 0; i < sizeof(below) / sizeof(below[0]); i++)
		if (try_open(folder, path, below[i]))
			break;
	if (folder->fd < 0 && is_repository(path))
		return STP_FAIL(err, STP_FORMAT, "verify", path,
		                "is a repository that has lost its public/metadata, or the "
		                "timestamp.json and 1.root.json in it; restore public/metadata "
		                "from a backup or a mirror");
	if (folder->fd < 0)
		return STP_FAIL(
		    err, STP_CONFIG, "verify", path,
		    "holds no metadata (timestamp.json or 1.root.json); give a repository "
		    "or its metadata folder");
	if (i == 0)
		snprintf(folder->repository, sizeof(folder->repository), "%s", path);
	code = stp_folder_each(folder->fd, "verify", folder->path, note_name, folder, err);
	if (code != STP_OK)
		stp_metadata_folder_close(folder);
	return code;
}

void stp_metadata_folder_close(struct stp_metadata_folder *folder)
{
	stp_fd_close(&folder->fd);
	free(folder->snapshot_versions);
	folder->snapshot_versions = NULL;
}

struct stray_search {
	int folder_fd;
	const struct stp_chain *tree;
	struct stp_finding_list *findings;
};

static enum stp_errc check_name(void *ctx, int folder_fd, const char *name, struct stp_err *err)
{
	struct stray_search *search = ctx;
	const char *role;
	uint64_t version;
	size_t count;
	char text[256];
	struct stat st;

	(void)folder_fd;
	(void)err;
	if (name[0] == '.' || strcmp(name, "timestamp.json") == 0)
		return STP_OK;
	if (parse_name(name, &version, &role, &count) && count < sizeof(text)) {
		memcpy(text, role, count);
		text[count] = '\0';
		if (fstatat(search->folder_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    !S_ISREG(st.st_mode)) {
			stp_finding_add(search->findings, STP_FINDING_FILE_STRAY, name,
			                "is not a regular file, as metadata must be; find out "
			                "who put it there, and remove it");
			return STP_OK;
		}
		if (strcmp(text, "root") == 0 || strcmp(text, "snapshot") == 0 ||
		    stp_chain_listed(search->tree, text))
			return STP_OK;
	}
	stp_finding_add(search->findings, STP_FINDING_FILE_STRAY, name,
	                "is in the metadata folder but belongs to no role");
	return STP_OK;
}

enum stp_errc stp_metadata_folder_strays(const struct stp_metadata_folder *folder,
                                         const struct stp_chain *tree,
                                         struct stp_finding_list *findings, struct stp_err *err)
{
	struct stray_search search = {folder->fd, tree, findings};

	return stp_folder_each(folder->fd, "verify", folder->path, check_name, &search, err);
}
