/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rotation: a new key for online roles, without a moment in which a client fails.
 *
 *	stp_rotate() stages ─▶ stp_sign() publishes: both keys sign, then the new root ─▶ … ─▶
 *	stp_sign() after the overlap: only the new key, the old one is wiped
 *
 * Shape      options in, a report out.
 * Memory     reports hold what their fields say.
 * Ownership  options' strings stay the caller's.
 * Threads    one thread.
 */
#ifndef STAMPEDE_ROTATE_H
#define STAMPEDE_ROTATE_H

#include <stddef.h>
#include <stdint.h>

#include "stampede/err.h"
#include "stampede/options.h"

#ifdef __cplusplus
extern "C" {
#endif

#define STP_ROTATE_TIMESTAMP 1u
#define STP_ROTATE_SNAPSHOT  2u
#define STP_ROTATE_BINS      4u /* the keys of bin-n */

struct stp_ceremony_start_report; /* stampede/ceremony.h */

struct stp_rotate_options {
	size_t size;             /* see stampede/options.h */
	const char *repo;        /* folder of the repository; required */
	const char *online_key;  /* NAME.key.json of the new key, whose NAME.pem is in the same
	                          * folder or in REPO/keys; NULL: only report where a rotation is */
	unsigned roles;          /* STP_ROTATE_*; 0: all three */
	int64_t overlap_seconds; /* both keys sign for so long; 0: 48 hours, unless has_overlap */
	int has_overlap;
	const char *const *offline_folders; /* with offline_folder_count 0: REPO/offline-keys */
	size_t offline_folder_count;
	int64_t now; /* epoch seconds; 0: the clock, unless has_now */
	int has_now;
	int dry_run;         /* shows what would be signed */
	const char *payload; /* a new file: the payload of a ceremony is written there, whose end
	                      * stages the rotation; no offline key is needed. Or NULL */
	/* Shown who signs for what, old against new, as lines of text; 0: nothing is signed. NULL:
	 * nobody is asked. Not asked with dry_run. */
	int (*confirm)(void *ctx, const char *view);
	void *confirm_ctx;
	/* With payload: is filled with its words and who must sign it, to be released with
	 * stp_ceremony_start_report_release(). Or NULL. */
	struct stp_ceremony_start_report *out_payload;
};

#define STP_ROTATE_OPTIONS_INIT STP_SIZED(struct stp_rotate_options)

struct stp_rotate_report {
	const char *phase; /* "none", "staged", "overlap", "done"; after a theft no overlap */
	char payload[65];  /* its SHA-256; "": there is none */
	char until[21];    /* end of the overlap; "": not known */
	uint64_t root_version, targets_version, bins_version; /* staged; 0: not part of it */
	struct {
		int is_rotated;
		char former_keyid[65], next_keyid[65];
	} roles[3];    /* bin-n, snapshot, timestamp */
	int is_stolen; /* the former keys were stolen: they sign nothing any more */
};

/* Makes and signs new versions of root, and of what delegates to the bins, with the offline keys,
 * and stages them: nothing is visible before the next stp_sign(). STP_CONFIG while another rotation
 * is not done; STP_KEY names a key that is missing, does not sign, or signs the role already.
 *
 * Without online_key: only fills the report. */
STP_API enum stp_errc stp_rotate(const struct stp_rotate_options *options,
                                 struct stp_rotate_report *out_report,
                                 struct stp_err *err) STP_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
