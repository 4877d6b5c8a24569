/* SPDX-License-Identifier: Apache-2.0 */
#include "report/run_html.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "report/page.h"

#define BANDS_MAX       256
#define HEAT_COLUMNS    120
#define RATE_POINTS     60
#define FAULTS_SHOWN    200
#define COLOR_OF_OTHERS 6

static const char *const stage_names[] = {"scan", "hash",    "ledger", "bins",
                                          "sign", "publish", "rest"};
#define STAGE_COUNT (sizeof(stage_names) / sizeof(stage_names[0]))

static unsigned color_of(const char *stage)
{
	size_t i;

	for (i = 0; i < STAGE_COUNT; i++)
		if (strcmp(stage_names[i], stage) == 0)
			return (unsigned)i;
	return COLOR_OF_OTHERS;
}

static char *seconds_axis(double value, char *out)
{
	return stp_duration_format(value, out);
}

/* --- facts -------------------------------------------------------------------------------------
 */

static void fact(struct stp_out *out, const char *name, const char *value)
{
	stp_out_format(out, "<tr>");
	stp_page_cell(out, "", name);
	stp_page_cell(out, "", value);
	stp_out_format(out, "</tr>\n");
}

static void count_fact(struct stp_out *out, const char *name, const json_t *report,
                       const char *path, const char *bytes_path)
{
	char text[128], count[32], bytes[32];

	stp_count_format(stp_doc_count(report, path), count);
	if (bytes_path)
		snprintf(text, sizeof(text), "%s (%s)", count,
		         stp_bytes_format(stp_doc_count(report, bytes_path), bytes));
	else
		snprintf(text, sizeof(text), "%s", count);
	fact(out, name, text);
}

static void write_facts(struct stp_out *out, const json_t *report)
{
	char text[256];
	const char *name;
	const json_t *kernel;

	stp_page_section(out, "What was done", NULL);
	stp_out_format(out, "<table>\n");
	count_fact(out, "targets", report, "targets", "target_bytes");
	count_fact(out, "bins", report, "bins", NULL);
	count_fact(out, "files hashed", report, "files_hashed", "bytes_hashed");
	count_fact(out, "files reused", report, "files_reused", NULL);
	count_fact(out, "files removed", report, "files_removed", NULL);
	count_fact(out, "files published", report, "published_files", "published_bytes");
	count_fact(out, "faults", report, "faults", NULL);
	snprintf(text, sizeof(text), "%.0f", stp_doc_number(report, "versions.timestamp"));
	fact(out, "version", text);
	fact(out, "valid until", stp_doc_text(report, "expires"));
	snprintf(text, sizeof(text), "%.32s%s%.160s", stp_doc_text(report, "io_backend"),
	         *stp_doc_text(report, "io_why") ? ": " : "", stp_doc_text(report, "io_why"));
	fact(out, "read with", text);
	json_object_foreach((json_t *)(uintptr_t)stp_doc_get(report, "kernels"), name, kernel)
	{
		snprintf(text, sizeof(text), "%.24s: %.40s", name,
		         json_string_value(kernel) ? json_string_value(kernel) : "");
		fact(out, "hash kernel", text);
	}
	fact(out, "most memory held",
	     stp_bytes_format(stp_doc_count(report, "peak_rss_bytes"), text));
	stp_out_format(out, "</table>\n");
}

/* --- where the time went -----------------------------------------------------------------------
 */

static void write_seconds(struct stp_out *out, const json_t *report)
{
	struct stp_part parts[STAGE_COUNT];
	double total = stp_doc_number(report, "seconds.total");
	char path[32], text[64], duration[32];
	size_t i;

	for (i = 0; i < STAGE_COUNT; i++) {
		snprintf(path, sizeof(path), "seconds.%s", stage_names[i]);
		parts[i] =
		    (struct stp_part){stp_doc_number(report, path), (unsigned)i, stage_names[i]};
	}
	stp_page_section(
	    out, "Where the time went",
	    "Stages that run side by side (ledger, bins, sign and writing for publish) share "
	    "their time by what all workers did. The rest is reading and checking what is there.");
	stp_chart_legend(out, stage_names, STAGE_COUNT);
	stp_out_format(out, "<section>");
	stp_chart_parts(out, parts, STAGE_COUNT, total);
	stp_out_format(out, "<table>\n");
	for (i = 0; i < STAGE_COUNT; i++) {
		stp_out_format(out, "<tr>");
		stp_page_cell(out, "", parts[i].name);
		stp_page_cell(out, "n", stp_duration_format(parts[i].value, duration));
		snprintf(text, sizeof(text), "%.0f %%",
		         total > 0 ? 100 * parts[i].value / total : 0);
		stp_page_cell(out, "n", text);
		stp_out_format(out, "</tr>\n");
	}
	stp_out_format(out, "</table></section>\n");
}

