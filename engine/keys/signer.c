/* SPDX-License-Identifier: Apache-2.0 */
#include "keys/signer.h"

#include <sodium.h>
#include <string.h>

enum stp_errc stp_signer_init(struct stp_signer *signer, const struct stp_signer_ops *ops,
                              const struct stp_key_object *object,
                              const struct stp_signer_limits *limits, struct stp_err *err)
{
	const char *problem;

	signer->ops = ops;
	signer->object = *object;
	signer->limits = *limits;
	problem =
	    stp_public_key_load(&signer->public_key, object->scheme->keytype,
	                        object->scheme->scheme, object->public_text, object->public_chars);
	if (problem)
		return STP_FAIL(err, STP_KEY, "keys", NULL, "the key %.16s… cannot be used: %s",
		                object->keyid, problem);
	memcpy(signer->public_key.keyid, object->keyid, sizeof(object->keyid));
	return STP_OK;
}

void stp_signer_fini(struct stp_signer *signer)
{
	stp_public_key_release(&signer->public_key);
}

enum stp_errc stp_signer_sign(struct stp_signer *signer, struct stp_sign_message *messages,
                              size_t count, struct stp_err *err)
{
	const struct stp_scheme *scheme = signer->object.scheme;

	for (size_t i = 0; i < count; i++)
		if (messages[i].count > signer->limits.message_bytes_max)
			return STP_FAIL(
			    err, STP_LIMIT, "sign", messages[i].name,
			    "has %zu bytes to sign, but %s signs at most %zu; sign this "
			    "role with another key",
			    messages[i].count, signer->ops->name, signer->limits.message_bytes_max);
	STP_TRY(signer->ops->sign(signer, messages, count, err));
	for (size_t i = 0; i < count; i++)
		if (messages[i].signature_bytes < scheme->signature_bytes_min ||
		    messages[i].signature_bytes > scheme->signature_bytes_max)
			return STP_FAIL(
			    err, STP_REFUSED, "sign", messages[i].name,
			    "%s returned a signature of %zu bytes, which %s does not allow",
			    signer->ops->name, messages[i].signature_bytes, scheme->scheme);
	return STP_OK;
}

enum stp_errc stp_signer_check(struct stp_signer *signer, struct stp_sign_message *messages,
                               size_t count, struct stp_err *err)
{
	if (signer->ops->check)
		return signer->ops->check(signer, messages, count, err);
	for (size_t i = 0; i < count; i++) {
		struct stp_sign_message *message = &messages[i];

		if (stp_signature_check_bytes(&signer->public_key, message->bytes, message->count,
		                              message->signature, message->signature_bytes,
		                              STP_LIBRARIES_ONE) != STP_SIGNATURE_GOOD)
			return stp_signer_refuse(message->name,
			                         "the signature does not match the bytes", err);
		stp_signer_covered(signer, message->bytes, message->count, message->signature,
		                   message->covered);
	}
	return STP_OK;
}

enum stp_errc stp_signer_clone(const struct stp_signer *signer, struct stp_signer **out_signer,
                               struct stp_err *err)
{
	return signer->ops->clone(signer, out_signer, err);
}

void stp_signer_destroy(struct stp_signer *signer)
{
	if (signer)
		signer->ops->destroy(signer);
}

void stp_signature_covered(const struct stp_public_key *key, const uint8_t *message,
                           size_t message_bytes, const uint8_t *signature,
                           uint8_t out_covered[STP_COVERED_BYTES])
{
	crypto_hash_sha512_state state;
	uint8_t digest[crypto_hash_sha512_BYTES];

	if (key->scheme->kind != STP_KEY_KIND_ED25519) {
		crypto_hash_sha256(out_covered, message, message_bytes);
		return;
	}
	crypto_hash_sha512_init(&state);
	crypto_hash_sha512_update(&state, signature, 32);
	crypto_hash_sha512_update(&state, key->ed25519, 32);
	crypto_hash_sha512_update(&state, message, message_bytes);
	crypto_hash_sha512_final(&state, digest);
	memcpy(out_covered, digest, STP_COVERED_BYTES);
}

void stp_signer_covered(const struct stp_signer *signer, const uint8_t *message,
                        size_t message_bytes, const uint8_t *signature,
                        uint8_t out_covered[STP_COVERED_BYTES])
{
	stp_signature_covered(&signer->public_key, message, message_bytes, signature, out_covered);
}

enum stp_errc stp_signer_refuse(const char *name, const char *what, struct stp_err *err)
{
	return STP_FAIL(
	    err, STP_REFUSED, "sign", name,
	    "%s; nothing was published: the memory or the processor is at fault, run again or "
	    "sign on another machine",
	    what);
}
