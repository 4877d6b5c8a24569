/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small published repository made by hand, with jansson and libsodium only and nothing from the
 * engine, so that the results of verify/ are checked independently, and each document can be
 * corrupted before it is signed, after it is signed, or on disk.
 *
 *	struct handmade h;
 *	handmade_init(&h, folder);          three roots' keys, bodies of all roles, 4 bins, 12
 *targets …change h.bodies…                   before signing h.after_sign = … between signing and
 *writing handmade_write(&h); …change files…
 *
 * Shape      root → targets → bins → 4 succinct bins, sha512; or without bins role, by prefixes.
 * Memory     heap; handmade_release().
 * Threads    one.
 */
#ifndef STP_TESTS_HANDMADE_H
#define STP_TESTS_HANDMADE_H

#include <fcntl.h>
#include <jansson.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HANDMADE_BINS 4
#define HANDMADE_NOW  1800000000LL /* 2027-01-15T08:00:00Z */

struct handmade_key {
	unsigned char public[32], secret[64];
	char keyid[65];
	json_t *object;
};

struct handmade;
typedef void handmade_envelope_fn(struct handmade *h, const char *name, json_t *envelope);

struct handmade {
	char folder[512];
	struct handmade_key root_keys[3], targets_keys[2], bins_keys[2], online, stranger;
	json_t *root, *timestamp, *snapshot, *targets, *bins, *bin[HANDMADE_BINS];
	unsigned version; /* of bins, snapshot and timestamp */
	handmade_envelope_fn *after_sign;
	json_int_t length_delta; /* added to the length that the timestamp lists */
	int has_bad_hash;        /* the timestamp lists another digest */
};

static inline void handmade_hex(const unsigned char *bytes, size_t count, char *out)
{
	sodium_bin2hex(out, 2 * count + 1, bytes, count);
}

static inline char *handmade_dump(const json_t *value)
{
	return json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
}

static inline void handmade_key(struct handmade_key *key, unsigned char seed_byte)
{
	unsigned char seed[32], digest[32];
	char hex[65];
	char *text;

	memset(seed, seed_byte, sizeof(seed));
	crypto_sign_seed_keypair(key->public, key->secret, seed);
	handmade_hex(key->public, 32, hex);
	key->object = json_pack("{s:s, s:{s:s}, s:s}", "keytype", "ed25519", "keyval", "public",
	                        hex, "scheme", "ed25519");
	text = handmade_dump(key->object);
	crypto_hash_sha256(digest, (const unsigned char *)text, strlen(text));
	handmade_hex(digest, 32, key->keyid);
	free(text);
}

static inline void handmade_add_keys(json_t *object, const struct handmade_key *keys, size_t count)
{
	for (size_t i = 0; i < count; i++)
		json_object_set(object, keys[i].keyid, keys[i].object);
}

static inline json_t *handmade_keys(const struct handmade_key *keys, size_t count)
{
	json_t *object = json_object();

	handmade_add_keys(object, keys, count);
	return object;
}

static inline json_t *handmade_role(const struct handmade_key *keys, size_t count,
                                    unsigned threshold)
{
	json_t *ids = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(ids, json_string(keys[i].keyid));
	return json_pack("{s:o, s:i}", "keyids", ids, "threshold", (int)threshold);
}

static inline json_t *handmade_body(const char *type, unsigned version, const char *expires)
{
	return json_pack("{s:s, s:s, s:s, s:i}", "_type", type, "expires", expires, "spec_version",
	                 "1.0.34", "version", (int)version);
}

/* Bin of path among HANDMADE_BINS (two bits). */
static inline unsigned handmade_bin_of(const char *path)
{
	unsigned char digest[32];

	crypto_hash_sha256(digest, (const unsigned char *)path, strlen(path));
	return digest[0] >> 6;
}

static inline json_t *handmade_entry(const char *content)
{
	unsigned char digest[64];
	char hex[129];

	crypto_hash_sha512(digest, (const unsigned char *)content, strlen(content));
	handmade_hex(digest, 64, hex);
	return json_pack("{s:{s:s}, s:I}", "hashes", "sha512", hex, "length",
	                 (json_int_t)strlen(content));
}

static inline json_t *handmade_targets_of(struct handmade *h, unsigned bin)
{
	return json_object_get(h->bin[bin], "targets");
}

/* Signs path (with content's digest) in the bin where it belongs. */
static inline void handmade_put(struct handmade *h, const char *path, const char *content)
{
	json_object_set_new(handmade_targets_of(h, handmade_bin_of(path)), path,
	                    handmade_entry(content));
}

