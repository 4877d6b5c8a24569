/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One way to make a name per link kind, and one rule for names that are there already:
 *
 *	                 made by                              kept when there is
 *	symlink          symlinkat, relative                  a link with the same text
 *	hardlink         linkat of the file that was checked  the same inode
 *	reflink, copy    temporary file, rename               a file of these bytes
 *	a mark           publish/marks.h                      a regular file
 *
 * Anything else under the name is replaced by rename. A regular file under HASH.NAME was put there
 * whole, by link or rename; one that somebody touched since is hashed (publish/served.h). Names
 * that earlier runs made are looked at again by every run: all of those whose files may change, and
 * up to STP_SERVED_LOOKS_MAX of the others.
 *
 * Sources are opened beneath the targets folder without following links, and must have the
 * fingerprint that the record was hashed with; what is copied is hashed on its way. So a name
 * never gets bytes that are not those of its hash, whatever changes meanwhile.
 */
#include "publish/links.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/faultpoint.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/stamp.h"
#include "base/text.h"
#include "publish/copy.h"
#include "publish/folders.h"
#include "publish/links_state.h"
#include "publish/mark_name.h"
#include "publish/relative.h"
#include "publish/served.h"

#define STAGE         "links"
#define LINK_NAME_MAX STP_NAME_BYTES_MAX

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
		                "its path cannot be found out; is /proc mounted?");
	real[count] = '\0';
	if (!stp_relative_path(real, targets_dir, out, PATH_MAX))
		return STP_FAIL(err, STP_LIMIT, STAGE, targets_dir, "the path is too long");
	return STP_OK;
}

/* True when nothing at all lies in the folder. */
static int is_empty(int folder_fd)
{
	int fd = openat(folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry = NULL;

	if (!folder) {
		stp_fd_close(&fd);
		return 0;
	}
	while ((entry = readdir(folder)) &&
	       (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0))
		;
	closedir(folder);
	return !entry;
}

/* "auto": links for all, or marks; marks of files that another server has would only cost. */
static void choose_mode(struct stp_links *links, uint64_t target_count)
{
	links->mode = STP_TARGET_FILES_MUTABLE;
	if (target_count <= STP_LINKS_AUTO_MAX)
		links->mode = STP_TARGET_FILES_ALL;
	else if (links->targets_dir_fd < 0 || is_empty(links->targets_dir_fd))
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

/* How names are made, as state/links notes it: another way means every name anew. */
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
	if (used >= sizeof(links->mark)) /* too much to note: look at all names each time */
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

enum stp_errc stp_links_begin(const struct stp_repo *repo, const struct stp_config *config,
                              int targets_dir_fd, uint64_t target_count, size_t worker_count,
                              const struct stp_cancel *cancel, struct stp_links **out_links,
                              struct stp_err *err)
{
	struct stp_links *links = calloc(1, sizeof(*links));
	enum stp_errc code;

	if (!links)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, NULL, "no memory");
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
			code = stp_links_begin_looks(links, target_count, err);
	}
	if (code != STP_OK) {
		stp_links_end(links);
		return code;
	}
	*out_links = links;
	return STP_OK;
}

enum stp_links_need stp_links_need(const struct stp_links *links)
{
	return links->need;
}

/* ------------------------------------------------------------------ folders and sources */

/* One name to be made, and what it needs. */
struct job {
	struct stp_links *links;
	struct stp_links_worker *worker;
	const struct stp_record *record;
	struct stp_fault_list *faults;
	char path[STP_PATH_BYTES_MAX + 1]; /* NUL-terminated; cut into folder and file below */
	const char *folder;                /* "" at the top */
	const char *file;
	int folder_fd; /* in public/targets */
	int source_fd; /* the file, for all but symlinks */
	int is_mutable;
	int faulted;
};

static enum stp_errc job_fault(struct job *job, enum stp_errc code, int sys_errno, const char *text)
{
	stp_fault_add(job->faults, code, sys_errno, STAGE, job->record->path,
	              job->record->path_bytes, "%s", text);
	job->faulted = 1;
	return STP_OK;
}

/* Opens (or makes) the folder in public/targets. */
static enum stp_errc open_folder(struct job *job, struct stp_err *err)
{
	int top = job->links->repo->targets_fd;
	const char *path = job->folder[0] ? job->folder : ".";

