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
#include "stampede/options.h"

#ifdef __cplusplus
extern "C" {
#endif

/* === for holders of keys: needs no repository ===================================================
 */

/* === for the repository =========================================================================
 */

/* Words of a payload's SHA-256, by which people call the ceremony. */
#define STP_CEREMONY_WORDS 13

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
	int is_drill;      /* nothing was published */
	struct stp_ceremony_signer *signers; /* whose signatures were in the files */
	size_t signer_count;
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
