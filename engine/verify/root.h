/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Root metadata: one document with its keys and its four roles, and the step from one version to
 * the next (specification section 5.3).
 *
 *	N.root.json ─▶ keys, roles ─▶ is N+1 signed by a threshold of N and a threshold of N+1?
 *
 * Shape      one struct per root.
 * Memory     the document and its parsed keys.
 * Ownership  release with stp_root_release(), also after a failed read.
 * Threads    one thread while it is read; read-only and shared afterwards.
 */
#ifndef STP_VERIFY_ROOT_H
#define STP_VERIFY_ROOT_H

#include "verify/signature.h"

struct stp_root {
	struct stp_document doc;
	struct stp_key_ring ring;
	struct stp_role root, timestamp, snapshot, targets;
	int is_consistent; /* consistent_snapshot is true */
};

/* Reads name in folder_fd. *out_usable is 1 when its keys and all four roles could be read;
 * errors in the document become findings. */
enum stp_errc stp_root_read(struct stp_root *root, int folder_fd, const char *name,
                            struct stp_finding_list *findings, int *out_usable,
                            struct stp_err *err) STP_MUST_CHECK;

/* The same for bytes in memory; takes ownership of file. */
enum stp_errc stp_root_parse(struct stp_root *root, struct stp_buf *file, const char *name,
                             struct stp_finding_list *findings, int *out_usable,
                             struct stp_err *err) STP_MUST_CHECK;
/* The same of a root that may be another tool's and that another one follows or will follow: its
 * members, its layout and consistent_snapshot are not judged. */
enum stp_errc stp_root_read_old(struct stp_root *root, int folder_fd, const char *name,
                                struct stp_finding_list *findings, int *out_usable,
                                struct stp_err *err) STP_MUST_CHECK;
void stp_root_release(struct stp_root *root);

/* True when next is signed by a threshold of previous' root keys and by one of its own
 * (specification section 5.3.4); findings if it is not. The caller compares the versions. */
int stp_root_follows(struct stp_root *next, const struct stp_root *previous,
                     struct stp_signature_tally *tally);

#endif
