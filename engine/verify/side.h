/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One of two snapshots that are compared: its folder and its bins.
 *
 * Shape      a metadata folder, an older timestamp in the new side's folder, or the version of an
 *            older snapshot there.
 * Memory     that of a struct stp_chain.
 * Ownership  close with stp_side_close(), also after a failure; set folder.fd to -1 before it is
 *            opened.
 * Threads    opened by one thread, then read-only.
 */
#ifndef STP_VERIFY_SIDE_H
#define STP_VERIFY_SIDE_H

#include "verify/chain.h"
#include "verify/folder.h"

struct stp_side {
	const char *name; /* for errors */
	struct stp_metadata_folder folder;
	int owns_folder;
	struct stp_chain tree;
};

/* The newest snapshot of a repository or a metadata folder. STP_FORMAT when it cannot be compared.
 */
enum stp_errc stp_side_open(struct stp_side *side, const char *path,
                            struct stp_err *err) STP_MUST_CHECK;

/* What new_side is compared with: a folder, or an older snapshot whose files are still in that of
 * new_side, which must outlive it. */
enum stp_errc stp_side_open_old(struct stp_side *side, const char *path,
                                const struct stp_side *new_side,
                                struct stp_err *err) STP_MUST_CHECK;

void stp_side_close(struct stp_side *side);

#endif
