/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Documents of `bench` as they are read back: from the run itself, or from files that others wrote.
 *
 * Shape      see stampede/bench.h and tests/unit/report_bench_test.c.
 * Memory     jansson's.
 * Ownership  json_decref() what load gives.
 * Threads    one thread per document.
 */
#ifndef STP_REPORT_BENCH_DOCUMENT_H
#define STP_REPORT_BENCH_DOCUMENT_H

#include "report/out.h"

/* Parses json; STP_FORMAT naming name when it is no document of this schema. */
enum stp_errc stp_bench_document_load(const char *json, const char *name, json_t **out,
                                      struct stp_err *err) STP_MUST_CHECK;

/* The last point of a scaling curve (the one with most threads), NULL when there is none. */
const json_t *stp_bench_curve_end(const json_t *points);

/* The curve of algorithm in the document's "scaling", NULL when there is none. */
const json_t *stp_bench_curve_points(const json_t *document, const char *algorithm);

/* Best files or bytes per second ("files_per_second.value" or "bytes_per_second") of the
 * document's readings of set ("small", "large") and cache ("hot", "cold"). */
double stp_bench_best_reading(const json_t *document, const char *set, const char *cache,
                              const char *what);

/* The measure of "hash" for a set, NULL when there is none. */
const json_t *stp_bench_hash_of(const json_t *document, const char *hash);

#endif
