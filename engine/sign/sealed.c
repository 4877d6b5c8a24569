/* SPDX-License-Identifier: Apache-2.0 */
#include "sign/sealed.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cjson/reader.h"
#include "cjson/writer.h"
#include "hash/hash.h"
#include "sign/envelope.h"

/* One signature's text: {"keyid":"…","sig":"…"} */
#define ENTRY_BYTES                                                                              \
	(sizeof(STP_ENVELOPE_ID STP_ENVELOPE_SIG STP_ENVELOPE_NEXT) - 1 + STP_KEYID_CHARS + \
	 128)

static int by_id(const void *a, const void *b)
{
	return strcmp(stp_key_id(*(const struct stp_key *const *)a),
	              stp_key_id(*(const struct stp_key *const *)b));
}

/* The keys in the order of their ids, each once. */
static enum stp_errc sort_keys(const char *name, const struct stp_key *const *keys,
                               size_t key_count, const struct stp_key *sorted[STP_SIGNATURES_MAX],
                               struct stp_err *err)
{
	if (key_count == 0 || key_count > STP_SIGNATURES_MAX)
		return STP_FAIL(err, STP_KEY, "sign", name,
		                "%zu keys to sign with, expected 1 to %d", key_count,
		                STP_SIGNATURES_MAX);
	memcpy(sorted, keys, key_count * sizeof(void *));
	qsort(sorted, key_count, sizeof(void *), by_id);
	for (size_t i = 1; i < key_count; i++) {
		if (by_id(&sorted[i - 1], &sorted[i]) == 0)
			return STP_FAIL(
			    err, STP_KEY, "sign", name,
			    "the key %.16s… would sign twice; a threshold counts it once",
			    stp_key_id(sorted[i]));
	}
	return STP_OK;
}

/* What is signed, and what stands for it in the file: the same but for control characters. */
struct text {
	const uint8_t *body, *form;
	size_t body_bytes, form_bytes;
};

/* The bytes of the escape of a control character c at form, or 0 when it is not there. */
static size_t escape_bytes(uint8_t c, const uint8_t *form, size_t count)
{
	char text[8];
	size_t bytes;

	if (c == '\n' || c == '\r' || c == '\t')
		snprintf(text, sizeof(text), "\\%c", c == '\n' ? 'n' : c == '\r' ? 'r' : 't');
	else
		snprintf(text, sizeof(text), "\\u%04x", c);
	bytes = strlen(text);
	return bytes <= count && memcmp(form, text, bytes) == 0 ? bytes : 0;
}

/* Checks that form is body with its control characters escaped, and writes it with spaces in the
 * place of the escapes: canonical in every other respect, or not. */
static int blank_escapes(const struct text *text, uint8_t *out)
{
	size_t at = 0;

	for (size_t i = 0; i < text->body_bytes; i++) {
		uint8_t c = text->body[i];
		size_t bytes =
		    c >= 0x20 ? 1 : escape_bytes(c, text->form + at, text->form_bytes - at);

		if (bytes == 0 || at >= text->form_bytes || (c >= 0x20 && text->form[at] != c))
			return 0;
		memset(out + at, c >= 0x20 ? c : ' ', bytes);
		at += bytes;
	}
	return at == text->form_bytes;
}

static enum stp_errc check_form(const char *name, const struct text *text, struct stp_err *err)
{
	uint8_t *blank = malloc(text->form_bytes + 1);
	enum stp_errc code;

	if (!blank)
		return STP_FAIL_ERRNO(err, ENOMEM, "sign", name, "cannot get %zu bytes",
		                      text->form_bytes);
	code = blank_escapes(text, blank)
	           ? stp_cjson_check(blank, text->form_bytes, "sign", name, err)
	           : STP_FAIL(err, STP_FORMAT, "sign", name,
	                      "the file would say something else than what is signed");
	free(blank);
	return code;
}

/* Writes the whole file to out, whose size is known. */
static enum stp_errc write_file(const char *name, const struct text *text,
                                const struct stp_key *const *sorted, size_t key_count, uint8_t *out,
                                struct stp_err *err)
{
	uint8_t signature[STP_KEY_SIGNATURE_BYTES];
	uint8_t *at = STP_PUT_LITERAL(out, STP_ENVELOPE_OPEN);

