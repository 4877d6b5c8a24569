/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keys/: secret keys at rest and in memory. Only sign/, run/ and cli/ include it.
 *
 *	keys/online.pem (0600, folder 0700) ─▶ locked pages, read-only ─▶ stp_key_sign()
 *
 * Ed25519 keys are PKCS#8 PEM files (RFC 8410), as `openssl pkey` and python's cryptography read
 * and write them. The seal key of the ledger is a file of 64 hex digits.
 *
 * A key is refused (STP_KEY, with the command that fixes it) when group or others have access to
 * its file or folder, or when either belongs to another user or is a link. No message ever contains
 * bytes of a key.
 *
 * Shape      one opaque struct per key.
 * Memory     sodium_malloc: guard pages, locked where RLIMIT_MEMLOCK allows, not in core dumps,
 *            read-only after load, wiped on destroy.
 * Ownership  destroy what generate, load or from_seed returned.
 * Threads    a loaded key is read-only: any thread may sign with it.
 */
#ifndef STP_KEYS_KEYS_H
#define STP_KEYS_KEYS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "scheme/scheme.h"

#define STP_KEY_PUBLIC_BYTES    32
#define STP_KEY_SEED_BYTES      32
#define STP_KEY_SIGNATURE_BYTES 64
#define STP_SEAL_KEY_BYTES      32

#define STP_ONLINE_KEY_FILE "online.pem"
#define STP_LEDGER_KEY_FILE "ledger.key"

struct stp_key;

/* Makes a new key pair and writes it to the new file name in folder_fd (O_EXCL, 0600, durable),
 * then loads it back. folder_fd is a descriptor of the key folder itself (0700), name a plain file
 * name. STP_KEY when name exists: keys are never overwritten. */
enum stp_errc stp_key_generate(int folder_fd, const char *name, struct stp_key **out_key,
                               struct stp_err *err) STP_MUST_CHECK;

/* Loads a key file with all checks above. STP_KEY for anything but one unencrypted Ed25519
 * private key. */
enum stp_errc stp_key_load(int folder_fd, const char *name, struct stp_key **out_key,
                           struct stp_err *err) STP_MUST_CHECK;

/* A key from its 32-byte seed (RFC 8032 section 5.1.5): tests, benches, key ceremonies. */
enum stp_errc stp_key_from_seed(const uint8_t seed[STP_KEY_SEED_BYTES], struct stp_key **out_key,
                                struct stp_err *err) STP_MUST_CHECK;

/* A key from the bytes of a PEM file; stp_key_load() calls this after its checks. subject names the
 * key in messages. */
enum stp_errc stp_key_parse(const void *pem, size_t pem_bytes, const char *subject,
                            struct stp_key **out_key, struct stp_err *err) STP_MUST_CHECK;

/* Wipes and frees; NULL is allowed. */
void stp_key_destroy(struct stp_key *key);

/* The 32 bytes of the public key. */
const uint8_t *stp_key_public(const struct stp_key *key);

/* The TUF keyid: 64 lower-case hex digits and NUL (scheme/scheme.h). */
const char *stp_key_id(const struct stp_key *key);

/* Signs one message (RFC 8032, pure Ed25519) and verifies the signature before it returns it:
 * STP_REFUSED when it does not verify (a fault of the machine). */
enum stp_errc stp_key_sign(const struct stp_key *key, const void *message, size_t message_bytes,
                           uint8_t out_signature[STP_KEY_SIGNATURE_BYTES],
                           struct stp_err *err) STP_MUST_CHECK;

/* The expanded secret (RFC 8032 section 5.1.5): scalar a, reduced modulo the group order, and the
 * prefix that makes nonces. For sign/'s batches only; points into the key. */
struct stp_key_secret {
	uint8_t scalar[32];
	uint8_t prefix[32];
};
const struct stp_key_secret *stp_key_secret(const struct stp_key *key);

/* -------- the ledger's seal key: 32 random bytes for keyed BLAKE2b -------- */

struct stp_seal_key;

/* As stp_key_generate() and stp_key_load(), with the same rules for files and folder. */
enum stp_errc stp_seal_key_generate(int folder_fd, const char *name, struct stp_seal_key **out_key,
                                    struct stp_err *err) STP_MUST_CHECK;
enum stp_errc stp_seal_key_load(int folder_fd, const char *name, struct stp_seal_key **out_key,
                                struct stp_err *err) STP_MUST_CHECK;
void stp_seal_key_destroy(struct stp_seal_key *key);

/* STP_SEAL_KEY_BYTES bytes. */
const uint8_t *stp_seal_key_bytes(const struct stp_seal_key *key);

#endif
