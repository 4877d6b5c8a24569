/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where init works, so that a repository is there whole or not at all, and an init that was killed
 * can be told from a repository that lost its stampede.json.
 *
 *	REPO/.init/stampede.json            1. the mark: an init works here and has not finished
 *	REPO/.init/{keys,state,public,…}    2. made and filled
 *	REPO/.init/made                     3. which keys it made
 *	   └─▶ each renamed to REPO/…       4. nothing is a repository yet
 *	REPO/.init/stampede.json
 *	   └─▶ REPO/stampede.json           5. the commit point, and the end of the mark
 *	REPO/.init removed                  6.
 *
 * The mark goes away by the rename that makes the repository. So a folder with it never was one,
 *and one without it may have been: there init touches nothing. Even beside a mark what lies in REPO
 *must be what that init put there (the keys by their keyids, the rest by being as new): then it is
 *moved back into .init, whole, and what is in .init is removed with the mark last. Killed anywhere,
 *the next init finds one of these states again.
 *
 * Shape      one struct per init.
 * Memory     the text of .init/made.
 * Ownership  begin, then commit or undo; end releases.
 * Threads    one thread, which holds a lock on REPO.
 */
#ifndef STP_RUN_INIT_INIT_STAGE_H
#define STP_RUN_INIT_INIT_STAGE_H

#include "base/bytes.h"
#include "roles/config.h"
#include "run/init/ceremony.h"

struct stp_init_stage {
	int root_fd;    /* REPO, the caller's */
	int fd;         /* REPO/.init; -1: not begun */
	unsigned moved; /* bits of members that commit put in place */
	int committed;  /* stampede.json is in place */
	int inherited;  /* an init that died left keys elsewhere: undo keeps what tells of them */
	struct stp_buf made; /* the text of .init/made */
};

void stp_init_stage_init(struct stp_init_stage *stage, int root_fd);

/* Starts in REPO, which must be empty, or hold only what an init that died left, which is cleared
 * away. STP_CONFIG names what is there otherwise, and what to do. */
enum stp_errc stp_init_stage_begin(struct stp_init_stage *stage, const struct stp_config *config,
                                   struct stp_err *err) STP_MUST_CHECK;

/* How the keys of role in folder (a path; folder_fd is open there) are to be opened: an init that
 * died before it had made all of them lets this one make the rest. Notes that this one begins. */
enum stp_errc stp_init_stage_keys(struct stp_init_stage *stage, int folder_fd, const char *folder,
                                  const char *role, size_t count,
                                  enum stp_offline_keys_files *out_files,
                                  struct stp_err *err) STP_MUST_CHECK;

/* Notes a key file that was made in the stage ("keys/online.pem"), before commit. */
enum stp_errc stp_init_stage_note(struct stp_init_stage *stage, const char *path, const char *keyid,
                                  struct stp_err *err) STP_MUST_CHECK;

/* Puts everything in place, durable: the repository is there, or undo() is to be called. */
enum stp_errc stp_init_stage_commit(struct stp_init_stage *stage,
                                    struct stp_err *err) STP_MUST_CHECK;

/* Takes back what this init did, best effort; the next init does the rest. Where committed is still
 * set then, the repository stands. */
void stp_init_stage_undo(struct stp_init_stage *stage);

/* Removes .init after a commit, and releases. */
void stp_init_stage_end(struct stp_init_stage *stage);

#endif
