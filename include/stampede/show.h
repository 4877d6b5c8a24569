/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is signed for one path: the answer when somebody says that a file is corrupted.
 *
 *	current snapshot ─▶ entry ─┬▶ older snapshots that are kept: since when?
 *	                           ├▶ ledger: when were the bytes read last, of which file?
 *	                           ├▶ the file in the targets folder now
 *	                           └▶ what a web server hands out for it
 *
 * Signatures of everything that is shown are verified, from the root that the repository trusts.
 * Takes no lock, changes nothing.
 *
 * Shape      one plain struct.
 * Memory     the snapshots as JSON, one after another, and one bin.
 * Ownership  the caller's struct; nothing to release.
 * Threads    one thread.
 */
#ifndef STAMPEDE_SHOW_H
#define STAMPEDE_SHOW_H

#include <stdint.h>

#include "stampede/alg.h"
#include "stampede/err.h"
#include "stampede/options.h"

#ifdef __cplusplus
extern "C" {
#endif

struct stp_cancel;

struct stp_show_options {
	size_t size;               /* see stampede/options.h */
	const char *repo;          /* folder of the repository; required */
	const char *path;          /* a target path */
	int check;                 /* read the file and what is served, and compare their digests */
	struct stp_cancel *cancel; /* may be NULL */
};

#define STP_SHOW_OPTIONS_INIT STP_SIZED(struct stp_show_options)

/* A file against what is signed. */
enum stp_show_state {
	STP_SHOW_UNKNOWN, /* not looked at; the text says why */
	STP_SHOW_MISSING, /* not there */
	STP_SHOW_OTHER,   /* there, but not a regular file of the signed length */
	STP_SHOW_LENGTH,  /* of the signed length; its bytes were not read */
	STP_SHOW_DIFFERS, /* it was read, and has other digests */
	STP_SHOW_MATCHES, /* it was read, and has the signed digests */
};

struct stp_show_file {
	enum stp_show_state state;
	char name[8192]; /* where it is: a path, or a name in the repository; raw bytes */
	char text[256];  /* printable */
};

struct stp_show_report {
	int is_verified; /* 0: what is published does not verify, and nothing below is set */
	int is_target;
	uint64_t snapshot_version;
	uint64_t length;
	char hex[STP_ALG_COUNT][2 * STP_DIGEST_BYTES_MAX + 1]; /* "" for algorithms it lacks */
	char bin_role[160];                                    /* that lists it, or would */
	char bin_file[200];

	uint64_t since;        /* the oldest kept snapshot that has the entry in this form */
	int64_t since_at;      /* when that was published; 0: not known */
	int is_since_at_least; /* no older snapshot is kept that could say otherwise */
	uint64_t before;       /* the newest kept snapshot that has not; 0: none */
	int before_had_other;  /* it lists the path with other bytes; else not at all */
	uint64_t last_listed;  /* not a target: the newest kept snapshot that lists it; 0: none */

	int has_record;      /* the ledger knows the file */
	int64_t verified_at; /* when its bytes were read last; 0: never, from a digest list */
	uint64_t inode;      /* of the file that was read; 0: not known */
	int64_t mtime_ns, ctime_ns;
	char record_text[256]; /* why there is no record */

	struct stp_show_file file;
	int is_file_unchanged; /* inode, length and times are still those of the record */
	struct stp_show_file served;
};

/* Fills the report. STP_CONFIG when there is no repository at options->repo. */
STP_API enum stp_errc stp_show(const struct stp_show_options *options,
                               struct stp_show_report *out_report,
                               struct stp_err *err) STP_MUST_CHECK;

STP_API void stp_show_report_release(struct stp_show_report *report);

/* "matches", "length-matches", "differs", "other", "missing", "unknown". */
STP_API const char *stp_show_state_name(enum stp_show_state state);

#ifdef __cplusplus
}
#endif
#endif
