/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making a repository: keys, configuration, root, targets and bins metadata.
 *
 * Shape      options in, a report out.
 * Memory     the report holds one block per key.
 * Ownership  options' strings stay the caller's; release the report.
 * Threads    one thread. Two inits of one folder at once: the second fails with STP_BUSY.
 */
#ifndef STAMPEDE_INIT_H
#define STAMPEDE_INIT_H

#include <stddef.h>
#include <stdint.h>

#include "stampede/err.h"
#include "stampede/options.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Zero or NULL means: what the profile says. */
struct stp_init_options {
	size_t size;             /* see stampede/options.h */
	const char *repo;        /* folder to make; may be there when it is empty */
	const char *targets_dir; /* folder of the files to be signed; required */
	const char *profile;     /* "pep458" (also NULL), "compat", "prefixes" */
	uint64_t bin_count;      /* a power of two from 2 to 1,048,576 */
	const char *hashes;      /* "sha512" or "sha256,blake2b-256" */
	unsigned root_threshold; /* together with root_key_count: T of N */
	unsigned root_key_count;
	const char *offline_keys; /* folder for offline keys; NULL: REPO/offline-keys. Keys found
	                           * there are used, all of them or none */
	const char *target_files; /* "auto", "all", "mutable", "none" */
	const char *link;         /* "symlink", "hardlink", "reflink", "copy" */
	int64_t now;              /* epoch seconds; 0: the clock, unless has_now */
	int has_now;
};

#define STP_INIT_OPTIONS_INIT STP_SIZED(struct stp_init_options)

/* One offline key. */
struct stp_init_key {
	const char *role; /* "root", "targets", "bins" */
	char *path;       /* as the operator reaches it */
	char keyid[65];
	int made; /* 0: was there already */
};

struct stp_init_report {
	char *repo; /* absolute */
	char *targets_dir;
	const char *profile;
	uint64_t bin_count;
	struct stp_init_key *offline_keys;
	size_t offline_key_count;
	char online_keyid[65];
	unsigned root_threshold;
	char expires[21];         /* of root, targets and bins: the earliest */
	const char *target_files; /* as configured */
	int has_bins_role;
	int many_bins; /* more than 65,536: some clients cannot follow */
};

/* Makes the repository, or leaves nothing behind. STP_CONFIG for what the operator must change
 * (also when there is a repository already), STP_KEY for keys. Release the report after
 * STP_OK. */
STP_API enum stp_errc stp_init(const struct stp_init_options *options,
                               struct stp_init_report *out_report,
                               struct stp_err *err) STP_MUST_CHECK;

STP_API void stp_init_report_release(struct stp_init_report *report);

/* --- later: new versions of the offline roles ------------------------------------------------ */

#define STP_INIT_ROLE_ROOT    1u
#define STP_INIT_ROLE_TARGETS 2u
#define STP_INIT_ROLE_BINS    4u

#define STP_INIT_FOLDERS_MAX 16

struct stp_init_update_options {
	size_t size;                        /* see stampede/options.h */
	const char *repo;                   /* folder of the repository; required */
	const char *const *offline_folders; /* with offline_folder_count 0: REPO/offline-keys */
	size_t offline_folder_count;
	unsigned roles;     /* STP_INIT_ROLE_*; 0: all whose keys are there */
	uint64_t bin_count; /* 0: as it is */
	int64_t now;        /* epoch seconds; 0: the clock, unless has_now */
	int has_now;
	const char *trusted_root; /* a root file kept outside public/, for a repository whose
	                           * stampede.json and state/ name none; else NULL */
	int after_clock_error;    /* the clock was ahead when the last timestamp was published */
	/* Shown who signs for what, old against new, as lines of text; 0: nothing is signed. NULL:
	 * nobody is asked. */
	int (*confirm)(void *ctx, const char *view);
	void *confirm_ctx;
};

#define STP_INIT_UPDATE_OPTIONS_INIT STP_SIZED(struct stp_init_update_options)

struct stp_init_update_report {
	uint64_t root_version, targets_version, bins_version; /* 0: not renewed */
	char root_expires[21], targets_expires[21], bins_expires[21];
	uint64_t bin_count;
	int bins_changed;
	int online_is_new; /* clients refuse what the old online key signed: sign at once */
};

/* Publishes new versions of root, targets and bins with new expiries, signed with the offline
 * keys that are in the folder (at least a threshold of each role), and changes the number of bins.
 * What is renewed is verified first, from a root that stampede.json or state/ names; STP_REFUSED
 * names what in public/ is not what was published. The next sign makes clients see it. STP_KEY
 * names the role whose keys are not there. */
STP_API enum stp_errc stp_init_update(const struct stp_init_update_options *options,
                                      struct stp_init_update_report *out_report,
                                      struct stp_err *err) STP_MUST_CHECK;

STP_API void stp_init_update_report_release(struct stp_init_update_report *report);

#ifdef __cplusplus
}
#endif
#endif
