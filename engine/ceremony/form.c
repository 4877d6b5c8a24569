/* SPDX-License-Identifier: Apache-2.0 */
#include "ceremony/form.h"

#include <string.h>

#include "base/text.h"
#include "scheme/scheme.h"

/* Whether name is a word of list. */
static int has_word(const char *list, const char *name)
{
	size_t count = strlen(name);
	const char *at = list;

	while (count && (at = strstr(at, name)) != NULL) {
		if ((at == list || at[-1] == ' ') && (at[count] == ' ' || at[count] == '\0'))
			return !strchr(name, ' ');
		at += count;
	}
	return 0;
}

static size_t word_count(const char *list)
{
	size_t count = *list != '\0';

	for (; *list; list++)
		count += *list == ' ';
	return count;
}

int stp_form_members_ok(const json_t *object, const char *needed, const char *optional)
{
	size_t found = 0;
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)object, name, value)
	{
		if (has_word(needed, name))
			found++;
		else if (!has_word(optional, name))
			return 0;
	}
	return found == word_count(needed);
}

int stp_form_is(const json_t *value, const char *text)
{
	return json_is_string(value) && json_string_length(value) == strlen(text) &&
	       memcmp(json_string_value(value), text, strlen(text)) == 0;
}

int stp_form_hex(const json_t *value, uint8_t *out, size_t count)
{
	return json_is_string(value) && json_string_length(value) == 2 * count &&
	       stp_hex_decode(json_string_value(value), count, out, 0);
}

int stp_form_text_ok(const char *text, size_t count, size_t min, size_t max)
{
	size_t at = 0;

	if (count < min || count > max)
		return 0;
	while (at < count) {
		size_t bytes = stp_text_harmless(text + at, count - at);

		if (!bytes)
			return 0;
		at += bytes;
	}
	return 1;
}

int stp_form_keyid_ok(const char *text, size_t count)
{
	uint8_t bytes[STP_KEYID_CHARS / 2];

	return count == STP_KEYID_CHARS && stp_hex_decode(text, sizeof(bytes), bytes, 0);
}