static inline void handmade_root(struct handmade *h, unsigned version)
{
	json_t *keys = json_object();

	handmade_add_keys(keys, h->root_keys, 3);
	handmade_add_keys(keys, h->targets_keys, 2);
	handmade_add_keys(keys, &h->online, 1);
	json_decref(h->root);
	h->root = handmade_body("root", version, "2027-12-01T00:00:00Z");
	json_object_set_new(h->root, "consistent_snapshot", json_true());
	json_object_set_new(h->root, "keys", keys);
	json_object_set_new(h->root, "roles",
	                    json_pack("{s:o, s:o, s:o, s:o}", "root",
	                              handmade_role(h->root_keys, 3, 2), "targets",
	                              handmade_role(h->targets_keys, 2, 2), "snapshot",
	                              handmade_role(&h->online, 1, 1), "timestamp",
	                              handmade_role(&h->online, 1, 1)));
}

static inline json_t *handmade_prefixes(unsigned first, unsigned count)
{
	json_t *array = json_array();
	char digit[2] = "";

	for (unsigned i = first; i < first + count; i++) {
		digit[0] = "0123456789abcdef"[i];
		json_array_append_new(array, json_string(digit));
	}
	return array;
}

static inline json_t *handmade_delegation(const char *name, const struct handmade_key *keys,
                                          size_t count, unsigned threshold, json_t *prefixes)
{
	json_t *role = handmade_role(keys, count, threshold);

	json_object_set_new(role, "name", json_string(name));
	json_object_set_new(role, "terminating", json_true());
	json_object_set_new(role, "path_hash_prefixes", prefixes);
	return role;
}

static inline void handmade_delegations(struct handmade *h)
{
	json_t *succinct = handmade_role(&h->online, 1, 1);

	h->targets = handmade_body("targets", 1, "2027-12-01T00:00:00Z");
	json_object_set_new(h->targets, "targets", json_object());
	json_object_set_new(
	    h->targets, "delegations",
	    json_pack("{s:o, s:[o]}", "keys", handmade_keys(h->bins_keys, 2), "roles",
	              handmade_delegation("bins", h->bins_keys, 2, 2, handmade_prefixes(0, 16))));
	h->bins = handmade_body("targets", 1, "2027-12-01T00:00:00Z");
	json_object_set_new(h->bins, "targets", json_object());
	json_object_set_new(succinct, "bit_length", json_integer(2));
	json_object_set_new(succinct, "name_prefix", json_string("bin-n"));
	json_object_set_new(h->bins, "delegations",
	                    json_pack("{s:o, s:o}", "keys", handmade_keys(&h->online, 1),
	                              "succinct_roles", succinct));
}

/* Online roles at version. */
static inline void handmade_online(struct handmade *h, unsigned version)
{
	json_t *meta = json_object();
	char name[64];

	h->version = version;
	json_object_set_new(meta, "targets.json", json_pack("{s:i}", "version", 1));
	json_object_set_new(meta, "bins.json", json_pack("{s:i}", "version", 1));
	for (int i = 0; i < HANDMADE_BINS; i++) {
		json_t *targets =
		    h->bin[i] ? json_incref(json_object_get(h->bin[i], "targets")) : json_object();

		json_decref(h->bin[i]);
		h->bin[i] = handmade_body("targets", version, "2027-01-16T00:00:00Z");
		json_object_set_new(h->bin[i], "targets", targets);
		snprintf(name, sizeof(name), "bin-n-%x.json", i);
		json_object_set_new(meta, name, json_pack("{s:i}", "version", (int)version));
	}
	json_decref(h->snapshot);
	h->snapshot = handmade_body("snapshot", version, "2027-01-16T00:00:00Z");
	json_object_set_new(h->snapshot, "meta", meta);
	json_decref(h->timestamp);
	h->timestamp = handmade_body("timestamp", version, "2027-01-16T00:00:00Z");
	json_object_set_new(h->timestamp, "meta",
	                    json_pack("{s:{s:i}}", "snapshot.json", "version", (int)version));
}

