/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/listed.h"

#include <inttypes.h>
#include <string.h>

#include "base/limits.h"
#include "base/text.h"
#include "hash/hash.h"
#include "verify/role_name.h"

/* Compares one listed digest (or NULL) with the file. */
static void check_digest(struct stp_finding_list *findings, const char *subject, enum stp_alg alg,
                         const char *listed_hex, const struct stp_buf *file)
{
	uint8_t digest[STP_DIGEST_BYTES_MAX];
	char hex[2 * STP_DIGEST_BYTES_MAX];
	size_t bytes = stp_alg_digest_bytes(alg);

	if (!listed_hex)
		return;
	stp_hash_one(alg, file->data, file->count, digest);
	stp_hex_encode(digest, bytes, hex);
	if (memcmp(hex, listed_hex, 2 * bytes) != 0)
		stp_finding_add(findings, STP_FINDING_HASH, subject,
		                "%s is %.*s, but %.*s is listed", stp_alg_name(alg),
		                (int)(2 * bytes), hex, (int)(2 * bytes), listed_hex);
}

void stp_listed_check(struct stp_finding_list *findings, const char *subject,
                      const struct stp_listed *listed, const struct stp_buf *file)
{
	if (listed->length >= 0 && (uint64_t)listed->length != file->count)
		stp_finding_add(findings, STP_FINDING_LENGTH, subject,
		                "has %zu bytes, but %" PRId64 " are listed", file->count,
		                listed->length);
	check_digest(findings, subject, STP_ALG_SHA256, listed->sha256, file);
	check_digest(findings, subject, STP_ALG_SHA512, listed->sha512, file);
}

/* Reads a hex digest of "hashes". */
static const char *listed_digest(struct stp_document *doc, json_t *hashes, const char *role,
                                 const char *alg, size_t digest_bytes)
{
	json_t *value = json_object_get(hashes, alg);
	uint8_t digest[STP_DIGEST_BYTES_MAX];
	struct stp_quote quote;

	if (!value)
		return NULL;
	if (json_is_string(value) && json_string_length(value) == 2 * digest_bytes &&
	    stp_hex_decode(json_string_value(value), digest_bytes, digest, 0))
		return json_string_value(value);
	stp_finding_add(doc->findings, STP_FINDING_FIELD, doc->name, "meta of %s: %s is malformed",
	                stp_finding_quote(&quote, role, strlen(role)), alg);
	return NULL;
}

int stp_listed_read(struct stp_arena *arena, struct stp_document *doc, const char *name,
                    json_t *object, struct stp_listed *line)
{
	size_t count = strlen(name);
	json_t *hashes = json_object_get(object, "hashes");
	struct stp_quote quote;
	uint64_t length = 0;

	stp_finding_quote(&quote, name, count);
	if (count < 6 || strcmp(name + count - 5, ".json") != 0 ||
	    !stp_role_name_ok(name, count - 5)) {
		stp_finding_add(doc->findings, STP_FINDING_ROLE_NAME, doc->name,
		                "lists \"%s\", which is not the file name of a role", quote.text);
		return 0;
	}
	memset(line, 0, sizeof(*line));
	line->length = -1;
	line->role = stp_arena_copy(arena, name, count - 5);
	if (!json_is_object(object) || !line->role ||
	    !stp_document_integer(doc, object, quote.text, "version", 1, STP_VERSION_MAX,
	                          &line->version))
		return 0;
	stp_document_known(doc, object, quote.text, "hashes length version");
	if (json_object_get(object, "length") &&
	    stp_document_integer(doc, object, quote.text, "length", 1, INT64_MAX, &length))
		line->length = (int64_t)length;
	line->sha256 = listed_digest(doc, hashes, name, "sha256", 32);
	line->sha512 = listed_digest(doc, hashes, name, "sha512", 64);
	if (hashes && (!json_is_object(hashes) || (!line->sha256 && !line->sha512)))
		stp_finding_add(doc->findings, STP_FINDING_FIELD, doc->name,
		                "hashes of %s hold neither sha256 nor sha512", quote.text);
	return 1;
}

int stp_listed_compare(const void *a, const void *b)
{
	return strcmp(((const struct stp_listed *)a)->role, ((const struct stp_listed *)b)->role);
}
