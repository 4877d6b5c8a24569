/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/verbs.h"

#define STP_VERB_ENTRY(name) &stp_verb_##name,

const struct stp_verb *const stp_verbs[] = {STP_VERBS(STP_VERB_ENTRY) NULL};
