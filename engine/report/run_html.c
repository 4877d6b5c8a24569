/* SPDX-License-Identifier: Apache-2.0 */
#include "report/run_html.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "report/chart.h"
#include "report/page.h"

#define BANDS_MAX    (4 * STP_SIGN_SPANS_MAX)
#define HEAT_COLUMNS 120
#define RATE_POINTS  60
#define FAULTS_SHOWN 200

static const char *const stage_names[] = {"scan", "hash",    "ledger", "bins",
                                          "sign", "publish", "rest"};
#define STAGE_COUNT (sizeof(stage_names) / sizeof(stage_names[0]))

/* Stages whose workers run side by side, by their number. */
#define SHARED_FIRST 2
#define SHARED_LAST  5

static unsigned number_of(const char *stage)
{
	unsigned i = 0;

	while (i < STAGE_COUNT - 1 && strcmp(stage_names[i], stage) != 0)
		i++;
	return i;
}

static char *seconds_axis(double value, char *out)
{
	return stp_duration_format(value, out);
}

/* --- facts ----------------------------------------------------------------------------------- */

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

/* The version and how long it is valid: this run's, or what it left in place. */
static void write_version(struct stp_out *out, const json_t *report)
{
	double version = stp_doc_number(report, "versions.timestamp");
	const char *until = stp_doc_text(report, "expiries.timestamp");
	char text[96];

	if (stp_doc_true(report, "published")) {
		snprintf(text, sizeof(text), "%.0f", version);
		fact(out, "version", text);
		fact(out, "valid until", stp_doc_text(report, "expires"));
		return;
	}
	if (!*until) {
		fact(out, "version", "nothing was published");
		return;
	}
	if (version > 0) {
		snprintf(text, sizeof(text), "%.0f, as before", version);
		fact(out, "version", text);
	}
	snprintf(text, sizeof(text), "%.32s, as before", until);
	fact(out, "valid until", text);
}

static void write_facts(struct stp_out *out, const json_t *report, int is_dry_run)
{
	char text[256];
	const char *name;
	const json_t *kernel;

	stp_page_section(out, is_dry_run ? "What a run would do" : "What was done", NULL);
	stp_out_format(out, "<table>\n");
	count_fact(out, "targets", report, "targets", "target_bytes");
	count_fact(out, "bins", report, "bins", NULL);
	count_fact(out, is_dry_run ? "files to hash" : "files hashed", report, "files_hashed",
	           "bytes_hashed");
	count_fact(out, is_dry_run ? "files to reuse" : "files reused", report, "files_reused",
	           NULL);
	count_fact(out, is_dry_run ? "files to remove" : "files removed", report, "files_removed",
	           NULL);
	if (!is_dry_run)
		count_fact(out, "files published", report, "published_files", "published_bytes");
	count_fact(out, "faults", report, "faults", NULL);
	write_version(out, report);
	snprintf(text, sizeof(text), "%.32s%s%.160s", stp_doc_text(report, "io_backend"),
	         *stp_doc_text(report, "io_why") ? ": " : "", stp_doc_text(report, "io_why"));
	if (*text)
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

/* --- where the time went --------------------------------------------------------------------- */

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
	    "Ledger, bins, sign and the writing for publish run side by side on all workers: "
	    "that time is divided among them by the work they did. The rest is reading and "
	    "checking what is there.");
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

/* --- over time ------------------------------------------------------------------------------- */

/* How much of the time side by side each stage took: its seconds less the spans of its own. Returns
 * the sum. */
static double find_shares(const struct stp_run_page *page, const json_t *report,
                          double shares[STAGE_COUNT])
{
	double sum = 0;
	char path[32];
	size_t i;

	for (i = 0; i < STAGE_COUNT; i++) {
		snprintf(path, sizeof(path), "seconds.%s", stage_names[i]);
		shares[i] = stp_doc_number(report, path);
	}
	for (i = 0; i < page->span_count; i++)
		if (*page->spans[i].stage)
			shares[number_of(page->spans[i].stage)] -=
			    page->spans[i].to - page->spans[i].from;
	for (i = SHARED_FIRST; i <= SHARED_LAST; i++) {
		shares[i] = fmax(shares[i], 0);
		sum += shares[i];
	}
	return sum;
}

