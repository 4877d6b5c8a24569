/* SPDX-License-Identifier: Apache-2.0 */
#include "stampede/show.h"

#include <fcntl.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/options.h"
#include "base/text.h"
#include "hash/hash.h"
#include "keys/keys.h"
#include "ledger/ledger.h"
#include "publish/commits.h"
#include "publish/copy.h"
#include "publish/folders.h"
#include "publish/links.h"
#include "publish/mark_name.h"
#include "publish/names.h"
#include "publish/repo.h"
#include "record/fingerprint.h"
#include "run/past.h"
#include "run/trusted.h"
#include "verify/bins.h"
#include "verify/folder.h"

#define STAGE "show"

struct show {
	const struct stp_show_options *options;
	struct stp_show_report *report;
	struct stp_repo repo;
	struct stp_config config;
	struct stp_metadata_folder folder;
	struct stp_chain_pin pins[STP_CHAIN_PINS];
	size_t path_bytes;
	unsigned hash_set; /* of the entry */
	uint8_t digests[STP_ALG_COUNT * STP_DIGEST_BYTES_MAX];
};

const char *stp_show_state_name(enum stp_show_state state)
{
	static const char *const names[] = {
	    [STP_SHOW_UNKNOWN] = "unknown", [STP_SHOW_MISSING] = "missing",
	    [STP_SHOW_OTHER] = "other",     [STP_SHOW_LENGTH] = "length-matches",
	    [STP_SHOW_DIFFERS] = "differs", [STP_SHOW_MATCHES] = "matches"};

	return names[state];
}

/* ------------------------------------------------------------------ snapshots */

static enum stp_errc find_in(struct show *show, struct stp_past *past,
                             struct stp_past_target *out_target, int *out_good, struct stp_err *err)
{
	return stp_past_find(past, show->options->path, show->path_bytes, out_target, out_good,
	                     err);
}

static void set_entry(struct show *show, const struct stp_bin_entry *entry)
{
	int alg;

	show->report->is_target = 1;
	show->report->length = entry->length;
	for (alg = 0; alg < STP_ALG_COUNT; alg++) {
		size_t bytes = stp_alg_digest_bytes((enum stp_alg)alg);

		if (!entry->hex[alg])
			continue;
		memcpy(show->report->hex[alg], entry->hex[alg], 2 * bytes);
		show->hash_set |= STP_ALG_BIT(alg);
	}
	for (alg = 0; alg < STP_ALG_COUNT; alg++)
		if (entry->hex[alg])
			(void)stp_hex_decode(
			    entry->hex[alg], stp_alg_digest_bytes((enum stp_alg)alg),
			    show->digests + stp_alg_set_offset(show->hash_set, (enum stp_alg)alg),
			    0);
}

/* Looks the path up in the current snapshot. */
static enum stp_errc look_up_now(struct show *show, struct stp_err *err)
{
	struct stp_show_report *report = show->report;
	struct stp_past_target target;
	struct stp_past past;
	enum stp_errc code;
	int good;

	code = stp_past_open(&past, show->folder.fd, show->pins, 0, &good, err);
	if (code == STP_OK && good)
		code = find_in(show, &past, &target, &good, err);
	if (code == STP_OK && good) {
		report->is_verified = 1;
		report->snapshot_version = past.tree.snapshot.version;
		snprintf(report->bin_role, sizeof(report->bin_role), "%s", target.bin->role);
		stp_bin_file_name(target.bin, report->bin_file, sizeof(report->bin_file));
		if (target.entry)
			set_entry(show, target.entry);
	}
	stp_past_release(&past);
	return code;
}

/* Whether the entry equals the one that is signed now. */
static int is_same(const struct show *show, const struct stp_bin_entry *entry)
{
	int alg;

	if (!entry || entry->length != show->report->length)
		return 0;
	for (alg = 0; alg < STP_ALG_COUNT; alg++)
		if (entry->hex[alg] && show->report->hex[alg][0] &&
		    memcmp(entry->hex[alg], show->report->hex[alg],
		           2 * stp_alg_digest_bytes((enum stp_alg)alg)) != 0)
			return 0;
	return 1;
}

/* Looks into one older snapshot; *out_more is 0 when it gives the answer, or cannot be
 * verified. */
static enum stp_errc look_back(struct show *show, uint64_t version, int *out_more,
                               struct stp_err *err)
{
	struct stp_show_report *report = show->report;
	struct stp_past_target target = {NULL, NULL};
	struct stp_past past;
	enum stp_errc code;
	int good;

