/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A repository's folders and its lock.
 *
 *	REPO/ stampede.json  public/metadata/  public/targets/  keys/ state/{lock,reserved,commits/}
 *
 * Everything below is reached through descriptors of these folders, opened once and without
 * following links, so no name can lead outside.
 *
 * Shape      one struct of descriptors.
 * Memory     none but the struct.
 * Ownership  stp_repo_open() opens, stp_repo_close() closes and unlocks.
 * Threads    read-only after open.
 */
#ifndef STP_PUBLISH_REPO_H
#define STP_PUBLISH_REPO_H

#include "base/err.h"

#define STP_PUBLIC_FOLDER       "public"
#define STP_METADATA_FOLDER     "metadata"
#define STP_TARGETS_FOLDER      "targets"
#define STP_KEYS_FOLDER         "keys"
#define STP_STATE_FOLDER        "state"
#define STP_COMMITS_FOLDER      "commits"
#define STP_OFFLINE_KEYS_FOLDER "offline-keys"
/* The folder in which init works (run/init_stage.h), and its list of what it made. */
#define STP_INIT_FOLDER    ".init"
#define STP_INIT_MADE_FILE "made"

/* Everybody may read published files, only the owner state and keys. */
#define STP_MODE_PUBLIC_FILE    0644
#define STP_MODE_PUBLIC_FOLDER  0755
#define STP_MODE_PRIVATE_FILE   0600
#define STP_MODE_PRIVATE_FOLDER 0700

struct stp_repo {
	int root_fd;                  /* REPO */
	int metadata_fd;              /* REPO/public/metadata */
	int targets_fd;               /* REPO/public/targets */
	int keys_fd;                  /* REPO/keys */
	int state_fd;                 /* REPO/state */
	int lock_fd;                  /* -1: not locked */
	int state_made, targets_made; /* they were missing: STP_REPO_SIGN made them again, empty */
};

enum stp_repo_use {
	STP_REPO_READ, /* status, dry runs: takes no lock */
	STP_REPO_LOCK, /* the one publisher: STP_BUSY names who holds the lock */
	STP_REPO_SIGN, /* the same; missing folders that a run can fill again are made */
};

/* Opens the repository at path. STP_CONFIG when it is not a repository, or is to be locked
 * and belongs to another user. holder is the command that the lock file names ("sign", "gc",
 * "init"). */
enum stp_errc stp_repo_open(const char *path, enum stp_repo_use use, const char *holder,
                            struct stp_repo *out_repo, struct stp_err *err) STP_MUST_CHECK;

/* Unlocks and closes; safe on a struct filled with -1. */
void stp_repo_close(struct stp_repo *repo);

/* Removes what an init leaves behind that dies just after its commit point. */
void stp_repo_clear_init(int root_fd);

/* All descriptors -1. */
void stp_repo_init(struct stp_repo *repo);

#endif
