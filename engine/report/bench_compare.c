/* SPDX-License-Identifier: Apache-2.0 */
/* Two machines side by side: every figure of both, and how many times the second is the first. The
 * same rows as text and as a page. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "report/bench_document.h"
#include "report/bench_views.h"
#include "report/page.h"

typedef char *format_fn(double value, char *out);

struct table {
	struct stp_out *out;
	int is_page;
};

/* The lines up to the next title are about this. */
static void title(const struct table *table, const char *text)
{
	if (!table->is_page) {
		stp_out_format(table->out, "\n");
		stp_out_line(table->out, "%s", text);
		return;
	}
	stp_out_format(table->out, "</table></section>\n<section><h3>");
	stp_out_html(table->out, text);
	stp_out_format(table->out, "</h3>\n<table class=\"dense\">");
}

/* One line; nothing when neither has the figure. More is better, or less when is_time. */
static void row(const struct table *table, const char *name, double a, double b, format_fn *format,
                int is_time)
{
	char a_text[32] = "-", b_text[32] = "-", ratio[32] = "";

	if (!(a > 0) && !(b > 0))
		return;
	if (a > 0)
		format(a, a_text);
	if (b > 0)
		format(b, b_text);
	if (a > 0 && b > 0)
		snprintf(ratio, sizeof(ratio), "x%.2f", is_time ? a / b : b / a);
	if (!table->is_page) {
		stp_out_line(table->out, "  %-34.34s %14s %14s %9.9s", name, a_text, b_text, ratio);
		return;
	}
	stp_out_format(table->out, "<tr>");
	stp_page_cell(table->out, "", name);
	stp_page_cell(table->out, "n", a_text);
	stp_page_cell(table->out, "n", b_text);
	stp_page_cell(table->out, "n", ratio);
	stp_out_format(table->out, "</tr>\n");
}

static double end_of(const json_t *document, const char *path)
{
	return stp_doc_rate(stp_bench_curve_end(stp_doc_get(document, path)), "bytes_per_second");
}

static double first_of(const json_t *points)
{
	return stp_doc_rate(json_array_get(points, 0), "bytes_per_second");
}

static void compare_hashes(const struct table *table, const json_t *a, const json_t *b)
{
	static const char *const algorithms[] = {"sha256", "sha512", "blake2b-256"};
	char name[64];
	size_t i;

	for (i = 0; i < 3; i++) {
		const json_t *a_points = stp_bench_curve_points(a, algorithms[i]);
		const json_t *b_points = stp_bench_curve_points(b, algorithms[i]);

		snprintf(name, sizeof(name), "%s, 1 core", algorithms[i]);
		row(table, name, first_of(a_points), first_of(b_points), stp_bytes_rate_format, 0);
		snprintf(name, sizeof(name), "%s, all cores", algorithms[i]);
		row(table, name, stp_doc_rate(stp_bench_curve_end(a_points), "bytes_per_second"),
		    stp_doc_rate(stp_bench_curve_end(b_points), "bytes_per_second"),
		    stp_bytes_rate_format, 0);
	}
}

static void compare_rates(const struct table *table, const json_t *a, const json_t *b)
{
	static const struct {
		const char *name, *path;
		format_fn *format;
	} rates[] = {
	    {"encode bins, all cores", "encode.bytes_per_second", stp_bytes_rate_format},
	    {"scan, hot", "scan.hot_files_per_second", stp_count_rate_format},
	    {"scan, cold", "scan.cold_files_per_second", stp_count_rate_format},
	    {"create files", "durable.create_files_per_second", stp_count_rate_format},
	    {"write, durable", "durable.write_bytes_per_second", stp_bytes_rate_format},
	};
	size_t i;

	row(table, "read memory, all cores", end_of(a, "memory.read"), end_of(b, "memory.read"),
	    stp_bytes_rate_format, 0);
	row(table, "copy memory, all cores", end_of(a, "memory.copy"), end_of(b, "memory.copy"),
	    stp_bytes_rate_format, 0);
	for (i = 0; i < sizeof(rates) / sizeof(rates[0]); i++)
		row(table, rates[i].name, stp_doc_rate(a, rates[i].path),
		    stp_doc_rate(b, rates[i].path), rates[i].format, 0);
}

static void compare_reading(const struct table *table, const json_t *a, const json_t *b)
{
	static const char *const caches[] = {"cold", "hot"};
	char name[64];
	size_t i;

	for (i = 0; i < 2; i++) {
		snprintf(name, sizeof(name), "read small files, %s, best", caches[i]);
		row(table, name,
		    stp_bench_best_reading(a, "small", caches[i], "files_per_second.value"),
		    stp_bench_best_reading(b, "small", caches[i], "files_per_second.value"),
		    stp_count_rate_format, 0);
		snprintf(name, sizeof(name), "read large files, %s, best", caches[i]);
		row(table, name, stp_bench_best_reading(a, "large", caches[i], "bytes_per_second"),
		    stp_bench_best_reading(b, "large", caches[i], "bytes_per_second"),
		    stp_bytes_rate_format, 0);
	}
}

