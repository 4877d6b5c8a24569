/* SPDX-License-Identifier: Apache-2.0 */
#include "ceremony/tally.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ceremony/key_label.h"
#include "cjson/encoding.h"
#include "cjson/writer.h"

#define STAGE "ceremony"

/* ------------------------------------------------------------------------ who must sign */

static void demand(struct stp_tally_document *document, const struct stp_role *role,
                   const char *whose, uint64_t version)
{
	struct stp_tally_demand *item = &document->demands[document->demand_count++];

	snprintf(item->by, sizeof(item->by), "%s %" PRIu64, whose, version);
	item->role = role;
}

static void demand_root(struct stp_tally_document *document, const struct stp_payload *payload)
{
	const struct stp_root *published = stp_payload_published_root(payload);

	if (published)
		demand(document, &published->root, "root", published->doc.version);
	if (payload->has_root)
		demand(document, &payload->root.root, "root", payload->root.doc.version);
}

static void demand_targets(struct stp_tally_document *document, const struct stp_payload *payload)
{
	const struct stp_root *root =
	    payload->has_root ? &payload->root : stp_payload_published_root(payload);

	demand(document, &root->targets, "root", root->doc.version);
}

/* The new targets of a payload that is not a drill. */
static const struct stp_payload_document *new_targets(const struct stp_payload *payload)
{
	return payload->is_drill ? NULL : stp_payload_document(payload, STP_PAYLOAD_TARGETS);
}

static void demand_bins(struct stp_tally_document *document, const struct stp_payload *payload)
{
	const struct stp_payload_document *targets = new_targets(payload);

	if (targets)
		demand(document, payload->delegated.bins, "targets", targets->doc->version);
	else
		demand(document, payload->published_delegated.bins, "targets",
		       payload->published_targets.version);
}

static void demand_all(struct stp_tally *tally, const struct stp_payload *payload)
{
	size_t i;

	for (i = 0; i < payload->document_count; i++) {
		struct stp_tally_document *document = &tally->documents[tally->document_count++];

		document->document = &payload->documents[i];
		if (document->document->role == STP_PAYLOAD_ROOT)
			demand_root(document, payload);
		else if (document->document->role == STP_PAYLOAD_TARGETS)
			demand_targets(document, payload);
		else
			demand_bins(document, payload);
	}
}

int stp_tally_role_has(const struct stp_role *role, const struct stp_public_key *key)
{
	size_t i;

	for (i = 0; role && i < role->key_count; i++)
		if (memcmp(role->keys[i]->identity, key->identity, sizeof(key->identity)) == 0)
			return 1;
	return 0;
}

const struct stp_public_key *stp_tally_key(const struct stp_tally_document *document,
                                           const char *keyid)
{
	size_t i;

	for (i = 0; i < document->demand_count; i++) {
		const struct stp_public_key *key =
		    stp_role_key(document->demands[i].role, keyid, strlen(keyid));

		if (key)
			return key;
	}
	return NULL;
}

/* -------------------------------------------------------------------------- signatures */

/* A file whose signatures are being added. */
struct adding {
	struct stp_tally *tally;
	const struct stp_payload *payload;
	const struct stp_signatures *file;
	struct stp_err *err;
};

static struct stp_tally_document *find(const struct stp_tally *tally, const char *name)
{
	size_t i;

	for (i = 0; i < tally->document_count; i++)
		if (strcmp(tally->documents[i].document->name, name) == 0)
			return (struct stp_tally_document *)&tally->documents[i];
	return NULL;
}

/* Whether the bytes of a come before those of b. */
static int is_smaller(const struct stp_ceremony_signature *a, const struct stp_tally_signature *b)
{
	size_t both = a->count < b->count ? a->count : b->count;
	int order = memcmp(a->bytes, b->bytes, both);

	return order ? order < 0 : a->count < b->count;
}