	job->folder_fd = stp_folders_open(top, path, O_RDONLY | O_DIRECTORY);
	if (job->folder_fd < 0 && errno == ENOENT && stp_folders_make(top, job->folder) == 0)
		job->folder_fd = stp_folders_open(top, path, O_RDONLY | O_DIRECTORY);
	if (job->folder_fd < 0)
		return STP_FAIL_SYS(err, STAGE, job->folder,
		                    "cannot make the folder in public/targets");
	return STP_OK;
}

/* Is the open source still what was hashed, by its fingerprint? */
static int source_unchanged(const struct job *job, const struct stat *st)
{
	const struct stp_fingerprint *print = &job->record->fingerprint;

	if (!S_ISREG(st->st_mode) || (uint64_t)st->st_size != job->record->length)
		return 0;
	return !(job->record->flags & STP_RECORD_FILE) ||
	       ((uint64_t)st->st_ino == print->ino &&
	        stp_stamp_of(st->st_mtim) == print->mtime_ns &&
	        stp_stamp_of(st->st_ctim) == print->ctime_ns);
}

/* Opens the file in the targets folder; what is wrong with it is a fault. */
static enum stp_errc open_source(struct job *job, const char *path)
{
	struct stat st;

	job->source_fd =
	    stp_folders_open(job->links->targets_dir_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	if (job->source_fd < 0)
		return job_fault(job, STP_CHANGED, errno, "cannot be opened for its HASH.NAME");
	if (fstat(job->source_fd, &st) != 0 || !source_unchanged(job, &st))
		return job_fault(job, STP_CHANGED, 0,
		                 "has changed since it was hashed; sign again");
	return STP_OK;
}

/* ------------------------------------------------------------------ symlinks */

int stp_links_text(const char *base, const char *path, size_t path_bytes, char out[PATH_MAX])
{
	size_t used = 0;
	size_t i;
	int count;

	/* "../" per folder, the way to the targets folder, the path. */
	for (i = 0; i < path_bytes; i++) {
		if (path[i] != '/')
			continue;
		if (used + 4 >= PATH_MAX)
			return 0;
		memcpy(out + used, "../", 3);
		used += 3;
	}
	count = snprintf(out + used, PATH_MAX - used, "%s/%.*s", base, (int)path_bytes, path);
	return count > 0 && (size_t)count < PATH_MAX - used;
}

/* Temporary files lie at the top of public/targets, on the file system they are for; the next run
 * sweeps there what a crash left, without a walk. */
/* Gives the temporary file its name; only a folder is in the way of that. */
static enum stp_errc put_in_place(const struct job *job, const char *temporary, const char *name,
                                  struct stp_err *err)
{
	int why;

	if (renameat(job->links->repo->targets_fd, temporary, job->folder_fd, name) == 0)
		return STP_OK;
	why = errno;
	unlinkat(job->links->repo->targets_fd, temporary, 0);
	return STP_FAIL_ERRNO(err, why, STAGE, name,
	                      why == EISDIR
	                          ? "cannot put in place; move the folder of that name away"
	                          : "cannot put in place");
}

static enum stp_errc replace_symlink(struct job *job, const char *name, const char *text,
                                     struct stp_err *err)
{
	char temporary[STP_TEMPORARY_BYTES];

	STP_TRY(stp_temporary_name(temporary, STAGE, name, err));
	if (symlinkat(text, job->links->repo->targets_fd, temporary) != 0)
		return STP_FAIL_SYS(err, STAGE, name, "cannot make the link");
	return put_in_place(job, temporary, name, err);
}

static enum stp_errc make_symlink(struct job *job, const char *name, int *out_made,
                                  struct stp_err *err)
{
	char text[PATH_MAX];
	char there[PATH_MAX];
	ssize_t count;

	if (!stp_links_text(job->links->base, job->record->path, job->record->path_bytes, text))
		return job_fault(job, STP_LIMIT, 0, "its link would be longer than 4,095 bytes");
	*out_made = 1;
	if (symlinkat(text, job->folder_fd, name) == 0)
		return STP_OK;
	if (errno != EEXIST)
		return STP_FAIL_SYS(err, STAGE, name, "cannot make the link");
	count = readlinkat(job->folder_fd, name, there, sizeof(there));
	if (count == (ssize_t)strlen(text) && memcmp(there, text, (size_t)count) == 0) {
		*out_made = 0;
		return STP_OK;
	}
	return replace_symlink(job, name, text, err);
}

/* ------------------------------------------------------------------ files */

static enum stp_errc prepare_copier(struct job *job, struct stp_err *err)
{
	struct stp_copier **copier = &job->worker->copier;

