/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text in the making, for people: terminals and HTML pages.
 *
 * Sticky: the first failure (memory) is kept, what follows does nothing, stp_out_take() returns it.
 *
 * Shape      one growing buffer.
 * Memory     on the heap.
 * Ownership  take() hands the text over; release() frees what was not taken.
 * Threads    one thread.
 */
#ifndef STP_REPORT_OUT_H
#define STP_REPORT_OUT_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"

struct stp_out {
	struct stp_buf buf;
	struct stp_err err;
};

#define STP_OUT_INIT                       \
	{                                  \
		STP_BUF_INIT, STP_ERR_INIT \
	}

/* Appends formatted text as it is. Only for texts of the program's own and numbers. */
void stp_out_format(struct stp_out *out, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Appends formatted text that holds text from outside, at most 1,023 bytes of it, to a line for a
 * terminal: control bytes escaped, and a newline. */
void stp_out_line(struct stp_out *out, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Appends text from outside to HTML, fit for element content and quoted attributes: & < > " ' as
 * character references, control bytes escaped first. */
void stp_out_html(struct stp_out *out, const char *text);

/* Appends text from outside in lines of at most width columns, broken at spaces; each starts with
 * indent spaces, the first with first in their place. */
void stp_out_wrap(struct stp_out *out, const char *first, size_t indent, size_t width,
                  const char *text);

/* The text with its NUL, malloc'ed; or the first failure. Releases either way. */
enum stp_errc stp_out_take(struct stp_out *out, char **out_text,
                           struct stp_err *err) STP_MUST_CHECK;

/* --- reading documents: what is missing or of another type is 0, "" or empty --- */

/* Member by dotted path ("seconds.total"), NULL when it is not there. */
const json_t *stp_doc_get(const json_t *object, const char *path);
double stp_doc_number(const json_t *object, const char *path);
/* A number as a count: rounded, negative ones and none 0, never above 10^18. */
uint64_t stp_doc_count(const json_t *object, const char *path);
const char *stp_doc_text(const json_t *object, const char *path);
int stp_doc_true(const json_t *object, const char *path);
/* The value of a rate, and whether its runs lay too far apart. */
double stp_doc_rate(const json_t *object, const char *path);
int stp_doc_noisy(const json_t *object, const char *path);

/* "3.31 GB/s", "-" for nothing; out has at least 32 bytes. Returns out. */
char *stp_bytes_rate_format(double bytes_per_second, char *out);
/* "71,204/s". */
char *stp_count_rate_format(double per_second, char *out);
/* "0.84 s", "41 s", "12 min", "3 h 20 min", "4 d 3 h". */
char *stp_duration_format(double seconds, char *out);
/* "85 us", "1.2 ms". */
char *stp_latency_format(double microseconds, char *out);

#endif
