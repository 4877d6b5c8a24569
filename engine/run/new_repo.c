/* SPDX-License-Identifier: Apache-2.0 */
#include "run/new_repo.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/faultpoint.h"
#include "base/file.h"
#include "base/limits.h"
#include "publish/repo.h"

#define STAGE "init"

/* ------------------------------------------------------------------ configuration */

static enum stp_errc apply_names(struct stp_config *config, const struct stp_init_options *options,
                                 struct stp_err *err)
{
	int how;

	if (options->hashes) {
		config->hash_set = stp_alg_set_parse(options->hashes);
		if (!config->hash_set)
			return STP_FAIL(
			    err, STP_CONFIG, STAGE, options->hashes,
			    "is not a list of sha256, sha512 and blake2b-256, each at most once");
	}
	if (options->target_files) {
		how = stp_target_files_from_name(options->target_files);
		if (how < 0)
			return STP_FAIL(err, STP_CONFIG, STAGE, options->target_files,
			                "is not auto, all, mutable or none");
		config->target_files = (enum stp_target_files)how;
	}
	if (options->link) {
		how = stp_link_from_name(options->link);
		if (how < 0)
			return STP_FAIL(err, STP_CONFIG, STAGE, options->link,
			                "is not symlink, hardlink, reflink or copy");
		config->link = (enum stp_link)how;
	}
	return STP_OK;
}

enum stp_errc stp_new_repo_config(struct stp_config *config, const struct stp_init_options *options,
                                  struct stp_err *err)
{
	uint64_t bins = options->bin_count;

	STP_TRY(stp_config_profile(config, options->profile ? options->profile : "pep458", err));
	if (bins) {
		if (bins < 2 || (bins & (bins - 1)) || bins > (UINT64_C(1) << STP_BIN_BITS_MAX))
			return STP_FAIL(err, STP_CONFIG, STAGE, stp_hint_text(STP_HINT_BINS),
			                "%llu is not a power of two from 2 to %d",
			                (unsigned long long)bins, 1 << STP_BIN_BITS_MAX);
		config->bin_bits = (unsigned)__builtin_ctzll(bins);
	}
	if (options->root_key_count) {
		config->root_threshold = options->root_threshold;
		config->root_key_count = options->root_key_count;
	}
	return apply_names(config, options, err);
}

/* ------------------------------------------------------------------ places */

enum stp_errc stp_new_repo_absolute(const char *path, char out[PATH_MAX], struct stp_err *err)
{
	char here[PATH_MAX];
	size_t count;
	int need;

	if (path[0] == '\0')
		return STP_FAIL(err, STP_CONFIG, STAGE, "folder", "has an empty name");
	if (path[0] == '/') {
		need = snprintf(out, PATH_MAX, "%s", path);
	} else {
		if (!getcwd(here, sizeof(here)))
			return STP_FAIL_SYS(err, STAGE, path,
			                    "cannot find the path of the current folder");
		need = snprintf(out, PATH_MAX, "%s/%s", strcmp(here, "/") ? here : "", path);
	}
	if (need < 0 || need >= PATH_MAX)
		return STP_FAIL(err, STP_CONFIG, STAGE, path, "the path is too long");
	for (count = strlen(out); count > 1 && out[count - 1] == '/'; count--)
		out[count - 1] = '\0';
	return STP_OK;
}

/* True when inner is outer or is in it; both are real paths. */
static int lies_in(const char *inner, const char *outer)
{
	size_t count = strlen(outer);

	if (strcmp(outer, "/") == 0)
		return 1;
	return strncmp(inner, outer, count) == 0 && (inner[count] == '\0' || inner[count] == '/');
}

/* The real path of REPO; if it does not exist yet, that of its parent and the last name. */
static enum stp_errc real_repo(const char *repo, char out[PATH_MAX], struct stp_err *err)
{
	char parent[PATH_MAX];
	char real[PATH_MAX];
	char *slash;
	const char *last;

