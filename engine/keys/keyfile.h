/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that hold secrets: read only if nobody else can read them, and into locked memory.
 *
 * Shape      a folder by descriptor, plain file names in it.
 * Memory     sodium_malloc; no content passes through the heap or stdio.
 * Ownership  free what read returns with sodium_free(), which wipes it.
 * Threads    any thread; no state.
 */
#ifndef STP_KEYS_KEYFILE_H
#define STP_KEYS_KEYFILE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Reads all of name (1 … STP_KEY_FILE_BYTES_MAX bytes). STP_KEY when group or others have access to
 * the file or the folder, when either belongs to another user, or when the file is a link or not a
 * regular file. */
enum stp_errc stp_keyfile_read(int folder_fd, const char *name, uint8_t **out_bytes,
                               size_t *out_count, struct stp_err *err) STP_MUST_CHECK;

/* Writes the new file name, with mode 0600 from the start, durably, never over another. STP_KEY
 * when it exists, or when the folder is not 0700 and owned by the caller. */
enum stp_errc stp_keyfile_create(int folder_fd, const char *name, const uint8_t *bytes,
                                 size_t count, struct stp_err *err) STP_MUST_CHECK;

#endif
