/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ed25519 over many messages M at once (RFC 8032 section 5.1.6), secret scalar a, public key A:
 *
 *	signing     r = H(prefix || M)   R = rB   k = H(R || A || M)   S = r + ka
 *	checking    k'= H(R || A || M)   SB - k'A == R
 *
 * H is SHA-512 and accounts for nearly all the cost of a large M, so it runs over the lanes of
 * hash/. The 32 or 64 bytes that precede M are not stored next to it: the first part of the
 *message, these bytes and the start of M, 128 bytes together, is assembled in the signer's locked
 *memory; the second part is the rest of M in place. So the secret prefix never enters a document's
 *buffer, and checking does not touch what will be published.
 *
 *	slot.head:  [ prefix 32 | M 96 ]  ─▶ part 1         document: … M ─────▶ part 2 from M + 96
 *	            [ R | A  64 | M 64 ]  ─▶ part 1                               … from M + 64
 *
 * The check reads R and S from the signature and computes k' from the message; it uses nothing from
 * the signing. Now and then it also gives the smallest document of a batch to libsodium's own
 * verifier, which shares no code with sign/multiply.h; the bytes that this verifier hashes are
 * limited, because it hashes on one lane.
 */
#include "sign/lanes.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "hash/hash.h"
#include "sign/multiply.h"

/* Documents hashed side by side: several times the lanes of the widest kernel (8), so that lanes
 * stay full until the last few. 64 slots are 40 KiB of locked memory. */
#define SLOT_COUNT STP_MULTIPLY_JOBS_MAX
/* One byte in this many is also hashed by libsodium's verifier: 2 % of the cost. */
#define SECOND_OPINION_SHARE 256
/* The fixed cost of a document, two multiplications of points, as a number of bytes hashed. */
#define DOCUMENT_COST_BYTES ((uint64_t)64 << 10)
/* Every part but the last is a whole number of SHA-512 blocks. */
#define HEAD_BYTES STP_HASH_CHUNK_ALIGN

/* What is computed from secrets for one document; wiped after each group. */
struct slot {
	struct stp_hash_stream stream;
	uint8_t head[HEAD_BYTES];
	uint8_t digest[64];
	uint8_t nonce[32];
	uint8_t challenge[32]; /* k, reduced */
	uint8_t point[32];
	uint8_t signature[64];
};

struct lanes {
	struct stp_signer base;
	const struct stp_key *key;
	unsigned features;
	struct stp_hasher *hasher;
	struct stp_multiplier *multiplier;
	struct slot *slots; /* SLOT_COUNT, locked */
	/* Bytes checked since libsodium's verifier was last used. */
	uint64_t unverified_bytes;
	struct stp_hash_job jobs[SLOT_COUNT];
	struct stp_multiply_job products[SLOT_COUNT];
};

/* Submits the first part of document i: the first before_bytes bytes of its slot's head, followed
 * by the start of its message. */
static void submit_head(struct lanes *lanes, const struct stp_sign_message *message, size_t i,
                        size_t before_bytes)
{
	struct slot *slot = &lanes->slots[i];
	struct stp_hash_job *job = &lanes->jobs[i];
	size_t free_bytes = HEAD_BYTES - before_bytes;
	size_t count = message->count < free_bytes ? message->count : free_bytes;

	stp_hash_stream_init(&slot->stream, STP_ALG_BIT(STP_ALG_SHA512));
	memcpy(slot->head + before_bytes, message->bytes, count);
	job->stream = &slot->stream;
	job->data = slot->head;
	job->bytes = before_bytes + count;
	job->final = count == message->count;
	job->digests = slot->digest;
	job->user = slot;
	stp_hasher_submit(lanes->hasher, job);
}

/* SHA-512 of before || BODY for each of count documents → slot.digest. All heads are hashed
 * first: among bodies, each would shorten a step of all lanes to its one block. */
static void hash_bodies(struct lanes *lanes, const struct stp_sign_message *messages, size_t count,
                        size_t before_bytes)
{
	struct stp_hash_job *job;
	size_t start = HEAD_BYTES - before_bytes;
	size_t i;

	for (i = 0; i < count; i++)
		submit_head(lanes, &messages[i], i, before_bytes);
	while (stp_hasher_next(lanes->hasher, STP_HASHER_DRAIN))
		;
	for (i = 0; i < count; i++) {
		job = &lanes->jobs[i];
		if (job->final)
			continue;
		job->data = messages[i].bytes + start;
		job->bytes = messages[i].count - start;
		job->final = 1;
		stp_hasher_submit(lanes->hasher, job);
	}
	while (stp_hasher_next(lanes->hasher, STP_HASHER_DRAIN))
		;
}

