/* SPDX-License-Identifier: Apache-2.0 */
#include "ceremony/payload.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "ceremony/form.h"
#include "cjson/encoding.h"

#define STAGE "ceremony"

static enum stp_errc no_memory(struct stp_err *err)
{
	return STP_FAIL_ERRNO(err, ENOMEM, STAGE, "payload", "cannot make it");
}

/* Parses a published file, or the file form of a body. */
static enum stp_errc load(const struct stp_buf *file, const char *what, json_t **out,
                          struct stp_err *err)
{
	*out = json_loadb((const char *)file->data, file->count, JSON_REJECT_DUPLICATES, NULL);
	if (*out)
		return STP_OK;
	return STP_FAIL(err, STP_FORMAT, STAGE, what,
	                "is not JSON, so no payload can be made of it");
}

static enum stp_errc add_chain(const struct stp_payload_input *input, json_t *payload,
                               struct stp_err *err)
{
	json_t *chain = json_array();
	size_t i;

	if (json_object_set_new(payload, "chain", chain) != 0)
		return no_memory(err);
	for (i = 0; i < input->chain_count; i++) {
		json_t *root;

		STP_TRY(load(&input->chain[i], "a published root", &root, err));
		if (json_array_append_new(chain, root) != 0)
			return no_memory(err);
	}
	return STP_OK;
}

static enum stp_errc add_published(const struct stp_payload_input *input, json_t *payload,
                                   struct stp_err *err)
{
	const struct stp_buf *files[STP_PAYLOAD_ROLES] = {NULL, input->published_targets,
	                                                  input->published_bins};
	json_t *published;
	size_t i;

	if (!input->published_targets && !input->published_bins)
		return STP_OK;
	published = json_object();
	if (json_object_set_new(payload, "published", published) != 0)
		return no_memory(err);
	for (i = 0; i < STP_PAYLOAD_ROLES; i++) {
		const char *role = stp_payload_role_name((enum stp_payload_role)i);
		json_t *file;

		if (!files[i])
			continue;
		STP_TRY(load(files[i], role, &file, err));
		if (json_object_set_new(published, role, file) != 0)
			return no_memory(err);
	}
	return STP_OK;
}

static enum stp_errc add_base(const struct stp_payload_input *input, json_t *payload,
                              struct stp_err *err)
{
	json_t *base = json_object();
	size_t i;

	if (json_object_set_new(payload, "base", base) != 0)
		return no_memory(err);
	for (i = 0; i < STP_PAYLOAD_ROLES; i++) {
		char hex[65] = "";
		json_t *role;

		if (!input->base[i].version)
			continue;
		stp_hex_encode(input->base[i].sha256, 32, hex);
		role = json_pack("{s:s,s:I}", "sha256", hex, "version",
		                 (json_int_t)input->base[i].version);
		if (json_object_set_new(base, stp_payload_role_name((enum stp_payload_role)i),
		                        role) != 0)
			return no_memory(err);
	}
	return STP_OK;
}

static enum stp_errc add_document(const struct stp_payload_input *input, enum stp_payload_role role,
                                  json_t *documents, struct stp_err *err)
{
	const char *word = stp_payload_role_name(role);
	struct stp_buf form = STP_BUF_INIT;
	char name[STP_PAYLOAD_NAME_BYTES];
	json_t *body = NULL;
	enum stp_errc code;

	code = stp_cjson_to_file(input->bodies[role]->data, input->bodies[role]->count, STAGE, word,
	                         &form, err);
	if (code == STP_OK)
		code = load(&form, word, &body, err);
	stp_buf_release(&form);
	STP_TRY(code);
	if (input->is_drill)
		snprintf(name, sizeof(name), "drill.%s.json", word);
	else
		snprintf(name, sizeof(name), "%" JSON_INTEGER_FORMAT ".%s.json",
		         json_integer_value(json_object_get(body, "version")), word);
	if (json_array_append_new(documents,
	                          json_pack("{s:s,s:o}", "name", name, "signed", body)) != 0)
		return no_memory(err);
	return STP_OK;
}

static enum stp_errc add_documents(const struct stp_payload_input *input, json_t *payload,
                                   struct stp_err *err)
{
	json_t *documents = json_array();
	size_t i;

