/* SPDX-License-Identifier: Apache-2.0 */
#include "ceremony/payload.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "ceremony/form.h"
#include "cjson/encoding.h"
#include "cjson/reader.h"
#include "hash/hash.h"

#define STAGE "ceremony"
/* What to do with a payload that is not one. */
#define ANOTHER "sign nothing, and ask for a new payload"

static const char *const role_names[STP_PAYLOAD_ROLES] = {"root", "targets", "bins"};

const char *stp_payload_role_name(enum stp_payload_role role)
{
	STP_ASSERT(role < STP_PAYLOAD_ROLES);
	return role_names[role];
}

int stp_payload_name_ok(const char *name, enum stp_payload_role *out_role)
{
	const char *dot = strchr(name, '.');
	uint64_t version;
	size_t i;

	if (!dot)
		return 0;
	if (strncmp(name, "drill.", 6) != 0 &&
	    (!stp_u64_parse(name, (size_t)(dot - name), &version) || version == 0 ||
	     version > STP_VERSION_MAX))
		return 0;
	for (i = 0; i < STP_PAYLOAD_ROLES; i++) {
		size_t count = strlen(role_names[i]);

		if (strncmp(dot + 1, role_names[i], count) == 0 &&
		    strcmp(dot + 1 + count, ".json") == 0) {
			*out_role = (enum stp_payload_role)i;
			return 1;
		}
	}
	return 0;
}

/* ------------------------------------------------------------------ parts of a payload */

struct reading {
	struct stp_payload *payload;
	const char *subject;
	struct stp_err *err;
};

static enum stp_errc refuse(const struct reading *reading, const char *what)
{
	return STP_FAIL(reading->err, STP_FORMAT, STAGE, reading->subject, "%s; " ANOTHER, what);
}

/* The file bytes of value, as a document on disk has them. */
static enum stp_errc file_of(const json_t *value, struct stp_buf *out, struct stp_err *err)
{
	struct stp_buf canonical = STP_BUF_INIT;
	enum stp_errc code = stp_canonical_append(value, &canonical, err);

	if (code == STP_OK)
		code =
		    stp_cjson_to_file(canonical.data, canonical.count, STAGE, "payload", out, err);
	stp_buf_release(&canonical);
	return code;
}

static enum stp_errc read_texts(const struct reading *reading, const json_t *json)
{
	struct stp_payload *payload = reading->payload;
	const json_t *purpose = json_object_get(json, "purpose");
	const json_t *made = json_object_get(json, "made");
	const json_t *drill = json_object_get(json, "drill");
	struct stp_err ignored = STP_ERR_INIT;
	int64_t time;

	if (!json_is_string(purpose) ||
	    !stp_form_text_ok(json_string_value(purpose), json_string_length(purpose), 1,
	                      STP_PAYLOAD_PURPOSE_BYTES_MAX))
		return refuse(reading, "its purpose is not 1 to 200 printable bytes");
	memcpy(payload->purpose, json_string_value(purpose), json_string_length(purpose) + 1);
	if (!json_is_string(made) ||
	    stp_time_parse(json_string_value(made), json_string_length(made), &time, &ignored) !=
	        STP_OK)
		return refuse(reading, "\"made\" is not a time");
	memcpy(payload->made, json_string_value(made), json_string_length(made) + 1);
	if (drill && !json_is_true(drill))
		return refuse(reading, "\"drill\" is there but is not true");
	payload->is_drill = drill != NULL;
	return STP_OK;
}

/* The published roots: their form, and versions one apart. */
static enum stp_errc read_chain(const struct reading *reading, json_t *chain)
{
	struct stp_payload *payload = reading->payload;
	json_t *value;
	size_t i;

