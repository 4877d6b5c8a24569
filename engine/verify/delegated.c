/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/delegated.h"

#include <string.h>

/* Hex digits of the largest index: 2^STP_BIN_BITS_MAX bins. */
#define DIGITS_MAX 5

int stp_delegated_is_bin(const json_t *role)
{
	const char *name = json_string_value(json_object_get(role, "name"));
	const char *dash = name ? strrchr(name, '-') : NULL;
	size_t digits = dash ? strlen(dash + 1) : 0;

	return digits >= 1 && digits <= DIGITS_MAX && dash != name &&
	       strspn(dash + 1, "0123456789abcdef") == digits &&
	       json_object_get(role, "path_hash_prefixes") && !json_object_get(role, "paths");
}

long stp_delegated_bins_role(const json_t *roles)
{
	json_t *role;
	size_t i;

	json_array_foreach(roles, i, role)
	{
		const char *name = json_string_value(json_object_get(role, "name"));

		if (name && strcmp(name, STP_BINS_ROLE) == 0)
			return (long)i;
	}
	role = json_array_get(roles, 0);
	return json_array_size(roles) == 1 && !stp_delegated_is_bin(role) &&
	               !json_object_get(role, "paths")
	           ? 0
	           : -1;
}

json_t *stp_delegated_first_bin(const json_t *roles)
{
	json_t *role;
	size_t i;

	json_array_foreach(roles, i, role)
	{
		if (stp_delegated_is_bin(role))
			return role;
	}
	return NULL;
}

size_t stp_delegated_count_bins(const json_t *roles)
{
	size_t count = 0;
	json_t *role;
	size_t i;

	json_array_foreach(roles, i, role) count += (size_t)stp_delegated_is_bin(role);
	return count;
}
