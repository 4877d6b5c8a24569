/* SPDX-License-Identifier: Apache-2.0 */
#include "scan/names.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define STAGE "scan"
/* A buffer with less free space is full. Linux allows names of up to PATH_MAX - 1 bytes, and a FUSE
 * server packs each behind a header of at most 152: with less space than that it could not return a
 * long name, which would look like the end of the folder. */
#define ROOM_MIN (8 * 1024)
/* The part of an entry in front of its name. */
#define HEAD_BYTES offsetof(struct dirent64, d_name)

enum stp_errc stp_names_init(struct stp_names *names, struct stp_err *err)
{
	names->bytes = 0;
	names->buffer = malloc(STP_NAMES_BYTES);
	if (!names->buffer)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, NULL, "no memory to list folders");
	return STP_OK;
}

void stp_names_release(struct stp_names *names)
{
	free(names->buffer);
	names->buffer = NULL;
	names->bytes = 0;
}

enum stp_names_rest stp_names_read(struct stp_names *names, int folder_fd)
{
	names->bytes = 0;
	while (STP_NAMES_BYTES - names->bytes >= ROOM_MIN) {
		long got = syscall(SYS_getdents64, folder_fd, names->buffer + names->bytes,
		                   STP_NAMES_BYTES - names->bytes);

		if (got < 0 && errno == EINTR)
			continue;
		/* EINVAL: less space than the next name needs; ENOENT: removed while open */
		if (got < 0 && errno == EINVAL && names->bytes)
			return STP_NAMES_MORE;
		if (got < 0 && errno != ENOENT)
			return STP_NAMES_FAILED;
		if (got <= 0)
			return STP_NAMES_END;
		names->bytes += (size_t)got;
	}
	return STP_NAMES_MORE;
}

static int is_dot(const char *name)
{
	return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

static const char *problem_of(const char *text, size_t bytes)
{
	if (bytes == 0)
		return "holds an entry without a name; check its file system";
	if (memchr(text, '/', bytes))
		return "has a name with \"/\" in it; check its file system";
	return NULL;
}

int stp_names_next(const struct stp_names *names, size_t *at, struct stp_name *out_name)
{
	while (*at < names->bytes) {
		size_t left = names->bytes - *at;
		const struct dirent64 *entry = (const struct dirent64 *)(names->buffer + *at);
		size_t entry_bytes = left > HEAD_BYTES ? entry->d_reclen : 0;
		const char *end = NULL;

		out_name->at = *at;
		if (entry_bytes > HEAD_BYTES && entry_bytes <= left)
			end = memchr(entry->d_name, '\0', entry_bytes - HEAD_BYTES);
		if (!end) {
			*at = names->bytes;
			out_name->text = "";
			out_name->bytes = 0;
			out_name->type = DT_UNKNOWN;
			out_name->problem = "has a broken list of names; check its file system";
			return 1;
		}
		*at += entry_bytes;
		if (is_dot(entry->d_name))
			continue;
		out_name->text = entry->d_name;
		out_name->bytes = (size_t)(end - entry->d_name);
		out_name->type = entry->d_type;
		out_name->problem = problem_of(out_name->text, out_name->bytes);
		return 1;
	}
	return 0;
}

void stp_names_set_type(struct stp_names *names, const struct stp_name *name, unsigned type)
{
	((struct dirent64 *)(names->buffer + name->at))->d_type = (unsigned char)type;
}
