/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The members of verified documents that a run needs: the timestamp's line, the snapshot's names,
 * the delegations. Inside trust/ only.
 *
 * Shape      one document in, findings or fields out.
 * Memory     names go to the arena of the struct stp_current.
 * Ownership  documents stay the caller's.
 * Threads    one thread.
 */
#ifndef STP_TRUST_READ_H
#define STP_TRUST_READ_H

#include "trust/trust.h"

/* A finding when doc does not say the version of its name. */
void stp_trust_version(const struct stp_document *doc, uint64_t expected,
                       struct stp_finding_list *findings);

/* What the timestamp says of the snapshot; a finding when it says nothing of use. */
void stp_trust_listed_snapshot(struct stp_document *timestamp, struct stp_pin *out_snapshot);

/* The snapshot's names and versions, sorted, into current. */
enum stp_errc stp_trust_read_meta(const struct stp_document *snapshot, struct stp_current *current,
                                  struct stp_err *err) STP_MUST_CHECK;

/* Where targets delegates to a bins role: has_bins, its keys and its role. */
enum stp_errc stp_trust_read_bins_role(struct stp_trust *trust, struct stp_err *err) STP_MUST_CHECK;

/* The delegation to bin-n of bins, or of targets without a bins role, into current. */
enum stp_errc stp_trust_read_delegation(const struct stp_document *doc, struct stp_current *current,
                                        struct stp_err *err) STP_MUST_CHECK;

/* The keyid of a role of one key, else "". */
void stp_trust_only_keyid(const struct stp_role *role, char out[65]);

#endif
