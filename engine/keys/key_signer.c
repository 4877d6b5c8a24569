/* SPDX-License-Identifier: Apache-2.0 */
#include "keys/key_signer.h"

#include <errno.h>
#include <stdlib.h>

struct key_signer {
	struct stp_signer base;
	const struct stp_key *key;
};

static enum stp_errc sign(struct stp_signer *signer, struct stp_sign_message *messages,
                          size_t count, struct stp_err *err)
{
	const struct key_signer *self = (const struct key_signer *)signer;

	for (size_t i = 0; i < count; i++) {
		STP_TRY(stp_key_sign(self->key, messages[i].bytes, messages[i].count,
		                     messages[i].signature, err));
		messages[i].signature_bytes = STP_KEY_SIGNATURE_BYTES;
	}
	return STP_OK;
}

static enum stp_errc clone(const struct stp_signer *signer, struct stp_signer **out_signer,
                           struct stp_err *err)
{
	return stp_key_signer_create(((const struct key_signer *)signer)->key, out_signer, err);
}

static void destroy(struct stp_signer *signer)
{
	stp_signer_fini(signer);
	free(signer);
}

enum stp_errc stp_key_signer_create(const struct stp_key *key, struct stp_signer **out_signer,
                                    struct stp_err *err)
{
	static const struct stp_signer_ops ops = {"the key file", sign, NULL, clone, destroy};
	static const struct stp_signer_limits limits = {
	    .message_bytes_max = SIZE_MAX, .batch = 1, .pace = STP_SIGNER_BULK};
	struct key_signer *self = calloc(1, sizeof(*self));
	struct stp_key_object object;
	enum stp_errc code;

	if (!self)
		return STP_FAIL_ERRNO(err, ENOMEM, "keys", NULL, "cannot make a signer");
	self->key = key;
	stp_key_object_ed25519(&object, stp_key_public(key));
	code = stp_signer_init(&self->base, &ops, &object, &limits, err);
	if (code != STP_OK) {
		free(self);
		return code;
	}
	*out_signer = &self->base;
	return STP_OK;
}
