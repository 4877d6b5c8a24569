/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state of an import, and its steps in their order.
 *
 *	places, old repository ─▶ what stays ─▶ REPO/.init ─▶ copies ─▶ first documents ─▶ commit
 *
 * Inside run/import/ only.
 *
 * Shape      one struct per import.
 * Memory     the old repository (run/import/old.h).
 * Ownership  import.c's.
 * Threads    one thread.
 */
#ifndef STP_RUN_IMPORT_RUN_H
#define STP_RUN_IMPORT_RUN_H

#include "keys/keys.h"
#include "run/import/old.h"
#include "run/new_repo.h"
#include "run/offline_keys.h"
#include "run/takeover.h"
#include "stampede/import.h"
#include "trust/floors.h"

struct stp_import_run {
	const struct stp_import_options *options;
	struct stp_import_report *report;
	int64_t now;
	struct stp_config config;
	struct stp_new_repo place;
	struct stp_import_old old;
	int metadata_fd; /* of .init/public/metadata */
	int state_fd;
	struct stp_key *online;
	struct stp_key_object online_key;
	struct stp_seal_key *seal;
	struct stp_takeover takeover;
	int offline_fd;
	char offline_path[PATH_MAX];
	struct stp_offline_keys root, targets, bins; /* with offline_keys */
	struct stp_floors floors;                    /* of the repository that is made */
	struct stp_buf view;
};

/* Appends a line to the view; what comes from outside is cleaned. */
enum stp_errc stp_import_line(struct stp_import_run *run, struct stp_err *err, const char *format,
                              ...) __attribute__((format(printf, 3, 4))) STP_MUST_CHECK;

/* Writes a file of public/metadata, and notes it for an import that is interrupted. */
enum stp_errc stp_import_put(struct stp_import_run *run, const char *name, const void *bytes,
                             size_t count, struct stp_err *err) STP_MUST_CHECK;

/* Copies the roots byte for byte, and every file that the old snapshot lists under its name with a
 * version; then checks the foreign roles as clients find them. STP_REFUSED names one that is
 * missing or not signed. */
enum stp_errc stp_import_copy(struct stp_import_run *run, struct stp_err *err) STP_MUST_CHECK;

/* Counts the targets of the old metadata, and those of them that are not in the targets folder.
 * STP_REFUSED when there are any, unless the operator drops them. */
enum stp_errc stp_import_compare(struct stp_import_run *run, struct stp_err *err) STP_MUST_CHECK;

/* Signs takeover's documents with the offline keys, and writes them. */
enum stp_errc stp_import_sign(struct stp_import_run *run, struct stp_err *err) STP_MUST_CHECK;

/* Fills the view: what stays and what changes. */
enum stp_errc stp_import_view(struct stp_import_run *run, struct stp_err *err) STP_MUST_CHECK;

#endif
