/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One or two system calls a name: the folders above it are checked once, see check_folders().
 */
#include "run/verify/served.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <xxhash.h>

#include "base/array.h"
#include "base/file.h"
#include "base/limits.h"
#include "publish/links.h"
#include "publish/mark_name.h"
#include "publish/names.h"
#include "publish/repo.h"
#include "record/stamp.h"
#include "run/last_run.h"
#include "run/trusted.h"
#include "run/verify/served_absent.h"
#include "run/verify/served_unknown.h"
#include "verify/foreign.h"

#define STAGE "verify"
/* Folders remembered per worker: the upper ones of any tree, and those that many targets share. */
#define FOLDERS_KEPT 65536
/* Folders that cannot be entered are reported once each, at most this many. */
#define BAD_FOLDERS_MAX 4096
#define NAME_BYTES      (STP_PATH_BYTES_MAX + 2 * STP_DIGEST_BYTES_MAX + 8)

enum place {
	PLACE_PUBLIC, /* public/targets: made by sign, readable by everybody */
	PLACE_INDEX,  /* the targets folder: made by others, who may rely on a group */
};

struct worker {
	uint64_t *known; /* hashes of names in public/targets */
	size_t known_count, known_capacity;
	uint64_t *folders; /* hashes of folders that were checked; 0: free */
	uint64_t names, touched;
	uint64_t present; /* files of the index that exist */
	/* missing files that a digest list names, or of a missing targets folder */
	struct stp_missing absent;
	uint64_t astray; /* links and marks of these, which lead nowhere */
};

/* A target and one of its digests. */
struct target {
	const char *path; /* NUL-terminated */
	uint64_t length;
	int may_change;
};

struct stp_verify_served {
	struct stp_verify_served_options options;
	const struct stp_config *config;
	int public_fd, index_fd, state_fd;
	enum stp_target_files mode; /* AUTO: the choice of the last run is not known */
	struct stp_chain_pin pins[STP_CHAIN_PINS];
	char index_real[PATH_MAX];
	char repo_real[PATH_MAX];
	uint64_t seed;
	int of_list;           /* the targets come from a digest list */
	uint8_t *taken;        /* of each bin: it was verified, and its targets checked */
	pthread_mutex_t lock;  /* of bad_folders */
	uint64_t *bad_folders; /* hashes of folders that findings name */
	size_t bad_count, bad_capacity;
	struct worker *workers;
	uint64_t *all_known;
};

/* ------------------------------------------------------------------ begin */

static void real_path(int fd, char out[PATH_MAX])
{
	char proc[64];
	ssize_t count;

	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	count = readlink(proc, out, PATH_MAX - 1);
	out[count > 0 ? count : 0] = '\0';
}

static enum stp_errc open_places(struct stp_verify_served *served, struct stp_err *err)
{
	struct stp_err ignored = STP_ERR_INIT;
	int repo_fd = -1, public_fd = -1;
	enum stp_errc code;

	STP_TRY(stp_folder_open(AT_FDCWD, served->options.repository, STAGE, &repo_fd, err));
	real_path(repo_fd, served->repo_real);
	stp_trusted_pins(repo_fd, served->pins);
	code = stp_folder_open(repo_fd, STP_PUBLIC_FOLDER, STAGE, &public_fd, err);
	if (code == STP_OK)
		code =
		    stp_folder_open(public_fd, STP_TARGETS_FOLDER, STAGE, &served->public_fd, err);
	if (code == STP_OK && stp_folder_open(repo_fd, STP_STATE_FOLDER, STAGE, &served->state_fd,
	                                      &ignored) != STP_OK)
		served->state_fd = -1; /* an auditor who may not read it */
	stp_fd_close(&public_fd);
	stp_fd_close(&repo_fd);
	STP_TRY(code);
	served->index_fd = open(served->config->targets_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (served->index_fd >= 0)
		real_path(served->index_fd, served->index_real);
	return STP_OK;
}

static enum stp_errc begin(struct stp_verify_served *served, struct stp_err *err)
{
	size_t i;

