/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Targets whose file is not in the targets folder: their number, and the first few names.
 *
 * Shape      at most STP_MISSING_KEPT names, the first in byte order, so that the same ones are
 *            kept with any number of workers.
 * Memory     copies of the names kept; fewer are kept when memory is short.
 * Ownership  release frees the names.
 * Threads    one thread per struct; merge after the join.
 */
#ifndef STP_PUBLISH_MISSING_H
#define STP_PUBLISH_MISSING_H

#include <stddef.h>
#include <stdint.h>

#define STP_MISSING_KEPT        3
#define STP_MISSING_NAMES_BYTES 200

/* Zeros: none. */
struct stp_missing {
	uint64_t count;
	char *paths[STP_MISSING_KEPT];
	size_t kept;
};

void stp_missing_add(struct stp_missing *missing, const char *path);
void stp_missing_merge(struct stp_missing *into, const struct stp_missing *from);
/* The names kept, each cut to 60 bytes, and ", ..." when there are more. */
void stp_missing_names(const struct stp_missing *missing, char out[STP_MISSING_NAMES_BYTES]);

void stp_missing_release(struct stp_missing *missing);

#endif
