/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copying the options of a caller whose program may have been compiled with an older or newer
 * header than this library's: see stampede/options.h.
 *
 *	struct stp_gc_options mine;
 *	STP_TRY(STP_OPTIONS_TAKE(&mine, options, cancel, "gc", err));
 *
 * Each public call does this first. Afterwards `now` is a time, and `jobs` a number of threads,
 * where 0 is the serial reference, as in all modules.
 *
 * Shape      any struct whose first member is size_t size. Appended members must leave no padding
 *            at the end: its bytes may have any value, and an older library would refuse them.
 * Memory     none.
 * Ownership  strings stay the caller's.
 * Threads    any thread; no state.
 */
#ifndef STP_BASE_OPTIONS_H
#define STP_BASE_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "stampede/options.h"

/* last is the last member that version 0.1 had: a size of 0 means that version. */
#define STP_OPTIONS_TAKE(out, options, last, stage, err)                                   \
	stp_options_take((out), sizeof(*(out)),                                            \
	                 (size_t)((const char *)(&(out)->last + 1) - (const char *)(out)), \
	                 (options), (stage), (err))

/* Fills out: the members that options has, then zeros. STP_CONFIG when options is NULL, when its
 * size is smaller than its first member, or when it uses members that this library does not
 * know. */
enum stp_errc stp_options_take(void *out, size_t out_bytes, size_t first_bytes, const void *options,
                               const char *stage, struct stp_err *err) STP_MUST_CHECK;

/* Number of threads for an option jobs: the processors for 0, 0 for STP_JOBS_SERIAL, never more
 * than STP_JOBS_MAX. */
size_t stp_options_jobs(size_t jobs);

/* The time for the options now and has_now: the clock for 0 and 0. */
int64_t stp_options_now(int64_t now, int has_now);

/* STP_CONFIG when value, which is required, is NULL or ""; name is the name of the option. */
enum stp_errc stp_options_need(const char *value, const char *name, const char *stage,
                               struct stp_err *err) STP_MUST_CHECK;

#endif
