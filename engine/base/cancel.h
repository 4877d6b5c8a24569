/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one cancel flag: set by signals or a failing worker, checked by every wait and loop.
 *
 * Shape      one atomic int.
 * Memory     the caller's.
 * Ownership  run/ owns it; stages get a pointer.
 * Threads    any thread and signal handlers (lock-free atomic).
 */
#ifndef STP_BASE_CANCEL_H
#define STP_BASE_CANCEL_H

#include <stdatomic.h>

struct stp_cancel {
	atomic_int flag;
};

/* True once stp_cancel_set() was called; cheap enough for every loop. cancel may be NULL. */
static inline int stp_cancelled(const struct stp_cancel *cancel)
{
	return cancel && atomic_load_explicit(&cancel->flag, memory_order_relaxed) != 0;
}

static inline void stp_cancel_set(struct stp_cancel *cancel)
{
	atomic_store_explicit(&cancel->flag, 1, memory_order_relaxed);
}

#endif
