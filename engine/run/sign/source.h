/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a run makes the index from.
 *
 *	--digests         "source" of stampede.json     made from
 *	given             any                           the list, and what --scan adds
 *	not given         tree, or not noted            the folder of targets
 *	not given         list, stream                  the ledger: its targets are signed again
 *
 * A timer that signs an index made from a list has no list. Scanning the folder would remove
 * whatever is not in it and sign what the list omits, so the targets of the last run are signed
 * again in new bins, and nothing is read. The first run that publishes notes what the index was
 * made from; after that it changes only if stampede.json is edited
 * (decisions/0192-source-of-an-index.md).
 *
 * Shape      one choice per run.
 * Memory     none.
 * Ownership  plain data.
 * Threads    one thread.
 */
#ifndef STP_RUN_SIGN_SOURCE_H
#define STP_RUN_SIGN_SOURCE_H

#include "roles/config_note.h"
#include "run/sign/recover.h"
#include "run/sign/sign_run.h"

struct stp_source_choice {
	enum stp_index_source source; /* what the index is made from, to be noted */
	int is_refresh;               /* the ledger's targets are signed again */
};

/* Chooses what the run makes the index from; the ledger is open. published: the version of the
 * timestamp, 0 if there is none. */
enum stp_errc stp_sign_choose_source(struct stp_sign_run *run, uint64_t published,
                                     struct stp_source_choice *out,
                                     struct stp_err *err) STP_MUST_CHECK;

/* STP_REFUSED when neither the ledger nor what was recovered has the targets of a refresh. */
enum stp_errc stp_sign_check_refresh(const struct stp_sign_run *run,
                                     const struct stp_source_choice *choice,
                                     const struct stp_recovered *recovered,
                                     struct stp_err *err) STP_MUST_CHECK;

/* What the targets of the new generation come from; after a refresh, what they came from before. */
uint32_t stp_sign_made_from(const struct stp_sign_run *run, const struct stp_source_choice *choice);

/* Notes in stampede.json, after the commit, what the index is made from. A failure becomes a note
 * of the run. */
void stp_sign_note_source(struct stp_sign_run *run, const struct stp_source_choice *choice,
                          struct stp_config_note *note_file);

#endif
