/* SPDX-License-Identifier: Apache-2.0 */
#include "stampede/status.h"

#include <dirent.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/options.h"
#include "base/sum.h"
#include "base/text.h"
#include "publish/repo.h"
#include "roles/expiry.h"
#include "run/freeze.h"
#include "run/last_run.h"
#include "run/pending.h"
#include "run/quorum.h"
#include "run/rotation.h"
#include "run/status/calendar.h"
#include "run/status/loss.h"
#include "run/status/newest.h"
#include "run/trusted.h"
#include "verify/bin_file.h"
#include "verify/bins.h"
#include "verify/folder.h"

#define BIN_HEAD_BYTES (64 * 1024)
#define TIMESTAMP      "timestamp.json"
#define YEAR_S         (INT64_C(365) * 86400)

/* ------------------------------------------------------------------------ published */

/* Versions and expiries of the small documents. */
static void note_roles(struct stp_status_report *status, const struct stp_chain *tree)
{
	static const enum stp_status_role_name names[STP_CHAIN_ROLES] = {
	    [STP_CHAIN_ROOT] = STP_STATUS_ROOT,
	    [STP_CHAIN_TIMESTAMP] = STP_STATUS_TIMESTAMP,
	    [STP_CHAIN_SNAPSHOT] = STP_STATUS_SNAPSHOT,
	    [STP_CHAIN_TARGETS] = STP_STATUS_TARGETS,
	    [STP_CHAIN_BINS] = STP_STATUS_BINS,
	};

	for (size_t i = 0; i < STP_CHAIN_ROLES; i++) {
		const struct stp_document *doc = stp_chain_document(tree, (enum stp_chain_role)i);

		if (!doc)
			continue;
		status->roles[names[i]].version = doc->version;
		status->roles[names[i]].expires = doc->expires;
	}
}

/* Expiry of one bin from the beginning of its file; -1 when the file is missing, 0 when
 * unreadable. */
static int64_t bin_expires(const struct stp_chain *tree, size_t index, struct stp_bin_file *bin,
                           char *buffer)
{
	const struct stp_chain_bin *item = &tree->bin_items[index];
	struct stp_err ignored = STP_ERR_INIT;
	int64_t expires = 0;
	char name[256];
	ssize_t got;
	int fd;

	if (!item->listed)
		return -1;
	stp_bin_file_name(item, name, sizeof(name));
	if (stp_file_open(tree->folder_fd, name, "status", &fd, NULL, &ignored) != STP_OK)
		return -1;
	got = pread(fd, buffer, BIN_HEAD_BYTES, 0);
	close(fd);
	if (got <= 0 || stp_bin_file_head(bin, buffer, (size_t)got) != STP_BIN_FILE_OK ||
	    !stp_expires_parse(bin->expires, bin->expires_chars, &expires))
		return 0;
	return expires;
}

static enum stp_errc read_bins(struct stp_status_report *status, const struct stp_chain *tree,
                               struct stp_err *err)
{
	struct stp_status_role *bins = &status->roles[STP_STATUS_BIN_N];
	struct stp_bin_file *bin = calloc(1, sizeof(*bin));
	char *buffer = malloc(BIN_HEAD_BYTES);

	if (!bin || !buffer) {
		free(bin);
		free(buffer);
		return STP_FAIL_ERRNO(err, ENOMEM, "status", "", "cannot read bins");
	}
	stp_bin_file_init(bin);
	for (size_t i = 0; i < tree->bin_count; i++) {
		int64_t expires = bin_expires(tree, i, bin, buffer);
		uint64_t version;

		status->bins_missing += expires < 0;
		status->bins_unreadable += expires == 0;
		if (expires <= 0)
			continue;
		version = tree->bin_items[i].listed->version;
		if (!bins->expires || expires < bins->expires)
			bins->expires = expires;
		if (version > bins->version)
			bins->version = version;
	}
	stp_bin_file_release(bin);
	free(bin);
	free(buffer);
	return STP_OK;
}

static void note_first_expiry(struct stp_status_report *status)
{
	status->expires_what = "";
	for (size_t i = 0; i < STP_STATUS_ROLES; i++) {
		const struct stp_status_role *role = &status->roles[i];

		if (!role->expires || (status->expires_min && role->expires > status->expires_min))
			continue;
		status->expires_min = role->expires;
		status->expires_what = role->name;
	}
}

