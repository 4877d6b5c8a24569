/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ed25519 over many messages M at once (RFC 8032 section 5.1.6), secret scalar a, public key A:
 *
 *	signing     r = H(prefix || M)   R = rB   k = H(R || A || M)   S = r + ka
 *	checking    k'= H(R || A || M)   SB - k'A == R
 *
 * H is SHA-512 and is all the cost of a large M, so it runs over the lanes of hash/. The 32 or 64
 * bytes before M are not put before it in memory: the first piece of the message, 128 bytes with
 * the start of M copied behind them, is made in the signer's locked memory, and the second piece is
 * the rest of M where it lies. So the secret prefix never enters a document's buffer, and checking
 * does not touch what will be published.
 *
 *	slot.head:  [ prefix 32 | M 96 ]  ─▶ piece 1        document: … M ─────▶ piece 2 from M + 96
 *	            [ R | A  64 | M 64 ]  ─▶ piece 1                              … from M + 64
 *
 * The check takes R and S from the file's hex and k' from its body, and from the signing nothing.
 * Now and then the smallest document of a batch is verified by libsodium's own verifier besides,
 * which shares no code with sign/multiply.h; its share of the bytes is bounded, because it hashes
 * on one lane.
 */
#include "sign/batch.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/faultpoint.h"
#include "cjson/kernel.h"
#include "hash/hash.h"
#include "sign/envelope.h"
#include "sign/multiply.h"

/* Documents hashed side by side: several times the lanes of the widest kernel (8), so that lanes
 * stay full until the last few. 64 slots are 40 KiB of locked memory. */
#define SLOT_COUNT STP_MULTIPLY_JOBS_MAX
/* One byte in so many goes through libsodium's verifier as well: 2 % of the cost. */
#define SECOND_OPINION_SHARE 256
/* What a document costs besides its bytes, in bytes hashed: two multiplications of points. */
#define DOCUMENT_COST_BYTES ((uint64_t)64 << 10)
/* A piece that is not the last is a whole number of SHA-512 blocks. */
#define HEAD_BYTES STP_HASH_PIECE_ALIGN

_Static_assert(
    sizeof(STP_ENVELOPE_OPEN STP_ENVELOPE_ID STP_ENVELOPE_SIG STP_ENVELOPE_NEXT STP_ENVELOPE_BODY) -
            1 + 64 + 128 ==
        STP_ENVELOPE_HEAD_BYTES,
    "the head of the envelope has a fixed size");
_Static_assert(sizeof(STP_ENVELOPE_END) - 1 == STP_ENVELOPE_TAIL_BYTES, "and so has its tail");

/* Everything of one document that follows from secrets; wiped after each chunk. */
struct slot {
	struct stp_hash_stream stream;
	uint8_t head[HEAD_BYTES];
	uint8_t digest[64];
	uint8_t nonce[32];
	uint8_t challenge[32]; /* k, reduced */
	uint8_t point[32];
	uint8_t signature[64];
};

struct stp_signer {
	const struct stp_key *key;
	const struct stp_cjson_kernel *kernel;
	struct stp_hasher *hasher;
	struct stp_multiplier *multiplier;
	struct slot *slots; /* SLOT_COUNT, locked */
	/* Bytes checked since libsodium was asked last. */
	uint64_t unverified_bytes;
	struct stp_hash_job jobs[SLOT_COUNT];
	struct stp_multiply_job products[SLOT_COUNT];
};

enum stp_errc stp_signer_create(const struct stp_key *key, unsigned features,
                                struct stp_signer **out_signer, struct stp_err *err)
{
	struct stp_signer *signer = calloc(1, sizeof(*signer));
	enum stp_errc code;

