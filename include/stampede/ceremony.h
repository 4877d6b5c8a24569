/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ceremonies: new versions of root, targets and bins, signed by people on machines of their own.
 *
 *	repository ─ start ─▶ payload ─▶ show, sign ─▶ signature file ─┐
 *	                         └─────▶ export, add ─▶ signature file ─┼▶ finish ─▶ published
 *
 * Shape      options in, a report out.
 * Memory     reports hold what their fields say.
 * Ownership  options' strings stay the caller's; release reports.
 * Threads    one thread.
 */
#ifndef STAMPEDE_CEREMONY_H
#define STAMPEDE_CEREMONY_H

#include <stddef.h>
#include <stdint.h>

#include "stampede/err.h"
#include "stampede/init.h"
#include "stampede/key.h"
#include "stampede/options.h"

#ifdef __cplusplus
extern "C" {
#endif

/* === for holders of keys: needs no repository ===================================================
 *
 * A payload is one file. It is verified from a root that the holder kept, and what it changes is
 * computed from the bytes that will be signed. No call changes it.
 */

#define STP_CEREMONY_WORDS 13 /* of a payload's SHA-256, by which people call the ceremony */

struct stp_ceremony_show_options {
	size_t size;              /* see stampede/options.h */
	const char *payload;      /* file; required */
	const char *trusted_root; /* the holder's own root file; NULL only for a first root */
	int64_t now; /* epoch seconds; 0: the clock, unless has_now. Shown, not trusted */
	int has_now;
	int reserved;
};

#define STP_CEREMONY_SHOW_OPTIONS_INIT STP_SIZED(struct stp_ceremony_show_options)

struct stp_ceremony_show_report {
	char payload[65]; /* SHA-256 in hex */
	const char *words[STP_CEREMONY_WORDS];
	char *text; /* what is changed, for people: lines of UTF-8, safe for a terminal */
	char *json; /* the same for programs, one object */
};

/* Verifies the payload and shows all that it changes. STP_REFUSED when it does not follow from the
 * trusted root, or when a change cannot be shown; STP_FORMAT, STP_LIMIT for any other file. */
STP_API enum stp_errc stp_ceremony_show(const struct stp_ceremony_show_options *options,
                                        struct stp_ceremony_show_report *out_report,
                                        struct stp_err *err) STP_MUST_CHECK;

STP_API void stp_ceremony_show_report_release(struct stp_ceremony_show_report *report);

/* Shows text, which is what stp_ceremony_show() makes, with what the key counts for; asks for the
 * first two words of the payload and writes what was typed to out. 0: nobody answered. */
typedef int stp_ceremony_words_fn(void *ctx, const char *text, char *out, size_t size);

struct stp_ceremony_sign_options {
	size_t size;                   /* see stampede/options.h */
	const char *payload;           /* file; required */
	const char *trusted_root;      /* the holder's own root file; NULL only for a first root */
	const char *key;               /* "pem:PATH", or a path; required */
	const char *out;               /* signature file; NULL: PAYLOAD.KEYID8.sig */
	stp_passphrase_fn *passphrase; /* for an encrypted key; may be NULL */
	void *passphrase_ctx;
	stp_ceremony_words_fn *words; /* required */
	void *words_ctx;
	int64_t now; /* epoch seconds; 0: the clock, unless has_now. Shown, not trusted */
	int has_now;
	int reserved;
};

#define STP_CEREMONY_SIGN_OPTIONS_INIT STP_SIZED(struct stp_ceremony_sign_options)

struct stp_ceremony_sign_report {
	char payload[65];
	const char *words[STP_CEREMONY_WORDS];
	char keyid[65];
	char *file;            /* the signature file */
	char documents[3][64]; /* what the key has signed: "5.root.json" */
	size_t document_count;
	int was_signed; /* the file was there with these signatures already */
};

/* Verifies and shows the payload, and signs each document of it for which the key counts. The
 * signature file is durable, and never replaces anything but an older signature file of the same
 * key and payload. STP_CONFIG when the words are wrong; nothing is written then. */
STP_API enum stp_errc stp_ceremony_sign(const struct stp_ceremony_sign_options *options,
                                        struct stp_ceremony_sign_report *out_report,
                                        struct stp_err *err) STP_MUST_CHECK;

STP_API void stp_ceremony_sign_report_release(struct stp_ceremony_sign_report *report);

/* A key that may sign a document of the payload. */
struct stp_ceremony_key {
	char keyid[65];
	char name[65];    /* as the payload claims; "": none */
	char keytype[32]; /* "ed25519", "ecdsa", "rsa" */
	int has_signed;   /* stp_ceremony_status() */
	int is_unproven;  /* new to the role, and has not signed */
};

struct stp_ceremony_demand {
	char by[48]; /* whose threshold: "root 4" */
	uint64_t have, need;
	struct stp_ceremony_key *keys;
	size_t key_count;
};

struct stp_ceremony_document {
	char name[64];   /* "5.root.json" */
	char *path;      /* where stp_ceremony_export() wrote its bytes; else NULL */
	size_t bytes;    /* that are signed */
	int is_complete; /* all demands are met, and no key is unproven */
	/* keys that are new to a role that has no document here: none of it proves them */
	size_t unproven_elsewhere;
	struct stp_ceremony_demand demands[2];
	size_t demand_count;
};

/* What stp_ceremony_export() and stp_ceremony_status() fill in. */
struct stp_ceremony_status_report {
	char payload[65];
	const char *words[STP_CEREMONY_WORDS];
	struct stp_ceremony_document documents[3];
	size_t document_count;
	int is_reached;  /* all thresholds */
	int is_complete; /* and every new key has signed */
};

struct stp_ceremony_export_options {
	size_t size;         /* see stampede/options.h */
	const char *payload; /* file; required */
	const char *raw;     /* folder for the files, created if needed; required */
};

#define STP_CEREMONY_EXPORT_OPTIONS_INIT STP_SIZED(struct stp_ceremony_export_options)

/* Writes the exact bytes that each document's signatures cover to new files in options->raw, for
 * signers that are not stampede. Nothing is verified: holders look at the payload with
 * stp_ceremony_show() first. */
STP_API enum stp_errc stp_ceremony_export(const struct stp_ceremony_export_options *options,
                                          struct stp_ceremony_status_report *out_report,
                                          struct stp_err *err) STP_MUST_CHECK;

struct stp_ceremony_add_options {
	size_t size;          /* see stampede/options.h */
	const char *payload;  /* file; required */
	const char *document; /* "5.root.json", or "root"; required */
	const char *keyid;    /* or its first 8 or more digits, or the key's name; required */
	/* the signature: 64 bytes of Ed25519, DER of ECDSA, either in hex or base64, or a file of
	 * signify or minisign -l; required */
	const char *raw;
	const char *out; /* signature file; NULL: PAYLOAD.KEYID8.sig */
};

#define STP_CEREMONY_ADD_OPTIONS_INIT STP_SIZED(struct stp_ceremony_add_options)

/* Verifies a signature that another program made over an exported document, and puts it into the
 * key's signature file. */
STP_API enum stp_errc stp_ceremony_add(const struct stp_ceremony_add_options *options,
                                       struct stp_ceremony_sign_report *out_report,
                                       struct stp_err *err) STP_MUST_CHECK;

struct stp_ceremony_status_options {
	size_t size;                   /* see stampede/options.h */
	const char *payload;           /* file; required */
	const char *const *signatures; /* files */
	size_t signature_count;
};

#define STP_CEREMONY_STATUS_OPTIONS_INIT STP_SIZED(struct stp_ceremony_status_options)

/* Verifies signature files and counts what is there and what is missing. STP_REFUSED for a file
 * that does not belong to the payload. */
STP_API enum stp_errc stp_ceremony_status(const struct stp_ceremony_status_options *options,
                                          struct stp_ceremony_status_report *out_report,
                                          struct stp_err *err) STP_MUST_CHECK;

STP_API void stp_ceremony_status_report_release(struct stp_ceremony_status_report *report);

/* === for the repository =========================================================================
 */

enum stp_ceremony_change {
	STP_CEREMONY_RENEW,      /* role: a new version with a new expiry, nothing else */
	STP_CEREMONY_EXPIRES,    /* role; number: days, instead of what stampede.json says */
	STP_CEREMONY_REMOVE_KEY, /* role; value: the key's name, or its keyid */
	STP_CEREMONY_ADD_KEY,    /* role; value: path of NAME.key.json */
	STP_CEREMONY_THRESHOLD,  /* role; number */
	STP_CEREMONY_BINS,       /* number: of bins */
	STP_CEREMONY_ONLINE_KEY, /* role: "timestamp", "snapshot" or "bins" (the keys of bin-n);
	                          * value: path of NAME.key.json */
};

/* One thing to change. A change of the keys of a role renews that role as well. */
struct stp_ceremony_wish {
	enum stp_ceremony_change change;
	const char *role; /* "root", "targets" or "bins", unless another is named above */
	const char *value;
	uint64_t number;
};

struct stp_ceremony_start_options {
	size_t size;         /* see stampede/options.h */
	const char *repo;    /* folder of the repository; required */
	const char *out;     /* the payload's file; required, and must not exist */
	const char *purpose; /* shown to everybody who signs; required, but in a drill */
	const struct stp_ceremony_wish *wishes;
	size_t wish_count; /* 0: root, targets and bins are renewed */
	int64_t now;       /* epoch seconds; 0: the clock, unless has_now */
	int has_now;
	int allows_unproven; /* descriptions of keys that are not signed by the key */
	int allows_replaced; /* a key that an earlier root had may come back */
	int reserved;
};

#define STP_CEREMONY_START_OPTIONS_INIT STP_SIZED(struct stp_ceremony_start_options)

struct stp_ceremony_signer {
	char keyid[65];
	char name[65]; /* "": unknown */
	int is_new;    /* to the role: it must sign, to prove that it exists */
};

/* A threshold that a document of the payload must reach. */
struct stp_ceremony_threshold {
	char document[64]; /* "5.root.json" */
	char by[48];       /* whose demand it is: "root 4" */
	uint64_t threshold;
	struct stp_ceremony_signer *signers;
	size_t signer_count;
};

struct stp_ceremony_start_report {
	char payload[65]; /* SHA-256 in hex */
	const char *words[STP_CEREMONY_WORDS];
	struct stp_ceremony_threshold *thresholds;
	size_t threshold_count;
	char **warnings; /* what to think about before anybody signs */
	size_t warning_count;
};

/* Makes a payload of new versions of root, targets and bins, for their holders to sign. Nothing in
 * the repository changes. STP_CONFIG, STP_KEY and STP_LIMIT say what cannot be had, and what to do.
 */
STP_API enum stp_errc stp_ceremony_start(const struct stp_ceremony_start_options *options,
                                         struct stp_ceremony_start_report *out_report,
                                         struct stp_err *err) STP_MUST_CHECK;

/* Makes a payload whose documents no client accepts, so that holders can show that their keys still
 * work. wishes must be empty. */
STP_API enum stp_errc stp_ceremony_drill(const struct stp_ceremony_start_options *options,
                                         struct stp_ceremony_start_report *out_report,
                                         struct stp_err *err) STP_MUST_CHECK;

STP_API void stp_ceremony_start_report_release(struct stp_ceremony_start_report *report);

/* A key of the first ceremony. */
struct stp_ceremony_init_key {
	const char *role; /* "root", "targets" or "bins"; NULL: all three */
	const char *path; /* of NAME.key.json */
};

struct stp_ceremony_init_options {
	size_t size;                         /* see stampede/options.h */
	const struct stp_init_options *init; /* required; its members about offline keys are unused
	                                      */
	const char *out;                     /* the payload's file; required, and must not exist */
	const struct stp_ceremony_init_key *keys;
	size_t key_count;
	unsigned root_threshold; /* 0: a majority of its keys */
	/* 0: what the profile says, or a majority where that cannot be reached */
	unsigned targets_threshold, bins_threshold;
	int allows_unproven; /* descriptions of keys that are not signed by the key */
};

#define STP_CEREMONY_INIT_OPTIONS_INIT STP_SIZED(struct stp_ceremony_init_options)

/* Makes a repository without any offline key on this machine, and the payload of its first root,
 * targets and bins. Until stp_ceremony_finish() nothing can be signed in it. Release both reports.
 */
STP_API enum stp_errc stp_ceremony_init(const struct stp_ceremony_init_options *options,
                                        struct stp_init_report *out_report,
                                        struct stp_ceremony_start_report *out_payload,
                                        struct stp_err *err) STP_MUST_CHECK;

struct stp_ceremony_finish_options {
	size_t size;                   /* see stampede/options.h */
	const char *repo;              /* folder of the repository; required */
	const char *payload;           /* file; required */
	const char *const *signatures; /* files */
	size_t signature_count;
	int64_t now; /* epoch seconds; 0: the clock, unless has_now */
	int has_now;
	int allows_unproven; /* new keys need not have signed */
};

#define STP_CEREMONY_FINISH_OPTIONS_INIT STP_SIZED(struct stp_ceremony_finish_options)

struct stp_ceremony_finish_report {
	char payload[65]; /* SHA-256 in hex */
	const char *words[STP_CEREMONY_WORDS];
	uint64_t root_version, targets_version, bins_version; /* 0: not part of the ceremony */
	char root_expires[21], targets_expires[21], bins_expires[21];
	uint64_t bin_count;
	int bins_changed;
	int was_published; /* by an earlier call: nothing was left to do */
	int must_sign;     /* clients fail until the next stp_sign(): what they read has new keys */
	int is_staged;     /* new online keys: the next stp_sign() publishes it, nothing is visible
	                    * yet */
	int is_drill;      /* nothing was published */
	struct stp_ceremony_signer *signers; /* whose signatures were in the files */
	size_t signer_count;
	int is_stolen; /* with is_staged: the keys that are replaced were stolen, and sign nothing
	                */
};

/* Publishes a payload that its holders have signed, or notes that they took part in a drill. May be
 * repeated, after a crash too. Before anything is visible: what is published must be what the
 * payload was made from, the thresholds of old and new roles must be reached by good signatures,
 * new keys must have signed, nothing may have expired, and a client is run from each published
 * root. STP_REFUSED or STP_CONFIG name the file, the role or the key that is in the way. */
STP_API enum stp_errc stp_ceremony_finish(const struct stp_ceremony_finish_options *options,
                                          struct stp_ceremony_finish_report *out_report,
                                          struct stp_err *err) STP_MUST_CHECK;

STP_API void stp_ceremony_finish_report_release(struct stp_ceremony_finish_report *report);

#ifdef __cplusplus
}
#endif
#endif
