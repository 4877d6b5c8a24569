/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Payloads and signature files of ceremonies, made with jansson and libsodium only (handmade.h), so
 * that what ceremony/ reads is not what ceremony/ wrote, and anything in them can be wrong.
 *
 *	made_payload_init(&made);      root 1 → 2, in which safe-3 replaces root key 2
 *	…change made.json…
 *	made_payload_parse(&made, …);
 *
 * Shape      keys root 0, 1, 2 of root 1, and "fresh"; 2 of 3 sign.
 * Memory     heap; made_payload_release().
 * Threads    one.
 */
#ifndef STP_TEST_MADE_PAYLOAD_H
#define STP_TEST_MADE_PAYLOAD_H

#include "ceremony/signatures.h"
#include "handmade.h"

struct made_payload {
	struct handmade h;
	struct handmade_key fresh, fresh2;
	json_t *json;
	json_t *root1, *targets1, *bins1; /* envelopes, borrowed from json */
	json_t *root2;                    /* "signed", borrowed from json */
	char sha256[65];                  /* of the last text */
};

static inline json_t *made_envelope(const json_t *body, const struct handmade_key *keys,
                                    size_t count)
{
	json_t *signatures = json_array();
	char *text = handmade_dump(body);

	for (size_t i = 0; i < count; i++)
		json_array_append_new(signatures, handmade_signature(&keys[i], text));
	free(text);
	return json_pack("{s:o, s:o}", "signatures", signatures, "signed", json_deep_copy(body));
}

static inline json_t *made_base(const json_t *envelope, unsigned version)
{
	char *text = handmade_dump(envelope);
	unsigned char digest[32];
	char hex[65];

	crypto_hash_sha256(digest, (const unsigned char *)text, strlen(text));
	free(text);
	handmade_hex(digest, 32, hex);
	return json_pack("{s:s, s:i}", "sha256", hex, "version", (int)version);
}

/* Root 2: version, expiry, and the three keys that may sign root. */
static inline json_t *made_root(struct made_payload *made, unsigned version,
                                const struct handmade_key *keys[], size_t count, unsigned threshold)
{
	json_t *ids = json_array();
	json_t *body;

	handmade_root(&made->h, version);
	body = json_deep_copy(made->h.root);
	for (size_t i = 0; i < 3; i++)
		json_object_del(json_object_get(body, "keys"), made->h.root_keys[i].keyid);
	for (size_t i = 0; i < count; i++) {
		json_object_set(json_object_get(body, "keys"), keys[i]->keyid, keys[i]->object);
		json_array_append_new(ids, json_string(keys[i]->keyid));
	}
	json_object_set_new(json_object_get(body, "roles"), "root",
	                    json_pack("{s:o, s:i}", "keyids", ids, "threshold", (int)threshold));
	json_object_set_new(body, "expires", json_string("2028-11-20T00:00:00Z"));
	return body;
}

static inline void made_name(json_t *names, const struct handmade_key *key, const char *name)
{
	json_object_set_new(names, key->keyid, json_pack("{s:s}", "name", name));
}

static inline void made_document(struct made_payload *made, const char *name, json_t *body)
{
	json_array_append_new(json_object_get(made->json, "documents"),
	                      json_pack("{s:s, s:o}", "name", name, "signed", body));
}

static inline void made_payload_init(struct made_payload *made)
{
	const struct handmade_key *keys[3];
	json_t *names = json_object();

	memset(made, 0, sizeof(*made));
	handmade_init(&made->h, "/nonexistent");
	handmade_key(&made->fresh, 51);
	handmade_key(&made->fresh2, 52);
	made_name(names, &made->h.root_keys[0], "safe-1");
	made_name(names, &made->h.root_keys[1], "safe-2");
	made_name(names, &made->h.root_keys[2], "stick-3");
	made_name(names, &made->fresh, "safe-4");
	made->root1 = made_envelope(made->h.root, made->h.root_keys, 3);
	made->targets1 = made_envelope(made->h.targets, made->h.targets_keys, 2);
	made->bins1 = made_envelope(made->h.bins, made->h.bins_keys, 2);
	made->json =
	    json_pack("{s:s, s:i, s:s, s:s, s:[o], s:{s:o, s:o}, s:{s:o, s:o, s:o}, s:[], s:o}",
	              "_type", "stampede-ceremony", "format", 1, "purpose",
	              "replace the lost third key", "made", "2027-01-15T08:00:00Z", "chain",
	              made->root1, "published", "targets", made->targets1, "bins", made->bins1,
	              "base", "root", made_base(made->root1, 1), "targets",
	              made_base(made->targets1, 1), "bins", made_base(made->bins1, 1), "documents",
	              "names", names);
	keys[0] = &made->h.root_keys[0];
	keys[1] = &made->h.root_keys[1];
	keys[2] = &made->fresh;
	made->root2 = made_root(made, 2, keys, 3, 2);
	made_document(made, "2.root.json", made->root2);
}

/* The file; free it. */
static inline char *made_payload_text(struct made_payload *made)
{
	unsigned char digest[32];
	char *text = handmade_dump(made->json);

	crypto_hash_sha256(digest, (const unsigned char *)text, strlen(text));
	handmade_hex(digest, 32, made->sha256);
	return text;
}

static inline enum stp_errc made_payload_parse(struct made_payload *made,
                                               struct stp_payload *payload, struct stp_err *err)
{
	struct stp_buf file = STP_BUF_INIT;
	char *text = made_payload_text(made);
	enum stp_errc code = stp_buf_append(&file, text, strlen(text), err);

	free(text);
	if (code != STP_OK)
		abort();
	return stp_payload_parse(payload, &file, "P", err);
}

/* Document number index of the payload. */
static inline json_t *made_payload_document(struct made_payload *made, size_t index)
{
	return json_array_get(json_object_get(made->json, "documents"), index);
}

/* Fills file with the signatures of key over all documents; made_payload_text() comes before. */
static inline void made_signatures(struct made_payload *made, const struct handmade_key *key,
                                   struct stp_signatures *file)
{
	size_t i;

	memset(file, 0, sizeof(*file));
	snprintf(file->subject, sizeof(file->subject), "P.%.8s.sig", key->keyid);
	memcpy(file->keyid, key->keyid, sizeof(file->keyid));
	sodium_hex2bin(file->payload_sha256, 32, made->sha256, 64, NULL, NULL, NULL);
	for (i = 0; i < json_array_size(json_object_get(made->json, "documents")); i++) {
		struct stp_ceremony_signature *item = &file->items[file->count++];
		json_t *document = made_payload_document(made, i);
		char *body = handmade_dump(json_object_get(document, "signed"));

		snprintf(item->document, sizeof(item->document), "%s",
		         json_string_value(json_object_get(document, "name")));
		crypto_sign_detached(item->bytes, NULL, (const unsigned char *)body, strlen(body),
		                     key->secret);
		item->count = 64;
		free(body);
	}
}

static inline void made_payload_release(struct made_payload *made)
{
	handmade_release(&made->h);
	json_decref(made->fresh.object);
	json_decref(made->fresh2.object);
	json_decref(made->json);
}

#endif
