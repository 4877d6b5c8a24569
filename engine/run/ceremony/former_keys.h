/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys that an earlier root allowed to sign a role and the newest does not: they were replaced,
 * because they were lost or stolen. The key file of one, on an old USB stick, must not bring it
 * back.
 *
 *	1.root.json … N-1.root.json ─▶ [keyid, last version that names it] less those of N.root.json
 *
 * The older roots are those that trust/older.h has checked.
 *
 * Shape      one list per role.
 * Memory     80 bytes a key.
 * Ownership  release with stp_former_keys_release().
 * Threads    one thread.
 */
#ifndef STP_RUN_CEREMONY_FORMER_KEYS_H
#define STP_RUN_CEREMONY_FORMER_KEYS_H

#include "base/bytes.h"
#include "verify/root.h"

struct stp_former_keys {
	struct stp_buf root, targets; /* entries of former_keys.c */
};

/* Reads the roots in metadata_fd that came before newest. */
enum stp_errc stp_former_keys_read(struct stp_former_keys *former, int metadata_fd,
                                   const struct stp_root *newest,
                                   struct stp_err *err) STP_MUST_CHECK;
void stp_former_keys_release(struct stp_former_keys *former);

/* The last version of root that allowed keyid to sign the role of list; 0 if none did, or the
 * newest does. */
uint64_t stp_former_keys_find(const struct stp_buf *list, const char *keyid);

#endif
