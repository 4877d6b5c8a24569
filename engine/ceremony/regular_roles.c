/* SPDX-License-Identifier: Apache-2.0 */
#include "ceremony/regular_roles.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "ceremony/form.h"

/* Whether name is PREFIX-INDEX with so many lower-case hex digits. */
static int is_named(const json_t *name, const struct stp_regular_roles *all, size_t index)
{
	char expected[160];

	snprintf(expected, sizeof(expected), "%s-%0*zx", all->prefix, all->name_digits, index);
	return stp_form_is(name, expected);
}

/* The prefixes of role index are the next per_role of all hex numbers with so many digits. */
static int has_prefixes(const json_t *prefixes, size_t first, size_t per_role, int digits)
{
	size_t i;

	if (!json_is_array(prefixes) || json_array_size(prefixes) != per_role)
		return 0;
	for (i = 0; i < per_role; i++) {
		char expected[32];

		snprintf(expected, sizeof(expected), "%0*zx", digits, first + i);
		if (!stp_form_is(json_array_get(prefixes, i), expected))
			return 0;
	}
	return 1;
}

/* What all roles have in common, from the first. */
static int read_first(const json_t *role, struct stp_regular_roles *out)
{
	const char *name = json_string_value(json_object_get(role, "name"));
	const char *dash = name ? strrchr(name, '-') : NULL;

	if (!dash || dash == name || (size_t)(dash - name) >= sizeof(out->prefix) - 4)
		return 0;
	snprintf(out->prefix, sizeof(out->prefix), "%.*s", (int)(dash - name), name);
	out->name_digits = (int)strlen(dash + 1);
	out->keyids = json_object_get(role, "keyids");
	out->threshold = json_integer_value(json_object_get(role, "threshold"));
	out->terminating = json_is_true(json_object_get(role, "terminating"));
	return out->name_digits >= 1 && out->name_digits <= 8 && json_is_array(out->keyids) &&
	       json_is_integer(json_object_get(role, "threshold")) &&
	       json_is_boolean(json_object_get(role, "terminating"));
}

int stp_regular_roles_read(const json_t *roles, struct stp_regular_roles *out)
{
	size_t count = json_array_size(roles);
	const json_t *first = json_array_get(roles, 0);
	int digits = 1;
	size_t per_role;
	size_t i;

	memset(out, 0, sizeof(*out));
	out->count = count;
	if (count < 2 || (count & (count - 1)) || count > (size_t)1 << STP_BIN_BITS_MAX ||
	    !read_first(first, out))
		return 0;
	while ((size_t)1 << (4 * digits) < count)
		digits++;
	per_role = ((size_t)1 << (4 * digits)) / count;
	for (i = 0; i < count; i++) {
		const json_t *role = json_array_get(roles, i);

		if (!json_is_object(role) ||
		    !stp_form_members_ok(
		        role, "keyids name path_hash_prefixes terminating threshold", "") ||
		    !is_named(json_object_get(role, "name"), out, i) ||
		    !has_prefixes(json_object_get(role, "path_hash_prefixes"), i * per_role,
		                  per_role, digits) ||
		    !json_equal(json_object_get(role, "keyids"), out->keyids) ||
		    !json_equal(json_object_get(role, "threshold"),
		                json_object_get(first, "threshold")) ||
		    !json_equal(json_object_get(role, "terminating"),
		                json_object_get(first, "terminating")))
			return 0;
	}
	return 1;
}
