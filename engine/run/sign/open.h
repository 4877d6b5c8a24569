/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening a run: the repository, its configuration and keys, what is published (verified), the
 * targets, the list and the ledger; and confining the process to them.
 *
 * Shape      what all steps share is in struct stp_sign_run; what only the first and the last need
 *            is in struct stp_sign_opened.
 * Memory     see each module.
 * Ownership  stp_sign_opened_release() and stp_sign_run_release().
 * Threads    one thread.
 */
#ifndef STP_RUN_SIGN_OPEN_H
#define STP_RUN_SIGN_OPEN_H

#include "publish/current.h"
#include "roles/config_note.h"
#include "run/sign/rotating.h"
#include "run/sign/sign_run.h"
#include "run/trusted.h"
#include "sign/role_signers.h"

struct stp_sign_opened {
	struct stp_rotating rotating;    /* the keys */
	struct stp_role_signers signers; /* of the online roles, over them */
	struct stp_trust trust;
	struct stp_current current;  /* what trust has verified */
	uint64_t above;              /* the version that --above names; 0 without */
	struct stp_config_note note; /* open until the source is noted in stampede.json */
};

void stp_sign_opened_init(struct stp_sign_opened *opened);
void stp_sign_opened_release(struct stp_sign_opened *opened);

enum stp_errc stp_sign_open(struct stp_sign_run *run, struct stp_sign_opened *opened,
                            struct stp_err *err) STP_MUST_CHECK;

/* Notes which of root, targets and bins should be renewed soon, and writes the expiries of what is
 * published into the report. */
void stp_sign_note_expiries(struct stp_sign_run *run, const struct stp_current *current);

/* Writes the quorum margins of root, targets and bins into the report. */
void stp_sign_note_margins(struct stp_sign_run *run, const struct stp_trust *trust);

/* Loads run->seal_key, or creates it again if it is lost. Reports everything that was lost from the
 * repository and was created again when it was opened. */
enum stp_errc stp_sign_load_seal_key(struct stp_sign_run *run, struct stp_err *err) STP_MUST_CHECK;

#endif