	for (size_t i = 0; i < key_count; i++) {
		enum stp_errc code =
		    stp_key_sign(sorted[i], text->body, text->body_bytes, signature, err);

		if (code != STP_OK)
			return code;
		if (i)
			at = STP_PUT_LITERAL(at, ",");
		at = STP_PUT_LITERAL(at, STP_ENVELOPE_ID);
		at = stp_put_bytes(at, stp_key_id(sorted[i]), STP_KEYID_CHARS);
		at = STP_PUT_LITERAL(at, STP_ENVELOPE_SIG);
		stp_hex_encode_fast(signature, sizeof(signature), at);
		at = STP_PUT_LITERAL(at + 128, STP_ENVELOPE_NEXT);
	}
	at = STP_PUT_LITERAL(at, STP_ENVELOPE_BODY);
	at = stp_put_bytes(at, text->form, text->form_bytes);
	at = STP_PUT_LITERAL(at, STP_ENVELOPE_END);
	if (memcmp(at - 1 - text->form_bytes, text->form, text->form_bytes) != 0)
		return STP_FAIL(err, STP_REFUSED, "sign", name,
		                "the body changed while it was copied");
	return STP_OK;
}

/* Verifies each signature as it stands in the finished file, against the body as it stands there
 * unless that has escapes. */
static enum stp_errc check_file(const char *name, const uint8_t *file, size_t file_bytes,
                                const struct text *text, const struct stp_key *const *sorted,
                                size_t key_count, struct stp_err *err)
{
	int is_escaped = text->form != text->body;
	const uint8_t *body = is_escaped ? text->body : file + file_bytes - 1 - text->body_bytes;
	const uint8_t *entry = file + sizeof(STP_ENVELOPE_OPEN) - 1;

	for (size_t i = 0; i < key_count; i++) {
		const uint8_t *hex = entry + i * (ENTRY_BYTES + 1) + STP_ENVELOPE_SIG_AT -
		                     (sizeof(STP_ENVELOPE_OPEN) - 1);
		uint8_t signature[STP_KEY_SIGNATURE_BYTES];

		if (!stp_hex_decode((const char *)hex, sizeof(signature), signature, 0) ||
		    crypto_sign_verify_detached(signature, body, text->body_bytes,
		                                stp_key_public(sorted[i])) != 0)
			return STP_FAIL(err, STP_REFUSED, "sign", name,
			                "the signature of key %.16s… does not fit the bytes",
			                stp_key_id(sorted[i]));
	}
	return is_escaped ? check_form(name, text, err)
	                  : stp_cjson_check(file, file_bytes, "sign", name, err);
}

static enum stp_errc make(const char *name, uint64_t version, const struct text *text,
                          const struct stp_key *const *keys, size_t key_count,
                          struct stp_sealed *out_sealed, struct stp_err *err)
{
	const struct stp_key *sorted[STP_SIGNATURES_MAX];
	uint8_t *bytes;
	size_t length;
	enum stp_errc code;

	if (strlen(name) >= sizeof(out_sealed->name))
		return STP_FAIL(err, STP_LIMIT, "sign", name, "the name is too long for a file");
	STP_TRY(sort_keys(name, keys, key_count, sorted, err));
	length = sizeof(STP_ENVELOPE_OPEN STP_ENVELOPE_BODY STP_ENVELOPE_END) - 1 +
	         key_count * (ENTRY_BYTES + 1) - 1 + text->form_bytes;
	bytes = malloc(length);
	if (!bytes)
		return STP_FAIL_ERRNO(err, ENOMEM, "sign", name, "cannot get %zu bytes", length);
	code = write_file(name, text, sorted, key_count, bytes, err);
	if (code == STP_OK)
		code = check_file(name, bytes, length, text, sorted, key_count, err);
	if (code != STP_OK) {
		free(bytes);
		return code;
	}
	memset(out_sealed, 0, sizeof(*out_sealed));
	memcpy(out_sealed->name, name, strlen(name) + 1);
	out_sealed->version = version;
	out_sealed->length = length;
	out_sealed->bytes = bytes;
	out_sealed->owned = bytes;
	stp_hash_one(STP_ALG_SHA256, bytes, length, out_sealed->sha256);
	return STP_OK;
}

enum stp_errc stp_sealed_make(const char *name, uint64_t version, const void *body,
                              size_t body_bytes, const struct stp_key *const *keys,
                              size_t key_count, struct stp_sealed *out_sealed, struct stp_err *err)
{
	struct text text = {body, body, body_bytes, body_bytes};

	return make(name, version, &text, keys, key_count, out_sealed, err);
}

enum stp_errc stp_sealed_make_escaped(const char *name, uint64_t version, const void *body,
                                      size_t body_bytes, const void *form, size_t form_bytes,
                                      const struct stp_key *const *keys, size_t key_count,
                                      struct stp_sealed *out_sealed, struct stp_err *err)
{
	struct text text = {body, form, body_bytes, form_bytes};

	/* Without an escape the file has the very bytes that are signed. */
	if (form_bytes == body_bytes && memcmp(form, body, body_bytes) == 0)
		text.form = body;
	return make(name, version, &text, keys, key_count, out_sealed, err);
}

void stp_sealed_release(struct stp_sealed *sealed)
{
	free(sealed->owned);
	memset(sealed, 0, sizeof(*sealed));
}