/* The prediction of the same index in another document, NULL when it has none. */
static const json_t *same_index(const json_t *document, const json_t *prediction)
{
	const json_t *other;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)stp_doc_get(document, "predictions"), i,
	                   other) if (strcmp(stp_doc_text(other, "index"),
	                                     stp_doc_text(prediction, "index")) == 0 &&
	                              stp_doc_number(other, "targets") ==
	                                  stp_doc_number(prediction, "targets") &&
	                              stp_doc_number(other, "bytes") ==
	                                  stp_doc_number(prediction, "bytes")) return other;
	return NULL;
}

static double job_seconds(const json_t *prediction, const char *name)
{
	const json_t *job;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)stp_doc_get(prediction, "jobs"), i,
	                   job) if (strcmp(stp_doc_text(job, "job"), name) ==
	                            0) return stp_doc_number(job, "seconds.total");
	return 0;
}

static void compare_predictions(const struct table *table, const json_t *a, const json_t *b)
{
	const json_t *prediction;
	const json_t *job;
	char count[32], text[128];
	size_t i, j;

	json_array_foreach((json_t *)(uintptr_t)stp_doc_get(a, "predictions"), i, prediction)
	{
		const json_t *other = same_index(b, prediction);

		if (!other)
			continue;
		snprintf(text, sizeof(text), "%.40s, %s targets, predicted",
		         stp_doc_text(prediction, "index"),
		         stp_count_format(stp_doc_count(prediction, "targets"), count));
		title(table, text);
		json_array_foreach((json_t *)(uintptr_t)stp_doc_get(prediction, "jobs"), j, job)
		    row(table, stp_doc_text(job, "job"), stp_doc_number(job, "seconds.total"),
		        job_seconds(other, stp_doc_text(job, "job")), stp_duration_format, 1);
	}
}

static void write_machine(const struct table *table, const char *letter, const char *name,
                          const json_t *document)
{
	char memory[32], text[512];

	snprintf(text, sizeof(text), "%s: %.200s: %.120s, %.0f cores, %s, %.16s", letter, name,
	         stp_doc_text(document, "machine.cpu"), stp_doc_number(document, "machine.cores"),
	         stp_bytes_format(stp_doc_count(document, "machine.memory_bytes"), memory),
	         stp_doc_text(document, "machine.file_system"));
	if (!table->is_page) {
		stp_out_line(table->out, "%s", text);
		return;
	}
	stp_out_format(table->out, "<p class=\"soft\">");
	stp_out_html(table->out, text);
	stp_out_format(table->out, "</p>\n");
}

static void write_head(const struct table *table)
{
	if (table->is_page)
		stp_out_format(
		    table->out,
		    "<section><table class=\"dense\"><tr><th></th><th class=\"n\">A</th><th "
		    "class=\"n\">B</th><th class=\"n\">B is</th></tr>\n");
	else
		stp_out_format(table->out, "\n  %-34s %14s %14s %9s\n", "", "A", "B", "B is");
}

static void write_all(const struct table *table, const char *name_a, const json_t *a,
                      const char *name_b, const json_t *b)
{
	write_machine(table, "A", name_a, a);
	write_machine(table, "B", name_b, b);
	write_head(table);
	compare_hashes(table, a, b);
	compare_rates(table, a, b);
	compare_reading(table, a, b);
	compare_predictions(table, a, b);
	if (table->is_page)
		stp_out_format(table->out, "</table></section>\n");
}

static enum stp_errc compare(const char *json_a, const char *name_a, const char *json_b,
                             const char *name_b, int is_page, char **out_text, struct stp_err *err)
{
	struct stp_out out = STP_OUT_INIT;
	struct table table = {&out, is_page};
	json_t *a = NULL;
	json_t *b = NULL;
	enum stp_errc code = stp_bench_document_load(json_a, name_a, &a, err);

	if (code == STP_OK)
		code = stp_bench_document_load(json_b, name_b, &b, err);
	if (code == STP_OK) {
		if (is_page)
			stp_page_begin(&out, "stampede bench: two machines");
		write_all(&table, name_a, a, name_b, b);
		if (is_page)
			stp_page_end(&out);
		code = stp_out_take(&out, out_text, err);
	}
	json_decref(a);
	json_decref(b);
	return code;
}

enum stp_errc stp_bench_compare(const char *json_a, const char *name_a, const char *json_b,
                                const char *name_b, char **out_text, struct stp_err *err)
{
	return compare(json_a, name_a, json_b, name_b, 0, out_text, err);
}

enum stp_errc stp_bench_compare_html(const char *json_a, const char *name_a, const char *json_b,
                                     const char *name_b, char **out_html, struct stp_err *err)
{
	return compare(json_a, name_a, json_b, name_b, 1, out_html, err);
}
