/* SPDX-License-Identifier: Apache-2.0 */
#include "stampede/ceremony.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/options.h"
#include "ceremony/key_label.h"
#include "ceremony/raw_signature.h"
#include "ceremony/tally.h"
#include "run/ceremony/signature_file.h"

#define STAGE "ceremony"

/* Digits of a keyid that are enough to name it. */
#define PREFIX_MIN 8

struct adding {
	const struct stp_ceremony_add_options *options;
	struct stp_payload payload;
	struct stp_tally demands; /* without signatures */
	const struct stp_tally_document *document;
	const struct stp_public_key *key;
	struct stp_signatures signatures;
};

static enum stp_errc find_document(struct adding *adding, struct stp_err *err)
{
	const struct stp_payload_document *found =
	    stp_payload_find(&adding->payload, adding->options->document);
	size_t i;

	for (i = 0; i < adding->demands.document_count; i++)
		if (found && adding->demands.documents[i].document == found)
			adding->document = &adding->demands.documents[i];
	if (adding->document)
		return STP_OK;
	return STP_FAIL(
	    err, STP_CONFIG, STAGE, adding->options->document,
	    "is not a document of the payload, which has %s%s%s%s%s",
	    adding->payload.documents[0].name, adding->payload.document_count > 1 ? ", " : "",
	    adding->payload.document_count > 1 ? adding->payload.documents[1].name : "",
	    adding->payload.document_count > 2 ? ", " : "",
	    adding->payload.document_count > 2 ? adding->payload.documents[2].name : "");
}

/* Whether the caller means key: by its keyid, the beginning of it, or its name. */
static int is_meant(const struct adding *adding, const struct stp_public_key *key)
{
	const char *asked = adding->options->keyid;
	const char *name = stp_payload_key_name(&adding->payload, key->keyid, NULL);

	return (strlen(asked) >= PREFIX_MIN && strncmp(key->keyid, asked, strlen(asked)) == 0) ||
	       (name && strcmp(name, asked) == 0);
}

static enum stp_errc find_key(struct adding *adding, struct stp_err *err)
{
	size_t i;
	size_t k;

	for (i = 0; i < adding->document->demand_count; i++) {
		const struct stp_role *role = adding->document->demands[i].role;

		for (k = 0; k < role->key_count; k++) {
			if (!is_meant(adding, role->keys[k]))
				continue;
			if (adding->key && strcmp(adding->key->keyid, role->keys[k]->keyid) != 0)
				return STP_FAIL(err, STP_CONFIG, STAGE, adding->options->keyid,
				                "may be %.16s… or %.16s…; give more digits of the "
				                "keyid",
				                adding->key->keyid, role->keys[k]->keyid);
			adding->key = role->keys[k];
		}
	}
	if (adding->key)
		return STP_OK;
	return STP_FAIL(err, STP_KEY, STAGE, adding->options->keyid,
	                "does not sign %s; give its keyid, 8 or more of the digits that it begins "
	                "with, or its name",
	                adding->document->document->name);
}

static enum stp_errc read_signature(struct adding *adding, struct stp_err *err)
{
	struct stp_ceremony_signature *item = &adding->signatures.items[0];
	const struct stp_document *doc = adding->document->document->doc;
	struct stp_buf file = STP_BUF_INIT;
	struct stp_key_label label;
	enum stp_errc code = stp_file_read(AT_FDCWD, adding->options->raw,
	                                   STP_RAW_SIGNATURE_FILE_BYTES_MAX, STAGE, &file, err);

	if (code == STP_OK)
		code = stp_raw_signature_read(file.data, file.count, adding->options->raw,
		                              item->bytes, &item->count, err);
	stp_buf_release(&file);
	STP_TRY(code);
	memcpy(item->document, adding->document->document->name, sizeof(item->document));
	memcpy(adding->signatures.keyid, adding->key->keyid, sizeof(adding->signatures.keyid));
	memcpy(adding->signatures.payload_sha256, adding->payload.sha256, 32);
	adding->signatures.count = 1;
	if (stp_signature_check_bytes(adding->key, doc->body.data, doc->body.count, item->bytes,
	                              item->count, STP_LIBRARIES_BOTH) == STP_SIGNATURE_GOOD)
		return STP_OK;
	return STP_FAIL(
	    err, STP_REFUSED, STAGE, adding->options->raw,
	    "is not a good signature of %s by %s (%s): sign the file that was exported, "
	    "unchanged, with that key",
	    item->document, stp_key_label(&label, &adding->payload, adding->key->keyid),
	    adding->key->scheme->scheme);
}

static enum stp_errc run(struct adding *adding, struct stp_ceremony_sign_report *report,
                         struct stp_err *err)
{
	STP_TRY(stp_tally_make(&adding->demands, &adding->payload, NULL, 0, err));
	STP_TRY(find_document(adding, err));
	STP_TRY(find_key(adding, err));
	STP_TRY(read_signature(adding, err));
	stp_ceremony_name(&adding->payload, report->payload, report->words);
	memcpy(report->keyid, adding->key->keyid, sizeof(report->keyid));
	memcpy(report->documents[0], adding->signatures.items[0].document,
	       sizeof(report->documents[0]));
	report->document_count = 1;
	report->file =
	    stp_signature_file_name(adding->options->payload, report->keyid, adding->options->out);
	if (!report->file)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, adding->options->payload,
		                      "cannot name its signature file");
	return stp_signature_file_put(&adding->payload, &adding->signatures, report->file,
	                              &report->was_signed, err);
}

enum stp_errc stp_ceremony_add(const struct stp_ceremony_add_options *options,
                               struct stp_ceremony_sign_report *out_report, struct stp_err *err)
{
	struct stp_ceremony_add_options mine;
	struct adding *adding;
	enum stp_errc code;

	memset(out_report, 0, sizeof(*out_report));
	STP_TRY(STP_OPTIONS_TAKE(&mine, options, out, STAGE, err));
	STP_TRY(stp_options_need(mine.payload, "payload", STAGE, err));
	STP_TRY(stp_options_need(mine.document, "document", STAGE, err));
	STP_TRY(stp_options_need(mine.keyid, "keyid", STAGE, err));
	STP_TRY(stp_options_need(mine.raw, "raw", STAGE, err));
	adding = calloc(1, sizeof(*adding));
	if (!adding)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, NULL, "no memory");
	adding->options = &mine;
	code = stp_payload_read(&adding->payload, mine.payload, err);
	if (code == STP_OK)
		code = run(adding, out_report, err);
	if (code != STP_OK)
		stp_ceremony_sign_report_release(out_report);
	stp_tally_release(&adding->demands);
	stp_payload_release(&adding->payload);
	free(adding);
	return code;
}