/* The spans as bands, those side by side in layers. The areas are those of the table. */
static size_t make_bands(const struct stp_run_page *page, const json_t *report,
                         struct stp_band *bands)
{
	double shares[STAGE_COUNT];
	double shared = find_shares(page, report, shares);
	size_t count = 0;
	size_t i, j;

	for (i = 0; i < page->span_count && i < STP_SIGN_SPANS_MAX; i++) {
		const struct stp_sign_span *span = &page->spans[i];
		double high = 0;

		if (*span->stage) {
			bands[count++] =
			    (struct stp_band){span->from, span->to,    0,
			                      1,          span->stage, number_of(span->stage)};
			continue;
		}
		for (j = SHARED_FIRST; j <= SHARED_LAST && shared > 0; j++) {
			double low = high;

			high += shares[j] / shared;
			if (shares[j] > 0)
				bands[count++] = (struct stp_band){span->from,
				                                   span->to,
				                                   low,
				                                   high,
				                                   low > 0 ? NULL : "side by side",
				                                   (unsigned)j};
		}
	}
	return count;
}

/* Work that a sample adds to the one before. */
static uint64_t added(const struct stp_timeline_sample *samples, size_t i, int of_bytes)
{
	uint64_t now = of_bytes ? samples[i].bytes : samples[i].items;
	uint64_t then = !i ? 0 : of_bytes ? samples[i - 1].bytes : samples[i - 1].items;

	return now - then;
}

struct watched {
	const struct stp_timeline_sample *samples;
	size_t count, workers;
	double total; /* seconds of the run */
};

/* When a sample was taken: the last one is taken behind the end of the run. */
static double time_of(const struct watched *watched, size_t i)
{
	return fmin(watched->samples[i].seconds, watched->total);
}

/* Work per second over at most RATE_POINTS equal runs of samples; returns how many. A file counts
 * when it is done, so shorter runs would show the sizes of files, not the speed. */
static size_t make_rates(const struct watched *watched, int of_bytes, double *xs, double *ys)
{
	size_t count = watched->count;
	size_t points = count < RATE_POINTS ? count : RATE_POINTS;
	double from = 0;
	size_t point;

	for (point = 0; point < points; point++) {
		size_t first = point * count / points;
		size_t end = (point + 1) * count / points;
		double to = time_of(watched, end - 1);
		uint64_t sum = 0;
		size_t i;

		for (i = first; i < end; i++)
			sum += added(watched->samples, i, of_bytes);
		xs[point] = (from + to) / 2;
		ys[point] = to > from ? (double)sum / (to - from) : 0;
		from = to;
	}
	/* The plot is as wide as the run, as the bands above it are. */
	xs[points] = from;
	ys[points] = ys[points - 1];
	return points + 1;
}

static void write_heat(struct stp_out *out, const struct watched *watched)
{
	const struct stp_timeline_sample *samples = watched->samples;
	size_t count = watched->count;
	size_t workers = watched->workers;
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
	stp_chart_heat(out, busy, shown, columns,
	               watched->total > 0 ? time_of(watched, count - 1) / watched->total : 1);
	free(busy);
}

static void write_rate_chart(struct stp_out *out, const struct watched *watched, int of_bytes)
{
	double xs[RATE_POINTS + 1];
	double ys[RATE_POINTS + 1];
	size_t points = make_rates(watched, of_bytes, xs, ys);
	struct stp_series series = {NULL, xs, ys, points, 0, of_bytes ? 0 : 1};

	stp_chart_lines(out, &series, 1, seconds_axis, 0, watched->total, "time",
	                of_bytes ? stp_bytes_rate_format : stp_count_rate_format);
}

