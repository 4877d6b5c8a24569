/* SPDX-License-Identifier: Apache-2.0 */
/*
 * To whom a targets or bins document delegates: its keys, and the keys of each delegated role.
 *
 * Shape      the bins role apart, as it signs a document of ceremonies; all roles as a list.
 * Memory     the keys; one role for each run of equal ones.
 * Ownership  release with stp_delegated_release(), also after a failed load. The document is
 *            borrowed.
 * Threads    one thread while it is read; read-only afterwards.
 */
#ifndef STP_CEREMONY_DELEGATED_H
#define STP_CEREMONY_DELEGATED_H

#include "verify/signature.h"

/* The role between targets and the bins of targets. */
#define STP_DELEGATED_BINS "bins"

struct stp_delegated {
	struct stp_key_ring ring;
	struct stp_role *roles; /* succinct roles are one */
	size_t role_count;
	const struct stp_role *bins; /* the role called "bins", or NULL */
};

/* Reads the member "delegations" of doc, if it has one. What is wrong with it becomes findings of
 * doc. */
enum stp_errc stp_delegated_load(struct stp_delegated *delegated, struct stp_document *doc,
                                 struct stp_err *err) STP_MUST_CHECK;
void stp_delegated_release(struct stp_delegated *delegated);

#endif
