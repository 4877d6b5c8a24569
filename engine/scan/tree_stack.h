/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stack of folders that the workers of a walk share (scan/tree.c). Internal to scan/.
 *
 *	bytes  [ path ][ work ][ path ][ work ] …    the newest is popped first
 *
 * A work item is a folder to open, with its path, or the rest of one that is open, without a path.
 *
 * Shape      work items of different sizes.
 * Memory     one growing buffer.
 * Ownership  the stack holds a reference of each open folder on it; whoever pops takes it over.
 * Threads    push, pop and stop from all workers; the rest from one.
 */
#ifndef STP_SCAN_TREE_STACK_H
#define STP_SCAN_TREE_STACK_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"

struct stp_tree_folder;

/* A work item, on the stack behind the bytes of its path. */
struct stp_tree_work {
	struct stp_tree_folder *rest; /* the rest of a folder that is open, or NULL */
	uint32_t path_bytes;
	uint32_t depth;
};

struct stp_tree_stack {
	size_t worker_count;
	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t more;
	struct stp_buf works;
	size_t waiting;
	int stopped; /* finished, failed or cancelled */
};

void stp_tree_stack_init(struct stp_tree_stack *stack, size_t worker_count);

/* The stack must be empty. */
void stp_tree_stack_release(struct stp_tree_stack *stack);

/* Appends one work item to buf, in the stack's layout. */
enum stp_errc stp_tree_work_put(struct stp_buf *buf, const char *path,
                                const struct stp_tree_work *work,
                                struct stp_err *err) STP_MUST_CHECK;

/* Pushes the count work items in found, and wakes as many workers as can use them. */
enum stp_errc stp_tree_stack_push(struct stp_tree_stack *stack, const struct stp_buf *found,
                                  size_t count, struct stp_err *err) STP_MUST_CHECK;

/* Ends the walk: all waiting and later pops return nothing. */
void stp_tree_stack_stop(struct stp_tree_stack *stack);

enum stp_tree_wait {
	STP_TREE_POLL, /* nothing when the stack is empty */
	STP_TREE_WAIT, /* wait for others to push; nothing when all wait, which ends the walk */
};

/* Pops the newest work item and copies its path (NUL-terminated) to path, which has space for the
 * longest; 0 when there is none. */
int stp_tree_stack_pop(struct stp_tree_stack *stack, enum stp_tree_wait wait, char *path,
                       struct stp_tree_work *out);

/* After the workers have ended: removes one item that a stopped walk left; 0 when nothing is
 * left. */
int stp_tree_stack_drain(struct stp_tree_stack *stack, struct stp_tree_work *out);

#endif
