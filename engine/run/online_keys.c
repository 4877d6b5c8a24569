/* SPDX-License-Identifier: Apache-2.0 */
#include "run/online_keys.h"

#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/faultpoint.h"
#include "base/file.h"
#include "keys/key_signer.h"
#include "keys/keyfile.h"

#define STAGE "keys"

const char *stp_online_key_path(const char *uri)
{
	return strncmp(uri, "pem:", 4) == 0 ? uri + 4 : uri;
}

enum stp_errc stp_online_key_folder(const struct stp_repo *repo, const char *uri, int *out_fd,
                                    const char **out_name, struct stp_err *err)
{
	const char *path = stp_online_key_path(uri);
	const char *slash = strrchr(path, '/');
	char folder[STP_SIGNER_URI_BYTES_MAX + 1];

	*out_name = slash ? slash + 1 : path;
	snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - path) : 1,
	         slash ? path : ".");
	if (slash == path)
		snprintf(folder, sizeof(folder), "/");
	*out_fd = openat(repo->root_fd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*out_fd < 0 && errno != ENOENT && errno != ENOTDIR)
		return STP_FAIL_SYS(err, STAGE, folder, "cannot open the folder of a key");
	if (*out_fd < 0)
		return STP_FAIL(err, STP_KEY, STAGE, folder,
		                "cannot open the folder of the key %s (%s); restore it, or correct "
		                "\"signers\" in " STP_CONFIG_FILE,
		                *out_name, strerror(errno));
	return STP_OK;
}

int stp_online_key_exists(const struct stp_repo *repo, const char *uri)
{
	struct stp_err ignored = STP_ERR_INIT;
	const char *name;
	int found;
	int fd;

	if (stp_online_key_folder(repo, uri, &fd, &name, &ignored) != STP_OK)
		return 0;
	found = stp_file_exists(fd, name);
	close(fd);
	return found;
}

/* Loads the key for bins, or for roles with few documents. */
static enum stp_errc load_from(struct stp_online_key *item, int folder_fd, const char *name,
                               enum stp_online_role role, struct stp_err *err)
{
	uint8_t *text;
	size_t chars;
	enum stp_errc code;

	if (role == STP_ONLINE_BIN_N) {
		STP_TRY(stp_key_load(folder_fd, name, &item->key, err));
		stp_key_object_ed25519(&item->object, stp_key_public(item->key));
		return STP_OK;
	}
	STP_TRY(stp_keyfile_read(folder_fd, name, &text, &chars, err));
	code = stp_secret_key_parse(text, chars, name, NULL, &item->secret, err);
	sodium_free(text);
	if (code == STP_OK)
		item->object = *stp_secret_key_object(item->secret);
	return code;
}

static enum stp_errc load(struct stp_online_key *item, const struct stp_repo *repo,
                          enum stp_online_role role, struct stp_err *err)
{
	const char *name;
	enum stp_errc code;
	int fd;

	STP_TRY(stp_online_key_folder(repo, item->uri, &fd, &name, err));
	code = load_from(item, fd, name, role, err);
	close(fd);
	return code;
}

enum stp_errc stp_online_keys_open(struct stp_online_keys *keys, const struct stp_repo *repo,
                                   enum stp_online_role role, const char *uri,
                                   const struct stp_online_key **out_key, struct stp_err *err)
{
	struct stp_online_key *item;
	size_t i;

	for (i = 0; i < keys->count && strcmp(keys->items[i].uri, uri) != 0; i++)
		;
	STP_ASSERT(i < STP_ONLINE_KEYS_MAX);
	item = &keys->items[i];
	if (i == keys->count) {
		snprintf(item->uri, sizeof(item->uri), "%s", uri);
		keys->count++;
	}
	if (!item->key && (role == STP_ONLINE_BIN_N || !item->secret))
		STP_TRY(load(item, repo, role, err));
	*out_key = item;
	return STP_OK;
}

enum stp_errc stp_online_key_signer(const struct stp_online_key *key,
                                    struct stp_signer **out_signer, struct stp_err *err)
{
	return key->key ? stp_key_signer_create(key->key, out_signer, err)
	                : stp_secret_key_signer(key->secret, out_signer, err);
}

void stp_online_keys_release(struct stp_online_keys *keys)
{
	size_t i;

	for (i = 0; i < keys->count; i++) {
		stp_key_destroy(keys->items[i].key);
		stp_secret_key_destroy(keys->items[i].secret);
	}
	memset(keys, 0, sizeof(*keys));
}

