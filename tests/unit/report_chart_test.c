/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "report/chart.h"
#include "report/run_html.h"

#define LABELS_MAX 256

/* A text of a drawing, as the box that it fills. */
struct label {
	double left, right, y;
	char text[96];
};

/* Width of text in the font of the charts: 12 pixels high, DejaVu Sans, which is among the widest
 * that systems come with. */
static double text_width(const char *text)
{
	double width = 0;

	for (; *text; text++)
		if (strchr(".,:;/|il ", *text))
			width += 4.1;
		else if (*text >= '0' && *text <= '9')
			width += 7.64;
		else if (strchr("MWm%", *text))
			width += 11.7;
		else if (((unsigned char)*text & 0xc0) != 0x80)
			width += 7.7;
	return width;
}

/* The number of the attribute name behind at. */
static double attribute(const char *at, const char *name)
{
	char pattern[32];
	const char *found;

	snprintf(pattern, sizeof(pattern), " %s=\"", name);
	found = strstr(at, pattern);
	assert_non_null(found);
	return strtod(found + strlen(pattern), NULL);
}

static size_t read_labels(const char *svg, const char *end, struct label *labels)
{
	size_t count = 0;

	while ((svg = strstr(svg, "<text ")) && svg < end) {
		struct label *label = &labels[count++];
		const char *text = strchr(svg, '>') + 1;
		double x = attribute(svg, "x");
		double width;

		assert_true(count < LABELS_MAX);
		snprintf(label->text, sizeof(label->text), "%.*s", (int)strcspn(text, "<"), text);
		width = text_width(label->text);
		label->y = attribute(svg, "y");
		label->left = strncmp(strstr(svg, "text-anchor=\"") + 13, "end", 3) == 0 ? x - width
		              : strncmp(strstr(svg, "text-anchor=\"") + 13, "mid", 3) == 0
		                  ? x - width / 2
		                  : x;
		label->right = label->left + width;
		svg = text;
	}
	return count;
}

/* Each drawing of kind on the page: no text beyond its edges or on another. */
static void assert_readable(const char *html, const char *kind, double width)
{
	static struct label labels[LABELS_MAX];
	char opening[64];
	size_t drawings = 0;
	size_t i, j;

	snprintf(opening, sizeof(opening), "<svg class=\"%s\"", kind);
	while ((html = strstr(html, opening))) {
		size_t count = read_labels(html, strstr(html, "</svg>"), labels);

		for (i = 0; i < count; i++) {
			if (labels[i].left < 0 || labels[i].right > width)
				fail_msg("%s: beyond the edge: %s", kind, labels[i].text);
			for (j = 0; j < i; j++)
				if (labels[i].left < labels[j].right &&
				    labels[j].left < labels[i].right &&
				    labels[i].y < labels[j].y + 11 &&
				    labels[j].y < labels[i].y + 11)
					fail_msg("%s: on each other: %s, %s", kind, labels[i].text,
					         labels[j].text);
		}
		drawings++;
		html++;
	}
	assert_true(drawings > 0);
}

static char *take(struct stp_out *out)
{
	struct stp_err err = STP_ERR_INIT;
	char *html;

	assert_int_equal(stp_out_take(out, &html, &err), STP_OK);
	return html;
}

static void assert_readable_in_both(struct stp_out *out)
{
	char *html = take(out);

	assert_readable(html, "broad", STP_CHART_BROAD);
	assert_readable(html, "narrow", STP_CHART_NARROW);
	free(html);
}

static char *seconds_axis(double value, char *out)
{
	return stp_duration_format(value, out);
}

static char *micros_axis(double value, char *out)
{
	return stp_latency_format(value, out);
}

static void test_chart__labels_of_lines_lie_beside_each_other(void **state)
{
	/* Runs of any length, rates of any size. */
	static const double tops[] = {0.003, 0.99, 5.1, 59, 3599, 40000, 1e6};
	static const double rates[] = {0.5, 999.99e3, 999.99e6, 999.99e9};
	static const char *const names[] = {NULL, "blake2b-256"};
	size_t i, j, k;

	(void)state;
	for (i = 0; i < sizeof(tops) / sizeof(*tops); i++)
		for (j = 0; j < sizeof(rates) / sizeof(*rates); j++)
			for (k = 0; k < 2; k++) {
				double xs[2] = {0, tops[i]}, ys[2] = {0, rates[j]};
				struct stp_series series[] = {{names[k], xs, ys, 2, 0, 0},
				                              {names[k], xs, ys, 2, 0, 1}};
				struct stp_out out = STP_OUT_INIT;

				stp_chart_lines(&out, series, 2, seconds_axis, 0, 0, "time",
				                stp_bytes_rate_format);
				assert_readable_in_both(&out);
			}
}

