/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names that no client can fetch, met while a run collects what it will sign (base/url.h):
 *
 *	"url_unsafe": "fault"   a fault on the path, as for any other bad name
 *	"url_unsafe": "warn"    signed all the same; notes name the first of them
 *
 * Shape      one question per record.
 * Memory     a list of the paths met, as long as faults may be.
 * Ownership  the caller's.
 * Threads    stp_sign_check_url() from all workers; the rest: one thread.
 */
#ifndef STP_RUN_SIGN_URLS_H
#define STP_RUN_SIGN_URLS_H

#include "run/sign/sign_run.h"

/* True when record is to be signed; else it has its fault. What is signed all the same goes on the
 * list of the unfetchable. */
int stp_sign_check_url(struct stp_sign_run *run, const struct stp_record *record,
                       struct stp_fault_list *unfetchable);

/* Sorts the unfetchable, and adds notes about them. */
void stp_sign_note_urls(struct stp_fault_list *unfetchable, struct stp_fault_list *notes);

#endif