static void wipe(struct lanes *lanes, size_t count)
{
	sodium_memzero(lanes->slots, count * sizeof(lanes->slots[0]));
}

/* Computes r and R of each document. */
static enum stp_errc make_nonces(struct lanes *lanes, const struct stp_sign_message *messages,
                                 size_t count, struct stp_err *err)
{
	size_t i;

	for (i = 0; i < count; i++)
		memcpy(lanes->slots[i].head, stp_key_secret(lanes->key)->prefix, 32);
	hash_bodies(lanes, messages, count, 32);
	for (i = 0; i < count; i++) {
		struct slot *slot = &lanes->slots[i];

		crypto_core_ed25519_scalar_reduce(slot->nonce, slot->digest);
		lanes->products[i] = (struct stp_multiply_job){slot->nonce, NULL, slot->signature};
	}
	/* Fails only for r = 0, for which no message is known. */
	if (!stp_multiply(lanes->multiplier, lanes->products, count))
		return STP_FAIL(err, STP_REFUSED, "sign", messages[0].name,
		                "cannot make a nonce; nothing was signed");
	return STP_OK;
}

/* Computes k and S of each document. */
static void make_signatures(struct lanes *lanes, const struct stp_sign_message *messages,
                            size_t count)
{
	uint8_t k[32];
	size_t i;

	for (i = 0; i < count; i++) {
		struct slot *slot = &lanes->slots[i];

		memcpy(slot->head, slot->signature, 32);
		memcpy(slot->head + 32, stp_key_public(lanes->key), 32);
	}
	hash_bodies(lanes, messages, count, 64);
	for (i = 0; i < count; i++) {
		struct slot *slot = &lanes->slots[i];
		uint8_t *s = slot->signature + 32;

		crypto_core_ed25519_scalar_reduce(k, slot->digest);
		crypto_core_ed25519_scalar_mul(s, k, stp_key_secret(lanes->key)->scalar);
		crypto_core_ed25519_scalar_add(s, s, slot->nonce);
	}
}

static enum stp_errc sign(struct stp_signer *signer, struct stp_sign_message *messages,
                          size_t count, struct stp_err *err)
{
	struct lanes *lanes = (struct lanes *)signer;
	enum stp_errc code = STP_OK;
	size_t first;
	size_t i;

	for (first = 0; first < count && code == STP_OK; first += SLOT_COUNT) {
		struct stp_sign_message *chunk = messages + first;
		size_t n = count - first < SLOT_COUNT ? count - first : SLOT_COUNT;

		code = make_nonces(lanes, chunk, n, err);
		if (code == STP_OK)
			make_signatures(lanes, chunk, n);
		for (i = 0; i < n && code == STP_OK; i++) {
			memcpy(chunk[i].signature, lanes->slots[i].signature, 64);
			chunk[i].signature_bytes = 64;
		}
		wipe(lanes, n);
	}
	return code;
}

/* Puts a signature into its slot. RFC 8032 section 5.1.7: S must be below the group order. */
static enum stp_errc store_signature(struct slot *slot, const struct stp_sign_message *message,
                                     struct stp_err *err)
{
	uint8_t wide[64] = {0};
	uint8_t reduced[32];

	if (message->signature_bytes != 64)
		return stp_signer_refuse(message->name, "the signature has the wrong length", err);
	memcpy(slot->signature, message->signature, 64);
	memcpy(wide, slot->signature + 32, 32);
	crypto_core_ed25519_scalar_reduce(reduced, wide);
	if (memcmp(reduced, slot->signature + 32, 32) != 0)
		return stp_signer_refuse(message->name, "the signature is not canonical", err);
	return STP_OK;
}

/* Computes from S and k' what R of each document must be, into slot.point. The order is rotated, so
 * that a document is checked in another lane than it was signed in. */
static int find_points(struct lanes *lanes, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		struct slot *slot = &lanes->slots[i];

		crypto_core_ed25519_scalar_reduce(slot->challenge, slot->digest);
		lanes->products[count - 1 - i] =
		    (struct stp_multiply_job){slot->signature + 32, slot->challenge, slot->point};
	}
	return stp_multiply(lanes->multiplier, lanes->products, count);
}

static uint64_t cost_of(const struct stp_sign_message *message)
{
	return message->count + DOCUMENT_COST_BYTES;
}