static void test_chart__labels_of_bars_and_columns_lie_beside_each_other(void **state)
{
	static const double lows[] = {1, 5e3, 9e5, 2e8};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(lows) / sizeof(*lows); i++) {
		struct stp_bar bars[] = {
		    {"read and hash, SHA-256, hot", lows[i], 9.9e11, "the kernel, at three passes",
		     1, 0},
		    {"★ blake2b-256 portable", 9.9e11, 0, NULL, 1, 1},
		};
		struct stp_out out = STP_OUT_INIT;

		stp_chart_bars(&out, bars, 2);
		assert_readable_in_both(&out);
	}
	for (i = 1; i < 4; i++) {
		struct stp_column column = {1, 10, 5};
		struct stp_out out = STP_OUT_INIT;

		stp_chart_columns(&out, &column, 1, 1,
		                  i == 1   ? 1e5
		                  : i == 2 ? 1e3
		                           : 3e4,
		                  micros_axis);
		assert_readable_in_both(&out);
	}
}

static void test_chart__names_of_bands_and_rows_lie_beside_each_other(void **state)
{
	struct stp_band bands[64];
	uint8_t busy[64 * 4] = {100, 50};
	struct stp_out out = STP_OUT_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < 64; i++)
		bands[i] = (struct stp_band){(double)(i * i),
		                             (double)((i + 1) * (i + 1)),
		                             0,
		                             1,
		                             i % 2 ? "side by side" : "hash",
		                             1};
	stp_chart_bands(&out, bands, 64, 64 * 64);
	for (i = 1; i <= 64; i *= 2)
		stp_chart_heat(&out, busy, i, 4, 0.5);
	assert_readable_in_both(&out);
}

/* The area that each color has in the first drawing, as seconds of a run of whole seconds. */
static void read_areas(const char *html, double whole, double areas[STP_CHART_COLORS])
{
	const char *svg = strstr(html, "<svg class=\"broad\"");
	const char *end;

	assert_non_null(svg);
	end = strstr(svg, "</svg>");
	memset(areas, 0, STP_CHART_COLORS * sizeof(*areas));
	while ((svg = strstr(svg, "<rect ")) && svg < end) {
		unsigned color = (unsigned)(strstr(svg, "var(--c") + 7)[0] - '0';

		assert_true(color < STP_CHART_COLORS);
		/* The plot is 544 by 24; a unit of paper lies behind each rectangle. */
		areas[color] +=
		    (attribute(svg, "width") + 1) / 544 * attribute(svg, "height") / 24 * whole;
		svg++;
	}
}

static void test_chart__stages_over_time_are_those_of_the_table(void **state)
{
	static const struct stp_sign_span spans[] = {
	    {"rest", 0, 1}, {"scan", 1, 3},     {"hash", 3, 8},   {"ledger", 8, 10},
	    {"", 10, 16},   {"ledger", 16, 17}, {"rest", 17, 18}, {"publish", 18, 20},
	};
	/* Side by side: 1 s ledger, 2 s bins, 2.5 s sign, 0.5 s publish. */
	static const double seconds[] = {2, 5, 4, 2, 2.5, 2.5, 2};
	struct stp_run_page page = {
	    .report_json =
	        "{\"published\":true,\"seconds\":{\"scan\":2,\"hash\":5,\"ledger\":4,\"bins\":2,"
	        "\"sign\":2.5,\"publish\":2.5,\"rest\":2,\"total\":20}}",
	    .repo = "r",
	    .outcome = "",
	    .spans = spans,
	    .span_count = sizeof(spans) / sizeof(*spans),
	};
	double areas[STP_CHART_COLORS];
	struct stp_err err = STP_ERR_INIT;
	char *html;
	size_t i;

	(void)state;
	assert_int_equal(stp_run_html(&page, &html, &err), STP_OK);
	read_areas(html, 20, areas);
	for (i = 0; i < STP_CHART_COLORS; i++)
		if (areas[i] < seconds[i] - 0.05 || areas[i] > seconds[i] + 0.05)
			fail_msg("stage %zu: %f s drawn for %f s", i, areas[i], seconds[i]);
	free(html);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_chart__labels_of_lines_lie_beside_each_other),
	    cmocka_unit_test(test_chart__labels_of_bars_and_columns_lie_beside_each_other),
	    cmocka_unit_test(test_chart__names_of_bands_and_rows_lie_beside_each_other),
	    cmocka_unit_test(test_chart__stages_over_time_are_those_of_the_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