/* ------------------------------------------------------------------ wiping */

/* Writes zeros over the file, durably. */
static enum stp_errc overwrite(int folder_fd, const char *name, struct stp_err *err)
{
	static const uint8_t zeros[4096];
	struct stat st;
	enum stp_errc code = STP_OK;
	off_t at;
	int fd = openat(folder_fd, name, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) != 0) {
		stp_fd_close(&fd);
		return STP_FAIL_SYS(err, STAGE, name, "cannot open the key file to wipe it");
	}
	for (at = 0; S_ISREG(st.st_mode) && at < st.st_size && code == STP_OK;
	     at += (off_t)sizeof(zeros)) {
		size_t rest = (size_t)(st.st_size - at);

		code = stp_fd_write_at(fd, zeros, rest < sizeof(zeros) ? rest : sizeof(zeros), at,
		                       STAGE, name, err);
	}
	if (code == STP_OK)
		code = stp_fd_sync(fd, STAGE, name, err);
	close(fd);
	return code;
}

/* Whether the file holds the key keyid; a file that holds another one belongs to somebody. */
static int holds(int folder_fd, const char *name, const char *keyid)
{
	struct stp_online_key item = {.key = NULL};
	struct stp_err ignored = STP_ERR_INIT;
	int same = load_from(&item, folder_fd, name, STP_ONLINE_TIMESTAMP, &ignored) == STP_OK &&
	           strcmp(item.object.keyid, keyid) == 0;

	stp_secret_key_destroy(item.secret);
	return same;
}

/* The file of uri, and whether it holds the key keyid; 0 when there is none. */
static int look_at(const struct stp_repo *repo, const char *uri, const char *keyid,
                   struct stat *out_st, int *out_holds)
{
	struct stp_err ignored = STP_ERR_INIT;
	const char *name;
	int found;
	int fd;

	if (stp_online_key_folder(repo, uri, &fd, &name, &ignored) != STP_OK)
		return 0;
	found = fstatat(fd, name, out_st, 0) == 0;
	*out_holds = found && holds(fd, name, keyid);
	close(fd);
	return found;
}

int stp_online_key_is(const struct stp_repo *repo, const char *uri, const char *other,
                      const char *keyid)
{
	struct stat st;
	struct stat other_st;
	int is_key;
	int ignored;

	if (!look_at(repo, uri, keyid, &st, &is_key))
		return 0;
	return is_key || (look_at(repo, other, keyid, &other_st, &ignored) &&
	                  st.st_dev == other_st.st_dev && st.st_ino == other_st.st_ino);
}

static enum stp_errc wipe(int folder_fd, const char *name, struct stp_err *err)
{
	STP_TRY(overwrite(folder_fd, name, err));
	STP_FAULT_TRY(err, STAGE, "wiped", name);
	if (unlinkat(folder_fd, name, 0) != 0)
		return STP_FAIL_SYS(err, STAGE, name, "cannot remove the key file");
	return stp_fd_sync(folder_fd, STAGE, name, err);
}

/* A run that died between overwriting and removing left zeros. */
static int is_zeroed(int folder_fd, const char *name)
{
	struct stp_err ignored = STP_ERR_INIT;
	struct stp_buf text = STP_BUF_INIT;
	size_t i;
	int zeroed = stp_file_read(folder_fd, name, 4096, STAGE, &text, &ignored) == STP_OK &&
	             text.count > 0;

	for (i = 0; i < text.count && zeroed; i++)
		zeroed = text.data[i] == 0;
	stp_buf_release(&text);
	return zeroed;
}

enum stp_errc stp_online_key_wipe(const struct stp_repo *repo, const char *uri, const char *keyid,
                                  int *out_wiped, struct stp_err *err)
{
	struct stp_err ignored = STP_ERR_INIT;
	enum stp_errc code = STP_OK;
	const char *name;
	int fd;

	*out_wiped = 0;
	if (stp_online_key_folder(repo, uri, &fd, &name, &ignored) != STP_OK)
		return STP_OK;
	if (stp_file_exists(fd, name) && (holds(fd, name, keyid) || is_zeroed(fd, name))) {
		code = wipe(fd, name, err);
		*out_wiped = code == STP_OK;
	}
	close(fd);
	return code;
}