	*out_more = 0;
	code = stp_past_open(&past, show->folder.fd, show->pins, version, &good, err);
	if (code == STP_OK && good)
		code = find_in(show, &past, &target, &good, err);
	if (code != STP_OK || !good) {
		stp_past_release(&past);
		return code;
	}
	*out_more = 1;
	if (!report->is_target) {
		report->last_listed = target.entry ? version : 0;
		*out_more = !target.entry;
	} else if (is_same(show, target.entry)) {
		report->since = version;
	} else {
		report->before = version;
		report->before_had_other = target.entry != NULL;
		report->is_since_at_least = 0;
		*out_more = 0;
	}
	stp_past_release(&past);
	return STP_OK;
}

/* Searches the snapshots that are kept, newest first. */
static enum stp_errc look_up_before(struct show *show, struct stp_err *err)
{
	struct stp_show_report *report = show->report;
	uint64_t below = report->snapshot_version;
	int more = 1;

	report->since = report->is_target ? report->snapshot_version : 0;
	report->is_since_at_least = report->is_target;
	while (more) {
		uint64_t next = 0;
		size_t i;

		for (i = 0; i < show->folder.snapshot_version_count; i++)
			if (show->folder.snapshot_versions[i] < below &&
			    show->folder.snapshot_versions[i] > next)
				next = show->folder.snapshot_versions[i];
		if (!next)
			break;
		if (stp_cancelled(show->options->cancel))
			return STP_FAIL(err, STP_CANCELLED, STAGE, NULL, "stopped");
		STP_TRY(look_back(show, next, &more, err));
		below = next;
	}
	/* The first version has no predecessor. */
	if (report->since == 1)
		report->is_since_at_least = 0;
	return STP_OK;
}

static void find_time(struct show *show)
{
	struct stp_err ignored = STP_ERR_INIT;
	struct stp_commit_list commits;
	struct stp_arena arena;
	size_t i;

	stp_arena_init(&arena, 0);
	if (stp_commit_list_load(&show->repo, &arena, &commits, &ignored) == STP_OK)
		for (i = 0; i < commits.count; i++)
			if (commits.items[i].snapshot_version == show->report->since)
				show->report->since_at = commits.items[i].committed_at;
	stp_arena_release(&arena);
}

/* ------------------------------------------------------------------ the ledger */

static void set_record(struct stp_show_report *report, const struct stp_record *record)
{
	if (record->flags & STP_RECORD_REMOVED)
		return;
	report->has_record = 1;
	report->verified_at = record->verified_at;
	if (!(record->flags & STP_RECORD_FILE))
		return;
	report->inode = record->fingerprint.ino;
	report->mtime_ns = record->fingerprint.mtime_ns;
	report->ctime_ns = record->fingerprint.ctime_ns;
}

/* Finds the newest record with the path's key. */
static enum stp_errc find_record(struct show *show, struct stp_ledger *ledger, struct stp_err *err)
{
	struct stp_sources sources = STP_SOURCES_INIT;
	struct stp_key_range range = stp_key_range_all();
	struct stp_merge *merge = NULL;
	struct stp_merge_group group = {0};
	enum stp_errc code;

	stp_hash_one(STP_ALG_SHA256, show->options->path, show->path_bytes, range.low);
	code = stp_ledger_sources(ledger, &sources, err);
	if (code == STP_OK && sources.count) {
		code = stp_merge_create(&sources, &merge, err);
		if (code == STP_OK)
			code = stp_merge_seek(merge, &range, err);
		if (code == STP_OK)
			code = stp_merge_next(merge, &group, err);
		if (code == STP_OK && group.key && group.count &&
		    stp_key_compare(group.key, range.low) == 0)
			set_record(show->report, &group.items[0].record);
	}
	if (merge)
		stp_merge_destroy(merge);
	stp_sources_release(&sources);
	return code;
}

/* Reads the ledger's record. It only informs: without access to the ledger, or with a damaged one,
 * the rest is still shown. */
