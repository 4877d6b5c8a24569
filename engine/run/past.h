/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One published snapshot, the current one or one that is kept, in which single targets are looked
 * up. The chain of roots, signatures and digests are checked, expiry is not.
 *
 *	V.snapshot.json ─▶ targets ─▶ bins ─▶ SHA-256(path) ─▶ V.bin-n-XXXX.json ─▶ entry
 *
 * Shape      one entry at a time.
 * Memory     the small documents as JSON, and the last bin that was read.
 * Ownership  release with stp_past_release(), also after a failed open.
 * Threads    one thread.
 */
#ifndef STP_RUN_PAST_H
#define STP_RUN_PAST_H

#include "roles/config.h"
#include "verify/bin_file.h"
#include "verify/chain.h"

struct stp_past {
	struct stp_finding_list findings;
	struct stp_chain tree;
	struct stp_buf file; /* of the bin that was read last */
	struct stp_bin_file bin;
	uint32_t bin_index; /* UINT32_MAX: none */
	int bin_good;
};

/* Loads snapshot version of the metadata folder folder_fd, or the one that its timestamp lists (0).
 * pins: the roots that are trusted (if both versions are 0, 1.root.json is trusted). *out_good is
 * 0 when anything is missing, or not signed by the keys of the newest root. */
enum stp_errc stp_past_open(struct stp_past *past, int folder_fd,
                            const struct stp_chain_pin pins[STP_CHAIN_PINS], uint64_t version,
                            int *out_good, struct stp_err *err) STP_MUST_CHECK;

/* The same, but the keys of any earlier root, which may have been replaced since, are accepted too.
 * Use it to explain what exists, not to trust it. */
enum stp_errc stp_past_open_of_its_time(struct stp_past *past, int folder_fd,
                                        const struct stp_chain_pin pins[STP_CHAIN_PINS],
                                        uint64_t version, int *out_good,
                                        struct stp_err *err) STP_MUST_CHECK;
void stp_past_release(struct stp_past *past);

struct stp_past_target {
	const struct stp_bin_entry *entry; /* NULL: the snapshot does not list the path */
	const struct stp_chain_bin *bin;   /* that has the path, or would have it */
};

/* Looks path up; what out_target points to is valid until the next call. *out_good is 0 when
 * the bin is missing, or is not what its role signed. */
enum stp_errc stp_past_find(struct stp_past *past, const char *path, size_t path_bytes,
                            struct stp_past_target *out_target, int *out_good,
                            struct stp_err *err) STP_MUST_CHECK;

#endif
