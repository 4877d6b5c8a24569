/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How each kind of name is made, and when an existing one is kept:
 *
 *	                 made by                              kept if it is
 *	symlink          symlinkat, relative                  a link with the same text
 *	hardlink         linkat of the file that was checked  of the same inode
 *	reflink, copy    temporary file, rename               a file with these bytes
 *	a mark           publish/marks.h                      a regular file
 *
 * Anything else under the name is replaced by a rename. A regular file under HASH.NAME was put
 *there complete, by link or rename; one that was touched since is hashed (publish/served.h). Every
 *run checks the names that earlier runs made: all those of mutable files, and up to
 * STP_SERVED_LOOKS_MAX of the others.
 *
 * Sources are opened beneath the targets folder without following links, and must have the
 * fingerprint that the record was hashed with; what is copied is hashed on the way. So a name
 * never gets bytes that do not match its hash, no matter what changes meanwhile.
 */
#include "publish/links.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/faultpoint.h"
#include "base/file.h"
#include "base/limits.h"
#include "publish/folders.h"
#include "publish/links_state.h"
#include "publish/mark_name.h"
#include "publish/served.h"
#include "record/fingerprint.h"
#include "record/stamp.h"

#define STAGE         "links"
#define LINK_NAME_MAX STP_NAME_BYTES_MAX

/* ------------------------------------------------------------------ folders and sources */

/* One name to be made, and what it needs. */
struct job {
	struct stp_links *links;
	struct stp_links_worker *worker;
	const struct stp_record *record;
	struct stp_record moved; /* the same with the ctime that our own links gave the file */
	struct stp_fault_list *faults;
	char path[STP_PATH_BYTES_MAX + 1]; /* NUL-terminated; split into folder and file below */
	const char *folder;                /* "" at the top */
	const char *file;
	int folder_fd;      /* in public/targets */
	int source_fd;      /* the file, for all but symlinks */
	int has_more_names; /* the file has other names than the one in the targets folder */
	int is_mutable;
	enum stp_links_result result;
};

static enum stp_errc job_fault(struct job *job, enum stp_errc code, int sys_errno, const char *text)
{
	stp_fault_add(job->faults, code, sys_errno, STAGE, job->record->path,
	              job->record->path_bytes, "%s", text);
	job->result = STP_LINKS_FAULT;
	return STP_OK;
}

/* Reports that the file is not what was hashed; the caller decides whether that is a fault. */
static enum stp_errc job_changed(struct job *job)
{
	job->result = STP_LINKS_CHANGED;
	return STP_OK;
}

/* Opens (or makes) the folder in public/targets. */
static enum stp_errc open_folder(struct job *job, struct stp_err *err)
{
	int top = job->links->repo->targets_fd;
	const char *path = job->folder[0] ? job->folder : ".";

	job->folder_fd = stp_folders_open(top, path, O_RDONLY | O_DIRECTORY);
	if (job->folder_fd < 0 && errno == ELOOP && stp_folders_unlink(top, job->folder) == 0)
		errno = ENOENT; /* a symbolic link in place of a folder of names */
	if (job->folder_fd < 0 && errno == ENOENT && stp_folders_make(top, job->folder) == 0)
		job->folder_fd = stp_folders_open(top, path, O_RDONLY | O_DIRECTORY);
	if (job->folder_fd < 0)
		return STP_FAIL_SYS(err, STAGE, job->folder,
		                    "cannot make the folder in public/targets; move away the file "
		                    "that has its name, and sign again");
	return STP_OK;
}

/* Whether the open source is still what was hashed, by its fingerprint. If links of this run
 * changed its ctime, the job continues with a record of the new ctime. */
static int source_unchanged(struct job *job, const struct stat *st)
{
	unsigned differs = stp_record_difference(job->record, st);

	if (!(job->record->flags & STP_RECORD_FILE))
		return S_ISREG(st->st_mode) && (uint64_t)st->st_size == job->record->length;
	if (!differs)
		return 1;
	if (differs != STP_DIFFERS_CTIME ||
	    !stp_linked_was(&job->links->linked, &job->record->fingerprint))
		return 0;
	job->moved = *job->record;
	job->moved.fingerprint.ctime_ns = stp_stamp_of(st->st_ctim);
	job->record = &job->moved;
	return 1;
}

/* Opens the file in the targets folder. */
static enum stp_errc open_source(struct job *job, const char *path)
{
	struct stat st;

	job->source_fd = stp_links_open(job->links, path);
	if (job->source_fd < 0)
		return stp_links_is_moved(errno) ? job_changed(job)
		                                 : job_fault(job, STP_CHANGED, errno,
		                                             "cannot be opened for its HASH.NAME");
	if (fstat(job->source_fd, &st) != 0 || !source_unchanged(job, &st))
		return job_changed(job);
	job->has_more_names = st.st_nlink > 1;
	return STP_OK;
}

