/* SPDX-License-Identifier: Apache-2.0 */
#include "scan/tree_folder.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/beneath.h"
#include "base/faultpoint.h"
#include "base/file.h"
#include "scan/path.h"

#define STAGE "scan"
/* EAGAIN means that a rename raced with a lookup beneath the root. */
#define OPEN_TRIES_MAX 64

static struct stp_tree_folder *folder_create(struct stp_tree_opener *opener)
{
	struct stp_tree_folder *folder = opener->spare ? opener->spare : malloc(sizeof(*folder));

	opener->spare = NULL;
	if (folder) {
		atomic_init(&folder->refs, 1);
		folder->fd = -1;
	}
	return folder;
}

void stp_tree_folder_release(struct stp_tree_opener *opener, struct stp_tree_folder *folder)
{
	/* acquire-release: the last one must see the others' reads of fd done */
	if (atomic_fetch_sub_explicit(&folder->refs, 1, memory_order_acq_rel) != 1)
		return;
	stp_fd_close(&folder->fd);
	if (opener->spare)
		free(folder);
	else
		opener->spare = folder;
}

void stp_tree_folder_fault(const struct stp_tree_options *options, enum stp_errc code, int sys,
                           const char *path, size_t path_bytes, const char *text)
{
	stp_fault_add(options->faults, code, sys, STAGE, path, path_bytes, "%s", text);
}

static int open_beneath(const struct stp_tree_opener *opener, const char *path)
{
	struct open_how how = {
	    .flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
	    .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS |
	               (opener->options->flags & STP_TREE_CROSS ? 0 : RESOLVE_NO_XDEV),
	};
	int tries;

	for (tries = 0;; tries++) {
		long fd = stp_open_beneath(opener->root_fd, path, &how);

		if (fd >= 0 || (errno != EAGAIN && errno != EINTR) || tries == OPEN_TRIES_MAX)
			return (int)fd;
	}
}

/* Decides what to do about a folder that did not open: a lack of resources stops the walk,
 * everything else is a fault of this folder. */
static enum stp_errc open_failed(const struct stp_tree_options *options, const char *path,
                                 size_t path_bytes, int is_root, struct stp_err *err)
{
	int sys = errno;

	switch (sys) {
	case EMFILE:
	case ENFILE:
	case ENOMEM:
		return STP_FAIL_ERRNO(stp_hinted(err, STP_HINT_JOBS), sys, STAGE, path,
		                      "cannot open the folder; raise the limit (ulimit -n) or use "
		                      "fewer %s",
		                      stp_hint_text(STP_HINT_JOBS));
	default:
		break;
	}
	if (is_root)
		return STP_FAIL_ERRNO(err, sys, STAGE, path, "cannot read the folder");
	switch (sys) {
	case EXDEV: /* RESOLVE_NO_XDEV met a mount point */
		stp_tree_folder_fault(
		    options, STP_FORMAT, 0, path, path_bytes,
		    "is another file system mounted below the targets; exclude it, or set "
		    "\"mounts\": \"cross\" in stampede.json");
		break;
	case ELOOP: /* O_NOFOLLOW, RESOLVE_NO_SYMLINKS */
	case ENOTDIR:
		stp_tree_folder_fault(
		    options, STP_CHANGED, 0, path, path_bytes,
		    "was a folder and became something else during the scan; run again");
		break;
	case ENOENT:
		/* As if the scan had come a moment later. */
		if (options->flags & STP_TREE_LIVE)
			break;
		stp_tree_folder_fault(options, STP_CHANGED, 0, path, path_bytes,
		                      "vanished during the scan; run again");
		break;
	default:
		stp_tree_folder_fault(options, STP_IO, sys, path, path_bytes,
		                      "cannot read the folder");
		break;
	}
	return STP_OK;
}

/* Whether an open folder is one of those that must not be in the tree: a mount may bring any folder
 * there. */
static int must_be_apart(const struct stp_tree_options *options, int fd)
{
	struct stat here;
	struct stat there;
	size_t i;

	if (!(options->flags & STP_TREE_CROSS) || !options->apart_count || fstat(fd, &here) != 0)
		return 0;
	for (i = 0; i < options->apart_count; i++)
		if (fstat(options->apart[i], &there) == 0 && there.st_dev == here.st_dev &&
		    there.st_ino == here.st_ino)
			return 1;
	return 0;
}

enum stp_errc stp_tree_folder_open(struct stp_tree_opener *opener, const char *path,
                                   size_t path_bytes, unsigned depth,
                                   struct stp_tree_folder **out_folder, struct stp_err *err)
{
	const struct stp_tree_options *options = opener->options;
	size_t prefix_bytes = opener->prefix_bytes;
	struct stp_tree_folder *folder;
	enum stp_errc code;

	STP_FAULT_TRY(err, STAGE, "open", path[0] ? path : "targets");
	folder = folder_create(opener);
	if (!folder)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, path, "no memory for a folder");
	folder->depth = depth;
	folder->problem = NULL;
	folder->path_bytes = prefix_bytes + path_bytes;
	if (prefix_bytes)
		memcpy(folder->path, options->prefix, prefix_bytes);
	memcpy(folder->path + prefix_bytes, path, path_bytes + 1);
	folder->fd = open_beneath(opener, path_bytes ? path : ".");
	if (folder->fd < 0) {
		code = open_failed(options, folder->path, folder->path_bytes, path_bytes == 0, err);
		stp_tree_folder_release(opener, folder);
		return code;
	}
	if (must_be_apart(options, folder->fd)) {
		stp_tree_folder_fault(
		    options, STP_CONFIG, 0, folder->path, folder->path_bytes,
		    "is a folder of the repository, mounted below the targets; unmount it");
		stp_tree_folder_release(opener, folder);
		return STP_OK;
	}
	if (!(options->flags & STP_TREE_ANY_NAME) && folder->path_bytes)
		folder->problem = stp_path_problem(folder->path, folder->path_bytes);
	if (path_bytes)
		folder->path[folder->path_bytes++] = '/';
	*out_folder = folder;
	return STP_OK;
}
