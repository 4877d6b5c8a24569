/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ceremony that replaces online keys becomes a rotation (run/rotation.h), when both keys are on
 * this machine: the old ones where stampede.json says, the new ones in REPO/keys/NAME.pem.
 *
 *	what is published, what will be ─▶ roles with another key ─▶ their key files ─▶ staged
 *
 * Otherwise the documents have to be published at once, and clients fail until the next sign.
 *
 * Shape      one ceremony.
 * Memory     secret keys in locked memory, while it is looked for them.
 * Ownership  none.
 * Threads    one thread, which holds the repository's lock.
 */
#ifndef STP_RUN_CEREMONY_STAGING_H
#define STP_RUN_CEREMONY_STAGING_H

#include "publish/current.h"
#include "run/rotation.h"

struct stp_staging {
	const struct stp_repo *repo;
	const struct stp_config *config;
	const uint8_t *seal_key;
	const struct stp_current *before, *after; /* the ceremony */
	const struct stp_rotation_document *documents;
	size_t document_count;
	int64_t now;
};

/* Stages the documents if online keys change and can be rotated; else *out_is_staged is 0, and
 * nothing was done. STP_CONFIG while another rotation is not done. */
enum stp_errc stp_staging_try(const struct stp_staging *staging, int *out_is_staged,
                              struct stp_err *err) STP_MUST_CHECK;

#endif