	if (!signer)
		return STP_FAIL_ERRNO(err, ENOMEM, "sign", NULL, "cannot make a signer");
	signer->key = key;
	signer->unverified_bytes = UINT64_MAX / 2; /* the first batch is verified */
	signer->kernel = stp_cjson_kernel_for(features);
	signer->slots = sodium_allocarray(SLOT_COUNT, sizeof(struct slot));
	code = signer->slots
	           ? stp_multiplier_create(key, features, &signer->multiplier, err)
	           : STP_FAIL_ERRNO(err, ENOMEM, "sign", NULL, "cannot get locked memory");
	if (code == STP_OK)
		code = stp_hasher_create(STP_ALG_BIT(STP_ALG_SHA512), features, SLOT_COUNT,
		                         &signer->hasher, err);
	if (code != STP_OK) {
		stp_signer_destroy(signer);
		return code;
	}
	*out_signer = signer;
	return STP_OK;
}

void stp_signer_destroy(struct stp_signer *signer)
{
	if (!signer)
		return;
	if (signer->hasher)
		stp_hasher_destroy(signer->hasher);
	stp_multiplier_destroy(signer->multiplier);
	sodium_free(signer->slots);
	free(signer);
}

static const uint8_t *body_of(const struct stp_sign_doc *doc)
{
	return doc->bytes + STP_ENVELOPE_HEAD_BYTES;
}

/* Sends the first piece of document i: before_bytes bytes that stand in its slot's head, then the
 * start of its body. */
static void submit_head(struct stp_signer *signer, const struct stp_sign_doc *doc, size_t i,
                        size_t before_bytes)
{
	struct slot *slot = &signer->slots[i];
	struct stp_hash_job *job = &signer->jobs[i];
	size_t room = HEAD_BYTES - before_bytes;
	size_t count = doc->body_bytes < room ? doc->body_bytes : room;

	stp_hash_stream_init(&slot->stream, STP_ALG_BIT(STP_ALG_SHA512));
	memcpy(slot->head + before_bytes, body_of(doc), count);
	job->stream = &slot->stream;
	job->data = slot->head;
	job->bytes = before_bytes + count;
	job->final = count == doc->body_bytes;
	job->digests = slot->digest;
	job->user = slot;
	stp_hasher_submit(signer->hasher, job);
}

/* SHA-512 of before || BODY for each of count documents → slot.digest. All heads go first: among
 * bodies each would cut a step of all lanes down to its one block. */
static void hash_bodies(struct stp_signer *signer, const struct stp_sign_doc *docs, size_t count,
                        size_t before_bytes)
{
	struct stp_hash_job *job;
	size_t start = HEAD_BYTES - before_bytes;

	for (size_t i = 0; i < count; i++)
		submit_head(signer, &docs[i], i, before_bytes);
	while (stp_hasher_next(signer->hasher, STP_HASHER_DRAIN))
		;
	for (size_t i = 0; i < count; i++) {
		job = &signer->jobs[i];
		if (job->final)
			continue;
		job->data = body_of(&docs[i]) + start;
		job->bytes = docs[i].body_bytes - start;
		job->final = 1;
		stp_hasher_submit(signer->hasher, job);
	}
	while (stp_hasher_next(signer->hasher, STP_HASHER_DRAIN))
		;
}

static void wipe(struct stp_signer *signer, size_t count)
{
	sodium_memzero(signer->slots, count * sizeof(signer->slots[0]));
}

/* Puts the envelope around a body. */
static void write_envelope(const struct stp_signer *signer, struct stp_sign_doc *doc,
                           const uint8_t signature[64])
{
	uint8_t *at = doc->bytes;

	at = STP_PUT_LITERAL(at, STP_ENVELOPE_OPEN STP_ENVELOPE_ID);
	at = stp_put_bytes(at, stp_key_id(signer->key), STP_KEYID_CHARS);
	at = STP_PUT_LITERAL(at, STP_ENVELOPE_SIG);
	signer->kernel->hex_encode(signature, 64, at);
	at = STP_PUT_LITERAL(at + 128, STP_ENVELOPE_NEXT STP_ENVELOPE_BODY);
	STP_PUT_LITERAL(at + doc->body_bytes, STP_ENVELOPE_END);
}

