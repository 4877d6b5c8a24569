/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A SHA-256 digest as English words, for people who compare keys and payloads by voice or on paper:
 *
 *	digest ─▶ its first 130 bits, 10 for each word ─▶ otter lamp cedar …
 *
 * The list has 1,024 words of 3 to 8 letters, no two with the same first four letters.
 *
 * Shape      13 words.
 * Memory     static.
 * Ownership  none.
 * Threads    any thread; no state.
 */
#ifndef STP_KEYS_FINGERPRINT_WORDS_H
#define STP_KEYS_FINGERPRINT_WORDS_H

#include <stdint.h>

#define STP_FINGERPRINT_WORDS 13

void stp_fingerprint_words(const uint8_t sha256[32], const char *out_words[STP_FINGERPRINT_WORDS]);

#endif
