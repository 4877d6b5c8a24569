/* SPDX-License-Identifier: Apache-2.0 */
#include "roles/config_note.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
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