/* ------------------------------------------------------------------ symlinks */

/* Gives a temporary file its name; only a folder that is not empty prevents that. Temporary files
 * are at the top of public/targets, on the same file system; the next run removes there what a
 * crash left, without a walk. */
static enum stp_errc put_in_place(const struct job *job, const char *temporary, const char *name,
                                  struct stp_err *err)
{
	int top = job->links->repo->targets_fd;
	char whole[PATH_MAX + STP_NAME_BYTES_MAX];
	int why;

	if (renameat(top, temporary, job->folder_fd, name) == 0)
		return STP_OK;
	why = errno;
	if (why == EISDIR && unlinkat(job->folder_fd, name, AT_REMOVEDIR) == 0 &&
	    renameat(top, temporary, job->folder_fd, name) == 0)
		return STP_OK;
	unlinkat(top, temporary, 0);
	snprintf(whole, sizeof(whole), "public/targets/%s%s%s", job->folder,
	         job->folder[0] ? "/" : "", name);
	if (why == EISDIR)
		return STP_FAIL(err, STP_IO, STAGE, whole,
		                "is a folder, where the name of a target belongs; move it away, "
		                "and sign again");
	return STP_FAIL_ERRNO(err, why, STAGE, whole, "cannot put in place");
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
	struct stp_copier *copier;
	enum stp_errc code;

	*out_good = 0;
	if (copy.fd < 0)
		return STP_OK;
	code = stp_links_copier(job->links, job->worker, &copier, err);
	if (code == STP_OK)
		code = stp_copier_copy(copier, &copy, -1, &result, err);
	close(copy.fd);
	*out_good = code == STP_OK && result == STP_COPY_DONE;
	return code;
}

/* Whether name is of another kind than wanted, as after a change of "link": a copy in place of a
 * hard link, or the reverse. Without an open file that is unknown. */
static int is_other_kind(const struct job *job, const char *name, enum stp_link link)
{
	struct stat source, there;
	int is_same;

	if (job->source_fd < 0 || fstat(job->source_fd, &source) != 0 ||
	    fstatat(job->folder_fd, name, &there, AT_SYMLINK_NOFOLLOW) != 0)
		return 0;
	is_same = source.st_dev == there.st_dev && source.st_ino == there.st_ino;
	return is_same != (link == STP_LINK_HARDLINK);
}

/* Whether a hard link or a copy under name is what it should be. */
static enum stp_errc file_is_there(struct job *job, const char *name, enum stp_link link,
                                   int *out_there, struct stp_err *err)
{
	struct stp_served_look look = {.targets_fd = job->folder_fd,
	                               .link = link,
	                               .touched_before_ns = job->links->touched_before_ns};
	enum stp_served_answer answer = stp_served_look(&look, job->record, name);

	if (is_other_kind(job, name, link))
		answer = STP_SERVED_BROKEN;
	*out_there = answer == STP_SERVED_GOOD;
	return answer == STP_SERVED_DOUBTFUL ? hash_copy(job, name, out_there, err) : STP_OK;
}

static enum stp_errc hardlink_failed(const struct job *job, const char *name, struct stp_err *err)
{
	if (errno == EXDEV)
		return STP_FAIL(err, STP_CONFIG, STAGE, STP_CONFIG_FILE,
		                "\"link\": hard links cannot reach the file system of %.*s; set "
		                "\"symlink\" or \"copy\"",
		                (int)job->record->path_bytes, job->record->path);
	return STP_FAIL_SYS(err, STAGE, name, "cannot make the hard link");
}

static enum stp_errc make_hardlink(struct job *job, const char *name, struct stp_err *err)
{
	char proc[64];
	char temporary[STP_TEMPORARY_BYTES];

	/* Before the link, so that a thread that sees the changed ctime sees this entry as well. */
	if (job->has_more_names && job->record->flags & STP_RECORD_FILE)
		STP_TRY(stp_linked_add(&job->links->linked, &job->record->fingerprint, err));
	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", job->source_fd);
	if (linkat(AT_FDCWD, proc, job->folder_fd, name, AT_SYMLINK_FOLLOW) == 0)
		return STP_OK;
	if (errno != EEXIST)
		return hardlink_failed(job, name, err);
	STP_TRY(stp_temporary_name(temporary, STAGE, name, err));
	if (linkat(AT_FDCWD, proc, job->links->repo->targets_fd, temporary, AT_SYMLINK_FOLLOW) != 0)
		return hardlink_failed(job, name, err);
	return put_in_place(job, temporary, name, err);
}

