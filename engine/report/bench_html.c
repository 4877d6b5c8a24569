/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page of `bench`: first how long an index takes, then why.
 *
 *	predicted times ─▶ stages against their limits ─▶ scaling ─▶ kernels ─▶ reading ─▶ latency
 *	─▶ real runs, which say how far the predictions can be trusted ─▶ notes
 */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "report/bench_document.h"
#include "report/bench_views.h"
#include "report/chart.h"
#include "report/page.h"

#define CURVE_POINTS_MAX   16
#define SCALING_SERIES_MAX 3
#define BARS_MAX           24
/* Histogram axis: 1 us to 100 ms holds everything from the page cache to a slow disk. */
#define LATENCY_LOW_US  1.0
#define LATENCY_HIGH_US 1e5

static const char *const stage_names[] = {"scan", "hash",    "ledger", "bins",
                                          "sign", "publish", "rest"};
#define STAGE_COUNT (sizeof(stage_names) / sizeof(stage_names[0]))

static char *duration_axis(double us, char *out)
{
	return stp_latency_format(us, out);
}

static char *count_axis(double value, char *out)
{
	return stp_count_format(value > 0 ? (uint64_t)(value + 0.5) : 0, out);
}

/* --- machine and notes ----------------------------------------------------------------------- */

static void write_machine(struct stp_out *out, const json_t *document)
{
	char text[512];
	char memory[32];

	snprintf(text, sizeof(text),
	         "%.160s · %.0f cores · %s of memory · Linux %.60s · scratch on %.16s",
	         stp_doc_text(document, "machine.cpu"), stp_doc_number(document, "machine.cores"),
	         stp_bytes_format(stp_doc_count(document, "machine.memory_bytes"), memory),
	         stp_doc_text(document, "machine.kernel"),
	         stp_doc_text(document, "machine.file_system"));
	stp_out_format(out, "<p class=\"soft\">");
	stp_out_html(out, text);
	stp_out_format(out, " · <span style=\"white-space:nowrap\">");
	snprintf(text, sizeof(text), "%.24s", stp_doc_text(document, "time"));
	stp_out_html(out, text);
	stp_out_format(out, "</span></p>\n");
}

static void write_notes(struct stp_out *out, const json_t *document)
{
	const json_t *note;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)stp_doc_get(document, "notes"), i, note)
	{
		stp_out_format(out, "<p class=\"note\">");
		stp_out_html(out, json_string_value(note) ? json_string_value(note) : "");
		stp_out_format(out, "</p>\n");
	}
	json_array_foreach((json_t *)(uintptr_t)stp_doc_get(document, "noisy"), i, note)
	{
		stp_out_format(out, i ? ", "
		                      : "<details><summary>What was noisy (marked "
		                        "~)</summary><p class=\"soft\">");
		stp_out_html(out, stp_doc_text(note, "measure"));
		stp_out_format(out, " (%.0f %%)", fmin(100 * stp_doc_number(note, "spread"), 1e6));
	}
	if (i)
		stp_out_format(out, "</p></details>\n");
}

/* --- predictions ----------------------------------------------------------------------------- */

static void write_job(struct stp_out *out, const json_t *job)
{
	struct stp_part parts[STAGE_COUNT];
	char text[64];
	char path[32];
	size_t i;

	for (i = 0; i < STAGE_COUNT; i++) {
		snprintf(path, sizeof(path), "seconds.%s", stage_names[i]);
		parts[i].value = stp_doc_number(job, path);
		parts[i].color = (unsigned)i;
		parts[i].name = stage_names[i];
	}
	stp_out_format(out, "<tr>");
	stp_page_cell(out, "", stp_doc_text(job, "job"));
	stp_page_cell(out, "n", stp_duration_format(stp_doc_number(job, "seconds.total"), text));
	stp_out_format(out, "<td>");
	stp_chart_parts(out, parts, STAGE_COUNT, stp_doc_number(job, "seconds.total"));
	stp_out_format(out, "<b>");
	stp_out_html(out, stp_doc_text(job, "bottleneck"));
	stp_out_format(out, "</b><span class=\"soft\">: ");
	stp_out_html(out, stp_doc_text(job, "advice"));
	stp_out_format(out, "</span></td></tr>\n");
}

