/* SPDX-License-Identifier: Apache-2.0 */
#include "sign/batch.h"

#include <string.h>

#include "base/cpu.h"
#include "base/faultpoint.h"
#include "cjson/kernel.h"
#include "cjson/writer.h"
#include "sign/envelope.h"

#define SIGNATURE_BYTES STP_ENVELOPE_SIGNATURE_BYTES
/* Documents that the signer gets at once: as many as it has lanes for. */
#define CHUNK_COUNT 64

_Static_assert(
    sizeof(STP_ENVELOPE_OPEN STP_ENVELOPE_ID STP_ENVELOPE_SIG STP_ENVELOPE_NEXT STP_ENVELOPE_BODY) -
            1 + STP_KEYID_CHARS + 2 * SIGNATURE_BYTES ==
        STP_ENVELOPE_HEAD_BYTES,
    "the head of the envelope has a fixed size");
_Static_assert(sizeof(STP_ENVELOPE_END) - 1 == STP_ENVELOPE_TAIL_BYTES,
               "the tail of the envelope has a fixed size");

/* A group of documents as a signer sees them. */
struct chunk {
	struct stp_sign_message messages[CHUNK_COUNT];
	uint8_t signatures[CHUNK_COUNT][SIGNATURE_BYTES];
};

static void fill_chunk(struct chunk *chunk, const struct stp_sign_doc *docs, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		struct stp_sign_message *message = &chunk->messages[i];

		message->name = docs[i].name;
		message->bytes = docs[i].bytes + STP_ENVELOPE_HEAD_BYTES;
		message->count = docs[i].body_bytes;
		message->signature = chunk->signatures[i];
		message->signature_bytes = SIGNATURE_BYTES;
	}
}

/* The envelope has a fixed size only if signatures have one. */
static enum stp_errc check_scheme(const struct stp_signer *signer, struct stp_err *err)
{
	const struct stp_scheme *scheme = signer->object.scheme;

	if (scheme->signature_bytes_min != SIGNATURE_BYTES ||
	    scheme->signature_bytes_max != SIGNATURE_BYTES)
		return STP_FAIL(err, STP_KEY, "sign", NULL,
		                "bins cannot be signed by a key of %s, whose signatures have no "
		                "fixed size of %d bytes; use an Ed25519 key for bins",
		                scheme->scheme, SIGNATURE_BYTES);
	return STP_OK;
}

/* Puts the envelope around a body. */
static void write_envelope(const struct stp_signer *signer, struct stp_sign_doc *doc,
                           const uint8_t signature[SIGNATURE_BYTES])
{
	uint8_t *at = doc->bytes;

	at = STP_PUT_LITERAL(at, STP_ENVELOPE_OPEN STP_ENVELOPE_ID);
	at = stp_put_bytes(at, signer->object.keyid, STP_KEYID_CHARS);
	at = STP_PUT_LITERAL(at, STP_ENVELOPE_SIG);
	stp_hex_encode_fast(signature, SIGNATURE_BYTES, at);
	at = STP_PUT_LITERAL(at + 2 * SIGNATURE_BYTES, STP_ENVELOPE_NEXT STP_ENVELOPE_BODY);
	STP_PUT_LITERAL(at + doc->body_bytes, STP_ENVELOPE_END);
}

enum stp_errc stp_sign_batch(struct stp_signer *signer, struct stp_sign_doc *docs, size_t count,
                             struct stp_err *err)
{
	struct chunk chunk;
	size_t first;
	size_t i;

	STP_TRY(check_scheme(signer, err));
	for (first = 0; first < count; first += CHUNK_COUNT) {
		struct stp_sign_doc *some = docs + first;
		size_t n = count - first < CHUNK_COUNT ? count - first : CHUNK_COUNT;

		fill_chunk(&chunk, some, n);
		STP_TRY(stp_signer_sign(signer, chunk.messages, n, err));
		for (i = 0; i < n; i++) {
			write_envelope(signer, &some[i], chunk.signatures[i]);
			/* Simulates memory that flips a bit between signing and publishing. */
			if (STP_FAULT_POINT("sign", "flip"))
				some[i].bytes[STP_ENVELOPE_HEAD_BYTES + some[i].body_bytes / 2] ^=
				    0x04;
		}
	}
	return STP_OK;
}

/* Reads the signature from a finished file, whose envelope must be unchanged. */
static enum stp_errc read_envelope(const struct stp_signer *signer,
                                   const struct stp_cjson_kernel *kernel,
                                   const struct stp_sign_doc *doc,
                                   uint8_t signature[SIGNATURE_BYTES], struct stp_err *err)
{
	static const char open[] = STP_ENVELOPE_OPEN STP_ENVELOPE_ID;
	static const char middle[] = STP_ENVELOPE_SIG;
	static const char close[] = STP_ENVELOPE_NEXT STP_ENVELOPE_BODY;
	const uint8_t *bytes = doc->bytes;
	const uint8_t *keyid = bytes + STP_ENVELOPE_ID_AT;
	const uint8_t *hex = bytes + STP_ENVELOPE_SIG_AT;

	if (memcmp(bytes, open, sizeof(open) - 1) != 0 ||
	    memcmp(keyid, signer->object.keyid, STP_KEYID_CHARS) != 0 ||
	    memcmp(keyid + STP_KEYID_CHARS, middle, sizeof(middle) - 1) != 0 ||
	    memcmp(hex + 2 * SIGNATURE_BYTES, close, sizeof(close) - 1) != 0 ||
	    bytes[STP_ENVELOPE_HEAD_BYTES + doc->body_bytes] != '}' ||
	    !kernel->hex_decode(hex, SIGNATURE_BYTES, signature))
		return stp_signer_refuse(doc->name, "the envelope is not what was written", err);
	return STP_OK;
}

enum stp_errc stp_sign_check_batch(struct stp_signer *signer, struct stp_sign_doc *docs,
                                   size_t count, struct stp_err *err)
{
	const struct stp_cjson_kernel *kernel = stp_cjson_kernel_for(stp_cpu_features());
	struct chunk chunk;
	size_t first;
	size_t i;

#ifdef STP_TEST_HOOKS
	/* bench/e2e/safety_cost measures the cost of this check by leaving it out. */
	if (stp_hook_variable("STAMPEDE_UNCHECKED"))
		return STP_OK;
#endif

	STP_TRY(check_scheme(signer, err));
	for (first = 0; first < count; first += CHUNK_COUNT) {
		struct stp_sign_doc *some = docs + first;
		size_t n = count - first < CHUNK_COUNT ? count - first : CHUNK_COUNT;

		fill_chunk(&chunk, some, n);
		for (i = 0; i < n; i++)
			STP_TRY(read_envelope(signer, kernel, &some[i], chunk.signatures[i], err));
		STP_TRY(stp_signer_check(signer, chunk.messages, n, err));
		for (i = 0; i < n; i++)
			memcpy(some[i].covered, chunk.messages[i].covered, sizeof(some[i].covered));
	}
	return STP_OK;
}
