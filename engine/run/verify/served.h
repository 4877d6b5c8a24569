/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit of what a web server hands out, by README's configuration, for every target that is
 * signed:
 *
 *	names for all files    public/targets/DIR/HASH.NAME, links followed
 *	files that may change  the same, a copy
 *	other files, "mutable" the mark in public/targets/.signed, then DIR/NAME of the index, with
 *	                       no link on the way
 *
 * It must be there, be a regular file of the signed length, lie in the targets folder or the
 * repository, and be readable for others. Files that a digest list names and that are not there are
 * one warning: sign signs them all the same. A targets folder that is not there is one error when
 * links or marks lead into it, and else a remark. Afterwards all of public/targets is walked: a
 * name that no kept snapshot lists is reported, unless the bin that would list it could not be
 * verified. Bytes are not hashed here: see verify_files.h.
 *
 * Shape      findings, and a struct of totals.
 * Memory     16 bytes a target and one a bin; what is found wrong is kept as findings are.
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

/* Opens what will be looked at. *out_served is NULL when there is nothing to look at: target_files
 * is "none", or there is no public/targets. *out_why (a static string) says so. */
enum stp_errc stp_verify_served_begin(const struct stp_verify_served_options *options,
                                      struct stp_verify_served **out_served, const char **out_why,
                                      struct stp_err *err) STP_MUST_CHECK;

/* Looks at every target of one bin, which is signed. A stp_bins_take_fn. */
enum stp_errc stp_verify_served_bin(void *served, size_t worker_index, size_t bin_index,
                                    const struct stp_bin_file *bin,
                                    struct stp_err *err) STP_MUST_CHECK;

struct stp_verify_served_totals {
	uint64_t touched;     /* copies that somebody touched since: their bytes are in doubt */
	uint64_t names;       /* looked at */
	uint64_t unpublished; /* made by a run that published nothing, and harmless */
	const char *mode;     /* "all", "mutable" */
	const char *why; /* set when files are served from elsewhere, which was not looked at */
	int public_fd;   /* public/targets, open until the end */
	int index_fd;    /* the targets folder, open until the end; -1: it is not there */
};

/* After all bins: files of an index that is served from elsewhere, folders, and names that no
 * snapshot of metadata_fd lists (snapshot_versions: those that lie there). */
enum stp_errc stp_verify_served_finish(struct stp_verify_served *served, int metadata_fd,
                                       const uint64_t *snapshot_versions,
                                       size_t snapshot_version_count,
                                       struct stp_verify_served_totals *out_totals,
                                       struct stp_err *err) STP_MUST_CHECK;

/* NULL is allowed. */
void stp_verify_served_end(struct stp_verify_served *served);

#endif