static void write_predictions(struct stp_out *out, const json_t *document)
{
	const json_t *prediction;
	const json_t *job;
	char targets[32], bytes[32], bins[32], text[256];
	size_t i, j;

	stp_page_section(out, "How long an index takes here",
	                 "Predicted from what follows. Each bar is the whole time, by stage; the "
	                 "bottleneck is named with what would move it (read: hashing that waits "
	                 "for the storage).");
	stp_chart_legend(out, stage_names, STAGE_COUNT);
	json_array_foreach((json_t *)(uintptr_t)stp_doc_get(document, "predictions"), i, prediction)
	{
		snprintf(text, sizeof(text), "%.40s: %s targets, %s, %s bins, %.40s",
		         stp_doc_text(prediction, "index"),
		         stp_count_format(stp_doc_count(prediction, "targets"), targets),
		         stp_bytes_format(stp_doc_count(prediction, "bytes"), bytes),
		         stp_count_format(stp_doc_count(prediction, "bins"), bins),
		         stp_doc_text(prediction, "hash"));
		stp_out_format(out, "<section><h3>");
		stp_out_html(out, text);
		stp_out_format(out, "</h3>\n<table><colgroup><col style=\"width:27%%\"><col "
		                    "style=\"width:15%%\"><col></colgroup>\n");
		json_array_foreach((json_t *)(uintptr_t)stp_doc_get(prediction, "jobs"), j, job)
		    write_job(out, job);
		stp_out_format(out, "</table></section>\n");
	}
}

/* --- stages against their limits ------------------------------------------------------------- */

static double curve_end(const json_t *document, const char *path)
{
	return stp_doc_rate(stp_bench_curve_end(stp_doc_get(document, path)), "bytes_per_second");
}

static double kernel_end(const json_t *document, const char *algorithm)
{
	return stp_doc_rate(stp_bench_curve_end(stp_bench_curve_points(document, algorithm)),
	                    "bytes_per_second");
}

static void write_limits(struct stp_out *out, const json_t *document)
{
	double read_memory = curve_end(document, "memory.read");
	double sha256 = kernel_end(document, "sha256");
	double sha512 = kernel_end(document, "sha512");
	const json_t *sign = json_array_get(stp_doc_get(document, "sign"), 2);
	const json_t *hash256 = stp_bench_hash_of(document, "sha256");
	const json_t *hash512 = stp_bench_hash_of(document, "sha512");
	struct stp_bar bars[] = {
	    {"SHA-256 kernel", sha256, read_memory, "memory bandwidth", 0, 0},
	    {"SHA-512 kernel", sha512, read_memory, "memory bandwidth", 0, 0},
	    {"read and hash, SHA-256, hot", stp_doc_rate(hash256, "large_bytes_per_second"), sha256,
	     "the kernel", stp_doc_noisy(hash256, "large_bytes_per_second"), 1},
	    {"read and hash, SHA-512, hot", stp_doc_rate(hash512, "large_bytes_per_second"), sha512,
	     "the kernel", stp_doc_noisy(hash512, "large_bytes_per_second"), 1},
	    {"read, from the page cache",
	     stp_bench_best_reading(document, "large", "hot", "bytes_per_second"), read_memory,
	     "memory bandwidth", 0, 2},
	    {"read, from the storage",
	     stp_bench_best_reading(document, "large", "cold", "bytes_per_second"), 0, NULL, 0, 2},
	    {"encode bins", stp_doc_rate(document, "encode.bytes_per_second"), 0, NULL,
	     stp_doc_noisy(document, "encode.bytes_per_second"), 3},
	    {"sign and check", stp_doc_rate(sign, "bytes_per_second"), sha512 / 3,
	     "the kernel, at three passes", stp_doc_noisy(sign, "bytes_per_second"), 4},
	    {"write durably", stp_doc_rate(document, "durable.write_bytes_per_second"), 0, NULL,
	     stp_doc_noisy(document, "durable.write_bytes_per_second"), 5},
	};

	stp_page_section(
	    out, "Stages against their limits",
	    "Bytes per second on all cores; the axis is logarithmic. A tick is what the hardware, "
	    "or "
	    "the stage below, would allow: a stage near its tick gets faster only with other "
	    "hardware.");
	stp_out_format(out, "<section>");
	stp_chart_bars(out, bars, sizeof(bars) / sizeof(bars[0]));
	stp_out_format(out, "</section>");
}

/* --- scaling and kernels --------------------------------------------------------------------- */

/* Fills xs and ys from a curve; returns the number of points. */
static size_t take_curve(const json_t *points, double *xs, double *ys)
{
	const json_t *point;
	size_t count = 0;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)points, i, point)
	{
		if (count == CURVE_POINTS_MAX)
			break;
		xs[count] = stp_doc_number(point, "threads");
		ys[count++] = stp_doc_rate(point, "bytes_per_second");
	}
	return count;
}

/* A chart of the curves called names, the best kernels of algorithms or memory; the line of what
 * names[0] would do if every core did what one does alone is dashed. */
