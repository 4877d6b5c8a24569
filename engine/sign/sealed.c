/* SPDX-License-Identifier: Apache-2.0 */
#include "sign/sealed.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "cjson/encoding.h"
#include "cjson/reader.h"
#include "cjson/writer.h"
#include "hash/hash.h"
#include "sign/envelope.h"

/* A document that is being made. */
struct making {
	const char *name;
	const uint8_t *body; /* what is signed */
	size_t body_bytes;
	const uint8_t *form; /* how the file contains it: body itself, or file_bytes */
	size_t form_bytes;
	struct stp_buf file_bytes;
	struct stp_signer *signers[STP_SIGNATURES_MAX]; /* in the order of their keyids */
	struct stp_sign_message messages[STP_SIGNATURES_MAX];
	size_t count;
	uint8_t *signatures; /* space for the longest of each */
};

static int by_keyid(const void *a, const void *b)
{
	return strcmp((*(struct stp_signer *const *)a)->object.keyid,
	              (*(struct stp_signer *const *)b)->object.keyid);
}

/* Whether an earlier signer has the same key as signer index, under any keyid. */
static int is_repeated(const struct making *making, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (memcmp(making->signers[i]->public_key.identity,
		           making->signers[index]->public_key.identity,
		           sizeof(making->signers[i]->public_key.identity)) == 0)
			return 1;
	return 0;
}

/* The signers in the order of their keyids, each key once. */
static enum stp_errc sort_signers(struct making *making, struct stp_signer *const *signers,
                                  size_t count, struct stp_err *err)
{
	if (count == 0 || count > STP_SIGNATURES_MAX)
		return STP_FAIL(err, STP_KEY, "sign", making->name,
		                "%zu keys to sign with, but 1 to %d are needed", count,
		                STP_SIGNATURES_MAX);
	memcpy(making->signers, signers, count * sizeof(making->signers[0]));
	making->count = count;
	qsort(making->signers, count, sizeof(making->signers[0]), by_keyid);
	for (size_t i = 1; i < count; i++)
		if (is_repeated(making, i))
			return STP_FAIL(
			    err, STP_KEY, "sign", making->name,
			    "the key %.16s… would sign twice; a threshold counts it once",
			    making->signers[i]->object.keyid);
	return STP_OK;
}

/* Every signer's signature over the body. */
static enum stp_errc sign_all(struct making *making, struct stp_err *err)
{
	size_t bytes_max = 0;
	uint8_t *at;

	for (size_t i = 0; i < making->count; i++)
		bytes_max += making->signers[i]->object.scheme->signature_bytes_max;
	at = making->signatures = malloc(bytes_max);
	if (!at)
		return STP_FAIL_ERRNO(err, ENOMEM, "sign", making->name, "cannot get %zu bytes",
		                      bytes_max);
	for (size_t i = 0; i < making->count; i++) {
		making->messages[i] = (struct stp_sign_message){.name = making->name,
		                                                .bytes = making->body,
		                                                .count = making->body_bytes,
		                                                .signature = at};
		STP_TRY(stp_signer_sign(making->signers[i], &making->messages[i], 1, err));
		at += making->signers[i]->object.scheme->signature_bytes_max;
	}
	return STP_OK;
}

/* Length of {"keyid":"…","sig":"…"} with a signature of that many bytes. */
static size_t entry_bytes(size_t signature_bytes)
{
	return sizeof(STP_ENVELOPE_ID STP_ENVELOPE_SIG STP_ENVELOPE_NEXT) - 1 + STP_KEYID_CHARS +
	       2 * signature_bytes;
}

static size_t file_bytes(const struct making *making)
{
	size_t bytes = sizeof(STP_ENVELOPE_OPEN STP_ENVELOPE_BODY STP_ENVELOPE_END) - 1 +
	               making->count - 1 + making->form_bytes;

	for (size_t i = 0; i < making->count; i++)
		bytes += entry_bytes(making->messages[i].signature_bytes);
	return bytes;
}

/* Writes the whole file to out, whose size is known. */
static enum stp_errc write_file(const struct making *making, uint8_t *out, struct stp_err *err)
{
	uint8_t *at = STP_PUT_LITERAL(out, STP_ENVELOPE_OPEN);

	for (size_t i = 0; i < making->count; i++) {
		const struct stp_sign_message *message = &making->messages[i];

		if (i)
			at = STP_PUT_LITERAL(at, ",");
		at = STP_PUT_LITERAL(at, STP_ENVELOPE_ID);
		at = stp_put_bytes(at, making->signers[i]->object.keyid, STP_KEYID_CHARS);
		at = STP_PUT_LITERAL(at, STP_ENVELOPE_SIG);
		stp_hex_encode_fast(message->signature, message->signature_bytes, at);
		at = STP_PUT_LITERAL(at + 2 * message->signature_bytes, STP_ENVELOPE_NEXT);
	}
	at = STP_PUT_LITERAL(at, STP_ENVELOPE_BODY);
	at = stp_put_bytes(at, making->form, making->form_bytes);
	at = STP_PUT_LITERAL(at, STP_ENVELOPE_END);
	if (memcmp(at - 1 - making->form_bytes, making->form, making->form_bytes) != 0)
		return STP_FAIL(err, STP_REFUSED, "sign", making->name,
		                "the body changed while it was copied");
	return STP_OK;
}

/* The signed bytes according to the finished file. If it contains escapes, they are decoded into
 * signed_bytes again, and must equal body. */