	if (!json_is_array(chain) || json_array_size(chain) > STP_ROOT_STEPS_MAX)
		return refuse(reading, "\"chain\" is not a list of at most 1024 roots");
	payload->chain = calloc(json_array_size(chain) + 1, sizeof(*payload->chain));
	if (!payload->chain)
		return STP_FAIL_ERRNO(reading->err, ENOMEM, STAGE, reading->subject,
		                      "cannot read the chain of roots");
	json_array_foreach(chain, i, value)
	{
		struct stp_root *root = &payload->chain[i];
		struct stp_buf file = STP_BUF_INIT;
		char name[STP_PAYLOAD_NAME_BYTES];
		int usable;

		snprintf(name, sizeof(name), "chain[%zu]", i);
		STP_TRY(file_of(value, &file, reading->err));
		payload->chain_count++;
		STP_TRY(stp_root_parse(root, &file, name, &payload->old, &usable, reading->err));
		if (!usable || root->doc.version == 0)
			return refuse(reading, "one of the published roots in it cannot be read");
		snprintf(root->doc.name, sizeof(root->doc.name), "%" PRIu64 ".root.json",
		         root->doc.version);
		if (i && root->doc.version != payload->chain[i - 1].doc.version + 1)
			return refuse(reading, "the versions of the roots in it skip or repeat");
	}
	return STP_OK;
}

static enum stp_errc read_published_role(const struct reading *reading, const json_t *published,
                                         enum stp_payload_role role, struct stp_document *doc)
{
	const json_t *value = json_object_get(published, role_names[role]);
	struct stp_buf file = STP_BUF_INIT;
	int usable;

	if (!value)
		return STP_OK;
	STP_TRY(file_of(value, &file, reading->err));
	STP_TRY(stp_document_parse(doc, &file, role_names[role], &stp_rule_targets,
	                           &reading->payload->old, &usable, reading->err));
	if (!usable || doc->version == 0 || doc->version != reading->payload->base[role].version)
		return refuse(reading, role == STP_PAYLOAD_TARGETS
		                           ? "the published targets in it cannot be read, or are "
		                             "not those of \"base\""
		                           : "the published bins role in it cannot be read, or is "
		                             "not that of \"base\"");
	snprintf(doc->name, sizeof(doc->name), "%" PRIu64 ".%s.json", doc->version,
	         role_names[role]);
	return STP_OK;
}

static enum stp_errc read_published(const struct reading *reading, const json_t *published)
{
	struct stp_payload *payload = reading->payload;

	if (!published)
		return STP_OK;
	if (!json_is_object(published) || json_object_size(published) == 0 ||
	    !stp_form_members_ok(published, "", "bins targets"))
		return refuse(reading, "\"published\" has members that it does not have");
	STP_TRY(read_published_role(reading, published, STP_PAYLOAD_TARGETS,
	                            &payload->published_targets));
	STP_TRY(
	    read_published_role(reading, published, STP_PAYLOAD_BINS, &payload->published_bins));
	if (payload->published_targets.version)
		STP_TRY(stp_delegated_load(&payload->published_delegated,
		                           &payload->published_targets, reading->err));
	if (payload->published_bins.version)
		STP_TRY(stp_delegated_load(&payload->published_bins_delegated,
		                           &payload->published_bins, reading->err));
	return STP_OK;
}

static enum stp_errc read_base(const struct reading *reading, json_t *base)
{
	struct stp_payload *payload = reading->payload;
	size_t i;

	if (!json_is_object(base) || !stp_form_members_ok(base, "", "bins root targets"))
		return refuse(reading, "\"base\" is not an object of root, targets and bins");
	for (i = 0; i < STP_PAYLOAD_ROLES; i++) {
		json_t *role = json_object_get(base, role_names[i]);
		json_int_t version = json_integer_value(json_object_get(role, "version"));

		if (!role)
			continue;
		if (!json_is_object(role) || !stp_form_members_ok(role, "sha256 version", "") ||
		    version < 1 || (uint64_t)version > STP_VERSION_MAX ||
		    !stp_form_hex(json_object_get(role, "sha256"), payload->base[i].sha256, 32))
			return refuse(reading, "\"base\" has a role without a version and SHA-256");
		payload->base[i].version = (uint64_t)version;
	}
	if (payload->base[STP_PAYLOAD_ROOT].version !=
	    (payload->chain_count ? payload->chain[payload->chain_count - 1].doc.version : 0))
		return refuse(reading, "its newest published root is not that of \"base\"");
	return STP_OK;
}

/* ------------------------------------------------------------------------ documents */

/* {"signatures":[],"signed":BODY} in file form. */
static enum stp_errc envelope_of(json_t *body, struct stp_buf *out, struct stp_err *err)
{
	json_t *envelope = json_pack("{s:[],s:O}", "signatures", "signed", body);
	enum stp_errc code;

	if (!envelope)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, "payload", "cannot read a document");
	code = file_of(envelope, out, err);
	json_decref(envelope);
	return code;
}

