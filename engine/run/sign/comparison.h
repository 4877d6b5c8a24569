/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scan ⋈ ledger: the sources that steps merge, and the rules that say what each source is.
 *
 *	scan, published bins, ledger ─▶ open ─▶ struct stp_sources + struct stp_decide_rules
 *
 * Each step that decides opens it, because a step that hashes adds checkpoints.
 *
 * Shape      sources in the order of enum stp_origin.
 * Memory     one byte per source.
 * Ownership  what is opened borrows spilled runs and segments; stp_compared_release().
 * Threads    open it while no thread adds to the ledger; what is opened is const.
 */
#ifndef STP_RUN_SIGN_COMPARISON_H
#define STP_RUN_SIGN_COMPARISON_H

#include "ledger/ledger.h"
#include "run/sign/decide.h"

/* What is compared. */
struct stp_comparison {
	const struct stp_sources *scan;
	const struct stp_sources *published;
	struct stp_ledger *ledger;
	struct stp_decide_rules rules; /* origins: left NULL */
};

struct stp_compared {
	struct stp_sources sources;
	struct stp_decide_rules rules;
	uint8_t *origins;
};

#define STP_COMPARED_INIT                   \
	{                                   \
		.sources = STP_SOURCES_INIT \
	}

/* out: STP_COMPARED_INIT. */
enum stp_errc stp_comparison_open(const struct stp_comparison *comparison, struct stp_compared *out,
                                  struct stp_err *err) STP_MUST_CHECK;

void stp_compared_release(struct stp_compared *compared);

#endif
