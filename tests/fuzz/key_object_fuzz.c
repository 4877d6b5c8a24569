/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys, the root role and the signatures of a root document that anybody may have written. A
 * key that is accepted has one encoding, no key counts twice, and both libraries agree about every
 * signature.
 */
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "verify/document.h"
#include "verify/signature.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_bytes);

static const struct stp_document_rule rule = {
    "root", "_type consistent_snapshot expires keys roles spec_version version", 1 << 20, 0};

/* The text of an accepted key is what libcrypto writes for it. */
static void check_spelling(const struct stp_public_key *key, json_t *object)
{
	json_t *public = json_object_get(json_object_get(object, "keyval"), "public");
	const char *text = json_string_value(public);
	size_t chars = json_string_length(public);
	BIO *bio = BIO_new(BIO_s_mem());
	char *pem = NULL;
	long pem_chars;

	STP_ASSERT(bio && text && EVP_PKEY_get_bits(key->pkey) >= 253);
	if (key->scheme->kind != STP_KEY_KIND_ED25519) {
		STP_ASSERT(PEM_write_bio_PUBKEY(bio, key->pkey) == 1);
		pem_chars = BIO_get_mem_data(bio, &pem);
		STP_ASSERT(chars == (size_t)pem_chars || chars + 1 == (size_t)pem_chars);
		STP_ASSERT(memcmp(pem, text, chars) == 0);
	}
	BIO_free(bio);
}

static void check_role(const struct stp_role *role)
{
	for (size_t i = 0; i < role->key_count; i++)
		for (size_t j = 0; j < i; j++)
			STP_ASSERT(memcmp(role->keys[i]->identity, role->keys[j]->identity, 32) !=
			           0);
	STP_ASSERT(role->threshold == UINT64_MAX ||
	           (role->threshold >= 1 && role->threshold <= role->key_count));
}

static void try_keys(struct stp_document *doc)
{
	json_t *keys = json_object_get(doc->body_json, "keys");
	json_t *object = json_object_get(json_object_get(doc->body_json, "roles"), "root");
	struct stp_signature_tally tally = {0, 0};
	struct stp_key_ring ring = {0};
	struct stp_role role = {0};

	STP_ASSERT(stp_key_ring_load(&ring, doc, keys, "keys", NULL) == STP_OK);
	STP_ASSERT(ring.count <= json_object_size(keys));
	for (size_t i = 0; i < ring.count; i++)
		check_spelling(&ring.keys[i], json_object_get(keys, ring.keys[i].keyid));
	STP_ASSERT(stp_role_load(&role, &ring, doc, object, "root", NULL) == STP_OK);
	check_role(&role);
	if (stp_document_signed_by(doc, &role, NULL, "root", &tally))
		STP_ASSERT(tally.checked >= role.threshold);
	STP_ASSERT(tally.checked_twice <= tally.checked && tally.checked <= role.key_count);
	STP_ASSERT(doc->findings->totals[STP_FINDING_SIGNATURE_DISAGREE] == 0);
	stp_role_release(&role);
	stp_key_ring_release(&ring);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_bytes)
{
	struct stp_buf copy = STP_BUF_INIT;
	struct stp_finding_list findings;
	struct stp_document doc;
	int usable;

	if (stp_buf_append(&copy, data, data_bytes, NULL) != STP_OK)
		abort();
	stp_finding_list_init(&findings);
	if (stp_document_parse(&doc, &copy, "1.root.json", &rule, &findings, &usable, NULL) !=
	    STP_OK)
		abort();
	if (usable)
		try_keys(&doc);
	stp_document_release(&doc);
	stp_finding_list_release(&findings);
	return 0;
}
