/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether one folder is inside another: decided by device and inode, not by names, so that links,
 * bind mounts and ".." in a path change nothing.
 *
 * Shape      two descriptors in, true or false out.
 * Memory     none.
 * Ownership  descriptors stay the caller's.
 * Threads    any thread.
 */
#ifndef STP_BASE_INSIDE_H
#define STP_BASE_INSIDE_H

/* True when folder_fd is the folder outer_fd or is anywhere beneath it. Both may be O_PATH. 0 as
 * well when a folder on the way up cannot be examined. */
int stp_folder_is_inside(int folder_fd, int outer_fd);

#endif