static void write_stages(struct stp_out *out, const struct stp_run_page *page, const json_t *report)
{
	struct stp_band *bands = calloc(BANDS_MAX, sizeof(*bands));

	stp_page_section(out, "Over time", NULL);
	if (bands) {
		stp_out_format(out, "<section><h3>Stages</h3>\n");
		stp_chart_bands(out, bands, make_bands(page, report, bands),
		                stp_doc_number(report, "seconds.total"));
		stp_out_format(out, "</section>\n");
	}
	free(bands);
}

static void write_timeline(struct stp_out *out, const struct stp_timeline *timeline, double total)
{
	struct watched watched = {.total = total};

	watched.samples = stp_timeline_samples(timeline, &watched.count, &watched.workers);
	/* What follows the end of the run is no work of it. */
	while (watched.count > 1 && watched.samples[watched.count - 2].seconds >= total)
		watched.count--;
	if (!watched.count)
		return;
	stp_out_format(out, "<section><h3>Bytes per second</h3>\n<p class=\"soft\">Read and "
	                    "hashed, then written as metadata.</p>\n");
	write_rate_chart(out, &watched, 1);
	stp_out_format(out, "<h3>Items per second</h3>\n<p class=\"soft\">Files or rows scanned, "
	                    "files hashed, bins signed.</p>\n");
	write_rate_chart(out, &watched, 0);
	write_heat(out, &watched);
	stp_out_format(out, "</section>\n");
}

/* --- faults ---------------------------------------------------------------------------------- */

static void write_faults(struct stp_out *out, const json_t *report, const char *title,
                         const char *member)
{
	const json_t *faults = stp_doc_get(report, member);
	const json_t *one;
	size_t i;

	if (!json_array_size(faults))
		return;
	stp_page_section(out, title, NULL);
	stp_out_format(out, "<table class=\"long\">\n");
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
	stp_out_format(out, "</table>\n");
	if (json_array_size(faults) > FAULTS_SHOWN)
		stp_out_format(out, "<p class=\"soft\">and %zu more; sign --json lists all.</p>\n",
		               json_array_size(faults) - FAULTS_SHOWN);
}

static void write_head(struct stp_out *out, const struct stp_run_page *page, const json_t *report)
{
	char took[32];

	stp_out_format(out, "<p class=\"soft\">");
	stp_out_html(out, page->repo);
	stp_out_format(out, " · ");
	stp_out_html(out, stp_doc_text(report, "now"));
	stp_out_format(out, " · took %s · %s</p>\n",
	               stp_duration_format(stp_doc_number(report, "seconds.total"), took),
	               stp_doc_true(report, "published") ? "published"
	               : page->is_dry_run                ? "dry run: nothing was published"
	                                                 : "nothing was published");
	if (*page->outcome) {
		stp_out_format(out, "<p class=\"note\">");
		stp_out_html(out, page->outcome);
		stp_out_format(out, "</p>\n");
	}
}

enum stp_errc stp_run_html(const struct stp_run_page *page, char **out_html, struct stp_err *err)
{
	struct stp_out out = STP_OUT_INIT;
	json_error_t where;
	json_t *report = json_loads(page->report_json, 0, &where);

	if (!report)
		return STP_FAIL(err, STP_FORMAT, "report", NULL, "the run's report is not JSON: %s",
		                where.text);
	stp_page_begin(&out, "stampede sign");
	write_head(&out, page, report);
	write_facts(&out, report, page->is_dry_run);
	write_seconds(&out, report);
	if (page->span_count)
		write_stages(&out, page, report);
	if (page->timeline)
		write_timeline(&out, page->timeline, stp_doc_number(report, "seconds.total"));
	write_faults(&out, report, "Faults", "fault_list");
	write_faults(&out, report, "Damage in the ledger", "ledger_damage");
	write_faults(&out, report, "Notes", "notes");
	stp_page_end(&out);
	json_decref(report);
	return stp_out_take(&out, out_html, err);
}
