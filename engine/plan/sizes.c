/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/sizes.h"

#include <string.h>

#include "stampede/alg.h"

/* Bytes of a literal in a file. */
#define BYTES(text) (sizeof(text) - 1)

#define EXPIRY 20

/* "KEYID":{"keytype":…,"keyval":{"public":…},"scheme":…} */
static uint64_t key_bytes(enum stp_key_kind kind)
{
	return BYTES("\"\":") + STP_KEYID_CHARS + stp_scheme_object_bytes(stp_scheme_of(kind));
}

unsigned stp_plan_digits(uint64_t value)
{
	unsigned digits = 1;

	while (value >= 10) {
		value /= 10;
		digits++;
	}
	return digits;
}

/* Bytes of count items of the same size, with commas between them. */
static uint64_t listed(uint64_t count, uint64_t bytes)
{
	return count ? count * bytes + count - 1 : 0;
}

uint64_t stp_plan_envelope_bytes(enum stp_key_kind kind, uint64_t signature_count,
                                 uint64_t body_bytes)
{
	return BYTES("{\"signatures\":[],\"signed\":}") +
	       listed(signature_count, BYTES("{\"keyid\":\"\",\"sig\":\"\"}") + STP_KEYID_CHARS +
	                                   2 * stp_scheme_of(kind)->signature_bytes_max) +
	       body_bytes;
}

/* {"_type":TYPE, … "expires":…, "spec_version":…, "version":…} around rest. */
static uint64_t body(size_t type_bytes, uint64_t rest, unsigned version_digits)
{
	return BYTES("{\"_type\":\"\",\"expires\":\"\",\"spec_version\":\"1.0.34\",\"version\":}") +
	       type_bytes + EXPIRY + rest + version_digits;
}

uint64_t stp_plan_target_bytes(unsigned hash_set, uint64_t path_bytes, unsigned length_digits)
{
	uint64_t bytes = BYTES("\"\":{\"hashes\":{},\"length\":}") + path_bytes + length_digits;
	uint64_t count = 0;
	int i;

	for (i = 0; i < STP_ALG_COUNT; i++) {
		if (!(hash_set & STP_ALG_BIT(i)))
			continue;
		bytes += BYTES("\"\":\"\"") + strlen(stp_alg_name((enum stp_alg)i)) +
		         2 * stp_alg_digest_bytes((enum stp_alg)i);
		count++;
	}
	return bytes + (count ? count - 1 : 0);
}

uint64_t stp_plan_bin_bytes(const struct stp_plan_layout *layout, uint64_t members_bytes)
{
	uint64_t rest = BYTES("\"targets\":{},") + members_bytes;

	return stp_plan_envelope_bytes(layout->online_kind, 1,
	                               body(BYTES("targets"), rest, layout->version_digits));
}

/* {"keyids":[…],"threshold":N} without the braces. */
static uint64_t role_members(unsigned keys)
{
	return BYTES("\"keyids\":[],\"threshold\":1") + listed(keys, 2 + STP_KEYID_CHARS);
}

uint64_t stp_plan_root_bytes(const struct stp_plan_layout *layout)
{
	uint64_t offline_keys = (uint64_t)layout->root_keys + layout->targets_keys;
	uint64_t roles = BYTES("\"root\":{},\"snapshot\":{},\"targets\":{},\"timestamp\":{}") +
	                 role_members(layout->root_keys) + role_members(1) +
	                 role_members(layout->targets_keys) + role_members(1);
	uint64_t rest = BYTES("\"consistent_snapshot\":true,\"keys\":{},\"roles\":{},") +
	                offline_keys * (key_bytes(layout->offline_kind) + 1) +
	                key_bytes(layout->online_kind) + roles;

	return stp_plan_envelope_bytes(layout->offline_kind, layout->root_keys,
	                               body(BYTES("root"), rest, 1));
}

/* A member of delegations.roles. */
static uint64_t delegated_role(unsigned keys, uint64_t name_bytes, uint64_t prefixes,
                               uint64_t prefix_digits)
{
	return BYTES("{,\"name\":\"\",\"path_hash_prefixes\":[],\"terminating\":true}") +
	       role_members(keys) + name_bytes + listed(prefixes, 2 + prefix_digits);
}

