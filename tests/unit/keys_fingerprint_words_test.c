/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "keys/fingerprint_words.h"

#define WORD_COUNT 1024

/* The word of a number, by a digest that begins with its ten bits. */
static const char *word_of(size_t number)
{
	uint8_t digest[32] = {(uint8_t)(number >> 2), (uint8_t)(number << 6)};
	const char *out[STP_FINGERPRINT_WORDS];

	stp_fingerprint_words(digest, out);
	return out[0];
}

static void words_are_short_and_plain(void **state)
{
	size_t i, k;

	(void)state;
	for (i = 0; i < WORD_COUNT; i++) {
		const char *word = word_of(i);

		assert_in_range(strlen(word), 3, 8);
		for (k = 0; word[k]; k++)
			if (word[k] < 'a' || word[k] > 'z')
				fail_msg("%s", word);
	}
}

static void words_are_sorted_and_differ_in_four_letters(void **state)
{
	size_t i;

	(void)state;
	for (i = 1; i < WORD_COUNT; i++) {
		const char *before = word_of(i - 1), *word = word_of(i);

		if (strncmp(before, word, 4) >= 0)
			fail_msg("%s, %s", before, word);
	}
}

/* One letter changed, left out or added. */
static int is_one_letter_apart(const char *a, const char *b)
{
	size_t a_count = strlen(a), b_count = strlen(b), i = 0;

	if (a_count > b_count)
		return is_one_letter_apart(b, a);
	while (i < a_count && a[i] == b[i])
		i++;
	if (a_count == b_count)
		return strcmp(a + i + 1, b + i + 1) == 0;
	return a_count + 1 == b_count && strcmp(a + i, b + i + 1) == 0;
}

static void a_wrong_letter_makes_no_other_word(void **state)
{
	size_t i, k;

	(void)state;
	for (i = 0; i < WORD_COUNT; i++)
		for (k = i + 1; k < WORD_COUNT; k++)
			if (is_one_letter_apart(word_of(i), word_of(k)))
				fail_msg("%s, %s", word_of(i), word_of(k));
}

static void join(const uint8_t digest[32], char out[256])
{
	const char *words[STP_FINGERPRINT_WORDS];
	size_t i;

	stp_fingerprint_words(digest, words);
	out[0] = '\0';
	for (i = 0; i < STP_FINGERPRINT_WORDS; i++) {
		if (i)
			strcat(out, " ");
		strcat(out, words[i]);
	}
}

/* The list and its order are a contract: people have these words on paper. */
static void digests_keep_their_words(void **state)
{
	uint8_t digest[32];
	char text[256];
	unsigned char all[16 * WORD_COUNT];
	size_t count = 0, i;
	char hex[65];

	(void)state;
	memset(digest, 0, sizeof(digest));
	join(digest, text);
	assert_string_equal(
	    text, "abbey abbey abbey abbey abbey abbey abbey abbey abbey abbey abbey abbey abbey");
	memset(digest, 255, sizeof(digest));
	join(digest, text);
	assert_string_equal(text, "zucchini zucchini zucchini zucchini zucchini zucchini zucchini "
	                          "zucchini zucchini zucchini zucchini zucchini zucchini");
	crypto_hash_sha256(digest, (const unsigned char *)"stampede", 8);
	join(digest, text);
	assert_string_equal(text, "twine pinwheel sweater broccoli satchel popcorn compass screen "
	                          "matador crescent avenue poplar topaz");
	for (i = 0; i < WORD_COUNT; i++) {
		size_t bytes = strlen(word_of(i)) + 1;

		memcpy(all + count, word_of(i), bytes);
		count += bytes;
	}
	crypto_hash_sha256(digest, all, count);
	sodium_bin2hex(hex, sizeof(hex), digest, sizeof(digest));
	assert_string_equal(hex,
	                    "8c60621fa306e42c3c9bc8db16e5ed54159f49ed8db1cf074b69c55f54d45d54");
}

/* 130 bits count, the others do not. */
static void each_of_130_bits_counts(void **state)
{
	uint8_t digest[32] = {0};
	char before[256], after[256];
	size_t bit;

	(void)state;
	join(digest, before);
	for (bit = 0; bit < 256; bit++) {
		digest[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
		join(digest, after);
		digest[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
		assert_int_equal(strcmp(before, after) != 0, bit < 130);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(words_are_short_and_plain),
	    cmocka_unit_test(words_are_sorted_and_differ_in_four_letters),
	    cmocka_unit_test(a_wrong_letter_makes_no_other_word),
	    cmocka_unit_test(digests_keep_their_words),
	    cmocka_unit_test(each_of_130_bits_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
