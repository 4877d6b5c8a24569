/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys of people: making them, and describing public keys for ceremonies.
 *
 *	stp_key_new()      ─▶ NAME.pem (secret, stays with its holder), NAME.key.json (public)
 *	stp_key_import()   any public or secret key ─▶ NAME.key.json
 *	stp_key_show()     any of them ─▶ keyid, words, proof
 *
 * A description with a signature by the key itself shows that its maker has the secret key. Names
 * and holders in it are claims: compare the words by voice or on paper.
 *
 * Shape      options in, a plain report out.
 * Memory     secrets in locked memory, wiped.
 * Ownership  options' strings stay the caller's; nothing to release but what …_release() frees.
 * Threads    one thread.
 */
#ifndef STAMPEDE_KEY_H
#define STAMPEDE_KEY_H

#include <stddef.h>
#include <stdint.h>

#include "stampede/err.h"
#include "stampede/options.h"

#ifdef __cplusplus
extern "C" {
#endif

enum stp_key_type {
	STP_KEY_TYPE_ED25519,
	STP_KEY_TYPE_P256, /* ECDSA on NIST P-256 with SHA-256: what hardware can sign with */
};

/* Writes the passphrase of the key file called subject to out, at most size bytes without NUL, and
 * returns its bytes, or -1 when there is none. */
typedef long stp_passphrase_fn(void *ctx, const char *subject, char *out, size_t size);

#define STP_KEY_REPORT_WORDS      13
#define STP_KEY_REPORT_PATH_BYTES 4096

/* What is known of one key. */
struct stp_key_report {
	char keyid[65];
	char keytype[32], scheme[32];            /* as TUF metadata names them */
	char public_text[801];                   /* hex digits, or a PEM block */
	const char *words[STP_KEY_REPORT_WORDS]; /* of the keyid; static */
	int signs_digest; /* a device needs only a digest of what it signs; else all of it */
	int has_secret;   /* the file holds the secret key */
	int is_encrypted; /* by a passphrase */
	int is_described; /* the three below were read or written */
	char name[65], holder[129], made[21];
	int is_proven; /* the description is signed by the key */
	/* what was written; "": nothing */
	char secret_path[STP_KEY_REPORT_PATH_BYTES];
	char description_path[STP_KEY_REPORT_PATH_BYTES];
};

STP_API void stp_key_report_release(struct stp_key_report *report);

/* === new ===================================================================================== */

struct stp_key_new_options {
	size_t size;      /* see stampede/options.h */
	const char *path; /* "FOLDER/NAME": FOLDER is made (0700) if it does not exist; required */
	enum stp_key_type type;
	int has_now;            /* now is a time even if it is 0 */
	const char *holder;     /* who has the key; NULL: not said */
	const char *passphrase; /* encrypts the key file; NULL: it is not encrypted */
	size_t passphrase_bytes;
	int64_t now; /* epoch seconds; 0: the clock, unless has_now */
};

#define STP_KEY_NEW_OPTIONS_INIT STP_SIZED(struct stp_key_new_options)

/* Makes a key pair in FOLDER/NAME.pem and FOLDER/NAME.key.json. Nothing is ever overwritten:
 * STP_KEY when one of them exists, or others can read FOLDER. STP_CONFIG for a name or holder that
 * could mislead. The files were read back when this returns. */
STP_API enum stp_errc stp_key_new(const struct stp_key_new_options *options,
                                  struct stp_key_report *out_report,
                                  struct stp_err *err) STP_MUST_CHECK;

/* === show ==================================================================================== */

struct stp_key_show_options {
	size_t size;                   /* see stampede/options.h */
	const char *from;              /* a file of any kind below, or "pem:PATH"; required */
	stp_passphrase_fn *passphrase; /* NULL: an encrypted key is refused */
	void *passphrase_ctx;
};

#define STP_KEY_SHOW_OPTIONS_INIT STP_SIZED(struct stp_key_show_options)

/* Reads a secret key (PKCS#8, PEM), a public key (SubjectPublicKeyInfo, PEM; OpenSSH .pub; a TUF
 * key object in JSON) or a description. STP_KEY and STP_FORMAT say what is wrong with it: each key
 * has only one accepted encoding. */
STP_API enum stp_errc stp_key_show(const struct stp_key_show_options *options,
                                   struct stp_key_report *out_report,
                                   struct stp_err *err) STP_MUST_CHECK;

/* === import ================================================================================== */

struct stp_key_import_options {
	size_t size;        /* see stampede/options.h */
	const char *from;   /* as for show; required */
	const char *name;   /* NULL: the name of the file, without its ending */
	const char *holder; /* NULL: not said */
	const char *out;    /* folder for NAME.key.json; NULL: the working directory */
	stp_passphrase_fn *passphrase;
	void *passphrase_ctx;
	int64_t now; /* epoch seconds; 0: the clock, unless has_now */
	int has_now;
	int reserved; /* 0 */
};

#define STP_KEY_IMPORT_OPTIONS_INIT STP_SIZED(struct stp_key_import_options)

/* Writes OUT/NAME.key.json, with proof of possession if from is a secret key. Never overwrites
 * (STP_KEY). A description is refused: it has all that import would make. */
STP_API enum stp_errc stp_key_import(const struct stp_key_import_options *options,
                                     struct stp_key_report *out_report,
                                     struct stp_err *err) STP_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
