/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of keys and of their holders: what people read in payloads and compare, so it must look
 * like nothing else.
 */
#include <string.h>

#include "base/text.h"
#include "keys/key_description.h"

static int is_letter_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

const char *stp_key_name_problem(const char *name)
{
	size_t i;

	if (!name[0])
		return "a key needs a name";
	for (i = 0; name[i]; i++) {
		if (i == STP_KEY_NAME_BYTES_MAX)
			return "the name of a key has at most 64 characters";
		/* Nothing that a shell takes apart: names stand in commands that people copy. */
		if (!is_letter_or_digit(name[i]) && !strchr("._-+@", name[i]))
			return "the name of a key is of ASCII letters, digits, '.', '_', '-', '+' "
			       "and '@'";
	}
	if (!is_letter_or_digit(name[0]))
		return "the name of a key begins with a letter or a digit";
	return NULL;
}

/* Characters that have no width: a text with them looks like one without. */
static int is_invisible(unsigned point)
{
	return point == 0xad || point == 0x34f || point == 0x180e || point == 0x115f ||
	       point == 0x1160 || point == 0x3164 || point == 0xffa0 || point == 0xfeff ||
	       (point >= 0x200b && point <= 0x200d) || (point >= 0x2060 && point <= 0x2064) ||
	       (point >= 0xfe00 && point <= 0xfe0f) || (point >= 0xe0000 && point <= 0xe0fff);
}

/* Spaces that look like U+0020. */
static int is_other_space(unsigned point)
{
	return point == 0xa0 || point == 0x1680 || (point >= 0x2000 && point <= 0x200a) ||
	       point == 0x202f || point == 0x205f || point == 0x3000;
}

/* The scripts whose letters are drawn alike, one bit each; 0: none of them. */
static unsigned script_of(unsigned point)
{
	if ((point >= 'A' && point <= 'Z') || (point >= 'a' && point <= 'z') ||
	    (point >= 0xc0 && point <= 0x24f) || (point >= 0x1e00 && point <= 0x1eff) ||
	    (point >= 0xff21 && point <= 0xff5a))
		return 1;
	if ((point >= 0x370 && point <= 0x3ff) || (point >= 0x1f00 && point <= 0x1fff))
		return 2;
	if (point >= 0x400 && point <= 0x52f)
		return 4;
	if (point >= 0x531 && point <= 0x587)
		return 8;
	if (point >= 0x13a0 && point <= 0x13fd)
		return 16;
	return 0;
}

static const char *character_problem(const char *text, size_t left, size_t *out_bytes,
                                     unsigned *out_point)
{
	*out_bytes = stp_text_harmless(text, left);
	if (!*out_bytes)
		return "the holder of a key is UTF-8 without control characters";
	*out_point = stp_utf8_point(text, *out_bytes);
	if (is_invisible(*out_point) || is_other_space(*out_point))
		return "the holder of a key has characters that cannot be seen";
	return NULL;
}

const char *stp_key_holder_problem(const char *holder)
{
	size_t count = strlen(holder), at = 0, bytes;
	unsigned scripts = 0, point;

	if (count > STP_KEY_HOLDER_BYTES_MAX)
		return "the holder of a key has at most 128 bytes";
	if (count && (holder[0] == ' ' || holder[count - 1] == ' ' || strstr(holder, "  ")))
		return "the holder of a key has spaces where they cannot be seen";
	for (; at < count; at += bytes) {
		const char *problem = character_problem(holder + at, count - at, &bytes, &point);

		if (problem)
			return problem;
		scripts = point == ' ' ? 0 : scripts | script_of(point);
		if (scripts & (scripts - 1))
			return "the holder of a key has a word with letters of several scripts, "
			       "which look alike";
	}
	return NULL;
}
