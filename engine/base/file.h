/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small files and folders: read whole with a limit, written whole or not at all.
 *
 * stp_file_write() is atomic for readers: temporary name in the same folder → write → fsync →
 * rename (or link without replacing) → fsync of the folder. A crash leaves the old file or the
 * new one, and perhaps a ".tmp-" leftover that publish/ sweeps.
 *
 * Shape      folders by descriptor, names relative to them.
 * Memory     stp_file_read() fills a stp_buf.
 * Ownership  descriptors stay the caller's.
 * Threads    any thread; no state.
 */
#ifndef STP_BASE_FILE_H
#define STP_BASE_FILE_H

#include <stddef.h>
#include <sys/types.h>

#include "base/bytes.h"
#include "base/err.h"

/* Reads all of the regular file name beneath folder_fd (AT_FDCWD for a path of the operator's).
 * Never waits on a FIFO. STP_LIMIT above bytes_max, STP_FORMAT when it is no regular file;
 * out_buf gets a NUL behind the last byte (not counted). The last path component is not followed
 * when it is a link. */
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

/* Opens the folder name (O_DIRECTORY|O_CLOEXEC), links followed only with AT_FDCWD. */
enum stp_errc stp_folder_open(int folder_fd, const char *name, const char *stage, int *out_fd,
                              struct stp_err *err) STP_MUST_CHECK;

/* Makes folder name with mode if it is not there, and opens it. */
enum stp_errc stp_folder_make(int folder_fd, const char *name, mode_t mode, const char *stage,
                              int *out_fd, struct stp_err *err) STP_MUST_CHECK;

/* Another open description of the folder, good as the start of a lookup and nothing else (O_PATH):
 * each thread that opens many names has its own, for the reference count of a shared one goes from
 * core to core with every lookup. -1 with errno when it cannot be had. */
int stp_folder_again(int folder_fd);

/* fsync of a folder or file descriptor. */
enum stp_errc stp_fd_sync(int fd, const char *stage, const char *subject,
                          struct stp_err *err) STP_MUST_CHECK;

/* Closes *fd if it is not -1 and sets it to -1. */
void stp_fd_close(int *fd);

#endif