/* --- over time ---------------------------------------------------------------------------------
 */

/* Runs of samples with the same stage. */
static size_t make_bands(const struct stp_timeline_sample *samples, size_t count,
                         struct stp_band *bands)
{
	size_t band_count = 0;
	double from = 0;
	size_t i;

	for (i = 0; i < count; i++) {
		const char *stage = samples[i].stage;

		if (band_count && strcmp(bands[band_count - 1].name, stage) == 0)
			bands[band_count - 1].to = samples[i].seconds;
		else if (*stage && band_count < BANDS_MAX)
			bands[band_count++] =
			    (struct stp_band){from, samples[i].seconds, stage, color_of(stage)};
		from = samples[i].seconds;
	}
	return band_count;
}

/* Work that a sample adds to the one before; counters start anew with each stage. */
static uint64_t added(const struct stp_timeline_sample *samples, size_t i, int of_bytes)
{
	uint64_t now = of_bytes ? samples[i].bytes : samples[i].items;
	uint64_t then = !i ? 0 : of_bytes ? samples[i - 1].bytes : samples[i - 1].items;

	if (i && (strcmp(samples[i - 1].stage, samples[i].stage) != 0 || then > now))
		then = 0;
	return now - then;
}

/* Work per second over at most RATE_POINTS equal runs of samples; returns how many. A file counts
 * when it is done, so shorter runs would show the sizes of files, not the speed. */
static size_t make_rates(const struct stp_timeline_sample *samples, size_t count, int of_bytes,
                         double *xs, double *ys)
{
	size_t points = count < RATE_POINTS ? count : RATE_POINTS;
	double from = 0;
	size_t point;

	for (point = 0; point < points; point++) {
		size_t first = point * count / points;
		size_t end = (point + 1) * count / points;
		double to = samples[end - 1].seconds;
		uint64_t sum = 0;
		size_t i;

		for (i = first; i < end; i++)
			sum += added(samples, i, of_bytes);
		xs[point] = (from + to) / 2;
		ys[point] = to > from ? (double)sum / (to - from) : 0;
		from = to;
	}
	/* The plot is as wide as the run, as the bands above it are. */
	xs[points] = from;
	ys[points] = ys[points - 1];
	return points + 1;
}

static void write_heat(struct stp_out *out, const struct stp_timeline_sample *samples, size_t count,
                       size_t workers)
{
	size_t columns = count < HEAT_COLUMNS ? count : HEAT_COLUMNS;
	uint8_t *busy = calloc(workers * columns + 1, 1);
	size_t shown = 1; /* rows, up to the last thread that worked longer than a moment */
	size_t row, column;

	if (!busy || !workers) {
		free(busy);
		return;
	}
	for (row = 0; row < workers; row++) {
		size_t busy_columns = 0;

		for (column = 0; column < columns; column++) {
			size_t first = column * count / columns;
			size_t end = (column + 1) * count / columns;
			unsigned sum = 0;
			size_t i;

			for (i = first; i < end; i++)
				sum += samples[i].busy[row];
			busy[row * columns + column] = (uint8_t)(sum / (end - first));
			busy_columns += sum > 0;
		}
		if (busy_columns * 8 > columns)
			shown = row + 1;
	}
	stp_out_format(
	    out,
	    "<h3>Workers</h3>\n<p class=\"soft\">The stronger the color, the busier: the share "
	    "of time each ran on a processor. Pale while the storage is "
	    "waited for. Threads that only scanned for a moment are left out below the last "
	    "row.</p>\n");
	stp_chart_heat(out, busy, shown, columns);
	free(busy);
}

