/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key files of the online roles: opened by the URIs of stampede.json's "signers", checked, and
 * made into signers.
 *
 *	"pem:keys/online.pem" ─▶ key ─▶ bins over the lanes: Ed25519
 *	                              └▶ snapshot, timestamp one at a time: any kind of key
 *
 * A relative path is one in the repository; an absolute path may lead anywhere. One file that
 * several roles name is opened once.
 *
 * Shape      keys by number, in the order in which they were opened.
 * Memory     secret keys in locked memory (keys/keys.h).
 * Ownership  release with stp_online_keys_release(), after the signers.
 * Threads    one thread; signers as in keys/signer.h.
 */
#ifndef STP_RUN_ONLINE_KEYS_H
#define STP_RUN_ONLINE_KEYS_H

#include "keys/keys.h"
#include "keys/secret_key.h"
#include "publish/repo.h"
#include "roles/config.h"
#include "sign/role_signers.h"

/* Each role may have an old and a new one. */
#define STP_ONLINE_KEYS_MAX (2 * STP_ONLINE_ROLES)

struct stp_online_key {
	char uri[STP_SIGNER_URI_BYTES_MAX + 1];
	struct stp_key *key;           /* for bins; or NULL */
	struct stp_secret_key *secret; /* for other roles, when key is NULL */
	struct stp_key_object object;  /* its public key */
};

struct stp_online_keys {
	struct stp_online_key items[STP_ONLINE_KEYS_MAX];
	size_t count;
};

/* The path in a URI, for messages and for opening: "keys/online.pem". */
const char *stp_online_key_path(const char *uri);

/* Opens the folder of the key file of uri; *out_name points to the file's name within uri. */
enum stp_errc stp_online_key_folder(const struct stp_repo *repo, const char *uri, int *out_fd,
                                    const char **out_name, struct stp_err *err) STP_MUST_CHECK;

/* Whether there is a file where uri says. */
int stp_online_key_exists(const struct stp_repo *repo, const char *uri);

/* Whether uri leads to the file that other leads to (links count as what they lead to), or to one
 * that holds the key keyid. */
int stp_online_key_is(const struct stp_repo *repo, const char *uri, const char *other,
                      const char *keyid);

/* Opens the key of uri, for role, if it is not open yet. STP_KEY as stp_key_load(), and for bins
 * when it is not an Ed25519 key. *out_key is valid until release. */
enum stp_errc stp_online_keys_open(struct stp_online_keys *keys, const struct stp_repo *repo,
                                   enum stp_online_role role, const char *uri,
                                   const struct stp_online_key **out_key,
                                   struct stp_err *err) STP_MUST_CHECK;

/* A signer with the key, one message at a time. */
enum stp_errc stp_online_key_signer(const struct stp_online_key *key,
                                    struct stp_signer **out_signer,
                                    struct stp_err *err) STP_MUST_CHECK;

/* Wipes the secrets. */
void stp_online_keys_release(struct stp_online_keys *keys);

/* Overwrites the key file of uri and removes it, if it holds the key keyid; *out_wiped is 0 when it
 * does not, or is not there. Flash memory, file systems that copy on write, snapshots and backups
 * may keep what was overwritten. */
enum stp_errc stp_online_key_wipe(const struct stp_repo *repo, const char *uri, const char *keyid,
                                  int *out_wiped, struct stp_err *err) STP_MUST_CHECK;

#endif