/* r and R of each document. */
static enum stp_errc make_nonces(struct stp_signer *signer, const struct stp_sign_doc *docs,
                                 size_t count, struct stp_err *err)
{
	for (size_t i = 0; i < count; i++)
		memcpy(signer->slots[i].head, stp_key_secret(signer->key)->prefix, 32);
	hash_bodies(signer, docs, count, 32);
	for (size_t i = 0; i < count; i++) {
		struct slot *slot = &signer->slots[i];

		crypto_core_ed25519_scalar_reduce(slot->nonce, slot->digest);
		signer->products[i] = (struct stp_multiply_job){slot->nonce, NULL, slot->signature};
	}
	/* Fails for r = 0 only, which no message is known to give. */
	if (!stp_multiply(signer->multiplier, signer->products, count))
		return STP_FAIL(err, STP_REFUSED, "sign", docs[0].name,
		                "cannot make a nonce; nothing was signed");
	return STP_OK;
}

/* k and S of each document. */
static void make_signatures(struct stp_signer *signer, const struct stp_sign_doc *docs,
                            size_t count)
{
	uint8_t k[32];

	for (size_t i = 0; i < count; i++) {
		struct slot *slot = &signer->slots[i];

		memcpy(slot->head, slot->signature, 32);
		memcpy(slot->head + 32, stp_key_public(signer->key), 32);
	}
	hash_bodies(signer, docs, count, 64);
	for (size_t i = 0; i < count; i++) {
		struct slot *slot = &signer->slots[i];
		uint8_t *s = slot->signature + 32;

		crypto_core_ed25519_scalar_reduce(k, slot->digest);
		crypto_core_ed25519_scalar_mul(s, k, stp_key_secret(signer->key)->scalar);
		crypto_core_ed25519_scalar_add(s, s, slot->nonce);
	}
}

enum stp_errc stp_sign_batch(struct stp_signer *signer, struct stp_sign_doc *docs, size_t count,
                             struct stp_err *err)
{
	enum stp_errc code = STP_OK;

	for (size_t first = 0; first < count && code == STP_OK; first += SLOT_COUNT) {
		struct stp_sign_doc *chunk = docs + first;
		size_t n = count - first < SLOT_COUNT ? count - first : SLOT_COUNT;

		code = make_nonces(signer, chunk, n, err);
		if (code == STP_OK)
			make_signatures(signer, chunk, n);
		for (size_t i = 0; i < n && code == STP_OK; i++) {
			write_envelope(signer, &chunk[i], signer->slots[i].signature);
			/* Memory that goes wrong between signing and publishing. */
			if (STP_FAULT_POINT("sign", "flip"))
				chunk[i].bytes[STP_ENVELOPE_HEAD_BYTES + chunk[i].body_bytes / 2] ^=
				    0x04;
		}
		wipe(signer, n);
	}
	return code;
}

static enum stp_errc refuse(const struct stp_sign_doc *doc, const char *what, struct stp_err *err)
{
	return STP_FAIL(err, STP_REFUSED, "sign", doc->name,
	                "%s; nothing was published: memory or processor are at fault, run again or "
	                "sign on another machine",
	                what);
}

/* Reads a finished file's envelope: R and S from its hex. */
static enum stp_errc read_envelope(const struct stp_signer *signer, const struct stp_sign_doc *doc,
                                   uint8_t signature[64], struct stp_err *err)
{
	static const char open[] = STP_ENVELOPE_OPEN STP_ENVELOPE_ID;
	static const char middle[] = STP_ENVELOPE_SIG;
	static const char close[] = STP_ENVELOPE_NEXT STP_ENVELOPE_BODY;
	const uint8_t *bytes = doc->bytes;
	uint8_t wide[64] = {0};
	uint8_t reduced[32];

	if (memcmp(bytes, open, sizeof(open) - 1) != 0 ||
	    memcmp(bytes + STP_ENVELOPE_ID_AT, stp_key_id(signer->key), STP_KEYID_CHARS) !=
	        0 ||
	    memcmp(bytes + STP_ENVELOPE_ID_AT + STP_KEYID_CHARS, middle, sizeof(middle) - 1) !=
	        0 ||
	    memcmp(bytes + STP_ENVELOPE_SIG_AT + 128, close, sizeof(close) - 1) != 0 ||
	    bytes[STP_ENVELOPE_HEAD_BYTES + doc->body_bytes] != '}' ||
	    !signer->kernel->hex_decode(bytes + STP_ENVELOPE_SIG_AT, 64, signature))
		return refuse(doc, "the envelope is not what was written", err);
	/* RFC 8032 section 5.1.7: S must be below the group order. */
	memcpy(wide, signature + 32, 32);
	crypto_core_ed25519_scalar_reduce(reduced, wide);
	if (memcmp(reduced, signature + 32, 32) != 0)
		return refuse(doc, "the signature is not canonical", err);
	return STP_OK;
}

