/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The picture of a plan: bytes of metadata per installation (logarithmic) over the number of bins
 * (logarithmic), one line per kind of user. Plain SVG 1.1 without scripts or external fonts.
 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/text.h"
#include "stampede/plan.h"

#define WIDTH  760
#define HEIGHT 460
#define LEFT   80
#define RIGHT  170
#define TOP    56
#define BOTTOM 56

struct picture {
	struct stp_buf out;
	enum stp_errc code;
	const struct stp_plan_report *plan;
	double low, high; /* log10 of the bytes at the bottom and the top */
};

static void put(struct picture *p, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(struct picture *p, const char *format, ...)
{
	char text[512];
	va_list args;
	int count;

	va_start(args, format);
	count = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (p->code == STP_OK && count > 0)
		p->code = stp_buf_append(&p->out, text, (size_t)count, NULL);
}

static double x_of(const struct picture *p, size_t row)
{
	double steps = p->plan->row_count > 1 ? (double)p->plan->row_count - 1 : 1;

	return LEFT + (double)row * (WIDTH - LEFT - RIGHT) / steps;
}

static double y_of(const struct picture *p, double bytes)
{
	return HEIGHT - BOTTOM -
	       (log10(bytes) - p->low) / (p->high - p->low) * (HEIGHT - TOP - BOTTOM);
}

static uint64_t same(const struct stp_plan_row *row)
{
	return row->user_same;
}

static uint64_t next(const struct stp_plan_row *row)
{
	return row->user_next;
}

static uint64_t new_user(const struct stp_plan_row *row)
{
	return row->user_new;
}

static const struct {
	const char *name, *color;
	uint64_t (*bytes)(const struct stp_plan_row *row);
} lines[] = {
    {"new user", "#b5432a", new_user},
    {"new snapshot", "#2a6fb5", next},
    {"same snapshot", "#3a8a4f", same},
};

/* Powers of ten around all values. */
static void find_range(struct picture *p)
{
	double low = 1e300, high = 0;
	size_t i;

	for (i = 0; i < p->plan->row_count; i++) {
		low = fmin(low, (double)p->plan->rows[i].user_same);
		high = fmax(high, (double)p->plan->rows[i].user_new);
	}
	p->low = floor(log10(low));
	p->high = ceil(log10(high));
	if (p->high <= p->low)
		p->high = p->low + 1;
}

static void put_axes(struct picture *p)
{
	char text[32];
	int step;
	size_t i;

	for (step = (int)p->low; step <= (int)p->high; step++) {
		double y = y_of(p, pow(10, step));

		put(p, "<line x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\" stroke=\"#ddd\"/>\n",
		    LEFT, y, WIDTH - RIGHT, y);
		put(p, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n", LEFT - 8, y + 4,
		    stp_bytes_format((uint64_t)(pow(10, step) + 0.5), text));
	}
	for (i = 0; i < p->plan->row_count; i++)
		put(p, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>\n", x_of(p, i),
		    HEIGHT - BOTTOM + 20 + (i % 2 ? 14 : 0),
		    stp_count_format(p->plan->rows[i].bins, text));
	put(p, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">bins</text>\n",
	    (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 6);
}

/* The recommended count, and the size of an average download for comparison. */
static void put_marks(struct picture *p)
{
	double x = x_of(p, p->plan->recommended), y = y_of(p, (double)p->plan->file_bytes);

	put(p,
	    "<line x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\" stroke=\"#888\" "
	    "stroke-dasharray=\"4 3\"/>\n",
	    x, TOP, x, HEIGHT - BOTTOM);
	put(p, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">recommended</text>\n", x, TOP - 6);
	if (y < TOP || y > HEIGHT - BOTTOM)
		return;
	put(p,
	    "<line x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\" stroke=\"#888\" "
	    "stroke-dasharray=\"1 3\"/>\n",
	    LEFT, y, WIDTH - RIGHT, y);
	put(p, "<text x=\"%d\" y=\"%.1f\" fill=\"#888\">average download</text>\n",
	    WIDTH - RIGHT + 8, y + 4);
}

static void put_line(struct picture *p, size_t line)
{
	const struct stp_plan_report *plan = p->plan;
	double y = y_of(p, (double)lines[line].bytes(&plan->rows[plan->row_count - 1]));
	size_t i;

	put(p, "<polyline fill=\"none\" stroke-width=\"2\" stroke=\"%s\" points=\"",
	    lines[line].color);
	for (i = 0; i < plan->row_count; i++)
		put(p, "%.1f,%.1f ", x_of(p, i),
		    y_of(p, (double)lines[line].bytes(&plan->rows[i])));
	put(p, "\"/>\n");
	for (i = 0; i < plan->row_count; i++)
		put(p, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"%s\"/>\n", x_of(p, i),
		    y_of(p, (double)lines[line].bytes(&plan->rows[i])), lines[line].color);
	/* The ends of the two upper lines may be close together. */
	put(p, "<text x=\"%d\" y=\"%.1f\" fill=\"%s\">%s</text>\n", WIDTH - RIGHT + 8,
	    y + (line == 0   ? -2
	         : line == 1 ? 10
	                     : 4),
	    lines[line].color, lines[line].name);
}

char *stp_plan_svg(const struct stp_plan_report *plan)
{
	struct picture p = {STP_BUF_INIT, STP_OK, plan, 0, 0};
	char targets[32];
	size_t i;

	find_range(&p);
	put(&p,
	    "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" "
	    "height=\"%d\" font-family=\"sans-serif\" font-size=\"12\">\n",
	    WIDTH, HEIGHT, WIDTH, HEIGHT);
	put(&p, "<rect width=\"%d\" height=\"%d\" fill=\"white\"/>\n", WIDTH, HEIGHT);
	put(&p,
	    "<text x=\"%d\" y=\"24\" font-size=\"15\">Metadata fetched per installation, %s "
	    "targets</text>\n",
	    LEFT, stp_count_format(plan->targets, targets));
	put_axes(&p);
	put_marks(&p);
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		put_line(&p, i);
	put(&p, "</svg>\n");
	if (p.code == STP_OK)
		p.code = stp_buf_append(&p.out, "", 1, NULL);
	if (p.code == STP_OK)
		return (char *)p.out.data;
	stp_buf_release(&p.out);
	return NULL;
}
