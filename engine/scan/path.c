/* SPDX-License-Identifier: Apache-2.0 */
#include "scan/path.h"

#include <string.h>

#include "base/any16.h"
#include "base/limits.h"

/* What is wrong with a segment other than its bytes. */
static const char *segment_problem(const char *name, size_t name_bytes)
{
	if (name_bytes == 0)
		return "has an empty segment; name every folder of the path";
	if (name_bytes > STP_NAME_BYTES_MAX)
		return "has a name of more than 255 bytes; rename it";
	if (name[0] == '.' && (name_bytes == 1 || (name_bytes == 2 && name[1] == '.')))
		return "has a \".\" or \"..\" segment; write the path without it";
	return NULL;
}

/* Everything that is not printable ASCII, and '"' and '\\'. */
static inline stp_bytes16 is_unclean(stp_bytes16 text)
{
	return (stp_bytes16)(text - 0x20 > 0x7e - 0x20) | (stp_bytes16)(text == '"') |
	       (stp_bytes16)(text == '\\');
}

const char *stp_path_name_problem(const char *name, size_t name_bytes)
{
	const char *problem = segment_problem(name, name_bytes);
	size_t i;

	if (problem)
		return problem;
	for (i = 0; i < name_bytes; i++) {
		unsigned char byte = (unsigned char)name[i];

		if (byte < 0x20 || byte > 0x7e)
			return "is not printable ASCII, so clients would not agree on its "
			       "canonical "
			       "form; rename it";
		if (byte == '"' || byte == '\\')
			return "has a '\"' or '\\' in it, which clients escape differently; rename "
			       "it";
		if (byte == '/')
			return "has a \"/\" in a name";
	}
	return NULL;
}

const char *stp_path_problem(const char *path, size_t path_bytes)
{
	size_t start = 0;
	size_t folders = 0;
	int clean;

	if (path_bytes == 0)
		return "is empty; name a file";
	if (path_bytes > STP_PATH_BYTES_MAX)
		return "is longer than 4,095 bytes; shorten it";
	if (path[0] == '/')
		return "is absolute; write it relative to the targets folder";
	clean = !stp_any16(path, path_bytes, is_unclean);
	for (;;) {
		const char *slash = memchr(path + start, '/', path_bytes - start);
		size_t end = slash ? (size_t)(slash - path) : path_bytes;
		const char *problem = clean ? segment_problem(path + start, end - start)
		                            : stp_path_name_problem(path + start, end - start);

		if (problem)
			return problem;
		if (!slash)
			return NULL;
		if (++folders > STP_TREE_DEPTH_MAX)
			return "is more than 128 folders deep; flatten the path";
		start = end + 1;
	}
}