	if (realpath(repo, out))
		return STP_OK;
	if (errno != ENOENT)
		return STP_FAIL(err, STP_CONFIG, STAGE, repo, "cannot be reached: %s",
		                strerror(errno));
	snprintf(parent, sizeof(parent), "%s", repo);
	slash = strrchr(parent, '/');
	last = repo + (slash - parent) + 1;
	slash[slash == parent] = '\0';
	if (strcmp(last, "..") == 0 || strcmp(last, ".") == 0 || !realpath(parent, real))
		return STP_FAIL(err, STP_CONFIG, STAGE, repo,
		                "the folder above it does not exist; create it first");
	if (snprintf(out, PATH_MAX, "%s/%s", strcmp(real, "/") ? real : "", last) >= PATH_MAX)
		return STP_FAIL(err, STP_CONFIG, STAGE, repo, "the path is too long");
	return STP_OK;
}

/* The targets folder must exist, and neither folder may contain the other: sign would sign its own
 * output, or publish keys. */
enum stp_errc stp_new_repo_places(struct stp_new_repo *place, const char *repo_path,
                                  const char *targets_dir, struct stp_err *err)
{
	char repo[PATH_MAX];
	char targets[PATH_MAX];
	struct stat st;

	STP_TRY(stp_new_repo_absolute(repo_path, repo, err));
	STP_TRY(stp_new_repo_absolute(targets_dir, place->targets, err));
	if (stat(place->targets, &st) != 0)
		return STP_FAIL(err, STP_CONFIG, STAGE, targets_dir,
		                "cannot be used as targets folder: %s", strerror(errno));
	if (!S_ISDIR(st.st_mode) || !realpath(place->targets, targets))
		return STP_FAIL(err, STP_CONFIG, STAGE, targets_dir, "is not a folder");
	STP_TRY(real_repo(repo, place->repo, err));
	if (lies_in(place->repo, targets))
		return STP_FAIL(err, STP_CONFIG, STAGE, repo_path,
		                "is in the targets folder; put the repository elsewhere");
	if (lies_in(targets, place->repo))
		return STP_FAIL(err, STP_CONFIG, STAGE, targets_dir,
		                "is in the repository; put the targets elsewhere");
	return STP_OK;
}

/* ------------------------------------------------------------------ REPO */

enum stp_errc stp_new_repo_begin(struct stp_new_repo *place, const struct stp_config *config,
                                 struct stp_err *err)
{
	if (mkdir(place->repo, STP_MODE_PUBLIC_FOLDER) == 0)
		place->repo_made = 1;
	else if (errno != EEXIST)
		return STP_FAIL_SYS(err, STAGE, place->repo, "cannot make the folder");
	place->root_fd = open(place->repo, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (place->root_fd < 0)
		return STP_FAIL(err, STP_CONFIG, STAGE, place->repo, "cannot open the folder: %s",
		                strerror(errno));
	if (place->repo_made && fchmod(place->root_fd, STP_MODE_PUBLIC_FOLDER) != 0)
		return STP_FAIL_SYS(err, STAGE, place->repo, "cannot set permissions");
	if (flock(place->root_fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno != EWOULDBLOCK)
			return STP_FAIL_SYS(err, STAGE, place->repo, "cannot lock the folder");
		return STP_FAIL(
		    err, STP_BUSY, STAGE, place->repo,
		    "another init is working on this folder; try again when it has finished");
	}
	if (stp_file_exists(place->root_fd, STP_CONFIG_FILE))
		return STP_FAIL(err, STP_CONFIG, STAGE, place->repo,
		                "is a repository already; use it, or name another folder");
	stp_init_stage_init(&place->stage, place->root_fd);
	return stp_init_stage_begin(&place->stage, config, err);
}

enum stp_errc stp_new_repo_folder(int folder_fd, const char *name, mode_t mode, int *out_fd,
                                  struct stp_err *err)
{
	STP_FAULT_TRY(err, STAGE, "folder", name);
	STP_TRY(stp_folder_make(folder_fd, name, mode, STAGE, out_fd, err));
	if (fchmod(*out_fd, mode) != 0)
		return STP_FAIL_SYS(err, STAGE, name, "cannot set permissions");
	return STP_OK;
}
