/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The path rules against the same rules in their simplest form: scan/path.c tests sixteen bytes at
 * a time.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "scan/path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_bytes);

static int is_good(const char *path, size_t count)
{
	size_t folders = 0;
	size_t start = 0;
	size_t i;

	if (!count || count > STP_PATH_BYTES_MAX)
		return 0;
	for (i = 0; i <= count; i++) {
		if (i < count && path[i] != '/') {
			if (path[i] < 0x20 || path[i] > 0x7e || path[i] == '"' || path[i] == '\\')
				return 0;
			continue;
		}
		if (i == start || i - start > STP_NAME_BYTES_MAX)
			return 0;
		if ((i - start == 1 && path[start] == '.') ||
		    (i - start == 2 && path[start] == '.' && path[start + 1] == '.'))
			return 0;
		folders += i < count;
		start = i + 1;
	}
	return folders <= STP_TREE_DEPTH_MAX;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_bytes)
{
	const char *problem = stp_path_problem((const char *)data, data_bytes);

	if ((problem == NULL) != is_good((const char *)data, data_bytes)) {
		fprintf(stderr, "path: %s\n", problem ? problem : "good");
		abort();
	}
	return 0;
}
