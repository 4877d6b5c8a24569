/* SPDX-License-Identifier: Apache-2.0 */
/*
 * roles/: makes the bodies of root, targets, bins, bin-n, snapshot and timestamp from versions,
 * expiries and ranges, in canonical form and ready to be signed.
 *
 *	root ─▶ targets ─▶ (bins) ─▶ bin-n-0000 … bin-n-3fff      delegations
 *	timestamp ─▶ snapshot ─▶ targets, bins, every bin-n       versions
 *
 * A body is the value of "signed" (TUF specification 1.0.34, section 4): those bytes are what is
 * signed, and what is published. Only root, targets and bins have a
 * different encoding in their file, if they contain a PEM key (cjson/encoding.h).
 *
 * Shape      each function replaces the content of a stp_buf by one body.
 * Memory     the caller's stp_buf grows; meta lists live in the caller's arena.
 * Ownership  the caller's; a meta list borrows its names from its arena and from the previous list.
 * Threads    any thread; no state.
 */
#ifndef STP_ROLES_ROLES_H
#define STP_ROLES_ROLES_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"
#include "roles/config.h"
#include "scheme/key_object.h"

#define STP_SPEC_VERSION "1.0.34"

/* Who signs one role. Order does not matter: bodies list keyids sorted. */
struct stp_role_keys {
	const struct stp_key_object *items;
	size_t count;
	unsigned threshold;
};

/* Version and expiry of the body being made; expires in epoch seconds. */
struct stp_role_head {
	uint64_t version;
	int64_t expires;
};

/* --- bin names ------------------------------------------------------------------------------ */

/* "bin-n-3fff" and NUL always fits: prefix of at most 64 bytes, "-", at most 5 hex digits. */
#define STP_BIN_NAME_BYTES 80

/* Number of bins, 1 << bin_bits. */
static inline uint32_t stp_bin_count(const struct stp_config *config)
{
	return UINT32_C(1) << config->bin_bits;
}

/* Writes the role name of bin index (TAP 15: prefix, "-", lower-case hex padded to the width of
 * the largest index), NUL-terminated; returns its length. */
size_t stp_bin_name(const struct stp_config *config, uint32_t index, char out[STP_BIN_NAME_BYTES]);

/* Bin of a key = SHA-256(path): its first bin_bits bits (TAP 15). */
static inline uint32_t stp_bin_of_key(const struct stp_config *config, const uint8_t key[32])
{
	return stp_load32_be(key) >> (32 - config->bin_bits);
}

/* --- bodies ---------------------------------------------------------------------------------- */

struct stp_root_keys {
	struct stp_role_keys root, targets, snapshot, timestamp;
};

/* root (specification section 4.3), consistent_snapshot true. Each key is listed once, no matter
 * how many roles use it. */
enum stp_errc stp_root_body(struct stp_role_head head, const struct stp_root_keys *keys,
                            struct stp_buf *out, struct stp_err *err) STP_MUST_CHECK;

/* Top-level targets without targets of its own. It delegates everything to the bins role if there
 * is one (the sixteen path_hash_prefixes "0" … "f"), else to the bins themselves. bins_keys is used
 * only with a bins role, bin_keys (the online key) only without one. */
enum stp_errc stp_targets_body(const struct stp_config *config, struct stp_role_head head,
                               const struct stp_role_keys *bins_keys,
                               const struct stp_role_keys *bin_keys, struct stp_buf *out,
                               struct stp_err *err) STP_MUST_CHECK;

/* The bins role: delegates to bin-n, succinct (TAP 15) or by path_hash_prefixes. */
enum stp_errc stp_bins_body(const struct stp_config *config, struct stp_role_head head,
                            const struct stp_role_keys *bin_keys, struct stp_buf *out,
                            struct stp_err *err) STP_MUST_CHECK;

/* A bin's body is HEAD, the targets' members, TAIL:
 *	{"_type":"targets","expires":"…","spec_version":"1.0.34","targets":{   …   },"version":N}
 * Both write at most this many bytes, no NUL, and return how many. HEAD always has the same length.
 */
#define STP_BIN_HEAD_BYTES     87
#define STP_BIN_TAIL_BYTES_MAX 33
size_t stp_bin_body_head(int64_t expires, char out[STP_BIN_HEAD_BYTES]);
size_t stp_bin_body_tail(uint64_t version, char out[STP_BIN_TAIL_BYTES_MAX]);

/* --- snapshot and timestamp ------------------------------------------------------------------ */

/* One line of snapshot.meta. */
struct stp_meta {
	const char *name; /* role name, without ".json" */
	uint64_t version;
	uint64_t length; /* bytes of the file; 0: not listed */
};

/* Sorted by name followed by ".json", as the keys of snapshot.meta are; no name twice. */
struct stp_meta_list {
	struct stp_meta *items;
	size_t count;
};

/* What the new snapshot lists. */
struct stp_meta_input {
	struct stp_meta targets;     /* its name is set by the function */
	struct stp_meta bins;        /* used with a bins role */
	uint64_t bin_version;        /* of every bin-n */
	const uint64_t *bin_lengths; /* by bin index, used with config->snapshot_length */
};

/* Makes the list of a new snapshot in arena: input's roles, and of previous (may be NULL) every
 * name that input lacks, unchanged: a name that was once listed is never dropped (specification
 * section 5.5.5). STP_REFUSED when a version would decrease. */
enum stp_errc stp_meta_list_make(const struct stp_config *config,
                                 const struct stp_meta_input *input,
                                 const struct stp_meta_list *previous, struct stp_arena *arena,
                                 struct stp_meta_list *out_list,
                                 struct stp_err *err) STP_MUST_CHECK;

/* Order of the keys "NAME.json" of two role names: < 0, 0, > 0. */
int stp_meta_name_compare(const char *a, const char *b);

/* Index of name in list, or -1. */
long stp_meta_list_find(const struct stp_meta_list *list, const char *name);

enum stp_errc stp_snapshot_body(struct stp_role_head head, const struct stp_meta_list *list,
                                struct stp_buf *out, struct stp_err *err) STP_MUST_CHECK;

/* timestamp lists the snapshot's version, length in bytes and SHA-256 of the whole file. */
enum stp_errc stp_timestamp_body(struct stp_role_head head, uint64_t snapshot_version,
                                 uint64_t snapshot_bytes, const uint8_t snapshot_sha256[32],
                                 struct stp_buf *out, struct stp_err *err) STP_MUST_CHECK;

#endif
