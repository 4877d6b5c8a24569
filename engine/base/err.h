/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Setting errors from inside the engine: see stampede/err.h for the struct and its rules.
 *
 *	return STP_FAIL(err, STP_FORMAT, "ledger", name, "block %zu: sum does not match", i);
 *	return STP_FAIL_SYS(err, "publish", path, "cannot create");   (adds strerror(errno), advice)
 *	return STP_FAIL(stp_hinted(err, STP_HINT_UPDATE), STP_CONFIG, "sign", name,
 *	                "has expired; renew it: %s", stp_hint_text(STP_HINT_UPDATE));
 *	STP_TRY(stp_file_read(...));                                   (returns on failure)
 */
#ifndef STP_BASE_ERR_H
#define STP_BASE_ERR_H

#include "stampede/err.h"
#include "stampede/hint.h"
#include <errno.h>

/* What a failing call returns. The analyzer does not look into stp_err_set(), which returns the
 * code that it was given, and would follow paths on which a failure counts as success. */
#if defined(__clang_analyzer__)
#define STP_FAILED_AS(code, set) ((void)(set), (code))
#else
#define STP_FAILED_AS(code, set) (set)
#endif

#define STP_FAIL(err, code, stage, subject, ...)                                          \
	STP_FAILED_AS((code), stp_err_set((err), (code), 0, (stage), (subject), __FILE__, \
	                                  __LINE__, __VA_ARGS__))

#define STP_FAIL_SYS(err, stage, subject, ...)                                               \
	STP_FAILED_AS(STP_IO, stp_err_set((err), stp_errc_from_errno(errno), errno, (stage), \
	                                  (subject), __FILE__, __LINE__, __VA_ARGS__))

#define STP_FAIL_ERRNO(err, sys, stage, subject, ...)                                      \
	STP_FAILED_AS(STP_IO, stp_err_set((err), stp_errc_from_errno(sys), (sys), (stage), \
	                                  (subject), __FILE__, __LINE__, __VA_ARGS__))

#define STP_TRY(expr)                               \
	do {                                        \
		enum stp_errc stp_try_rc_ = (expr); \
		if (stp_try_rc_ != STP_OK)          \
			return stp_try_rc_;         \
	} while (0)

/* A bug: prints where and aborts. Never for bad input. */
#define STP_ASSERT(cond)                                    \
	do {                                                \
		if (!(cond))                                \
			stp_bug(#cond, __FILE__, __LINE__); \
	} while (0)

/* Sets *err unless it already holds a failure; err may be NULL. subject is raw and is escaped
 * here (NULL or "" for none); the text is cleaned (base/text.h), so that it may quote anything.
 * Returns code. */
enum stp_errc stp_err_set(struct stp_err *err, enum stp_errc code, int sys_errno, const char *stage,
                          const char *subject, const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 8, 9)));

/* Gives err, for the STP_FAIL() around it: the failure that it sets, if none came before, has hint.
 */
struct stp_err *stp_hinted(struct stp_err *err, enum stp_hint hint);

/* STP_BUSY for EAGAIN/ENOLCK-like, STP_IO for the rest. */
enum stp_errc stp_errc_from_errno(int sys_errno);

void stp_bug(const char *what, const char *file, int line) __attribute__((noreturn));

#endif
