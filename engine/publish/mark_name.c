/* SPDX-License-Identifier: Apache-2.0 */
#include "publish/mark_name.h"

#include <string.h>

#define TOP       STP_MARKS_FOLDER "/"
#define TOP_BYTES (sizeof(TOP) - 1)
#define LONG      STP_MARKS_LONG_FOLDER "/"
#define DIVISION  '"'
#define REST      (STP_MARK_DIGITS - STP_MARK_SHARD_DIGITS)

static size_t folder_count(const char *path, size_t path_bytes)
{
	size_t count = 0;
	size_t i;

	for (i = 0; i < path_bytes; i++)
		count += path[i] == '/';
	return count;
}

static size_t long_name(const char *path, size_t path_bytes, const char *hex, char *out)
{
	const char *slash = memrchr(path, '/', path_bytes);
	size_t folder_bytes = slash ? (size_t)(slash - path) + 1 : 0;
	char *at = out;

	if (STP_MARK_DIGITS + 1 + path_bytes - folder_bytes > STP_NAME_BYTES_MAX ||
	    TOP_BYTES + sizeof(LONG) - 1 + path_bytes + STP_MARK_DIGITS + 1 > STP_PATH_BYTES_MAX)
		return 0;
	at = mempcpy(at, TOP LONG, TOP_BYTES + sizeof(LONG) - 1);
	at = mempcpy(at, path, folder_bytes);
	at = mempcpy(at, hex, STP_MARK_DIGITS);
	*at++ = '.';
	at = mempcpy(at, path + folder_bytes, path_bytes - folder_bytes);
	*at = '\0';
	return (size_t)(at - out);
}

size_t stp_mark_name(const char *path, size_t path_bytes, const char *hex,
                     char out[STP_MARK_NAME_BYTES])
{
	size_t folders = folder_count(path, path_bytes);
	size_t missing = STP_MARK_FOLDERS_MAX - folders;
	const char *slash = memrchr(path, '/', path_bytes);
	size_t folder_bytes = slash ? (size_t)(slash - path) : 0;
	char *at = out;
	char *begin;

	if (folders > STP_MARK_FOLDERS_MAX || REST + 1 + path_bytes + missing > STP_NAME_BYTES_MAX)
		return long_name(path, path_bytes, hex, out);
	at = mempcpy(at, TOP, TOP_BYTES);
	at = mempcpy(at, hex, STP_MARK_SHARD_DIGITS);
	*at++ = '/';
	at = mempcpy(at, hex + STP_MARK_SHARD_DIGITS, REST);
	*at++ = '.';
	begin = at;
	at = mempcpy(at, path, folder_bytes);
	for (; begin < at; begin++)
		if (*begin == '/')
			*begin = DIVISION;
	memset(at, DIVISION, missing);
	at += missing;
	at = mempcpy(at, path + folder_bytes, path_bytes - folder_bytes);
	if (slash)
		at[-(ptrdiff_t)(path_bytes - folder_bytes)] = DIVISION;
	*at = '\0';
	return (size_t)(at - out);
}

static int is_hex(const char *text, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (!((text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f')))
			return 0;
	return 1;
}

/* The inverse of long_name(): name is what follows ".signed/long/". */
static int parse_long(const char *name, size_t count, char *out_path, char *out_hex)
{
	const char *slash = memrchr(name, '/', count);
	size_t folder_bytes = slash ? (size_t)(slash - name) + 1 : 0;
	const char *file = name + folder_bytes;
	size_t file_bytes = count - folder_bytes;

	if (file_bytes < STP_MARK_DIGITS + 2 || !is_hex(file, STP_MARK_DIGITS) ||
	    file[STP_MARK_DIGITS] != '.')
		return 0;
	memcpy(out_hex, file, STP_MARK_DIGITS);
	memcpy(out_path, name, folder_bytes);
	memcpy(out_path + folder_bytes, file + STP_MARK_DIGITS + 1,
	       file_bytes - STP_MARK_DIGITS - 1);
	out_path[count - STP_MARK_DIGITS - 1] = '\0';
	return 1;
}

/* Decodes the path of a flat mark: separators become "/", those of absent folders are dropped. */
static int parse_flat(const char *text, size_t count, char *out_path)
{
	size_t divisions = 0;
	size_t used = 0;
	size_t i;

	for (i = 0; i < count; i++) {
		if (text[i] != DIVISION) {
			out_path[used++] = text[i];
			continue;
		}
		divisions++;
		if (used && out_path[used - 1] != '/')
			out_path[used++] = '/';
	}
	out_path[used] = '\0';
	return divisions == STP_MARK_FOLDERS_MAX && used && out_path[used - 1] != '/';
}

int stp_mark_parse(const char *name, size_t name_bytes, char out_path[STP_MARK_NAME_BYTES],
                   char out_hex[STP_MARK_DIGITS + 1])
{
	char again[STP_MARK_NAME_BYTES];
	const char *at = name + TOP_BYTES;
	size_t left = name_bytes - TOP_BYTES;
	int found;

	if (name_bytes <= TOP_BYTES + STP_MARK_SHARD_DIGITS + 1 + REST + 1 ||
	    name_bytes >= STP_MARK_NAME_BYTES || memcmp(name, TOP, TOP_BYTES) != 0)
		return 0;
	out_hex[STP_MARK_DIGITS] = '\0';
	if (memcmp(at, LONG, sizeof(LONG) - 1) == 0) {
		found =
		    parse_long(at + sizeof(LONG) - 1, left - (sizeof(LONG) - 1), out_path, out_hex);
	} else {
		const char *rest = at + STP_MARK_SHARD_DIGITS + 1;

		found = is_hex(at, STP_MARK_SHARD_DIGITS) && rest[-1] == '/' &&
		        is_hex(rest, REST) && rest[REST] == '.' &&
		        parse_flat(rest + REST + 1, left - STP_MARK_SHARD_DIGITS - 1 - REST - 1,
		                   out_path);
		memcpy(out_hex, at, STP_MARK_SHARD_DIGITS);
		memcpy(out_hex + STP_MARK_SHARD_DIGITS, rest, REST);
	}
	/* A path has exactly one mark: any other spelling is not a mark. */
	return found && stp_mark_name(out_path, strlen(out_path), out_hex, again) == name_bytes &&
	       memcmp(again, name, name_bytes) == 0;
}
