/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verbs, one line each, in the order --help lists them. A new verb: its file defines
 * stp_verb_NAME, and its name joins STP_VERBS.
 *
 * Shape      const structs.
 * Memory     static.
 * Ownership  none.
 * Threads    read-only.
 */
#ifndef STP_CLI_VERBS_H
#define STP_CLI_VERBS_H

#include "cli/cli.h"

#define STP_VERBS(X) \
	X(init)      \
	X(sign)      \
	X(verify)    \
	X(hash)      \
	X(status)    \
	X(show)      \
	X(plan)      \
	X(bench)     \
	X(gc)

#define STP_VERB_DECLARE(name) extern const struct stp_verb stp_verb_##name;
STP_VERBS(STP_VERB_DECLARE)

#endif
