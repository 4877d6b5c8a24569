/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The relative path from one folder to another, for the text of a symbolic link.
 *
 *	/srv/repo/public/targets, /srv/index  ─▶  ../../../index
 *
 * Shape      paths are text; nothing is looked up.
 * Memory     none.
 * Ownership  the caller's buffers.
 * Threads    any thread; no state.
 */
#ifndef STP_PUBLISH_RELATIVE_H
#define STP_PUBLISH_RELATIVE_H

#include <stddef.h>

/* The relative path from the folder from (a real path) to the folder to, both absolute; 0 when out
 * is too small. */
int stp_relative_path(const char *from, const char *to, char *out, size_t size);

#endif