	pthread_mutex_init(&served->lock, NULL);
	if (getrandom(&served->seed, sizeof(served->seed), GRND_NONBLOCK) !=
	    (ssize_t)sizeof(served->seed))
		served->seed = 1;
	served->workers = calloc(served->options.worker_count, sizeof(*served->workers));
	served->taken = calloc(served->options.tree->bin_count + 1, 1);
	if (!served->workers || !served->taken)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, "", "cannot start");
	for (i = 0; i < served->options.worker_count; i++) {
		served->workers[i].folders = calloc(FOLDERS_KEPT, sizeof(uint64_t));
		if (!served->workers[i].folders)
			return STP_FAIL_ERRNO(err, ENOMEM, STAGE, "", "cannot start");
	}
	STP_TRY(open_places(served, err));
	served->mode = served->config->target_files;
	if (served->mode == STP_TARGET_FILES_AUTO)
		served->mode = stp_links_last_mode(served->state_fd);
	served->of_list = served->config->source == STP_INDEX_LIST ||
	                  served->config->source == STP_INDEX_STREAM ||
	                  (served->state_fd >= 0 && stp_last_run_list_rows(served->state_fd));
	return STP_OK;
}

/* A missing public/targets is a finding like any other; the metadata is still audited. */
static enum stp_errc report_no_folder(struct stp_verify_served *served, const char **out_why,
                                      struct stp_err *err)
{
	*out_why = "public/targets cannot be opened";
	stp_finding_add(served->options.findings, STP_FINDING_SERVED_MISSING, "public/targets",
	                "%s", err->text);
	*err = (struct stp_err)STP_ERR_INIT;
	return STP_OK;
}

enum stp_errc stp_verify_served_begin(const struct stp_verify_served_options *options,
                                      struct stp_verify_served **out_served, const char **out_why,
                                      struct stp_err *err)
{
	struct stp_verify_served *served;
	enum stp_errc code;

	*out_served = NULL;
	*out_why = NULL;
	if (options->config->target_files == STP_TARGET_FILES_NONE) {
		*out_why = "target_files is \"none\", so another server has the files";
		return STP_OK;
	}
	served = calloc(1, sizeof(*served));
	if (!served)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, "", "cannot start");
	served->options = *options;
	served->config = options->config;
	served->public_fd = served->index_fd = served->state_fd = -1;
	code = begin(served, err);
	if (code == STP_OK) {
		*out_served = served;
		return STP_OK;
	}
	if (served->workers && served->public_fd < 0)
		code = report_no_folder(served, out_why, err);
	stp_verify_served_end(served);
	return code;
}

/* ------------------------------------------------------------------ folders */

static uint64_t hash_of(const struct stp_verify_served *served, enum place place, const char *text,
                        size_t count)
{
	uint64_t hash = XXH3_64bits_withSeed(text, count, served->seed + (uint64_t)place);

	return hash ? hash : 1;
}

/* Notes that a finding names the folder; 0 if one already did. */
static int first_time(struct stp_verify_served *served, uint64_t hash)
{
	size_t i;
	int first = 1;

	pthread_mutex_lock(&served->lock);
	for (i = 0; i < served->bad_count && first; i++)
		first = served->bad_folders[i] != hash;
	first = first && served->bad_count < BAD_FOLDERS_MAX &&
	        STP_ARRAY_RESERVE(served->bad_folders, served->bad_capacity, served->bad_count + 1);
	if (first)
		served->bad_folders[served->bad_count++] = hash;
	pthread_mutex_unlock(&served->lock);
	return first;
}

/* The mode bits of which one must be set for others to have access. */
static mode_t needed(enum place place, mode_t owner_bit)
{
	return place == PLACE_PUBLIC ? owner_bit >> 6 : (owner_bit >> 6) | (owner_bit >> 3);
}

static void report_folder(struct stp_verify_served *served, enum place place, const char *folder,
                          uint64_t hash, const struct stat *st)
{
	const char *top = place == PLACE_PUBLIC ? "public/targets" : "the targets folder";
	const char *subject = folder[0] ? folder : top;

	if (S_ISDIR(st->st_mode) && (st->st_mode & needed(place, S_IXUSR)))
		return;
	if (!first_time(served, hash))
		return;
	if (S_ISDIR(st->st_mode))
		stp_finding_add(served->options.findings, STP_FINDING_SERVED_UNREADABLE, subject,
		                "in %s cannot be entered by the web server (mode %04o)", top,
		                (unsigned)st->st_mode & 07777);
	else
		stp_finding_add(served->options.findings, STP_FINDING_SERVED_DIFFERS, subject,
		                "in %s is %s instead of a folder of targets", top,
		                S_ISLNK(st->st_mode) ? "a symbolic link" : "not a folder");
}

