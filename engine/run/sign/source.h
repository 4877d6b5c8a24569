/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a run makes the index from.
 *
 *	--digests         "source" of stampede.json     made from
 *	given             any                           the list, and what --scan adds
 *	not given         tree, or not noted            the folder of targets
 *	not given         list, stream                  the ledger: its targets are signed again
 *
 * A timer that signs an index of a list has no list to give. Scanning the folder would remove
 * whatever is not in it and sign what the list leaves out, so the targets of the last run get new
 * bins, and nothing is read. The first run that publishes notes what it was made from; after that
 * only whoever edits stampede.json changes it (decisions/0192-source-of-an-index.md).
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

/* Finds what the run makes the index from, with the ledger open. published: the version of the
 * timestamp, 0 when there is none. */
enum stp_errc stp_sign_choose_source(struct stp_sign_run *run, uint64_t published,
                                     struct stp_source_choice *out,
                                     struct stp_err *err) STP_MUST_CHECK;

/* STP_REFUSED when the targets of a refresh cannot be had from the ledger, nor from what was
 * recovered. */
enum stp_errc stp_sign_check_refresh(const struct stp_sign_run *run,
                                     const struct stp_source_choice *choice,
                                     const struct stp_recovered *recovered,
                                     struct stp_err *err) STP_MUST_CHECK;

/* What the generation's targets were found by: those of a refresh as they were. */
uint32_t stp_sign_made_from(const struct stp_sign_run *run, const struct stp_source_choice *choice);

/* Notes in stampede.json, after the commit, what the index is made from. What hinders it is for the
 * run's notes. */
void stp_sign_note_source(struct stp_sign_run *run, const struct stp_source_choice *choice,
                          struct stp_config_note *note_file);

#endif
