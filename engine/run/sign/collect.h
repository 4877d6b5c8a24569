/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Collecting: the tree, the digest list or both → sorted sources.
 *
 *	tree ─▶ entries ───────────────────────────┐
 *	list ─▶ rows with every digest ────────────┼─▶ run builder per worker ─▶ scan
 *	     ├▶ … that the ledger has already ─▶ marked in list (list/reuse.h)
 *	     └▶ rows with fewer ─▶ stat in the tree ┘   what they have goes along as claims
 *
 * Without a list, the tree is the index. With one, the list is the index, and only files that match
 * a --scan glob are added from the tree. In a refresh there is nothing to collect: the ledger's
 * targets stay, see run/sign/source.h.
 *
 * Shape      one struct of results, filled once, and again after damage was found.
 * Memory     STP_SIGN_COLLECT_BYTES of records; more are spilled to disk.
 * Ownership  stp_collected_release().
 * Threads    starts workers; the caller waits.
 */
#ifndef STP_RUN_SIGN_COLLECT_H
#define STP_RUN_SIGN_COLLECT_H

#include "list/reuse.h"
#include "run/sign/recover.h"
#include "run/sign/sign_run.h"

struct stp_collect_in {
	const struct stp_recovered *recovered;
	uint64_t published; /* version of the timestamp, 0: none */
};

/* Why files are read that another list or configuration would save, "" if there is no reason; it is
 * reported, with their number, before they are read. */
struct stp_read_reason {
	char text[200];
	char subject[STP_PATH_BYTES_MAX + 1];
	const char *hint;
};

struct stp_collected {
	struct stp_sources scan; /* entries and rows, sorted */
	uint64_t count;          /* what the index is made from: records in scan, and known rows */
	uint64_t entry_count;    /* of these, without digests: may need hashing */
	struct stp_list_reuse list; /* known rows, which are not in scan */
	/* list identity for the ledger; 0: what is signed is not exactly the list */
	uint64_t identity;
	int list_is_noted; /* the notes about its columns were added */
	struct stp_read_reason why_read;
	struct stp_fault_list unfetchable; /* signed, but see run/sign/urls.h */
};

void stp_collected_init(struct stp_collected *collected);
void stp_collected_release(struct stp_collected *collected);

/* Reads tree and list. Bad entries are faults of the run. */
enum stp_errc stp_sign_collect(struct stp_sign_run *run, const struct stp_collect_in *in,
                               struct stp_collected *out, struct stp_err *err) STP_MUST_CHECK;

#endif
