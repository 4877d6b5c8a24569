/* SPDX-License-Identifier: Apache-2.0 */
#include "keys/ecdsa_signer.h"

#include <errno.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <stdlib.h>

struct ecdsa_signer {
	struct stp_signer base;
	EVP_PKEY *pkey;
	BIGNUM *order, *half;
};

/* The DER signature der, with s replaced by order - s where that is smaller. Returns its bytes, or
 * 0. */
static size_t normalize(const struct ecdsa_signer *self, const uint8_t *der, size_t der_bytes,
                        uint8_t *out)
{
	const unsigned char *at = der;
	unsigned char *to = out;
	ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &at, (long)der_bytes);
	BIGNUM *r = pair ? BN_dup(ECDSA_SIG_get0_r(pair)) : NULL;
	BIGNUM *s = pair ? BN_dup(ECDSA_SIG_get0_s(pair)) : NULL;
	int is_good = r && s, bytes = 0;

	if (is_good && BN_cmp(s, self->half) > 0)
		is_good = BN_sub(s, self->order, s) == 1;
	if (is_good && ECDSA_SIG_set0(pair, r, s) == 1) {
		r = s = NULL; /* of pair now */
		bytes = i2d_ECDSA_SIG(pair, &to);
	}
	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(pair);
	return bytes > 0 ? (size_t)bytes : 0;
}

static enum stp_errc sign_one(const struct ecdsa_signer *self, struct stp_sign_message *message,
                              struct stp_err *err)
{
	uint8_t der[80];
	size_t bytes = sizeof(der);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int is_signed = ctx && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, self->pkey) == 1 &&
	                EVP_DigestSign(ctx, der, &bytes, message->bytes, message->count) == 1;

	EVP_MD_CTX_free(ctx);
	message->signature_bytes = is_signed ? normalize(self, der, bytes, message->signature) : 0;
	if (!message->signature_bytes)
		return STP_FAIL(err, STP_REFUSED, "sign", message->name,
		                "libcrypto could not sign it");
	if (stp_signature_check_bytes(&self->base.public_key, message->bytes, message->count,
	                              message->signature, message->signature_bytes,
	                              STP_LIBRARIES_ONE) != STP_SIGNATURE_GOOD)
		return STP_FAIL(err, STP_REFUSED, "sign", message->name,
		                "a fresh signature does not verify; this machine miscalculates, "
		                "sign on another");
	return STP_OK;
}

static enum stp_errc sign(struct stp_signer *signer, struct stp_sign_message *messages,
                          size_t count, struct stp_err *err)
{
	size_t i;

	for (i = 0; i < count; i++)
		STP_TRY(sign_one((const struct ecdsa_signer *)signer, &messages[i], err));
	return STP_OK;
}

static enum stp_errc clone_signer(const struct stp_signer *signer, struct stp_signer **out_signer,
                                  struct stp_err *err)
{
	const struct ecdsa_signer *self = (const struct ecdsa_signer *)signer;

	return stp_ecdsa_signer_create(self->pkey, &signer->object, out_signer, err);
}

static void destroy(struct stp_signer *signer)
{
	struct ecdsa_signer *self = (struct ecdsa_signer *)signer;

	BN_free(self->order);
	BN_free(self->half);
	stp_signer_fini(signer);
	free(signer);
}

/* The order of P-256's group and its half, rounded down. */
static int set_order(struct ecdsa_signer *self)
{
	EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);

	if (group)
		self->order = BN_dup(EC_GROUP_get0_order(group));
	EC_GROUP_free(group);
	self->half = BN_new();
	return self->order && self->half && BN_rshift1(self->half, self->order) == 1;
}

enum stp_errc stp_ecdsa_signer_create(void *pkey, const struct stp_key_object *object,
                                      struct stp_signer **out_signer, struct stp_err *err)
{
	static const struct stp_signer_ops ops = {"the key file", sign, NULL, clone_signer,
	                                          destroy};
	static const struct stp_signer_limits limits = {
	    .message_bytes_max = SIZE_MAX, .batch = 1, .pace = STP_SIGNER_BULK, .takes_digest = 1};
	struct ecdsa_signer *self = calloc(1, sizeof(*self));
	enum stp_errc code;

	if (!self)
		return STP_FAIL_ERRNO(err, ENOMEM, "keys", NULL, "cannot make a signer");
	self->pkey = pkey;
	code = stp_signer_init(&self->base, &ops, object, &limits, err);
	if (code != STP_OK) {
		free(self);
		return code;
	}
	if (!set_order(self)) {
		destroy(&self->base);
		return STP_FAIL_ERRNO(err, ENOMEM, "keys", NULL, "cannot make a signer");
	}
	*out_signer = &self->base;
	return STP_OK;
}
