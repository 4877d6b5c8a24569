/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Globs against a matcher that is slow and obvious: every way to split the path is tried.
 * Input: a glob, a NUL, a path.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "roles/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_bytes);

#define GLOB_MAX       10
#define PATH_MAX_BYTES 14

static int one_byte(const char *glob, const char *path)
{
	char one[3] = {glob[0], '\0', '\0'};
	const char *items[] = {one};
	struct stp_globs globs = {items, 1};

	return stp_globs_match(&globs, path, 1);
}

/* whole is the start of the glob, end of the path is its NUL. Globs here have no sets. */
static int slow_match(const char *whole, const char *glob, const char *path)
{
	const char *rest = glob;
	size_t i;

	if (*glob == '\0')
		return *path == '\0';
	if (*glob != '*')
		return *path && one_byte(glob, path) && slow_match(whole, glob + 1, path + 1);
	while (*rest == '*')
		rest++;
	if (rest == glob + 1) { /* "*" */
		for (i = 0;; i++) {
			if (slow_match(whole, rest, path + i))
				return 1;
			if (!path[i] || path[i] == '/')
				return 0;
		}
	}
	if ((glob == whole || glob[-1] == '/') && *rest == '/') { /* whole folders */
		for (i = 0;; i++) {
			if ((i == 0 || path[i - 1] == '/') && slow_match(whole, rest + 1, path + i))
				return 1;
			if (!path[i])
				return 0;
		}
	}
	for (i = 0;; i++) { /* "**" */
		if (slow_match(whole, rest, path + i))
			return 1;
		if (!path[i])
			return 0;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_bytes)
{
	char text[GLOB_MAX + PATH_MAX_BYTES + 3];
	const char *glob = text;
	const char *path;
	struct stp_globs globs = {&glob, 1};

	if (data_bytes == 0 || data_bytes > sizeof(text) - 1)
		return 0;
	memcpy(text, data, data_bytes);
	text[data_bytes] = '\0';
	path = memchr(text, '\0', data_bytes);
	if (!path || strlen(glob) > GLOB_MAX)
		return 0;
	path++;
	if (strlen(path) > PATH_MAX_BYTES || !stp_glob_valid(glob) || strchr(glob, '['))
		return 0;
	if (stp_globs_match(&globs, path, strlen(path)) != slow_match(glob, glob, path))
		abort();
	return 0;
}