static void add_problem(struct stp_status_report *status, const char *subject, const char *text)
{
	uint64_t index = status->problem_count++;
	char escaped[128];

	if (index >= STP_STATUS_PROBLEMS_KEPT)
		return;
	stp_text_escape(subject, strlen(subject), escaped, sizeof(escaped));
	snprintf(status->problems[index].text, sizeof(status->problems[index].text), "%s: %.380s",
	         escaped, text);
}

/* Whether finding is a signature that clients ignore on what a waiting document replaces: of a key
 * that the ceremony removed. */
static int is_of_removed_key(const struct stp_status_report *status,
                             const struct stp_finding *finding)
{
	char name[64];

	for (size_t i = 0; i < STP_STATUS_ROLES; i++) {
		const struct stp_status_role *role = &status->roles[i];

		snprintf(name, sizeof(name), "%llu.%s.json", (unsigned long long)role->version,
		         role->name);
		if (role->waiting_version && finding->code == STP_FINDING_SIGNATURE_STRANGER &&
		    strcmp(finding->subject, name) == 0)
			return 1;
	}
	return 0;
}

/* Turns findings into problems. Before the first sign there is no timestamp, which is not a
 * problem; before the first ceremony is finished there is no root, which is reported by itself. */
static void set_problems(struct stp_status_report *status, struct stp_finding_list *findings,
                         int is_pending)
{
	stp_finding_list_sort(findings);
	for (size_t i = 0; i < findings->count; i++) {
		const struct stp_finding *finding = &findings->items[i];

		if (!status->published && finding->code == STP_FINDING_FILE_MISSING &&
		    (is_pending || strcmp(finding->subject, TIMESTAMP) == 0))
			continue;
		if (is_of_removed_key(status, finding))
			continue;
		add_problem(status, finding->subject, finding->text);
	}
}

/* Finds out whether something was published: the files exist, or state/ mentions it. *floors is all
 * zeros when nothing is known. */
static void find_published(struct stp_status_report *status, const struct stp_repo *repo,
                           struct stp_floors *floors)
{
	struct stp_err why = STP_ERR_INIT;
	enum stp_floors_origin origin;
	struct stat st;
	int found = 0;

	memset(floors, 0, sizeof(*floors));

	status->published = fstatat(repo->metadata_fd, TIMESTAMP, &st, AT_SYMLINK_NOFOLLOW) == 0;
	if (stp_floors_load(repo->state_fd, NULL, floors, &found, &origin, &why) != STP_OK)
		add_problem(status, "state/" STP_FLOORS_FILE, why.text);
	else if (found && floors->timestamp.version)
		status->published = 1;
}

/* Detects an older copy of public/metadata that was restored: state/ has newer versions. */
static void compare_floors(struct stp_status_report *status, const struct stp_floors *floors)
{
	const struct {
		enum stp_status_role_name role;
		uint64_t floor;
		const char *file;
	} known[] = {
	    {STP_STATUS_ROOT, floors->root.version, "root.json"},
	    {STP_STATUS_TARGETS, floors->targets.version, "targets.json"},
	    {STP_STATUS_BINS, floors->bins.version, "bins.json"},
	    {STP_STATUS_SNAPSHOT, floors->snapshot.version, "snapshot.json"},
	    {STP_STATUS_TIMESTAMP, floors->timestamp.version, TIMESTAMP},
	};
	char text[200];

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		const struct stp_status_role *role = &status->roles[known[i].role];
		uint64_t version =
		    role->waiting_version > role->version ? role->waiting_version : role->version;

		if (!version || version >= known[i].floor)
			continue;
		snprintf(text, sizeof(text),
		         "is version %llu, but version %llu was published; restore public/metadata "
		         "from a backup or a mirror",
		         (unsigned long long)version, (unsigned long long)known[i].floor);
		add_problem(status, known[i].file, text);
	}
}

/* What stampede.json, keyring.json and state/floors know. */
struct known {
	struct stp_config config; /* only its periods; as if for a year when it cannot be read */
	struct stp_keyring keyring;
	struct stp_floors floors;
	int is_pending; /* the first ceremony is not finished */
};

/* Reads the configuration and the keyring; what is wrong with them becomes a problem. */
static void read_known(struct stp_status_report *status, const struct stp_repo *repo,
                       struct known *known)
{
	const struct stp_expiry years = {.root = YEAR_S, .targets = YEAR_S, .bins = YEAR_S};
	struct stp_err why = STP_ERR_INIT;

