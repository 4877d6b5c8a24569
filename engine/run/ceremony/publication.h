/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of a ceremony: its documents, signed, become what clients see, or nothing changes.
 *
 *	base unmoved ─▶ state/shadow: what will be published ─▶ trust/ as the next sign, clients
 *	    ─▶ V.bins.json ─▶ V.targets.json ─▶ V.root.json ─▶ state/floors ─▶ stampede.json
 *
 * Each document is published by a rename that replaces nothing. A run that dies in between is
 * repeated with the same payload: documents that are there already, with the bytes that were
 * signed, are kept. Clients see a new root at once, and the other roles when the next sign lists
 * them.
 *
 * Shape      one struct per ceremony.
 * Memory     the documents.
 * Ownership  release with stp_publication_release(). What it is made of is borrowed.
 * Threads    one thread, which holds the repository's lock.
 */
#ifndef STP_RUN_CEREMONY_PUBLICATION_H
#define STP_RUN_CEREMONY_PUBLICATION_H

#include "ceremony/tally.h"
#include "keys/keys.h"
#include "publish/repo.h"
#include "roles/config.h"
#include "run/ceremony/online_signers.h"

struct stp_publication_options {
	const struct stp_repo *repo; /* locked */
	struct stp_config *config;   /* is changed to what is in force, and saved; borrows strings
	                              * of the publication */
	const struct stp_seal_key *seal;
	const struct stp_payload *payload; /* no drill */
	const struct stp_tally *tally;     /* its thresholds are reached */
	const char *root_file;             /* a root that the operator trusts, or NULL */
	int64_t now;
	int at_once; /* new online keys are not staged as a rotation (run/ceremony/online_stage.h)
	              */
};

struct stp_publication {
	const struct stp_publication_options *options;
	struct stp_buf files[STP_PAYLOAD_ROLES]; /* as they are, or will be, in public/metadata */
	int is_there[STP_PAYLOAD_ROLES];         /* published before this run */
	size_t there_count;
	struct stp_online_signers signers; /* the files of new online keys */
	/* out */
	int was_published; /* all of it, before this run: nothing was left to do */
	int must_sign;    /* clients fail until the next sign: it has new keys for what they read */
	int is_staged;    /* it replaces online keys: the next sign publishes it */
	int bins_changed; /* another number of bins */
};

/* Publishes. STP_REFUSED, before anything is visible, names what moved since the payload was made,
 * what has expired, or what a client would refuse; STP_KEY, an online key that
 * is not on this machine. */
enum stp_errc stp_publication_make(struct stp_publication *publication,
                                   const struct stp_publication_options *options,
                                   struct stp_err *err) STP_MUST_CHECK;
void stp_publication_release(struct stp_publication *publication);

#endif