/* Checks the folders above path, from the lowest up to one that was already checked. */
static void check_folders(struct stp_verify_served *served, struct worker *worker, enum place place,
                          const char *path)
{
	int root = place == PLACE_PUBLIC ? served->public_fd : served->index_fd;
	char folder[NAME_BYTES];
	const char *slash = strrchr(path, '/');
	size_t count = slash ? (size_t)(slash - path) : 0;
	struct stat st;

	memcpy(folder, path, count);
	for (;;) {
		uint64_t hash = hash_of(served, place, folder, count);
		uint64_t *slot = &worker->folders[hash % FOLDERS_KEPT];

		folder[count] = '\0';
		if (*slot == hash)
			return;
		*slot = hash;
		if (fstatat(root, count ? folder : ".", &st, AT_SYMLINK_NOFOLLOW) == 0)
			report_folder(served, place, folder, hash, &st);
		if (!count)
			return;
		slash = memrchr(folder, '/', count);
		count = slash ? (size_t)(slash - folder) : 0;
	}
}

/* ------------------------------------------------------------------ one name */

#define FOUND(served, code, ...) stp_finding_add((served)->options.findings, code, __VA_ARGS__)

/* Whether path, a real path, is below folder. */
static int lies_in(const char *path, const char *folder)
{
	size_t count = strlen(folder);

	return count && strncmp(path, folder, count) == 0 && (path[count] == '/' || count == 1);
}

