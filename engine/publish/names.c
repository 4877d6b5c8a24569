/* SPDX-License-Identifier: Apache-2.0 */
#include "publish/names.h"

#include <string.h>

#include "base/limits.h"
#include "base/text.h"

/* "PREFIX-3fff.json"? */
static int is_bin(const char *role, const char *bin_prefix)
{
	size_t prefix = strlen(bin_prefix);
	size_t digits;

	if (prefix == 0 || strncmp(role, bin_prefix, prefix) != 0 || role[prefix] != '-')
		return 0;
	role += prefix + 1;
	digits = strspn(role, "0123456789abcdef");
	return digits >= 1 && digits <= 5 && strcmp(role + digits, ".json") == 0;
}

enum stp_name_kind stp_name_kind(const char *name, const char *bin_prefix, uint64_t *out_version,
                                 const char **out_role)
{
	size_t digits = strspn(name, "0123456789");
	const char *role = name + digits + 1;
	uint64_t version;

	if (strcmp(name, "timestamp.json") == 0)
		return STP_NAME_TIMESTAMP;
	if (digits == 0 || name[digits] != '.' || !stp_u64_parse(name, digits, &version) ||
	    version < 1 || version > STP_VERSION_MAX)
		return STP_NAME_OTHER;
	*out_version = version;
	if (out_role)
		*out_role = role;
	if (strcmp(role, "root.json") == 0 || strcmp(role, "targets.json") == 0 ||
	    strcmp(role, "bins.json") == 0)
		return STP_NAME_ROLE;
	if (strcmp(role, "snapshot.json") == 0)
		return STP_NAME_SNAPSHOT;
	return is_bin(role, bin_prefix) ? STP_NAME_BIN : STP_NAME_OTHER;
}