static inline void handmade_init(struct handmade *h, const char *folder)
{
	char path[64], content[64];

	memset(h, 0, sizeof(*h));
	snprintf(h->folder, sizeof(h->folder), "%s", folder);
	for (unsigned i = 0; i < 3; i++)
		handmade_key(&h->root_keys[i], (unsigned char)(1 + i));
	for (unsigned i = 0; i < 2; i++) {
		handmade_key(&h->targets_keys[i], (unsigned char)(11 + i));
		handmade_key(&h->bins_keys[i], (unsigned char)(21 + i));
	}
	handmade_key(&h->online, 31);
	handmade_key(&h->stranger, 41);
	handmade_root(h, 1);
	handmade_delegations(h);
	handmade_online(h, 1);
	for (int i = 0; i < 12; i++) {
		snprintf(path, sizeof(path), "packages/%02d/file-%d.whl", i, i);
		snprintf(content, sizeof(content), "content of %d", i);
		handmade_put(h, path, content);
	}
}

static inline void handmade_file(struct handmade *h, const char *name, const char *bytes,
                                 size_t count)
{
	char path[1024];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", h->folder, name);
	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	if (fd < 0 || write(fd, bytes, count) != (ssize_t)count || close(fd) != 0)
		abort();
}

static inline json_t *handmade_signature(const struct handmade_key *key, const char *body)
{
	unsigned char sig[64];
	char hex[129];

	crypto_sign_detached(sig, NULL, (const unsigned char *)body, strlen(body), key->secret);
	handmade_hex(sig, 64, hex);
	return json_pack("{s:s, s:s}", "keyid", key->keyid, "sig", hex);
}

/* Signs body and writes name; returns the file's text (free it). */
static inline char *handmade_sign(struct handmade *h, const char *name, json_t *body,
                                  const struct handmade_key *keys, size_t count)
{
	json_t *signatures = json_array();
	json_t *envelope;
	char *text = handmade_dump(body);

	for (size_t i = 0; i < count; i++)
		json_array_append_new(signatures, handmade_signature(&keys[i], text));
	free(text);
	envelope = json_pack("{s:o, s:O}", "signatures", signatures, "signed", body);
	if (h->after_sign)
		h->after_sign(h, name, envelope);
	text = handmade_dump(envelope);
	json_decref(envelope);
	handmade_file(h, name, text, strlen(text));
	return text;
}

/* N.root.json, for chains. */
static inline void handmade_write_root(struct handmade *h, unsigned version,
                                       const struct handmade_key *keys, size_t count)
{
	char name[64];

	snprintf(name, sizeof(name), "%u.root.json", version);
	free(handmade_sign(h, name, h->root, keys, count));
}

/* Bins, snapshot and timestamp of h->version. */
static inline void handmade_write_online(struct handmade *h)
{
	json_t *line = json_object_get(json_object_get(h->timestamp, "meta"), "snapshot.json");
	unsigned char digest[32];
	char name[64], hex[65];
	char *text;

	for (int i = 0; i < HANDMADE_BINS; i++) {
		snprintf(name, sizeof(name), "%u.bin-n-%x.json", h->version, i);
		free(handmade_sign(h, name, h->bin[i], &h->online, 1));
	}
	snprintf(name, sizeof(name), "%u.snapshot.json", h->version);
	text = handmade_sign(h, name, h->snapshot, &h->online, 1);
	crypto_hash_sha256(digest, (const unsigned char *)text, strlen(text));
	digest[0] ^= (unsigned char)h->has_bad_hash;
	handmade_hex(digest, 32, hex);
	if (json_is_object(line)) {
		json_object_set_new(line, "length",
		                    json_integer((json_int_t)strlen(text) + h->length_delta));
		json_object_set_new(line, "hashes", json_pack("{s:s}", "sha256", hex));
	}
	free(text);
	free(handmade_sign(h, "timestamp.json", h->timestamp, &h->online, 1));
}

static inline void handmade_write(struct handmade *h)
{
	handmade_write_root(h, 1, h->root_keys, 2);
	free(handmade_sign(h, "1.targets.json", h->targets, h->targets_keys, 2));
	free(handmade_sign(h, "1.bins.json", h->bins, h->bins_keys, 2));
	handmade_write_online(h);
}

static inline void handmade_release(struct handmade *h)
{
	struct handmade_key *keys[] = {&h->root_keys[0],    &h->root_keys[1],    &h->root_keys[2],
	                               &h->targets_keys[0], &h->targets_keys[1], &h->bins_keys[0],
	                               &h->bins_keys[1],    &h->online,          &h->stranger};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		json_decref(keys[i]->object);
	json_decref(h->root);
	json_decref(h->timestamp);
	json_decref(h->snapshot);
	json_decref(h->targets);
	json_decref(h->bins);
	for (int i = 0; i < HANDMADE_BINS; i++)
		json_decref(h->bin[i]);
}

#endif