/* Checks that the link name in public/targets leads into the index or the repository. */
static void check_way(struct stp_verify_served *served, const char *name, const char *path,
                      const struct stat *st)
{
	char real[PATH_MAX];
	struct stat plain;
	int fd;

	/* Almost always the target's own file. */
	if (fstatat(served->index_fd, path, &plain, AT_SYMLINK_NOFOLLOW) == 0 &&
	    plain.st_dev == st->st_dev && plain.st_ino == st->st_ino)
		return;
	fd = openat(served->public_fd, name, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return;
	real_path(fd, real);
	close(fd);
	if (!lies_in(real, served->index_real) && !lies_in(real, served->repo_real))
		FOUND(served, STP_FINDING_SERVED_DIFFERS, name,
		      "leads out of the targets folder and the repository");
}

/* Checks type, length and mode of what would be served. */
static void check_file(struct stp_verify_served *served, enum place place, const char *name,
                       const struct stat *st, uint64_t length)
{
	if (!S_ISREG(st->st_mode))
		FOUND(served, STP_FINDING_SERVED_DIFFERS, name, "is not a regular file");
	else if ((uint64_t)st->st_size != length)
		FOUND(served, STP_FINDING_SERVED_DIFFERS, name,
		      "has %llu bytes as served, but %llu are signed",
		      (unsigned long long)st->st_size, (unsigned long long)length);
	else if (!(st->st_mode & needed(place, S_IRUSR)))
		FOUND(served, STP_FINDING_SERVED_UNREADABLE, name,
		      "cannot be read by the web server (mode %04o)",
		      (unsigned)st->st_mode & 07777);
}

/* Handles a missing file of the index: an error, except if a list names it; without a targets
 * folder all of them are one finding (run/verify/served_absent.h). */
static void note_absent(struct stp_verify_served *served, struct worker *worker,
                        const struct target *target, int is_astray)
{
	worker->astray += (uint64_t)is_astray;
	if (served->of_list || served->index_fd < 0)
		stp_missing_add(&worker->absent, target->path);
	else
		FOUND(served, STP_FINDING_SERVED_MISSING, target->path,
		      "is signed, but is not in the targets folder");
}

/* Handles a name that is missing in public/targets or leads nowhere: sign makes it if there is a
 * file. */
static void note_no_name(struct stp_verify_served *served, struct worker *worker, const char *name,
                         const struct target *target, int is_astray)
{
	const char *what = is_astray ? "is a link that leads nowhere" : "is not in public/targets";

	if (served->index_fd < 0 || !stp_file_exists(served->index_fd, target->path))
		note_absent(served, worker, target, is_astray);
	else
		FOUND(served, STP_FINDING_SERVED_MISSING, name, "%s; sign makes it again", what);
}

/* Checks public/targets/DIR/HASH.NAME. */
static void check_own(struct stp_verify_served *served, struct worker *worker, const char *name,
                      const struct target *target)
{
	struct stat st;

	check_folders(served, worker, PLACE_PUBLIC, name);
	if (fstatat(served->public_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
		note_no_name(served, worker, name, target, 0);
		return;
	}
	if (!S_ISLNK(st.st_mode)) {
		worker->present++;
		worker->touched += stp_stamp_of(st.st_ctim) > served->options.published_at_ns;
		check_file(served, PLACE_PUBLIC, name, &st, target->length);
		return;
	}
	if (fstatat(served->public_fd, name, &st, 0) != 0) {
		note_no_name(served, worker, name, target, 1);
		return;
	}
	worker->present++;
	check_way(served, name, target->path, &st);
	if (served->index_fd >= 0)
		check_folders(served, worker, PLACE_INDEX, target->path);
	check_file(served, PLACE_INDEX, name, &st, target->length);
}

/* Checks DIR/NAME of the index, then the mark, without which it is not served. */
static void check_marked(struct stp_verify_served *served, struct worker *worker, const char *mark,
                         const struct target *target)
{
	struct stat st;

	if (served->index_fd < 0) {
		note_absent(served, worker, target,
		            !served->of_list && stp_file_exists(served->public_fd, mark));
		return;
	}
	check_folders(served, worker, PLACE_INDEX, target->path);
	if (fstatat(served->index_fd, target->path, &st, AT_SYMLINK_NOFOLLOW) != 0) {
		note_absent(served, worker, target, 0);
		return;
	}
	worker->present++;
	check_file(served, PLACE_INDEX, target->path, &st, target->length);
	check_folders(served, worker, PLACE_PUBLIC, mark);
	if (fstatat(served->public_fd, mark, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode))
		FOUND(served, STP_FINDING_SERVED_MISSING, target->path,
		      "has no mark in public/targets/" STP_MARKS_FOLDER
		      ", so it is not served; sign makes it again");
}

/* ------------------------------------------------------------------ one bin */

static enum stp_errc add_known(struct stp_verify_served *served, struct worker *worker,
                               const char *name, size_t count, struct stp_err *err)
{
	if (!STP_ARRAY_RESERVE(worker->known, worker->known_capacity, worker->known_count + 1))
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, name, "cannot note names");
	worker->known[worker->known_count++] = XXH3_64bits_withSeed(name, count, served->seed);
	return STP_OK;
}

/* Whether the web server finds the target by a mark and not by its own name. */
static int goes_by_mark(const struct stp_verify_served *served, const struct target *target,
                        const char *name)
{
	if (served->mode == STP_TARGET_FILES_ALL || target->may_change)
		return 0;
	return served->mode == STP_TARGET_FILES_MUTABLE ||
	       !stp_file_exists(served->public_fd, name);
}

static enum stp_errc look_at_target(struct stp_verify_served *served, struct worker *worker,
                                    const struct stp_bin_entry *entry, enum stp_alg alg,
                                    struct stp_err *err)
{
	char path[STP_PATH_BYTES_MAX + 1];
	struct target target = {.path = path,
	                        .length = entry->length,
	                        .may_change = stp_globs_match(&served->config->mutable_globs,
	                                                      entry->path, entry->path_bytes)};
	char name[NAME_BYTES];
	char mark[STP_MARK_NAME_BYTES];
	size_t name_bytes = stp_target_name(entry->path, entry->path_bytes, entry->hex[alg],
	                                    2 * stp_alg_digest_bytes(alg), name, sizeof(name));
	size_t mark_bytes = stp_mark_name(entry->path, entry->path_bytes, entry->hex[alg], mark);

	memcpy(path, entry->path, entry->path_bytes);
	path[entry->path_bytes] = '\0';
	worker->names++;
	STP_TRY(add_known(served, worker, name, name_bytes, err));
	if (mark_bytes)
		STP_TRY(add_known(served, worker, mark, mark_bytes, err));
	if (mark_bytes && goes_by_mark(served, &target, name))
		check_marked(served, worker, mark, &target);
	else
		check_own(served, worker, name, &target);
	return STP_OK;
}

enum stp_errc stp_verify_served_bin(void *ctx, size_t worker_index, size_t bin_index,
                                    const struct stp_bin_file *bin, struct stp_err *err)
{
	struct stp_verify_served *served = ctx;
	struct worker *worker = &served->workers[worker_index];
	size_t i;
	int alg;

	for (i = 0; i < bin->entry_count; i++) {
		const struct stp_bin_entry *entry = &bin->entries[i];

		if (entry->escaped || stp_target_path_problem(entry->path, entry->path_bytes))
			continue; /* reported; clients never ask for it */
		for (alg = 0; alg < STP_ALG_COUNT; alg++)
			if (bin->hash_set & STP_ALG_BIT(alg))
				STP_TRY(
				    look_at_target(served, worker, entry, (enum stp_alg)alg, err));
	}
	served->taken[bin_index] = 1;
	return STP_OK;
}

/* ------------------------------------------------------------------ finish */

static enum stp_errc join_known(struct stp_verify_served *served, size_t *out_count,
                                struct stp_err *err)
{
	size_t count = 0;
	size_t used = 0;
	size_t i;

	for (i = 0; i < served->options.worker_count; i++)
		count += served->workers[i].known_count;
	served->all_known = malloc((count + 1) * sizeof(*served->all_known));
	if (!served->all_known)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, "", "cannot compare names");
	for (i = 0; i < served->options.worker_count; i++) {
		struct worker *worker = &served->workers[i];

		if (worker->known_count)
			memcpy(served->all_known + used, worker->known,
			       worker->known_count * sizeof(*worker->known));
		used += worker->known_count;
		free(worker->known);
		worker->known = NULL;
		worker->known_count = worker->known_capacity = 0;
	}
	*out_count = count;
	return STP_OK;
}

