/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/setup.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"

/* At most this many names of one kind are reported one by one. */
#define NAMED_MAX 16
/* Digits of a bin's index: 2^STP_BIN_BITS_MAX bins need five. */
#define WIDTH_MAX 5
/* For how long a mirror may keep clients at an old snapshot unnoticed. */
#define TIMESTAMP_DAYS_MAX 7
/* Numbers of bins that are distinguished. A repository has had a few; names beyond are reported. */
#define GENERATIONS_MAX 64

/* ------------------------------------------------------------------------------- keys */

/* A role whose keys must not be on the signing machine. */
struct offline_role {
	const char *name;
	const struct stp_role *role;
	const char *file; /* the file that lists its keys */
};

static int role_has(const struct stp_role *role, const struct stp_public_key *key)
{
	size_t i;

	for (i = 0; i < role->key_count; i++)
		if (memcmp(role->keys[i]->identity, key->identity, sizeof(key->identity)) == 0)
			return 1;
	return 0;
}

/* What the signing machine signs with key; NULL: nothing. */
static const char *online_use(const struct stp_chain *tree, const struct stp_public_key *key)
{
	size_t i;

	if (role_has(&tree->root.timestamp, key))
		return "timestamp";
	if (role_has(&tree->root.snapshot, key))
		return "snapshot";
	for (i = 0; i < tree->bin_role_count; i++)
		if (role_has(&tree->bin_roles[i], key))
			return "bins of targets";
	return NULL;
}

static void check_offline_role(const struct stp_setup_options *options,
                               const struct offline_role *offline)
{
	const struct stp_role *role = offline->role;
	uint64_t online = 0;
	size_t i;

	for (i = 0; i < role->key_count; i++)
		online += online_use(options->tree, role->keys[i]) != NULL;
	for (i = 0; i < role->key_count; i++) {
		const char *use = online_use(options->tree, role->keys[i]);

		if (use)
			stp_finding_add(options->findings, STP_FINDING_ONLINE_KEY_OFFLINE,
			                offline->file,
			                "key %s signs %s online and is a key of %s as well: "
			                "whoever steals it from "
			                "the signing machine %s",
			                role->keys[i]->keyid, use, offline->name,
			                online >= role->threshold
			                    ? "can sign that role"
			                    : "has a part of that role's threshold");
	}
}

/* Reports keys that two offline roles share: one theft affects both. */
static void check_shared(const struct stp_setup_options *options,
                         const struct offline_role *offline, const struct offline_role *other)
{
	size_t i;

	for (i = 0; i < offline->role->key_count; i++)
		if (role_has(other->role, offline->role->keys[i]))
			stp_finding_add(options->findings, STP_FINDING_OFFLINE_KEY_SHARED,
			                offline->file,
			                "key %s is a key of %s and of %s: whoever steals it has a "
			                "part of both; give each role keys of its own",
			                offline->role->keys[i]->keyid, other->name, offline->name);
}

static void check_keys(const struct stp_setup_options *options)
{
	const struct stp_chain *tree = options->tree;
	const struct offline_role roles[] = {
	    {"root", &tree->root.root, tree->root.doc.name},
	    {"targets", &tree->root.targets, tree->root.doc.name},
	    {"the bins role", &tree->bins_role, tree->targets.name},
	};
	const struct stp_role *root = &tree->root.root;
	size_t i;

	if (!tree->has_root)
		return;
	for (i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
		size_t j;

		check_offline_role(options, &roles[i]);
		for (j = 0; j < i; j++)
			check_shared(options, &roles[i], &roles[j]);
	}
	if (root->threshold == 1)
		stp_finding_add(
		    options->findings, STP_FINDING_THRESHOLD_ONE, tree->root.doc.name,
		    "one root key is enough to replace every key; let two or more sign");
	if (root->key_count == root->threshold)
		stp_finding_add(options->findings, STP_FINDING_ROOT_NO_SPARE, tree->root.doc.name,
		                "all %zu root keys must sign: if one is lost, no new root can be "
		                "signed; add a spare one",
		                root->key_count);
}

/* --------------------------------------------------------------------------- snapshot */

/* Names PREFIX-DIGITS with the same prefix and number of digits. */
struct generation {
	const char *prefix;
	size_t prefix_bytes, width;
	uint64_t count, last;
};

struct generations {
	struct generation items[GENERATIONS_MAX];
	size_t count;
};

/* Splits PREFIX-DIGITS; 0 for any other name. */
static int split_bin_name(const char *role, struct generation *out)
{
	const char *dash = strrchr(role, '-');
	size_t width = dash ? strlen(dash + 1) : 0;

	if (!dash || dash == role || width == 0 || width > WIDTH_MAX ||
	    strspn(dash + 1, "0123456789abcdef") != width)
		return 0;
	*out = (struct generation){.prefix = role,
	                           .prefix_bytes = (size_t)(dash - role),
	                           .width = width,
	                           .last = strtoull(dash + 1, NULL, 16)};
	return 1;
}

static struct generation *find_generation(struct generations *all, const struct generation *name)
{
	size_t i;

	for (i = 0; i < all->count; i++) {
		struct generation *item = &all->items[i];

		if (item->width == name->width && item->prefix_bytes == name->prefix_bytes &&
		    memcmp(item->prefix, name->prefix, name->prefix_bytes) == 0)
			return item;
	}
	return NULL;
}

