/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All documents of one published snapshot except its bins: the root chain, timestamp, snapshot,
 * targets and the bins role, checked, and what they say about the bins: files, versions, keys, and
 * the part of the key space that each bin serves.
 *
 *	1.root ─▶ 2.root ─▶ … ─▶ timestamp ─▶ V.snapshot ─▶ V.targets ─▶ V.bins ─▶ [bin 0 … bin n)
 *
 * Shape      bins in the order of their delegation; ranges sorted, covering [0, 2^64) of the
 *            first eight bytes of SHA-256(path), each for one bin.
 * Memory     the small documents as JSON (a snapshot of 16,384 bins: about 8 MB) and 64 bytes a
 *            bin.
 * Ownership  release with stp_chain_release().
 * Threads    loaded by one thread, then read-only and shared.
 */
#ifndef STP_VERIFY_CHAIN_H
#define STP_VERIFY_CHAIN_H

#include "base/arena.h"
#include "verify/listed.h"
#include "verify/root.h"

struct stp_chain_bin {
	const char *role;
	const struct stp_listed *listed; /* NULL: not in the snapshot */
	uint32_t role_index;             /* into bin_roles */
};

/* Keys whose first eight bytes, as a big-endian number, are in [first, last]. */
struct stp_chain_range {
	uint64_t first, last;
	uint32_t bin;
};

struct stp_chain {
	struct stp_arena arena;
	int folder_fd;        /* borrowed */
	struct stp_root root; /* the last of the chain */
	struct stp_document timestamp, snapshot, targets, bins;
	int has_root, has_timestamp, has_snapshot, has_targets, has_bins;
	uint64_t root_steps;
	int timestamp_has_length, timestamp_has_hash;

	struct stp_listed *listed; /* sorted by role */
	size_t listed_count, retired_names;

	struct stp_key_ring targets_ring, bins_ring;
	struct stp_role bins_role; /* of the intermediate role */
	struct stp_role *bin_roles;
	size_t bin_role_count;
	struct stp_chain_bin *bin_items;
	size_t bin_count;
	struct stp_chain_range *ranges;
	size_t range_count;
	unsigned bits;          /* > 0: bin i serves exactly the keys that begin with i */
	const char *delegation; /* "succinct", "prefixes", "none" */
	struct stp_signature_tally tally;
};

/* The root of this version must have this digest; version 0: no condition. */
struct stp_chain_pin {
	uint64_t version;
	uint8_t sha256[32];
};
#define STP_CHAIN_PINS 2 /* stampede.json's and that of state/floors */

struct stp_chain_options {
	int folder_fd;              /* the metadata folder */
	int root_fd;                /* where root_name is; AT_FDCWD for a path */
	const char *root_name;      /* the pinned root, or NULL for 1.root.json */
	const char *timestamp_name; /* "timestamp.json", or a path when timestamp_fd is AT_FDCWD */
	int timestamp_fd;
	struct stp_chain_pin pinned[STP_CHAIN_PINS]; /* the roots that the repository trusts */
	uint64_t snapshot_version;  /* start from this snapshot, without a timestamp; 0: no */
	uint64_t root_version_last; /* stop at this root, for a snapshot of its time; 0: no */
	uint64_t root_version_max;  /* highest N.root.json in the folder; 0: unknown */
	const uint64_t *snapshot_versions; /* of N.snapshot.json in the folder, any order */
	size_t snapshot_version_count;     /* 0: no older one to compare with */
	int64_t now, expires_within_s;
	/* keys that sign timestamp and snapshot as well while online keys are replaced, by their
	 * keyids only; NULL: none */
	const struct stp_role *rotated;
};

/* Loads and checks. Findings report what is wrong; what could not be read is left out (has_* is 0,
 * bin_count is 0). Fails only when the system does. */
enum stp_errc stp_chain_load(struct stp_chain *tree, const struct stp_chain_options *options,
                             struct stp_finding_list *findings, struct stp_err *err) STP_MUST_CHECK;
void stp_chain_release(struct stp_chain *tree);

enum stp_chain_role {
	STP_CHAIN_ROOT,
	STP_CHAIN_TIMESTAMP,
	STP_CHAIN_SNAPSHOT,
	STP_CHAIN_TARGETS,
	STP_CHAIN_BINS,
	STP_CHAIN_ROLES
};

/* The document of a role, NULL when it could not be read. */
const struct stp_document *stp_chain_document(const struct stp_chain *tree,
                                              enum stp_chain_role role);

/* The bin of keys that begin with these eight bytes, or UINT32_MAX. */
uint32_t stp_chain_bin_of(const struct stp_chain *tree, uint64_t key_begin);

/* The snapshot's line for role, or NULL. */
const struct stp_listed *stp_chain_listed(const struct stp_chain *tree, const char *role);

/* Adds a finding when expires is before now, or before now + within. */
void stp_chain_check_expiry(struct stp_finding_list *findings, const char *subject, int64_t expires,
                            int64_t now, int64_t within_s);

#endif
