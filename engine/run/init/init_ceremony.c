/* SPDX-License-Identifier: Apache-2.0 */
/* init --ceremony: a repository whose offline keys others hold. */
#include <stdlib.h>
#include <string.h>

#include "base/options.h"
#include "run/init/first.h"

#define STAGE "init"

enum stp_errc stp_ceremony_init(const struct stp_ceremony_init_options *options,
                                struct stp_init_report *out_report,
                                struct stp_ceremony_start_report *out_payload, struct stp_err *err)
{
	struct stp_ceremony_init_options mine;
	struct stp_init_first *first;
	enum stp_errc code;

	memset(out_report, 0, sizeof(*out_report));
	memset(out_payload, 0, sizeof(*out_payload));
	STP_TRY(STP_OPTIONS_TAKE(&mine, options, allows_unproven, STAGE, err));
	STP_TRY(stp_options_need(mine.out, "out", STAGE, err));
	if (!mine.init)
		return STP_FAIL(err, STP_CONFIG, STAGE, "init", "is required");
	first = calloc(1, sizeof(*first));
	if (!first)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, NULL, "no memory");
	first->options = &mine;
	first->report = out_payload;
	code = stp_init_run(mine.init, first, out_report, err);
	if (code != STP_OK)
		stp_ceremony_start_report_release(out_payload);
	stp_init_first_release(first);
	free(first);
	return code;
}