static void draw_scaling(struct stp_out *out, const json_t *const *points, const char *const *names,
                         size_t count)
{
	double xs[SCALING_SERIES_MAX][CURVE_POINTS_MAX], ys[SCALING_SERIES_MAX][CURVE_POINTS_MAX];
	double ideal_x[2] = {0, 0}, ideal_y[2] = {0, 0};
	struct stp_series series[SCALING_SERIES_MAX + 1];
	size_t i;

	for (i = 0; i < count; i++)
		series[i] = (struct stp_series){
		    names[i], xs[i], ys[i], take_curve(points[i], xs[i], ys[i]), 0, (unsigned)i};
	if (series[0].count) {
		ideal_x[1] = xs[0][series[0].count - 1];
		ideal_y[1] = xs[0][0] > 0 ? ys[0][0] / xs[0][0] * ideal_x[1] : 0;
	}
	series[count] = (struct stp_series){NULL, ideal_x, ideal_y, 2, 1, 0};
	stp_out_format(out, "<section>");
	stp_chart_lines(out, series, count + 1, count_axis, 1, 0, "cores", stp_bytes_rate_format);
	stp_out_format(out, "</section>");
}

static void write_scaling(struct stp_out *out, const json_t *document)
{
	static const char *const hashes[] = {"sha512", "sha256", "blake2b-256"};
	static const char *const memory[] = {"read", "copy"};
	const json_t *points[SCALING_SERIES_MAX];
	size_t i;

	stp_page_section(out, "Scaling over cores",
	                 "The best kernel of each algorithm, then memory, on 1, 2, 4 … all cores. "
	                 "Dashed: SHA-512, and reading memory, if every core did what one does "
	                 "alone.");
	for (i = 0; i < 3; i++)
		points[i] = stp_bench_curve_points(document, hashes[i]);
	draw_scaling(out, points, hashes, 3);
	points[0] = stp_doc_get(document, "memory.read");
	points[1] = stp_doc_get(document, "memory.copy");
	draw_scaling(out, points, memory, 2);
}

static void write_kernels(struct stp_out *out, const json_t *document)
{
	struct stp_bar bars[BARS_MAX];
	char names[BARS_MAX][64];
	const json_t *kernel;
	size_t count = 0;
	size_t i;

	stp_page_section(out, "Hash kernels",
	                 "One core, data in its cache. A star marks what is used on this machine.");
	json_array_foreach((json_t *)(uintptr_t)stp_doc_get(document, "kernels"), i, kernel)
	{
		const char *algorithm = stp_doc_text(kernel, "algorithm");

		if (count == BARS_MAX)
			break;
		snprintf(names[count], sizeof(names[count]), "%s%.16s %.24s",
		         stp_doc_true(kernel, "in_use") ? "★ " : "", algorithm,
		         stp_doc_text(kernel, "kernel"));
		bars[count] = (struct stp_bar){names[count],
		                               stp_doc_rate(kernel, "bytes_per_second"),
		                               0,
		                               NULL,
		                               stp_doc_noisy(kernel, "bytes_per_second"),
		                               strcmp(algorithm, "sha256") == 0   ? 0
		                               : strcmp(algorithm, "sha512") == 0 ? 1
		                                                                  : 2};
		count++;
	}
	stp_out_format(out, "<section>");
	stp_chart_bars(out, bars, count);
	stp_out_format(out, "</section>");
}

/* --- reading, latency ------------------------------------------------------------------------ */

static void write_reading(struct stp_out *out, const json_t *document)
{
	const json_t *reading;
	char text[64], rate[32];
	size_t i;

	stp_page_section(out, "Reading without hashing",
	                 "Files in flight (depth) over all workers. Small files are up to 64 KiB, "
	                 "large ones 1 MiB and more.");
	stp_out_format(out, "<table class=\"dense\"><tr><th>files</th><th>cache</th><th>back "
	                    "end</th><th class=\"n\">depth</th><th class=\"n\">files</th><th "
	                    "class=\"n\">bytes</th></tr>\n");
	json_array_foreach((json_t *)(uintptr_t)stp_doc_get(document, "read"), i, reading)
	{
		const char *noisy = stp_doc_noisy(reading, "files_per_second") ? " ~" : "";

		stp_out_format(out, "<tr>");
		stp_page_cell(out, "", stp_doc_text(reading, "files"));
		stp_page_cell(out, "", stp_doc_text(reading, "cache"));
		stp_page_cell(out, "", stp_doc_text(reading, "io_backend"));
		stp_page_cell(out, "n", stp_count_format(stp_doc_count(reading, "depth"), text));
		snprintf(text, sizeof(text), "%s%s",
		         stp_count_rate_format(stp_doc_rate(reading, "files_per_second"), rate),
		         noisy);
		stp_page_cell(out, "n", text);
		snprintf(text, sizeof(text), "%s%s",
		         stp_bytes_rate_format(stp_doc_number(reading, "bytes_per_second"), rate),
		         noisy);
		stp_page_cell(out, "n", text);
		stp_out_format(out, "</tr>\n");
	}
	stp_out_format(out, "</table>\n");
}

