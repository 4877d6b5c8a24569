/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names of values in stampede.json and in options, in the order of their enums.
 *
 * Shape      lists of words; a word's index is its enum's value (of sources, less one).
 * Memory     none.
 * Ownership  none.
 * Threads    any thread; no state.
 */
#ifndef STP_ROLES_WORDS_H
#define STP_ROLES_WORDS_H

#include <stddef.h>

struct stp_words {
	const char *const *items;
	size_t count;
};

extern const struct stp_words stp_words_delegation, stp_words_target_files, stp_words_link,
    stp_words_source, stp_words_url_unsafe, stp_words_trust, stp_words_mounts;

/* Index of word in words, or -1. */
int stp_words_find(const struct stp_words *words, const char *word);

#endif
