/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A secret key of any kind that stampede makes, for people who sign a few documents: Ed25519 or
 * ECDSA P-256, in a PKCS#8 PEM file that may be encrypted (PBES2 with scrypt, RFC 7914).
 *
 *	pem:PATH ─▶ PATH, 0600, of the caller ─▶ passphrase? ─▶ key ─▶ signer (keys/signer.h)
 *
 * The online key of bins is struct stp_key (keys/keys.h).
 *
 * Shape      one opaque struct per key.
 * Memory     sodium_malloc for what is read from files; an ECDSA key also in libcrypto's memory,
 *            which wipes it when the key is destroyed.
 * Ownership  destroy what generate or open returned; signers of a key must be destroyed before it.
 * Threads    a key is read-only after it was made.
 */
#ifndef STP_KEYS_SECRET_KEY_H
#define STP_KEYS_SECRET_KEY_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "keys/signer.h"
#include "scheme/key_object.h"

#define STP_PASSPHRASE_BYTES_MAX 1023

/* Where passphrases come from. */
struct stp_passphrase_source {
	/* Writes the passphrase of the key called subject to out (locked memory) and returns its
	 * number of bytes, or -1: there is none. */
	long (*read)(void *ctx, const char *subject, char out[STP_PASSPHRASE_BYTES_MAX]);
	void *ctx;
};

struct stp_secret_key;

/* Makes a key of kind STP_KEY_KIND_ED25519 or STP_KEY_KIND_ECDSA_P256_SHA256 in memory. */
enum stp_errc stp_secret_key_generate(enum stp_key_kind kind, struct stp_secret_key **out_key,
                                      struct stp_err *err) STP_MUST_CHECK;

/* Writes key to the new file name in folder_fd (0600, durable, never over another); encrypted, when
 * passphrase is not NULL. */
enum stp_errc stp_secret_key_save(const struct stp_secret_key *key, int folder_fd, const char *name,
                                  const char *passphrase, size_t passphrase_bytes,
                                  struct stp_err *err) STP_MUST_CHECK;

/* Loads the key that uri names: "pem:PATH", or a path. Refuses (STP_KEY) what stp_key_load()
 * refuses: files and folders that others can read, links. passphrases may be NULL: an encrypted key
 * is refused. */
enum stp_errc stp_secret_key_open(const char *uri, const struct stp_passphrase_source *passphrases,
                                  struct stp_secret_key **out_key,
                                  struct stp_err *err) STP_MUST_CHECK;

/* The same from the bytes of a file; subject names it in messages. */
enum stp_errc stp_secret_key_parse(const void *text, size_t chars, const char *subject,
                                   const struct stp_passphrase_source *passphrases,
                                   struct stp_secret_key **out_key,
                                   struct stp_err *err) STP_MUST_CHECK;

/* Whether the file was encrypted; a key that was generated is not. */
int stp_secret_key_is_encrypted(const struct stp_secret_key *key);

const struct stp_key_object *stp_secret_key_object(const struct stp_secret_key *key);

/* A signer with the key, one message at a time. Each signature is verified before it is returned;
 * those of ECDSA have the lower one of the two possible s. */
enum stp_errc stp_secret_key_signer(const struct stp_secret_key *key,
                                    struct stp_signer **out_signer,
                                    struct stp_err *err) STP_MUST_CHECK;

/* NULL is allowed. */
void stp_secret_key_destroy(struct stp_secret_key *key);

#endif