static uint64_t version_of(const void *ctx, const char *role)
{
	const struct stp_listed *listed = stp_chain_listed(ctx, role);

	return listed ? listed->version : 0;
}

/* A target of a foreign role: whoever publishes it puts its file there, sign does not. */
static enum stp_errc add_foreign(void *ctx, const char *path, size_t path_bytes, const char *hex,
                                 size_t hex_chars, struct stp_err *err)
{
	struct stp_verify_served *served = ctx;
	char name[STP_PATH_BYTES_MAX + 2 * STP_DIGEST_BYTES_MAX + 2];
	size_t count = hex_chars <= 2 * STP_DIGEST_BYTES_MAX
	                   ? stp_target_name(path, path_bytes, hex, hex_chars, name, sizeof(name))
	                   : 0;

	return count ? add_known(served, &served->workers[0], name, count, err) : STP_OK;
}

static enum stp_errc add_all_foreign(struct stp_verify_served *served, int metadata_fd,
                                     struct stp_err *err)
{
	const struct stp_chain *tree = served->options.tree;
	struct stp_foreign_source source = {metadata_fd, tree->targets.body_json, version_of, tree};

	return tree->has_targets ? stp_foreign_each_target(&source, add_foreign, served, err)
	                         : STP_OK;
}

enum stp_errc stp_verify_served_finish(struct stp_verify_served *served, int metadata_fd,
                                       const uint64_t *snapshot_versions,
                                       size_t snapshot_version_count,
                                       struct stp_verify_served_totals *out_totals,
                                       struct stp_err *err)
{
	struct stp_served_unknown_options unknown = {
	    .public_fd = served->public_fd,
	    .index_fd = served->index_fd,
	    .metadata_fd = metadata_fd,
	    .config = served->config,
	    .published_at_ns = served->options.published_at_ns,
	    .pins = served->pins,
	    .tree = served->options.tree,
	    .bins_taken = served->taken,
	    .seed = served->seed,
	    .snapshot_versions = snapshot_versions,
	    .snapshot_version_count = snapshot_version_count,
	    .findings = served->options.findings,
	    .cancel = served->options.cancel,
	};
	struct stp_served_absent absent = {.of_list = served->of_list,
	                                   .has_index = served->index_fd >= 0,
	                                   .targets_dir = served->config->targets_dir};
	size_t i;

	memset(out_totals, 0, sizeof(*out_totals));
	for (i = 0; i < served->options.worker_count; i++) {
		out_totals->names += served->workers[i].names;
		out_totals->touched += served->workers[i].touched;
		absent.present += served->workers[i].present;
		absent.astray += served->workers[i].astray;
		stp_missing_merge(&absent.missing, &served->workers[i].absent);
	}
	out_totals->mode = stp_target_files_name(served->mode);
	out_totals->public_fd = served->public_fd;
	out_totals->index_fd = served->index_fd;
	out_totals->why = stp_served_absent(&absent, served->options.findings);
	stp_missing_release(&absent.missing);
	STP_TRY(add_all_foreign(served, metadata_fd, err));
	STP_TRY(join_known(served, &unknown.known_count, err));
	unknown.known = served->all_known;
	return stp_served_unknown(&unknown, &out_totals->unpublished, err);
}

void stp_verify_served_end(struct stp_verify_served *served)
{
	size_t i;

	if (!served)
		return;
	for (i = 0; served->workers && i < served->options.worker_count; i++) {
		free(served->workers[i].known);
		free(served->workers[i].folders);
		stp_missing_release(&served->workers[i].absent);
	}
	free(served->workers);
	free(served->all_known);
	free(served->bad_folders);
	free(served->taken);
	pthread_mutex_destroy(&served->lock);
	stp_fd_close(&served->public_fd);
	stp_fd_close(&served->index_fd);
	stp_fd_close(&served->state_fd);
	free(served);
}
