/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files and folders: opened so that nothing placed under their names can do harm, read whole with a
 * limit, written whole or not at all.
 *
 * Whoever can write to a folder chooses what a name in it leads to: a FIFO that blocks the open, a
 * symbolic or hard link to a file that must not be touched, a device. So a file is opened in one of
 * three ways, all over the engine:
 *
 *	to read                stp_file_open()         a regular file, reached through no link
 *	to write where it is   stp_file_open_own()     the same, owned by this user, with one name
 *	to create              stp_temporary_create()  new, under a name that nobody can guess
 *
 * stp_file_write() is atomic for readers: temporary name in the same folder → write → fsync →
 * rename (or link without replacing) → fsync of the folder. A crash leaves the old file or the
 * new one, and perhaps a temporary file, which the next run recognizes by its name and removes.
 *
 * Shape      folders by descriptor, names relative to them.
 * Memory     stp_file_read() fills a stp_buf.
 * Ownership  descriptors stay the caller's.
 * Threads    any thread; no state.
 */
#ifndef STP_BASE_FILE_H
#define STP_BASE_FILE_H

#include <dirent.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/bytes.h"
#include "base/err.h"

/* ".tmp-", 16 hex digits, NUL. */
#define STP_TEMPORARY_BYTES 22

/* A name for a temporary file, random. STP_IO when the system has no random bytes; stage and
 * subject are for that. */
enum stp_errc stp_temporary_name(char out[STP_TEMPORARY_BYTES], const char *stage,
                                 const char *subject, struct stp_err *err) STP_MUST_CHECK;

/* True when name is of exactly the form that stp_temporary_name() gives: only such names are
 * removed. */
int stp_temporary_is(const char *name);

/* Creates a new file under such a name. access is O_WRONLY or O_RDWR; subject says in messages what
 * the file is for. */
enum stp_errc stp_temporary_create(int folder_fd, int access, mode_t mode, const char *stage,
                                   const char *subject, char out_name[STP_TEMPORARY_BYTES],
                                   int *out_fd, struct stp_err *err) STP_MUST_CHECK;

/* A second handle of the open folder, for readdir; NULL with errno. Close with closedir(). */
DIR *stp_folder_list(int folder_fd);

/* Calls fn for each name in the open folder except "." and "..", in no particular order, until one
 * fails. subject names the folder. */
typedef enum stp_errc stp_folder_fn(void *ctx, int folder_fd, const char *name,
                                    struct stp_err *err);
enum stp_errc stp_folder_each(int folder_fd, const char *stage, const char *subject,
                              stp_folder_fn *fn, void *ctx, struct stp_err *err) STP_MUST_CHECK;

/* Whether name is "." or "..", which every listing has. */
int stp_name_is_dots(const char *name);

/* True when the folder is empty except for the name besides (NULL: entirely empty); 0 as well when
 * it cannot be listed. */
int stp_folder_is_empty(int folder_fd, const char *besides);

/* Whether name exists, even as a dangling link. Not by faccessat(2): with a flag that is a system
 * call of its own, which older sandboxes refuse with EPERM. */
int stp_file_exists(int folder_fd, const char *name);

/* Renames from to to, which must not exist: nothing is ever replaced. Returns 0, or -1 and errno
 * (EEXIST when to exists). Where the file system does not support that (renameat2(2) with flags is
 * EINVAL on NFS, GlusterFS, FUSE and ZFS before 2.2), a file is linked and unlinked, and for a
 * folder a check precedes the rename: hold a lock so that nobody else creates a folder of that
 * name. */
int stp_rename_new(int from_fd, const char *from, int to_fd, const char *to) STP_MUST_CHECK;

/* Creates a file without a name in folder_fd: nobody else can open it, and a crash leaves nothing
 * behind. Where the file system has no O_TMPFILE, a named file is created and unlinked at once. */
enum stp_errc stp_unnamed_create(int folder_fd, const char *stage, const char *subject, int *out_fd,
                                 struct stp_err *err) STP_MUST_CHECK;

/* Opens the regular file name beneath folder_fd (AT_FDCWD for a path that the operator gave) for
 * reading. Never waits, whatever kind of file it is; the last path component is not followed when
 * it is a link. STP_FORMAT when it is a link or not a regular file, STP_IO (err->sys_errno, ENOENT
 * when it does not exist) for the rest. out_stat may be NULL. */
enum stp_errc stp_file_open(int folder_fd, const char *name, const char *stage, int *out_fd,
                            struct stat *out_stat, struct stp_err *err) STP_MUST_CHECK;

/* Opens the file name for reading and writing in place, or creates it with mode; an existing file
 * is not changed. append is O_APPEND or 0. Refuses (STP_FORMAT) anything but a regular file with
 * exactly one name, owned by the user that runs this and writable by nobody else. subject names it
 * in messages. */
enum stp_errc stp_file_open_own(int folder_fd, const char *name, int append, mode_t mode,
                                const char *stage, const char *subject, int *out_fd,
                                struct stp_err *err) STP_MUST_CHECK;

/* Reads all of a file that stp_file_open() opens. STP_LIMIT above bytes_max; out_buf gets a NUL
 * behind the last byte (not counted). */
enum stp_errc stp_file_read(int folder_fd, const char *name, size_t bytes_max, const char *stage,
                            struct stp_buf *out_buf, struct stp_err *err) STP_MUST_CHECK;

enum stp_file_mode {
	STP_FILE_REPLACE, /* rename over an existing file */
	STP_FILE_NEW,     /* fail with EEXIST when name exists */
};

/* Writes name in folder_fd durably with permissions mode, see above. */
enum stp_errc stp_file_write(int folder_fd, const char *name, const void *bytes, size_t count,
                             mode_t mode, enum stp_file_mode how, const char *stage,
                             struct stp_err *err) STP_MUST_CHECK;

/* Writes all of bytes to fd at offset; short writes and EINTR are resumed. */
enum stp_errc stp_fd_write_at(int fd, const void *bytes, size_t count, off_t offset,
                              const char *stage, const char *subject,
                              struct stp_err *err) STP_MUST_CHECK;

/* Reads exactly count bytes at offset; STP_FORMAT when the file ends before. */
enum stp_errc stp_fd_read_at(int fd, void *bytes, size_t count, off_t offset, const char *stage,
                             const char *subject, struct stp_err *err) STP_MUST_CHECK;

/* Opens the folder name (O_DIRECTORY|O_CLOEXEC), links followed only with AT_FDCWD. STP_FORMAT when
 * it is something else. */
enum stp_errc stp_folder_open(int folder_fd, const char *name, const char *stage, int *out_fd,
                              struct stp_err *err) STP_MUST_CHECK;

/* Creates the folder name with mode if it does not exist, and opens it. */
enum stp_errc stp_folder_make(int folder_fd, const char *name, mode_t mode, const char *stage,
                              int *out_fd, struct stp_err *err) STP_MUST_CHECK;

/* Another open file description of the folder, only for starting lookups (O_PATH): each thread that
 * opens many names has its own, because the reference count of a shared one moves from core to core
 * with every lookup. -1 with errno on failure. */
int stp_folder_again(int folder_fd);

/* fsync of a folder or file descriptor. */
enum stp_errc stp_fd_sync(int fd, const char *stage, const char *subject,
                          struct stp_err *err) STP_MUST_CHECK;

/* Closes *fd if it is not -1 and sets it to -1. */
void stp_fd_close(int *fd);

#endif
