/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether public/targets supports reflinks: tested before hours are spent on hashing files for
 * which no names could be made.
 *
 * Shape      one call per run; two small temporary files, which are removed again.
 * Memory     none.
 * Ownership  the caller's.
 * Threads    one thread, under the repository's lock for writing.
 */
#ifndef STP_PUBLISH_REFLINK_H
#define STP_PUBLISH_REFLINK_H

#include "publish/repo.h"
#include "roles/config.h"

/* STP_CONFIG when names for target_count targets would be reflinks and the file system of
 * public/targets does not support them. Whether the targets folder is on another file system is
 * found out when names are made. */
enum stp_errc stp_reflink_check(const struct stp_repo *repo, const struct stp_config *config,
                                uint64_t target_count, struct stp_err *err) STP_MUST_CHECK;

#endif
