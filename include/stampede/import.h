/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Taking over a repository that another TUF tool made: its roots, versions, names and foreign
 * delegations stay, and clients that trust one of its roots follow.
 *
 * Shape      options in, a report out.
 * Memory     the report holds a text and a few names.
 * Ownership  options' strings stay the caller's; release the report.
 * Threads    one thread. Two at once on one folder: the second fails with STP_BUSY.
 */
#ifndef STAMPEDE_IMPORT_H
#define STAMPEDE_IMPORT_H

#include <stddef.h>
#include <stdint.h>

#include "stampede/err.h"
#include "stampede/options.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Zero or NULL means: what the profile says. */
struct stp_import_options {
	size_t size;              /* see stampede/options.h */
	const char *repo;         /* folder to make; may be there when it is empty; required */
	const char *from;         /* the other tool's metadata folder; required */
	const char *trusted_root; /* a root file that the operator kept; required */
	const char *targets_dir;  /* folder of the files to be signed; required */
	const char *profile;      /* as stp_init_options.profile, and so on */
	uint64_t bin_count;
	const char *hashes;
	const char *target_files;
	const char *link;
	/* Folder with enough of the old keys, root-1.pem … and targets-1.pem …, and with bins-1.pem
	 * …, which are made if there is none: then the new root, targets and bins are signed at
	 * once. NULL: a ceremony signs them. */
	const char *offline_keys;
	int drop_targets; /* although targets of the old metadata are not in targets_dir */
	int64_t now;      /* epoch seconds; 0: the clock, unless has_now */
	int has_now;
};

#define STP_IMPORT_OPTIONS_INIT STP_SIZED(struct stp_import_options)

struct stp_import_versions {
	uint64_t root, targets, bins, snapshot, timestamp; /* 0: there is none */
};

struct stp_import_report {
	char *repo; /* absolute */
	char *targets_dir;
	const char *profile;
	uint64_t bin_count;
	int has_bins_role;
	char online_keyid[65];
	uint64_t root_first, root_count; /* roots that were copied */
	struct stp_import_versions old;  /* as the other tool published */
	struct stp_import_versions made; /* signed now; zeros when a ceremony must do it */
	uint64_t names_kept;             /* of the old snapshot: they stay listed */
	char **foreign;                  /* delegated roles that stay, in their order */
	size_t foreign_count;
	uint64_t targets_listed;  /* paths in the old metadata, without those of foreign roles */
	uint64_t targets_missing; /* of these, not in targets_dir: with drop_targets */
	char *view;               /* what stays and what changes, as lines of text */
};

/* Makes the repository, or leaves nothing behind. STP_REFUSED names the file, the role and the key
 * of what a client would refuse; STP_CONFIG what the operator must change, also when there is a
 * repository already; STP_KEY keys that are missing; STP_LIMIT a version that cannot be followed
 * by a higher one. */
STP_API enum stp_errc stp_import(const struct stp_import_options *options,
                                 struct stp_import_report *out_report,
                                 struct stp_err *err) STP_MUST_CHECK;

STP_API void stp_import_report_release(struct stp_import_report *report);

#ifdef __cplusplus
}
#endif
#endif
