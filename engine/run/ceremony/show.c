/* SPDX-License-Identifier: Apache-2.0 */
#include "stampede/ceremony.h"

#include <stdlib.h>
#include <string.h>

#include "base/options.h"
#include "ceremony/basis.h"
#include "ceremony/changes.h"
#include "run/ceremony/signature_file.h"

#define STAGE "ceremony"

static enum stp_errc no_memory(struct stp_err *err)
{
	return STP_FAIL_ERRNO(err, ENOMEM, STAGE, "payload", "cannot show it");
}

static enum stp_errc fill(const struct stp_changes *changes, int64_t now,
                          struct stp_ceremony_show_report *report, struct stp_err *err)
{
	struct stp_buf text = STP_BUF_INIT;
	enum stp_errc code = stp_changes_text(changes, NULL, now, &text, err);
	json_t *json = NULL;

	if (code == STP_OK)
		code = stp_buf_append(&text, "", 1, err);
	if (code != STP_OK) {
		stp_buf_release(&text);
		return code;
	}
	report->text = (char *)text.data; /* malloc'ed */
	json = stp_changes_json(changes);
	report->json = json ? json_dumps(json, JSON_COMPACT) : NULL;
	json_decref(json);
	return report->json ? STP_OK : no_memory(err);
}

enum stp_errc stp_ceremony_show(const struct stp_ceremony_show_options *options,
                                struct stp_ceremony_show_report *out_report, struct stp_err *err)
{
	struct stp_ceremony_show_options mine;
	struct stp_changes *changes = NULL;
	struct stp_payload payload;
	enum stp_errc code;

	memset(out_report, 0, sizeof(*out_report));
	STP_TRY(STP_OPTIONS_TAKE(&mine, options, reserved, STAGE, err));
	STP_TRY(stp_options_need(mine.payload, "payload", STAGE, err));
	code = stp_payload_read(&payload, mine.payload, err);
	if (code == STP_OK)
		code = stp_basis_check(&payload, mine.trusted_root, err);
	if (code == STP_OK)
		code = stp_changes_make(&payload, &changes, err);
	if (code == STP_OK)
		code = fill(changes, stp_options_now(mine.now, mine.has_now), out_report, err);
	if (code == STP_OK)
		stp_ceremony_name(&payload, out_report->payload, out_report->words);
	else
		stp_ceremony_show_report_release(out_report);
	stp_changes_release(changes);
	stp_payload_release(&payload);
	return code;
}

void stp_ceremony_show_report_release(struct stp_ceremony_show_report *report)
{
	free(report->text);
	free(report->json);
	memset(report, 0, sizeof(*report));
}
