/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rotation of online keys, as state: how far it is, and the documents that wait for it.
 *
 *	rotate ─▶ state/staged/{N+1.root.json, M.bins.json}, state/rotation.json "staged"
 *	sign   ─▶ M.bins.json · bins by the new key · snapshot and timestamp by both · timestamp
 *	          renamed ─▶ N+1.root.json ─▶ "overlap" until TIME
 *	sign   ─▶ (both keys sign)
 *	sign after TIME ─▶ stampede.json names the new key ─▶ "done" ─▶ the old key is wiped
 *
 * Two files cannot be renamed at once. A timestamp by the new key only, before root N+1, and root
 * N+1 before a timestamp by the new key, both make clients fail. With the signatures of both keys
 * neither does: clients ignore signatures of keys that they do not know. The overlap is for caches
 * that go on answering 404 for the new root.
 *
 * state/rotation.json is sealed like state/floors: whoever can write public/ only has no influence
 * on it, and a file from another repository is refused.
 *
 * A rotation of bins alone needs no root and no overlap: it is done with the next timestamp.
 *
 * Shape      one small file, one struct; documents by their names in public/metadata.
 * Memory     none but the struct.
 * Ownership  the caller's.
 * Threads    one thread, which holds the repository's lock for all changes.
 */
#ifndef STP_RUN_ROTATION_H
#define STP_RUN_ROTATION_H

#include "publish/repo.h"
#include "roles/config.h"
#include "scheme/scheme.h"
#include "verify/signature.h"

#define STP_ROTATION_FILE   "rotation.json"
#define STP_ROTATION_FOLDER "staged"

/* 48 hours: how long caches may keep the answer that there is no next root. */
#define STP_ROTATION_OVERLAP_S (48 * 3600)

/* Root, and the document that delegates to the bins. */
#define STP_ROTATION_FILES_MAX 2

enum stp_rotation_phase {
	STP_ROTATION_NONE,    /* never, or the file is not there */
	STP_ROTATION_STAGED,  /* signed by the offline keys, not visible yet: sign publishes it */
	STP_ROTATION_OVERLAP, /* the new root is published; both keys sign until the end */
	STP_ROTATION_DONE,    /* only the new key signs, and the old one was wiped */
};

struct stp_rotation_key {
	char uri[STP_SIGNER_URI_BYTES_MAX + 1]; /* as in "signers" of stampede.json */
	char keyid[STP_KEYID_CHARS + 1];
};

struct stp_rotation_role {
	int is_rotated; /* else the rest is empty */
	struct stp_rotation_key former, next;
};

struct stp_rotation_file {
	char name[64]; /* "5.root.json" */
	uint8_t sha256[32];
};

struct stp_rotation {
	enum stp_rotation_phase phase;
	int64_t started;         /* epoch seconds */
	int64_t overlap_seconds; /* wanted; 0 after a theft */
	int is_stolen;           /* the former keys were stolen: they sign nothing any more, and the
	                          * root is published before the timestamp (run/freeze.h) */
	int64_t until;           /* end of the overlap, epoch seconds; 0 before it begins */
	struct stp_rotation_role roles[STP_ONLINE_ROLES];
	struct stp_rotation_file files[STP_ROTATION_FILES_MAX];
	size_t file_count;
};

/* "none", "staged", "overlap", "done". */
const char *stp_rotation_phase_name(enum stp_rotation_phase phase);

/* Reads state/rotation.json; phase STP_ROTATION_NONE when there is none. seal_key (32 bytes) may be
 * NULL for callers without access to keys/: then the seal is not checked, and an unreadable file
 * counts as missing. STP_REFUSED when the seal is wrong, STP_FORMAT when it is malformed. */
enum stp_errc stp_rotation_load(int state_fd, const uint8_t *seal_key,
                                struct stp_rotation *out_rotation,
                                struct stp_err *err) STP_MUST_CHECK;

/* The same from the bytes of the file. */
enum stp_errc stp_rotation_parse(const char *text, size_t text_bytes, const uint8_t *seal_key,
                                 struct stp_rotation *out_rotation,
                                 struct stp_err *err) STP_MUST_CHECK;