/* The form of a drill's document; it is no metadata, so that none of its rules hold. */
static int drill_ok(const json_t *body, const char *role)
{
	const json_t *made = json_object_get(body, "made");
	struct stp_err ignored = STP_ERR_INIT;
	uint8_t nonce[32];
	int64_t time;

	return stp_form_members_ok(body, "_type made nonce role", "") &&
	       stp_form_is(json_object_get(body, "_type"), "stampede-drill") &&
	       stp_form_is(json_object_get(body, "role"), role) &&
	       stp_form_hex(json_object_get(body, "nonce"), nonce, sizeof(nonce)) &&
	       json_is_string(made) &&
	       stp_time_parse(json_string_value(made), json_string_length(made), &time, &ignored) ==
	           STP_OK;
}

static enum stp_errc read_drill(const struct reading *reading,
                                struct stp_payload_document *document, json_t *body)
{
	struct stp_payload *payload = reading->payload;
	struct stp_document *doc = &payload->bodies[document->role];

	if (!payload->is_drill || !drill_ok(body, role_names[document->role]))
		return refuse(reading, "a document in it is not that of a drill");
	document->doc = doc;
	snprintf(doc->name, sizeof(doc->name), "%s", document->name);
	doc->findings = &payload->findings;
	doc->root = json_pack("{s:[],s:O}", "signatures", "signed", body);
	if (!doc->root)
		return STP_FAIL_ERRNO(reading->err, ENOMEM, STAGE, reading->subject,
		                      "cannot read a document");
	doc->signatures = json_object_get(doc->root, "signatures");
	doc->body_json = json_object_get(doc->root, "signed");
	return stp_canonical_append(body, &doc->body, reading->err);
}

/* The new metadata of a role: what verify/ finds of it goes to payload->findings. */
static enum stp_errc read_metadata(const struct reading *reading,
                                   struct stp_payload_document *document, json_t *body)
{
	struct stp_payload *payload = reading->payload;
	struct stp_document *doc = &payload->bodies[document->role];
	struct stp_buf file = STP_BUF_INIT;
	char expected[STP_PAYLOAD_NAME_BYTES];
	int usable;

	if (payload->is_drill)
		return refuse(reading, "it is a drill, but has a document that clients read");
	STP_TRY(envelope_of(body, &file, reading->err));
	if (document->role == STP_PAYLOAD_ROOT) {
		doc = &payload->root.doc;
		payload->has_root = 1;
		STP_TRY(stp_root_parse(&payload->root, &file, document->name, &payload->findings,
		                       &usable, reading->err));
	} else {
		STP_TRY(stp_document_parse(doc, &file, document->name, &stp_rule_targets,
		                           &payload->findings, &usable, reading->err));
		if (usable)
			STP_TRY(stp_delegated_load(document->role == STP_PAYLOAD_TARGETS
			                               ? &payload->delegated
			                               : &payload->bins_delegated,
			                           doc, reading->err));
	}
	document->doc = doc;
	snprintf(expected, sizeof(expected), "%" PRIu64 ".%s.json",
	         payload->base[document->role].version + 1, role_names[document->role]);
	if (doc->version && (strcmp(document->name, expected) != 0 ||
	                     doc->version != payload->base[document->role].version + 1))
		return STP_FAIL(reading->err, STP_FORMAT, STAGE, reading->subject,
		                "%s has version %" PRIu64
		                ", but must be %s, one above the published one; " ANOTHER,
		                document->name, doc->version, expected);
	return STP_OK;
}

static enum stp_errc read_documents(const struct reading *reading, json_t *documents)
{
	struct stp_payload *payload = reading->payload;
	json_t *value;
	size_t i;

