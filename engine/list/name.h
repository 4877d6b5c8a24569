/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of columns and members: which field each one means, and which are not used.
 *
 *	"SHA-256", "sha256_digest", "sha256" ─▶ STP_LIST_DIGEST + STP_ALG_SHA256
 *	"upload_time" ─▶ STP_LIST_UNKNOWN, kept to be reported once
 *
 * Case does not matter, nor do "-", "_" and " " within a name. Besides the names of TUF:
 *
 *	path       name, filename, file_path
 *	length     size, bytes, file_size, file_length
 *	sha256     sha2-256; sha512: sha2-512; blake2b-256: blake2_256 (as in PyPI's database);
 *	           each also followed by digest, hexdigest, hash, hex or sum
 *
 * Shape      plain names, not terminated.
 * Memory     inside the structs.
 * Ownership  names that are kept are copied, cut to STP_LIST_NAME_MAX bytes.
 * Threads    one thread per struct.
 */
#ifndef STP_LIST_NAME_H
#define STP_LIST_NAME_H

#include <stddef.h>
#include <stdint.h>

#include "stampede/alg.h"

#define STP_LIST_NAME_MAX   40
#define STP_LIST_NAMES_KEPT 10

/* The known columns; digests are STP_LIST_DIGEST + enum stp_alg. */
enum stp_list_field {
	STP_LIST_PATH,
	STP_LIST_LENGTH,
	STP_LIST_DIGEST,
	STP_LIST_FIELD_COUNT = STP_LIST_DIGEST + STP_ALG_COUNT,
	STP_LIST_OP = STP_LIST_FIELD_COUNT, /* of an end line, or of a list of changes */
	STP_LIST_ROWS,                      /* of an end line */
	STP_LIST_TEXT_COUNT,
	STP_LIST_UNKNOWN = STP_LIST_TEXT_COUNT,
};

/* The field that name means, or STP_LIST_UNKNOWN. */
enum stp_list_field stp_list_field_from_name(const char *name, size_t name_bytes);

/* "path", "length", "sha256", … */
const char *stp_list_field_name(enum stp_list_field field);

/* A set of names: the alphabetically first STP_LIST_NAMES_KEPT, in whatever order they are added,
 * so that the result is the same for every number of workers. */
struct stp_list_name_set {
	char names[STP_LIST_NAMES_KEPT][STP_LIST_NAME_MAX + 1];
	size_t count;
	int has_more;
};

void stp_list_name_add(struct stp_list_name_set *set, const char *name, size_t name_bytes);
void stp_list_name_merge(struct stp_list_name_set *into, const struct stp_list_name_set *from);

/* Objects of one list mostly have the same names in the same order: the last name at each place. */
#define STP_LIST_PLACES 16

struct stp_list_names {
	struct {
		uint8_t count; /* bytes of text; 0: nothing yet */
		uint8_t field;
		char text[STP_LIST_NAME_MAX];
	} places[STP_LIST_PLACES];
	unsigned field_set;               /* 1 << field of every field found */
	struct stp_list_name_set unknown; /* not used */
	struct stp_list_name_set aliases; /* "sha256_digest as sha256" */
};

/* Notes that name occurred and means field. */
void stp_list_name_met(struct stp_list_names *names, enum stp_list_field field, const char *name,
                       size_t name_bytes);

/* The field of a name that is not the last one at place; remembers it, and notes that it
 * occurred. */
enum stp_list_field stp_list_name_new(struct stp_list_names *names, size_t place, const char *name,
                                      size_t name_bytes);

/* The field of the name at place in its object. Names are short: a function call would take longer
 * than the comparison. */
static inline enum stp_list_field stp_list_name_at(struct stp_list_names *names, size_t place,
                                                   const char *name, size_t name_bytes)
{
	if (place < STP_LIST_PLACES && name_bytes && names->places[place].count == name_bytes) {
		const char *text = names->places[place].text;
		size_t i = 0;

		while (i < name_bytes && text[i] == name[i])
			i++;
		if (i == name_bytes)
			return (enum stp_list_field)names->places[place].field;
	}
	return stp_list_name_new(names, place, name, name_bytes);
}

#endif
