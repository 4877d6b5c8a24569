/* SPDX-License-Identifier: Apache-2.0 */
#include "list/name.h"

#include <stdio.h>
#include <string.h>

/* The longest known name, normalized: blake2b256hexdigest. */
#define KNOWN_NAME_MAX 24

/* Normalizes into out: lower case, without "-", "_" and " "; returns its bytes, or 0 when it is too
 * long. */
static size_t normalize(const char *name, size_t name_bytes, char out[KNOWN_NAME_MAX])
{
	size_t count = 0;
	size_t i;

	for (i = 0; i < name_bytes; i++) {
		char c = name[i];

		if (i && i + 1 < name_bytes && (c == '-' || c == '_' || c == ' '))
			continue;
		if (count == KNOWN_NAME_MAX)
			return 0;
		out[count++] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
	}
	return count;
}

static int equals(const char *text, size_t count, const char *word)
{
	return strlen(word) == count && memcmp(text, word, count) == 0;
}

/* The algorithm of a digest's column, or -1. */
static int find_alg(const char *text, size_t count)
{
	static const struct {
		const char *text;
		enum stp_alg alg;
	} algs[] = {
	    {"sha256", STP_ALG_SHA256},          {"sha2256", STP_ALG_SHA256},
	    {"sha512", STP_ALG_SHA512},          {"sha2512", STP_ALG_SHA512},
	    {"blake2b256", STP_ALG_BLAKE2B_256}, {"blake2256", STP_ALG_BLAKE2B_256},
	};
	static const char *const suffixes[] = {"", "digest", "hexdigest", "hash", "hex", "sum"};
	size_t i;
	size_t j;

	for (i = 0; i < sizeof(algs) / sizeof(*algs); i++) {
		size_t used = strlen(algs[i].text);

		if (count < used || memcmp(text, algs[i].text, used) != 0)
			continue;
		for (j = 0; j < sizeof(suffixes) / sizeof(*suffixes); j++)
			if (equals(text + used, count - used, suffixes[j]))
				return (int)algs[i].alg;
	}
	return -1;
}

enum stp_list_field stp_list_field_from_name(const char *name, size_t name_bytes)
{
	static const struct {
		const char *text;
		enum stp_list_field field;
	} words[] = {
	    {"path", STP_LIST_PATH},
	    {"name", STP_LIST_PATH},
	    {"filename", STP_LIST_PATH},
	    {"filepath", STP_LIST_PATH},
	    {"length", STP_LIST_LENGTH},
	    {"size", STP_LIST_LENGTH},
	    {"bytes", STP_LIST_LENGTH},
	    {"filesize", STP_LIST_LENGTH},
	    {"filelength", STP_LIST_LENGTH},
	    {"sizebytes", STP_LIST_LENGTH},
	    {"lengthbytes", STP_LIST_LENGTH},
	    {"sizeinbytes", STP_LIST_LENGTH},
	    {"filesizebytes", STP_LIST_LENGTH},
	    {"file", STP_LIST_PATH},
	    {"op", STP_LIST_OP},
	    {"rows", STP_LIST_ROWS},
	};
	char text[KNOWN_NAME_MAX];
	size_t count = normalize(name, name_bytes, text);
	size_t i;
	int alg;

	for (i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (equals(text, count, words[i].text))
			return words[i].field;
	alg = find_alg(text, count);
	return alg < 0 ? STP_LIST_UNKNOWN : (enum stp_list_field)(STP_LIST_DIGEST + alg);
}

const char *stp_list_field_name(enum stp_list_field field)
{
	if (field >= STP_LIST_DIGEST && field < STP_LIST_FIELD_COUNT)
		return stp_alg_name((enum stp_alg)(field - STP_LIST_DIGEST));
	if (field == STP_LIST_OP)
		return "op";
	if (field == STP_LIST_ROWS)
		return "rows";
	return field == STP_LIST_PATH ? "path" : "length";
}

void stp_list_name_add(struct stp_list_name_set *set, const char *name, size_t name_bytes)
{
	char text[STP_LIST_NAME_MAX + 1];
	size_t place = 0;
	int order = 1;

	if (name_bytes > STP_LIST_NAME_MAX)
		name_bytes = STP_LIST_NAME_MAX;
	memcpy(text, name, name_bytes);
	text[name_bytes] = '\0';
	while (place < set->count && (order = strcmp(text, set->names[place])) > 0)
		place++;
	if (place < set->count && order == 0)
		return;
	if (set->count == STP_LIST_NAMES_KEPT) {
		set->has_more = 1;
		if (place == STP_LIST_NAMES_KEPT)
			return;
		set->count--; /* the alphabetically last one is dropped */
	}
	memmove(set->names[place + 1], set->names[place],
	        (set->count - place) * sizeof(set->names[0]));
	memcpy(set->names[place], text, name_bytes + 1);
	set->count++;
}

void stp_list_name_merge(struct stp_list_name_set *into, const struct stp_list_name_set *from)
{
	size_t i;

	for (i = 0; i < from->count; i++)
		stp_list_name_add(into, from->names[i], strlen(from->names[i]));
	into->has_more |= from->has_more;
}

void stp_list_name_met(struct stp_list_names *names, enum stp_list_field field, const char *name,
                       size_t name_bytes)
{
	char text[STP_LIST_NAME_MAX + 1];
	const char *plain = stp_list_field_name(field);
	int count;

	names->field_set |= 1u << field;
	if (field == STP_LIST_UNKNOWN)
		stp_list_name_add(&names->unknown, name, name_bytes);
	if (field >= STP_LIST_FIELD_COUNT || equals(name, name_bytes, plain) ||
	    (field == STP_LIST_LENGTH && equals(name, name_bytes, "size")))
		return;
	count = snprintf(text, sizeof(text), "%.*s as %s", (int)name_bytes, name, plain);
	stp_list_name_add(&names->aliases, text,
	                  count < (int)sizeof(text) ? (size_t)count : sizeof(text) - 1);
}

enum stp_list_field stp_list_name_new(struct stp_list_names *names, size_t place, const char *name,
                                      size_t name_bytes)
{
	enum stp_list_field field = stp_list_field_from_name(name, name_bytes);

	stp_list_name_met(names, field, name, name_bytes);
	if (place < STP_LIST_PLACES && name_bytes <= STP_LIST_NAME_MAX) {
		names->places[place].count = (uint8_t)name_bytes;
		names->places[place].field = (uint8_t)field;
		memcpy(names->places[place].text, name, name_bytes);
	}
	return field;
}
