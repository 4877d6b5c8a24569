/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a web server may read public/metadata: the repository's folder, public and
 * public/metadata can be entered, and each file there whose name is that of metadata can be read,
 * by others or by a group, which may be the web server's.
 *
 * Shape      findings out.
 * Memory     none.
 * Ownership  the caller's.
 * Threads    one thread.
 */
#ifndef STP_RUN_VERIFY_SERVED_METADATA_H
#define STP_RUN_VERIFY_SERVED_METADATA_H

#include "verify/finding.h"

/* repository is its folder, metadata_fd its public/metadata, open for reading. What cannot be read
 * here is left to the rest of the audit. */
void stp_served_metadata(const char *repository, int metadata_fd,
                         struct stp_finding_list *findings);

#endif