/* Fills fd with the source's bytes: by shared blocks if possible, else by a copy. */
static enum stp_errc fill_copy(struct job *job, int fd, struct stp_err *err)
{
	enum stp_link link = job->links->config->link;
	struct stp_copier *copier;
	struct stp_copy_source source = {.fd = job->source_fd,
	                                 .length = job->record->length,
	                                 .digests = job->record->digests,
	                                 .name = job->file};
	enum stp_copy_result result = STP_COPY_REFUSED;

	STP_TRY(stp_links_copier(job->links, job->worker, &copier, err));
	if (link == STP_LINK_REFLINK || job->is_mutable)
		STP_TRY(stp_copier_share(copier, &source, fd, &result, err));
	if (result == STP_COPY_REFUSED && link == STP_LINK_REFLINK && !job->is_mutable)
		return STP_FAIL(err, STP_CONFIG, STAGE, STP_CONFIG_FILE,
		                "\"link\": this file system has no reflinks to the targets; set "
		                "\"symlink\" or \"copy\"");
	if (result == STP_COPY_REFUSED)
		STP_TRY(stp_copier_copy(copier, &source, fd, &result, err));
	return result == STP_COPY_DONE ? STP_OK : job_changed(job);
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
	if (code == STP_OK && job->result == STP_LINKS_DONE)
		return put_in_place(job, temporary, name, err);
	unlinkat(job->links->repo->targets_fd, temporary, 0);
	return code;
}

/* ------------------------------------------------------------------ put */

/* HASH.NAME of one algorithm; 0 when it is longer than a file name may be. */
static size_t name_of(const struct job *job, enum stp_alg alg, char out[LINK_NAME_MAX + 1])
{
	return stp_links_name(job->links, job->record, job->file, strlen(job->file), alg, out,
	                      LINK_NAME_MAX + 1);
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
	if (made && job->result == STP_LINKS_DONE)
		job->worker->made++;
	return STP_OK;
}

/* Hard links change the ctime of their file; nothing else may have changed. */
static enum stp_errc update_ctime(struct job *job, struct stp_fingerprint *fingerprint)
{
	struct stat st;

	if (job->source_fd < 0 || job->links->config->link != STP_LINK_HARDLINK ||
	    !(job->record->flags & STP_RECORD_FILE))
		return STP_OK;
	if (job->is_mutable) { /* its name is a copy, but the file may have another name that was
		                  linked */
		fingerprint->ctime_ns = job->record->fingerprint.ctime_ns;
		return STP_OK;
	}
	if (fstat(job->source_fd, &st) != 0 ||
	    stp_record_difference(job->record, &st) & ~STP_DIFFERS_CTIME)
		return job_changed(job);
	fingerprint->ctime_ns = stp_stamp_of(st.st_ctim);
	return STP_OK;
}

/* A list may name files that do not exist, or not yet: a link would lead nowhere. */
static int is_missing(const struct job *job, const char *path)
{
	struct stat st;

	return !(job->record->flags & STP_RECORD_FILE) &&
	       fstatat(job->links->targets_dir_fd, path, &st, 0) != 0 &&
	       (errno == ENOENT || errno == ENOTDIR);
}

/* Whether all names of the target serve its bytes without its file, as copies and hard links do. A
 * symbolic link leads nowhere then. It stays: if only a disk is not mounted, it leads to the file
 * again as soon as the disk is back. */
static enum stp_errc names_are_there(struct job *job, int *out_there, struct stp_err *err)
{
	enum stp_link link = stp_links_kind(job->links, job->is_mutable);
	enum stp_errc code = STP_OK;
	int alg;

	*out_there = 0;
	if (link == STP_LINK_SYMLINK)
		return STP_OK;
	job->folder_fd =
	    stp_folders_open(job->links->repo->targets_fd, job->folder[0] ? job->folder : ".",
	                     O_RDONLY | O_DIRECTORY);
	*out_there = job->folder_fd >= 0;
	for (alg = 0; alg < STP_ALG_COUNT && *out_there && code == STP_OK; alg++) {
		char name[LINK_NAME_MAX + 1];

		if (!(job->links->config->hash_set & STP_ALG_BIT(alg)))
			continue;
		*out_there = name_of(job, (enum stp_alg)alg, name) != 0;
		if (*out_there)
			code = file_is_there(job, name, link, out_there, err);
	}
	stp_fd_close(&job->folder_fd);
	return code;
}

static enum stp_errc put_missing(struct job *job, const char *path, struct stp_err *err)
{
	int there;

	STP_TRY(names_are_there(job, &there, err));
	if (!there)
		stp_missing_add(&job->worker->missing, path);
	return STP_OK;
}

