/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/role_name.h"

#include <string.h>

int stp_role_name_ok(const char *role, size_t count)
{
	size_t i;

	if (count == 0 || count > 128 || strcmp(role, ".") == 0 || strcmp(role, "..") == 0)
		return 0;
	for (i = 0; i < count; i++)
		if (role[i] <= ' ' || role[i] >= 0x7f || role[i] == '/' || role[i] == '\\' ||
		    role[i] == '"')
			return 0;
	return 1;
}
