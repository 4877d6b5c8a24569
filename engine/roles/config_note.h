/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Noting in stampede.json what the first run that published made the index from.
 *
 *	begin ─▶ read the file, open a temporary one beside it
 *	         the process gives up writing the configuration (base/confine.h)
 *	commit ─▶ "source" into what was read ─▶ the temporary file ─▶ rename over stampede.json
 *
 * A run must not be able to write the configuration while it reads what strangers wrote, and it
 * knows only at its end that it was the first to publish. So the file that will take the place of
 * stampede.json is opened before and written after; putting it in place is all that is left to do.
 * Fields keep their order and values; a file that was edited in between stays as it is.
 *
 * Shape      one note per run; stp_config_note_end() is fine at any moment after init.
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
	int fd; /* the temporary file; -1: there is none */
	char temporary[32];
	struct stp_buf text;
	struct stat seen; /* stampede.json when text was read */
};

void stp_config_note_init(struct stp_config_note *note);

/* Reads REPO/stampede.json and opens the temporary file. STP_IO when the folder may not be written
 * in, as where the configuration belongs to somebody else. */
enum stp_errc stp_config_note_begin(struct stp_config_note *note, int repo_fd,
                                    struct stp_err *err) STP_MUST_CHECK;

/* Puts the configuration with source in place, durable. STP_CHANGED when stampede.json is not what
 * begin read. */
enum stp_errc stp_config_note_commit(struct stp_config_note *note, enum stp_index_source source,
                                     struct stp_err *err) STP_MUST_CHECK;

/* Removes the temporary file, if it is still there, and frees. */
void stp_config_note_end(struct stp_config_note *note);

#endif