	memset(known, 0, sizeof(*known));
	if (stp_config_load(&known->config, repo->root_fd, &why) != STP_OK) {
		add_problem(status, STP_CONFIG_FILE, why.text);
		memset(&known->config, 0, sizeof(known->config));
		known->config.expiry = years;
	}
	why = (struct stp_err)STP_ERR_INIT;
	if (stp_keyring_load(&known->keyring, repo->root_fd, &why) != STP_OK) {
		add_problem(status, STP_KEYRING_FILE, why.text);
		memset(&known->keyring, 0, sizeof(known->keyring));
	}
	why = (struct stp_err)STP_ERR_INIT;
	if (stp_pending_check(repo->state_fd, &why) != STP_OK) {
		known->is_pending = 1;
		add_problem(status, why.subject, why.text);
	}
}

static void release_known(struct known *known)
{
	stp_config_release(&known->config);
	stp_keyring_release(&known->keyring);
}

/* Sets names, and when each offline role is due. */
static void name_roles(struct stp_status_report *status, const struct stp_expiry *expiry)
{
	static const char *const names[] = {"root",  "targets",  "bins",
	                                    "bin-n", "snapshot", "timestamp"};

	for (size_t i = 0; i < STP_STATUS_ROLES; i++) {
		status->roles[i].name = names[i];
		status->roles[i].is_offline = i <= STP_STATUS_BINS;
	}
	status->roles[STP_STATUS_ROOT].due_s = stp_expiry_due_s(expiry->root);
	status->roles[STP_STATUS_TARGETS].due_s = stp_expiry_due_s(expiry->targets);
	status->roles[STP_STATUS_BINS].due_s = stp_expiry_due_s(expiry->bins);
}

/* Targets, bins and their keys: of the newest documents, or else of those that clients see. */
static void take_delegators(struct stp_quorum *quorum, const struct stp_chain *tree,
                            const struct stp_newest *newest)
{
	struct stp_quorum_role *targets = &quorum->roles[STP_STATUS_TARGETS];
	struct stp_quorum_role *bins = &quorum->roles[STP_STATUS_BINS];

	targets->doc = stp_chain_document(tree, STP_CHAIN_TARGETS);
	targets->role = tree->has_root ? &tree->root.targets : NULL;
	bins->doc = stp_chain_document(tree, STP_CHAIN_BINS);
	bins->role = tree->has_bins ? &tree->bins_role : NULL;
	if (!newest->found)
		return;
	targets->doc = &newest->trust.targets;
	targets->role = &newest->trust.root.targets;
	bins->doc = newest->trust.has_bins ? &newest->trust.bins : NULL;
	bins->role = newest->trust.has_bins ? &newest->trust.bins_role : NULL;
}

/* Lists who signs each role, and judges the keys of offline ones. */
static enum stp_errc read_signers(struct stp_status_report *status, const struct stp_chain *tree,
                                  const struct stp_newest *newest, const struct known *known,
                                  struct stp_err *err)
{
	struct stp_arena *arena = status->private_;
	struct stp_quorum quorum = {.keyring = &known->keyring, .now = status->now};
	const struct {
		enum stp_status_role_name name;
		const struct stp_role *role;
	} online[] = {
	    {STP_STATUS_BIN_N, newest->bin_role.key_count ? &newest->bin_role
	                       : tree->bin_role_count     ? tree->bin_roles
	                                                  : NULL},
	    {STP_STATUS_SNAPSHOT, tree->has_root ? &tree->root.snapshot : NULL},
	    {STP_STATUS_TIMESTAMP, tree->has_root ? &tree->root.timestamp : NULL},
	};

	quorum.roles[STP_STATUS_ROOT].doc = stp_chain_document(tree, STP_CHAIN_ROOT);
	quorum.roles[STP_STATUS_ROOT].role = tree->has_root ? &tree->root.root : NULL;
	take_delegators(&quorum, tree, newest);
	stp_quorum_date(&quorum, &known->config, &known->floors);
	for (size_t i = 0; i < STP_QUORUM_ROLES; i++)
		STP_TRY(stp_quorum_judge(&quorum, i, arena, &status->roles[i], err));
	for (size_t i = 0; i < sizeof(online) / sizeof(online[0]); i++)
		if (online[i].role)
			STP_TRY(stp_quorum_keys(online[i].role, &known->keyring, arena,
			                        &status->roles[online[i].name], err));
	return STP_OK;
}

