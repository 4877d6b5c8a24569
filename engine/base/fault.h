/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Faults: what is wrong with single files or rows. A fault is data, not an error; the policy
 * (--on-fault) is applied once, after the stage, over the sorted list.
 *
 * Shape      a list of {stage, subject, text, code}.
 * Memory     an arena; at most STP_FAULTS_KEPT_MAX kept, the rest only counted.
 * Ownership  the list owns all strings.
 * Threads    stp_fault_add() from any thread; everything else after the join.
 */
#ifndef STP_BASE_FAULT_H
#define STP_BASE_FAULT_H

#include <pthread.h>

#include "base/arena.h"
#include "base/err.h"

struct stp_fault {
	const char *stage;   /* static string */
	const char *subject; /* raw bytes as found, NUL-terminated; escape before printing */
	const char *text;    /* what is wrong; what to do: UTF-8, safe for a terminal */
	enum stp_errc code;
	int sys_errno;
};

struct stp_fault_list {
	pthread_mutex_t lock;
	struct stp_arena arena;
	struct stp_fault *items;
	size_t count; /* kept */
	size_t capacity;
	size_t total; /* all, including those not kept */
	int out_of_memory;
};

void stp_fault_list_init(struct stp_fault_list *list);
void stp_fault_list_release(struct stp_fault_list *list);

/* Adds a fault about subject (subject_bytes raw bytes). sys_errno != 0 appends its meaning. */
void stp_fault_add(struct stp_fault_list *list, enum stp_errc code, int sys_errno,
                   const char *stage, const char *subject, size_t subject_bytes, const char *format,
                   ...) __attribute__((format(printf, 7, 8)));

/* Sorts by subject, then text, so that reports do not depend on timing, and keeps one of several
 * equal faults. */
void stp_fault_list_sort(struct stp_fault_list *list);

#endif
