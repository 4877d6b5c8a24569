/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list of findings: collected from all workers and sorted once, so that it is the same with any
 * number of jobs.
 *
 * Shape      {code, subject, text}; see stampede/verify.h for the codes.
 * Memory     an arena; at most STP_FAULTS_KEPT_MAX kept, the rest only counted.
 * Ownership  the list owns all strings.
 * Threads    stp_finding_add() from any thread; everything else after the join.
 */
#ifndef STP_VERIFY_FINDING_H
#define STP_VERIFY_FINDING_H

#include <pthread.h>

#include "base/arena.h"
#include "stampede/verify.h"

struct stp_finding_list {
	pthread_mutex_t lock;
	struct stp_arena arena;
	struct stp_finding *items;
	size_t count, capacity;
	uint64_t totals[STP_FINDING_CODE_COUNT];
	int out_of_memory;
};

void stp_finding_list_init(struct stp_finding_list *list);
void stp_finding_list_release(struct stp_finding_list *list);

/* Adds a finding about subject (NUL-terminated). The text is cleaned (base/text.h); quoted
 * input must first go through stp_finding_quote(), which makes it unambiguous and cuts it. */
void stp_finding_add(struct stp_finding_list *list, enum stp_finding_code code, const char *subject,
                     const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Counts a finding without keeping it. */
void stp_finding_count(struct stp_finding_list *list, enum stp_finding_code code, uint64_t more);

/* Sorts: errors, warnings, then those about the set-up; within each by subject, code, text. */
void stp_finding_list_sort(struct stp_finding_list *list);

/* Totals by severity. */
uint64_t stp_finding_total(const struct stp_finding_list *list, enum stp_severity severity);

struct stp_quote {
	char text[160];
};

/* Makes a hostile string printable for a finding's text, and cuts it when it is long. Returns
 * quote->text. */
const char *stp_finding_quote(struct stp_quote *quote, const char *bytes, size_t byte_count);

#endif
