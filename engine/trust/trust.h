/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trust/: what is published, read back by those who will sign on top of it. Nothing in public/ is
 * believed for lying there: whoever can write there once must gain nothing from it.
 *
 *	stampede.json "trusted_root" ─┐
 *	state/floors (sealed)         ├▶ N.root.json ─▶ N+1.root.json ─▶ … newest root
 *	--trust FILE                  ┘                                       │
 *	          names, versions ◀─ V.snapshot.json ◀─ timestamp.json ◀──────┤
 *	      delegation to bin-n ◀─ newest bins role ◀─ newest targets ◀─────┘
 *
 * The chain begins at the newest root that something outside public/ names by version and digest,
 * and is followed as a client does (specification section 5.3). Timestamp and snapshot carry a
 * threshold of the newest root's keys, or are, byte for byte, what state/floors says was published
 * last (the online key may have been replaced since). Targets and bins are the newest that lie
 * there beyond the listed ones (init --update makes them) and carry their thresholds. No version
 * is below its floor. Bins are not read.
 *
 * A document counts when it could be read, has the version of its name and carries its signatures.
 * That no finding speaks against it is not enough.
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
	const char *root_file;        /* a root kept elsewhere, or NULL */
	const uint8_t *seal_key;      /* NULL: who only reads; see trust/floors.h */
	int needs_pin;                /* offline keys will sign: nothing may be taken on faith */
};

struct stp_trust {
	struct stp_finding_list findings;  /* of the documents below */
	struct stp_root root;              /* the newest */
	struct stp_document confirmed;     /* with needs_pin: the root that stampede.json or --trust
	                                    * names, when others followed it; else empty */
	struct stp_document targets, bins; /* the newest; bins only when has_bins */
	int has_bins;
	struct stp_key_ring targets_ring; /* keys that targets names */
	struct stp_role bins_role;        /* who signs the bins role */
	struct stp_floors floors;         /* as state/floors says */
	struct stp_floors found;          /* as public/ says now: floors of what is published */
	int has_floors;
	int is_unpinned; /* nothing named a root, so 1.root.json was believed */
	enum stp_floors_origin origin;
};

/* Loads and verifies. A repository made before roots were pinned starts from its 1.root.json, which
 * is_unpinned tells; with needs_pin that is STP_CONFIG. STP_REFUSED, or
 * STP_FORMAT, names the file that is not what it should be and says what to do. */
enum stp_errc stp_trust_load(struct stp_trust *trust, const struct stp_trust_options *options,
                             struct stp_current *out_current, struct stp_err *err) STP_MUST_CHECK;
void stp_trust_release(struct stp_trust *trust);

/* True when V.snapshot.json lies there with a threshold of the root's snapshot keys: its version
 * has been used. */
int stp_trust_signed_snapshot(const struct stp_trust *trust, int metadata_fd, uint64_t version);

#endif
