/* SPDX-License-Identifier: Apache-2.0 */
/* What `bench` prints: tables of at most 80 columns, wider ones only for running text. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "report/bench_document.h"
#include "report/bench_views.h"

#define TEXT_WIDTH_MIN 60
#define TEXT_WIDTH_MAX 100
/* Of a prediction: a narrower range than this is not worth reading. */
#define RANGE_SHOWN 0.1

/* "~" behind a rate whose runs lay far apart. */
static const char *mark(const json_t *object, const char *path)
{
	return stp_doc_noisy(object, path) ? "~" : " ";
}

/* The same within a sentence. */
static const char *mark_inline(const json_t *object, const char *path)
{
	return stp_doc_noisy(object, path) ? "~" : "";
}

static void heading(struct stp_out *out, const char *title)
{
	stp_out_format(out, "\n%s\n", title);
}

static void write_machine(struct stp_out *out, const json_t *document, size_t width)
{
	char text[512];
	char memory[32];

	snprintf(text, sizeof(text),
	         "%.200s, %.0f core%s, %s of memory, Linux %.60s, scratch on %.16s",
	         stp_doc_text(document, "machine.cpu"), stp_doc_number(document, "machine.cores"),
	         stp_doc_number(document, "machine.cores") == 1 ? "" : "s",
	         stp_bytes_format(stp_doc_count(document, "machine.memory_bytes"), memory),
	         stp_doc_text(document, "machine.kernel"),
	         stp_doc_text(document, "machine.file_system"));
	stp_out_wrap(out, "", 0, width, text);
}

static void write_kernels(struct stp_out *out, const json_t *document)
{
	const json_t *kernel;
	char one[32];
	char all[32];
	size_t i;

	heading(out, "hash kernels");
	stp_out_format(out, "  %-13s %-14s %14s %16s\n", "", "", "1 core", "all cores");
	json_array_foreach((json_t *)(uintptr_t)stp_doc_get(document, "kernels"), i, kernel)
	{
		const char *algorithm = stp_doc_text(kernel, "algorithm");
		const json_t *end =
		    stp_bench_curve_end(stp_bench_curve_points(document, algorithm));
		int in_use = stp_doc_true(kernel, "in_use");

		stp_bytes_rate_format(stp_doc_rate(kernel, "bytes_per_second"), one);
		all[0] = '\0';
		if (in_use)
			stp_bytes_rate_format(stp_doc_rate(end, "bytes_per_second"), all);
		stp_out_line(out, "  %-13.13s %-14.14s %14s%s %15s%s", in_use ? algorithm : "",
		             stp_doc_text(kernel, "kernel"), one, mark(kernel, "bytes_per_second"),
		             all, in_use ? mark(end, "bytes_per_second") : "");
	}
}

/* One line: name, a rate on one core, one on all. */
static void rate_row(struct stp_out *out, const char *name, const json_t *object, const char *one,
                     const char *all)
{
	char one_text[32] = "";
	char all_text[32] = "";

	if (one)
		stp_bytes_rate_format(stp_doc_rate(object, one), one_text);
	if (all)
		stp_bytes_rate_format(stp_doc_rate(object, all), all_text);
	stp_out_format(out, "  %-28s %14s%s %15s%s\n", name, one_text,
	               one ? mark(object, one) : " ", all_text, all ? mark(object, all) : "");
}

static void curve_row(struct stp_out *out, const char *name, const json_t *points)
{
	char one[32];
	char all[32];
	const json_t *end = stp_bench_curve_end(points);
	const json_t *first = json_array_get(points, 0);

	stp_bytes_rate_format(stp_doc_rate(first, "bytes_per_second"), one);
	stp_bytes_rate_format(stp_doc_rate(end, "bytes_per_second"), all);
	stp_out_format(out, "  %-28s %14s%s %15s%s\n", name, one, mark(first, "bytes_per_second"),
	               all, mark(end, "bytes_per_second"));
}

static void write_processor(struct stp_out *out, const json_t *document)
{
	const json_t *sign;
	char name[64];
	size_t i;

	heading(out, "memory, encoding, signing");
	curve_row(out, "read memory", stp_doc_get(document, "memory.read"));
	curve_row(out, "copy memory", stp_doc_get(document, "memory.copy"));
	rate_row(out, "encode bins", stp_doc_get(document, "encode"), "bytes_per_second_core",
	         "bytes_per_second");
	json_array_foreach((json_t *)(uintptr_t)stp_doc_get(document, "sign"), i, sign)
	{
		snprintf(name, sizeof(name), "sign and check, %.0f B each",
		         stp_doc_number(sign, "document_bytes"));
		rate_row(out, name, sign, "bytes_per_second_core", "bytes_per_second");
	}
}

/* --- storage --------------------------------------------------------------------------------- */