/* What R has to be of each document, from S and k' → slot.point. In turned order, so that a
 * document is checked in another lane than the one it was signed in. */
static int find_points(struct stp_signer *signer, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct slot *slot = &signer->slots[i];

		crypto_core_ed25519_scalar_reduce(slot->challenge, slot->digest);
		signer->products[count - 1 - i] =
		    (struct stp_multiply_job){slot->signature + 32, slot->challenge, slot->point};
	}
	return stp_multiply(signer->multiplier, signer->products, count);
}

static uint64_t cost_of(const struct stp_sign_doc *doc)
{
	return doc->body_bytes + DOCUMENT_COST_BYTES;
}

/* libsodium's own verifier on the smallest document, when it is time again. */
static enum stp_errc verify_smallest(struct stp_signer *signer, const struct stp_sign_doc *docs,
                                     size_t count, struct stp_err *err)
{
	size_t smallest = 0;

	for (size_t i = 0; i < count; i++) {
		signer->unverified_bytes += cost_of(&docs[i]);
		if (docs[i].body_bytes < docs[smallest].body_bytes)
			smallest = i;
	}
	if (signer->unverified_bytes / SECOND_OPINION_SHARE < cost_of(&docs[smallest]))
		return STP_OK;
	signer->unverified_bytes = 0;
	if (crypto_sign_verify_detached(signer->slots[smallest].signature, body_of(&docs[smallest]),
	                                docs[smallest].body_bytes,
	                                stp_key_public(signer->key)) != 0)
		return refuse(&docs[smallest], "the signature does not verify", err);
	return STP_OK;
}

static enum stp_errc check_chunk(struct stp_signer *signer, struct stp_sign_doc *docs, size_t count,
                                 struct stp_err *err)
{
	for (size_t i = 0; i < count; i++) {
		struct slot *slot = &signer->slots[i];

		STP_TRY(read_envelope(signer, &docs[i], slot->signature, err));
		memcpy(slot->head, slot->signature, 32);
		memcpy(slot->head + 32, stp_key_public(signer->key), 32);
	}
	hash_bodies(signer, docs, count, 64);
	if (!find_points(signer, count))
		return refuse(&docs[0], "a signature of its batch is of nothing", err);
	for (size_t i = 0; i < count; i++) {
		struct slot *slot = &signer->slots[i];

		if (memcmp(slot->point, slot->signature, 32) != 0)
			return refuse(&docs[i], "the signature does not fit the bytes", err);
		memcpy(docs[i].challenge, slot->digest, sizeof(docs[i].challenge));
	}
	return verify_smallest(signer, docs, count, err);
}

enum stp_errc stp_sign_check_batch(struct stp_signer *signer, struct stp_sign_doc *docs,
                                   size_t count, struct stp_err *err)
{
	enum stp_errc code = STP_OK;

#ifdef STP_TEST_HOOKS
	/* What the check costs is measured by leaving it out: bench/e2e/safety_cost. */
	if (stp_hook_variable("STAMPEDE_UNCHECKED"))
		return code;
#endif

	if (count && !stp_multiplier_fits(signer->multiplier))
		return refuse(docs, "the key in memory does not fit its public half", err);
	for (size_t first = 0; first < count && code == STP_OK; first += SLOT_COUNT) {
		size_t n = count - first < SLOT_COUNT ? count - first : SLOT_COUNT;

		code = check_chunk(signer, docs + first, n, err);
		wipe(signer, n);
	}
	return code;
}
