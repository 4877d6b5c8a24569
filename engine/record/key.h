/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys of records: SHA-256(path), many at once over the hash lanes.
 *
 * Shape      an array of records with path and path_bytes set.
 * Memory     4 KiB of the stack.
 * Ownership  the caller's records.
 * Threads    any thread; no state.
 */
#ifndef STP_RECORD_KEY_H
#define STP_RECORD_KEY_H

#include <stddef.h>

#include "record/record.h"

/* Fills key of records[0, count). */
void stp_record_keys(struct stp_record *records, size_t count);

#endif
