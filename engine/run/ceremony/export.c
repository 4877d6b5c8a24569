/* SPDX-License-Identifier: Apache-2.0 */
#include "stampede/ceremony.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/options.h"
#include "run/ceremony/report.h"

#define STAGE "ceremony"

/* Nothing in the folder is replaced: it may be signed already. */
static enum stp_errc check_new(const struct stp_payload *payload, int fd, const char *folder,
                               struct stp_err *err)
{
	size_t i;

	for (i = 0; i < payload->document_count; i++)
		if (stp_file_exists(fd, payload->documents[i].name))
			return STP_FAIL(err, STP_CONFIG, STAGE, folder,
			                "has a file %s already; name a new folder",
			                payload->documents[i].name);
	return STP_OK;
}

/* Writes the bytes of each document. */
static enum stp_errc write_all(const struct stp_payload *payload, const char *folder,
                               struct stp_ceremony_status_report *report, struct stp_err *err)
{
	enum stp_errc code;
	int fd = -1;
	size_t i;

	STP_TRY(stp_folder_make(AT_FDCWD, folder, 0755, STAGE, &fd, err));
	code = check_new(payload, fd, folder, err);
	for (i = 0; i < payload->document_count && code == STP_OK; i++) {
		const struct stp_payload_document *document = &payload->documents[i];

		code = stp_file_write(fd, document->name, document->doc->body.data,
		                      document->doc->body.count, 0644, STP_FILE_NEW, STAGE, err);
		if (code == STP_OK &&
		    asprintf(&report->documents[i].path, "%s/%s", folder, document->name) < 0) {
			report->documents[i].path = NULL;
			code = STP_FAIL_ERRNO(err, ENOMEM, STAGE, folder, "cannot be reported");
		}
	}
	stp_fd_close(&fd);
	return code;
}

enum stp_errc stp_ceremony_export(const struct stp_ceremony_export_options *options,
                                  struct stp_ceremony_status_report *out_report,
                                  struct stp_err *err)
{
	struct stp_ceremony_export_options mine;
	struct stp_tally tally = {0};
	struct stp_payload payload;
	enum stp_errc code;

	memset(out_report, 0, sizeof(*out_report));
	STP_TRY(STP_OPTIONS_TAKE(&mine, options, raw, STAGE, err));
	STP_TRY(stp_options_need(mine.payload, "payload", STAGE, err));
	STP_TRY(stp_options_need(mine.raw, "raw", STAGE, err));
	code = stp_payload_read(&payload, mine.payload, err);
	if (code == STP_OK)
		code = stp_tally_make(&tally, &payload, NULL, 0, err);
	if (code == STP_OK)
		code = stp_ceremony_report(&payload, &tally, out_report, err);
	if (code == STP_OK)
		code = write_all(&payload, mine.raw, out_report, err);
	if (code != STP_OK)
		stp_ceremony_status_report_release(out_report);
	stp_tally_release(&tally);
	stp_payload_release(&payload);
	return code;
}
