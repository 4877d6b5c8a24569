/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exact sizes of the files that stampede writes, computed without writing them. Tests compare each
 * with the bytes that roles/ and bins/ make.
 *
 * Shape      bytes of whole files: envelope, signatures, body.
 * Memory     none.
 * Ownership  none.
 * Threads    any thread; no state.
 */
#ifndef STP_PLAN_SIZES_H
#define STP_PLAN_SIZES_H

#include <stddef.h>
#include <stdint.h>

#include "scheme/scheme.h"

/* The layout of roles in a profile or a published repository. */
struct stp_plan_layout {
	unsigned bits;           /* 2^bits bins */
	unsigned hash_set;       /* STP_ALG_BIT()s */
	size_t bin_prefix_bytes; /* of "bin-n" */
	int has_bins_role;
	int is_succinct; /* else path_hash_prefixes */
	int snapshot_has_length;
	unsigned root_keys, targets_keys, bins_keys; /* all of them sign */
	/* The kinds of these keys and of the online key, whose keys have one size each. */
	enum stp_key_kind offline_kind, online_kind;
	unsigned version_digits; /* of bins, snapshot and timestamp; other roles have 1 */
};

/* {"signatures":[…],"signed":BODY} with count signatures of a kind, of their maximum length. */
uint64_t stp_plan_envelope_bytes(enum stp_key_kind kind, uint64_t signature_count,
                                 uint64_t body_bytes);

/* One target's member, without the comma before the next. */
uint64_t stp_plan_target_bytes(unsigned hash_set, uint64_t path_bytes, unsigned length_digits);

/* A bin's file; members_bytes is that of all its targets with the commas between them. */
uint64_t stp_plan_bin_bytes(const struct stp_plan_layout *layout, uint64_t members_bytes);

uint64_t stp_plan_root_bytes(const struct stp_plan_layout *layout);
uint64_t stp_plan_targets_bytes(const struct stp_plan_layout *layout);
/* 0 without a bins role. */
uint64_t stp_plan_bins_bytes(const struct stp_plan_layout *layout);
/* bin_length_digits: digits of a bin file's length, used only with snapshot_has_length. */
uint64_t stp_plan_snapshot_bytes(const struct stp_plan_layout *layout, unsigned bin_length_digits);
uint64_t stp_plan_timestamp_bytes(const struct stp_plan_layout *layout, uint64_t snapshot_bytes);

/* Decimal digits of value: 1 … 20. */
unsigned stp_plan_digits(uint64_t value);

#endif
