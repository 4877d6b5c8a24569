/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names in public/targets that nobody signed. Names of the current snapshot are recognized by their
 * hashes; the others are looked up in the older snapshots that are kept, newest first, until each
 * name is explained or there are no more snapshots.
 *
 *	walk ─▶ known? ─▶ [left over] ─▶ snapshot V-1 ─▶ snapshot V-2 ─▶ … ─▶ served-unknown
 *
 * A name whose bin in the current snapshot could not be verified is not reported: the finding about
 * that bin or snapshot is the one to act on, and the name may be correct. Names made by a run that
 * published nothing (it was refused, or ended) are only counted: they are newer than what is
 * published, and serve a file of the index that the next run signs.
 *
 * Shape      a set of hashes in, findings out.
 * Memory     8 bytes a name, and the paths of names that are not in the current snapshot.
 * Ownership  the caller's.
 * Threads    one thread.
 */
#ifndef STP_RUN_VERIFY_SERVED_UNKNOWN_H
#define STP_RUN_VERIFY_SERVED_UNKNOWN_H

#include "base/cancel.h"
#include "roles/config.h"
#include "verify/chain.h"
#include "verify/finding.h"

struct stp_served_unknown_options {
	int public_fd;                    /* public/targets */
	int index_fd;                     /* the targets folder; -1: missing */
	int metadata_fd;                  /* public/metadata */
	const struct stp_config *config;  /* which paths are signed */
	int64_t published_at_ns;          /* ctime of timestamp.json */
	const struct stp_chain_pin *pins; /* STP_CHAIN_PINS */
	const struct stp_chain *tree;     /* the current snapshot */
	const uint8_t *bins_taken;        /* of each bin: its targets are among known */
	uint64_t *known; /* XXH3 of the names that the current snapshot accounts for; sorted here */
	size_t known_count;
	uint64_t seed;
	const uint64_t *snapshot_versions;
	size_t snapshot_version_count;
	struct stp_finding_list *findings;
	const struct stp_cancel *cancel; /* may be NULL */
};

/* *out_unpublished: names of a run that published nothing. */
enum stp_errc stp_served_unknown(const struct stp_served_unknown_options *options,
                                 uint64_t *out_unpublished, struct stp_err *err) STP_MUST_CHECK;

#endif