static void write_histogram(struct stp_out *out, const json_t *latency)
{
	struct stp_column columns[64];
	const json_t *bucket;
	size_t count = 0;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)stp_doc_get(latency, "buckets"), i, bucket)
	{
		double from = stp_doc_number(bucket, "from_us");
		double to = stp_doc_number(bucket, "to_us");

		if (count < 64 && from >= LATENCY_LOW_US && to > from &&
		    to <= LATENCY_HIGH_US * 1.01)
			columns[count++] =
			    (struct stp_column){from, to, stp_doc_number(bucket, "count")};
	}
	stp_chart_columns(out, columns, count, LATENCY_LOW_US, LATENCY_HIGH_US, duration_axis);
}

static void write_latency(struct stp_out *out, const json_t *document)
{
	static const char *const shares[] = {"p50_us", "p90_us", "p99_us", "max_us"};
	static const char *const share_names[] = {"half within", "9 of 10", "99 of 100", "all"};
	const json_t *latency;
	char text[32];
	size_t i, j;

	stp_page_section(
	    out, "Latency of single operations",
	    "One at a time, from 1 microsecond to 100 ms, logarithmic. What publishing "
	    "waits for at its end is the last one.");
	json_array_foreach((json_t *)(uintptr_t)stp_doc_get(document, "latency"), i, latency)
	{
		stp_out_format(out, "<section><h3>");
		stp_out_html(out, stp_doc_text(latency, "operation"));
		stp_out_format(out, "</h3>\n<p class=\"soft\">");
		for (j = 0; j < 4; j++)
			stp_out_format(out, "%s%s %s", j ? " · " : "", share_names[j],
			               stp_latency_format(stp_doc_number(latency, shares[j]),
			                                  text));
		stp_out_format(out, "</p>\n");
		write_histogram(out, latency);
		stp_out_format(out, "</section>\n");
	}
}

/* --- real runs ------------------------------------------------------------------------------- */

static void write_runs(struct stp_out *out, const json_t *document)
{
	const json_t *run;
	char text[64];
	size_t i;

	stp_page_section(out, "Real runs",
	                 "Whole runs of sign on made-up indexes. The model is made from those "
	                 "without a prediction; the others say how well it does.");
	stp_out_format(out, "<table class=\"dense\"><tr><th>run</th><th class=\"n\">targets</th>"
	                    "<th class=\"n\">bins</th><th class=\"n\">took</th><th "
	                    "class=\"n\">predicted</th><th class=\"n\">off by</th></tr>\n");
	json_array_foreach((json_t *)(uintptr_t)stp_doc_get(document, "runs"), i, run)
	{
		double took = stp_doc_number(run, "seconds.total");
		double predicted = stp_doc_number(run, "predicted_seconds");

		stp_out_format(out, "<tr>");
		stp_page_cell(out, "", stp_doc_text(run, "run"));
		stp_page_cell(out, "n", stp_count_format(stp_doc_count(run, "targets"), text));
		stp_page_cell(out, "n", stp_count_format(stp_doc_count(run, "bins"), text));
		stp_page_cell(out, "n", stp_duration_format(took, text));
		if (predicted > 0 && took > 0) {
			stp_page_cell(out, "n", stp_duration_format(predicted, text));
			snprintf(text, sizeof(text), "%+.0f %%", 100 * (predicted - took) / took);
			stp_page_cell(out, "n", text);
		} else {
			stp_out_format(out, "<td></td><td></td>");
		}
		stp_out_format(out, "</tr>\n");
	}
	stp_out_format(out, "</table>\n");
}

static void write_source(struct stp_out *out, const json_t *document)
{
	char *text = json_dumps(document, JSON_INDENT(1) | JSON_REAL_PRECISION(9));

	stp_out_format(out, "<details><summary>All figures, as JSON</summary>\n<pre>");
	stp_out_html(out, text ? text : "");
	stp_out_format(out, "</pre></details>\n");
	free(text);
}

enum stp_errc stp_bench_html(const char *json, const char *name, char **out_html,
                             struct stp_err *err)
{
	struct stp_out out = STP_OUT_INIT;
	json_t *document;

	STP_TRY(stp_bench_document_load(json, name, &document, err));
	stp_page_begin(&out, "stampede bench");
	write_machine(&out, document);
	write_notes(&out, document);
	write_predictions(&out, document);
	write_limits(&out, document);
	write_scaling(&out, document);
	write_kernels(&out, document);
	write_reading(&out, document);
	write_latency(&out, document);
	write_runs(&out, document);
	write_source(&out, document);
	stp_page_end(&out);
	json_decref(document);
	return stp_out_take(&out, out_html, err);
}