static const json_t *find_reading(const json_t *document, const char *set, const char *cache,
                                  const char *back_end, double depth)
{
	const json_t *reading;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)stp_doc_get(document, "read"), i,
	                   reading) if (strcmp(stp_doc_text(reading, "files"), set) == 0 &&
	                                strcmp(stp_doc_text(reading, "cache"), cache) == 0 &&
	                                strcmp(stp_doc_text(reading, "io_backend"), back_end) ==
	                                    0 &&
	                                stp_doc_number(reading, "depth") == depth) return reading;
	return NULL;
}

/* "small files, cold" by depth, for both back ends. */
static void write_readings(struct stp_out *out, const json_t *document, const char *set,
                           const char *cache)
{
	static const char *const back_ends[] = {"io_uring", "pread"};
	static const double depths[] = {1, 16, 64, 256};
	int is_small = set[0] == 's';
	char text[32];
	size_t b, d;

	for (b = 0; b < 2; b++) {
		if (!find_reading(document, set, cache, back_ends[b], 1))
			continue;
		snprintf(text, sizeof(text), "%s files, %s", set, cache);
		stp_out_format(out, "  %-17s %-8s", text, back_ends[b]);
		for (d = 0; d < 4; d++) {
			const json_t *reading =
			    find_reading(document, set, cache, back_ends[b], depths[d]);

			if (!reading)
				text[0] = '\0';
			else if (is_small)
				stp_count_rate_format(stp_doc_rate(reading, "files_per_second"),
				                      text);
			else
				stp_bytes_rate_format(stp_doc_number(reading, "bytes_per_second"),
				                      text);
			stp_out_format(out, " %11s%s", text, mark(reading, "files_per_second"));
		}
		stp_out_format(out, "\n");
	}
}

static void write_storage(struct stp_out *out, const json_t *document)
{
	char a[32];
	char b[32];

	heading(out, "reading, files in flight");
	stp_out_format(out, "  %-26s %11s  %11s  %11s  %11s\n", "", "1", "16", "64", "256");
	write_readings(out, document, "small", "cold");
	write_readings(out, document, "large", "cold");
	write_readings(out, document, "small", "hot");
	write_readings(out, document, "large", "hot");
	heading(out, "scanning, hashing files, writing");
	stp_out_format(
	    out, "  scan: %s hot%s, %s cold%s\n",
	    stp_count_rate_format(stp_doc_rate(document, "scan.hot_files_per_second"), a),
	    mark_inline(document, "scan.hot_files_per_second"),
	    stp_count_rate_format(stp_doc_rate(document, "scan.cold_files_per_second"), b),
	    mark_inline(document, "scan.cold_files_per_second"));
}

static void write_hash(struct stp_out *out, const json_t *document)
{
	const json_t *measure;
	char a[32];
	char b[32];
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)stp_doc_get(document, "hash"), i, measure)
	    stp_out_line(out, "  read and hash, hot, %.16s: %s in large files%s, %s small files%s",
	                 stp_doc_text(measure, "hash"),
	                 stp_bytes_rate_format(stp_doc_rate(measure, "large_bytes_per_second"), a),
	                 mark_inline(measure, "large_bytes_per_second"),
	                 stp_count_rate_format(stp_doc_rate(measure, "small_files_per_second"), b),
	                 mark_inline(measure, "small_files_per_second"));
	stp_out_format(
	    out, "  create: %s%s, then %s to make %.0f durable\n",
	    stp_count_rate_format(stp_doc_rate(document, "durable.create_files_per_second"), a),
	    mark_inline(document, "durable.create_files_per_second"),
	    stp_duration_format(stp_doc_number(document, "durable.create_sync_seconds"), b),
	    stp_doc_number(document, "durable.created_files"));
	stp_out_format(
	    out, "  write: %s durable%s\n",
	    stp_bytes_rate_format(stp_doc_rate(document, "durable.write_bytes_per_second"), a),
	    mark_inline(document, "durable.write_bytes_per_second"));
}

static void write_latency(struct stp_out *out, const json_t *document)
{
	const json_t *latency;
	char a[32], b[32], c[32], d[32];
	size_t i;

	heading(out, "latency");
	stp_out_format(out, "  %-27s %10s  %10s  %10s  %10s\n", "", "half", "9 of 10", "99 of 100",
	               "all");
	json_array_foreach((json_t *)(uintptr_t)stp_doc_get(document, "latency"), i, latency)
	{
		char name[32];

		snprintf(name, sizeof(name), "%s", stp_doc_text(latency, "operation"));
		stp_out_line(out, "  %-27s %10s  %10s  %10s  %10s", name,
		             stp_latency_format(stp_doc_number(latency, "p50_us"), a),
		             stp_latency_format(stp_doc_number(latency, "p90_us"), b),
		             stp_latency_format(stp_doc_number(latency, "p99_us"), c),
		             stp_latency_format(stp_doc_number(latency, "max_us"), d));
	}
}

