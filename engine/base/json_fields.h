/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fields of the JSON objects that `--json` and state/last-run.json hold, each always set the same
 * way.
 *
 * Shape      one call adds one field.
 * Memory     the object's.
 * Ownership  the object stays the caller's.
 * Threads    one thread per object.
 */
#ifndef STP_BASE_JSON_FIELDS_H
#define STP_BASE_JSON_FIELDS_H

#include <jansson.h>
#include <stdint.h>

void stp_json_set_u64(json_t *object, const char *name, uint64_t value);

/* YYYY-MM-DDTHH:MM:SSZ, or null for 0 (unknown). */
void stp_json_set_time(json_t *object, const char *name, int64_t epoch_s);

/* In milliseconds, because people read it, with three decimals, so that quick stages stay above
 * zero. */
void stp_json_set_seconds(json_t *object, const char *name, double seconds);

#endif
