/* SPDX-License-Identifier: Apache-2.0 */
#include "run/new_payload.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "ceremony/tally.h"
#include "ceremony/warnings.h"
#include "keys/fingerprint_words.h"

#define STAGE "ceremony"

_Static_assert(STP_CEREMONY_WORDS == STP_FINGERPRINT_WORDS, "stampede/ceremony.h has the number");

/* ------------------------------------------------------------------ who must sign */

static int is_unproven(const struct stp_tally_document *document, const struct stp_public_key *key)
{
	size_t i;

	for (i = 0; i < document->unproven_count; i++)
		if (document->unproven[i] == key)
			return 1;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	const struct stp_ceremony_signer *first = a;
	const struct stp_ceremony_signer *second = b;
	int order = strcmp(first->name, second->name);

	return order ? order : strcmp(first->keyid, second->keyid);
}

static enum stp_errc report_demand(const struct stp_payload *payload,
                                   const struct stp_tally_document *document,
                                   const struct stp_tally_demand *demand,
                                   struct stp_ceremony_threshold *out, struct stp_err *err)
{
	size_t i;

	out->signers = calloc(demand->role->key_count + 1, sizeof(*out->signers));
	if (!out->signers)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, NULL, "no memory");
	snprintf(out->document, sizeof(out->document), "%s", document->document->name);
	snprintf(out->by, sizeof(out->by), "%s", demand->by);
	out->threshold = demand->role->threshold;
	for (i = 0; i < demand->role->key_count; i++) {
		const struct stp_public_key *key = demand->role->keys[i];
		struct stp_ceremony_signer *signer = &out->signers[out->signer_count++];
		const char *name = stp_payload_key_name(payload, key->keyid, NULL);

		memcpy(signer->keyid, key->keyid, sizeof(signer->keyid));
		snprintf(signer->name, sizeof(signer->name), "%s", name ? name : "");
		signer->is_new = is_unproven(document, key);
	}
	qsort(out->signers, out->signer_count, sizeof(*out->signers), by_name);
	return STP_OK;
}

static enum stp_errc report_all(const struct stp_payload *payload, const struct stp_tally *tally,
                                struct stp_ceremony_start_report *report, struct stp_err *err)
{
	size_t i;
	size_t k;

	report->thresholds = calloc(2 * STP_PAYLOAD_ROLES, sizeof(*report->thresholds));
	if (!report->thresholds)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, NULL, "no memory");
	for (i = 0; i < tally->document_count; i++)
		for (k = 0; k < tally->documents[i].demand_count; k++)
			STP_TRY(report_demand(payload, &tally->documents[i],
			                      &tally->documents[i].demands[k],
			                      &report->thresholds[report->threshold_count++], err));
	stp_hex_encode(payload->sha256, 32, report->payload);
	stp_fingerprint_words(payload->sha256, report->words);
	return STP_OK;
}

static enum stp_errc copy_warnings(const struct stp_lines *lines,
                                   struct stp_ceremony_start_report *report, struct stp_err *err)
{
	size_t i;

	report->warnings = calloc(lines->count + 1, sizeof(*report->warnings));
	for (i = 0; report->warnings && i < lines->count; i++) {
		report->warnings[i] = strdup(lines->items[i].text);
		if (!report->warnings[i])
			break;
		report->warning_count++;
	}
	return report->warning_count == lines->count && report->warnings
	           ? STP_OK
	           : STP_FAIL_ERRNO(err, ENOMEM, STAGE, NULL, "no memory");
}

/* What holders will be warned of is said to whoever makes the payload, before anybody signs it. */
static enum stp_errc report_warnings(const struct stp_payload *payload,
                                     struct stp_ceremony_start_report *report, struct stp_err *err)
{
	struct stp_lines lines;
	enum stp_errc code;

	stp_lines_init(&lines);
	code = stp_warnings_add(payload, &lines, err);
	if (code == STP_OK)
		code = copy_warnings(&lines, report, err);
	stp_lines_release(&lines);
	return code;
}

enum stp_errc stp_new_payload_make(const struct stp_payload_input *input, struct stp_buf *file,
                                   struct stp_ceremony_start_report *report, struct stp_err *err)
{
	struct stp_buf copy = STP_BUF_INIT;
	struct stp_payload payload;
	struct stp_tally tally;
	enum stp_errc code;

	STP_TRY(stp_payload_make(input, file, err));
	STP_TRY(stp_buf_append(&copy, file->data, file->count, err));
	code = stp_payload_parse(&payload, &copy, "the new payload", err);
	if (code == STP_OK) {
		code = stp_tally_make(&tally, &payload, NULL, 0, err);
		if (code == STP_OK)
			code = report_all(&payload, &tally, report, err);
		if (code == STP_OK)
			code = report_warnings(&payload, report, err);
		stp_tally_release(&tally);
	}
	stp_payload_release(&payload);
	return code;
}

void stp_ceremony_start_report_release(struct stp_ceremony_start_report *report)
{
	size_t i;

	for (i = 0; i < report->threshold_count; i++)
		free(report->thresholds[i].signers);
	free(report->thresholds);
	for (i = 0; i < report->warning_count; i++)
		free(report->warnings[i]);
	free(report->warnings);
	memset(report, 0, sizeof(*report));
}

/* ------------------------------------------------------------------ the file */

enum stp_errc stp_new_payload_check(const char *path, struct stp_err *err)
{
	if (stp_file_exists(AT_FDCWD, path))
		return STP_FAIL(err, STP_CONFIG, STAGE, path,
		                "exists; name a new file, since somebody may have signed this one");
	return STP_OK;
}

enum stp_errc stp_new_payload_write(const struct stp_buf *file, const char *path,
                                    struct stp_err *err)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	char folder[PATH_MAX] = ".";
	enum stp_errc code;
	int fd;

	if (!name[0] ||
	    snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - path) + 1 : 1,
	             slash ? path : ".") >= PATH_MAX)
		return STP_FAIL(err, STP_CONFIG, STAGE, path, "is not the name of a file");
	STP_TRY(stp_new_payload_check(path, err));
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return STP_FAIL(err, STP_CONFIG, STAGE, path, "cannot open its folder: %s",
		                strerror(errno));
	code = stp_file_write(fd, name, file->data, file->count, 0644, STP_FILE_NEW, STAGE, err);
	close(fd);
	return code;
}
