/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where init works, so that a repository exists completely or not at all, and an init that was
 * killed can be distinguished from a repository that lost its stampede.json.
 *
 *	REPO/.init/stampede.json            1. the mark: an init has not finished here
 *	REPO/.init/{keys,state,public,…}    2. made and filled
 *	REPO/.init/made                     3. which keys it made
 *	   └─▶ each renamed to REPO/…       4. this is not a repository yet
 *	REPO/.init/stampede.json
 *	   └─▶ REPO/stampede.json           5. the commit point, and the end of the mark
 *	REPO/.init removed                  6.
 *
 * The mark disappears with the rename that makes the repository. So a folder with the mark never
 * was a repository, and one without it may have been: there init touches nothing. Even next to a
 * mark, the contents of REPO must be verified to be what that init put there (keys by their keyids,
 * the rest by being unused): then they are moved back into .init as a whole, and the contents of
 * .init are removed, the mark last. If init is killed at any point, the next one again finds one of
 * these states.
 *
 * Shape      one struct per init.
 * Memory     the text of .init/made.
 * Ownership  begin, then commit or undo; end releases.
 * Threads    one thread, which holds a lock on REPO.
 */
#ifndef STP_RUN_INIT_STAGE_H
#define STP_RUN_INIT_STAGE_H

#include "base/bytes.h"
#include "roles/config.h"
#include "run/offline_keys.h"

struct stp_init_stage {
	int root_fd;    /* REPO, the caller's */
	int fd;         /* REPO/.init; -1: not begun */
	unsigned moved; /* bits of members that commit put in place */
	int committed;  /* stampede.json is in place */
	int inherited;  /* an interrupted init left keys elsewhere: undo keeps its notes of them */
	struct stp_buf made; /* the text of .init/made */
};

void stp_init_stage_init(struct stp_init_stage *stage, int root_fd);

/* Starts in REPO, which must be empty, or hold only what an interrupted init left, which is
 * removed. STP_CONFIG names anything else that is in it, and what to do. */
enum stp_errc stp_init_stage_begin(struct stp_init_stage *stage, const struct stp_config *config,
                                   struct stp_err *err) STP_MUST_CHECK;

/* How to open the keys of role in folder (a path; folder_fd is the open folder): if an init was
 * interrupted before it had created all of them, this one creates the rest. Notes that this init
 * begins to create them. */
enum stp_errc stp_init_stage_keys(struct stp_init_stage *stage, int folder_fd, const char *folder,
                                  const char *role, size_t count,
                                  enum stp_offline_keys_files *out_files,
                                  struct stp_err *err) STP_MUST_CHECK;

/* Notes a file that was created in .init, before commit: a key file ("keys/online.pem") by its
 * keyid, another one by its SHA-256 in hex. */
enum stp_errc stp_init_stage_note(struct stp_init_stage *stage, const char *path, const char *keyid,
                                  struct stp_err *err) STP_MUST_CHECK;

/* Notes that the file path will be written with this SHA-256 (hex), outside of REPO. An existing
 * one that an interrupted init wrote is removed; STP_CONFIG for any other. */
enum stp_errc stp_init_stage_payload(struct stp_init_stage *stage, const char *path,
                                     const char *sha256, struct stp_err *err) STP_MUST_CHECK;

/* Moves everything into place, durably: either the repository exists, or undo must be called. */
enum stp_errc stp_init_stage_commit(struct stp_init_stage *stage,
                                    struct stp_err *err) STP_MUST_CHECK;

/* Undoes what this init did, as far as possible; the next init does the rest. If committed is still
 * set afterwards, the repository exists. */
void stp_init_stage_undo(struct stp_init_stage *stage);

/* Removes .init after a commit, and releases. */
void stp_init_stage_end(struct stp_init_stage *stage);

#endif
