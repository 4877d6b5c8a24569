/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state/ceremony: the repository's first ceremony is not finished, so it has no root yet.
 *
 *	{"format":1,"path":"/media/stick/first.json","payload":SHA256}
 *
 * `init --ceremony` makes it and the end of that ceremony removes it. Until then nothing can be
 * signed, and no other payload makes the first root.
 *
 * Shape      one small file.
 * Memory     one struct.
 * Ownership  the caller's.
 * Threads    one thread, which holds the repository's lock, for changes.
 */
#ifndef STP_RUN_PENDING_H
#define STP_RUN_PENDING_H

#include <stdint.h>

#include "base/err.h"
#include "base/limits.h"

#define STP_PENDING_FILE "ceremony"

struct stp_pending {
	int found;
	uint8_t payload_sha256[32];
	char path[STP_PATH_BYTES_MAX + 1]; /* where the payload was written */
};

/* found is 0 when there is no such file, or when this user may not read it. */
enum stp_errc stp_pending_read(int state_fd, struct stp_pending *out_pending,
                               struct stp_err *err) STP_MUST_CHECK;
enum stp_errc stp_pending_write(int state_fd, const struct stp_pending *pending,
                                struct stp_err *err) STP_MUST_CHECK;
enum stp_errc stp_pending_remove(int state_fd, struct stp_err *err) STP_MUST_CHECK;

/* The first words of the payload's name, as people are shown it; returns out. */
const char *stp_pending_words(const struct stp_pending *pending, char out[64]);

/* STP_CONFIG, with what to do, while the first ceremony is not finished. */
enum stp_errc stp_pending_check(int state_fd, struct stp_err *err) STP_MUST_CHECK;

/* The same for the repository at path, if it is one that this user can look into. */
enum stp_errc stp_pending_check_at(const char *path, struct stp_err *err) STP_MUST_CHECK;

#endif
