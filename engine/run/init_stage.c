/* SPDX-License-Identifier: Apache-2.0 */
#include "run/init_stage.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/faultpoint.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/text.h"
#include "hash/hash.h"
#include "keys/keys.h"
#include "publish/repo.h"
#include "run/pending.h"
#include "trust/floors.h"

#define STAGE "init"
/* Keys of three roles, their paths and the folder that they are in; with import also a line for
 * each file of metadata that was copied. */
#define MADE_BYTES_MAX ((size_t)256 * 1024 * 1024)
/* More than any payload that init makes. */
#define PAYLOAD_BYTES_MAX ((size_t)64 << 20)

static const char *const members[] = {STP_KEYS_FOLDER, STP_OFFLINE_KEYS_FOLDER, STP_STATE_FOLDER,
                                      STP_PUBLIC_FOLDER};
#define MEMBER_COUNT (sizeof(members) / sizeof(members[0]))

/* ------------------------------------------------------------------ small things */

/* Removes name and everything below it; links are removed, not followed. Best effort. */
static void remove_tree(int folder_fd, const char *name, int depth)
{
	const struct dirent *entry;
	DIR *folder;
	int fd;

	if (unlinkat(folder_fd, name, 0) == 0 || depth > 8)
		return;
	fd = openat(folder_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	folder = fd < 0 ? NULL : fdopendir(fd);
	if (!folder) {
		stp_fd_close(&fd);
		return;
	}
	while ((entry = readdir(folder)))
		if (!stp_name_is_dots(entry->d_name))
			remove_tree(dirfd(folder), entry->d_name, depth + 1);
	closedir(folder);
	unlinkat(folder_fd, name, AT_REMOVEDIR);
}

/* ------------------------------------------------------------------ .init/made */

/* The file has lines "making ROLE FOLDER" and "made KEYID PATH", with folder and path escaped. */
static int has_line(const struct stp_buf *made, const char *line)
{
	size_t count = strlen(line);
	const char *at = (const char *)made->data;
	const char *end = at + made->count;

	while (at && at < end) {
		const char *feed = memchr(at, '\n', (size_t)(end - at));

		if (!feed)
			return 0;
		if ((size_t)(feed - at) == count && memcmp(at, line, count) == 0)
			return 1;
		at = feed + 1;
	}
	return 0;
}

static void format_line(char *out, size_t size, const char *word, const char *what,
                        const char *path)
{
	char shown[4 * STP_PATH_BYTES_MAX + 1];

	stp_text_escape(path, strlen(path), shown, sizeof(shown));
	snprintf(out, size, "%s %s %s", word, what, shown);
}

static enum stp_errc read_made(struct stp_init_stage *stage, struct stp_err *err)
{
	if (!stp_file_exists(stage->fd, STP_INIT_MADE_FILE))
		return STP_OK;
	return stp_file_read(stage->fd, STP_INIT_MADE_FILE, MADE_BYTES_MAX, STAGE, &stage->made,
	                     err);
}

/* Adds a line, and writes the file when it is to be durable now. */
static enum stp_errc add_line(struct stp_init_stage *stage, const char *line, struct stp_err *err)
{
	STP_TRY(stp_buf_append(&stage->made, line, strlen(line), err));
	return stp_buf_append(&stage->made, "\n", 1, err);
}

static enum stp_errc write_made(struct stp_init_stage *stage, struct stp_err *err)
{
	return stp_file_write(stage->fd, STP_INIT_MADE_FILE, stage->made.data, stage->made.count,
	                      STP_MODE_PRIVATE_FILE, STP_FILE_REPLACE, STAGE, err);
}

enum stp_errc stp_init_stage_keys(struct stp_init_stage *stage, int folder_fd, const char *folder,
                                  const char *role, size_t count,
                                  enum stp_offline_keys_files *out_files, struct stp_err *err)
{
	char line[4 * STP_PATH_BYTES_MAX + 64];

	format_line(line, sizeof(line), "making", role, folder);
	*out_files =
	    has_line(&stage->made, line) ? STP_OFFLINE_KEYS_REST : STP_OFFLINE_KEYS_ALL_OR_NONE;
	if (*out_files == STP_OFFLINE_KEYS_REST || stp_offline_keys_has_any(folder_fd, role, count))
		return STP_OK;
	*out_files = STP_OFFLINE_KEYS_REST;
	STP_TRY(add_line(stage, line, err));
	return write_made(stage, err);
}

enum stp_errc stp_init_stage_note(struct stp_init_stage *stage, const char *path, const char *keyid,
                                  struct stp_err *err)
{
	char line[STP_NAME_BYTES_MAX + 128];

	snprintf(line, sizeof(line), "made %s %s", keyid, path);
	return add_line(stage, line, err);
}

/* Removes the file path if an interrupted init wrote it: with bytes that .init/made names. */
static enum stp_errc remove_payload(const struct stp_init_stage *stage, const char *path,
                                    struct stp_err *err)
{
	char line[4 * STP_PATH_BYTES_MAX + 128];
	struct stp_buf file = STP_BUF_INIT;
	struct stp_err ignored = STP_ERR_INIT;
	uint8_t sha256[32];
	char hex[65] = "";

	if (!stp_file_exists(AT_FDCWD, path))
		return STP_OK;
	if (stp_file_read(AT_FDCWD, path, PAYLOAD_BYTES_MAX, STAGE, &file, &ignored) == STP_OK) {
		stp_hash_one(STP_ALG_SHA256, file.data, file.count, sha256);
		stp_hex_encode(sha256, sizeof(sha256), hex);
	}
	stp_buf_release(&file);
	format_line(line, sizeof(line), "payload", hex, path);
	if (!hex[0] || !has_line(&stage->made, line))
		return STP_FAIL(err, STP_CONFIG, STAGE, path,
		                "exists; name a new file, since somebody may have signed this one");
	if (unlink(path) != 0)
		return STP_FAIL_SYS(err, STAGE, path,
		                    "cannot remove what an interrupted init left");
	return STP_OK;
}

enum stp_errc stp_init_stage_payload(struct stp_init_stage *stage, const char *path,
                                     const char *sha256, struct stp_err *err)
{
	char line[4 * STP_PATH_BYTES_MAX + 128];

	STP_TRY(remove_payload(stage, path, err));
	format_line(line, sizeof(line), "payload", sha256, path);
	STP_TRY(add_line(stage, line, err));
	return write_made(stage, err);
}

/* ------------------------------------------------------------------ what an init that died left */

/* Refuses a name in REPO that no interrupted init made. */
static enum stp_errc refuse(const char *name, struct stp_err *err)
{
	return STP_FAIL(err, STP_CONFIG, STAGE, name,
	                "exists, but " STP_CONFIG_FILE " does not: restore that from a backup, "
	                "name an empty or a new folder, or move the contents of this one away");
}

struct proof {
	const struct stp_init_stage *stage;
	const char *member;
};

/* A file of keys/ or offline-keys/ must be a key that the interrupted init noted. */
static enum stp_errc prove_key(void *ctx, int folder_fd, const char *name, struct stp_err *err)
{
	const struct proof *proof = ctx;
	struct stp_err ignored = STP_ERR_INIT;
	struct stp_key *key = NULL;
	char path[STP_NAME_BYTES_MAX + 32];
	char line[STP_NAME_BYTES_MAX + 128];
	int found;

	snprintf(path, sizeof(path), "%.20s/%.255s", proof->member, name);
	/* The seal key has no public part; it is next to the online key, which has one. */
	if (strcmp(path, STP_KEYS_FOLDER "/" STP_LEDGER_KEY_FILE) == 0 &&
	    stp_file_exists(folder_fd, STP_ONLINE_KEY_FILE))
		return STP_OK;
	if (stp_key_load(folder_fd, name, &key, &ignored) != STP_OK)
		return refuse(path, err);
	snprintf(line, sizeof(line), "made %s %s", stp_key_id(key), path);
	found = has_line(&proof->stage->made, line);
	stp_key_destroy(key);
	return found ? STP_OK : refuse(path, err);
}

static enum stp_errc prove_none(void *ctx, int folder_fd, const char *name, struct stp_err *err)
{
	const struct proof *proof = ctx;

	(void)folder_fd;
	(void)name;
	return refuse(proof->member, err);
}

/* Whether the file is one that the interrupted import noted, with its bytes. */
static int is_noted(const struct proof *proof, const char *folder, int folder_fd, const char *name)
{
	struct stp_err ignored = STP_ERR_INIT;
	struct stp_buf file = STP_BUF_INIT;
	char line[STP_NAME_BYTES_MAX + 160];
	uint8_t digest[32];
	char hex[65];
	int is_noted_so = 0;

	if (stp_file_read(folder_fd, name, STP_SNAPSHOT_BYTES_MAX, STAGE, &file, &ignored) ==
	    STP_OK) {
		stp_hash_one(STP_ALG_SHA256, file.data, file.count, digest);
		stp_hex_encode(digest, sizeof(digest), hex);
		hex[64] = '\0';
		snprintf(line, sizeof(line), "made %s %s/%.255s", hex, folder, name);
		is_noted_so = has_line(&proof->stage->made, line);
	}
	stp_buf_release(&file);
	return is_noted_so;
}

/* state/ must hold only the floors that init wrote, without any run, or what import noted. */
static enum stp_errc prove_state(void *ctx, int folder_fd, const char *name, struct stp_err *err)
{
	const struct proof *proof = ctx;
	struct stp_err ignored = STP_ERR_INIT;
	enum stp_floors_origin origin;
	struct stp_floors floors;
	int found = 0;

	if (strcmp(name, STP_PENDING_FILE) == 0)
		return STP_OK;
	if (strcmp(name, STP_FLOORS_FILE) == 0 &&
	    stp_floors_load(folder_fd, NULL, &floors, &found, &origin, &ignored) == STP_OK &&
	    !floors.timestamp.version)
		return STP_OK;
	if (is_noted(proof, STP_STATE_FOLDER, folder_fd, name))
		return STP_OK;
	return prove_none(ctx, folder_fd, name, err);
}

/* There must be only the first versions of the offline roles, or files that import noted: nothing
 * was ever signed with the online key. */
static enum stp_errc prove_metadata(void *ctx, int folder_fd, const char *name, struct stp_err *err)
{
	if (is_noted(ctx, STP_PUBLIC_FOLDER "/" STP_METADATA_FOLDER, folder_fd, name))
		return STP_OK;
	if (strcmp(name, "1.root.json") == 0 || strcmp(name, "1.targets.json") == 0 ||
	    strcmp(name, "1.bins.json") == 0)
		return STP_OK;
	return prove_none(ctx, folder_fd, name, err);
}

static enum stp_errc prove_public(void *ctx, int folder_fd, const char *name, struct stp_err *err)
{
	int is_metadata = strcmp(name, STP_METADATA_FOLDER) == 0;
	enum stp_errc code;
	int fd;

	if (!is_metadata && strcmp(name, STP_TARGETS_FOLDER) != 0)
		return prove_none(ctx, folder_fd, name, err);
	STP_TRY(stp_folder_open(folder_fd, name, STAGE, &fd, err));
	code =
	    stp_folder_each(fd, STAGE, name, is_metadata ? prove_metadata : prove_none, ctx, err);
	close(fd);
	return code;
}

/* Verifies that members[index] of REPO, if it exists, is what the interrupted init put there. */
static enum stp_errc prove(const struct stp_init_stage *stage, size_t index, struct stp_err *err)
{
	static stp_folder_fn *const proofs[MEMBER_COUNT] = {prove_key, prove_key, prove_state,
	                                                    prove_public};
	struct proof proof = {stage, members[index]};
	enum stp_errc code;
	int fd;

	if (!stp_file_exists(stage->root_fd, members[index]))
		return STP_OK;
	STP_TRY(stp_folder_open(stage->root_fd, members[index], STAGE, &fd, err));
	code = stp_folder_each(fd, STAGE, members[index], proofs[index], &proof, err);
	close(fd);
	return code;
}

/* Moves members[index] back into .init, as a whole. */
static enum stp_errc move_back(struct stp_init_stage *stage, size_t index, struct stp_err *err)
{
	if (!stp_file_exists(stage->root_fd, members[index]))
		return STP_OK;
	STP_FAULT_TRY(err, STAGE, "take_back", members[index]);
	if (stp_rename_new(stage->root_fd, members[index], stage->fd, members[index]) != 0)
		return STP_FAIL_SYS(err, STAGE, members[index],
		                    "cannot remove what an interrupted init left");
	return STP_OK;
}

/* Checks the names in REPO: an init begins in an empty folder. */
static enum stp_errc look_at_root(void *ctx, int folder_fd, const char *name, struct stp_err *err)
{
	const struct stp_init_stage *stage = ctx;
	size_t i;

	(void)folder_fd;
	if (strcmp(name, "lost+found") == 0 || strcmp(name, STP_INIT_FOLDER) == 0)
		return STP_OK;
	for (i = 0; i < MEMBER_COUNT; i++)
		if (strcmp(name, members[i]) == 0)
			return stage->fd >= 0 && stp_file_exists(stage->fd, STP_CONFIG_FILE)
			           ? STP_OK
			           : refuse(name, err);
	return STP_FAIL(err, STP_CONFIG, STAGE, name,
	                "is in the folder already; name an empty or a new folder");
}

/* Without the mark, .init is empty except for the mark's temporary file: it was just created, or
 * almost removed. After a commit it still has the list, which has no meaning any more. */
static enum stp_errc look_at_unmarked(void *ctx, int folder_fd, const char *name,
                                      struct stp_err *err)
{
	(void)ctx;
	(void)folder_fd;
	if (stp_temporary_is(name) || strcmp(name, STP_INIT_MADE_FILE) == 0)
		return STP_OK;
	return STP_FAIL(err, STP_CONFIG, STAGE, STP_INIT_FOLDER,
	                "holds %.40s, but nothing that an interrupted init leaves behind; move the "
	                "folder away",
	                name);
}

/* Removes what is in .init, except the mark and the list. */
static enum stp_errc clear_name(void *ctx, int folder_fd, const char *name, struct stp_err *err)
{
	(void)ctx;
	if (strcmp(name, STP_CONFIG_FILE) == 0 || strcmp(name, STP_INIT_MADE_FILE) == 0)
		return STP_OK;
	STP_FAULT_TRY(err, STAGE, "clear", name);
	remove_tree(folder_fd, name, 0);
	return STP_OK;
}

/* Drops the lines of keys that were created in .init, which are gone. Those of keys that were
 * created elsewhere stay. */
static void forget_made(struct stp_buf *made)
{
	size_t kept = 0;
	size_t at = 0;

	while (at < made->count) {
		const uint8_t *feed = memchr(made->data + at, '\n', made->count - at);
		size_t count = feed ? (size_t)(feed - (made->data + at)) + 1 : made->count - at;

		if (count > 5 && memcmp(made->data + at, "made ", 5) != 0) {
			memmove(made->data + kept, made->data + at, count);
			kept += count;
		}
		at += count;
	}
	made->count = kept;
}

/* ------------------------------------------------------------------ begin */

void stp_init_stage_init(struct stp_init_stage *stage, int root_fd)
{
	memset(stage, 0, sizeof(*stage));
	stage->root_fd = root_fd;
	stage->fd = -1;
}

/* Returns REPO to the state in which the interrupted init began. */
static enum stp_errc recover(struct stp_init_stage *stage, struct stp_err *err)
{
	size_t i;

	if (stp_file_exists(stage->root_fd, STP_INIT_FOLDER))
		STP_TRY(stp_folder_open(stage->root_fd, STP_INIT_FOLDER, STAGE, &stage->fd, err));
	STP_TRY(stp_folder_each(stage->root_fd, STAGE, "the folder", look_at_root, stage, err));
	if (stage->fd < 0)
		return STP_OK;
	if (stp_file_exists(stage->fd, STP_CONFIG_FILE))
		STP_TRY(read_made(stage, err));
	else
		STP_TRY(stp_folder_each(stage->fd, STAGE, STP_INIT_FOLDER, look_at_unmarked, NULL,
		                        err));
	for (i = 0; i < MEMBER_COUNT; i++)
		STP_TRY(prove(stage, i, err));
	for (i = 0; i < MEMBER_COUNT; i++)
		STP_TRY(move_back(stage, i, err));
	forget_made(&stage->made);
	stage->inherited = stage->made.count != 0;
	return stp_folder_each(stage->fd, STAGE, STP_INIT_FOLDER, clear_name, NULL, err);
}

enum stp_errc stp_init_stage_begin(struct stp_init_stage *stage, const struct stp_config *config,
                                   struct stp_err *err)
{
	enum stp_errc code = recover(stage, err);

	if (code != STP_OK) {
		/* Nothing here was made by this init, so there is nothing to undo. */
		stp_fd_close(&stage->fd);
		return code;
	}
	STP_FAULT_TRY(err, STAGE, "begin", STP_INIT_FOLDER);
	if (stage->fd < 0)
		STP_TRY(stp_folder_make(stage->root_fd, STP_INIT_FOLDER, STP_MODE_PRIVATE_FOLDER,
		                        STAGE, &stage->fd, err));
	if (fchmod(stage->fd, STP_MODE_PRIVATE_FOLDER) != 0)
		return STP_FAIL_SYS(err, STAGE, STP_INIT_FOLDER, "cannot set permissions");
	STP_TRY(stp_fd_sync(stage->root_fd, STAGE, STP_INIT_FOLDER, err));
	return stp_config_replace(config, stage->fd, err);
}

/* ------------------------------------------------------------------ commit, undo, end */

enum stp_errc stp_init_stage_commit(struct stp_init_stage *stage, struct stp_err *err)
{
	size_t i;

	STP_TRY(write_made(stage, err));
	for (i = 0; i < MEMBER_COUNT; i++) {
		STP_FAULT_TRY(err, STAGE, "member", members[i]);
		if (!stp_file_exists(stage->fd, members[i]))
			continue; /* offline keys elsewhere */
		if (stp_rename_new(stage->fd, members[i], stage->root_fd, members[i]) != 0)
			return STP_FAIL_SYS(err, STAGE, members[i], "cannot put in place");
		stage->moved |= 1u << i;
	}
	/* The files in them were made durable one by one; the names of the folders themselves are
	 * not yet. */
	if (syncfs(stage->root_fd) != 0)
		return STP_FAIL_SYS(err, STAGE, "the repository", "cannot make it durable");
	STP_FAULT_TRY(err, STAGE, "commit", STP_CONFIG_FILE);
	if (stp_rename_new(stage->fd, STP_CONFIG_FILE, stage->root_fd, STP_CONFIG_FILE) != 0)
		return STP_FAIL_SYS(err, STAGE, STP_CONFIG_FILE, "cannot put in place");
	stage->committed = 1;
	STP_FAULT_TRY(err, STAGE, "committed", STP_CONFIG_FILE);
	STP_TRY(stp_fd_sync(stage->root_fd, STAGE, STP_CONFIG_FILE, err));
	return stp_fd_sync(stage->fd, STAGE, STP_INIT_FOLDER, err);
}

void stp_init_stage_undo(struct stp_init_stage *stage)
{
	struct stp_err ignored = STP_ERR_INIT;
	size_t i;

	if (stage->fd < 0)
		return;
	if (stage->committed &&
	    stp_rename_new(stage->root_fd, STP_CONFIG_FILE, stage->fd, STP_CONFIG_FILE) != 0)
		return; /* it is a repository now */
	stage->committed = 0;
	for (i = 0; i < MEMBER_COUNT; i++)
		if (stage->moved & 1u << i &&
		    stp_rename_new(stage->root_fd, members[i], stage->fd, members[i]) != 0)
			return;
	if (stp_folder_each(stage->fd, STAGE, STP_INIT_FOLDER, clear_name, NULL, &ignored) !=
	        STP_OK ||
	    stage->inherited)
		return;
	unlinkat(stage->fd, STP_INIT_MADE_FILE, 0);
	unlinkat(stage->fd, STP_CONFIG_FILE, 0); /* the mark is removed last */
	unlinkat(stage->root_fd, STP_INIT_FOLDER, AT_REMOVEDIR);
}

void stp_init_stage_end(struct stp_init_stage *stage)
{
	if (stage->fd >= 0 && stage->committed)
		stp_repo_clear_init(stage->root_fd);
	stp_fd_close(&stage->fd);
	stp_buf_release(&stage->made);
}
