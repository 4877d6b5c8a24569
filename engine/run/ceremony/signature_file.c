/* SPDX-License-Identifier: Apache-2.0 */
#include "run/ceremony/signature_file.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "ceremony/tally.h"
#include "keys/fingerprint_words.h"

#define STAGE "ceremony"

char *stp_signature_file_name(const char *payload_path, const char *keyid, const char *out)
{
	char *name = NULL;

	if (out)
		return strdup(out);
	if (asprintf(&name, "%s.%.8s.sig", payload_path, keyid) < 0)
		return NULL;
	return name;
}

enum stp_errc stp_ceremony_write(const char *path, const void *bytes, size_t count, int is_new,
                                 struct stp_err *err)
{
	const char *slash = strrchr(path, '/');
	char folder[PATH_MAX] = ".";
	enum stp_errc code;
	int fd = -1;

	if (slash && (size_t)(slash - path) + 2 > sizeof(folder))
		return STP_FAIL_ERRNO(err, ENAMETOOLONG, STAGE, path, "cannot be written");
	if (slash)
		snprintf(folder, sizeof(folder), "%.*s", slash == path ? 1 : (int)(slash - path),
		         path);
	STP_TRY(stp_folder_open(AT_FDCWD, folder, STAGE, &fd, err));
	code = stp_file_write(fd, slash ? slash + 1 : path, bytes, count, 0644,
	                      is_new ? STP_FILE_NEW : STP_FILE_REPLACE, STAGE, err);
	stp_fd_close(&fd);
	return code;
}

static enum stp_errc other_file(const char *path, const char *what, struct stp_err *err)
{
	return STP_FAIL(err, STP_CONFIG, STAGE, path,
	                "exists and %s; it was left as it is: name another file, or move it away",
	                what);
}

/* Reads the file at path, if there is one: good signatures of the same key and payload. */
static enum stp_errc read_there(const struct stp_payload *payload,
                                const struct stp_signatures *signatures, const char *path,
                                struct stp_signatures *there, struct stp_err *err)
{
	struct stp_err cause = STP_ERR_INIT;
	struct stp_tally tally;
	enum stp_errc code = stp_signatures_read(there, path, &cause);

	if (code != STP_OK && cause.sys_errno == ENOENT) {
		memset(there, 0, sizeof(*there));
		return STP_OK;
	}
	if (code != STP_OK)
		return other_file(path, cause.text, err);
	if (memcmp(there->payload_sha256, signatures->payload_sha256, 32) != 0)
		return other_file(path, "holds signatures of another payload", err);
	if (strcmp(there->keyid, signatures->keyid) != 0)
		return other_file(path, "holds signatures of another key", err);
	code = stp_tally_make(&tally, payload, there, 1, &cause);
	stp_tally_release(&tally);
	return code == STP_OK ? STP_OK : other_file(path, cause.text, err);
}

static int has_document(const struct stp_signatures *signatures, const char *document)
{
	size_t i;

	for (i = 0; i < signatures->count; i++)
		if (strcmp(signatures->items[i].document, document) == 0)
			return 1;
	return 0;
}

enum stp_errc stp_signature_file_put(const struct stp_payload *payload,
                                     const struct stp_signatures *signatures, const char *path,
                                     int *out_was_there, struct stp_err *err)
{
	struct stp_signatures all;
	struct stp_buf file = STP_BUF_INIT;
	enum stp_errc code;
	size_t was;
	size_t i;

	STP_TRY(read_there(payload, signatures, path, &all, err));
	was = all.count;
	if (!was)
		all = *signatures;
	for (i = 0; was && i < signatures->count; i++)
		if (!has_document(&all, signatures->items[i].document))
			all.items[all.count++] = signatures->items[i];
	*out_was_there = was == all.count;
	if (*out_was_there)
		return STP_OK;
	code = stp_signatures_make(&all, &file, err);
	if (code == STP_OK)
		code = stp_ceremony_write(path, file.data, file.count, was == 0, err);
	stp_buf_release(&file);
	return code;
}

void stp_ceremony_name(const struct stp_payload *payload, char out_hex[65],
                       const char *out_words[STP_CEREMONY_WORDS])
{
	stp_hex_encode(payload->sha256, 32, out_hex);
	out_hex[64] = '\0';
	stp_fingerprint_words(payload->sha256, out_words);
}