/* After a theft nothing is signed until the key is replaced: a problem, which grows with time. */
static void read_freeze(struct stp_status_report *status, const struct stp_repo *repo)
{
	struct stp_err why = STP_ERR_INIT;
	struct stp_freeze freeze;

	if (stp_freeze_load(repo->state_fd, NULL, &freeze, &why) != STP_OK ||
	    stp_freeze_check(&freeze, &why) != STP_OK) {
		status->is_frozen = 1;
		add_problem(status, STP_STATE_FOLDER "/" STP_FREEZE_FILE, why.text);
	}
}

/* How far a rotation is. Its keys sign too, which is not a problem. */
static void read_rotation(struct stp_status_report *status, const struct stp_repo *repo,
                          struct stp_rotation_keys *out_keys)
{
	struct stp_err why = STP_ERR_INIT;
	struct stp_rotation rotation;

	if (stp_rotation_load(repo->state_fd, NULL, &rotation, &why) != STP_OK) {
		add_problem(status, STP_STATE_FOLDER "/" STP_ROTATION_FILE, why.text);
		memset(&rotation, 0, sizeof(rotation));
	}
	stp_rotation_keys(&rotation, out_keys);
	if (rotation.phase == STP_ROTATION_STAGED)
		status->rotation = STP_STATUS_ROTATION_STAGED;
	status->rotation_stolen = rotation.is_stolen;
	/* Stolen keys sign nothing any more: their rotation is done with the root. */
	if (rotation.phase == STP_ROTATION_OVERLAP && !rotation.is_stolen) {
		status->rotation = STP_STATUS_ROTATION_OVERLAP;
		status->rotation_until = rotation.until;
	}
}

static enum stp_errc read_published(struct stp_status_report *status, const struct stp_repo *repo,
                                    const struct known *known, struct stp_err *err)
{
	struct stp_chain_options options = {
	    .folder_fd = repo->metadata_fd,
	    .timestamp_name = TIMESTAMP,
	    .timestamp_fd = repo->metadata_fd,
	    .now = status->now,
	};
	struct stp_finding_list findings;
	struct stp_rotation_keys rotated;
	struct stp_newest newest;
	struct stp_chain tree;
	enum stp_errc code;

	read_freeze(status, repo);
	read_rotation(status, repo, &rotated);
	options.rotated = &rotated.role;
	stp_trusted_pins(repo->root_fd, options.pinned);
	stp_finding_list_init(&findings);
	code = stp_chain_load(&tree, &options, &findings, err);
	stp_newest_load(&newest, repo, &known->config);
	note_roles(status, &tree);
	stp_newest_note(&newest, status);
	status->bin_count = tree.bin_count;
	if (code == STP_OK)
		code = read_bins(status, &tree, err);
	if (code == STP_OK)
		code = read_signers(status, &tree, &newest, known, err);
	note_first_expiry(status);
	set_problems(status, &findings, known->is_pending);
	stp_newest_release(&newest);
	stp_chain_release(&tree);
	stp_finding_list_release(&findings);
	return code;
}

int stp_status_is_bad(const struct stp_status_report *status)
{
	int is_bad = status->problem_count || status->bins_missing || status->bins_unreadable ||
	             (status->expires_min && status->expires_min <= status->now);

	for (size_t i = 0; i < STP_STATUS_ROLES; i++)
		is_bad |= status->roles[i].is_margin_alarm;
	return is_bad;
}

/* ------------------------------------------------------------------------- last run */

/* Reads state/last-run.json, if possible; it only informs. */
static void read_last_run(struct stp_status_run *run, int state_fd)
{
	struct stp_err ignored = STP_ERR_INIT;
	struct stp_buf file = STP_BUF_INIT;

	if (stp_file_read(state_fd, STP_LAST_RUN_FILE, STP_LAST_RUN_BYTES_MAX, "status", &file,
	                  &ignored) == STP_OK)
		stp_last_run_parse(file.data, file.count, run);
	stp_buf_release(&file);
}

/* ----------------------------------------------------------------------------- disk */

struct sum {
	struct stp_status_disk *disk;
	/* of the folder, for messages; cut when it is too long */
	char path[STP_PATH_BYTES_MAX + 1];
};

/* Adds up what is below folder_fd, which is closed; its path has path_bytes bytes. Links are
 * counted, not followed. */
