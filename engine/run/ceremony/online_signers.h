/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the secret keys of a ceremony's new online keys are on this machine, when the ceremony is
 * published at once and not staged as a rotation (run/ceremony/online_stage.h). After it "signers"
 * of stampede.json must name them, or nothing can be signed.
 *
 *	the file of "signers" ─▶ keys/NAME.pem, as the payload names the key ─▶ the files of the
 *	other roles ─▶ keys/online.pem
 *
 * Shape      three URIs, of bin-n, snapshot and timestamp.
 * Memory     one key file at a time.
 * Ownership  the configuration's strings are not copied.
 * Threads    one thread, which holds the repository's lock.
 */
#ifndef STP_RUN_CEREMONY_ONLINE_SIGNERS_H
#define STP_RUN_CEREMONY_ONLINE_SIGNERS_H

#include "run/ceremony/online_stage.h"

struct stp_online_signers {
	char uris[STP_ONLINE_ROLES][STP_SIGNER_URI_BYTES_MAX + 1]; /* "": as they are */
};

/* Finds the file of each role's key in stage->after. STP_KEY when the key of a role that stage
 * changes is nowhere; stage->before NULL: then no role counts as changed, and what is not found
 * stays as it is. STP_CONFIG when a rotation of a changed role is in its overlap. */
enum stp_errc stp_online_signers_find(const struct stp_online_stage *stage,
                                      struct stp_online_signers *out_signers,
                                      struct stp_err *err) STP_MUST_CHECK;

/* Makes config name them. It borrows the strings of signers. */
void stp_online_signers_note(const struct stp_online_signers *signers, struct stp_config *config);

#endif
