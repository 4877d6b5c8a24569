/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A repository in a scratch folder, made by the library's own init, with a targets folder beside.
 *
 * Shape      SCRATCH/repo and SCRATCH/targets.
 * Memory     none.
 * Ownership  repository_release() closes and removes all.
 * Threads    one thread.
 */
#ifndef STP_TESTS_REPOSITORY_H
#define STP_TESTS_REPOSITORY_H

#include "keys/keys.h"
#include "publish/repo.h"
#include "roles/config.h"
#include "scratch.h"
#include "stampede/init.h"

#define REPOSITORY_NOW 1893456000 /* 2030-01-01T00:00:00Z */

struct repository {
	struct scratch scratch;
	char path[300];
	char targets[300];
	struct stp_repo repo; /* locked */
	struct stp_config config;
	struct stp_key *online_key;
	struct stp_seal_key *seal_key;
	int targets_fd;
};

static inline void repository_check(int ok, const struct stp_err *err)
{
	if (ok)
		return;
	fprintf(stderr, "repository.h: %s: %s: %s\n", err->stage ? err->stage : "", err->subject,
	        err->text);
	abort();
}

/* 16 bins; profile "pep458", "compat" or "prefixes". */
static inline void repository_init(struct repository *r, const char *profile)
{
	struct stp_init_options options = {.profile = profile, .bin_count = 16};
	struct stp_init_report report;
	struct stp_err err = STP_ERR_INIT;

	scratch_init(&r->scratch);
	snprintf(r->path, sizeof(r->path), "%s/repo", r->scratch.path);
	snprintf(r->targets, sizeof(r->targets), "%s/targets", r->scratch.path);
	mkdir(r->targets, 0755);
	options.repo = r->path;
	options.targets_dir = r->targets;
	options.now = REPOSITORY_NOW;
	repository_check(stp_init(&options, &report, &err) == STP_OK, &err);
	stp_init_report_release(&report);
	repository_check(stp_repo_open(r->path, STP_REPO_LOCK, "test", &r->repo, &err) == STP_OK,
	                 &err);
	repository_check(stp_config_load(&r->config, r->repo.root_fd, &err) == STP_OK, &err);
	repository_check(stp_key_load(r->repo.keys_fd, STP_ONLINE_KEY_FILE, &r->online_key, &err) ==
	                     STP_OK,
	                 &err);
	repository_check(stp_seal_key_load(r->repo.keys_fd, STP_LEDGER_KEY_FILE, &r->seal_key,
	                                   &err) == STP_OK,
	                 &err);
	r->targets_fd = open(r->targets, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static inline void repository_release(struct repository *r)
{
	close(r->targets_fd);
	stp_key_destroy(r->online_key);
	stp_seal_key_destroy(r->seal_key);
	stp_config_release(&r->config);
	stp_repo_close(&r->repo);
	scratch_release(&r->scratch);
}

#endif
