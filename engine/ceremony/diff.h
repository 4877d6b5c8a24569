/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The structural difference of two JSON documents, as changes that make one of the other.
 *
 *	old ─┐
 *	     ├▶ changes, in the order in which they are applied
 *	new ─┘
 *	old + the changes that were shown ─▶ canonical bytes, which the caller compares
 *
 * Objects are compared by member. Arrays are matched by their strings, or by the members "name" of
 * their objects: what is missing is deleted, what is new is inserted, and what both have is
 * compared. Where that is not possible (items that repeat or changed places) the whole array is
 * replaced.
 *
 * Shape      a list of changes, each with its path.
 * Memory     a path per change; values are borrowed from the documents.
 * Ownership  release with stp_diff_release(); the documents must outlive it.
 * Threads    one thread.
 */
#ifndef STP_CEREMONY_DIFF_H
#define STP_CEREMONY_DIFF_H

#include <jansson.h>

#include "base/bytes.h"
#include "base/err.h"

enum stp_diff_op {
	STP_DIFF_SET,    /* the last step's value becomes after; before NULL: it is new */
	STP_DIFF_REMOVE, /* the last step's member is gone */
	STP_DIFF_DELETE, /* an item of an array is gone; items behind it move up */
	STP_DIFF_INSERT, /* an item of an array is new; items behind it move down */
};

/* A member of an object, or an item of an array. */
struct stp_diff_step {
	const char *member; /* NULL: index */
	size_t index;
};

struct stp_diff_item {
	enum stp_diff_op op;
	struct stp_diff_step *steps; /* from the document's top */
	size_t step_count;
	json_t *before, *after; /* borrowed; NULL where there is none */
	int is_shown;           /* for the caller: some line says it */
};

struct stp_diff {
	struct stp_diff_item *items;
	size_t count, capacity;
};

/* Fills diff; both are objects. */
enum stp_errc stp_diff_make(struct stp_diff *diff, json_t *before, json_t *after,
                            struct stp_err *err) STP_MUST_CHECK;
void stp_diff_release(struct stp_diff *diff);

/* Sets *out_same to whether before, with those changes applied that are shown, has the canonical
 * form body. */
enum stp_errc stp_diff_rebuilds(const struct stp_diff *diff, const json_t *before,
                                const struct stp_buf *body, int *out_same,
                                struct stp_err *err) STP_MUST_CHECK;

/* Whether the item's path is these members, from the top; NULL stands for any step. */
int stp_diff_is_at(const struct stp_diff_item *item, size_t step_count, ...);

/* Appends the name of a member; one of other characters than letters, digits, '_' and '-' stands in
 * quotes, escaped. */
enum stp_errc stp_diff_member(const char *member, struct stp_buf *out,
                              struct stp_err *err) STP_MUST_CHECK;

/* Appends the path: "roles.root.keyids[2]". Members of other characters stand in quotes, escaped.
 */
enum stp_errc stp_diff_path(const struct stp_diff_item *item, struct stp_buf *out,
                            struct stp_err *err) STP_MUST_CHECK;

#endif
