/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records in stampede.json from what the first run that published made the index.
 *
 *	begin ─▶ read the file, open a temporary one next to it
 *	         the process gives up the right to write the configuration (base/confine.h)
 *	commit ─▶ add "source" to the text ─▶ the temporary file ─▶ rename over stampede.json
 *
 * A run must not be able to write the configuration while it reads input that others wrote, and
 *only at its end does it know that it was the first to publish. So the file that will replace
 * stampede.json is opened before, and written and renamed after. Fields keep their order and
 *values. A stampede.json that was edited in between stays as it is.
 *
 * Shape      one note per run; stp_config_note_end() may be called at any time after init.
 * Memory     the text of stampede.json.
 * Ownership  the note owns its descriptor, not repo_fd.
 * Threads    one thread.
 */
#ifndef STP_ROLES_CONFIG_NOTE_H
#define STP_ROLES_CONFIG_NOTE_H

#include <sys/stat.h>

#include "base/bytes.h"
#include "base/err.h"
#include "roles/config.h"

struct stp_config_note {
	int repo_fd;
	int fd; /* the temporary file; -1: none */
	char temporary[32];
	struct stp_buf text;
	struct stat seen; /* stampede.json when text was read */
};

void stp_config_note_init(struct stp_config_note *note);

/* Reads REPO/stampede.json and opens the temporary file. STP_IO when the folder cannot be
 * written to, for example because it belongs to another user. */
enum stp_errc stp_config_note_begin(struct stp_config_note *note, int repo_fd,
                                    struct stp_err *err) STP_MUST_CHECK;

/* Replaces stampede.json by the text with source, durably. STP_CHANGED when it is not the file that
 * begin read. */
enum stp_errc stp_config_note_commit(struct stp_config_note *note, enum stp_index_source source,
                                     struct stp_err *err) STP_MUST_CHECK;

/* Replaces stampede.json by the same text with signers (NULL: the default) and trusted_root,
 * durably; a file that says so already stays as it is. */
enum stp_errc stp_config_note_online(int repo_fd, const char *const signers[STP_ONLINE_ROLES],
                                     const struct stp_pin *trusted_root,
                                     struct stp_err *err) STP_MUST_CHECK;

/* Removes the temporary file if it still exists, and frees. */
void stp_config_note_end(struct stp_config_note *note);

#endif
