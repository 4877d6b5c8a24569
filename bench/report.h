/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of a bench, in one schema: a table for people, one JSON array for programs.
 *
 *	[{"bench":"kernels","case":"sha512 avx512 x8","unit":"GB/s","value":2.7,
 *	  "ratio_to":"libcrypto","ratio":4.5}, …]
 *
 * Shape      at most BENCH_ROWS_MAX rows; ratio 0 means none.
 * Memory     static.
 * Ownership  strings are copied.
 * Threads    one.
 */
#ifndef STP_BENCH_REPORT_H
#define STP_BENCH_REPORT_H

#include <stddef.h>

#define BENCH_ROWS_MAX 512

void stp_bench_row(const char *bench, const char *name, const char *unit, double value,
                   const char *ratio_to, double ratio);

/* Prints all rows: as a JSON array with json != 0, else as a table. Returns 0, or 1 when the
 * product could not be written. */
int stp_bench_print(int json);

/* Sorts values and returns the middle one. */
double stp_bench_median(double *values, size_t count);

#endif
