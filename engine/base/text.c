/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include <stdio.h>
#include <string.h>

static const char hex_digits[16] = {'0', '1', '2', '3', '4', '5', '6', '7',
                                    '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'};

/* Text being built: at most size bytes with the NUL, cut only between pieces. */
struct shown {
	char *out;
	size_t size;
	size_t used;
};

/* Puts "..." at the end, replacing as many whole characters as necessary. */
static void cut(struct shown *shown)
{
	while (shown->used + 4 > shown->size && shown->used > 0) {
		shown->used--;
		while (shown->used > 0 && ((unsigned char)shown->out[shown->used] & 0xc0) == 0x80)
			shown->used--;
	}
	if (shown->used + 4 > shown->size)
		return;
	memcpy(shown->out + shown->used, "...", 3);
	shown->used += 3;
}

/* Appends a piece, leaving space for "..." behind it unless it is the last; 0 after cutting. */
static int put(struct shown *shown, const char *piece, size_t count, int is_last)
{
	if (shown->used + count + (is_last ? 1 : 4) > shown->size) {
		cut(shown);
		return 0;
	}
	memcpy(shown->out + shown->used, piece, count);
	shown->used += count;
	return 1;
}

size_t stp_text_escape(const char *bytes, size_t byte_count, char *out, size_t size)
{
	struct shown shown = {out, size, 0};
	size_t i;

	if (size == 0)
		return 0;
	for (i = 0; i < byte_count; i++) {
		unsigned char c = (unsigned char)bytes[i];
		char piece[5];
		size_t n = 1;

		piece[0] = (char)c;
		if (c == '\\')
			n = (size_t)snprintf(piece, sizeof(piece), "\\\\");
		else if (c < 0x20 || c >= 0x7f)
			n = (size_t)snprintf(piece, sizeof(piece), "\\x%02x", c);
		if (!put(&shown, piece, n, i + 1 == byte_count))
			break;
	}
	out[shown.used] = '\0';
	return shown.used;
}

size_t stp_utf8_bytes(const char *bytes, size_t byte_count)
{
	const unsigned char *at = (const unsigned char *)bytes;
	size_t count;
	size_t i;

	if (byte_count == 0 || (at[0] >= 0x80 && at[0] < 0xc2) || at[0] > 0xf4)
		return 0;
	count = at[0] < 0x80 ? 1 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
	if (count > byte_count)
		return 0;
	for (i = 1; i < count; i++)
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	/* Overlong forms, surrogates, and code points beyond U+10FFFF. */
	if ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f) ||
	    (at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] > 0x8f))
		return 0;
	return count;
}

unsigned stp_utf8_point(const char *bytes, size_t count)
{
	static const unsigned char head[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	unsigned point = (unsigned char)bytes[0] & head[count];
	size_t i;

	for (i = 1; i < count; i++)
		point = point << 6 | ((unsigned char)bytes[i] & 0x3fu);
	return point;
}

size_t stp_text_harmless(const char *bytes, size_t byte_count)
{
	size_t count = stp_utf8_bytes(bytes, byte_count);
	unsigned point = count ? stp_utf8_point(bytes, count) : 0;

	if (point < 0x20 || (point >= 0x7f && point < 0xa0) || point == 0x61c || point == 0x200e ||
	    point == 0x200f || (point >= 0x2028 && point <= 0x202e) ||
	    (point >= 0x2066 && point <= 0x2069))
		return 0;
	return count;
}

size_t stp_text_clean(const char *bytes, size_t byte_count, char *out, size_t size)
{
	struct shown shown = {out, size, 0};
	size_t i = 0;

	if (size == 0)
		return 0;
	while (i < byte_count) {
		size_t count = stp_text_harmless(bytes + i, byte_count - i);
		const char *from = bytes + i;
		char piece[5];
		size_t n = count;

		if (!count) {
			n = (size_t)snprintf(piece, sizeof(piece), "\\x%02x",
			                     (unsigned char)bytes[i]);
			from = piece;
			count = 1;
		}
		i += count;
		if (!put(&shown, from, n, i == byte_count))
			break;
	}
	out[shown.used] = '\0';
	return shown.used;
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

int stp_hex_decode(const char *hex, size_t byte_count, uint8_t *out, int any_case)
{
	size_t i;

	for (i = 0; i < byte_count; i++) {
		unsigned high = hex_value(hex[2 * i], any_case);
		unsigned low = hex_value(hex[2 * i + 1], any_case);

		if ((high | low) > 15)
			return 0;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return 1;
}

int stp_u64_parse(const char *text, size_t count, uint64_t *out)
{
	uint64_t value = 0;
	size_t i;

	if (count == 0 || (count > 1 && text[0] == '0'))
		return 0;
	for (i = 0; i < count; i++) {
		unsigned digit = (unsigned)(text[i] - '0');

		if (digit > 9 || value > (UINT64_MAX - digit) / 10)
			return 0;
		value = value * 10 + digit;
	}
	*out = value;
	return 1;
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