	if (json_object_set_new(payload, "documents", documents) != 0)
		return no_memory(err);
	for (i = 0; i < STP_PAYLOAD_ROLES; i++)
		if (input->bodies[i])
			STP_TRY(add_document(input, (enum stp_payload_role)i, documents, err));
	return STP_OK;
}

static enum stp_errc add_names(const struct stp_payload_input *input, json_t *payload,
                               struct stp_err *err)
{
	json_t *names = json_object();
	size_t i;

	if (json_object_set_new(payload, "names", names) != 0)
		return no_memory(err);
	for (i = 0; i < input->key_count; i++) {
		const struct stp_key_description *key = &input->keys[i];
		json_t *entry = json_pack("{s:s}", "name", key->name);

		if (key->holder[0] &&
		    json_object_set_new(entry, "holder", json_string(key->holder)) != 0) {
			json_decref(entry);
			return no_memory(err);
		}
		if (json_object_set_new(names, key->object.keyid, entry) != 0)
			return no_memory(err);
	}
	return STP_OK;
}

static enum stp_errc add_all(const struct stp_payload_input *input, json_t *payload,
                             struct stp_err *err)
{
	char made[STP_TIME_BYTES + 1];

	stp_time_format(input->made, made);
	if (json_object_set_new(payload, "_type", json_string("stampede-ceremony")) != 0 ||
	    json_object_set_new(payload, "format", json_integer(1)) != 0 ||
	    json_object_set_new(payload, "made", json_string(made)) != 0 ||
	    json_object_set_new(payload, "purpose", json_string(input->purpose)) != 0 ||
	    (input->is_drill && json_object_set_new(payload, "drill", json_true()) != 0))
		return no_memory(err);
	STP_TRY(add_base(input, payload, err));
	STP_TRY(add_chain(input, payload, err));
	STP_TRY(add_published(input, payload, err));
	STP_TRY(add_documents(input, payload, err));
	return add_names(input, payload, err);
}

/* What cannot be read again must not be carried to the holders. */
static enum stp_errc check(const struct stp_buf *file, struct stp_err *err)
{
	struct stp_buf copy = STP_BUF_INIT;
	struct stp_payload payload;
	enum stp_errc code;

	STP_TRY(stp_buf_append(&copy, file->data, file->count, err));
	code = stp_payload_parse(&payload, &copy, "the new payload", err);
	stp_payload_release(&payload);
	return code;
}

enum stp_errc stp_payload_make(const struct stp_payload_input *input, struct stp_buf *out,
                               struct stp_err *err)
{
	struct stp_buf canonical = STP_BUF_INIT;
	struct stp_buf file = STP_BUF_INIT;
	enum stp_errc code;
	json_t *payload;

	if (!input->purpose || !stp_form_text_ok(input->purpose, strlen(input->purpose), 1,
	                                         STP_PAYLOAD_PURPOSE_BYTES_MAX))
		return STP_FAIL(err, STP_CONFIG, STAGE, "purpose",
		                "must be 1 to %d bytes of UTF-8 without control characters; it is "
		                "shown to everybody who signs",
		                STP_PAYLOAD_PURPOSE_BYTES_MAX);
	payload = json_object();
	code = payload ? add_all(input, payload, err) : no_memory(err);
	if (code == STP_OK)
		code = stp_canonical_append(payload, &canonical, err);
	json_decref(payload);
	if (code == STP_OK)
		code = stp_cjson_to_file(canonical.data, canonical.count, STAGE, "payload", &file,
		                         err);
	stp_buf_release(&canonical);
	if (code == STP_OK)
		code = check(&file, err);
	if (code == STP_OK)
		code = stp_buf_append(out, file.data, file.count, err);
	stp_buf_release(&file);
	return code;
}

enum stp_errc stp_payload_drill_body(enum stp_payload_role role, int64_t made,
                                     const uint8_t nonce[32], struct stp_buf *out,
                                     struct stp_err *err)
{
	char time[STP_TIME_BYTES + 1];
	char text[256];
	char hex[65] = "";

	stp_time_format(made, time);
	stp_hex_encode(nonce, 32, hex);
	snprintf(text, sizeof(text),
	         "{\"_type\":\"stampede-drill\",\"made\":\"%s\",\"nonce\":\"%s\",\"role\":\"%s\"}",
	         time, hex, stp_payload_role_name(role));
	out->count = 0;
	return stp_buf_append(out, text, strlen(text), err);
}
