/* SPDX-License-Identifier: Apache-2.0 */
#include "roles/config_note.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/text.h"
#include "record/fingerprint.h"

#define STAGE "config"

void stp_config_note_init(struct stp_config_note *note)
{
	memset(note, 0, sizeof(*note));
	note->repo_fd = -1;
	note->fd = -1;
}

void stp_config_note_end(struct stp_config_note *note)
{
	if (note->temporary[0])
		unlinkat(note->repo_fd, note->temporary, 0);
	stp_fd_close(&note->fd);
	stp_buf_release(&note->text);
	stp_config_note_init(note);
}

static enum stp_errc open_temporary(struct stp_config_note *note, struct stp_err *err)
{
	uint64_t random;

	if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return STP_FAIL_SYS(err, STAGE, STP_CONFIG_FILE,
		                    "no random bytes for a temporary name");
	snprintf(note->temporary, sizeof(note->temporary), ".tmp-%016llx",
	         (unsigned long long)random);
	note->fd = openat(note->repo_fd, note->temporary,
	                  O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (note->fd < 0) {
		note->temporary[0] = '\0';
		return STP_FAIL_SYS(err, STAGE, STP_CONFIG_FILE, "cannot be written");
	}
	return STP_OK;
}

enum stp_errc stp_config_note_begin(struct stp_config_note *note, int repo_fd, struct stp_err *err)
{
	note->repo_fd = repo_fd;
	if (fstatat(repo_fd, STP_CONFIG_FILE, &note->seen, AT_SYMLINK_NOFOLLOW) != 0)
		return STP_FAIL_SYS(err, STAGE, STP_CONFIG_FILE, "cannot stat");
	STP_TRY(
	    stp_file_read(repo_fd, STP_CONFIG_FILE, STP_CONFIG_BYTES_MAX, STAGE, &note->text, err));
	return open_temporary(note, err);
}

/* Whether stampede.json is still the file that was read, judged by stat(2): the process may not
 * open it any more. */
static enum stp_errc check_same(const struct stp_config_note *note, struct stp_err *err)
{
	struct stp_file_status seen = stp_file_status_of(&note->seen);
	struct stp_file_status now;
	struct stat st;

