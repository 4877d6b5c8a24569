/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opens and makes files and folders beneath a folder, without following symbolic links.
 *
 * Shape      a folder's descriptor and a path relative to it.
 * Memory     none.
 * Ownership  descriptors returned are the caller's.
 * Threads    any thread; no state.
 */
#ifndef STP_PUBLISH_FOLDERS_H
#define STP_PUBLISH_FOLDERS_H

/* A descriptor, or -1 with errno. flags as for open(2). */
int stp_folders_open(int folder_fd, const char *path, int flags);

/* Makes the folders of path one by one (0755 with any umask); existing ones are not changed. 0, or
 * -1 with errno. */
int stp_folders_make(int folder_fd, const char *path);

/* Removes the first symbolic link among the folders of path, if there is one, so that a folder can
 * be made in its place. 0, or -1 with errno. */
int stp_folders_unlink(int folder_fd, const char *path);

#endif
