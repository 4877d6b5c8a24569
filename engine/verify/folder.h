/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The published metadata folder: finds it, and the files in it that no client fetches.
 *
 * Shape      file names N.ROLE.json and timestamp.json.
 * Memory     8 bytes per snapshot in it.
 * Ownership  stp_metadata_folder_close() closes and frees.
 * Threads    one thread.
 */
#ifndef STP_VERIFY_FOLDER_H
#define STP_VERIFY_FOLDER_H

#include "verify/chain.h"

struct stp_metadata_folder {
	int fd;
	char path[4096];       /* as it was found */
	char repository[4096]; /* the folder with stampede.json, or "" */
	uint64_t root_version_max;
	uint64_t *snapshot_versions;
	size_t snapshot_version_count, snapshot_version_capacity;
};

/* Opens the metadata folder of path: a repository (public/metadata below it), its public
 * folder (metadata below it) or the metadata folder itself; and lists its roots and snapshots.
 * STP_CONFIG when no such folder holds a timestamp or root file. */
enum stp_errc stp_metadata_folder_open(struct stp_metadata_folder *folder, const char *path,
                                       struct stp_err *err) STP_MUST_CHECK;
void stp_metadata_folder_close(struct stp_metadata_folder *folder);

/* Adds findings for files whose name belongs to no role of tree. Names that begin with "." are a
 * publisher's temporary files and are ignored. */
enum stp_errc stp_metadata_folder_strays(const struct stp_metadata_folder *folder,
                                         const struct stp_chain *tree,
                                         struct stp_finding_list *findings,
                                         struct stp_err *err) STP_MUST_CHECK;

#endif
