/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NAME.key.json: a public key with the name of whoever holds it, signed by the key itself, which
 * proves that the holder has the secret key.
 *
 *	{"signatures":[{"keyid":K,"sig":HEX}],
 *	 "signed":{"_type":"stampede-key","format":1,"holder":TEXT,"key":{keytype,keyval,scheme},
 *	           "made":TIME,"name":TEXT}}
 *
 * The name is a claim. It is kept in keyring.json and in payloads, never in a TUF key object.
 * Files have the form of TUF metadata: canonical, with line feeds escaped (cjson/encoding.h).
 *
 * Shape      one struct per file.
 * Memory     one struct.
 * Ownership  the caller's.
 * Threads    any thread; no state.
 */
#ifndef STP_KEYS_KEY_DESCRIPTION_H
#define STP_KEYS_KEY_DESCRIPTION_H

#include "base/bytes.h"
#include "base/err.h"
#include "keys/secret_key.h"

#define STP_KEY_NAME_BYTES_MAX   64 /* ASCII letters, digits and "._-+@" */
#define STP_KEY_HOLDER_BYTES_MAX 128
#define STP_KEY_JSON_SUFFIX      ".key.json"

struct stp_key_description {
	char name[STP_KEY_NAME_BYTES_MAX + 1];
	char holder[STP_KEY_HOLDER_BYTES_MAX + 1]; /* "": not said */
	char made[21];                             /* YYYY-MM-DDTHH:MM:SSZ */
	struct stp_key_object object;
	int is_proven; /* carries a good signature by the key itself */
};

/* What is wrong with a name, or NULL: it must have 1 to STP_KEY_NAME_BYTES_MAX characters of the
 * kind above, and begin with a letter or digit. */
const char *stp_key_name_problem(const char *name);

/* The same of a holder: at most STP_KEY_HOLDER_BYTES_MAX bytes of UTF-8, without characters that
 * cannot be seen or that steer a terminal, without words in which letters of several scripts look
 * like another word, and without spaces around it. */
const char *stp_key_holder_problem(const char *holder);

/* Appends the file of a key, signed with secret, to out. name and holder are checked (STP_CONFIG).
 */
enum stp_errc stp_key_description_make(const struct stp_secret_key *secret, const char *name,
                                       const char *holder, int64_t made, struct stp_buf *out,
                                       struct stp_err *err) STP_MUST_CHECK;

/* The same of a key whose secret half is elsewhere: without a signature. */
enum stp_errc stp_key_description_make_public(const struct stp_key_object *object, const char *name,
                                              const char *holder, int64_t made, struct stp_buf *out,
                                              struct stp_err *err) STP_MUST_CHECK;

/* Reads a file's bytes; subject names it in messages. STP_KEY or STP_FORMAT for anything else than
 * the form above: other members, other encodings of the key, a signature that is wrong. A file
 * without any signature (of an imported public key) is read with is_proven 0. */
enum stp_errc stp_key_description_parse(const void *bytes, size_t count, const char *subject,
                                        struct stp_key_description *out,
                                        struct stp_err *err) STP_MUST_CHECK;

/* The same of the file at path, which must be a regular file. */
enum stp_errc stp_key_description_read(const char *path, struct stp_key_description *out,
                                       struct stp_err *err) STP_MUST_CHECK;

#endif
