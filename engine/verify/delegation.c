/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/delegation.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/limits.h"
#include "verify/delegated.h"
#include "verify/role_name.h"

/* The state while a list of roles is read. */
struct plan {
	struct stp_chain *tree;
	struct stp_document *doc;
	struct stp_key_ring *ring;
	size_t range_capacity;
};

static enum stp_errc add_range(struct plan *plan, uint64_t first, uint64_t last, uint32_t bin,
                               struct stp_err *err)
{
	struct stp_chain *tree = plan->tree;

	if (!STP_ARRAY_RESERVE(tree->ranges, plan->range_capacity, tree->range_count + 1))
		return STP_FAIL_ERRNO(err, ENOMEM, "verify", plan->doc->name, "cannot plan bins");
	tree->ranges[tree->range_count++] = (struct stp_chain_range){first, last, bin};
	return STP_OK;
}

/* Converts a prefix of 1 … 16 lower-case hex digits to a range of keys. */
static int parse_prefix(const char *text, size_t count, uint64_t *out_first, uint64_t *out_last)
{
	uint64_t value = 0;
	size_t i;

	if (count == 0 || count > 16)
		return 0;
	for (i = 0; i < count; i++) {
		char c = text[i];

		if (c >= '0' && c <= '9')
			value = value << 4 | (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			value = value << 4 | (uint64_t)(c - 'a' + 10);
		else
			return 0;
	}
	*out_first = count == 16 ? value : value << (64 - 4 * count);
	*out_last = count == 16 ? value : *out_first | (UINT64_MAX >> (4 * count));
	return 1;
}

static int compare_ranges(const void *a, const void *b)
{
	const struct stp_chain_range *x = a, *y = b;

	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	if (x->last != y->last)
		return x->last < y->last ? -1 : 1;
	return x->bin < y->bin ? -1 : x->bin > y->bin;
}

/* Joins adjacent ranges of the same bin. */
static void merge_ranges(struct stp_chain *tree)
{
	size_t kept = 0;
	size_t i;

	for (i = 1; i < tree->range_count; i++) {
		struct stp_chain_range *last = &tree->ranges[kept];

		if (tree->ranges[i].bin == last->bin && last->last != UINT64_MAX &&
		    tree->ranges[i].first == last->last + 1)
			last->last = tree->ranges[i].last;
		else
			tree->ranges[++kept] = tree->ranges[i];
	}
	if (tree->range_count)
		tree->range_count = kept + 1;
}

/* bits when the ranges are 2^bits equal ones, in the order of their bins; else 0. */
static unsigned uniform_bits(const struct stp_chain *tree)
{
	unsigned bits = 0;
	size_t i;

	while (bits <= STP_BIN_BITS_MAX && (size_t)1 << bits < tree->range_count)
		bits++;
	if (bits == 0 || bits > STP_BIN_BITS_MAX || (size_t)1 << bits != tree->range_count)
		return 0;
	for (i = 0; i < tree->range_count; i++)
		if (tree->ranges[i].bin != i || tree->ranges[i].first != (uint64_t)i << (64 - bits))
			return 0;
	return bits;
}

/* Reports keys that no role serves, or that two roles serve; only the first few. */
static void check_cover(struct plan *plan)
{
	struct stp_chain *tree = plan->tree;
	uint64_t next = 0;
	int full = 0;
	unsigned said = 0;
	size_t i;

	for (i = 0; i < tree->range_count && said < 20; i++) {
		const struct stp_chain_range *range = &tree->ranges[i];

		if (full || range->first < next) {
			said++;
			stp_finding_add(plan->doc->findings, STP_FINDING_DELEGATION_OVERLAP,
			                plan->doc->name,
			                "path hashes from %016" PRIx64 " on are delegated twice",
			                range->first);
		} else if (range->first > next) {
			said++;
			stp_finding_add(plan->doc->findings, STP_FINDING_DELEGATION_GAP,
			                plan->doc->name,
			                "path hashes from %016" PRIx64 " to %016" PRIx64
			                " are not delegated to any role",
			                next, range->first - 1);
		}
		if (range->last == UINT64_MAX)
			full = 1;
		else if (range->last + 1 > next)
			next = range->last + 1;
	}
	if (!full && said < 20)
		stp_finding_add(plan->doc->findings, STP_FINDING_DELEGATION_GAP, plan->doc->name,
		                "path hashes from %016" PRIx64 " on are not delegated to any role",
		                next);
}

static void finish_ranges(struct plan *plan)
{
	struct stp_chain *tree = plan->tree;

	if (tree->range_count)
		qsort(tree->ranges, tree->range_count, sizeof(*tree->ranges), compare_ranges);
	check_cover(plan);
	merge_ranges(tree);
	tree->bits = uniform_bits(tree);
}

/* Reads path_hash_prefixes of one role as ranges of bin. */
static enum stp_errc read_prefixes(struct plan *plan, json_t *role, const char *where, uint32_t bin,
                                   struct stp_err *err)
{
	json_t *prefixes =
	    stp_document_member(plan->doc, role, where, "path_hash_prefixes", JSON_ARRAY);
	size_t i;

	for (i = 0; i < json_array_size(prefixes); i++) {
		json_t *item = json_array_get(prefixes, i);
		const char *text = json_string_value(item);
		uint64_t first, last;
		struct stp_quote quote;

		if (text && parse_prefix(text, json_string_length(item), &first, &last)) {
			STP_TRY(add_range(plan, first, last, bin, err));
			continue;
		}
		stp_finding_add(
		    plan->doc->findings, STP_FINDING_DELEGATION, plan->doc->name,
		    "%s: path hash prefix \"%s\" is not 1 to 16 lower-case hex digits", where,
		    text ? stp_finding_quote(&quote, text, json_string_length(item)) : "");
	}
	return STP_OK;
}

/* Copies the name of a role to the tree's arena; NULL with a finding when it is not valid. */
static const char *read_name(struct plan *plan, json_t *role)
{
	json_t *name = stp_document_member(plan->doc, role, "delegation", "name", JSON_STRING);
	struct stp_quote quote;

	if (!name)
		return NULL;
	if (!stp_role_name_ok(json_string_value(name), json_string_length(name))) {
		stp_finding_add(plan->doc->findings, STP_FINDING_ROLE_NAME, plan->doc->name,
		                "delegates to \"%s\", which is not a role name",
		                stp_finding_quote(&quote, json_string_value(name),
		                                  json_string_length(name)));
		return NULL;
	}
	if (strcmp(json_string_value(name), "root") == 0 ||
	    strcmp(json_string_value(name), "targets") == 0 ||
	    strcmp(json_string_value(name), "snapshot") == 0 ||
	    strcmp(json_string_value(name), "timestamp") == 0) {
		stp_finding_add(plan->doc->findings, STP_FINDING_ROLE_NAME, plan->doc->name,
		                "delegates to \"%s\", a top-level role", json_string_value(name));
		return NULL;
	}
	return stp_arena_copy(&plan->tree->arena, json_string_value(name),
	                      json_string_length(name));
}

static void check_role_fields(struct plan *plan, json_t *role, const char *name)
{
	json_t *paths = json_object_get(role, "paths");

	stp_document_member(plan->doc, role, name, "terminating", JSON_TRUE);
	stp_document_known(plan->doc, role, name,
	                   "keyids name path_hash_prefixes paths terminating threshold");
	if (paths)
		stp_finding_add(plan->doc->findings, STP_FINDING_DELEGATION, plan->doc->name,
		                "%s is delegated by path patterns; a bin must not be", name);
}

/* True when two roles of the list have equal keyids and threshold. */
static int same_keys(json_t *a, json_t *b)
{
	return json_equal(json_object_get(a, "keyids"), json_object_get(b, "keyids")) &&
	       json_equal(json_object_get(a, "threshold"), json_object_get(b, "threshold"));
}

/* Allocates the bins and their roles. */
static enum stp_errc allocate(struct plan *plan, size_t bins, size_t roles, struct stp_err *err)
{
	struct stp_chain *tree = plan->tree;

	tree->bin_items = calloc(bins + 1, sizeof(*tree->bin_items));
	tree->bin_roles = calloc(roles + 1, sizeof(*tree->bin_roles));
	if (!tree->bin_items || !tree->bin_roles)
		return STP_FAIL_ERRNO(err, ENOMEM, "verify", plan->doc->name,
		                      "cannot plan %zu bins", bins);
	return STP_OK;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Reports bins of the same name. */
static enum stp_errc check_unique(struct plan *plan, struct stp_err *err)
{
	size_t count = plan->tree->bin_count;
	const char **names = malloc((count + 1) * sizeof(*names));
	size_t i;

	if (!names)
		return STP_FAIL_ERRNO(err, ENOMEM, "verify", plan->doc->name,
		                      "cannot compare names");
	for (i = 0; i < count; i++)
		names[i] = plan->tree->bin_items[i].role;
	qsort(names, count, sizeof(*names), compare_names);
	for (i = 1; i < count; i++)
		if (strcmp(names[i - 1], names[i]) == 0)
			stp_finding_add(plan->doc->findings, STP_FINDING_DELEGATION_OVERLAP,
			                plan->doc->name, "delegates to %s twice", names[i]);
	free(names);
	return STP_OK;
}

/* Reads one role of a list of bins. previous is the role before it, or NULL. */
static enum stp_errc read_bin(struct plan *plan, json_t *role, json_t *previous,
                              struct stp_err *err)
{
	struct stp_chain *tree = plan->tree;
	struct stp_chain_bin *bin = &tree->bin_items[tree->bin_count];
	const char *name = read_name(plan, role);

	if (!name)
		return STP_OK;
	check_role_fields(plan, role, name);
	if (!previous || tree->bin_role_count == 0 || !same_keys(role, previous))
		STP_TRY(stp_role_load(&tree->bin_roles[tree->bin_role_count++], plan->ring,
		                      plan->doc, role, name, err));
	bin->role = name;
	bin->role_index = (uint32_t)(tree->bin_role_count - 1);
	STP_TRY(read_prefixes(plan, role, name, (uint32_t)tree->bin_count, err));
	tree->bin_count++;
	return STP_OK;
}

static enum stp_errc read_bins(struct plan *plan, json_t *roles, struct stp_err *err)
{
	size_t count = json_array_size(roles);
	size_t i;

	plan->tree->delegation = "prefixes";
	if (count > (size_t)1 << STP_BIN_BITS_MAX) {
		stp_finding_add(plan->doc->findings, STP_FINDING_DELEGATION, plan->doc->name,
		                "delegates to %zu roles, more than 2^%d", count, STP_BIN_BITS_MAX);
		return STP_OK;
	}
	STP_TRY(allocate(plan, count, count, err));
	for (i = 0; i < count; i++) {
		json_t *role = json_array_get(roles, i);

		if (!json_is_object(role)) {
			stp_finding_add(plan->doc->findings, STP_FINDING_FIELD, plan->doc->name,
			                "delegations.roles holds something that is not an object");
			continue;
		}
		STP_TRY(read_bin(plan, role, i ? json_array_get(roles, i - 1) : NULL, err));
	}
	finish_ranges(plan);
	return check_unique(plan, err);
}

/* Reads the single role between targets and the bins. */
static enum stp_errc read_intermediate(struct plan *plan, json_t *role, const char **out_name,
                                       struct stp_err *err)
{
	const char *name = read_name(plan, role);

	if (!name)
		return STP_OK;
	check_role_fields(plan, role, name);
	STP_TRY(stp_role_load(&plan->tree->bins_role, plan->ring, plan->doc, role, name, err));
	STP_TRY(read_prefixes(plan, role, name, 0, err));
	finish_ranges(plan);
	plan->tree->range_count = 0;
	plan->tree->bits = 0;
	*out_name = name;
	return STP_OK;
}

/* Reads succinct_roles (TAP 15): 2^bit_length bins with the names prefix-INDEX. */
static enum stp_errc read_succinct(struct plan *plan, json_t *object, struct stp_err *err)
{
	struct stp_chain *tree = plan->tree;
	json_t *prefix =
	    stp_document_member(plan->doc, object, "succinct_roles", "name_prefix", JSON_STRING);
	uint64_t bits = 0;
	char name[300];
	int width;
	uint64_t i;

	tree->delegation = "succinct";
	stp_document_known(plan->doc, object, "succinct_roles",
	                   "bit_length keyids name_prefix threshold");
	if (!prefix ||
	    !stp_document_integer(plan->doc, object, "succinct_roles", "bit_length", 1, 32, &bits))
		return STP_OK;
	if (!stp_role_name_ok(json_string_value(prefix), json_string_length(prefix)) ||
	    bits > STP_BIN_BITS_MAX) {
		stp_finding_add(plan->doc->findings, STP_FINDING_DELEGATION, plan->doc->name,
		                "name_prefix is not a role name, or bit_length is over %d",
		                STP_BIN_BITS_MAX);
		return STP_OK;
	}
	STP_TRY(allocate(plan, (size_t)1 << bits, 1, err));
	STP_TRY(stp_role_load(&tree->bin_roles[0], plan->ring, plan->doc, object, "succinct_roles",
	                      err));
	tree->bin_role_count = 1;
	width = (int)((bits + 3) / 4);
	for (i = 0; i < (uint64_t)1 << bits; i++) {
		int chars = snprintf(name, sizeof(name), "%s-%0*" PRIx64, json_string_value(prefix),
		                     width, i);
		const char *copy = stp_arena_copy(&tree->arena, name, (size_t)chars);

		if (!copy)
			return STP_FAIL_ERRNO(err, ENOMEM, "verify", plan->doc->name,
			                      "cannot plan bins");
		tree->bin_items[i].role = copy;
	}
	tree->bin_count = (size_t)1 << bits;
	tree->bits = (unsigned)bits;
	return STP_OK;
}

/* The members of "roles" of targets that are bins; foreign roles may stand among them. All of them
 * when none looks like a bin, so that what is wrong with them is reported. A new reference. */
static json_t *own_bins(json_t *roles, int among_foreign)
{
	json_t *bins;
	json_t *role;
	size_t i;

	if (!among_foreign || !stp_delegated_first_bin(roles))
		return json_incref(roles);
	bins = json_array();
	json_array_foreach(roles, i, role)
	{
		if (stp_delegated_is_bin(role) && json_array_append(bins, role) != 0) {
			json_decref(bins);
			return NULL;
		}
	}
	return bins;
}

/* Reads "roles": the role between targets and the bins, or the bins. */
static enum stp_errc read_roles(struct plan *plan, json_t *roles, const char **out_intermediate,
                                struct stp_err *err)
{
	long index = out_intermediate ? stp_delegated_bins_role(roles) : -1;
	enum stp_errc code;
	json_t *bins;

	if (index < 0 && out_intermediate && json_array_size(roles) == 1 &&
	    !stp_delegated_first_bin(roles))
		index = 0;
	if (index >= 0)
		return read_intermediate(plan, json_array_get(roles, (size_t)index),
		                         out_intermediate, err);
	bins = own_bins(roles, out_intermediate != NULL);
	if (!bins)
		return STP_FAIL_ERRNO(err, ENOMEM, "verify", plan->doc->name, "cannot plan bins");
	code = read_bins(plan, bins, err);
	json_decref(bins);
	return code;
}

enum stp_errc stp_delegation_load(struct stp_chain *tree, struct stp_document *doc,
                                  struct stp_key_ring *ring, const char **out_intermediate,
                                  struct stp_err *err)
{
	struct plan plan = {tree, doc, ring, 0};
	json_t *object =
	    stp_document_member(doc, doc->body_json, "signed", "delegations", JSON_OBJECT);
	json_t *keys, *roles, *succinct;

	if (!object)
		return STP_OK;
	stp_document_known(doc, object, "delegations", "keys roles succinct_roles");
	keys = stp_document_member(doc, object, "delegations", "keys", JSON_OBJECT);
	roles = json_object_get(object, "roles");
	succinct = json_object_get(object, "succinct_roles");
	if (keys)
		STP_TRY(stp_key_ring_load(ring, doc, keys, "delegations.keys", err));
	free(tree->ranges);
	tree->ranges = NULL;
	tree->range_count = 0;
	if (json_is_object(succinct) && !roles)
		return read_succinct(&plan, succinct, err);
	if (json_is_array(roles) && !succinct && json_array_size(roles) > 0)
		return read_roles(&plan, roles, out_intermediate, err);
	stp_finding_add(
	    doc->findings, STP_FINDING_DELEGATION, doc->name,
	    "delegates neither to a list of roles nor to succinct_roles: there are no bins");
	return STP_OK;
}
