/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What init and import have in common: where a new repository and its targets are, its
 * configuration, and the folder in which it is made (run/init_stage.h).
 *
 *	options ─▶ places ─▶ configuration ─▶ REPO, locked, with REPO/.init ─▶ folders
 *
 * Shape      one struct per new repository.
 * Memory     two paths.
 * Ownership  the caller commits or undoes the stage, ends it, and closes root_fd.
 * Threads    one thread.
 */
#ifndef STP_RUN_NEW_REPO_H
#define STP_RUN_NEW_REPO_H

#include <limits.h>
#include <sys/types.h>

#include "roles/config.h"
#include "run/init_stage.h"
#include "stampede/init.h"

struct stp_new_repo {
	char repo[PATH_MAX];    /* absolute */
	char targets[PATH_MAX]; /* absolute, as configured */
	int repo_made;          /* REPO did not exist */
	int root_fd;            /* REPO; -1: not open */
	struct stp_init_stage stage;
};

/* Makes path absolute, without a trailing "/". */
enum stp_errc stp_new_repo_absolute(const char *path, char out[PATH_MAX],
                                    struct stp_err *err) STP_MUST_CHECK;

/* Sets repo and targets. The targets folder must exist, and neither folder may contain the other:
 * sign would sign its own output, or publish keys. STP_CONFIG names the one that is wrong. */
enum stp_errc stp_new_repo_places(struct stp_new_repo *place, const char *repo_path,
                                  const char *targets_dir, struct stp_err *err) STP_MUST_CHECK;

/* The configuration of options' profile with what options set; targets_dir is the caller's to set,
 * and stp_config_check() to call. */
enum stp_errc stp_new_repo_config(struct stp_config *config, const struct stp_init_options *options,
                                  struct stp_err *err) STP_MUST_CHECK;

/* Creates or opens REPO, locks the folder itself, and begins there. STP_BUSY when another does, and
 * STP_CONFIG when it is a repository already, or holds anything else. */
enum stp_errc stp_new_repo_begin(struct stp_new_repo *place, const struct stp_config *config,
                                 struct stp_err *err) STP_MUST_CHECK;

/* Creates folder name (0700 or 0755, whatever the umask is) and opens it. */
enum stp_errc stp_new_repo_folder(int folder_fd, const char *name, mode_t mode, int *out_fd,
                                  struct stp_err *err) STP_MUST_CHECK;

#endif
