/* SPDX-License-Identifier: Apache-2.0 */
#include "publish/names.h"

#include <string.h>

#include "base/limits.h"
#include "base/text.h"
#include "roles/config.h"
#include "stampede/alg.h"

static const char hex_digits[] = "0123456789abcdef";

/* "-HEX" with as many digits as the index of a bin may have, up to end. */
static int is_bin_index(const char *text, const char *end)
{
	size_t count = (size_t)(end - text);

	return count >= 2 && count <= 1 + (STP_BIN_BITS_MAX + 3) / 4 && text[0] == '-' &&
	       strspn(text + 1, hex_digits) >= count - 1;
}

static enum stp_metadata_name role_name(const char *role, size_t role_bytes, const char *bin_prefix)
{
	static const char *const names[] = {
	    [STP_NAME_ROOT] = "root",
	    [STP_NAME_TARGETS] = "targets",
	    [STP_NAME_BINS] = "bins",
	    [STP_NAME_SNAPSHOT] = "snapshot",
	};
	size_t prefix_bytes = strlen(bin_prefix);
	size_t i;

	for (i = STP_NAME_ROOT; i <= STP_NAME_SNAPSHOT; i++)
		if (strlen(names[i]) == role_bytes && memcmp(names[i], role, role_bytes) == 0)
			return (enum stp_metadata_name)i;
	if (prefix_bytes && role_bytes > prefix_bytes &&
	    memcmp(role, bin_prefix, prefix_bytes) == 0 &&
	    is_bin_index(role + prefix_bytes, role + role_bytes))
		return STP_NAME_BIN;
	return STP_NAME_OTHER;
}

enum stp_metadata_name stp_metadata_name(const char *name, const char *bin_prefix,
                                         uint64_t *out_version)
{
	size_t digits = strspn(name, "0123456789");
	size_t count = strlen(name);
	uint64_t version = 0;

	*out_version = 0;
	if (strcmp(name, "timestamp.json") == 0)
		return STP_NAME_TIMESTAMP;
	if (digits + 7 > count || name[digits] != '.' || strcmp(name + count - 5, ".json") != 0 ||
	    !stp_u64_parse(name, digits, &version) || version < 1 || version > STP_VERSION_MAX)
		return STP_NAME_OTHER;
	*out_version = version;
	return role_name(name + digits + 1, count - digits - 6, bin_prefix);
}

int stp_bin_role_is(const char *role)
{
	const char *dash = strrchr(role, '-');
	size_t prefix_bytes = dash ? (size_t)(dash - role) : 0;

	return prefix_bytes >= 1 && prefix_bytes <= STP_BIN_PREFIX_BYTES_MAX && role[0] != '-' &&
	       strspn(role, "abcdefghijklmnopqrstuvwxyz0123456789-_") == strlen(role) &&
	       is_bin_index(dash, role + strlen(role));
}

size_t stp_target_name(const char *path, size_t path_bytes, const char *hex, size_t hex_chars,
                       char *out, size_t size)
{
	const char *slash = memrchr(path, '/', path_bytes);
	size_t folder_bytes = slash ? (size_t)(slash - path) + 1 : 0;
	char *at = out;

	if (path_bytes + hex_chars + 1 >= size)
		return 0;
	at = mempcpy(at, path, folder_bytes);
	at = mempcpy(at, hex, hex_chars);
	*at++ = '.';
	at = mempcpy(at, path + folder_bytes, path_bytes - folder_bytes);
	*at = '\0';
	return (size_t)(at - out);
}

size_t stp_target_name_hex(const char *name)
{
	size_t hex = strspn(name, hex_digits);
	int alg;

	for (alg = 0; alg < STP_ALG_COUNT; alg++)
		if (hex == 2 * stp_alg_digest_bytes((enum stp_alg)alg) && name[hex] == '.' &&
		    name[hex + 1] != '\0')
			return hex;
	return 0;
}
