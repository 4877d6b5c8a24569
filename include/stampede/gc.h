/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Removing metadata and target links that no client can want any more.
 *
 *	timestamps of the last T, and the last k ─▶ their snapshots ─▶ what those list ─▶ kept
 *	all else that a run of stampede made, and that is older ─▶ removed
 *
 * Never removed: any root, anything a kept snapshot lists, anything newer than the published
 * timestamp (a run that died left it, sign sweeps that), and unknown files: all that stampede
 * cannot have made, by its name, its kind or what it holds, and all on another device or mount.
 *
 * Shape      options in, a report out.
 * Memory     8 bytes and some per name in kept snapshots, and per kept target link; 256 KiB when
 *            copies or hard links of target files are out of use.
 * Ownership  plain data.
 * Threads    one thread; takes the repository's lock, so a running sign means STP_BUSY.
 */
#ifndef STAMPEDE_GC_H
#define STAMPEDE_GC_H

#include <stddef.h>
#include <stdint.h>

#include "stampede/err.h"
#include "stampede/options.h"

#ifdef __cplusplus
extern "C" {
#endif

struct stp_cancel;

#define STP_GC_GRACE_SECONDS      86400       /* default: timestamps of the last day stay usable */
#define STP_GC_KEEP               3           /* default: and at least this many snapshots */
#define STP_GC_AUDIT_KEEP_SECONDS 7776000     /* default: 90 days of the audit log */
#define STP_GC_NO_TIME            INT64_C(-1) /* for a time that is to be none */
#define STP_GC_UNKNOWN_SHOWN      10          /* unknown files that are named */

struct stp_gc_options {
	size_t size;           /* see stampede/options.h */
	const char *repo;      /* folder of the repository; required */
	int64_t grace_seconds; /* T; 0: STP_GC_GRACE_SECONDS, STP_GC_NO_TIME: none */
	uint64_t keep;         /* k; 0: STP_GC_KEEP */
	/* 0: STP_GC_AUDIT_KEEP_SECONDS, STP_GC_NO_TIME: none */
	int64_t audit_keep_seconds; /* older lines of state/audit.log are dropped, and so is a
	                             * report of the last run */
	int dry_run;                /* only report; takes no lock */
	int after_clock_error;      /* what was published in the future was published just now: the
	                             * clock was ahead then, and is right now. STP_CONFIG when nothing
	                             * was */
	int64_t now;                /* epoch seconds; 0: the clock, unless has_now */
	int has_now;
	struct stp_cancel *cancel; /* may be NULL */
};

#define STP_GC_OPTIONS_INIT STP_SIZED(struct stp_gc_options)

/* With dry_run: what would be removed. */
struct stp_gc_report {
	uint64_t snapshots_kept, snapshots_removed;
	uint64_t files_kept,
	    files_removed; /* in public/metadata, roots and timestamp not counted */
	uint64_t bytes_removed;
	uint64_t links_kept, links_removed; /* in public/targets */
	uint64_t roots_kept;
	uint64_t strangers;   /* unknown files in public/metadata and public/targets: left alone */
	size_t unknown_count; /* of them named: the first by name, escaped, from REPO on */
	char unknown[STP_GC_UNKNOWN_SHOWN][256];
	uint64_t damaged; /* files of older snapshots that are kept, or such snapshots; see below */
	char damaged_name[256]; /* the first of them */
	uint64_t audit_lines_removed;
	uint64_t oldest_kept; /* version of the oldest snapshot kept; 0: none */
};

/* Marks, then removes. STP_FORMAT names a file of the current snapshot that is broken: then nothing
 * is removed. What a damaged file of an older one lists is not known: nothing that it may list is
 * removed until that snapshot goes. */
STP_API enum stp_errc stp_gc(const struct stp_gc_options *options, struct stp_gc_report *out_report,
                             struct stp_err *err) STP_MUST_CHECK;

STP_API void stp_gc_report_release(struct stp_gc_report *report);

#ifdef __cplusplus
}
#endif
#endif
