/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decides whether a document that was read from public/ is trusted: turns findings and versions
 * into the error that refuses it. For trust/, and for run/import/, which trusts another tool's
 * documents by the same rules.
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

/* STP_REFUSED unless is_good: the document could be read and has the required signatures. Findings
 * can refuse it as well, and give the reason: the first serious one becomes the text, followed by
 * advice. The absence of findings alone never makes a document good. */
enum stp_errc stp_trust_judge(struct stp_finding_list *findings, const char *name, int is_good,
                              const char *advice, struct stp_err *err) STP_MUST_CHECK;

/* STP_REFUSED when file, the newest of role in public/, is older than its floor, or has other bytes
 * than were published with the same version. */
enum stp_errc stp_trust_check_floor(const char *role, const char *file, const struct stp_pin *found,
                                    const struct stp_pin *floor,
                                    struct stp_err *err) STP_MUST_CHECK;

#endif