/* Runs libsodium's own verifier on the smallest document, when it is due. */
static enum stp_errc verify_smallest(struct lanes *lanes, const struct stp_sign_message *messages,
                                     size_t count, struct stp_err *err)
{
	size_t smallest = 0;
	size_t i;

	for (i = 0; i < count; i++) {
		lanes->unverified_bytes += cost_of(&messages[i]);
		if (messages[i].count < messages[smallest].count)
			smallest = i;
	}
	if (lanes->unverified_bytes / SECOND_OPINION_SHARE < cost_of(&messages[smallest]))
		return STP_OK;
	lanes->unverified_bytes = 0;
	if (crypto_sign_verify_detached(lanes->slots[smallest].signature, messages[smallest].bytes,
	                                messages[smallest].count, stp_key_public(lanes->key)) != 0)
		return stp_signer_refuse(messages[smallest].name, "the signature does not verify",
		                         err);
	return STP_OK;
}

static enum stp_errc check_chunk(struct lanes *lanes, struct stp_sign_message *messages,
                                 size_t count, struct stp_err *err)
{
	size_t i;

	for (i = 0; i < count; i++) {
		struct slot *slot = &lanes->slots[i];

		STP_TRY(store_signature(slot, &messages[i], err));
		memcpy(slot->head, slot->signature, 32);
		memcpy(slot->head + 32, stp_key_public(lanes->key), 32);
	}
	hash_bodies(lanes, messages, count, 64);
	if (!find_points(lanes, count))
		return stp_signer_refuse(messages[0].name,
		                         "a signature of its batch has no valid point", err);
	for (i = 0; i < count; i++) {
		struct slot *slot = &lanes->slots[i];

		if (memcmp(slot->point, slot->signature, 32) != 0)
			return stp_signer_refuse(messages[i].name,
			                         "the signature does not match the bytes", err);
		memcpy(messages[i].covered, slot->digest, sizeof(messages[i].covered));
	}
	return verify_smallest(lanes, messages, count, err);
}

static enum stp_errc check(struct stp_signer *signer, struct stp_sign_message *messages,
                           size_t count, struct stp_err *err)
{
	struct lanes *lanes = (struct lanes *)signer;
	enum stp_errc code = STP_OK;
	size_t first;

	if (count && !stp_multiplier_fits(lanes->multiplier))
		return stp_signer_refuse(messages->name,
		                         "the key in memory does not match its public half", err);
	for (first = 0; first < count && code == STP_OK; first += SLOT_COUNT) {
		size_t n = count - first < SLOT_COUNT ? count - first : SLOT_COUNT;

		code = check_chunk(lanes, messages + first, n, err);
		wipe(lanes, n);
	}
	return code;
}

static enum stp_errc clone(const struct stp_signer *signer, struct stp_signer **out_signer,
                           struct stp_err *err)
{
	const struct lanes *lanes = (const struct lanes *)signer;

	return stp_lanes_create(lanes->key, lanes->features, out_signer, err);
}

static void destroy(struct stp_signer *signer)
{
	struct lanes *lanes = (struct lanes *)signer;

	if (lanes->hasher)
		stp_hasher_destroy(lanes->hasher);
	stp_multiplier_destroy(lanes->multiplier);
	sodium_free(lanes->slots);
	stp_signer_fini(signer);
	free(lanes);
}

static enum stp_errc init(struct lanes *lanes, struct stp_err *err)
{
	static const struct stp_signer_ops ops = {"the key file", sign, check, clone, destroy};
	static const struct stp_signer_limits limits = {
	    .message_bytes_max = SIZE_MAX, .batch = SLOT_COUNT, .pace = STP_SIGNER_BULK};
	struct stp_key_object object;

	stp_key_object_ed25519(&object, stp_key_public(lanes->key));
	STP_TRY(stp_signer_init(&lanes->base, &ops, &object, &limits, err));
	lanes->unverified_bytes = UINT64_MAX / 2; /* the first batch is verified by libsodium */
	lanes->slots = sodium_allocarray(SLOT_COUNT, sizeof(struct slot));
	if (!lanes->slots)
		return STP_FAIL_ERRNO(err, ENOMEM, "sign", NULL, "cannot get locked memory");
	STP_TRY(stp_multiplier_create(lanes->key, lanes->features, &lanes->multiplier, err));
	return stp_hasher_create(STP_ALG_BIT(STP_ALG_SHA512), lanes->features, SLOT_COUNT,
	                         &lanes->hasher, err);
}

enum stp_errc stp_lanes_create(const struct stp_key *key, unsigned features,
                               struct stp_signer **out_signer, struct stp_err *err)
{
	struct lanes *lanes = calloc(1, sizeof(*lanes));
	enum stp_errc code;

	if (!lanes)
		return STP_FAIL_ERRNO(err, ENOMEM, "sign", NULL, "cannot make a signer");
	lanes->key = key;
	lanes->features = features;
	code = init(lanes, err);
	if (code != STP_OK) {
		destroy(&lanes->base);
		return code;
	}
	*out_signer = &lanes->base;
	return STP_OK;
}