/* --- whole runs and predictions -------------------------------------------------------------- */

static void write_runs(struct stp_out *out, const json_t *document)
{
	const json_t *run;
	char real[32], said[32], count[32], error[32];
	size_t i;

	heading(out, "real runs of sign, and what the model says of those it was not made from");
	stp_out_format(out, "  %-28s %10s %7s %9s %11s\n", "", "targets", "bins", "took",
	               "predicted");
	json_array_foreach((json_t *)(uintptr_t)stp_doc_get(document, "runs"), i, run)
	{
		double took = stp_doc_number(run, "seconds.total");
		double predicted = stp_doc_number(run, "predicted_seconds");

		error[0] = said[0] = '\0';
		if (predicted > 0 && took > 0) {
			stp_duration_format(predicted, said);
			snprintf(error, sizeof(error), "%+.0f %%", 100 * (predicted - took) / took);
		}
		stp_out_line(out, "  %-28.28s %10s %7.0f %9s %11s  %s", stp_doc_text(run, "run"),
		             stp_count_format(stp_doc_count(run, "targets"), count),
		             stp_doc_number(run, "bins"), stp_duration_format(took, real), said,
		             error);
	}
}

/* " (1.2 s to 1.9 s)" where the measured runs lay more than a tenth apart. */
static const char *range_text(const json_t *job, char out[96])
{
	double total = stp_doc_number(job, "seconds.total");
	double low = stp_doc_number(job, "seconds.low");
	double high = stp_doc_number(job, "seconds.high");
	char a[32];
	char b[32];

	out[0] = '\0';
	if (low > 0 && high - low > RANGE_SHOWN * total)
		snprintf(out, 96, " (%s to %s)", stp_duration_format(low, a),
		         stp_duration_format(high, b));
	return out;
}

static void write_prediction(struct stp_out *out, const json_t *prediction, size_t width)
{
	const json_t *job;
	const char *last = "";
	char a[32], b[32], bins[32], range[96], line[512];
	size_t i;

	stp_out_format(out, "\n");
	snprintf(line, sizeof(line), "%.40s: %s targets, %s, %s bins, %.40s",
	         stp_doc_text(prediction, "index"),
	         stp_count_format(stp_doc_count(prediction, "targets"), a),
	         stp_bytes_format(stp_doc_count(prediction, "bytes"), b),
	         stp_count_format(stp_doc_count(prediction, "bins"), bins),
	         stp_doc_text(prediction, "hash"));
	stp_out_wrap(out, "", 0, width, line);
	json_array_foreach((json_t *)(uintptr_t)stp_doc_get(prediction, "jobs"), i, job)
	{
		const char *advice = stp_doc_text(job, "advice");

		stp_out_line(out, "  %-27.27s %11s%s   bottleneck: %.24s", stp_doc_text(job, "job"),
		             stp_duration_format(stp_doc_number(job, "seconds.total"), a),
		             range_text(job, range), stp_doc_text(job, "bottleneck"));
		if (strcmp(advice, last) != 0)
			stp_out_wrap(out, "", 6, width, advice);
		last = advice;
	}
}

static void write_notes(struct stp_out *out, const json_t *document, size_t width)
{
	const json_t *note;
	size_t i;

	if (json_array_size(stp_doc_get(document, "notes")) == 0)
		return;
	heading(out, "notes (~ marks noisy measures)");
	json_array_foreach((json_t *)(uintptr_t)stp_doc_get(document, "notes"), i, note)
	    stp_out_wrap(out, "  * ", 4, width,
	                 json_string_value(note) ? json_string_value(note) : "");
}

enum stp_errc stp_bench_text(const char *json, const char *name, size_t width, char **out_text,
                             struct stp_err *err)
{
	struct stp_out out = STP_OUT_INIT;
	const json_t *prediction;
	json_t *document;
	size_t i;

	STP_TRY(stp_bench_document_load(json, name, &document, err));
	width = width < TEXT_WIDTH_MIN ? TEXT_WIDTH_MIN : width;
	width = width > TEXT_WIDTH_MAX ? TEXT_WIDTH_MAX : width;
	write_machine(&out, document, width);
	write_kernels(&out, document);
	write_processor(&out, document);
	write_storage(&out, document);
	write_hash(&out, document);
	write_latency(&out, document);
	write_runs(&out, document);
	heading(&out, "predicted");
	json_array_foreach((json_t *)(uintptr_t)stp_doc_get(document, "predictions"), i, prediction)
	    write_prediction(&out, prediction, width);
	write_notes(&out, document, width);
	json_decref(document);
	return stp_out_take(&out, out_text, err);
}
