/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scan/names: the names in an open folder, one buffer of them at a time.
 *
 *	folder ─▶ getdents64 ─▶ [buffer] ─▶ stp_names_next() ─▶ name, type
 *
 * The file system cannot be trusted (FUSE, a network share, a USB stick): a name may be much longer
 * than the 255 bytes of ext4, and what is wrong in the listing is reported with the name, never
 * believed.
 *
 * Shape      each name once, as it is listed, without "." and "..".
 * Memory     one buffer of STP_NAMES_BYTES.
 * Ownership  a name points into the buffer and is valid until the next stp_names_read().
 * Threads    one thread at a time.
 */
#ifndef STP_SCAN_NAMES_H
#define STP_SCAN_NAMES_H

#include <stddef.h>

#include "base/err.h"

/* Bytes of names read at once; 64 KiB hold about 1,500 names of an index. No name is longer. */
#define STP_NAMES_BYTES (64 * 1024)

struct stp_names {
	char *buffer;
	size_t bytes; /* filled */
};

struct stp_name {
	const char *text; /* NUL-terminated; "" when the list itself is broken */
	size_t bytes;
	unsigned type;       /* DT_*: the type according to the file system, which may be wrong */
	const char *problem; /* why this cannot be a name, as a sentence for a fault; or NULL */
	size_t at;           /* in the buffer */
};

enum stp_errc stp_names_init(struct stp_names *names, struct stp_err *err) STP_MUST_CHECK;
void stp_names_release(struct stp_names *names);

enum stp_names_rest {
	STP_NAMES_MORE,   /* the folder has more names */
	STP_NAMES_END,    /* it has no more */
	STP_NAMES_FAILED, /* see errno; the names read before it are in the buffer */
};

/* Replaces the contents of the buffer with the folder's next names. */
enum stp_names_rest stp_names_read(struct stp_names *names, int folder_fd);

/* Returns the name at *at, which starts at 0, and advances it; 0 after the last one. */
int stp_names_next(const struct stp_names *names, size_t *at, struct stp_name *out_name);

/* Stores the real type of a name, for the next time it is returned. */
void stp_names_set_type(struct stp_names *names, const struct stp_name *name, unsigned type);

#endif