static void count_name(struct generations *all, const struct generation *name)
{
	struct generation *item = find_generation(all, name);

	if (!item && all->count < GENERATIONS_MAX) {
		item = &all->items[all->count++];
		*item = *name;
	}
	if (!item)
		return;
	item->count++;
	if (name->last > item->last)
		item->last = name->last;
}

/* A change of the number of bins leaves all earlier names: 0 to 2^bits - 1, with the digits that
 * this many need. */
static int is_whole(const struct generation *generation)
{
	unsigned bits = 0;

	while (bits < STP_BIN_BITS_MAX && (uint64_t)1 << bits < generation->count)
		bits++;
	return bits && (uint64_t)1 << bits == generation->count &&
	       generation->last == generation->count - 1 && (bits + 3) / 4 == generation->width;
}

static void check_snapshot(const struct stp_setup_options *options)
{
	const struct stp_chain *tree = options->tree;
	struct generations all = {.count = 0};
	struct generation name;
	uint64_t found = 0;
	size_t i;

	if (!tree->has_snapshot || !tree->bin_count)
		return; /* the delegations are unknown */
	for (i = 0; i < tree->listed_count; i++)
		if (split_bin_name(tree->listed[i].role, &name))
			count_name(&all, &name);
	for (i = 0; i < tree->listed_count; i++) {
		const struct stp_listed *line = &tree->listed[i];
		const struct generation *generation;

		if (line->delegated)
			continue;
		generation =
		    split_bin_name(line->role, &name) ? find_generation(&all, &name) : NULL;
		if (generation && is_whole(generation))
			continue;
		if (found++ < NAMED_MAX)
			stp_finding_add(
			    options->findings, STP_FINDING_SNAPSHOT_UNDELEGATED,
			    tree->snapshot.name,
			    "lists %s.json, to which no role delegates and which is not a "
			    "bin from before the number of bins changed",
			    line->role);
		else
			stp_finding_count(options->findings, STP_FINDING_SNAPSHOT_UNDELEGATED, 1);
	}
	if (found > NAMED_MAX)
		stp_finding_add(options->findings, STP_FINDING_FINDINGS_CUT, tree->snapshot.name,
		                "has %" PRIu64 " more findings of snapshot-undelegated",
		                found - NAMED_MAX);
}

static void check_timestamp(const struct stp_setup_options *options)
{
	const struct stp_chain *tree = options->tree;

	if (!tree->has_timestamp)
		return;
	if (tree->timestamp.expires - options->now > TIMESTAMP_DAYS_MAX * INT64_C(86400))
		stp_finding_add(
		    options->findings, STP_FINDING_TIMESTAMP_LONG, tree->timestamp.name,
		    "is valid for %" PRId64
		    " days more: for that long clients can be held at this snapshot "
		    "without noticing; at most %d are recommended (expiry_seconds.timestamp)",
		    (tree->timestamp.expires - options->now) / 86400, TIMESTAMP_DAYS_MAX);
	if (!tree->timestamp_has_length)
		stp_finding_add(
		    options->findings, STP_FINDING_TIMESTAMP_NO_LENGTH, tree->timestamp.name,
		    "does not give the length of the snapshot: clients read up to their "
		    "own limit, and refuse a longer one");
	if (!tree->timestamp_has_hash)
		stp_finding_add(options->findings, STP_FINDING_TIMESTAMP_NO_HASH,
		                tree->timestamp.name,
		                "does not give the snapshot's digest: clients accept any signed "
		                "snapshot of that version");
}

/* ----------------------------------------------------------------------------- expiry */

/* The remedy for a role of the signing machine, and for one that offline keys sign. */
static const char sign_again[] = "sign again, and find out who signed it";
#define RENEW "if that was edited, apply it with the offline keys (%s); else find out who signed it"

static void check_expiry(const struct stp_setup_options *options, const char *subject,
                         int64_t expires, int64_t longest, const char *remedy)
{
	char text[STP_TIME_BYTES + 1];

	if (!expires || !longest || expires - options->now <= longest)
		return;
	stp_time_format(expires, text);
	stp_finding_add(options->findings, STP_FINDING_EXPIRES_LATE, subject,
	                "is valid until %s, longer than the %" PRId64
	                " hours that stampede.json allows; %s",
	                text, longest / 3600, remedy);
}

static void check_expiries(const struct stp_setup_options *options)
{
	const struct stp_chain *tree = options->tree;
	const struct stp_setup_policy *policy = &options->policy;
	char renew[256];

	snprintf(renew, sizeof(renew), RENEW, stp_hint_text(STP_HINT_UPDATE));
	if (tree->has_root)
		check_expiry(options, tree->root.doc.name, tree->root.doc.expires, policy->root,
		             renew);
	if (tree->has_targets)
		check_expiry(options, tree->targets.name, tree->targets.expires, policy->targets,
		             renew);
	if (tree->has_bins)
		check_expiry(options, tree->bins.name, tree->bins.expires, policy->bins, renew);
	if (tree->has_snapshot)
		check_expiry(options, tree->snapshot.name, tree->snapshot.expires, policy->snapshot,
		             sign_again);
	if (tree->has_timestamp)
		check_expiry(options, tree->timestamp.name, tree->timestamp.expires,
		             policy->timestamp, sign_again);
	check_expiry(options, "bins", options->bin_expires_max, policy->bin_n, sign_again);
}

void stp_setup_audit(const struct stp_setup_options *options)
{
	check_keys(options);
	check_snapshot(options);
	check_timestamp(options);
	check_expiries(options);
}
