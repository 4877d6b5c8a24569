/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The links of a run from beginning to end: how names are made, which ones, and what the next run
 * has to know about it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "publish/links_state.h"
#include "publish/relative.h"
#include "publish/served.h"
#include "record/stamp.h"

#define STAGE "links"

/* ------------------------------------------------------------------ begin */

enum stp_errc stp_links_base(const struct stp_repo *repo, const char *targets_dir,
                             char out[PATH_MAX], struct stp_err *err)
{
	char proc[64];
	char real[PATH_MAX];
	ssize_t count;

	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", repo->targets_fd);
	count = readlink(proc, real, sizeof(real) - 1);
	if (count <= 0 || real[0] != '/')
		return STP_FAIL(err, STP_IO, STAGE, "public/targets",
		                "cannot determine its path; is /proc mounted?");
	real[count] = '\0';
	if (!stp_relative_path(real, targets_dir, out, PATH_MAX))
		return STP_FAIL(err, STP_LIMIT, STAGE, targets_dir, "the path is too long");
	return STP_OK;
}

/* "auto": links for all, or marks; marks of files that another server has would be useless. */
static void choose_mode(struct stp_links *links, uint64_t target_count)
{
	links->mode = STP_TARGET_FILES_MUTABLE;
	if (target_count <= STP_LINKS_AUTO_MAX)
		links->mode = STP_TARGET_FILES_ALL;
	else if (links->targets_dir_fd < 0 || stp_folder_is_empty(links->targets_dir_fd, NULL))
		links->is_elsewhere = 1;
	if (links->is_elsewhere)
		links->mode = STP_TARGET_FILES_NONE;
}

static enum stp_errc resolve_mode(struct stp_links *links, uint64_t target_count,
                                  struct stp_err *err)
{
	links->mode = links->config->target_files;
	if (links->mode == STP_TARGET_FILES_AUTO)
		choose_mode(links, target_count);
	if (links->mode == STP_TARGET_FILES_ALL && links->targets_dir_fd == -1 && target_count)
		return STP_FAIL(err, STP_CONFIG, STAGE, links->config->targets_dir,
		                "is not there, so public/targets cannot point into it; set "
		                "\"target_files\": \"none\"");
	return STP_OK;
}

/* How names are made, in the form of state/links: after a change every name is made again. */
static enum stp_errc find_need(struct stp_links *links, struct stp_err *err)
{
	struct stp_buf mark = STP_BUF_INIT;
	struct stat st;
	size_t used;
	size_t i;

	used =
	    (size_t)snprintf(links->mark, sizeof(links->mark), "%s %s %u %s",
	                     stp_target_files_name(links->mode), stp_link_name(links->config->link),
	                     links->config->hash_set, links->base);
	for (i = 0; i < links->config->mutable_globs.count && used < sizeof(links->mark); i++)
		used += (size_t)snprintf(links->mark + used, sizeof(links->mark) - used, " %s",
		                         links->config->mutable_globs.items[i]);
	links->need = STP_LINKS_NEED_ALL;
	if (used >= sizeof(links->mark)) /* too long to record: check all names in each run */
		return STP_OK;
	if (fstatat(links->repo->state_fd, STP_LINKS_STATE_FILE, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return STP_OK;
	links->touched_before_ns = stp_stamp_of(st.st_ctim);
	STP_TRY(stp_file_read(links->repo->state_fd, STP_LINKS_STATE_FILE, STP_LINKS_MARK_BYTES,
	                      STAGE, &mark, err));
	if (mark.count == used && memcmp(mark.data, links->mark, used) == 0)
		links->need = STP_LINKS_NEED_NEW;
	stp_buf_release(&mark);
	return STP_OK;
}

/* Opens the marks, and finds out which names this run checks again. */
static enum stp_errc begin_looks(struct stp_links *links, uint64_t target_count,
                                 struct stp_err *err)
{
	links->parts = links->mode == STP_TARGET_FILES_ALL
	                   ? (target_count + STP_SERVED_LOOKS_MAX - 1) / STP_SERVED_LOOKS_MAX
	                   : 1;
	if (links->mode != STP_TARGET_FILES_MUTABLE)
		return STP_OK;
	return stp_marks_begin(links->repo->targets_fd, links->repo->state_fd, links->worker_count,
	                       &links->marks, err);
}

enum stp_errc stp_links_begin(const struct stp_repo *repo, const struct stp_config *config,
                              int targets_dir_fd, uint64_t target_count, size_t worker_count,
                              const struct stp_cancel *cancel, struct stp_links **out_links,
                              struct stp_err *err)
{
	struct stp_links *links = calloc(1, sizeof(*links));
	enum stp_errc code;

	if (!links)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, NULL, "no memory");
	stp_linked_init(&links->linked);
	links->repo = repo;
	links->config = config;
	links->cancel = cancel;
	links->targets_dir_fd = targets_dir_fd;
	links->worker_count = worker_count ? worker_count : 1;
	links->workers = calloc(links->worker_count, sizeof(*links->workers));
	code = links->workers ? resolve_mode(links, target_count, err)
	                      : STP_FAIL_ERRNO(err, ENOMEM, STAGE, NULL, "no memory");
	if (code == STP_OK && links->mode != STP_TARGET_FILES_NONE) {
		code = stp_links_base(repo, config->targets_dir, links->base, err);
		if (code == STP_OK)
			code = find_need(links, err);
		if (code == STP_OK)
			code = begin_looks(links, target_count, err);
	}
	if (code != STP_OK) {
		stp_links_end(links);
		return code;
	}
	*out_links = links;
	return STP_OK;
}

void stp_links_set_run(struct stp_links *links, uint64_t run_number)
{
	links->run_number = run_number;
}

enum stp_target_files stp_links_last_mode(int state_fd)
{
	struct stp_err ignored = STP_ERR_INIT;
	struct stp_buf file = STP_BUF_INIT;
	int found = -1;