	if (!json_is_array(documents) || json_array_size(documents) == 0 ||
	    json_array_size(documents) > STP_PAYLOAD_ROLES)
		return refuse(reading, "\"documents\" is not a list of one to three documents");
	json_array_foreach(documents, i, value)
	{
		struct stp_payload_document *document = &payload->documents[i];
		const json_t *name = json_object_get(value, "name");
		json_t *body = json_object_get(value, "signed");

		if (!json_is_object(value) || !stp_form_members_ok(value, "name signed", "") ||
		    !json_is_string(name) || !json_is_object(body))
			return refuse(reading, "a document in it has no name or no content");
		if (json_string_length(name) >= sizeof(document->name) ||
		    !stp_payload_name_ok(json_string_value(name), &document->role))
			return refuse(reading,
			              "a document in it is not called VERSION.ROLE.json of "
			              "root, targets or bins");
		memcpy(document->name, json_string_value(name), json_string_length(name) + 1);
		if (i && document->role <= payload->documents[i - 1].role)
			return refuse(reading, "its documents repeat a role, or are not in the "
			                       "order root, targets, bins");
		payload->document_count++;
		STP_TRY(document->name[0] == 'd' ? read_drill(reading, document, body)
		                                 : read_metadata(reading, document, body));
	}
	return STP_OK;
}

/* What documents need besides themselves: who signs them. */
static enum stp_errc check_whole(const struct reading *reading)
{
	const struct stp_payload *payload = reading->payload;
	int targets = stp_payload_document(payload, STP_PAYLOAD_TARGETS) != NULL;
	int bins = stp_payload_document(payload, STP_PAYLOAD_BINS) != NULL;
	const struct stp_delegated *delegated =
	    targets && !payload->is_drill ? &payload->delegated : &payload->published_delegated;

	if (!payload->chain_count && !payload->has_root)
		return refuse(reading, "it has neither a published root nor a new one");
	if ((targets || bins) && payload->base[STP_PAYLOAD_TARGETS].version &&
	    !payload->published_targets.version)
		return refuse(reading, "it lacks the published targets");
	if (bins && payload->base[STP_PAYLOAD_BINS].version && !payload->published_bins.version)
		return refuse(reading, "it lacks the published bins role");
	if (bins && !delegated->bins)
		return refuse(reading, "it has a bins role to which no targets delegate");
	return STP_OK;
}

/* The first error that verify/ found in the new documents. */
static enum stp_errc check_findings(const struct reading *reading)
{
	struct stp_finding_list *list = &reading->payload->findings;
	size_t i;

	if (list->out_of_memory)
		return STP_FAIL_ERRNO(reading->err, ENOMEM, STAGE, reading->subject,
		                      "cannot check the documents");
	stp_finding_list_sort(list);
	for (i = 0; i < list->count; i++)
		if (stp_finding_severity(list->items[i].code) == STP_SEVERITY_ERROR)
			return STP_FAIL(reading->err, STP_FORMAT, STAGE, reading->subject,
			                "%s in it could not be published: %s; " ANOTHER,
			                list->items[i].subject, list->items[i].text);
	return STP_OK;
}

static enum stp_errc read_names(const struct reading *reading, json_t *names)
{
	const char *keyid;
	json_t *entry;

	if (!json_is_object(names))
		return refuse(reading, "\"names\" is not an object");
	json_object_foreach(names, keyid, entry)
	{
		const json_t *name = json_object_get(entry, "name");
		const json_t *holder = json_object_get(entry, "holder");

		if (!stp_form_keyid_ok(keyid, strlen(keyid)) || !json_is_object(entry) ||
		    !stp_form_members_ok(entry, "name", "holder") || !json_is_string(name) ||
		    stp_key_name_problem(json_string_value(name)))
			return refuse(reading, "\"names\" has a key whose id or name is not of the "
			                       "allowed characters");
		if (holder && (!json_is_string(holder) || !json_string_length(holder) ||
		               stp_key_holder_problem(json_string_value(holder))))
			return refuse(reading, "\"names\" has a holder that is not of the allowed "
			                       "characters");
	}
	reading->payload->names = names;
	return STP_OK;
}

/* ------------------------------------------------------------------------ the whole */

static enum stp_errc read_all(const struct reading *reading, const struct stp_buf *file)
{
	struct stp_payload *payload = reading->payload;
	json_t *json;

