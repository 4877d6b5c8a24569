/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ceremony that changes nothing but online keys is staged as a rotation (run/rotation.h): the
 * next sign publishes it, and no client fails at any moment.
 *
 * That needs both keys on this machine: the old one where "signers" of stampede.json says, the new
 * one as keys/NAME.pem, with the name that the payload gives it.
 *
 * Shape      documents of one ceremony in, a staged rotation out.
 * Memory     the keys, while they are compared.
 * Ownership  none is kept.
 * Threads    one thread, which holds the repository's lock.
 */
#ifndef STP_RUN_CEREMONY_ONLINE_STAGE_H
#define STP_RUN_CEREMONY_ONLINE_STAGE_H

#include "ceremony/payload.h"
#include "keys/keys.h"
#include "publish/repo.h"
#include "trust/trust.h"

struct stp_online_stage {
	const struct stp_repo *repo;
	const struct stp_config *config;
	const struct stp_seal_key *seal;
	const struct stp_payload *payload;
	const struct stp_buf *files; /* by role, with signatures */
	/* before and after the ceremony; used by stp_online_stage_make() */
	const struct stp_trust *trust_before, *trust_after;
	const struct stp_current *before, *after;
	int64_t now;
};

/* *out_staged is 1 when these documents are staged already. STP_CONFIG when a rotation with other
 * documents is: it must not be overtaken. */
enum stp_errc stp_online_stage_check(const struct stp_online_stage *stage, int *out_staged,
                                     struct stp_err *err) STP_MUST_CHECK;

/* Stages the documents. *out_staged is 0 when they are to be published at once: they change no
 * online key, or other things as well, or the old key is gone. STP_KEY says where the new key
 * must be put. */
enum stp_errc stp_online_stage_make(const struct stp_online_stage *stage, int *out_staged,
                                    struct stp_err *err) STP_MUST_CHECK;

#endif