static void write_rate_chart(struct stp_out *out, const struct stp_timeline_sample *samples,
                             size_t count, int of_bytes)
{
	double xs[RATE_POINTS + 1];
	double ys[RATE_POINTS + 1];
	size_t points = make_rates(samples, count, of_bytes, xs, ys);
	struct stp_series series = {NULL, xs, ys, points, 0, of_bytes ? 0 : 1};

	stp_chart_lines(out, &series, 1, seconds_axis, 0, "time",
	                of_bytes ? stp_bytes_rate_format : stp_count_rate_format);
}

static void write_timeline(struct stp_out *out, const struct stp_timeline *timeline)
{
	size_t count, workers;
	const struct stp_timeline_sample *samples =
	    stp_timeline_samples(timeline, &count, &workers);
	struct stp_band *bands = calloc(BANDS_MAX, sizeof(*bands));

	if (bands && count) {
		stp_page_section(out, "Over time", NULL);
		stp_out_format(out, "<section><h3>Stages</h3>\n");
		stp_chart_bands(out, bands, make_bands(samples, count, bands),
		                samples[count - 1].seconds);
		stp_out_format(out, "<h3>Bytes per second</h3>\n<p class=\"soft\">Read and hashed, "
		                    "then written as metadata.</p>\n");
		write_rate_chart(out, samples, count, 1);
		stp_out_format(out, "<h3>Items per second</h3>\n<p class=\"soft\">Files or rows "
		                    "scanned, files hashed, bins signed.</p>\n");
		write_rate_chart(out, samples, count, 0);
		write_heat(out, samples, count, workers);
		stp_out_format(out, "</section>\n");
	}
	free(bands);
}

/* --- faults ------------------------------------------------------------------------------------
 */

static void write_faults(struct stp_out *out, const json_t *report)
{
	const json_t *faults = stp_doc_get(report, "fault_list");
	const json_t *one;
	size_t i;

	if (!json_array_size(faults))
		return;
	stp_page_section(out, "Faults", NULL);
	stp_out_format(out, "<div class=\"wide\"><table>\n");
	json_array_foreach((json_t *)(uintptr_t)faults, i, one)
	{
		if (i == FAULTS_SHOWN)
			break;
		stp_out_format(out, "<tr>");
		stp_page_cell(out, "", stp_doc_text(one, "stage"));
		stp_page_cell(out, "", stp_doc_text(one, "subject"));
		stp_page_cell(out, "", stp_doc_text(one, "text"));
		stp_out_format(out, "</tr>\n");
	}
	stp_out_format(out, "</table></div>\n");
	if (json_array_size(faults) > FAULTS_SHOWN)
		stp_out_format(out, "<p class=\"soft\">and %zu more; sign --json lists all.</p>\n",
		               json_array_size(faults) - FAULTS_SHOWN);
}

enum stp_errc stp_run_html(const char *report_json, const char *repo, const char *outcome,
                           const struct stp_timeline *timeline, char **out_html,
                           struct stp_err *err)
{
	struct stp_out out = STP_OUT_INIT;
	json_error_t where;
	json_t *report = json_loads(report_json, 0, &where);
	char took[32];

	if (!report)
		return STP_FAIL(err, STP_FORMAT, "report", NULL, "the run's report is not JSON: %s",
		                where.text);
	stp_page_begin(&out, "stampede sign");
	stp_out_format(&out, "<p class=\"soft\">");
	stp_out_html(&out, repo);
	stp_out_format(&out, " · ");
	stp_out_html(&out, stp_doc_text(report, "now"));
	stp_out_format(&out, " · took %s · %s</p>\n",
	               stp_duration_format(stp_doc_number(report, "seconds.total"), took),
	               stp_doc_true(report, "published") ? "published" : "nothing was published");
	if (*outcome) {
		stp_out_format(&out, "<p class=\"note\">");
		stp_out_html(&out, outcome);
		stp_out_format(&out, "</p>\n");
	}
	write_facts(&out, report);
	write_seconds(&out, report);
	if (timeline)
		write_timeline(&out, timeline);
	write_faults(&out, report);
	stp_page_end(&out);
	json_decref(report);
	return stp_out_take(&out, out_html, err);
}
