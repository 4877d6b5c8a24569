/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Charts on a page (report/page.h): inline SVG. What a chart shows also stands in words or numbers
 * beside it.
 *
 * A chart with text in it is drawn twice, STP_CHART_BROAD and STP_CHART_NARROW units wide, and the
 * style of the page shows the one that fits the window: text that shrank with a window of 400
 * pixels could not be read.
 *
 * Shape      appends to a struct stp_out.
 * Memory     the text.
 * Ownership  strings are used during the call; names from outside are escaped.
 * Threads    one thread per page.
 */
#ifndef STP_REPORT_CHART_H
#define STP_REPORT_CHART_H

#include "report/out.h"

#define STP_CHART_BROAD  760
#define STP_CHART_NARROW 360
#define STP_CHART_COLORS 7

/* The names of the colors 0 … count - 1 of the page's palette. */
void stp_chart_legend(struct stp_out *out, const char *const *names, size_t count);

struct stp_bar {
	const char *name;
	double value;
	double limit;           /* a tick; 0: none */
	const char *limit_name; /* "memory" */
	int is_noisy;
	unsigned color;
};

/* Horizontal bars on a logarithmic axis, each with its value in bytes per second and a tick where
 * its limit lies. */
void stp_chart_bars(struct stp_out *out, const struct stp_bar *bars, size_t count);

struct stp_series {
	const char *name;
	const double *x, *y;
	size_t count;
	int is_dashed;
	unsigned color;
};

/* How an axis writes its numbers. */
typedef char *stp_axis_fn(double value, char *out);

/* Lines over a common x axis; both axes linear and from zero, x to x_top at least and in steps of
 * at least x_least. Names stand at the right end of the lines. */
void stp_chart_lines(struct stp_out *out, const struct stp_series *series, size_t count,
                     stp_axis_fn *x_format, double x_least, double x_top, const char *x_name,
                     stp_axis_fn *y_format);

struct stp_part {
	double value;
	unsigned color;
	const char *name;
};

/* One bar of parts, width in proportion to value / whole. */
void stp_chart_parts(struct stp_out *out, const struct stp_part *parts, size_t count, double whole);

struct stp_column {
	double from, to; /* on a logarithmic axis */
	double value;
};

/* Columns of a histogram with logarithmic x; format writes its ends. */
void stp_chart_columns(struct stp_out *out, const struct stp_column *columns, size_t count,
                       double low, double high, stp_axis_fn *format);

struct stp_band {
	double from, to;  /* seconds */
	double low, high; /* of the band's height, 0 … 1: what ran side by side lies in layers */
	const char *name; /* written above where there is room; NULL: never */
	unsigned color;
};

/* Bands of time over 0 … whole seconds. As wide as the plot of stp_chart_lines() without names, so
 * that both can stand above each other. */
void stp_chart_bands(struct stp_out *out, const struct stp_band *bands, size_t count, double whole);

/* How busy (0 … 100 percent) each of row_count rows is over column_count equal steps of time, which
 * fill share (0 … 1) of the plot: percent of (row, column) at busy[row * column_count + column].
 * Named "worker 0" … */
void stp_chart_heat(struct stp_out *out, const uint8_t *busy, size_t row_count, size_t column_count,
                    double share);

#endif
