/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json_fields.h"

#include "base/clock.h"

void stp_json_set_u64(json_t *object, const char *name, uint64_t value)
{
	json_object_set_new(object, name, json_integer((json_int_t)value));
}

void stp_json_set_time(json_t *object, const char *name, int64_t epoch_s)
{
	char text[STP_TIME_BYTES + 1];

	if (epoch_s)
		stp_time_format(epoch_s, text);
	json_object_set_new(object, name, epoch_s ? json_string(text) : json_null());
}

void stp_json_set_seconds(json_t *object, const char *name, double seconds)
{
	json_object_set_new(object, name, json_real((double)(int64_t)(seconds * 1e6 + 0.5) / 1e6));
}
