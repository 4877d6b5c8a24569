/* SPDX-License-Identifier: Apache-2.0 */
/*
 * REPO/keyring.json: what is known about the keys of offline roles besides the metadata: names and
 * holders as they claim, and when each key last signed.
 *
 *	{"format":1,"keys":{KEYID:{"added":TIME,"holder":TEXT,"last_document":"5.root.json",
 *	                           "last_signature":TIME,"name":TEXT}}}
 *
 * Members that are not known are left out. Operators may edit the file; what is not as above is
 * STP_CONFIG, but a name that no key may have counts as unknown.
 *
 * Nothing is trusted because of it: it decides what is shown and what is reminded of.
 *
 * Shape      one struct, entries sorted by keyid.
 * Memory     one array.
 * Ownership  release with stp_keyring_release().
 * Threads    one thread.
 */
#ifndef STP_KEYS_KEYRING_H
#define STP_KEYS_KEYRING_H

#include "base/err.h"
#include "keys/key_description.h"

#define STP_KEYRING_FILE "keyring.json"

/* A key that has not signed for longer does not count as one that can still sign. */
#define STP_KEY_ALIVE_DAYS 400

struct stp_keyring_entry {
	char keyid[STP_KEYID_CHARS + 1];
	char name[STP_KEY_NAME_BYTES_MAX + 1];     /* "": unknown */
	char holder[STP_KEY_HOLDER_BYTES_MAX + 1]; /* "": unknown */
	int64_t added;                             /* epoch seconds; -1: unknown */
	int64_t last_signature;                    /* epoch seconds; -1: unknown */
	char last_document[80];                    /* "5.root.json", "drill"; "": none */
};

struct stp_keyring {
	struct stp_keyring_entry *entries;
	size_t count, capacity;
};

/* Reads REPO/keyring.json; a file that does not exist is an empty keyring. */
enum stp_errc stp_keyring_load(struct stp_keyring *keyring, int repo_fd,
                               struct stp_err *err) STP_MUST_CHECK;
enum stp_errc stp_keyring_save(const struct stp_keyring *keyring, int repo_fd,
                               struct stp_err *err) STP_MUST_CHECK;
void stp_keyring_release(struct stp_keyring *keyring);

/* The entry of keyid, or NULL. */
struct stp_keyring_entry *stp_keyring_find(const struct stp_keyring *keyring, const char *keyid);

/* The entry of keyid, added when there is none. *out_entry is valid until the next call. */
enum stp_errc stp_keyring_entry(struct stp_keyring *keyring, const char *keyid,
                                struct stp_keyring_entry **out_entry,
                                struct stp_err *err) STP_MUST_CHECK;

#endif
