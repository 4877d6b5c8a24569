/* SPDX-License-Identifier: Apache-2.0 */
#include "publish/relative.h"

#include <stdio.h>
#include <string.h>

/* Number of path components. */
static size_t count_components(const char *path)
{
	size_t count = 0;

	while (*path) {
		path += strspn(path, "/");
		count += *path != '\0';
		path += strcspn(path, "/");
	}
	return count;
}

int stp_relative_path(const char *from, const char *to, char *out, size_t size)
{
	size_t common = 0;
	size_t used = 0;
	size_t climb;
	size_t i;

	for (i = 0;; i++) {
		int from_ends = from[i] == '/' || from[i] == '\0';
		int to_ends = to[i] == '/' || to[i] == '\0';

		if (from_ends && to_ends)
			common = i;
		if (from[i] != to[i] || from[i] == '\0')
			break;
	}
	climb = count_components(from + common);
	if (climb * 3 + strlen(to + common) + 1 >= size)
		return 0;
	for (i = 0; i < climb; i++, used += 3)
		memcpy(out + used, "../", 4); /* with its NUL, which the next one overwrites */
	to += common + strspn(to + common, "/");
	snprintf(out + used, size - used, "%s", to);
	for (used = strlen(out); used > 0 && out[used - 1] == '/'; used--)
		out[used - 1] = '\0';
	return 1;
}
