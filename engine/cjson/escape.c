/* SPDX-License-Identifier: Apache-2.0 */
#include "cjson/escape.h"

#include <string.h>

size_t stp_cjson_escape(uint8_t control, uint8_t out[STP_CJSON_ESCAPE_BYTES_MAX])
{
	static const char digits[16] = "0123456789abcdef";

	out[0] = '\\';
	if (control == '\n' || control == '\r' || control == '\t') {
		out[1] = control == '\n' ? 'n' : control == '\r' ? 'r' : 't';
		return 2;
	}
	memcpy(out + 1, "u00", 3);
	out[4] = (uint8_t)digits[control >> 4];
	out[5] = (uint8_t)digits[control & 15];
	return STP_CJSON_ESCAPE_BYTES_MAX;
}

/* The control character that an escape represents, 0 when it represents none. */
static uint8_t candidate(const uint8_t *bytes, size_t count)
{
	if (count < 2 || bytes[0] != '\\')
		return 0;
	if (bytes[1] == 'n')
		return '\n';
	if (bytes[1] == 'r')
		return '\r';
	if (bytes[1] == 't')
		return '\t';
	if (count < STP_CJSON_ESCAPE_BYTES_MAX || (bytes[4] != '0' && bytes[4] != '1'))
		return 0;
	if (bytes[5] >= '0' && bytes[5] <= '9')
		return (uint8_t)((bytes[4] - '0') << 4 | (bytes[5] - '0'));
	if (bytes[5] >= 'a' && bytes[5] <= 'f')
		return (uint8_t)((bytes[4] - '0') << 4 | (bytes[5] - 'a' + 10));
	return 0;
}

size_t stp_cjson_escaped_control(const uint8_t *bytes, size_t count, uint8_t *out_control)
{
	uint8_t control = candidate(bytes, count);
	uint8_t only[STP_CJSON_ESCAPE_BYTES_MAX];
	size_t escape_bytes;

	if (control == 0)
		return 0;
	/* Only the spelling that is written for it: "\u000a" is refused. */
	escape_bytes = stp_cjson_escape(control, only);
	if (escape_bytes > count || memcmp(bytes, only, escape_bytes) != 0)
		return 0;
	*out_control = control;
	return escape_bytes;
}