/* Keeps a good signature: one for each keyid, sorted. */
static enum stp_errc keep(struct stp_tally_document *document, const struct stp_public_key *key,
                          const struct stp_ceremony_signature *signature, struct stp_err *err)
{
	struct stp_tally_signature *items = document->signatures;
	size_t at = 0;

	while (at < document->signature_count && strcmp(items[at].key->keyid, key->keyid) < 0)
		at++;
	if (at == document->signature_count || strcmp(items[at].key->keyid, key->keyid) != 0) {
		items = realloc(items, (document->signature_count + 1) * sizeof(*items));
		if (!items)
			return STP_FAIL_ERRNO(err, ENOMEM, STAGE, document->document->name,
			                      "cannot count signatures");
		document->signatures = items;
		memmove(&items[at + 1], &items[at],
		        (document->signature_count - at) * sizeof(*items));
		document->signature_count++;
	} else if (!is_smaller(signature, &items[at])) {
		return STP_OK;
	}
	items[at].key = key;
	items[at].count = signature->count;
	memcpy(items[at].bytes, signature->bytes, signature->count);
	return STP_OK;
}

static enum stp_errc add(const struct adding *adding,
                         const struct stp_ceremony_signature *signature)
{
	struct stp_tally_document *document = find(adding->tally, signature->document);
	const struct stp_document *doc;
	const struct stp_public_key *key;
	struct stp_key_label label;

	stp_key_label(&label, adding->payload, adding->file->keyid);
	if (!document)
		return STP_FAIL(adding->err, STP_REFUSED, STAGE, adding->file->subject,
		                "has a signature by %s of %s, which is not a document of this "
		                "payload; ask its signer for the right file",
		                label.text, signature->document);
	key = stp_tally_key(document, adding->file->keyid);
	if (!key)
		return STP_FAIL(adding->err, STP_REFUSED, STAGE, adding->file->subject,
		                "%s does not sign %s, neither before nor after this ceremony; "
		                "leave the file out",
		                label.text, signature->document);
	doc = document->document->doc;
	if (stp_signature_check_bytes(key, doc->body.data, doc->body.count, signature->bytes,
	                              signature->count, STP_LIBRARIES_BOTH) != STP_SIGNATURE_GOOD)
		return STP_FAIL(adding->err, STP_REFUSED, STAGE, adding->file->subject,
		                "the signature of %s by %s is wrong: it is damaged, or of other "
		                "bytes; ask its signer to sign this payload",
		                signature->document, label.text);
	return keep(document, key, signature, adding->err);
}

static enum stp_errc add_file(const struct adding *adding)
{
	const struct stp_signatures *file = adding->file;
	size_t i;

	if (memcmp(file->payload_sha256, adding->payload->sha256, 32) != 0)
		return STP_FAIL(adding->err, STP_REFUSED, STAGE, file->subject,
		                "holds signatures of another payload; leave it out, or use the "
		                "payload that it was made for");
	for (i = 0; i < file->count; i++)
		STP_TRY(add(adding, &file->items[i]));
	return STP_OK;
}

/* ----------------------------------------------------------------------------- counted */

/* Whether document has a signature that counts for key of a role: under the keyid that the role has
 * for it, as clients look it up. */
int stp_tally_has_signed(const struct stp_tally_document *document,
                         const struct stp_public_key *key)
{
	size_t i;

	for (i = 0; i < document->signature_count; i++)
		if (strcmp(document->signatures[i].key->keyid, key->keyid) == 0)
			return 1;
	return 0;
}

/* A role's keys are unique by key material (stp_role_load()). */
static void count(struct stp_tally *tally, struct stp_tally_document *document)
{
	size_t i;
	size_t k;

	for (i = 0; i < document->demand_count; i++) {
		struct stp_tally_demand *item = &document->demands[i];

		item->have = 0;
		for (k = 0; k < item->role->key_count; k++)
			item->have += (uint64_t)stp_tally_has_signed(document, item->role->keys[k]);
		if (item->role->threshold == 0 || item->have < item->role->threshold)
			tally->is_reached = 0;
	}
}

/* Adds the keys of now that are not in before and have not signed document. */
static enum stp_errc add_unproven(struct stp_tally *tally, struct stp_tally_document *document,
                                  const struct stp_role *before, const struct stp_role *now,
                                  struct stp_err *err)
{
	const struct stp_public_key **items;
	size_t i;