static unsigned name_digits(unsigned bits)
{
	return (bits + 3) / 4;
}

static uint64_t bin_name_bytes(const struct stp_plan_layout *layout)
{
	return layout->bin_prefix_bytes + 1 + name_digits(layout->bits);
}

/* "keys" and the delegation to the bins, within "delegations". */
static uint64_t bins_delegation(const struct stp_plan_layout *layout)
{
	uint64_t keys = BYTES("\"keys\":{},") + key_bytes(layout->online_kind);
	unsigned digits = name_digits(layout->bits);
	uint64_t prefixes = (uint64_t)1 << (4 * digits - layout->bits);

	if (layout->is_succinct)
		return keys + BYTES("\"succinct_roles\":{\"bit_length\":,,\"name_prefix\":\"\"}") +
		       role_members(1) + stp_plan_digits(layout->bits) + layout->bin_prefix_bytes;
	return keys + BYTES("\"roles\":[]") +
	       listed((uint64_t)1 << layout->bits,
	              delegated_role(1, bin_name_bytes(layout), prefixes, digits));
}

/* A targets or bins role's file with delegations. */
static uint64_t delegator(const struct stp_plan_layout *layout, unsigned keys, uint64_t delegations)
{
	uint64_t rest = BYTES("\"delegations\":{},\"targets\":{},") + delegations;

	return stp_plan_envelope_bytes(layout->offline_kind, keys, body(BYTES("targets"), rest, 1));
}

uint64_t stp_plan_targets_bytes(const struct stp_plan_layout *layout)
{
	uint64_t to_bins_role = BYTES("\"keys\":{},\"roles\":[]") +
	                        listed(layout->bins_keys, key_bytes(layout->offline_kind)) +
	                        delegated_role(layout->bins_keys, BYTES("bins"), 16, 1);

	return delegator(layout, layout->targets_keys,
	                 layout->has_bins_role ? to_bins_role : bins_delegation(layout));
}

uint64_t stp_plan_bins_bytes(const struct stp_plan_layout *layout)
{
	return layout->has_bins_role ? delegator(layout, layout->bins_keys, bins_delegation(layout))
	                             : 0;
}

/* A member of snapshot.meta; length_digits 0: without length. */
static uint64_t meta_line(uint64_t name_bytes, unsigned version_digits, unsigned length_digits)
{
	return BYTES("\".json\":{\"version\":}") + name_bytes + version_digits +
	       (length_digits ? BYTES("\"length\":,") + length_digits : 0);
}

uint64_t stp_plan_snapshot_bytes(const struct stp_plan_layout *layout, unsigned bin_length_digits)
{
	uint64_t bins = (uint64_t)1 << layout->bits;
	unsigned targets_digits = 0, bins_digits = 0;
	uint64_t lines;

	if (layout->snapshot_has_length) {
		targets_digits = stp_plan_digits(stp_plan_targets_bytes(layout));
		bins_digits = stp_plan_digits(stp_plan_bins_bytes(layout));
	}
	lines = listed(bins, meta_line(bin_name_bytes(layout), layout->version_digits,
	                               layout->snapshot_has_length ? bin_length_digits : 0)) +
	        1 + meta_line(BYTES("targets"), 1, targets_digits);
	if (layout->has_bins_role)
		lines += 1 + meta_line(BYTES("bins"), 1, bins_digits);
	return stp_plan_envelope_bytes(layout->online_kind, 1,
	                               body(BYTES("snapshot"), BYTES("\"meta\":{},") + lines,
	                                    layout->version_digits));
}

uint64_t stp_plan_timestamp_bytes(const struct stp_plan_layout *layout, uint64_t snapshot_bytes)
{
	uint64_t meta = BYTES("\"meta\":{\"snapshot.json\":{\"hashes\":{\"sha256\":\"\"},"
	                      "\"length\":,\"version\":}},") +
	                64 + stp_plan_digits(snapshot_bytes) + layout->version_digits;

	return stp_plan_envelope_bytes(layout->online_kind, 1,
	                               body(BYTES("timestamp"), meta, layout->version_digits));
}
