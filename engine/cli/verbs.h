/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands, one line each, in the order --help lists them. A new command: its file defines
 * stp_verb_NAME, and its name joins STP_VERBS.
 *
 * A name may have two words, "key new": then the first one is a family, whose commands stand next
 * to each other in the table (X(key_new)) and which has a line in stp_families.
 *
 * Shape      const structs.
 * Memory     static.
 * Ownership  none.
 * Threads    read-only.
 */
#ifndef STP_CLI_VERBS_H
#define STP_CLI_VERBS_H

#include "cli/cli.h"

#define STP_VERBS(X)       \
	X(init)            \
	X(import)          \
	X(rotate)          \
	X(sign)            \
	X(verify)          \
	X(hash)            \
	X(status)          \
	X(show)            \
	X(plan)            \
	X(bench)           \
	X(gc)              \
	X(key_new)         \
	X(key_show)        \
	X(key_list)        \
	X(key_import)      \
	X(ceremony_start)  \
	X(ceremony_show)   \
	X(ceremony_sign)   \
	X(ceremony_export) \
	X(ceremony_add)    \
	X(ceremony_status) \
	X(ceremony_finish) \
	X(ceremony_drill)

#ifdef STP_OFFLINE /* stampede-offline: what holders of keys do, without a repository */
#undef STP_VERBS
#define STP_VERBS(X)       \
	X(key_new)         \
	X(key_show)        \
	X(key_import)      \
	X(ceremony_show)   \
	X(ceremony_sign)   \
	X(ceremony_export) \
	X(ceremony_add)    \
	X(ceremony_status)
#endif

#define STP_VERB_DECLARE(name) extern const struct stp_verb stp_verb_##name;
STP_VERBS(STP_VERB_DECLARE)

struct stp_family {
	const char *name; /* the first word of its commands */
	const char *summary;
};

/* Ended by a NULL name. */
extern const struct stp_family stp_families[];

/* The command that begins the words, or NULL; *out_count is how many words its name has. */
const struct stp_verb *stp_verb_find(int argc, char *const *argv, int *out_count);

/* The family called name if it has commands, or NULL. */
const struct stp_family *stp_family_find(const char *name);

/* The family of a command; NULL: its name has one word. */
const struct stp_family *stp_family_of(const struct stp_verb *verb);

/* The name of the command within its family: "new". */
const char *stp_verb_last_word(const struct stp_verb *verb);

#endif