static void ask_ledger(struct show *show)
{
	struct stp_show_report *report = show->report;
	struct stp_ledger_options options = {
	    .state_fd = show->repo.state_fd, .hash_set = show->config.hash_set, .read_only = 1};
	struct stp_fault_list damage;
	struct stp_seal_key *key = NULL;
	struct stp_ledger *ledger = NULL;
	struct stp_err err = STP_ERR_INIT;

	stp_fault_list_init(&damage);
	options.damage = &damage;
	if (stp_seal_key_load(show->repo.keys_fd, STP_LEDGER_KEY_FILE, &key, &err) == STP_OK) {
		options.seal_key = stp_seal_key_bytes(key);
		if (stp_ledger_open(&options, &ledger, &err) == STP_OK &&
		    find_record(show, ledger, &err) == STP_OK && !report->has_record)
			snprintf(report->record_text, sizeof(report->record_text), "%s",
			         damage.total ? "the ledger is damaged there"
			                      : "the ledger does not have it");
	}
	if (err.code != STP_OK)
		snprintf(report->record_text, sizeof(report->record_text),
		         "the ledger cannot be read: %.200s", err.text);
	stp_ledger_close(ledger);
	stp_seal_key_destroy(key);
	stp_fault_list_release(&damage);
}

/* ------------------------------------------------------------------ files */

__attribute__((format(printf, 3, 4))) static void
set_state(struct stp_show_file *file, enum stp_show_state state, const char *format, ...)
{
	va_list args;

	file->state = state;
	va_start(args, format);
	vsnprintf(file->text, sizeof(file->text), format, args);
	va_end(args);
}

/* Reads the open file and compares its digests. */
static enum stp_errc hash_file(struct show *show, int fd, struct stp_show_file *file,
                               struct stp_err *err)
{
	struct stp_copy_source source = {
	    .fd = fd, .length = show->report->length, .digests = show->digests, .name = file->name};
	struct stp_copier *copier = NULL;
	enum stp_copy_result result;

	STP_TRY(stp_copier_create(show->hash_set, show->options->cancel, &copier, err));
	if (stp_copier_copy(copier, &source, -1, &result, err) != STP_OK) {
		stp_copier_destroy(copier);
		if (err->code == STP_CANCELLED)
			return err->code;
		set_state(file, STP_SHOW_UNKNOWN, "cannot be read");
		err->code = STP_OK;
		return STP_OK;
	}
	stp_copier_destroy(copier);
	if (result == STP_COPY_DONE)
		set_state(file, STP_SHOW_MATCHES, "has the bytes that are signed");
	else
		set_state(file, STP_SHOW_DIFFERS, "has other bytes than are signed");
	return STP_OK;
}

/* Compares an open file (which is closed) with what is signed. */
static enum stp_errc compare(struct show *show, int fd, struct stp_show_file *file, struct stat *st,
                             struct stp_err *err)
{
	enum stp_errc code = STP_OK;

	memset(st, 0, sizeof(*st));
	if (fd < 0) {
		set_state(file,
		          errno == ENOENT || errno == ENOTDIR ? STP_SHOW_MISSING : STP_SHOW_OTHER,
		          errno == ENOENT || errno == ENOTDIR
		              ? "is not there"
		              : "cannot be opened, or is a symbolic link");
		return STP_OK;
	}
	if (fstat(fd, st) != 0 || !S_ISREG(st->st_mode))
		set_state(file, STP_SHOW_OTHER, "is not a regular file");
	else if ((uint64_t)st->st_size != show->report->length)
		set_state(file, STP_SHOW_OTHER, "has another length than is signed");
	else
		set_state(file, STP_SHOW_LENGTH, "has the signed length; %s reads its bytes",
		          stp_hint_text(STP_HINT_CHECK));
	if (file->state == STP_SHOW_LENGTH && show->options->check)
		code = hash_file(show, fd, file, err);
	close(fd);
	return code;
}

static enum stp_errc look_at_file(struct show *show, int index_fd, struct stp_err *err)
{
	struct stp_show_report *report = show->report;
	struct stp_record record;
	struct stat st;

	snprintf(report->file.name, sizeof(report->file.name), "%s/%s", show->config.targets_dir,
	         show->options->path);
	if (index_fd < 0) {
		set_state(&report->file, STP_SHOW_UNKNOWN, "the targets folder is not here");
		return STP_OK;
	}
	STP_TRY(compare(
	    show, stp_folders_open(index_fd, show->options->path, O_RDONLY | O_NONBLOCK | O_NOCTTY),
	    &report->file, &st, err));
	record = (struct stp_record){
	    .length = report->length,
	    .fingerprint = {0, report->inode, report->mtime_ns, report->ctime_ns},
	};
	report->is_file_unchanged =
	    report->has_record && report->inode && !stp_record_difference(&record, &st);
	return STP_OK;
}

