/* SPDX-License-Identifier: Apache-2.0 */
#include "publish/commits.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/limits.h"

#define STAGE            "state"
#define RECORD_BYTES_MAX 4096

/* "state/commits", or STP_IO. */
static enum stp_errc open_commits(const struct stp_repo *repo, int *out_fd, struct stp_err *err)
{
	return stp_folder_make(repo->state_fd, STP_COMMITS_FOLDER, STP_MODE_PRIVATE_FOLDER, STAGE,
	                       out_fd, err);
}

enum stp_errc stp_commit_save(const struct stp_repo *repo, const struct stp_commit *commit,
                              struct stp_err *err)
{
	char time[STP_TIME_BYTES + 1];
	char name[32];
	char text[160];
	int count;
	int fd;
	enum stp_errc code;

	stp_time_format(commit->committed_at, time);
	snprintf(name, sizeof(name), "%llu.json", (unsigned long long)commit->timestamp_version);
	count = snprintf(text, sizeof(text),
	                 "{\"committed_at\":\"%s\",\"snapshot\":%llu,\"timestamp\":%llu}\n", time,
	                 (unsigned long long)commit->snapshot_version,
	                 (unsigned long long)commit->timestamp_version);
	STP_TRY(open_commits(repo, &fd, err));
	code = stp_file_write(fd, name, text, (size_t)count, STP_MODE_PRIVATE_FILE,
	                      STP_FILE_REPLACE, STAGE, err);
	close(fd);
	return code;
}

enum stp_errc stp_commit_parse(const char *name, const void *text, size_t text_bytes,
                               struct stp_commit *out_commit, struct stp_err *err)
{
	json_t *record = json_loadb(text, text_bytes, JSON_REJECT_DUPLICATES, NULL);
	struct stp_err ignored = STP_ERR_INIT;
	const char *time;
	json_int_t snapshot;
	json_int_t timestamp;
	int64_t committed_at = 0;
	enum stp_errc code = STP_OK;

	if (json_unpack(record, "{s:s,s:I,s:I}", "committed_at", &time, "snapshot", &snapshot,
	                "timestamp", &timestamp) != 0 ||
	    snapshot < 1 || timestamp < 1 || (uint64_t)snapshot > STP_VERSION_MAX ||
	    (uint64_t)timestamp > STP_VERSION_MAX ||
	    stp_time_parse(time, strlen(time), &committed_at, &ignored) != STP_OK)
		code =
		    STP_FAIL(err, STP_FORMAT, STAGE, name,
		             "is not a commit record; restore it from a backup, or remove it: gc "
		             "then uses the modification time of its snapshot's file");
	if (code == STP_OK) {
		out_commit->committed_at = committed_at;
		out_commit->snapshot_version = (uint64_t)snapshot;
		out_commit->timestamp_version = (uint64_t)timestamp;
	}
	json_decref(record);
	return code;
}

static int by_version(const void *a, const void *b)
{
	uint64_t left = ((const struct stp_commit *)a)->timestamp_version;
	uint64_t right = ((const struct stp_commit *)b)->timestamp_version;

	return (left > right) - (left < right);
}

/* A growing list, copied into the arena at the end. */
struct gather {
	struct stp_buf records;
	struct stp_buf text;
};

static enum stp_errc gather_one(void *ctx, int fd, const char *name, struct stp_err *err)
{
	struct gather *gather = ctx;
	struct stp_commit commit;
	size_t digits = strspn(name, "0123456789");

	if (digits == 0 || strcmp(name + digits, ".json") != 0)
		return STP_OK;
	STP_TRY(stp_file_read(fd, name, RECORD_BYTES_MAX, STAGE, &gather->text, err));
	STP_TRY(stp_commit_parse(name, gather->text.data, gather->text.count, &commit, err));
	return stp_buf_append(&gather->records, &commit, sizeof(commit), err);
}

enum stp_errc stp_commit_list_load(const struct stp_repo *repo, struct stp_arena *arena,
                                   struct stp_commit_list *out_list, struct stp_err *err)
{
	struct gather gather = {STP_BUF_INIT, STP_BUF_INIT};
	struct stp_commit_list list = {NULL, 0};
	struct stp_err why = STP_ERR_INIT;
	enum stp_errc code;
	int fd;

	code = stp_folder_open(repo->state_fd, STP_COMMITS_FOLDER, STAGE, &fd, &why);
	if (code != STP_OK && why.sys_errno == ENOENT) {
		*out_list = list;
		return STP_OK;
	}
	if (code != STP_OK) {
		stp_err_merge(err, &why);
		return code;
	}
	code = stp_folder_each(fd, STAGE, "state/commits", gather_one, &gather, err);
	close(fd);
	if (code == STP_OK) {
		list.count = gather.records.count / sizeof(*list.items);
		list.items = stp_arena_alloc(arena, gather.records.count);
		if (!list.items)
			code = STP_FAIL_ERRNO(err, ENOMEM, STAGE, "state/commits", "no memory");
	}
	if (code == STP_OK && list.count) {
		memcpy(list.items, gather.records.data, gather.records.count);
		qsort(list.items, list.count, sizeof(*list.items), by_version);
	}
	stp_buf_release(&gather.records);
	stp_buf_release(&gather.text);
	if (code == STP_OK)
		*out_list = list;
	return code;
}

const struct stp_commit *stp_commit_find(const struct stp_commit_list *list,
                                         uint64_t timestamp_version)
{
	struct stp_commit wanted = {timestamp_version, 0, 0};

	return list->count ? bsearch(&wanted, list->items, list->count, sizeof(wanted), by_version)
	                   : NULL;
}

enum stp_errc stp_commit_remove(const struct stp_repo *repo, uint64_t timestamp_version,
                                struct stp_err *err)
{
	char name[64];

	snprintf(name, sizeof(name), STP_COMMITS_FOLDER "/%llu.json",
	         (unsigned long long)timestamp_version);
	if (unlinkat(repo->state_fd, name, 0) != 0 && errno != ENOENT)
		return STP_FAIL_SYS(err, STAGE, name, "cannot remove");
	return STP_OK;
}
