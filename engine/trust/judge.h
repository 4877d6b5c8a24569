/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a document that was read back is worth: findings and versions become the error that refuses
 * it. Inside trust/ only.
 *
 * Shape      findings or two pins in, an error or none out.
 * Memory     none.
 * Ownership  findings stay the caller's.
 * Threads    any thread.
 */
#ifndef STP_TRUST_JUDGE_H
#define STP_TRUST_JUDGE_H

#include "trust/floors.h"
#include "verify/finding.h"

#define STP_TRUST_STAGE   "published"
#define STP_TRUST_RESTORE "restore public/metadata from a backup or a mirror"

/* "V.root.json" */
void stp_trust_root_name(uint64_t version, char out[64]);

/* STP_REFUSED unless name is_good: it could be read, and carries the signatures it must. Findings
 * can only add to that, and say why: the first that makes a document useless is the text, with
 * advice behind it. Nothing is good because no finding speaks against it. */
enum stp_errc stp_trust_judge(struct stp_finding_list *findings, const char *name, int is_good,
                              const char *advice, struct stp_err *err) STP_MUST_CHECK;

/* STP_REFUSED when file, the newest of role in public/, is older than its floor, or has other bytes
 * than were published as the same version. */
enum stp_errc stp_trust_check_floor(const char *role, const char *file, const struct stp_pin *found,
                                    const struct stp_pin *floor,
                                    struct stp_err *err) STP_MUST_CHECK;

#endif
