/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A signer: whatever signs messages with one key, in this process or elsewhere.
 *
 *	messages[0, count) ─▶ sign ─▶ signature and its length, one each ─▶ check ─▶ publish
 *
 * Each role has its own (sign/role_signers.h). Implementations: keys/key_signer.h, one message at a
 * time; sign/lanes.h, many at once for bins.
 *
 * A message is read in place, whole, as often as the scheme needs it. A signer reads and writes
 * nothing around it: what an algorithm hashes before a message is kept in the signer's own memory,
 * and the space before a message belongs to the message's owner, for an envelope.
 *
 * Shape      messages of any size up to limits.message_bytes_max; a signature has
 *            scheme->signature_bytes_min to _max bytes.
 * Memory     the implementation's.
 * Ownership  destroy what an implementation or clone returned. Messages and the memory for their
 *            signatures are the caller's.
 * Threads    one signer per thread; clone makes another of the same key.
 */
#ifndef STP_KEYS_SIGNER_H
#define STP_KEYS_SIGNER_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "scheme/key_object.h"
#include "scheme/public_key.h"

/* What a signature covers, for the audit log: the first 32 bytes of SHA-512(R || A || MESSAGE) for
 * Ed25519 (RFC 8032 section 5.1.6), SHA-256(MESSAGE) for other schemes. */
#define STP_COVERED_BYTES 32

struct stp_sign_message {
	const char *name;     /* the document's file name, for messages */
	const uint8_t *bytes; /* not empty */
	size_t count;
	uint8_t *signature;                 /* scheme->signature_bytes_max bytes */
	size_t signature_bytes;             /* sign: out; check: in */
	uint8_t covered[STP_COVERED_BYTES]; /* check: out */
};

/* How many signatures a signer can make in one run. */
enum stp_signer_pace {
	STP_SIGNER_BULK,   /* one for each bin */
	STP_SIGNER_SINGLE, /* for a few documents: a device, a service, a person */
};

struct stp_signer_limits {
	size_t message_bytes_max; /* SIZE_MAX: any */
	size_t batch;             /* number of messages at once that it handles best */
	enum stp_signer_pace pace;
	int takes_digest; /* it needs only a digest of the message */
};

struct stp_signer;

struct stp_signer_ops {
	const char *name; /* of the kind of signer, for messages: "the key file" */
	/* Fills signature and signature_bytes of each message. */
	enum stp_errc (*sign)(struct stp_signer *signer, struct stp_sign_message *messages,
	                      size_t count, struct stp_err *err);
	/* See stp_signer_check(); NULL: by the public key, one after the other. */
	enum stp_errc (*check)(struct stp_signer *signer, struct stp_sign_message *messages,
	                       size_t count, struct stp_err *err);
	enum stp_errc (*clone)(const struct stp_signer *signer, struct stp_signer **out_signer,
	                       struct stp_err *err);
	void (*destroy)(struct stp_signer *signer);
};

/* The first member of what an implementation allocates. */
struct stp_signer {
	const struct stp_signer_ops *ops;
	struct stp_key_object object; /* scheme, public key, keyid */
	struct stp_public_key public_key;
	struct stp_signer_limits limits;
};

/* For implementations: fills the common part. STP_KEY when object is not a key of its scheme. */
enum stp_errc stp_signer_init(struct stp_signer *signer, const struct stp_signer_ops *ops,
                              const struct stp_key_object *object,
                              const struct stp_signer_limits *limits,
                              struct stp_err *err) STP_MUST_CHECK;
/* For implementations: releases the common part. */
void stp_signer_fini(struct stp_signer *signer);

/* Signs all messages. STP_LIMIT, before any is signed, names one that is longer than the signer
 * accepts; STP_REFUSED names one whose signature has a length that its scheme does not allow.
 * Nothing is verified: publish only what stp_signer_check() has passed. */
enum stp_errc stp_signer_sign(struct stp_signer *signer, struct stp_sign_message *messages,
                              size_t count, struct stp_err *err) STP_MUST_CHECK;

/* Verifies the signature of every message as a client would, and fills in `covered`. STP_REFUSED
 * names the first that fails: nothing may be published. */
enum stp_errc stp_signer_check(struct stp_signer *signer, struct stp_sign_message *messages,
                               size_t count, struct stp_err *err) STP_MUST_CHECK;

/* Another signer of the same key, for another thread. */
enum stp_errc stp_signer_clone(const struct stp_signer *signer, struct stp_signer **out_signer,
                               struct stp_err *err) STP_MUST_CHECK;

/* NULL is allowed. */
void stp_signer_destroy(struct stp_signer *signer);

/* What signature, by key, covers for message, see STP_COVERED_BYTES. An Ed25519 signature has at
 * least 32 bytes here. */
void stp_signature_covered(const struct stp_public_key *key, const uint8_t *message,
                           size_t message_bytes, const uint8_t *signature,
                           uint8_t out_covered[STP_COVERED_BYTES]);

/* The same for signer's key. */
void stp_signer_covered(const struct stp_signer *signer, const uint8_t *message,
                        size_t message_bytes, const uint8_t *signature,
                        uint8_t out_covered[STP_COVERED_BYTES]);

/* STP_REFUSED for the document called name, with what to do. */
enum stp_errc stp_signer_refuse(const char *name, const char *what,
                                struct stp_err *err) STP_MUST_CHECK;

#endif
