/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of files in public/metadata. Only names of stampede's own form count for anything: what
 *else lies there is somebody's, and is neither believed nor removed.
 *
 *	timestamp.json          STP_NAME_TIMESTAMP
 *	V.root.json             STP_NAME_ROLE       also targets and bins: versions of their own
 *	V.snapshot.json         STP_NAME_SNAPSHOT   V is the version of a run
 *	V.bin-n-3fff.json       STP_NAME_BIN        the prefix and 1 to 5 lower-case hex digits
 *
 * V is decimal without leading zeros, from 1 to STP_VERSION_MAX.
 *
 * Shape      a name in, its kind and version out.
 * Memory     none.
 * Ownership  none.
 * Threads    any thread; no state.
 */
#ifndef STP_PUBLISH_NAMES_H
#define STP_PUBLISH_NAMES_H

#include <stddef.h>
#include <stdint.h>

enum stp_name_kind {
	STP_NAME_OTHER,
	STP_NAME_TIMESTAMP,
	STP_NAME_ROLE,
	STP_NAME_SNAPSHOT,
	STP_NAME_BIN,
};

/* The kind of name, NUL-terminated, with bins called bin_prefix. *out_version is set for roles,
 * snapshots and bins; *out_role to where the role's name starts in name, "root.json" and so on,
 * unless it is NULL. */
enum stp_name_kind stp_name_kind(const char *name, const char *bin_prefix, uint64_t *out_version,
                                 const char **out_role);

#endif
