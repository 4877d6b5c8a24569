/* SPDX-License-Identifier: Apache-2.0 */
#include "stampede/ceremony.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/options.h"
#include "run/ceremony/report.h"
#include "run/ceremony/signature_file.h"

#define STAGE "ceremony"

/* More files than keys that a payload can name are a mistake. */
#define FILES_MAX 1024

static int is_unproven(const struct stp_tally_document *document, const struct stp_public_key *key)
{
	size_t i;

	for (i = 0; i < document->unproven_count; i++)
		if (strcmp(document->unproven[i]->keyid, key->keyid) == 0)
			return 1;
	return 0;
}

static int has_signed(const struct stp_tally_document *document, const struct stp_public_key *key)
{
	size_t i;

	for (i = 0; i < document->signature_count; i++)
		if (strcmp(document->signatures[i].key->keyid, key->keyid) == 0)
			return 1;
	return 0;
}

static void fill_key(const struct stp_payload *payload, const struct stp_tally_document *document,
                     const struct stp_public_key *key, struct stp_ceremony_key *out)
{
	const char *name = stp_payload_key_name(payload, key->keyid, NULL);

	memcpy(out->keyid, key->keyid, sizeof(out->keyid));
	snprintf(out->name, sizeof(out->name), "%s", name ? name : "");
	snprintf(out->keytype, sizeof(out->keytype), "%s", key->scheme->keytype);
	out->has_signed = has_signed(document, key);
	out->is_unproven = is_unproven(document, key);
}

static enum stp_errc fill_demand(const struct stp_payload *payload,
                                 const struct stp_tally_document *document,
                                 const struct stp_tally_demand *demand,
                                 struct stp_ceremony_demand *out, struct stp_err *err)
{
	size_t i;

	snprintf(out->by, sizeof(out->by), "%s", demand->by);
	out->have = demand->have;
	out->need = demand->role->threshold;
	out->keys = calloc(demand->role->key_count + 1, sizeof(*out->keys));
	if (!out->keys)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, "payload", "cannot be reported");
	out->key_count = demand->role->key_count;
	for (i = 0; i < out->key_count; i++)
		fill_key(payload, document, demand->role->keys[i], &out->keys[i]);
	return STP_OK;
}

enum stp_errc stp_ceremony_report(const struct stp_payload *payload, const struct stp_tally *tally,
                                  struct stp_ceremony_status_report *report, struct stp_err *err)
{
	size_t i;
	size_t k;

	stp_ceremony_name(payload, report->payload, report->words);
	report->is_reached = tally->is_reached;
	report->is_complete = tally->is_reached && tally->is_proven;
	report->document_count = tally->document_count;
	for (i = 0; i < tally->document_count; i++) {
		const struct stp_tally_document *document = &tally->documents[i];
		struct stp_ceremony_document *out = &report->documents[i];

		memcpy(out->name, document->document->name, sizeof(out->name));
		out->bytes = document->document->doc->body.count;
		out->is_complete = document->unproven_count == 0;
		out->demand_count = document->demand_count;
		for (k = 0; k < document->demand_count; k++) {
			STP_TRY(fill_demand(payload, document, &document->demands[k],
			                    &out->demands[k], err));
			out->is_complete &= out->demands[k].have >= out->demands[k].need;
		}
		out->unproven_elsewhere = 0;
		for (k = 0; k < document->unproven_count; k++)
			out->unproven_elsewhere +=
			    stp_tally_key(document, document->unproven[k]->keyid) == NULL;
	}
	return STP_OK;
}

void stp_ceremony_status_report_release(struct stp_ceremony_status_report *report)
{
	size_t i;
	size_t k;

	for (i = 0; i < report->document_count; i++) {
		free(report->documents[i].path);
		for (k = 0; k < report->documents[i].demand_count; k++)
			free(report->documents[i].demands[k].keys);
	}
	memset(report, 0, sizeof(*report));
}

/* Reads all signature files. */
static enum stp_errc read_files(const struct stp_ceremony_status_options *options,
                                struct stp_signatures **out_files, struct stp_err *err)
{
	struct stp_signatures *files;
	size_t i;

	if (options->signature_count > FILES_MAX)
		return STP_FAIL(err, STP_LIMIT, STAGE, "signatures", "are more than %d files",
		                FILES_MAX);
	files = calloc(options->signature_count + 1, sizeof(*files));
	*out_files = files;
	if (!files)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, "signatures", "cannot be read");
	for (i = 0; i < options->signature_count; i++)
		STP_TRY(stp_signatures_read(&files[i], options->signatures[i], err));
	return STP_OK;
}

enum stp_errc stp_ceremony_status(const struct stp_ceremony_status_options *options,
                                  struct stp_ceremony_status_report *out_report,
                                  struct stp_err *err)
{
	struct stp_ceremony_status_options mine;
	struct stp_signatures *files = NULL;
	struct stp_tally tally = {0};
	struct stp_payload payload;
	enum stp_errc code;

	memset(out_report, 0, sizeof(*out_report));
	STP_TRY(STP_OPTIONS_TAKE(&mine, options, signature_count, STAGE, err));
	STP_TRY(stp_options_need(mine.payload, "payload", STAGE, err));
	code = stp_payload_read(&payload, mine.payload, err);
	if (code == STP_OK)
		code = read_files(&mine, &files, err);
	if (code == STP_OK)
		code = stp_tally_make(&tally, &payload, files, mine.signature_count, err);
	if (code == STP_OK)
		code = stp_ceremony_report(&payload, &tally, out_report, err);
	if (code != STP_OK)
		stp_ceremony_status_report_release(out_report);
	stp_tally_release(&tally);
	free(files);
	stp_payload_release(&payload);
	return code;
}