	return *copier ? STP_OK
	               : stp_copier_create(job->links->config->hash_set, job->links->cancel, copier,
	                                   err);
}

/* Whether the copy called name has the bytes of the record. */
static enum stp_errc hash_copy(struct job *job, const char *name, int *out_good,
                               struct stp_err *err)
{
	struct stp_copy_source copy = {.fd = stp_folders_open(job->folder_fd, name,
	                                                      O_RDONLY | O_NONBLOCK | O_NOCTTY),
	                               .length = job->record->length,
	                               .digests = job->record->digests,
	                               .name = name};
	enum stp_copy_result result = STP_COPY_CHANGED;
	enum stp_errc code;

	*out_good = 0;
	if (copy.fd < 0)
		return STP_OK;
	code = prepare_copier(job, err);
	if (code == STP_OK)
		code = stp_copier_copy(job->worker->copier, &copy, -1, &result, err);
	close(copy.fd);
	*out_good = code == STP_OK && result == STP_COPY_DONE;
	return code;
}

/* Whether a hard link or a copy under name is what it should be. */
static enum stp_errc file_is_there(struct job *job, const char *name, enum stp_link link,
                                   int *out_there, struct stp_err *err)
{
	struct stp_served_look look = {.targets_fd = job->folder_fd,
	                               .link = link,
	                               .touched_before_ns = job->links->touched_before_ns};
	enum stp_served_answer answer = stp_served_look(&look, job->record, name);

	*out_there = answer == STP_SERVED_GOOD;
	return answer == STP_SERVED_DOUBTFUL ? hash_copy(job, name, out_there, err) : STP_OK;
}

static enum stp_errc make_hardlink(struct job *job, const char *name, struct stp_err *err)
{
	char proc[64];
	char temporary[STP_TEMPORARY_BYTES];

	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", job->source_fd);
	if (linkat(AT_FDCWD, proc, job->folder_fd, name, AT_SYMLINK_FOLLOW) == 0)
		return STP_OK;
	if (errno == EXDEV)
		return STP_FAIL(err, STP_CONFIG, STAGE, STP_CONFIG_FILE,
		                "\"link\": hard links cannot reach the targets' file system; set "
		                "\"symlink\" or \"copy\"");
	if (errno != EEXIST)
		return STP_FAIL_SYS(err, STAGE, name, "cannot make the hard link");
	STP_TRY(stp_temporary_name(temporary, STAGE, name, err));
	if (linkat(AT_FDCWD, proc, job->links->repo->targets_fd, temporary, AT_SYMLINK_FOLLOW) != 0)
		return STP_FAIL_SYS(err, STAGE, name, "cannot make the hard link");
	return put_in_place(job, temporary, name, err);
}

/* Fills fd with the source's bytes: shared blocks where that works, else copied. */
static enum stp_errc fill_copy(struct job *job, int fd, struct stp_err *err)
{
	enum stp_link link = job->links->config->link;
	struct stp_copier **copier = &job->worker->copier;
	struct stp_copy_source source = {.fd = job->source_fd,
	                                 .length = job->record->length,
	                                 .digests = job->record->digests,
	                                 .name = job->file};
	enum stp_copy_result result = STP_COPY_REFUSED;

	STP_TRY(prepare_copier(job, err));
	if (link == STP_LINK_REFLINK || job->is_mutable)
		STP_TRY(stp_copier_share(*copier, &source, fd, &result, err));
	if (result == STP_COPY_REFUSED && link == STP_LINK_REFLINK && !job->is_mutable)
		return STP_FAIL(err, STP_CONFIG, STAGE, STP_CONFIG_FILE,
		                "\"link\": this file system has no reflinks to the targets; set "
		                "\"symlink\" or \"copy\"");
	if (result == STP_COPY_REFUSED)
		STP_TRY(stp_copier_copy(*copier, &source, fd, &result, err));
	return result == STP_COPY_DONE
	           ? STP_OK
	           : job_fault(job, STP_CHANGED, 0, "has changed since it was hashed; sign again");
}

static enum stp_errc make_copy(struct job *job, const char *name, struct stp_err *err)
{
	char temporary[STP_TEMPORARY_BYTES];
	enum stp_errc code;
	int fd;

