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

/* Adds a finding when the version in doc differs from the one in its name. */
void stp_trust_version(const struct stp_document *doc, uint64_t expected,
                       struct stp_finding_list *findings);

/* Reads what the timestamp lists about the snapshot; adds a finding when that is unusable. Other
 * tools may list no SHA-256: floor says which bytes the snapshot of its version has. */
void stp_trust_listed_snapshot(struct stp_document *timestamp, const struct stp_pin *floor,
                               struct stp_pin *out_snapshot);

/* Reads the snapshot's names and versions, sorted, into current. */
enum stp_errc stp_trust_read_meta(const struct stp_document *snapshot, struct stp_current *current,
                                  struct stp_err *err) STP_MUST_CHECK;

/* If targets delegates to a bins role: sets has_bins, reads its keys and its role. */
enum stp_errc stp_trust_read_bins_role(struct stp_trust *trust, struct stp_err *err) STP_MUST_CHECK;

/* Reads the delegation to bin-n, from bins (is_bins_role), or from targets without a bins role,
 * into current. bin_count stays 0 for targets of another tool, which delegate to no bins. */
enum stp_errc stp_trust_read_delegation(const struct stp_document *doc, int is_bins_role,
                                        struct stp_current *current,
                                        struct stp_err *err) STP_MUST_CHECK;

/* The keyid of a role that has exactly one key, else "". */
void stp_trust_only_keyid(const struct stp_role *role, char out[65]);

#endif
