/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is shown of a document of stampede/bench.h.
 *
 *	document ─┬▶ stp_bench_text()      for a terminal
 *	          ├▶ stp_bench_html()      a page to keep
 *	          └▶ stp_bench_compare()   two machines side by side
 *
 * Shape      a document in, one text out.
 * Memory     the document as parsed JSON.
 * Ownership  free() what comes back.
 * Threads    any thread.
 */
#ifndef STP_REPORT_BENCH_VIEWS_H
#define STP_REPORT_BENCH_VIEWS_H

#include <stddef.h>

#include "base/err.h"

/* The document as text for a terminal of width columns. STP_FORMAT when json is no such document;
 * name is the document's in messages. */
enum stp_errc stp_bench_text(const char *json, const char *name, size_t width, char **out_text,
                             struct stp_err *err) STP_MUST_CHECK;

/* The document as one HTML page that loads nothing else. */
enum stp_errc stp_bench_html(const char *json, const char *name, char **out_html,
                             struct stp_err *err) STP_MUST_CHECK;

/* Two documents side by side, as text. */
enum stp_errc stp_bench_compare(const char *json_a, const char *name_a, const char *json_b,
                                const char *name_b, char **out_text,
                                struct stp_err *err) STP_MUST_CHECK;

/* The same as one HTML page that loads nothing else. */
enum stp_errc stp_bench_compare_html(const char *json_a, const char *name_a, const char *json_b,
                                     const char *name_b, char **out_html,
                                     struct stp_err *err) STP_MUST_CHECK;

#endif
