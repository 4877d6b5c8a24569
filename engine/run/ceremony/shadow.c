/* SPDX-License-Identifier: Apache-2.0 */
#include "run/ceremony/shadow.h"

#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "publish/names.h"

#define STAGE "ceremony"

/* ------------------------------------------------------------------ the folder */

static enum stp_errc remove_name(void *ctx, int folder_fd, const char *name, struct stp_err *err)
{
	(void)ctx;
	if (unlinkat(folder_fd, name, 0) != 0)
		return STP_FAIL_SYS(err, STAGE, "state/" STP_SHADOW_FOLDER, "cannot be emptied");
	return STP_OK;
}

static enum stp_errc make_folder(struct stp_shadow *shadow, struct stp_err *err)
{
	int *fd = &shadow->repo.metadata_fd;

	STP_TRY(stp_folder_make(shadow->state_fd, STP_SHADOW_FOLDER, STP_MODE_PRIVATE_FOLDER, STAGE,
	                        fd, err));
	return stp_folder_each(*fd, STAGE, "state/" STP_SHADOW_FOLDER, remove_name, NULL, err);
}

/* Nothing in it is durable: it is worth nothing after a crash. */
enum stp_errc stp_shadow_put(const struct stp_shadow *shadow, const char *name, const void *bytes,
                             size_t count, struct stp_err *err)
{
	int fd =
	    openat(shadow->repo.metadata_fd, name,
	           O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, STP_MODE_PRIVATE_FILE);
	enum stp_errc code;

	if (fd < 0)
		return STP_FAIL_SYS(err, STAGE, "state/" STP_SHADOW_FOLDER,
		                    "cannot make a file in it");
	code = stp_fd_write_at(fd, bytes, count, 0, STAGE, "state/" STP_SHADOW_FOLDER, err);
	close(fd);
	return code;
}

/* ------------------------------------------------------------------ copies */

struct copying {
	const struct stp_shadow *shadow;
	const char *const *without;
	size_t count;
	uint64_t snapshot; /* that the timestamp lists; 0: unknown */
};

/* The snapshot that timestamp.json lists; 0 when it cannot be read. */
static uint64_t listed_snapshot(int metadata_fd)
{
	struct stp_err ignored = STP_ERR_INIT;
	struct stp_buf file = STP_BUF_INIT;
	json_int_t version = 0;
	json_t *json;

	if (stp_file_read(metadata_fd, "timestamp.json", STP_TIMESTAMP_BYTES_MAX, STAGE, &file,
	                  &ignored) == STP_OK) {
		json =
		    json_loadb((const char *)file.data, file.count, JSON_REJECT_DUPLICATES, NULL);
		version = json_integer_value(json_object_get(
		    json_object_get(json_object_get(json_object_get(json, "signed"), "meta"),
		                    "snapshot.json"),
		    "version"));
		json_decref(json);
	}
	stp_buf_release(&file);
	return version > 0 ? (uint64_t)version : 0;
}

/* Whether name is a document that clients read before they look for a target. */
static int is_wanted(const struct copying *copying, const char *name)
{
	char role[STP_NAME_BYTES_MAX + 1];
	uint64_t version;
	size_t i;

	for (i = 0; i < copying->count; i++)
		if (strcmp(copying->without[i], name) == 0)
			return 0;
	switch (stp_metadata_name(name, "", &version)) {
	case STP_NAME_SNAPSHOT:
		return version == copying->snapshot;
	case STP_NAME_OTHER:
		if (!version) /* no VERSION.ROLE.json */
			return 0;
		snprintf(role, sizeof(role), "%.*s", (int)(strlen(strchr(name, '.') + 1) - 5),
		         strchr(name, '.') + 1);
		return !stp_bin_role_is(role);
	default:
		return 1;
	}
}

static enum stp_errc copy(void *ctx, int folder_fd, const char *name, struct stp_err *err)
{
	const struct copying *copying = ctx;
	struct stp_buf file = STP_BUF_INIT;
	struct stat st;
	enum stp_errc code;

	if (!is_wanted(copying, name) || fstatat(folder_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
	    !S_ISREG(st.st_mode))
		return STP_OK;
	code = stp_file_read(folder_fd, name, STP_SNAPSHOT_BYTES_MAX, STAGE, &file, err);
	if (code == STP_OK)
		code = stp_shadow_put(copying->shadow, name, file.data, file.count, err);
	stp_buf_release(&file);
	return code;
}

enum stp_errc stp_shadow_begin(struct stp_shadow *shadow, const struct stp_repo *repo,
                               const char *const *without, size_t count, struct stp_err *err)
{
	struct copying copying = {shadow, without, count, listed_snapshot(repo->metadata_fd)};

	shadow->state_fd = repo->state_fd;
	shadow->repo = *repo;
	shadow->repo.metadata_fd = -1;
	STP_TRY(make_folder(shadow, err));
	return stp_folder_each(repo->metadata_fd, STAGE, "public/metadata", copy, &copying, err);
}

void stp_shadow_end(struct stp_shadow *shadow)
{
	struct stp_err ignored = STP_ERR_INIT;

	if (shadow->repo.metadata_fd == -1)
		return;
	if (stp_folder_each(shadow->repo.metadata_fd, STAGE, STP_SHADOW_FOLDER, remove_name, NULL,
	                    &ignored) == STP_OK)
		(void)!unlinkat(shadow->state_fd, STP_SHADOW_FOLDER, AT_REMOVEDIR);
	stp_fd_close(&shadow->repo.metadata_fd);
}
