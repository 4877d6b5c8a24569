/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ceremony drill: a payload whose documents no client accepts, for holders to show that their keys
 * still work.
 */
#include <sodium.h>
#include <string.h>

#include "base/options.h"
#include "run/ceremony/opened.h"
#include "run/new_payload.h"

#define STAGE "ceremony"

/* Makes the documents of all roles; each has a nonce, so that no older signature is good for it. */
static enum stp_errc make_bodies(const struct stp_opened *opened, int64_t now,
                                 struct stp_buf files[STP_PAYLOAD_ROLES],
                                 const struct stp_buf *out_bodies[STP_PAYLOAD_ROLES],
                                 struct stp_err *err)
{
	size_t role;

	for (role = 0; role < STP_PAYLOAD_ROLES; role++) {
		uint8_t nonce[32];

		out_bodies[role] = NULL;
		if (role == STP_PAYLOAD_BINS && !opened->trust.has_bins)
			continue;
		randombytes_buf(nonce, sizeof(nonce));
		STP_TRY(stp_payload_drill_body((enum stp_payload_role)role, now, nonce,
		                               &files[role], err));
		out_bodies[role] = &files[role];
	}
	return STP_OK;
}

static enum stp_errc run(const struct stp_ceremony_start_options *options,
                         struct stp_opened *opened, struct stp_buf files[STP_PAYLOAD_ROLES],
                         struct stp_ceremony_start_report *report, struct stp_err *err)
{
	int64_t now = stp_options_now(options->now, options->has_now);
	struct stp_payload_input input = {
	    .purpose = options->purpose ? options->purpose : "drill: do these keys still work?",
	    .made = now,
	    .is_drill = 1,
	};
	struct stp_opened_options opening = {options->repo, STP_REPO_READ, "ceremony", NULL};
	const struct stp_buf *bodies[STP_PAYLOAD_ROLES];
	struct stp_buf file = STP_BUF_INIT;
	enum stp_errc code;

	STP_TRY(stp_new_payload_check(options->out, err));
	STP_TRY(stp_opened_open(opened, &opening, err));
	STP_TRY(make_bodies(opened, now, files, bodies, err));
	stp_opened_input(opened, bodies, &input);
	code = stp_new_payload_make(&input, &file, report, err);
	if (code == STP_OK)
		code = stp_new_payload_write(&file, options->out, err);
	stp_buf_release(&file);
	return code;
}

enum stp_errc stp_ceremony_drill(const struct stp_ceremony_start_options *options,
                                 struct stp_ceremony_start_report *out_report, struct stp_err *err)
{
	struct stp_buf files[STP_PAYLOAD_ROLES] = {STP_BUF_INIT, STP_BUF_INIT, STP_BUF_INIT};
	struct stp_ceremony_start_options mine;
	struct stp_opened opened;
	enum stp_errc code;
	size_t role;

	memset(out_report, 0, sizeof(*out_report));
	STP_TRY(STP_OPTIONS_TAKE(&mine, options, reserved, STAGE, err));
	STP_TRY(stp_options_need(mine.repo, "repo", STAGE, err));
	STP_TRY(stp_options_need(mine.out, "out", STAGE, err));
	if (mine.wish_count)
		return STP_FAIL(err, STP_CONFIG, STAGE, "drill", "changes nothing");
	memset(&opened, 0, sizeof(opened));
	stp_repo_init(&opened.repo);
	code = run(&mine, &opened, files, out_report, err);
	if (code != STP_OK)
		stp_ceremony_start_report_release(out_report);
	stp_opened_close(&opened);
	for (role = 0; role < STP_PAYLOAD_ROLES; role++)
		stp_buf_release(&files[role]);
	return code;
}