	STP_TRY(stp_temporary_create(job->links->repo->targets_fd, O_RDWR, STP_MODE_PUBLIC_FILE,
	                             STAGE, name, temporary, &fd, err));
	code = fill_copy(job, fd, err);
	if (code == STP_OK && fchmod(fd, STP_MODE_PUBLIC_FILE) != 0)
		code = STP_FAIL_SYS(err, STAGE, name, "cannot set permissions");
	if (close(fd) != 0 && code == STP_OK)
		code = STP_FAIL_SYS(err, STAGE, name, "cannot write");
	if (code == STP_OK && !job->faulted)
		return put_in_place(job, temporary, name, err);
	unlinkat(job->links->repo->targets_fd, temporary, 0);
	return code;
}

/* ------------------------------------------------------------------ put */

/* HASH.NAME of one algorithm; 0 when it is longer than a file name may be. */
static int prefixed_name(const struct job *job, enum stp_alg alg, char out[LINK_NAME_MAX + 1])
{
	unsigned set = job->links->config->hash_set;
	size_t digest_bytes = stp_alg_digest_bytes(alg);
	size_t file_bytes = strlen(job->file);

	if (2 * digest_bytes + 1 + file_bytes > LINK_NAME_MAX)
		return 0;
	stp_hex_encode(job->record->digests + stp_alg_set_offset(set, alg), digest_bytes, out);
	out[2 * digest_bytes] = '.';
	memcpy(out + 2 * digest_bytes + 1, job->file, file_bytes + 1);
	return 1;
}

static enum stp_errc make_name(struct job *job, const char *name, struct stp_err *err)
{
	enum stp_link link = stp_links_kind(job->links, job->is_mutable);
	int there = 0;
	int made = 1;

	STP_FAULT_TRY(err, STAGE, "name", name);
	if (link != STP_LINK_SYMLINK)
		STP_TRY(file_is_there(job, name, link, &there, err));
	if (link == STP_LINK_SYMLINK)
		STP_TRY(make_symlink(job, name, &made, err));
	else if (there)
		made = 0;
	else if (link == STP_LINK_HARDLINK)
		STP_TRY(make_hardlink(job, name, err));
	else
		STP_TRY(make_copy(job, name, err));
	if (made && !job->faulted)
		job->worker->made++;
	return STP_OK;
}

/* Hard links move the ctime of the file they lead to; nothing else may have moved. */
static enum stp_errc take_ctime(struct job *job, struct stp_fingerprint *fingerprint)
{
	struct stat st;

	if (job->source_fd < 0 || job->links->config->link != STP_LINK_HARDLINK ||
	    !(job->record->flags & STP_RECORD_FILE))
		return STP_OK;
	if (fstat(job->source_fd, &st) != 0 || (uint64_t)st.st_size != job->record->length ||
	    stp_stamp_of(st.st_mtim) != fingerprint->mtime_ns)
		return job_fault(job, STP_CHANGED, 0,
		                 "has changed since it was hashed; sign again");
	fingerprint->ctime_ns = stp_stamp_of(st.st_ctim);
	return STP_OK;
}

/* A list may name files that are not there, or not yet: a link would lead nowhere. */
static int is_missing(const struct job *job, const char *path)
{
	struct stat st;

	return !(job->record->flags & STP_RECORD_FILE) &&
	       fstatat(job->links->targets_dir_fd, path, &st, 0) != 0 &&
	       (errno == ENOENT || errno == ENOTDIR);
}

/* Cuts the path, opens folder and source, makes every name. */
static enum stp_errc run_job(struct job *job, const char *path, struct stp_fingerprint *fingerprint,
                             struct stp_err *err)
{
	unsigned set = job->links->config->hash_set;
	int alg;

	if (is_missing(job, path)) {
		stp_missing_add(&job->worker->missing, path);
		return STP_OK;
	}
	STP_TRY(open_folder(job, err));
	if (job->links->config->link != STP_LINK_SYMLINK || job->is_mutable)
		STP_TRY(open_source(job, path));
	for (alg = 0; alg < STP_ALG_COUNT && !job->faulted; alg++) {
		char name[LINK_NAME_MAX + 1];

		if (!(set & STP_ALG_BIT(alg)))
			continue;
		if (!prefixed_name(job, (enum stp_alg)alg, name))
			return job_fault(job, STP_LIMIT, 0,
			                 "its HASH.NAME is longer than 255 bytes; shorten the "
			                 "name, or use sha256 or no target files");
		STP_TRY(make_name(job, name, err));
	}
	return job->faulted ? STP_OK : take_ctime(job, fingerprint);
}

/* A mark for a target that the web server finds without its digest. */
static enum stp_errc put_mark(struct job *job, struct stp_err *err)
{
	const struct stp_record *record = job->record;
	enum stp_marks_result result;

