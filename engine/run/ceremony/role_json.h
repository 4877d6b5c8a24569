/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who signs one role, in the JSON of the document that names its keys: read and changed in place.
 *
 *	"keys":{KEYID:{…}}   {"keyids":[…],"threshold":T}
 *
 * Keys are compared by material, not by keyid: the same key may be there under an ID of another
 * tool.
 *
 * Shape      two objects of one document.
 * Memory     none of its own.
 * Ownership  the document's; a struct is valid as long as that is.
 * Threads    one thread per document.
 */
#ifndef STP_RUN_CEREMONY_ROLE_JSON_H
#define STP_RUN_CEREMONY_ROLE_JSON_H

#include <jansson.h>

#include "scheme/key_object.h"

struct stp_role_json {
	json_t *object; /* has "keyids" and "threshold"; NULL: the document has no such role */
	json_t *keyids; /* of object */
	json_t *keys;   /* key objects of the document, by keyid */
};

/* A role of root, by its name. */
struct stp_role_json stp_role_json_of_root(const json_t *root, const char *name);

/* The role called name to which a targets document delegates. */
struct stp_role_json stp_role_json_delegated(const json_t *document, const char *name);

/* The bins to which a targets document delegates: the succinct role, or the first of them. */
struct stp_role_json stp_role_json_bins(const json_t *document);

/* Whether an element of "roles" is a bin: PREFIX-HEX with path_hash_prefixes. */
int stp_role_json_is_bin(const json_t *role);

/* Whether key signs the role, under any keyid. */
int stp_role_json_has(const struct stp_role_json *role, const struct stp_key_object *key);

/* Adds key. An object that the document has under the keyid already stays as it is. Returns NULL,
 * or what is wrong. */
const char *stp_role_json_add(const struct stp_role_json *role, const struct stp_key_object *key);

/* Removes keyid; 0 when it is not there. */
int stp_role_json_remove(const struct stp_role_json *role, const char *keyid);

/* Makes key the only one, with threshold 1. 0 when memory is short. */
int stp_role_json_only(const struct stp_role_json *role, const struct stp_key_object *key);

/* The TUF key object in JSON, or NULL. */
json_t *stp_key_json(const struct stp_key_object *key);

/* Removes the members of keys that no role names: of roles, an object or an array of roles, and of
 * other, one more role or NULL. */
void stp_role_json_drop_unused(json_t *keys, const json_t *roles, const json_t *other);

#endif
