/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first ceremony: keys that others made, and the payload of the first root, targets and bins
 * for them to sign.
 *
 *	a.key.json b.key.json ─▶ roles ─▶ 1.root.json, 1.targets.json, 1.bins.json, unsigned ─▶
 *payload state/ceremony
 *
 * The payload is written just before the repository is put in place, and .init/made notes that: an
 * init that was killed in between may replace its own payload, and no other file.
 *
 * Shape      one struct per init.
 * Memory     descriptions of all keys, the payload.
 * Ownership  release with stp_init_first_release().
 * Threads    one thread.
 */
#ifndef STP_RUN_INIT_FIRST_H
#define STP_RUN_INIT_FIRST_H

#include "ceremony/payload.h"
#include "roles/roles.h"
#include "run/init_stage.h"
#include "stampede/ceremony.h"

struct stp_init_first {
	const struct stp_ceremony_init_options *options;
	struct stp_ceremony_start_report *report;
	struct stp_key_description *names; /* each key once */
	size_t name_count;
	struct stp_key_object *keys[STP_PAYLOAD_ROLES];
	size_t key_count[STP_PAYLOAD_ROLES];
	unsigned threshold[STP_PAYLOAD_ROLES];
	struct stp_buf bodies[STP_PAYLOAD_ROLES];
	struct stp_buf payload;
	char path[STP_PATH_BYTES_MAX + 1]; /* of its file, absolute */
	int is_written;
};

/* Reads the keys, and sets their numbers and thresholds in config. */
enum stp_errc stp_init_first_keys(struct stp_init_first *first, struct stp_config *config,
                                  struct stp_err *err) STP_MUST_CHECK;

struct stp_role_keys stp_init_first_role(const struct stp_init_first *first,
                                         enum stp_payload_role role);

/* Makes the payload of bodies, and notes in state_fd that it is waited for. */
enum stp_errc stp_init_first_payload(struct stp_init_first *first, int64_t now, int state_fd,
                                     struct stp_err *err) STP_MUST_CHECK;

/* Writes its file. */
enum stp_errc stp_init_first_write(struct stp_init_first *first, struct stp_init_stage *stage,
                                   struct stp_err *err) STP_MUST_CHECK;

/* Removes the file that this run wrote. */
void stp_init_first_undo(const struct stp_init_first *first);
void stp_init_first_release(struct stp_init_first *first);

/* stp_init(), with a first ceremony when first is not NULL. */
enum stp_errc stp_init_run(const struct stp_init_options *options, struct stp_init_first *first,
                           struct stp_init_report *out_report, struct stp_err *err) STP_MUST_CHECK;

#endif