static enum stp_errc read_body(const struct making *making, const uint8_t *file, size_t count,
                               struct stp_buf *signed_bytes, const uint8_t **out_body,
                               struct stp_err *err)
{
	const uint8_t *form = file + count - 1 - making->form_bytes;

	if (making->form == making->body) {
		*out_body = form;
		return stp_cjson_check(file, count, "sign", making->name, err);
	}
	STP_TRY(stp_cjson_check_file(file, count, "sign", making->name, err));
	STP_TRY(
	    stp_cjson_from_file(form, making->form_bytes, "sign", making->name, signed_bytes, err));
	if (signed_bytes->count != making->body_bytes ||
	    memcmp(signed_bytes->data, making->body, making->body_bytes) != 0)
		return STP_FAIL(err, STP_FORMAT, "sign", making->name,
		                "the file would not decode to the signed bytes");
	*out_body = signed_bytes->data;
	return STP_OK;
}

/* Verifies each signature of the finished file against the body in the finished file.
 */
static enum stp_errc check_signatures(const struct making *making, const uint8_t *file,
                                      const uint8_t *body, struct stp_err *err)
{
	const uint8_t *entry = file + sizeof(STP_ENVELOPE_OPEN) - 1;

	for (size_t i = 0; i < making->count; i++) {
		const struct stp_signer *signer = making->signers[i];
		size_t signature_bytes = making->messages[i].signature_bytes;
		const uint8_t *hex = entry + STP_ENVELOPE_SIG_AT - (sizeof(STP_ENVELOPE_OPEN) - 1);

		if (stp_signature_check(&signer->public_key, body, making->body_bytes,
		                        (const char *)hex, 2 * signature_bytes,
		                        STP_LIBRARIES_ONE) != STP_SIGNATURE_GOOD)
			return STP_FAIL(err, STP_REFUSED, "sign", making->name,
			                "the signature of key %.16s… does not match the bytes",
			                signer->object.keyid);
		entry += entry_bytes(signature_bytes) + 1;
	}
	return STP_OK;
}

static enum stp_errc check_file(const struct making *making, const uint8_t *file, size_t count,
                                struct stp_err *err)
{
	struct stp_buf signed_bytes = STP_BUF_INIT;
	const uint8_t *body = NULL;
	enum stp_errc code = read_body(making, file, count, &signed_bytes, &body, err);

	if (code == STP_OK)
		code = check_signatures(making, file, body, err);
	stp_buf_release(&signed_bytes);
	return code;
}

/* Signs, writes and checks the file. */
static enum stp_errc make_file(struct making *making, uint8_t **out_file, size_t *out_count,
                               struct stp_err *err)
{
	enum stp_errc code;
	uint8_t *file;
	size_t count;

	STP_TRY(sign_all(making, err));
	count = file_bytes(making);
	file = malloc(count);
	if (!file)
		return STP_FAIL_ERRNO(err, ENOMEM, "sign", making->name, "cannot get %zu bytes",
		                      count);
	code = write_file(making, file, err);
	if (code == STP_OK)
		code = check_file(making, file, count, err);
	if (code != STP_OK) {
		free(file);
		return code;
	}
	*out_file = file;
	*out_count = count;
	return STP_OK;
}

static enum stp_errc make(struct making *making, uint64_t version,
                          struct stp_signer *const *signers, size_t signer_count,
                          struct stp_sealed *out_sealed, struct stp_err *err)
{
	uint8_t *file = NULL;
	size_t count = 0;

	if (strlen(making->name) >= sizeof(out_sealed->name))
		return STP_FAIL(err, STP_LIMIT, "sign", making->name,
		                "the name is too long for a file");
	STP_TRY(sort_signers(making, signers, signer_count, err));
	STP_TRY(make_file(making, &file, &count, err));
	memset(out_sealed, 0, sizeof(*out_sealed));
	memcpy(out_sealed->name, making->name, strlen(making->name) + 1);
	out_sealed->version = version;
	out_sealed->length = count;
	out_sealed->bytes = file;
	out_sealed->owned = file;
	stp_hash_one(STP_ALG_SHA256, file, count, out_sealed->sha256);
	return STP_OK;
}

enum stp_errc stp_sealed_make(const char *name, uint64_t version, const void *body,
                              size_t body_bytes, struct stp_signer *const *signers,
                              size_t signer_count, struct stp_sealed *out_sealed,
                              struct stp_err *err)
{
	struct making making = {.name = name,
	                        .body = body,
	                        .body_bytes = body_bytes,
	                        .form = body,
	                        .form_bytes = body_bytes};
	enum stp_errc code = make(&making, version, signers, signer_count, out_sealed, err);

	free(making.signatures);
	return code;
}

enum stp_errc stp_sealed_make_escaped(const char *name, uint64_t version, const void *body,
                                      size_t body_bytes, struct stp_signer *const *signers,
                                      size_t signer_count, struct stp_sealed *out_sealed,
                                      struct stp_err *err)
{
	struct making making = {.name = name, .body = body, .body_bytes = body_bytes};
	enum stp_errc code =
	    stp_cjson_to_file(body, body_bytes, "sign", name, &making.file_bytes, err);

	/* Without escapes the file contains the signed bytes themselves. */
	making.form_bytes = making.file_bytes.count;
	making.form = making.form_bytes == body_bytes ? body : making.file_bytes.data;
	if (code == STP_OK)
		code = make(&making, version, signers, signer_count, out_sealed, err);
	free(making.signatures);
	stp_buf_release(&making.file_bytes);
	return code;
}

void stp_sealed_release(struct stp_sealed *sealed)
{
	free(sealed->owned);
	memset(sealed, 0, sizeof(*sealed));
}