	if (!now)
		return STP_OK;
	items = realloc(document->unproven,
	                (document->unproven_count + now->key_count + 1) * sizeof(*items));
	if (!items)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, document->document->name,
		                      "cannot list keys");
	document->unproven = items;
	for (i = 0; i < now->key_count; i++)
		if (!stp_tally_role_has(before, now->keys[i]) &&
		    !stp_tally_has_signed(document, now->keys[i]))
			items[document->unproven_count++] = now->keys[i];
	if (document->unproven_count)
		tally->is_proven = 0;
	return STP_OK;
}

/* Keys that root, targets and the bins role get with this payload: each must sign a document of its
 * role. */
static enum stp_errc find_unproven(struct stp_tally *tally, const struct stp_payload *payload,
                                   struct stp_err *err)
{
	const struct stp_root *published = stp_payload_published_root(payload);
	const struct stp_role *old_root = published ? &published->root : NULL;
	const struct stp_role *old_targets = published ? &published->targets : NULL;
	size_t i;

	if (payload->is_drill)
		return STP_OK;
	for (i = 0; i < tally->document_count; i++) {
		struct stp_tally_document *document = &tally->documents[i];
		enum stp_payload_role role = document->document->role;

		if (role == STP_PAYLOAD_ROOT)
			STP_TRY(add_unproven(tally, document, old_root, &payload->root.root, err));
		if ((role == STP_PAYLOAD_ROOT && !new_targets(payload)) ||
		    (role == STP_PAYLOAD_TARGETS && payload->has_root))
			STP_TRY(add_unproven(tally, document, old_targets, &payload->root.targets,
			                     err));
		if ((role == STP_PAYLOAD_TARGETS &&
		     !stp_payload_document(payload, STP_PAYLOAD_BINS)) ||
		    (role == STP_PAYLOAD_BINS && new_targets(payload)))
			STP_TRY(add_unproven(tally, document, payload->published_delegated.bins,
			                     payload->delegated.bins, err));
	}
	return STP_OK;
}

enum stp_errc stp_tally_make(struct stp_tally *tally, const struct stp_payload *payload,
                             const struct stp_signatures *files, size_t file_count,
                             struct stp_err *err)
{
	size_t i;

	memset(tally, 0, sizeof(*tally));
	tally->is_reached = tally->is_proven = 1;
	demand_all(tally, payload);
	for (i = 0; i < file_count; i++) {
		struct adding adding = {tally, payload, &files[i], err};

		STP_TRY(add_file(&adding));
	}
	for (i = 0; i < tally->document_count; i++)
		count(tally, &tally->documents[i]);
	return find_unproven(tally, payload, err);
}

void stp_tally_release(struct stp_tally *tally)
{
	size_t i;

	for (i = 0; i < tally->document_count; i++) {
		free(tally->documents[i].signatures);
		free((void *)tally->documents[i].unproven);
	}
	memset(tally, 0, sizeof(*tally));
}

/* ---------------------------------------------------------------------------- envelope */

enum stp_errc stp_tally_envelope(const struct stp_tally_document *document, struct stp_buf *out,
                                 struct stp_err *err)
{
	const struct stp_document *doc = document->document->doc;
	struct stp_cjson_writer w;
	enum stp_errc code;
	size_t i;

	stp_cjson_writer_init(&w);
	stp_cjson_array_begin(&w);
	for (i = 0; i < document->signature_count; i++) {
		const struct stp_tally_signature *signature = &document->signatures[i];

		stp_cjson_object_begin(&w);
		stp_cjson_key(&w, "keyid");
		stp_cjson_string(&w, signature->key->keyid);
		stp_cjson_key(&w, "sig");
		stp_cjson_hex(&w, signature->bytes, signature->count);
		stp_cjson_object_end(&w);
	}
	stp_cjson_array_end(&w);
	code = stp_cjson_writer_finish(&w, STAGE, document->document->name, err);
	if (code == STP_OK)
		code = stp_buf_append(out, "{\"signatures\":", 14, err);
	if (code == STP_OK)
		code = stp_buf_append(out, w.data, w.count, err);
	stp_cjson_writer_release(&w);
	if (code == STP_OK)
		code = stp_buf_append(out, ",\"signed\":", 10, err);
	if (code == STP_OK)
		code = stp_cjson_to_file(doc->body.data, doc->body.count, STAGE,
		                         document->document->name, out, err);
	return code == STP_OK ? stp_buf_append(out, "}", 1, err) : code;
}
