/* SPDX-License-Identifier: Apache-2.0 */
#include "keys/pem_block.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define BEGIN      "-----BEGIN "
#define END        "-----END "
#define DASHES     "-----"
#define LINE_CHARS 64 /* RFC 7468 section 2 */

static enum stp_errc refuse(const char *subject, const char *what, struct stp_err *err)
{
	return STP_FAIL(err, STP_KEY, "keys", subject, "%s", what);
}

static const char *find(const char *text, size_t chars, const char *word)
{
	return memmem(text, chars, word, strlen(word));
}

/* The label of the first line, and the text behind that line; NULL: there is none. */
static const char *take_label(const char *text, size_t chars, char label[STP_PEM_LABEL_BYTES])
{
	const char *at = text + sizeof(BEGIN) - 1;
	size_t left = chars - (sizeof(BEGIN) - 1);
	const char *end = find(at, left, DASHES "\n");

	if (!end || end == at || (size_t)(end - at) >= STP_PEM_LABEL_BYTES ||
	    memchr(at, '\n', (size_t)(end - at)))
		return NULL;
	memcpy(label, at, (size_t)(end - at));
	label[end - at] = '\0';
	return end + sizeof(DASHES "\n") - 1;
}

/* The lines [at, end) without their line feeds into out, of as many characters; 0 when they are not
 * lines of 64, the last one of 1 to 64. */
static size_t join_lines(const char *at, const char *end, char *out)
{
	size_t count = 0;

	while (at < end) {
		const char *feed = memchr(at, '\n', (size_t)(end - at));
		size_t line = feed ? (size_t)(feed - at) : 0;

		if (!feed || line == 0 || line > LINE_CHARS ||
		    (line < LINE_CHARS && feed + 1 != end))
			return 0;
		memcpy(out + count, at, line);
		count += line;
		at = feed + 1;
	}
	return count;
}

/* The base64 lines [at, end) into block->der. */
static enum stp_errc decode(const char *at, const char *end, const char *subject,
                            struct stp_pem_block *block, struct stp_err *err)
{
	size_t chars = (size_t)(end - at), count;
	char *base64;
	int is_good;

	if (chars == 0)
		return refuse(subject, "has an empty PEM block; restore it from a backup", err);
	base64 = sodium_malloc(chars);
	block->der = sodium_malloc(chars);
	if (!base64 || !block->der) {
		sodium_free(base64);
		sodium_free(block->der);
		block->der = NULL;
		return STP_FAIL_ERRNO(err, ENOMEM, "keys", subject, "cannot get locked memory");
	}
	count = join_lines(at, end, base64);
	is_good =
	    count && sodium_base642bin(block->der, chars, base64, count, NULL, &block->der_bytes,
	                               NULL, sodium_base64_VARIANT_ORIGINAL) == 0;
	sodium_free(base64);
	if (is_good)
		return STP_OK;
	stp_pem_block_release(block);
	return refuse(subject,
	              "has a PEM block that is not base64 in lines of 64 characters; if openssl "
	              "pkey can read it, let it write the file again",
	              err);
}

/* What is wrong with the text around the block, or NULL. */
static const char *outside_problem(const char *text, size_t chars)
{
	const char *first = find(text, chars, BEGIN);

	if (!first)
		return "is not a PEM file; restore it from a backup";
	if (memchr(text, '\r', chars))
		return "has lines that end with CR LF; convert it: tr -d '\\r' <OLD >NEW";
	if (first != text)
		return "has text before its PEM block; keep only the lines from BEGIN to END";
	if (find(text + 1, chars - 1, BEGIN))
		return "holds more than one PEM block; keep one key per file";
	return NULL;
}

enum stp_errc stp_pem_block_read(const void *text, size_t chars, const char *subject,
                                 struct stp_pem_block *out, struct stp_err *err)
{
	struct stp_pem_block block = {.der = NULL};
	char last[sizeof(END DASHES) + STP_PEM_LABEL_BYTES];
	const char *problem = outside_problem(text, chars);
	const char *at, *end, *stop = (const char *)text + chars;
	size_t last_chars;

	if (problem)
		return refuse(subject, problem, err);
	at = take_label(text, chars, block.label);
	if (!at)
		return refuse(subject, "has a BEGIN line that is not of PEM", err);
	last_chars = (size_t)snprintf(last, sizeof(last), END "%s" DASHES, block.label);
	end = find(at, (size_t)(stop - at), last);
	if (!end)
		return refuse(subject, "is cut off: the END line is missing; restore it", err);
	if (end + last_chars != stop && (end + last_chars + 1 != stop || stop[-1] != '\n'))
		return refuse(subject,
		              "has text behind its PEM block; keep only the lines from BEGIN to "
		              "END",
		              err);
	STP_TRY(decode(at, end, subject, &block, err));
	*out = block;
	return STP_OK;
}

int stp_pem_block_label(const void *text, size_t chars, char out_label[STP_PEM_LABEL_BYTES])
{
	return chars > sizeof(BEGIN) && memcmp(text, BEGIN, sizeof(BEGIN) - 1) == 0 &&
	       take_label(text, chars, out_label) != NULL;
}

void stp_pem_block_release(struct stp_pem_block *block)
{
	sodium_free(block->der);
	block->der = NULL;
	block->der_bytes = 0;
}

enum stp_errc stp_pem_block_write(const char *label, const uint8_t *der, size_t der_bytes,
                                  char **out_text, size_t *out_chars, struct stp_err *err)
{
	size_t base64_bytes =
	    sodium_base64_encoded_len(der_bytes, sodium_base64_VARIANT_ORIGINAL); /* with NUL */
	size_t base64_chars = base64_bytes - 1, size, at, i;
	char *base64 = sodium_malloc(base64_bytes), *text;

	size = base64_chars + base64_chars / LINE_CHARS + 1 + 2 * strlen(label) +
	       sizeof(BEGIN DASHES "\n" END DASHES "\n");
	text = sodium_malloc(size);
	if (!base64 || !text) {
		sodium_free(base64);
		sodium_free(text);
		return STP_FAIL_ERRNO(err, ENOMEM, "keys", label, "cannot get locked memory");
	}
	sodium_bin2base64(base64, base64_bytes, der, der_bytes, sodium_base64_VARIANT_ORIGINAL);
	at = (size_t)snprintf(text, size, BEGIN "%s" DASHES "\n", label);
	for (i = 0; i < base64_chars; i += LINE_CHARS) {
		size_t line = base64_chars - i < LINE_CHARS ? base64_chars - i : LINE_CHARS;

		memcpy(text + at, base64 + i, line);
		at += line;
		text[at++] = '\n';
	}
	at += (size_t)snprintf(text + at, size - at, END "%s" DASHES "\n", label);
	sodium_free(base64);
	*out_text = text;
	*out_chars = at;
	return STP_OK;
}