/* Splits the path, opens folder and source, makes every name. */
static enum stp_errc run_job(struct job *job, const char *path, struct stp_fingerprint *fingerprint,
                             struct stp_err *err)
{
	unsigned set = job->links->config->hash_set;
	int alg;

	if (is_missing(job, path))
		return put_missing(job, path, err);
	STP_TRY(open_folder(job, err));
	if (job->links->config->link != STP_LINK_SYMLINK || job->is_mutable)
		STP_TRY(open_source(job, path));
	for (alg = 0; alg < STP_ALG_COUNT && job->result == STP_LINKS_DONE; alg++) {
		char name[LINK_NAME_MAX + 1];

		if (!(set & STP_ALG_BIT(alg)))
			continue;
		if (!name_of(job, (enum stp_alg)alg, name))
			return job_fault(job, STP_LIMIT, 0,
			                 "its HASH.NAME is longer than 255 bytes; shorten the "
			                 "name, or use sha256 or no target files");
		STP_TRY(make_name(job, name, err));
	}
	return job->result == STP_LINKS_DONE ? update_ctime(job, fingerprint) : STP_OK;
}

/* Makes a mark for a target that the web server finds by its name without the digest. */
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

/* .signed at the top of public/targets is reserved. */
static int is_in_marks_folder(const struct stp_record *record)
{
	static const char folder[] = STP_MARKS_FOLDER "/";

	return record->path_bytes >= sizeof(folder) - 1 &&
	       memcmp(record->path, folder, sizeof(folder) - 1) == 0;
}

/* Splits the record's path into folder and file. path has STP_PATH_BYTES_MAX + 1 bytes. */
static void cut_path(struct job *job, char *path)
{
	char *slash;

	stp_record_path(job->record, path);
	memcpy(job->path, path, (size_t)job->record->path_bytes + 1);
	slash = strrchr(job->path, '/');
	job->file = slash ? slash + 1 : job->path;
	job->folder = slash ? job->path : "";
	if (slash)
		*slash = '\0';
}

static enum stp_errc put(struct job *job, struct stp_fingerprint *fingerprint, struct stp_err *err)
{
	char path[STP_PATH_BYTES_MAX + 1];
	enum stp_errc code;

	if (is_in_marks_folder(job->record))
		return job_fault(
		    job, STP_FORMAT, 0,
		    "is in " STP_MARKS_FOLDER
		    ", which is reserved for stampede in public/targets; rename the folder");
	/* The web server finds all others, if they have a mark, by their name without the hash. */
	if (job->links->mode == STP_TARGET_FILES_MUTABLE && !job->is_mutable)
		return put_mark(job, err);
	cut_path(job, path);
	code = run_job(job, path, fingerprint, err);
	stp_fd_close(&job->folder_fd);
	stp_fd_close(&job->source_fd);
	return code;
}

enum stp_errc stp_links_put(struct stp_links *links, size_t worker_index,
                            const struct stp_record *record, struct stp_fingerprint *fingerprint,
                            struct stp_fault_list *faults, enum stp_links_result *out_result,
                            struct stp_err *err)
{
	struct job job = {.links = links,
	                  .worker = &links->workers[worker_index],
	                  .record = record,
	                  .faults = faults,
	                  .folder_fd = -1,
	                  .source_fd = -1};
	enum stp_errc code;

	STP_ASSERT(worker_index < links->worker_count && record->digests &&
	           record->path_bytes <= STP_PATH_BYTES_MAX);
	*out_result = STP_LINKS_DONE;
	if (links->need == STP_LINKS_NEED_NONE)
		return STP_OK;
	if (stp_cancelled(links->cancel))
		return STP_FAIL(err, STP_CANCELLED, STAGE, NULL, "stopped");
	job.is_mutable = stp_links_is_mutable(links, record);
	code = put(&job, fingerprint, err);
	*out_result = job.result;
	return code;
}

/* ------------------------------------------------------------------ names of earlier runs */

enum stp_errc stp_links_serve(struct stp_links *links, size_t worker_index,
                              const struct stp_record *record, int *out_serve, struct stp_err *err)
{
	struct job job = {.links = links,
	                  .worker = &links->workers[worker_index],
	                  .record = record,
	                  .is_mutable = 1,
	                  .folder_fd = -1,
	                  .source_fd = -1};
	char path[STP_PATH_BYTES_MAX + 1];

	*out_serve = 0;
	if (links->need == STP_LINKS_NEED_NONE || !stp_links_is_mutable(links, record))
		return STP_OK;
	cut_path(&job, path);
	return names_are_there(&job, out_serve, err);
}
