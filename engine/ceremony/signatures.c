/* SPDX-License-Identifier: Apache-2.0 */
#include "ceremony/signatures.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "ceremony/form.h"
#include "cjson/reader.h"
#include "cjson/writer.h"

#define STAGE "ceremony"

enum stp_errc stp_signatures_make(const struct stp_signatures *signatures, struct stp_buf *out,
                                  struct stp_err *err)
{
	struct stp_cjson_writer w;
	enum stp_errc code;
	size_t i;

	stp_cjson_writer_init(&w);
	stp_cjson_object_begin(&w);
	stp_cjson_key(&w, "_type");
	stp_cjson_string(&w, "stampede-signatures");
	stp_cjson_key(&w, "format");
	stp_cjson_u64(&w, 1);
	stp_cjson_key(&w, "keyid");
	stp_cjson_string(&w, signatures->keyid);
	stp_cjson_key(&w, "payload");
	stp_cjson_hex(&w, signatures->payload_sha256, 32);
	stp_cjson_key(&w, "signatures");
	stp_cjson_array_begin(&w);
	for (i = 0; i < signatures->count; i++) {
		stp_cjson_object_begin(&w);
		stp_cjson_key(&w, "document");
		stp_cjson_string(&w, signatures->items[i].document);
		stp_cjson_key(&w, "sig");
		stp_cjson_hex(&w, signatures->items[i].bytes, signatures->items[i].count);
		stp_cjson_object_end(&w);
	}
	stp_cjson_array_end(&w);
	stp_cjson_object_end(&w);
	code = stp_cjson_writer_finish(&w, STAGE, "signature file", err);
	if (code == STP_OK)
		code = stp_buf_append(out, w.data, w.count, err);
	stp_cjson_writer_release(&w);
	return code;
}

static enum stp_errc refuse(const struct stp_signatures *signatures, const char *what,
                            struct stp_err *err)
{
	return STP_FAIL(err, STP_FORMAT, STAGE, signatures->subject,
	                "%s; ask its signer for the file again", what);
}

/* One {"document","sig"}. */
static int read_item(struct stp_signatures *signatures, const json_t *value)
{
	struct stp_ceremony_signature *item = &signatures->items[signatures->count];
	const json_t *document = json_object_get(value, "document");
	const json_t *sig = json_object_get(value, "sig");
	enum stp_payload_role role;
	size_t i;

	if (!json_is_object(value) || !stp_form_members_ok(value, "document sig", "") ||
	    !json_is_string(document) || json_string_length(document) >= sizeof(item->document) ||
	    !stp_payload_name_ok(json_string_value(document), &role) || !json_is_string(sig) ||
	    json_string_length(sig) == 0 || json_string_length(sig) > 2 * sizeof(item->bytes) ||
	    !stp_form_hex(sig, item->bytes, json_string_length(sig) / 2))
		return 0;
	memcpy(item->document, json_string_value(document), json_string_length(document) + 1);
	item->count = json_string_length(sig) / 2;
	for (i = 0; i < signatures->count; i++)
		if (strcmp(signatures->items[i].document, item->document) == 0)
			return 0;
	signatures->count++;
	return 1;
}

static enum stp_errc read_json(struct stp_signatures *signatures, const json_t *json,
                               struct stp_err *err)
{
	const json_t *keyid = json_object_get(json, "keyid");
	json_t *items = json_object_get(json, "signatures");
	json_t *item;
	size_t i;

	if (!json_is_object(json) ||
	    !stp_form_is(json_object_get(json, "_type"), "stampede-signatures"))
		return refuse(signatures, "is not a file of signatures", err);
	if (!json_is_integer(json_object_get(json, "format")) ||
	    json_integer_value(json_object_get(json, "format")) != 1)
		return STP_FAIL(err, STP_FORMAT, STAGE, signatures->subject,
		                "is of a format that this version cannot read; use the version "
		                "that made it");
	if (!stp_form_members_ok(json, "_type format keyid payload signatures", ""))
		return refuse(signatures,
		              "has members that such a file does not have, or lacks some", err);
	if (!json_is_string(keyid) ||
	    !stp_form_keyid_ok(json_string_value(keyid), json_string_length(keyid)))
		return refuse(signatures, "has a keyid that is not 64 lower-case hex digits", err);
	memcpy(signatures->keyid, json_string_value(keyid), STP_KEYID_CHARS + 1);
	if (!stp_form_hex(json_object_get(json, "payload"), signatures->payload_sha256, 32))
		return refuse(signatures, "does not name the SHA-256 of its payload", err);
	if (!json_is_array(items) || json_array_size(items) == 0 ||
	    json_array_size(items) > STP_PAYLOAD_ROLES)
		return refuse(signatures, "does not have one to three signatures", err);
	json_array_foreach(items, i, item)
	{
		if (!read_item(signatures, item))
			return refuse(signatures,
			              "has a signature that is not of one document, or not in "
			              "lower-case hex",
			              err);
	}
	return STP_OK;
}

enum stp_errc stp_signatures_parse(struct stp_signatures *signatures, const void *bytes,
                                   size_t count, const char *subject, struct stp_err *err)
{
	enum stp_errc code;
	json_t *json;

	memset(signatures, 0, sizeof(*signatures));
	snprintf(signatures->subject, sizeof(signatures->subject), "%s", subject);
	if (count > STP_SIGNATURES_FILE_BYTES_MAX)
		return STP_FAIL(err, STP_LIMIT, STAGE, subject, "has more than %zu bytes",
		                STP_SIGNATURES_FILE_BYTES_MAX);
	STP_TRY(stp_cjson_check(bytes, count, STAGE, subject, err));
	json = json_loadb(bytes, count, JSON_REJECT_DUPLICATES, NULL);
	code = read_json(signatures, json, err);
	json_decref(json);
	return code;
}

enum stp_errc stp_signatures_read(struct stp_signatures *signatures, const char *path,
                                  struct stp_err *err)
{
	struct stp_buf file = STP_BUF_INIT;
	enum stp_errc code;

	memset(signatures, 0, sizeof(*signatures));
	STP_TRY(stp_file_read(AT_FDCWD, path, STP_SIGNATURES_FILE_BYTES_MAX, STAGE, &file, err));
	code = stp_signatures_parse(signatures, file.data, file.count, path, err);
	stp_buf_release(&file);
	return code;
}