	if (fstatat(note->repo_fd, STP_CONFIG_FILE, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return STP_FAIL_SYS(err, STAGE, STP_CONFIG_FILE, "cannot stat");
	now = stp_file_status_of(&st);
	if (now.length != seen.length ||
	    stp_fingerprint_difference(&now.fingerprint, &seen.fingerprint) & ~STP_DIFFERS_CTIME)
		return STP_FAIL(err, STP_CHANGED, STAGE, STP_CONFIG_FILE,
		                "was edited during the run");
	return STP_OK;
}

/* The text that was read, with source added; malloc'ed, NULL when memory is short. */
static char *text_with(const struct stp_config_note *note, enum stp_index_source source)
{
	json_t *document = json_loadb((const char *)note->text.data, note->text.count,
	                              JSON_REJECT_DUPLICATES, NULL);
	char *text = NULL;

	if (document && json_object_set_new(document, "source",
	                                    json_string(stp_index_source_name(source))) == 0)
		text = json_dumps(document, JSON_INDENT(2));
	json_decref(document);
	return text;
}

static enum stp_errc write_and_rename(struct stp_config_note *note, const char *text,
                                      struct stp_err *err)
{
	STP_TRY(stp_fd_write_at(note->fd, text, strlen(text), 0, STAGE, STP_CONFIG_FILE, err));
	STP_TRY(
	    stp_fd_write_at(note->fd, "\n", 1, (off_t)strlen(text), STAGE, STP_CONFIG_FILE, err));
	if (fchmod(note->fd, note->seen.st_mode & 07777) != 0)
		return STP_FAIL_SYS(err, STAGE, STP_CONFIG_FILE, "cannot set permissions");
	STP_TRY(stp_fd_sync(note->fd, STAGE, STP_CONFIG_FILE, err));
	STP_TRY(check_same(note, err));
	if (renameat(note->repo_fd, note->temporary, note->repo_fd, STP_CONFIG_FILE) != 0)
		return STP_FAIL_SYS(err, STAGE, STP_CONFIG_FILE, "cannot put in place");
	note->temporary[0] = '\0';
	return stp_fd_sync(note->repo_fd, STAGE, STP_CONFIG_FILE, err);
}

enum stp_errc stp_config_note_commit(struct stp_config_note *note, enum stp_index_source source,
                                     struct stp_err *err)
{
	char *text = text_with(note, source);
	enum stp_errc code;

	if (!text)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, STP_CONFIG_FILE, "no memory");
	code = write_and_rename(note, text, err);
	free(text);
	return code;
}

/* ------------------------------------------------------------------ the signers */

static int set_signers(json_t *document, const char *const signers[STP_ONLINE_ROLES])
{
	json_t *object = json_object();
	int good = object != NULL;
	size_t role;

	for (role = 0; role < STP_ONLINE_ROLES && good; role++)
		if (signers[role] && strcmp(signers[role], STP_SIGNER_DEFAULT) != 0)
			good = json_object_set_new(object,
			                           stp_online_role_name((enum stp_online_role)role),
			                           json_string(signers[role])) == 0;
	if (good && json_object_size(object) == 0) {
		json_decref(object);
		json_object_del(document, "signers");
		return 1;
	}
	return json_object_set_new(document, "signers", object) == 0 && good;
}

static int set_root(json_t *document, const struct stp_pin *pin)
{
	char hex[2 * sizeof(pin->sha256)];

	stp_hex_encode(pin->sha256, sizeof(pin->sha256), hex);
	return json_object_set_new(document, "trusted_root",
	                           json_pack("{s:s%,s:I}", "sha256", hex, sizeof(hex), "version",
	                                     (json_int_t)pin->version)) == 0;
}

/* The text with the new values; malloc'ed. *out_same when it has them already. */
static char *text_with_online(const struct stp_buf *text,
                              const char *const signers[STP_ONLINE_ROLES],
                              const struct stp_pin *trusted_root, int *out_same)
{
	json_t *before =
	    json_loadb((const char *)text->data, text->count, JSON_REJECT_DUPLICATES, NULL);
	json_t *after = json_deep_copy(before);
	char *changed = NULL;

	if (after && set_signers(after, signers) &&
	    (!trusted_root->version || set_root(after, trusted_root)))
		changed = json_dumps(after, JSON_INDENT(2));
	*out_same = changed && json_equal(before, after);
	json_decref(before);
	json_decref(after);
	return changed;
}

enum stp_errc stp_config_note_online(int repo_fd, const char *const signers[STP_ONLINE_ROLES],
                                     const struct stp_pin *trusted_root, struct stp_err *err)
{
	struct stp_buf text = STP_BUF_INIT;
	char *changed;
	size_t count;
	enum stp_errc code = STP_OK;
	struct stat st;
	int same;

	STP_TRY(stp_file_read(repo_fd, STP_CONFIG_FILE, STP_CONFIG_BYTES_MAX, STAGE, &text, err));
	changed = text_with_online(&text, signers, trusted_root, &same);
	stp_buf_release(&text);
	if (!changed)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, STP_CONFIG_FILE, "no memory");
	count = strlen(changed);
	changed[count++] = '\n'; /* over the NUL */
	if (!same && fstatat(repo_fd, STP_CONFIG_FILE, &st, AT_SYMLINK_NOFOLLOW) != 0)
		code = STP_FAIL_SYS(err, STAGE, STP_CONFIG_FILE, "cannot read its mode");
	if (!same && code == STP_OK)
		code = stp_file_write(repo_fd, STP_CONFIG_FILE, changed, count, st.st_mode & 0777,
		                      STP_FILE_REPLACE, STAGE, err);
	free(changed);
	return code;
}
