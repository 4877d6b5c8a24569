/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/verbs.h"

#include <string.h>

#define STP_VERB_ENTRY(name) &stp_verb_##name,

const struct stp_verb *const stp_verbs[] = {STP_VERBS(STP_VERB_ENTRY) NULL};

const struct stp_family stp_families[] = {
    {"key", "secret keys of people, and the files that describe them"},
    {"ceremony", "new versions of root, targets and bins, signed by people"},
    {NULL, NULL},
};

/* Whether the first bytes of name are the whole word. */
static int begins_with(const char *name, const char *word)
{
	size_t count = strlen(word);

	return strncmp(name, word, count) == 0 && (name[count] == ' ' || name[count] == '\0');
}

static int is_named(const struct stp_verb *verb, int argc, char *const *argv)
{
	const char *last = stp_verb_last_word(verb);

	if (last == verb->name)
		return strcmp(verb->name, argv[0]) == 0;
	return argc > 1 && begins_with(verb->name, argv[0]) && strcmp(last, argv[1]) == 0;
}

const char *stp_verb_last_word(const struct stp_verb *verb)
{
	const char *space = strchr(verb->name, ' ');

	return space ? space + 1 : verb->name;
}

const struct stp_verb *stp_verb_find(int argc, char *const *argv, int *out_count)
{
	size_t i;

	for (i = 0; argc > 0 && stp_verbs[i]; i++) {
		if (!is_named(stp_verbs[i], argc, argv))
			continue;
		*out_count = stp_family_of(stp_verbs[i]) ? 2 : 1;
		return stp_verbs[i];
	}
	return NULL;
}

const struct stp_family *stp_family_of(const struct stp_verb *verb)
{
	const struct stp_family *family;

	if (stp_verb_last_word(verb) == verb->name)
		return NULL;
	for (family = stp_families; family->name; family++)
		if (begins_with(verb->name, family->name))
			return family;
	return NULL;
}

const struct stp_family *stp_family_find(const char *name)
{
	size_t i;

	for (i = 0; stp_verbs[i]; i++) {
		const struct stp_family *family = stp_family_of(stp_verbs[i]);

		if (family && strcmp(family->name, name) == 0)
			return family;
	}
	return NULL;
}
