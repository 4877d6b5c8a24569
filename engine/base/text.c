/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include <stdio.h>
#include <string.h>

static const char hex_digits[16] = {'0', '1', '2', '3', '4', '5', '6', '7',
                                    '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'};

size_t stp_text_escape(const char *bytes, size_t byte_count, char *out, size_t size)
{
	size_t used = 0;
	size_t i;

	if (size == 0)
		return 0;
	for (i = 0; i < byte_count; i++) {
		unsigned char c = (unsigned char)bytes[i];
		char piece[5];
		size_t n;

		if (c == '\\') {
			n = (size_t)snprintf(piece, sizeof(piece), "\\\\");
		} else if (c >= 0x20 && c < 0x7f) {
			piece[0] = (char)c;
			n = 1;
		} else {
			n = (size_t)snprintf(piece, sizeof(piece), "\\x%02x", c);
		}
		/* Room for this piece, and for "..." and the NUL unless it is the last. */
		if (used + n + (i + 1 < byte_count ? 4 : 1) > size) {
			while (used + 4 > size && used > 0)
				used--;
			if (used + 4 <= size) {
				memcpy(out + used, "...", 3);
				used += 3;
			}
			break;
		}
		memcpy(out + used, piece, n);
		used += n;
	}
	out[used] = '\0';
	return used;
}

void stp_hex_encode(const uint8_t *bytes, size_t byte_count, char *out)
{
	size_t i;

	for (i = 0; i < byte_count; i++) {
		out[2 * i] = hex_digits[bytes[i] >> 4];
		out[2 * i + 1] = hex_digits[bytes[i] & 15];
	}
}

/* Value of one hex digit, or 255. */
static unsigned hex_value(char c, int any_case)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned)(c - 'a') + 10;
	if (any_case && c >= 'A' && c <= 'F')
		return (unsigned)(c - 'A') + 10;
	return 255;
}

bool stp_hex_decode(const char *hex, size_t byte_count, uint8_t *out, int any_case)
{
	size_t i;

	for (i = 0; i < byte_count; i++) {
		unsigned high = hex_value(hex[2 * i], any_case);
		unsigned low = hex_value(hex[2 * i + 1], any_case);

		if ((high | low) > 15)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

bool stp_u64_parse(const char *text, size_t count, uint64_t *out)
{
	uint64_t value = 0;
	size_t i;

	if (count == 0 || (count > 1 && text[0] == '0'))
		return false;
	for (i = 0; i < count; i++) {
		unsigned digit = (unsigned)(text[i] - '0');

		if (digit > 9 || value > (UINT64_MAX - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*out = value;
	return true;
}

size_t stp_u64_format(uint64_t value, char *out)
{
	char reversed[20];
	size_t count = 0;
	size_t i;

	do {
		reversed[count++] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	for (i = 0; i < count; i++)
		out[i] = reversed[count - 1 - i];
	return count;
}

char *stp_bytes_format(uint64_t bytes, char *out)
{
	static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
	double value = (double)bytes;
	size_t unit = 0;

	while (value >= 1000 && unit < 6) {
		value /= 1000;
		unit++;
	}
	snprintf(out, 32, unit ? "%.2f %s" : "%.0f %s", value, units[unit]);
	return out;
}

char *stp_count_format(uint64_t count, char *out)
{
	char digits[20];
	size_t n = stp_u64_format(count, digits);
	size_t used = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		if (i && (n - i) % 3 == 0)
			out[used++] = ',';
		out[used++] = digits[i];
	}
	out[used] = '\0';
	return out;
}