static enum stp_errc sum_below(struct sum *sum, int folder_fd, size_t path_bytes, unsigned depth,
                               struct stp_err *err)
{
	DIR *stream = folder_fd >= 0 ? fdopendir(folder_fd) : NULL;
	enum stp_errc code = STP_OK;
	struct dirent *item;

	if (!stream) {
		stp_fd_close(&folder_fd);
		return STP_FAIL_SYS(err, "status", sum->path, "cannot list the folder");
	}
	while (code == STP_OK && (item = readdir(stream)) != NULL) {
		size_t left = sizeof(sum->path) - path_bytes;
		struct stat st;
		size_t n;

		if (stp_name_is_dots(item->d_name) ||
		    fstatat(folder_fd, item->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
			continue; /* removed since it was listed */
		sum->disk->bytes = stp_sum_add(sum->disk->bytes, (uint64_t)st.st_blocks * 512);
		sum->disk->files += !S_ISDIR(st.st_mode);
		if (!S_ISDIR(st.st_mode) || depth >= STP_TREE_DEPTH_MAX)
			continue;
		n = (size_t)snprintf(sum->path + path_bytes, left, "/%s", item->d_name);
		code = sum_below(sum,
		                 openat(folder_fd, item->d_name,
		                        O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
		                 path_bytes + (n < left ? n : left - 1), depth + 1, err);
	}
	closedir(stream);
	return code;
}

/* The same for a folder of the repository; name is its path there. */
static enum stp_errc sum_folder(struct stp_status_disk *disk, int folder_fd, const char *name,
                                struct stp_err *err)
{
	struct sum sum = {.disk = disk};
	int n = snprintf(sum.path, sizeof(sum.path), "%s", name);

	return sum_below(&sum, folder_fd, (size_t)n, 0, err);
}

static int again(int folder_fd)
{
	return openat(folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* Disk use of the folders. */
static enum stp_errc read_disk(struct stp_status_report *status, const struct stp_repo *repo,
                               struct stp_err *err)
{
	STP_TRY(sum_folder(&status->metadata, again(repo->metadata_fd), "public/metadata", err));
	STP_TRY(sum_folder(&status->target_files, again(repo->targets_fd), "public/targets", err));
	return sum_folder(&status->state, again(repo->state_fd), STP_STATE_FOLDER, err);
}

static enum stp_errc read_all(struct stp_status_report *status, const struct stp_repo *repo,
                              const struct stp_status_options *options, struct stp_err *err)
{
	struct known known;
	enum stp_errc code;

	status->is_offline_apart = !stp_file_exists(repo->root_fd, STP_OFFLINE_KEYS_FOLDER);
	read_known(status, repo, &known);
	name_roles(status, &known.config.expiry);
	find_published(status, repo, &known.floors);
	code = read_published(status, repo, &known, err);
	compare_floors(status, &known.floors);
	read_last_run(&status->run, repo->state_fd);
	release_known(&known);
	STP_TRY(code);
	stp_calendar_make(status);
	STP_TRY(stp_loss_mark(status, options->lost, options->lost_count, err));
	stp_loss_judge(status);
	return read_disk(status, repo, err);
}

enum stp_errc stp_status(const struct stp_status_options *options, struct stp_status_report *out,
                         struct stp_err *err)
{
	struct stp_status_options mine;
	struct stp_arena *arena;
	struct stp_repo repo;
	enum stp_errc code;

	memset(out, 0, sizeof(*out));
	STP_TRY(STP_OPTIONS_TAKE(&mine, options, has_now, "status", err));
	STP_TRY(stp_options_need(mine.repo, "repo", "status", err));
	out->now = stp_options_now(mine.now, mine.has_now);
	if (sodium_init() < 0)
		return STP_FAIL(err, STP_IO, "status", "", "libsodium cannot start");
	STP_TRY(stp_pending_check_at(mine.repo, err));
	STP_TRY(stp_repo_open(mine.repo, STP_REPO_READ, "status", &repo, err));
	arena = out->private_ = calloc(1, sizeof(*arena));
	if (arena) {
		stp_arena_init(arena, 16 * 1024);
		code = read_all(out, &repo, &mine, err);
	} else {
		code = STP_FAIL_ERRNO(err, ENOMEM, "status", "", "cannot read the repository");
	}
	stp_repo_close(&repo);
	return code;
}

void stp_status_report_release(struct stp_status_report *report)
{
	if (report->private_)
		stp_arena_release(report->private_);
	free(report->private_);
	memset(report, 0, sizeof(*report));
}
