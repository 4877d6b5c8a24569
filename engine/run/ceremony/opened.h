/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A repository for whose documents a payload is made, and that payload.
 *
 *	REPO ─▶ trust/ ─▶ published documents ─┐
 *	                   wishes ─▶ bodies ───┼▶ payload ─▶ FILE
 *	                  keyring.json ────────┘        (run/new_payload.h)
 *
 * Shape      one struct per command.
 * Memory     that of trust/, and the roots' files.
 * Ownership  stp_opened_close(), also after a failed open.
 * Threads    one thread.
 */
#ifndef STP_RUN_CEREMONY_OPENED_H
#define STP_RUN_CEREMONY_OPENED_H

#include "ceremony/payload.h"
#include "keys/keyring.h"
#include "keys/keys.h"
#include "run/ceremony/bodies.h"
#include "run/ceremony/former_keys.h"
#include "run/trusted.h"
#include "stampede/ceremony.h"

struct stp_opened {
	struct stp_repo repo;
	struct stp_config config;
	struct stp_seal_key *seal;
	struct stp_trust trust;
	struct stp_current current;
	int has_trust;
	struct stp_keyring keyring;
	struct stp_former_keys former;
	struct stp_buf *chain; /* files of the published roots, oldest first */
	size_t chain_count;
	struct stp_key_description *keys; /* with names: of the keyring, then of wishes */
	size_t key_count;
};

struct stp_opened_options {
	const char *repo;
	enum stp_repo_use use;
	const char *holder;    /* of the lock */
	const char *root_file; /* a root that the operator trusts, or NULL */
};

/* Opens the repository and verifies what is published in it. STP_CONFIG while its first ceremony is
 * not finished. */
enum stp_errc stp_opened_open(struct stp_opened *opened, const struct stp_opened_options *options,
                              struct stp_err *err) STP_MUST_CHECK;
void stp_opened_close(struct stp_opened *opened);

/* Adds a key with its name to those that the payload will have. */
enum stp_errc stp_opened_name(struct stp_opened *opened, const struct stp_key_description *key,
                              struct stp_err *err) STP_MUST_CHECK;

/* Fills what a payload has of the published documents: the chain, the base, names, and targets and
 * bins as far as bodies need them. It points into opened. */
void stp_opened_input(const struct stp_opened *opened,
                      const struct stp_buf *const bodies[STP_PAYLOAD_ROLES],
                      struct stp_payload_input *out_input);

#endif
