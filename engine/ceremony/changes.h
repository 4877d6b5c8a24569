/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a payload changes, computed from the bytes that will be signed.
 *
 *	published document ─┐
 *	                    ├▶ changes, one for each difference ─▶ lines of text, JSON
 *	new document ───────┘         │
 *	published document + changes ─▶ rebuilt ─▶ equal to the bytes to be signed? else nothing is
 *signed
 *
 * So the changes are complete by rule: what is not a change is not in the bytes. Changes of keys
 *are shown as keys of roles, with names and words, all others as members that changed, however
 *deep.
 *
 * Shape      one struct per payload.
 * Memory     JSON values of the documents.
 * Ownership  release with stp_changes_release(). Text and JSON are the caller's.
 * Threads    one thread.
 */
#ifndef STP_CEREMONY_CHANGES_H
#define STP_CEREMONY_CHANGES_H

#include "ceremony/payload.h"

struct stp_changes;

/* Compares, and verifies that the changes are complete: STP_REFUSED if not. */
enum stp_errc stp_changes_make(const struct stp_payload *payload, struct stp_changes **out_changes,
                               struct stp_err *err) STP_MUST_CHECK;
void stp_changes_release(struct stp_changes *changes);

/* Appends the lines for people, the warnings last; keyid, which may be NULL, is the key that is
 * about to sign: what it counts for is said. now: 0 if unknown; only shown, never trusted. No NUL.
 */
enum stp_errc stp_changes_text(const struct stp_changes *changes, const char *keyid, int64_t now,
                               struct stp_buf *out, struct stp_err *err) STP_MUST_CHECK;

/* The same for programs:
 * {"payload","words","purpose","made","drill","documents":[…],"warnings":[…]}. NULL when memory is
 * short. */
json_t *stp_changes_json(const struct stp_changes *changes);

#endif
