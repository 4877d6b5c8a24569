/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names that stampede makes in public/, recognised by their exact form: code that cleans up
 * there must remove nothing else.
 *
 *	public/metadata   timestamp.json, V.ROLE.json
 *	                  (ROLE: root, targets, bins, snapshot, PREFIX-HEX)
 *	public/targets    DIR/HASH.NAME
 *
 * Both may contain temporary files (base/file.h).
 *
 * Shape      NUL-terminated names without folders.
 * Memory     none.
 * Ownership  the caller's.
 * Threads    any thread; no state.
 */
#ifndef STP_PUBLISH_NAMES_H
#define STP_PUBLISH_NAMES_H

#include <stddef.h>
#include <stdint.h>

enum stp_metadata_name {
	STP_NAME_OTHER, /* not made by stampede */
	STP_NAME_TIMESTAMP,
	STP_NAME_ROOT,
	STP_NAME_TARGETS,
	STP_NAME_BINS,
	STP_NAME_SNAPSHOT,
	STP_NAME_BIN,
};

/* The kind of name in public/metadata, with its version (1 to STP_VERSION_MAX, no leading zeros; 0
 * for the timestamp). Names of bins begin with bin_prefix. */
enum stp_metadata_name stp_metadata_name(const char *name, const char *bin_prefix,
                                         uint64_t *out_version);

/* True when role (NUL-terminated) is PREFIX-HEX with any prefix that a configuration may have. */
int stp_bin_role_is(const char *role);

/* Writes DIR/HEX.NAME, under which clients request the target at path, NUL-terminated into out; its
 * length, or 0 when size is too small. HEX has hex_chars digits. */
size_t stp_target_name(const char *path, size_t path_bytes, const char *hex, size_t hex_chars,
                       char *out, size_t size);

/* Hex digits before the dot when name is HASH.NAME with a lower-case digest of exactly the length
 * of one of the algorithms, else 0. */
size_t stp_target_name_hex(const char *name);

#endif
