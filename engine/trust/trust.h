/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trust/: reads and verifies what is published, before something is signed on top of it. No file is
 * trusted for being in public/: somebody who could once write there must gain nothing by that.
 *
 *	stampede.json "trusted_root" ─┐
 *	state/floors (sealed)         ├▶ N.root.json ─▶ N+1.root.json ─▶ … newest root
 *	--trust FILE                  ┘                                       │
 *	          names, versions ◀─ V.snapshot.json ◀─ timestamp.json ◀──────┤
 *	      delegation to bin-n ◀─ newest bins role ◀─ newest targets ◀─────┘
 *
 * The chain begins at the newest root that is named outside public/ by version and digest, and is
 * followed as clients do (specification section 5.3). Timestamp and snapshot carry a
 * threshold of the newest root's keys, or are, byte for byte, what was published last according to
 * state/floors (the online key may have been replaced since). Targets and bins are the newest ones
 * in public/, which may be newer than the listed ones (init --update makes them), and carry their
 * thresholds. No version is below its floor. Bins are not read.
 *
 * A document counts when it could be read, has the version of its name and carries its signatures.
 * The absence of findings is not enough.
 *
 * Shape      one struct, and the struct stp_current that it fills.
 * Memory     the documents as JSON; the snapshot only while it is loaded.
 * Ownership  release with stp_trust_release(); current with stp_current_release().
 * Threads    read-only after load.
 */
#ifndef STP_TRUST_TRUST_H
#define STP_TRUST_TRUST_H

#include "publish/current.h"
#include "trust/floors.h"
#include "verify/root.h"

struct stp_trust_options {
	const struct stp_repo *repo;
	const struct stp_pin *pinned; /* stampede.json's; version 0: none */
	const char *root_file;        /* a root kept outside public/, or NULL */
	const uint8_t *seal_key;      /* NULL: for readers; see trust/floors.h */
	int needs_pin;                /* offline keys will sign: a trusted root is required */
};

struct stp_trust {
	struct stp_finding_list findings;  /* of the documents below */
	struct stp_root root;              /* the newest */
	struct stp_document confirmed;     /* with needs_pin: the root that stampede.json or --trust
	                                    * names, when others followed it; else empty */
	struct stp_document targets, bins; /* the newest; bins only when has_bins */
	int has_bins;
	struct stp_key_ring targets_ring; /* the keys in targets */
	struct stp_role bins_role;        /* the keys and threshold of the bins role */
	struct stp_floors floors;         /* as in state/floors */
	struct stp_floors found;          /* as in public/ now: the floors of what is published */
	int has_floors;
	int is_unpinned; /* nothing names a root, so 1.root.json was trusted */
	enum stp_floors_origin origin;
};

/* Loads and verifies. A repository that was made before roots were pinned starts from its
 * 1.root.json and sets is_unpinned; with needs_pin that is STP_CONFIG. STP_REFUSED or STP_FORMAT
 * names the file that is wrong, and the remedy. */
enum stp_errc stp_trust_load(struct stp_trust *trust, const struct stp_trust_options *options,
                             struct stp_current *out_current, struct stp_err *err) STP_MUST_CHECK;
void stp_trust_release(struct stp_trust *trust);

/* True when V.snapshot.json exists with a threshold of the root's snapshot keys: its version has
 * been used. */
int stp_trust_signed_snapshot(const struct stp_trust *trust, int metadata_fd, uint64_t version);

#endif
