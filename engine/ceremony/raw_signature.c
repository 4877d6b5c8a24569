/* SPDX-License-Identifier: Apache-2.0 */
#include "ceremony/raw_signature.h"

#include <sodium.h>
#include <string.h>

#include "base/text.h"

#define STAGE "ceremony"

static const char comment[] = "untrusted comment:";
static const char spaces[] = " \t\r\n";

/* What the base64 line of signify and minisign holds. */
#define ALGORITHM_BYTES  2
#define KEY_NUMBER_BYTES 8
#define ED25519_BYTES    64
#define LINE_BYTES       (ALGORITHM_BYTES + KEY_NUMBER_BYTES + ED25519_BYTES)

static int is_space(char c)
{
	return c != '\0' && strchr(spaces, c) != NULL;
}

/* Without white space at both ends. */
static void trim(const char **text, size_t *count)
{
	while (*count && is_space(**text)) {
		++*text;
		--*count;
	}
	while (*count && is_space((*text)[*count - 1]))
		--*count;
}

static int from_base64(const char *text, size_t count, uint8_t *out, size_t size, size_t *out_count)
{
	const char *end = NULL;

	return sodium_base642bin(out, size, text, count, spaces, out_count, &end,
	                         sodium_base64_VARIANT_ORIGINAL) == 0 &&
	       end == text + count;
}

/* The line after the comment, which two signatures of other lengths may follow (minisign). */
static enum stp_errc read_signify(const char *text, size_t count, const char *subject, uint8_t *out,
                                  size_t *out_count, struct stp_err *err)
{
	const char *line = memchr(text, '\n', count);
	uint8_t blob[LINE_BYTES];
	const char *end;
	size_t bytes = 0;

	if (line)
		line++;
	end = line ? memchr(line, '\n', count - (size_t)(line - text)) : NULL;
	if (line && !end)
		end = text + count;
	if (!line || !from_base64(line, (size_t)(end - line), blob, sizeof(blob), &bytes) ||
	    bytes != LINE_BYTES)
		return STP_FAIL(
		    err, STP_FORMAT, STAGE, subject,
		    "begins like a file of signify or minisign, but has no signature of "
		    "Ed25519 in its second line");
	if (memcmp(blob, "ED", ALGORITHM_BYTES) == 0)
		return STP_FAIL(
		    err, STP_FORMAT, STAGE, subject,
		    "is a signature of a hash of the document, which clients refuse; sign "
		    "again with minisign -S -l");
	if (memcmp(blob, "Ed", ALGORITHM_BYTES) != 0)
		return STP_FAIL(err, STP_FORMAT, STAGE, subject,
		                "is of an algorithm of signify or minisign that is not known");
	memcpy(out, blob + ALGORITHM_BYTES + KEY_NUMBER_BYTES, ED25519_BYTES);
	*out_count = ED25519_BYTES;
	return STP_OK;
}

/* 1 when all of text is an even number of hex digits. */
static int from_hex(const char *text, size_t count, uint8_t *out, size_t *out_count)
{
	if (count % 2 || count / 2 > STP_SIGNATURE_BYTES_MAX ||
	    !stp_hex_decode(text, count / 2, out, 1))
		return 0;
	*out_count = count / 2;
	return 1;
}

enum stp_errc stp_raw_signature_read(const void *bytes, size_t count, const char *subject,
                                     uint8_t *out, size_t *out_count, struct stp_err *err)
{
	const char *text = bytes;
	size_t chars = count;

	if (count > sizeof(comment) && memcmp(text, comment, sizeof(comment) - 1) == 0)
		return read_signify(text, count, subject, out, out_count, err);
	/* No text of a signature is so short: these are the bytes. */
	if (count == ED25519_BYTES) {
		memcpy(out, bytes, count);
		*out_count = count;
		return STP_OK;
	}
	trim(&text, &chars);
	if (chars > ED25519_BYTES &&
	    (from_hex(text, chars, out, out_count) ||
	     from_base64(text, chars, out, STP_SIGNATURE_BYTES_MAX, out_count)))
		return STP_OK;
	if (count == 0 || count > STP_SIGNATURE_BYTES_MAX)
		return STP_FAIL(err, STP_FORMAT, STAGE, subject,
		                "is not a signature: neither its bytes, nor hex or base64 of them, "
		                "nor a file of signify or minisign");
	memcpy(out, bytes, count);
	*out_count = count;
	return STP_OK;
}