	if (state_fd >= 0 && stp_file_read(state_fd, STP_LINKS_STATE_FILE, STP_LINKS_MARK_BYTES,
	                                   "links", &file, &ignored) == STP_OK) {
		char *space = memchr(file.data, ' ', file.count);

		if (space) {
			*space = '\0'; /* the mode is the first word */
			found = stp_target_files_from_name((const char *)file.data);
		}
	}
	stp_buf_release(&file);
	return found == STP_TARGET_FILES_ALL || found == STP_TARGET_FILES_MUTABLE
	           ? (enum stp_target_files)found
	           : STP_TARGET_FILES_AUTO;
}

/* ------------------------------------------------------------------ end */

/* Records the present time: the next run hashes copies that were touched later. */
static void note_time(const struct stp_links *links)
{
	(void)!utimensat(links->repo->state_fd, STP_LINKS_STATE_FILE, NULL, AT_SYMLINK_NOFOLLOW);
}

/* Makes the next run that makes names check those of all targets. */
static enum stp_errc forget(const struct stp_links *links, struct stp_err *err)
{
	static const char *const files[] = {STP_LINKS_STATE_FILE, STP_MARKS_STATE_FILE};
	size_t i;

	for (i = 0; i < (links->mode == STP_TARGET_FILES_NONE ? 2 : 1); i++)
		if (unlinkat(links->repo->state_fd, files[i], 0) != 0 && errno != ENOENT)
			return STP_FAIL_SYS(err, STAGE, files[i], "cannot remove");
	return STP_OK;
}

enum stp_errc stp_links_commit(struct stp_links *links, struct stp_err *err)
{
	size_t count = strlen(links->mark);
	struct stp_missing missing = {0};
	uint64_t missing_count;

	if (links->mode == STP_TARGET_FILES_NONE)
		return forget(links, err);
	if (links->marks)
		STP_TRY(stp_marks_commit(links->marks, err));
	stp_links_missing(links, &missing);
	missing_count = missing.count;
	stp_missing_release(&missing);
	if (missing_count)
		return forget(links, err);
	if (links->need == STP_LINKS_NEED_NEW)
		note_time(links);
	if (links->need != STP_LINKS_NEED_ALL || count + 1 >= sizeof(links->mark))
		return STP_OK;
	return stp_file_write(links->repo->state_fd, STP_LINKS_STATE_FILE, links->mark, count,
	                      STP_MODE_PRIVATE_FILE, STP_FILE_REPLACE, STAGE, err);
}

void stp_links_missing(const struct stp_links *links, struct stp_missing *out)
{
	size_t i;

	for (i = 0; i < links->worker_count; i++)
		stp_missing_merge(out, &links->workers[i].missing);
}

int stp_links_are_elsewhere(const struct stp_links *links)
{
	return links->is_elsewhere;
}

uint64_t stp_links_made(const struct stp_links *links)
{
	uint64_t made = 0;
	size_t i;

	for (i = 0; i < links->worker_count; i++)
		made += links->workers[i].made;
	return made;
}

void stp_links_end(struct stp_links *links)
{
	size_t i;

	if (!links)
		return;
	for (i = 0; i < links->worker_count && links->workers; i++) {
		stp_copier_destroy(links->workers[i].copier);
		stp_missing_release(&links->workers[i].missing);
	}
	stp_marks_end(links->marks);
	stp_linked_release(&links->linked);
	free(links->workers);
	free(links);
}
