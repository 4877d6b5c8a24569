/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Path rules: what is accepted must follow every rule of engine/TUF.md, written here in another
 * way.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "scan/path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The rules over a NUL-terminated copy, with the C library's words. */
static int is_allowed(char *path, size_t size)
{
	char *rest = path;
	char *segment;
	size_t folders = 0;
	size_t i;

	if (size == 0 || size > STP_PATH_BYTES_MAX || strlen(path) != size)
		return 0;
	for (i = 0; i < size; i++) {
		if (path[i] < ' ' || path[i] > '~' || strchr("\"\\", path[i]))
			return 0;
	}
	while ((segment = strsep(&rest, "/")) != NULL) {
		if (*segment == '\0' || strlen(segment) > STP_NAME_BYTES_MAX ||
		    strcmp(segment, ".") == 0 || strcmp(segment, "..") == 0)
			return 0;
		folders += rest != NULL;
	}
	return folders <= STP_TREE_DEPTH_MAX;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *path = malloc(size + 1);
	int accepted;

	if (!path)
		return 0;
	/* exactly size bytes for the reader under test, so that one too far is seen */
	memcpy(path, data, size);
	accepted = stp_path_problem((const char *)data, size) == NULL;
	if (accepted && stp_path_name_problem((const char *)data, size) != NULL &&
	    !memchr(data, '/', size))
		abort();
	path[size] = '\0';
	if (accepted != is_allowed(path, size))
		abort();
	free(path);
	return 0;
}
