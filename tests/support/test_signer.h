/* SPDX-License-Identifier: Apache-2.0 */
/* A signer that is not Ed25519: ECDSA P-256 by libcrypto, random signatures of 70 to 72 bytes, and
 * faults that a device may have. For tests. */
#ifndef STP_TEST_SIGNER_H
#define STP_TEST_SIGNER_H

#include "keys/signer.h"
#include "p256.h"

enum test_signer_fault {
	TEST_SIGNER_GOOD,
	TEST_SIGNER_OTHER_MESSAGE,
	TEST_SIGNER_OTHER_KEY,
	TEST_SIGNER_EMPTY,
	TEST_SIGNER_LONG,
	TEST_SIGNER_SHORT,
	TEST_SIGNER_FAILS,
};

struct test_signer {
	struct stp_signer base;
	struct p256 key;
	enum test_signer_fault fault;
	size_t calls;
	int borrowed;
};

static inline enum stp_errc test_signer_sign(struct stp_signer *signer,
                                             struct stp_sign_message *messages, size_t count,
                                             struct stp_err *err)
{
	struct test_signer *self = (struct test_signer *)signer;
	struct p256 other;

	self->calls++;
	if (self->fault == TEST_SIGNER_FAILS)
		return STP_FAIL(err, STP_IO, "sign", messages[0].name, "the token is gone");
	for (size_t i = 0; i < count; i++) {
		struct stp_sign_message *m = &messages[i];

		m->signature_bytes = p256_sign(&self->key, m->bytes, m->count, m->signature);
		if (self->fault == TEST_SIGNER_OTHER_MESSAGE) {
			m->signature_bytes = p256_sign(&self->key, "{}", 2, m->signature);
		} else if (self->fault == TEST_SIGNER_OTHER_KEY) {
			p256_make(&other);
			m->signature_bytes = p256_sign(&other, m->bytes, m->count, m->signature);
			p256_release(&other);
		} else if (self->fault == TEST_SIGNER_EMPTY) {
			m->signature_bytes = 0;
		} else if (self->fault == TEST_SIGNER_LONG) {
			m->signature_bytes = 73;
		} else if (self->fault == TEST_SIGNER_SHORT) {
			m->signature_bytes--;
		}
	}
	return STP_OK;
}

static inline void test_signer_make(struct test_signer *signer, const char *keytype)
{
	static const struct stp_signer_ops ops = {"the test token", test_signer_sign, NULL, NULL,
	                                          NULL};
	static const struct stp_signer_limits limits = {
	    .message_bytes_max = 4096, .batch = 1, .pace = STP_SIGNER_SINGLE, .takes_digest = 1};
	struct stp_key_object object;

	signer->fault = TEST_SIGNER_GOOD;
	signer->calls = 0;
	if (stp_key_object_init(&object, stp_scheme_find(keytype, "ecdsa-sha2-nistp256"),
	                        signer->key.object.public_text, signer->key.object.public_chars) ||
	    stp_signer_init(&signer->base, &ops, &object, &limits, NULL) != STP_OK)
		abort();
}

static inline void test_signer_init(struct test_signer *signer)
{
	p256_make(&signer->key);
	signer->borrowed = 0;
	test_signer_make(signer, "ecdsa");
}

/* The key of another, which must outlive signer, under this keytype. */
static inline void test_signer_same_key(struct test_signer *signer, const struct test_signer *of,
                                        const char *keytype)
{
	signer->key = of->key;
	signer->borrowed = 1;
	test_signer_make(signer, keytype);
}

static inline void test_signer_release(struct test_signer *signer)
{
	stp_signer_fini(&signer->base);
	if (!signer->borrowed)
		p256_release(&signer->key);
}

#endif
