/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The repository that import takes over: another tool's folder of metadata, verified as a client
 * does (specification section 5.3), from a root that the operator kept.
 *
 *	--trust ─▶ N.root.json ─▶ … ─▶ newest root ─▶ timestamp.json ─▶ snapshot ─▶ targets
 *	older roots ─▶ lead to it                                          └─▶ names, versions
 *
 * Names of files may have a version or not: the folder of a repository without consistent
 * snapshots has snapshot.json. Expired documents are legal: clients that are shown newer ones go
 * on. All else that a client refuses is refused, with the file, the role and the key.
 *
 * Shape      one struct.
 * Memory     all roots, and the other documents as JSON.
 * Ownership  release with stp_import_old_release(), also after a failure.
 * Threads    one thread.
 */
#ifndef STP_RUN_IMPORT_OLD_H
#define STP_RUN_IMPORT_OLD_H

#include "base/limits.h"
#include "verify/chain.h"

struct stp_import_root {
	uint64_t version;
	struct stp_buf file; /* as it is */
};

struct stp_import_old {
	const char *folder;
	int folder_fd;
	struct stp_finding_list findings;
	struct stp_import_root *roots; /* oldest first, one version apart */
	size_t root_count, root_capacity;
	/* root: the newest; timestamp, snapshot, targets and listed; nothing below them */
	struct stp_chain tree;
	struct stp_listed snapshot; /* the timestamp's line */
};

/* Reads and verifies folder from the root file trusted. STP_REFUSED for what a client refuses,
 * STP_CONFIG for a folder or file that does not exist. */
enum stp_errc stp_import_old_read(struct stp_import_old *old, const char *folder,
                                  const char *trusted, struct stp_err *err) STP_MUST_CHECK;

/* Reads the file of a role of that version, whatever its name is, into file, and its name into
 * name. *out_there is 0 when there is none. */
enum stp_errc stp_import_old_file(const struct stp_import_old *old, const char *role,
                                  uint64_t version, size_t bytes_max, struct stp_buf *file,
                                  char name[STP_NAME_BYTES_MAX + 32], int *out_there,
                                  struct stp_err *err) STP_MUST_CHECK;

/* STP_REFUSED unless is_good and without a finding that makes name untrustworthy; says which key
 * is at fault. Expiry, layout and unknown members are not reasons. */
enum stp_errc stp_import_judge(struct stp_finding_list *findings, const char *name, int is_good,
                               struct stp_err *err) STP_MUST_CHECK;

void stp_import_old_release(struct stp_import_old *old);

#endif
