/* SPDX-License-Identifier: Apache-2.0 */
#include "run/pending.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "keys/fingerprint_words.h"
#include "publish/repo.h"

#define STAGE          "ceremony"
#define NAME           "state/" STP_PENDING_FILE
#define FILE_BYTES_MAX (8 * STP_PATH_BYTES_MAX)

/* Path is bytes; JSON takes UTF-8 only, so others are escaped, for people to recognize. */
static const char *json_path(const char *path, char shown[4 * STP_PATH_BYTES_MAX + 1])
{
	if (stp_text_harmless(path, strlen(path)) == strlen(path))
		return path;
	stp_text_escape(path, strlen(path), shown, 4 * STP_PATH_BYTES_MAX + 1);
	return shown;
}

static int parse(const struct stp_buf *file, struct stp_pending *out)
{
	json_t *json =
	    json_loadb((const char *)file->data, file->count, JSON_REJECT_DUPLICATES, NULL);
	const char *path = json_string_value(json_object_get(json, "path"));
	const json_t *payload = json_object_get(json, "payload");
	int good = json_integer_value(json_object_get(json, "format")) == 1 && path &&
	           json_string_length(payload) == 64 && strlen(path) < sizeof(out->path) &&
	           stp_hex_decode(json_string_value(payload), 32, out->payload_sha256, 0);

	if (good)
		snprintf(out->path, sizeof(out->path), "%s", path);
	json_decref(json);
	return good;
}

enum stp_errc stp_pending_read(int state_fd, struct stp_pending *out_pending, struct stp_err *err)
{
	struct stp_buf file = STP_BUF_INIT;
	enum stp_errc code;

	memset(out_pending, 0, sizeof(*out_pending));
	if (!stp_file_exists(state_fd, STP_PENDING_FILE) ||
	    (faccessat(state_fd, STP_PENDING_FILE, R_OK, AT_EACCESS) != 0 && errno == EACCES))
		return STP_OK;
	code = stp_file_read(state_fd, STP_PENDING_FILE, FILE_BYTES_MAX, STAGE, &file, err);
	if (code == STP_OK && !parse(&file, out_pending))
		code =
		    STP_FAIL(err, STP_FORMAT, STAGE, NAME, "is damaged; restore it from a backup");
	out_pending->found = code == STP_OK;
	stp_buf_release(&file);
	return code;
}

enum stp_errc stp_pending_write(int state_fd, const struct stp_pending *pending,
                                struct stp_err *err)
{
	char shown[4 * STP_PATH_BYTES_MAX + 1];
	char hex[65] = "";
	enum stp_errc code;
	json_t *json;
	char *text;

	stp_hex_encode(pending->payload_sha256, 32, hex);
	json = json_pack("{s:i,s:s,s:s}", "format", 1, "path", json_path(pending->path, shown),
	                 "payload", hex);
	text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	json_decref(json);
	if (!text)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, NAME, "no memory");
	code = stp_file_write(state_fd, STP_PENDING_FILE, text, strlen(text), STP_MODE_PRIVATE_FILE,
	                      STP_FILE_REPLACE, STAGE, err);
	free(text);
	return code;
}

enum stp_errc stp_pending_remove(int state_fd, struct stp_err *err)
{
	if (unlinkat(state_fd, STP_PENDING_FILE, 0) != 0) {
		if (errno == ENOENT)
			return STP_OK;
		return STP_FAIL_SYS(err, STAGE, NAME, "cannot be removed");
	}
	return stp_fd_sync(state_fd, STAGE, NAME, err);
}

const char *stp_pending_words(const struct stp_pending *pending, char out[64])
{
	const char *words[STP_FINGERPRINT_WORDS];

	stp_fingerprint_words(pending->payload_sha256, words);
	snprintf(out, 64, "%s-%s-%s-%s", words[0], words[1], words[2], words[3]);
	return out;
}

enum stp_errc stp_pending_check(int state_fd, struct stp_err *err)
{
	struct stp_pending pending;
	char words[64];

	STP_TRY(stp_pending_read(state_fd, &pending, err));
	if (!pending.found)
		return STP_OK;
	return STP_FAIL(stp_hinted(err, STP_HINT_CEREMONY_FINISH), STP_CONFIG, STAGE, pending.path,
	                "this payload of the first ceremony (%s…) is not finished, so the "
	                "repository has no root yet: have it signed by its holders, then: %s",
	                stp_pending_words(&pending, words),
	                stp_hint_text(STP_HINT_CEREMONY_FINISH));
}

enum stp_errc stp_pending_check_at(const char *path, struct stp_err *err)
{
	int repo_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int state_fd = -1;
	enum stp_errc code = STP_OK;

	if (repo_fd >= 0)
		state_fd = openat(repo_fd, STP_STATE_FOLDER,
		                  O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (state_fd >= 0)
		code = stp_pending_check(state_fd, err);
	stp_fd_close(&state_fd);
	stp_fd_close(&repo_fd);
	return code;
}