	if (file->count > STP_PAYLOAD_BYTES_MAX)
		return STP_FAIL(reading->err, STP_LIMIT, STAGE, reading->subject,
		                "has more than %zu bytes; " ANOTHER, STP_PAYLOAD_BYTES_MAX);
	STP_TRY(
	    stp_cjson_check_file(file->data, file->count, STAGE, reading->subject, reading->err));
	stp_hash_one(STP_ALG_SHA256, file->data, file->count, payload->sha256);
	json = json_loadb((const char *)file->data, file->count, JSON_REJECT_DUPLICATES, NULL);
	payload->json = json;
	if (!json_is_object(json) ||
	    !stp_form_is(json_object_get(json, "_type"), "stampede-ceremony"))
		return refuse(reading, "is not the payload of a ceremony");
	if (!json_is_integer(json_object_get(json, "format")) ||
	    json_integer_value(json_object_get(json, "format")) != 1)
		return STP_FAIL(reading->err, STP_FORMAT, STAGE, reading->subject,
		                "is of a format that this version cannot read; use the version "
		                "that made it");
	if (!stp_form_members_ok(json, "_type base chain documents format made names purpose",
	                         "drill published"))
		return refuse(reading, "has members that a payload does not have, or lacks some");
	STP_TRY(read_texts(reading, json));
	STP_TRY(read_names(reading, json_object_get(json, "names")));
	STP_TRY(read_chain(reading, json_object_get(json, "chain")));
	STP_TRY(read_base(reading, json_object_get(json, "base")));
	STP_TRY(read_published(reading, json_object_get(json, "published")));
	STP_TRY(read_documents(reading, json_object_get(json, "documents")));
	STP_TRY(check_findings(reading));
	return check_whole(reading);
}

static void begin(struct stp_payload *payload)
{
	memset(payload, 0, sizeof(*payload));
	stp_finding_list_init(&payload->findings);
	stp_finding_list_init(&payload->old);
}

enum stp_errc stp_payload_parse(struct stp_payload *payload, struct stp_buf *file,
                                const char *subject, struct stp_err *err)
{
	struct reading reading = {payload, subject, err};
	struct stp_buf mine = *file;
	enum stp_errc code;

	memset(file, 0, sizeof(*file));
	begin(payload);
	code = read_all(&reading, &mine);
	stp_buf_release(&mine);
	return code;
}

enum stp_errc stp_payload_read(struct stp_payload *payload, const char *path, struct stp_err *err)
{
	struct stp_buf file = STP_BUF_INIT;
	enum stp_errc code =
	    stp_file_read(AT_FDCWD, path, STP_PAYLOAD_BYTES_MAX, STAGE, &file, err);

	if (code == STP_OK)
		return stp_payload_parse(payload, &file, path, err);
	begin(payload);
	return code;
}

void stp_payload_release(struct stp_payload *payload)
{
	size_t i;

	for (i = 0; i < payload->chain_count; i++)
		stp_root_release(&payload->chain[i]);
	free(payload->chain);
	stp_root_release(&payload->root);
	for (i = 0; i < STP_PAYLOAD_ROLES; i++)
		stp_document_release(&payload->bodies[i]);
	stp_delegated_release(&payload->delegated);
	stp_delegated_release(&payload->bins_delegated);
	stp_delegated_release(&payload->published_delegated);
	stp_delegated_release(&payload->published_bins_delegated);
	stp_document_release(&payload->published_targets);
	stp_document_release(&payload->published_bins);
	json_decref(payload->json);
	stp_finding_list_release(&payload->findings);
	stp_finding_list_release(&payload->old);
	memset(payload, 0, sizeof(*payload));
}

/* --------------------------------------------------------------------------- look up */

const struct stp_payload_document *stp_payload_document(const struct stp_payload *payload,
                                                        enum stp_payload_role role)
{
	size_t i;

	for (i = 0; i < payload->document_count; i++)
		if (payload->documents[i].role == role)
			return &payload->documents[i];
	return NULL;
}

const struct stp_payload_document *stp_payload_find(const struct stp_payload *payload,
                                                    const char *name)
{
	size_t i;

	for (i = 0; i < payload->document_count; i++)
		if (strcmp(payload->documents[i].name, name) == 0 ||
		    strcmp(role_names[payload->documents[i].role], name) == 0)
			return &payload->documents[i];
	return NULL;
}

const struct stp_root *stp_payload_published_root(const struct stp_payload *payload)
{
	return payload->chain_count ? &payload->chain[payload->chain_count - 1] : NULL;
}

const char *stp_payload_key_name(const struct stp_payload *payload, const char *keyid,
                                 const char **out_holder)
{
	const json_t *entry = json_object_get(payload->names, keyid);

	if (out_holder)
		*out_holder = json_string_value(json_object_get(entry, "holder"));
	return json_string_value(json_object_get(entry, "name"));
}