	STP_TRY(stp_marks_put(job->links->marks, (size_t)(job->worker - job->links->workers),
	                      record->path, record->path_bytes, record->digests,
	                      job->links->config->hash_set, &result, err));
	job->worker->marked += result == STP_MARKS_MADE;
	if (result == STP_MARKS_TOO_LONG)
		return job_fault(job, STP_LIMIT, 0,
		                 "its name is longer than 238 bytes, too long for public/targets; "
		                 "shorten it, or use no target files");
	return STP_OK;
}

/* .signed at the top of public/targets is not for target files. */
static int takes_marks_folder(const struct stp_record *record)
{
	static const char folder[] = STP_MARKS_FOLDER "/";

	return record->path_bytes >= sizeof(folder) - 1 &&
	       memcmp(record->path, folder, sizeof(folder) - 1) == 0;
}

enum stp_errc stp_links_put(struct stp_links *links, size_t worker_index,
                            const struct stp_record *record, struct stp_fingerprint *fingerprint,
                            struct stp_fault_list *faults, int *out_faulted, struct stp_err *err)
{
	struct job job = {.links = links,
	                  .worker = &links->workers[worker_index],
	                  .record = record,
	                  .faults = faults,
	                  .folder_fd = -1,
	                  .source_fd = -1};
	char path[STP_PATH_BYTES_MAX + 1];
	char *slash;
	enum stp_errc code;

	STP_ASSERT(worker_index < links->worker_count && record->digests &&
	           record->path_bytes <= STP_PATH_BYTES_MAX);
	*out_faulted = 0;
	if (links->need == STP_LINKS_NEED_NONE)
		return STP_OK;
	if (stp_cancelled(links->cancel))
		return STP_FAIL(err, STP_CANCELLED, STAGE, NULL, "stopped");
	job.is_mutable = stp_links_is_mutable(links, record);
	if (takes_marks_folder(record)) {
		*out_faulted = 1;
		return job_fault(
		    &job, STP_FORMAT, 0,
		    "lies in " STP_MARKS_FOLDER
		    ", a name that public/targets needs for itself; rename the folder");
	}
	/* The web server finds the others, by their name less the hash, when they have a mark. */
	if (links->mode == STP_TARGET_FILES_MUTABLE && !job.is_mutable) {
		code = put_mark(&job, err);
		*out_faulted = job.faulted;
		return code;
	}
	memcpy(path, record->path, record->path_bytes);
	path[record->path_bytes] = '\0';
	memcpy(job.path, path, (size_t)record->path_bytes + 1);
	slash = strrchr(job.path, '/');
	job.file = slash ? slash + 1 : job.path;
	job.folder = slash ? job.path : "";
	if (slash)
		*slash = '\0';
	code = run_job(&job, path, fingerprint, err);
	stp_fd_close(&job.folder_fd);
	stp_fd_close(&job.source_fd);
	*out_faulted = job.faulted;
	return code;
}

/* ------------------------------------------------------------------ end */

/* Copies that were made until now are known: what is touched later is hashed by the next run. */
static void note_time(const struct stp_links *links)
{
	(void)!utimensat(links->repo->state_fd, STP_LINKS_STATE_FILE, NULL, AT_SYMLINK_NOFOLLOW);
}

/* The next run looks for the names of all targets. */
static enum stp_errc forget(const struct stp_links *links, struct stp_err *err)
{
	static const char *const files[] = {STP_LINKS_STATE_FILE, STP_MARKS_STATE_FILE};
	size_t i;

	for (i = 0; i < (links->is_elsewhere ? 2 : 1); i++)
		if (unlinkat(links->repo->state_fd, files[i], 0) != 0 && errno != ENOENT)
			return STP_FAIL_SYS(err, STAGE, files[i], "cannot remove");
	return STP_OK;
}

enum stp_errc stp_links_commit(struct stp_links *links, struct stp_err *err)
{
	size_t count = strlen(links->mark);
	struct stp_missing missing = {0};
	uint64_t missing_count;

	if (links->is_elsewhere)
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
	free(links->workers);
	free(links);
}
