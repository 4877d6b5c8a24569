/* SPDX-License-Identifier: Apache-2.0 */
/*
 * New versions of root, targets and bins: the published documents with what was wished for.
 *
 *	published documents ─┐
 *	                     ├▶ bodies to be signed: version + 1, a new expiry, wishes; nothing else
 *	wishes ──────────────┘
 *
 * All that no wish names stays as it is: unknown members, other tools' delegations, key objects.
 * Keys that no role uses any more leave. A wish about the keys of a role changes the document that
 * names them, and renews the role, so that a new key signs something and proves itself:
 *
 *	wish about          renews
 *	keys of root        root
 *	keys of targets     root, targets
 *	keys of bins        targets, bins
 *	online keys         root (timestamp, snapshot), bins or targets (bin-n)
 *	number of bins      bins, or targets without a bins role
 *
 * Shape      one body per role, in the order of enum stp_payload_role.
 * Memory     JSON copies of the documents.
 * Ownership  release with stp_bodies_release(), also after a failure.
 * Threads    any thread; no state.
 */
#ifndef STP_RUN_CEREMONY_BODIES_H
#define STP_RUN_CEREMONY_BODIES_H

#include <jansson.h>

#include "base/bytes.h"
#include "base/err.h"
#include "ceremony/payload.h"
#include "roles/config.h"
#include "scheme/key_object.h"

/* In the order in which wishes are granted. */
enum stp_wish_kind {
	STP_WISH_RENEW,
	STP_WISH_EXPIRES,    /* another period than that of the configuration */
	STP_WISH_REMOVE,     /* a key of an offline role */
	STP_WISH_ADD,        /* one */
	STP_WISH_THRESHOLD,  /* of an offline role */
	STP_WISH_DELEGATION, /* number, names and form of the bins: as in the configuration */
	STP_WISH_ONLINE,     /* the key of an online role */
	STP_WISH_KINDS,
};

/* The offline roles are those of enum stp_payload_role. */
enum stp_wish_role {
	STP_WISH_ROOT = STP_PAYLOAD_ROOT,
	STP_WISH_TARGETS = STP_PAYLOAD_TARGETS,
	STP_WISH_BINS = STP_PAYLOAD_BINS,
	STP_WISH_TIMESTAMP,
	STP_WISH_SNAPSHOT,
	STP_WISH_BIN_N,
	STP_WISH_ROLES,
};

struct stp_wish {
	enum stp_wish_kind kind;
	enum stp_wish_role role;
	struct stp_key_object key;       /* ADD, ONLINE */
	char keyid[STP_KEYID_CHARS + 1]; /* REMOVE */
	const char *name;                /* of the key, for messages; NULL: its keyid */
	uint64_t number;                 /* THRESHOLD; EXPIRES: seconds */
};

/* What new versions are made from. */
struct stp_bodies_base {
	const json_t *published[STP_PAYLOAD_ROLES]; /* "signed"; bins NULL without a bins role */
	/* keys that were replaced (run/ceremony/former_keys.h), by role, or NULL */
	const struct stp_buf *former[STP_PAYLOAD_ROLES];
	const struct stp_config *config;
	int64_t now;
	int allows_former; /* a key that was replaced may come back */
};

struct stp_bodies {
	json_t *json[STP_PAYLOAD_ROLES]; /* NULL: no new version */
	struct stp_buf body[STP_PAYLOAD_ROLES];
	uint64_t version[STP_PAYLOAD_ROLES];
	int64_t expires[STP_PAYLOAD_ROLES];
};

/* Makes the bodies that wishes[0, count) ask for, in any order. STP_CONFIG names the role and the
 * key for a wish that cannot be granted, STP_KEY for a key that must not be used, STP_LIMIT for a
 * role that has no version left. */
enum stp_errc stp_bodies_make(struct stp_bodies *bodies, const struct stp_bodies_base *base,
                              const struct stp_wish *wishes, size_t count,
                              struct stp_err *err) STP_MUST_CHECK;
void stp_bodies_release(struct stp_bodies *bodies);

#endif
