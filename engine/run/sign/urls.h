/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names that no client can fetch, found while a run collects what it will sign (base/url.h):
 *
 *	"url_unsafe": "fault"   a fault on the path, as for any other bad name
 *	"url_unsafe": "warn"    signed anyway; notes name the first of them
 *
 * Shape      one question per record.
 * Memory     a list of the paths found, limited as faults are.
 * Ownership  the caller's.
 * Threads    stp_sign_check_url() from all workers; the rest: one thread.
 */
#ifndef STP_RUN_SIGN_URLS_H
#define STP_RUN_SIGN_URLS_H

#include "run/sign/sign_run.h"

/* True when record is to be signed; else a fault was added. What is signed anyway is added to
 * unfetchable. */
int stp_sign_check_url(struct stp_sign_run *run, const struct stp_record *record,
                       struct stp_fault_list *unfetchable);

/* Sorts unfetchable, and adds notes about its paths. */
void stp_sign_note_urls(struct stp_fault_list *unfetchable, struct stp_fault_list *notes);

#endif
