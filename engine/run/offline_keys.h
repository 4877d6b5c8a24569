/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Offline keys: root-1.pem, targets-1.pem, bins-1.pem … in a folder that the operator chooses.
 *
 * Shape      one set of keys per role, key i in the file ROLE-(i+1).pem.
 * Memory     secret keys in locked memory (keys/keys.h).
 * Ownership  the set owns its keys; stp_offline_keys_release() wipes them.
 * Threads    one thread.
 */
#ifndef STP_RUN_OFFLINE_KEYS_H
#define STP_RUN_OFFLINE_KEYS_H

#include "base/limits.h"
#include "keys/keys.h"
#include "keys/signer.h"
#include "roles/roles.h"

#define STP_OFFLINE_KEYS_FILE_BYTES 32 /* "targets-64.pem" */

struct stp_offline_keys {
	const char *role; /* "root", "targets", "bins" */
	struct stp_key *keys[STP_ROLE_KEYS_MAX];
	struct stp_signer *signers[STP_ROLE_KEYS_MAX]; /* over keys */
	struct stp_key_object public_keys[STP_ROLE_KEYS_MAX];
	int made[STP_ROLE_KEYS_MAX]; /* by this run */
	size_t count;
	unsigned threshold;
};

/* File name of key index of role. */
void stp_offline_keys_file(const char *role, size_t index, char out[STP_OFFLINE_KEYS_FILE_BYTES]);

/* True when any of the role's key files exists. */
int stp_offline_keys_has_any(int folder_fd, const char *role, size_t count);

enum stp_offline_keys_files {
	/* if only some exist: STP_KEY, which names the first that is missing */
	STP_OFFLINE_KEYS_ALL_OR_NONE,
	/* those that are missing are created */
	STP_OFFLINE_KEYS_REST,
};

/* Loads count keys of role from folder_fd if their files exist, or creates them if none does.
 * Release the set after a failure too; keys that were created stay on disk until
 * stp_offline_keys_unmake(). */
enum stp_errc stp_offline_keys_open(struct stp_offline_keys *offline, int folder_fd,
                                    const char *role, size_t count, unsigned threshold,
                                    enum stp_offline_keys_files files,
                                    struct stp_err *err) STP_MUST_CHECK;

/* Adds those of ROLE-1.pem … that are in the folder and not in the set yet; offline->role is
 * set. */
enum stp_errc stp_offline_keys_add_folder(struct stp_offline_keys *offline, int folder_fd,
                                          struct stp_err *err) STP_MUST_CHECK;

/* Removes the files of the keys that this run created. */
void stp_offline_keys_unmake(const struct stp_offline_keys *offline, int folder_fd);

/* The public keys, as roles/ expects them. */
struct stp_role_keys stp_offline_keys_public(const struct stp_offline_keys *offline);

/* Wipes the secrets. */
void stp_offline_keys_release(struct stp_offline_keys *offline);

#endif