/* Writes it, durable. */
enum stp_errc stp_rotation_save(int state_fd, const uint8_t *seal_key,
                                const struct stp_rotation *rotation,
                                struct stp_err *err) STP_MUST_CHECK;

/* STP_CONFIG while a rotation is staged or, with_overlap, not done: it must not be overtaken by
 * other new versions of root. what names what was refused: "another rotation". */
enum stp_errc stp_rotation_check_free(const struct stp_rotation *rotation, int with_overlap,
                                      const char *what, struct stp_err *err) STP_MUST_CHECK;

/* What signs role from now on: the next key once it is published, else that of config. The text is
 * of rotation or config. */
const char *stp_rotation_signer(const struct stp_rotation *rotation,
                                const struct stp_config *config, enum stp_online_role role);

/* The keys of a rotation by their keyids alone, as a role for verify/chain.h. */
struct stp_rotation_keys {
	struct stp_public_key keys[2 * STP_ONLINE_ROLES];
	const struct stp_public_key *pointers[2 * STP_ONLINE_ROLES];
	struct stp_role role;
};
void stp_rotation_keys(const struct stp_rotation *rotation, struct stp_rotation_keys *out_keys);

/* A document that was signed by offline keys: the whole file, with its signatures, and its name in
 * public/metadata: "5.root.json", "3.bins.json", "3.targets.json". */
struct stp_rotation_document {
	const char *name;
	const void *bytes;
	size_t count;
};

/* Stages a rotation: what `rotate` and the end of a ceremony call, with the repository locked.
 *
 * The caller fills in rotation: started, overlap_seconds, and for each role that is rotated both
 * keys (the former URI is that of stp_config_signer()). It has verified that the documents are
 * signed by the thresholds of what is published now, are each one version above what is published,
 * and change the online keys as rotation says: root names next for timestamp and snapshot where
 * these are rotated, bins (targets without a bins role) where bin-n is. There is a root exactly
 * when timestamp or snapshot is rotated, and a delegation exactly when bin-n is.
 *
 * The documents are written to state/staged/ first, and state/rotation.json last: either the
 * rotation is staged as a whole or it is not. Nothing becomes visible; the next sign publishes.
 * STP_CONFIG when another rotation is not done yet; after a theft it is given up. */
enum stp_errc stp_rotation_stage(const struct stp_repo *repo, const uint8_t *seal_key,
                                 struct stp_rotation *rotation,
                                 const struct stp_rotation_document *documents, size_t count,
                                 struct stp_err *err) STP_MUST_CHECK;

/* The staged root; NULL when the rotation has none. */
const struct stp_rotation_file *stp_rotation_root(const struct stp_rotation *rotation);

/* Whether the staged root is in public/metadata. STP_REFUSED when a root with its name and other
 * bytes is. */
enum stp_errc stp_rotation_is_public(const struct stp_repo *repo,
                                     const struct stp_rotation *rotation, int *out_is_public,
                                     struct stp_err *err) STP_MUST_CHECK;

/* Publishes the delegation to the bins, which no client requests before a snapshot lists it. May be
 * repeated; never replaces a file. */
enum stp_errc stp_rotation_publish_delegation(const struct stp_repo *repo,
                                              const struct stp_rotation *rotation,
                                              struct stp_err *err) STP_MUST_CHECK;

/* Publishes the root, if there is one; out_pin (version 0: none) is its version and digest. */
enum stp_errc stp_rotation_publish_root(const struct stp_repo *repo,
                                        const struct stp_rotation *rotation,
                                        struct stp_pin *out_pin,
                                        struct stp_err *err) STP_MUST_CHECK;

/* Changes the phase after the root was published, and removes the staged documents. */
enum stp_errc stp_rotation_begin_overlap(const struct stp_repo *repo, const uint8_t *seal_key,
                                         struct stp_rotation *rotation, int64_t now,
                                         struct stp_err *err) STP_MUST_CHECK;

#endif
