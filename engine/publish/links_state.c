/* SPDX-License-Identifier: Apache-2.0 */
#include "publish/links_state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "publish/folders.h"
#include "publish/names.h"

enum stp_links_need stp_links_need(const struct stp_links *links)
{
	return links->need;
}

int stp_links_are_hard(const struct stp_links *links)
{
	return links->mode == STP_TARGET_FILES_ALL && links->config->link == STP_LINK_HARDLINK;
}

int stp_links_is_mutable(const struct stp_links *links, const struct stp_record *record)
{
	return stp_globs_match(&links->config->mutable_globs, record->path, record->path_bytes);
}

enum stp_link stp_links_kind(const struct stp_links *links, int is_mutable)
{
	return is_mutable && links->config->link != STP_LINK_REFLINK ? STP_LINK_COPY
	                                                             : links->config->link;
}

int stp_links_text(const char *base, const char *path, size_t path_bytes, char out[PATH_MAX])
{
	size_t used = 0;
	size_t i;
	int count;

	/* "../" per folder, the way to the targets folder, the path. */
	for (i = 0; i < path_bytes; i++) {
		if (path[i] != '/')
			continue;
		if (used + 4 >= PATH_MAX)
			return 0;
		memcpy(out + used, "../", 3);
		used += 3;
	}
	count = snprintf(out + used, PATH_MAX - used, "%s/%.*s", base, (int)path_bytes, path);
	return count > 0 && (size_t)count < PATH_MAX - used;
}

int stp_links_open(const struct stp_links *links, const char *path)
{
	return stp_folders_open(links->targets_dir_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
}

int stp_links_is_moved(int sys_errno)
{
	switch (sys_errno) {
	case ENOENT:
	case ENOTDIR:
	case ELOOP: /* a symbolic link */
	case ENXIO: /* a socket */
		return 1;
	default:
		return 0;
	}
}

enum stp_errc stp_links_copier(struct stp_links *links, struct stp_links_worker *worker,
                               struct stp_copier **out_copier, struct stp_err *err)
{
	if (!worker->copier)
		STP_TRY(stp_copier_create(links->config->hash_set, links->cancel, &worker->copier,
		                          err));
	*out_copier = worker->copier;
	return STP_OK;
}

size_t stp_links_name(const struct stp_links *links, const struct stp_record *record,
                      const char *path, size_t path_bytes, enum stp_alg alg, char *out, size_t size)
{
	char hex[2 * STP_DIGEST_BYTES_MAX];
	size_t bytes = stp_alg_digest_bytes(alg);

	stp_hex_encode(record->digests + stp_alg_set_offset(links->config->hash_set, alg), bytes,
	               hex);
	return stp_target_name(path, path_bytes, hex, 2 * bytes, out, size);
}