/* The digest of the entry's first algorithm: clients request one of its names. */
static const char *first_hex(const struct show *show)
{
	int alg;

	for (alg = 0; alg < STP_ALG_COUNT; alg++)
		if (show->report->hex[alg][0])
			return show->report->hex[alg];
	return "";
}

/* Checks the name that clients request from the web server, and the file that it serves. */
static enum stp_errc look_at_served(struct show *show, int index_fd, struct stp_err *err)
{
	struct stp_show_file *served = &show->report->served;
	const char *path = show->options->path;
	const char *hex = first_hex(show);
	enum stp_target_files mode = show->config.target_files;
	char mark[STP_MARK_NAME_BYTES] = "";
	char own[sizeof(served->name)];
	struct stat st;
	int fd;

	/* A signed path always fits. */
	if (!stp_target_name(path, show->path_bytes, hex, strlen(hex), own, sizeof(own)))
		own[0] = '\0';
	snprintf(served->name, sizeof(served->name), "public/targets/%.8000s", own);
	if (mode == STP_TARGET_FILES_NONE) {
		set_state(served, STP_SHOW_UNKNOWN, "another server has it");
		return STP_OK;
	}
	fd = openat(show->repo.targets_fd, own, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (mode == STP_TARGET_FILES_AUTO)
		mode = stp_links_last_mode(show->repo.state_fd);
	if (fd >= 0 || mode == STP_TARGET_FILES_ALL ||
	    stp_globs_match(&show->config.mutable_globs, path, show->path_bytes))
		return compare(show, fd, served, &st, err);
	if (!stp_mark_name(path, show->path_bytes, hex, mark) ||
	    fstatat(show->repo.targets_fd, mark, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
	    !S_ISREG(st.st_mode)) {
		set_state(served, STP_SHOW_MISSING, "has no mark, so it is not served");
		return STP_OK;
	}
	*served = (struct stp_show_file){.state = show->report->file.state};
	snprintf(served->name, sizeof(served->name), "public/targets/%s", mark);
	snprintf(served->text, sizeof(served->text),
	         index_fd < 0 ? "is marked" : "is marked; the web server serves the file above");
	return STP_OK;
}

static enum stp_errc look_at_files(struct show *show, struct stp_err *err)
{
	int index_fd = open(show->config.targets_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum stp_errc code = look_at_file(show, index_fd, err);

	if (code == STP_OK)
		code = look_at_served(show, index_fd, err);
	stp_fd_close(&index_fd);
	return code;
}

/* ------------------------------------------------------------------ the command */

static enum stp_errc look_up(struct show *show, struct stp_err *err)
{
	STP_TRY(stp_config_load(&show->config, show->repo.root_fd, err));
	STP_TRY(stp_metadata_folder_open(&show->folder, show->options->repo, err));
	stp_trusted_pins(show->repo.root_fd, show->pins);
	STP_TRY(look_up_now(show, err));
	if (!show->report->is_verified)
		return STP_OK;
	STP_TRY(look_up_before(show, err));
	find_time(show);
	if (!show->report->is_target)
		return STP_OK;
	ask_ledger(show);
	return look_at_files(show, err);
}

enum stp_errc stp_show(const struct stp_show_options *options, struct stp_show_report *out,
                       struct stp_err *err)
{
	struct stp_show_options mine;
	struct show show = {.options = &mine, .report = out};
	const char *problem;
	enum stp_errc code;

	memset(out, 0, sizeof(*out));
	STP_TRY(STP_OPTIONS_TAKE(&mine, options, cancel, STAGE, err));
	STP_TRY(stp_options_need(mine.repo, "repo", STAGE, err));
	STP_TRY(stp_options_need(mine.path, "path", STAGE, err));
	show.path_bytes = strlen(mine.path);
	problem = stp_target_path_problem(mine.path, show.path_bytes);
	show.folder.fd = -1;
	if (problem)
		return STP_FAIL(err, STP_CONFIG, STAGE, mine.path, "cannot be a target path: it %s",
		                problem);
	if (sodium_init() < 0)
		return STP_FAIL(err, STP_IO, STAGE, "", "libsodium cannot start");
	STP_TRY(stp_repo_open(mine.repo, STP_REPO_READ, "show", &show.repo, err));
	code = look_up(&show, err);
	stp_metadata_folder_close(&show.folder);
	stp_config_release(&show.config);
	stp_repo_close(&show.repo);
	return code;
}

void stp_show_report_release(struct stp_show_report *report)
{
	memset(report, 0, sizeof(*report));
}
