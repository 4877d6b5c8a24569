/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit of what a web server serves, configured as in README.md, for every signed target:
 *
 *	names for all files    public/targets/DIR/HASH.NAME, links followed
 *	files that may change  the same, a copy
 *	other files, "mutable" the mark in public/targets/.signed, then DIR/NAME of the index, with
 *	                       no link on the way
 *
 * It must exist, be a regular file of the signed length, be in the targets folder or the
 * repository, and be readable for others. Missing files that a digest list names are one warning:
 * sign signs them anyway. A missing targets folder is one error if links or marks lead into it,
 * otherwise a remark. Afterwards all of public/targets is walked: a name that no kept snapshot
 * lists is reported, unless the bin that would list it could not be verified. Bytes are not hashed
 * here: see run/verify/files.h.
 *
 * Shape      findings, and a struct of totals.
 * Memory     16 bytes a target and one a bin, and the findings.
 * Ownership  the caller's configuration and findings.
 * Threads    stp_verify_served_bin() from any worker; the rest: one thread.
 */
#ifndef STP_RUN_VERIFY_SERVED_H
#define STP_RUN_VERIFY_SERVED_H

#include "base/cancel.h"
#include "roles/config.h"
#include "verify/bin_file.h"
#include "verify/finding.h"

struct stp_verify_served;

struct stp_verify_served_options {
	const char *repository; /* its folder */
	const struct stp_config *config;
	const struct stp_chain *tree; /* the current snapshot */
	size_t worker_count;
	int64_t published_at_ns; /* ctime of timestamp.json: copies touched later are counted */
	struct stp_finding_list *findings;
	const struct stp_cancel *cancel; /* may be NULL */
};

/* Opens what will be checked. *out_served is NULL when there is nothing to check: target_files is
 * "none", or there is no public/targets. *out_why (a static string) gives the reason. */
enum stp_errc stp_verify_served_begin(const struct stp_verify_served_options *options,
                                      struct stp_verify_served **out_served, const char **out_why,
                                      struct stp_err *err) STP_MUST_CHECK;

/* Checks every target of one bin, whose signature is valid. A stp_bins_take_fn. */
enum stp_errc stp_verify_served_bin(void *served, size_t worker_index, size_t bin_index,
                                    const struct stp_bin_file *bin,
                                    struct stp_err *err) STP_MUST_CHECK;

struct stp_verify_served_totals {
	uint64_t touched;     /* copies that were touched since: their bytes are in doubt */
	uint64_t names;       /* checked */
	uint64_t unpublished; /* made by a run that published nothing; harmless */
	const char *mode;     /* "all", "mutable" */
	const char *why;      /* set when files are served from elsewhere, which was not checked */
	int public_fd;        /* public/targets, open until the end */
	int index_fd;         /* the targets folder, open until the end; -1: missing */
};

/* After all bins: checks for an index that is served from elsewhere, and for names that no snapshot
 * in metadata_fd lists (snapshot_versions: those that exist). */
enum stp_errc stp_verify_served_finish(struct stp_verify_served *served, int metadata_fd,
                                       const uint64_t *snapshot_versions,
                                       size_t snapshot_version_count,
                                       struct stp_verify_served_totals *out_totals,
                                       struct stp_err *err) STP_MUST_CHECK;

/* NULL is allowed. */
void stp_verify_served_end(struct stp_verify_served *served);

#endif
