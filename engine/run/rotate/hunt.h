/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hunt for forgeries after the theft of a key: every metadata file in public/metadata and in
 * copies that mirrors keep is held against what the repository knows to have signed.
 *
 *	folder ─▶ *.json ─▶ signature of the key? ─▶ recorded? ─▶ ours
 *	                          │ no                  │ no
 *	                          ▼                     ▼ and the signature is valid
 *	                       not of the thief      forgery ─▶ (bins) targets, against the last
 *known good
 *
 * Whether a file is recorded is the caller's answer: for online keys the audit log
 * (sign/audit_lines.h), for the key of an offline role the documents that were published.
 *
 * A file is signed as clients see it: by the canonical form of "signed", whatever the form of the
 * file. What cannot be judged, because it is too large, no JSON or has duplicate members, is
 * reported, not passed over. Folders of mirrors are hostile: their links are not followed, nothing
 * in them blocks, and each file has a limit.
 *
 * Shape      folders in, a report out.
 * Memory     the largest file, parsed; the names of one folder; the report.
 * Ownership  release with stp_hunt_release().
 * Threads    one thread.
 */
#ifndef STP_RUN_ROTATE_HUNT_H
#define STP_RUN_ROTATE_HUNT_H

#include "base/arena.h"
#include "base/cancel.h"
#include "base/progress.h"
#include "scheme/public_key.h"
#include "sign/audit_lines.h"
#include "stampede/stolen.h"
#include "verify/half.h"

/* Whether the repository signed this: role, version and digest in line, of the file called name
 * with these bytes. is_public: it is in public/metadata. */
typedef enum stp_audit_answer stp_hunt_known_fn(void *ctx, const struct stp_audit_line *line,
                                                const char *name, const struct stp_buf *file,
                                                int is_public);

struct stp_hunt_options {
	const struct stp_public_key *const *keys; /* the stolen ones */
	size_t key_count;
	stp_hunt_known_fn *is_known;
	void *is_known_ctx;
	const struct stp_side *good; /* the last known good, for targets of forged bins; or NULL */
	size_t file_bytes_max;       /* 0: STP_TARGETS_BYTES_MAX */
	const struct stp_cancel *cancel;
	struct stp_progress *progress; /* may be NULL */
};

struct stp_hunt {
	struct stp_hunt_options options;
	struct stp_hunt_report report; /* complete after stp_hunt_finish() */
	struct stp_arena arena;
	struct stp_forgery *forgeries;
	size_t forgery_capacity;
	struct stp_unjudged *unjudged;
	size_t unjudged_capacity;
	size_t targets_kept;
	struct stp_half half; /* of the last known good */
};

void stp_hunt_init(struct stp_hunt *hunt, const struct stp_hunt_options *options);
void stp_hunt_release(struct stp_hunt *hunt);

/* Hunts in the folder and those below it. path is its name in the report and must live as long. */
enum stp_errc stp_hunt_folder(struct stp_hunt *hunt, int folder_fd, const char *path, int is_public,
                              struct stp_err *err) STP_MUST_CHECK;

/* Hunts in the folder that path leads to. STP_CONFIG when it is not a folder. */
enum stp_errc stp_hunt_path(struct stp_hunt *hunt, const char *path,
                            struct stp_err *err) STP_MUST_CHECK;

/* Completes the report. */
void stp_hunt_finish(struct stp_hunt *hunt);

#endif
