/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A key from a file of any kind: what its first bytes look like decides how it is read.
 *
 *	"-----BEGIN PUBLIC KEY"     SubjectPublicKeyInfo    ─┐
 *	"-----BEGIN", "pem:PATH"    keys/secret_key.h       ─┼▶ key object, perhaps its secret key,
 *	"{"                         description, TUF object ─┤  perhaps a description
 *	else                        OpenSSH .pub            ─┘
 *
 * Shape      one struct per file.
 * Memory     files of up to 16 KiB; secret ones only in locked memory.
 * Ownership  release with stp_key_source_release().
 * Threads    one thread.
 */
#ifndef STP_RUN_KEY_SOURCE_H
#define STP_RUN_KEY_SOURCE_H

#include "keys/key_description.h"
#include "stampede/key.h"

struct stp_key_source {
	struct stp_key_object object;
	struct stp_secret_key *secret;          /* NULL: a public key */
	struct stp_key_description description; /* with has_description */
	int has_description;
};

/* Reads from, a path or URI. STP_KEY or STP_FORMAT says what is wrong with it. */
enum stp_errc stp_key_source_read(struct stp_key_source *source, const char *from,
                                  stp_passphrase_fn *passphrase, void *passphrase_ctx,
                                  struct stp_err *err) STP_MUST_CHECK;
void stp_key_source_release(struct stp_key_source *source);

/* The path in a URI: from itself, or what is behind "pem:". */
const char *stp_key_source_path(const char *from);

/* Fills the members of report that say what the key is. */
void stp_key_source_report(const struct stp_key_source *source, struct stp_key_report *report);

#endif
