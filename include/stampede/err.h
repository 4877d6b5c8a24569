/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors: what went wrong, at which stage, about which subject.
 *
 * Every function that can fail returns enum stp_errc, must be checked, and takes a
 * struct stp_err * last. The first failure wins: a later one never overwrites it.
 *
 * Shape      one fixed-size struct, no pointers to free.
 * Memory     none allocated; texts are cut at their field's size.
 * Ownership  the caller's, usually on its stack.
 * Threads    one struct per thread; merge with stp_err_merge() after a join.
 */
#ifndef STAMPEDE_ERR_H
#define STAMPEDE_ERR_H

#include <stddef.h>

#include "stampede/api.h"
#include "stampede/hint.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Few codes, by what the caller may do about them. */
enum stp_errc {
	STP_OK = 0,
	STP_IO,        /* the system refused: disk, permission, resources */
	STP_CHANGED,   /* something moved while it was read, or is not what was recorded */
	STP_FORMAT,    /* bytes that are not what they claim to be */
	STP_LIMIT,     /* larger, deeper or more than is allowed: README.md, Limits */
	STP_KEY,       /* a key is missing, wrong or badly protected */
	STP_BUSY,      /* try again later: a lock holder, resources */
	STP_CANCELLED, /* a signal or the caller asked to stop */
	STP_CONFIG,    /* usage or configuration: the operator must change something */
	STP_REFUSED,   /* a check said no: clock, immutability, self-check before commit */
};

struct stp_err {
	enum stp_errc code;
	int sys_errno;     /* errno behind it, 0 if none */
	const char *stage; /* static string: "scan", "hash", … */
	const char *file;  /* source file and line of the library; for reports of defects */
	int line;
	char subject[256];  /* what it is about, already escaped for a terminal */
	char text[320];     /* what happened; what to do: UTF-8, safe for a terminal */
	enum stp_hint hint; /* what the caller may do, where text names it; else STP_HINT_NONE */
};

#define STP_ERR_INIT                                      \
	{                                                 \
		STP_OK, 0, 0, 0, 0, "", "", STP_HINT_NONE \
	}

/* Formats "stampede: STAGE: SUBJECT: text" into out (no newline), cut at size. Returns out. */
STP_API const char *stp_err_format(const struct stp_err *err, char *out, size_t size);

/* Keeps the first failure: copies from into err unless err already holds one. */
STP_API void stp_err_merge(struct stp_err *err, const struct stp_err *from);

#ifdef __cplusplus
}
#endif
#endif
