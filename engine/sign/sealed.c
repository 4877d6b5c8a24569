/* SPDX-License-Identifier: Apache-2.0 */
#include "sign/sealed.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cjson/reader.h"
#include "cjson/writer.h"
#include "hash/hash.h"
#include "sign/envelope.h"

/* One signature's text: {"keyid":"…","sig":"…"} */
#define ENTRY_BYTES                                                                              \
	(sizeof(STP_ENVELOPE_ID STP_ENVELOPE_SIG STP_ENVELOPE_NEXT) - 1 + STP_KEY_ID_HEX_BYTES + \
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

/* Writes the whole file to out, whose size is known. */
static enum stp_errc write_file(const char *name, const void *body, size_t body_bytes,
                                const struct stp_key *const *sorted, size_t key_count, uint8_t *out,
                                struct stp_err *err)
{
	uint8_t signature[STP_KEY_SIGNATURE_BYTES];
	uint8_t *at = STP_PUT_LITERAL(out, STP_ENVELOPE_OPEN);

	for (size_t i = 0; i < key_count; i++) {
		enum stp_errc code = stp_key_sign(sorted[i], body, body_bytes, signature, err);

		if (code != STP_OK)
			return code;
		if (i)
			at = STP_PUT_LITERAL(at, ",");
		at = STP_PUT_LITERAL(at, STP_ENVELOPE_ID);
		at = stp_put_bytes(at, stp_key_id(sorted[i]), STP_KEY_ID_HEX_BYTES);
		at = STP_PUT_LITERAL(at, STP_ENVELOPE_SIG);
		stp_hex_encode_fast(signature, sizeof(signature), at);
		at = STP_PUT_LITERAL(at + 128, STP_ENVELOPE_NEXT);
	}
	at = STP_PUT_LITERAL(at, STP_ENVELOPE_BODY);
	at = stp_put_bytes(at, body, body_bytes);
	at = STP_PUT_LITERAL(at, STP_ENVELOPE_END);
	if (memcmp(at - 1 - body_bytes, body, body_bytes) != 0)
		return STP_FAIL(err, STP_REFUSED, "sign", name,
		                "the body changed while it was copied");
	return STP_OK;
}

/* Verifies each signature as it stands in the finished file, against the body as it stands there.
 */
static enum stp_errc check_file(const char *name, const uint8_t *file, size_t file_bytes,
                                size_t body_bytes, const struct stp_key *const *sorted,
                                size_t key_count, struct stp_err *err)
{
	const uint8_t *body = file + file_bytes - 1 - body_bytes;
	const uint8_t *entry = file + sizeof(STP_ENVELOPE_OPEN) - 1;

	for (size_t i = 0; i < key_count; i++) {
		const uint8_t *hex = entry + i * (ENTRY_BYTES + 1) + STP_ENVELOPE_SIG_AT -
		                     (sizeof(STP_ENVELOPE_OPEN) - 1);
		uint8_t signature[STP_KEY_SIGNATURE_BYTES];

		if (!stp_hex_decode((const char *)hex, sizeof(signature), signature, 0) ||
		    crypto_sign_verify_detached(signature, body, body_bytes,
		                                stp_key_public(sorted[i])) != 0)
			return STP_FAIL(err, STP_REFUSED, "sign", name,
			                "the signature of key %.16s… does not fit the bytes",
			                stp_key_id(sorted[i]));
	}
	return stp_cjson_check(file, file_bytes, "sign", name, err);
}

enum stp_errc stp_sealed_make(const char *name, uint64_t version, const void *body,
                              size_t body_bytes, const struct stp_key *const *keys,
                              size_t key_count, struct stp_sealed *out_sealed, struct stp_err *err)
{
	const struct stp_key *sorted[STP_SIGNATURES_MAX];
	uint8_t *bytes;
	size_t length;
	enum stp_errc code;

	if (strlen(name) >= sizeof(out_sealed->name))
		return STP_FAIL(err, STP_LIMIT, "sign", name, "the name is too long for a file");
	STP_TRY(sort_keys(name, keys, key_count, sorted, err));
	length = sizeof(STP_ENVELOPE_OPEN STP_ENVELOPE_BODY STP_ENVELOPE_END) - 1 +
	         key_count * (ENTRY_BYTES + 1) - 1 + body_bytes;
	bytes = malloc(length);
	if (!bytes)
		return STP_FAIL_ERRNO(err, ENOMEM, "sign", name, "cannot get %zu bytes", length);
	code = write_file(name, body, body_bytes, sorted, key_count, bytes, err);
	if (code == STP_OK)
		code = check_file(name, bytes, length, body_bytes, sorted, key_count, err);
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

void stp_sealed_release(struct stp_sealed *sealed)
{
	free(sealed->owned);
	memset(sealed, 0, sizeof(*sealed));
}
