/* SPDX-License-Identifier: Apache-2.0 */
#include "report/chart.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define ROW_HEIGHT 26
/* What a number on an axis may take at most: "10 h 15 min" and a gap. */
#define LABEL_WIDTH 96
/* Half of "100 MB/s" or "100 ms". */
#define DECADE_HALF 30

/* How a chart is laid out in one of its two drawings. */
struct frame {
	const char *kind; /* class in the style of the page */
	double width;
	double bars_left, bars_right;
	/* of a line above each bar for its name; 0: the name stands to the left */
	double name_height;
	double plot_right;
	double plot_right_named; /* where names stand beside the lines */
};

static const struct frame frames[] = {
    {"broad", STP_CHART_BROAD, 210, STP_CHART_BROAD - 110, 0, STP_CHART_BROAD - 130,
     STP_CHART_BROAD - 130},
    {"narrow", STP_CHART_NARROW, 0, STP_CHART_NARROW - 30, 18, STP_CHART_NARROW - 30,
     STP_CHART_NARROW - 108},
};
#define FRAME_COUNT (sizeof(frames) / sizeof(frames[0]))

void stp_chart_legend(struct stp_out *out, const char *const *names, size_t count)
{
	size_t i;

	stp_out_format(out, "<ul class=\"legend\">");
	for (i = 0; i < count; i++) {
		stp_out_format(out, "<li><i style=\"background:var(--c%zu)\"></i>",
		               i % STP_CHART_COLORS);
		stp_out_html(out, names[i]);
		stp_out_format(out, "</li>");
	}
	stp_out_format(out, "</ul>\n");
}

static void begin_svg(struct stp_out *out, const struct frame *frame, double height)
{
	stp_out_format(out, "<svg class=\"%s\" viewBox=\"0 0 %.0f %.0f\" role=\"img\">\n",
	               frame->kind, frame->width, height);
}

static void end_svg(struct stp_out *out)
{
	stp_out_format(out, "</svg>\n");
}

static void svg_text(struct stp_out *out, double x, double y, const char *anchor, const char *kind,
                     const char *text)
{
	stp_out_format(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" class=\"%s\">", x, y,
	               anchor, kind);
	stp_out_html(out, text);
	stp_out_format(out, "</text>\n");
}

/* A label below x, moved where it would reach beyond the drawing; half is half its width. */
static void svg_label(struct stp_out *out, const struct frame *frame, double x, double half,
                      double y, const char *text)
{
	if (x + half > frame->width)
		svg_text(out, frame->width, y, "end", "soft", text);
	else if (x < half)
		svg_text(out, 0, y, "start", "soft", text);
	else
		svg_text(out, x, y, "middle", "soft", text);
}

static void svg_line(struct stp_out *out, double x1, double y1, double x2, double y2,
                     const char *kind)
{
	stp_out_format(out,
	               "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" class=\"%s\"/>\n", x1,
	               y1, x2, y2, kind);
}

static void svg_rect(struct stp_out *out, double x, double y, double width, double height,
                     unsigned color)
{
	stp_out_format(out,
	               "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"2\" "
	               "fill=\"var(--c%u)\"/>\n",
	               x, y, width > 0.5 ? width : 0.5, height, color % STP_CHART_COLORS);
}

/* --- bars ------------------------------------------------------------------------------------ */

/* Powers of ten around all values and limits. */
static void decades(const struct stp_bar *bars, size_t count, int *out_low, int *out_high)
{
	double low = 0, high = 0;
	size_t i;

	for (i = 0; i < count; i++) {
		double value = bars[i].value;
		double top = bars[i].limit > value ? bars[i].limit : value;

		if (value > 0 && (low == 0 || value < low))
			low = value;
		if (top > high)
			high = top;
	}
	*out_low = low > 0 ? (int)floor(log10(low)) : 0;
	*out_high = high > 0 ? (int)ceil(log10(high)) : 1;
	if (*out_high <= *out_low)
		*out_high = *out_low + 1;
}

/* A power of ten as an axis says it: "100 MB/s". */
static char *decade_format(int decade, char *out)
{
	static const char *const units[] = {"B/s", "kB/s", "MB/s", "GB/s", "TB/s"};
	int unit = decade < 0 ? 0 : decade / 3 > 4 ? 4 : decade / 3;

	snprintf(out, 32, "%.0f %s", pow(10, decade - 3 * unit), units[unit]);
	return out;
}

static double bar_x(const struct frame *frame, double value, int low, int high)
{
	double span = frame->bars_right - frame->bars_left;
	double at = (log10(value) - low) / (high - low);

	return frame->bars_left + span * (at < 0 ? 0 : at > 1 ? 1 : at);
}

/* Draws a bar whose upper edge is at y. */
static void draw_bar(struct stp_out *out, const struct frame *frame, const struct stp_bar *bar,
                     double y, int low, int high)
{
	double left = frame->bars_left;
	double end = bar->value > 0 ? bar_x(frame, bar->value, low, high) : left;
	char text[160];
	char rate[32];

	if (frame->name_height > 0)
		svg_text(out, 0, y + 13, "start", "", bar->name);
	else
		svg_text(out, left - 10, y + 16, "end", "", bar->name);
	snprintf(text, sizeof(text), "%s%s", stp_bytes_rate_format(bar->value, rate),
	         bar->is_noisy ? " ~" : "");
	svg_text(out, frame->width, y + (frame->name_height > 0 ? 13 : 16), "end", "", text);
	y += frame->name_height;
	svg_rect(out, left, y + 4, end - left, ROW_HEIGHT - 10, bar->color);
	if (bar->limit > 0) {
		double x = bar_x(frame, bar->limit, low, high);

		svg_line(out, x, y + 1, x, y + ROW_HEIGHT - 3, "tick");
	}
	if (bar->limit > 0 && bar->value > 0) {
		snprintf(text, sizeof(text), "%.0f %% of %s", 100 * bar->value / bar->limit,
		         bar->limit_name);
		svg_text(out, left > 0 ? left + 6 : 0, y + ROW_HEIGHT + 8, "start", "soft", text);
	}
}

/* Grid lines at the powers of ten, as many with a label as there is room for. */
static void draw_decades(struct stp_out *out, const struct frame *frame, double height, int low,
                         int high)
{
	double apart = (frame->bars_right - frame->bars_left) / (high - low);
	int every = (int)ceil((2 * DECADE_HALF + 8) / apart);
	char text[32];
	int at;

	for (at = low; at <= high; at++) {
		double x = bar_x(frame, pow(10, at), low, high);

		svg_line(out, x, 0, x, height - 18, "grid");
		if ((at - low) % every == 0)
			svg_label(out, frame, x, DECADE_HALF, height - 4, decade_format(at, text));
	}
}

static double bar_height(const struct frame *frame, const struct stp_bar *bar)
{
	return frame->name_height + (bar->limit > 0 ? ROW_HEIGHT + 16 : ROW_HEIGHT);
}

void stp_chart_bars(struct stp_out *out, const struct stp_bar *bars, size_t count)
{
	int low, high;
	size_t f, i;

	decades(bars, count, &low, &high);
	for (f = 0; f < FRAME_COUNT; f++) {
		const struct frame *frame = &frames[f];
		double height = 22;
		double y = 4;

		for (i = 0; i < count; i++)
			height += bar_height(frame, &bars[i]);
		begin_svg(out, frame, height);
		draw_decades(out, frame, height, low, high);
		for (i = 0; i < count; i++) {
			draw_bar(out, frame, &bars[i], y, low, high);
			y += bar_height(frame, &bars[i]);
		}
		end_svg(out);
	}
}

/* --- lines ----------------------------------------------------------------------------------- */

#define PLOT_LEFT   86
#define PLOT_TOP    10
#define PLOT_BOTTOM 210

/* A round step so that about count of them fit below top, never more; at least least. */
static double nice_step(double top, double count, double least)
{
	double rough = fmax(top / count, least);
	double unit = pow(10, floor(log10(rough)));
	double times = rough / unit;

	return unit * (times <= 1 ? 1 : times <= 2 ? 2 : times <= 5 ? 5 : 10);
}

struct plot {
	const struct frame *frame;
	double right;
	double x_top, y_top;
	double x_least; /* least step of the x axis */
};

static double plot_x(const struct plot *plot, double x)
{
	return PLOT_LEFT + (plot->right - PLOT_LEFT) * (x / plot->x_top);
}

static double plot_y(const struct plot *plot, double y)
{
	return PLOT_BOTTOM - (PLOT_BOTTOM - PLOT_TOP) * (y / plot->y_top);
}

static void draw_axes(struct stp_out *out, const struct plot *plot, stp_axis_fn *x_format,
                      const char *x_name, stp_axis_fn *y_format)
{
	double step = nice_step(plot->y_top, 5, 0);
	char text[32];
	size_t i;

	for (i = 0; (double)i * step <= plot->y_top * 1.001; i++) {
		double at = (double)i * step;

		svg_line(out, PLOT_LEFT, plot_y(plot, at), plot->right, plot_y(plot, at), "grid");
		svg_text(out, PLOT_LEFT - 8, plot_y(plot, at) + 4, "end", "soft",
		         at > 0 ? y_format(at, text) : "0");
	}
	step = nice_step(plot->x_top, fmin(floor((plot->right - PLOT_LEFT) / LABEL_WIDTH), 5),
	                 plot->x_least);
	for (i = 0; (double)i * step <= plot->x_top * 1.001; i++) {
		const char *label = i > 0 ? x_format((double)i * step, text) : "0";

		svg_label(out, plot->frame, plot_x(plot, (double)i * step),
		          4 * (double)strlen(label), PLOT_BOTTOM + 18, label);
	}
	/* Below the numbers: the last of them may reach beyond the plot. */
	svg_text(out, plot->right, PLOT_BOTTOM + 32, "end", "soft", x_name);
}

static void draw_series(struct stp_out *out, const struct plot *plot,
                        const struct stp_series *series)
{
	size_t i;

	stp_out_format(out,
	               "<polyline fill=\"none\" stroke=\"var(--c%u)\" stroke-width=\"2\"%s "
	               "points=\"",
	               series->color % STP_CHART_COLORS,
	               series->is_dashed ? " stroke-dasharray=\"5 4\"" : "");
	for (i = 0; i < series->count; i++)
		stp_out_format(out, "%.1f,%.1f ", plot_x(plot, series->x[i]),
		               plot_y(plot, series->y[i]));
	stp_out_format(out, "\"/>\n");
}

/* Names at the lines' ends, from the top down as the lines lie, moved apart where they would lie on
 * each other. */
static void draw_names(struct stp_out *out, const struct plot *plot,
                       const struct stp_series *series, size_t count)
{
	double last = -1000;
	double drawn = -1000; /* end of the line whose name was drawn last */
	size_t i;

	for (;;) {
		const struct stp_series *next = NULL;
		double end = 0;

		for (i = 0; i < count; i++) {
			double y;

			if (!series[i].name || !series[i].count)
				continue;
			/* Lines that end in one point: the later one a hair below. */
			y = plot_y(plot, series[i].y[series[i].count - 1]) + 1e-6 * (double)i;
			if (y > drawn && (!next || y < end)) {
				next = &series[i];
				end = y;
			}
		}
		if (!next)
			return;
		drawn = end;
		last = fmax(end + 4, last + 14.5);
		svg_rect(out, plot->right + 8, last - 6, 10, 3, next->color);
		svg_text(out, plot->right + 22, last, "start", "", next->name);
	}
}

void stp_chart_lines(struct stp_out *out, const struct stp_series *series, size_t count,
                     stp_axis_fn *x_format, double x_least, double x_top, const char *x_name,
                     stp_axis_fn *y_format)
{
	struct plot plot = {NULL, 0, x_top, 0, x_least};
	int has_names = 0;
	size_t i, j;

	for (i = 0; i < count; i++) {
		has_names |= series[i].name != NULL;
		for (j = 0; j < series[i].count; j++) {
			plot.x_top = fmax(plot.x_top, series[i].x[j]);
			plot.y_top = fmax(plot.y_top, series[i].y[j]);
		}
	}
	if (!(plot.x_top > 0) || !(plot.y_top > 0)) {
		stp_out_format(out, "<p class=\"soft\">Nothing was measured.</p>\n");
		return;
	}
	plot.y_top *= 1.05;
	for (j = 0; j < FRAME_COUNT; j++) {
		plot.frame = &frames[j];
		plot.right = has_names ? frames[j].plot_right_named : frames[j].plot_right;
		begin_svg(out, plot.frame, PLOT_BOTTOM + 40);
		draw_axes(out, &plot, x_format, x_name, y_format);
		for (i = 0; i < count; i++)
			draw_series(out, &plot, &series[i]);
		draw_names(out, &plot, series, count);
		end_svg(out);
	}
}

/* --- parts and columns ----------------------------------------------------------------------- */

void stp_chart_parts(struct stp_out *out, const struct stp_part *parts, size_t count, double whole)
{
	double x = 0;
	size_t i;

	/* Nothing to read in it: one drawing, stretched. */
	stp_out_format(out,
	               "<svg class=\"parts\" viewBox=\"0 0 %d 16\" preserveAspectRatio=\"none\" "
	               "role=\"img\">\n",
	               STP_CHART_BROAD);
	for (i = 0; i < count && whole > 0; i++) {
		double width = STP_CHART_BROAD * parts[i].value / whole;

		if (!(width > 0))
			continue;
		stp_out_format(out, "<g><title>");
		stp_out_html(out, parts[i].name);
		stp_out_format(out, "</title>");
		/* One unit of paper between neighbours keeps them apart. */
		svg_rect(out, x, 1, width - 1, 14, parts[i].color);
		stp_out_format(out, "</g>");
		x += width;
	}
	stp_out_format(out, "</svg>\n");
}

struct log_axis {
	double left, span; /* decimal logarithms */
};

static double log_x(const struct frame *frame, const struct log_axis *axis, double value)
{
	return frame->width * (log10(value) - axis->left) / axis->span;
}

static void draw_columns(struct stp_out *out, const struct frame *frame,
                         const struct log_axis *axis, const struct stp_column *columns,
                         size_t count, double top)
{
	size_t i;

	for (i = 0; i < count; i++) {
		double x = log_x(frame, axis, columns[i].from);
		double height = fmax(60 * columns[i].value / top, 1.5);

		if (columns[i].value > 0)
			svg_rect(out, x + 1, 64 - height, log_x(frame, axis, columns[i].to) - x - 2,
			         height, 0);
	}
}

void stp_chart_columns(struct stp_out *out, const struct stp_column *columns, size_t count,
                       double low, double high, stp_axis_fn *format)
{
	struct log_axis axis = {log10(low), log10(high) - log10(low)};
	double top = 0;
	char text[32];
	int decade;
	size_t i;

	for (i = 0; i < count; i++)
		top = fmax(top, columns[i].value);
	if (!(top > 0) || !(axis.span > 0))
		return;
	for (i = 0; i < FRAME_COUNT; i++) {
		const struct frame *frame = &frames[i];

		begin_svg(out, frame, 84);
		for (decade = (int)ceil(axis.left); decade <= (int)floor(axis.left + axis.span);
		     decade++) {
			double x = log_x(frame, &axis, pow(10, decade));

			svg_line(out, x, 0, x, 64, "grid");
			svg_label(out, frame, x, DECADE_HALF, 79, format(pow(10, decade), text));
		}
		draw_columns(out, frame, &axis, columns, count, top);
		end_svg(out);
	}
}

/* --- time ------------------------------------------------------------------------------------ */

#define BAND_HEIGHT 24
#define HEAT_ROW    10
/* Rows that each have a name are as high as it. */
#define HEAT_NAMED     13
#define HEAT_NAMED_MAX 8
#define HEAT_LEVELS    10

void stp_chart_bands(struct stp_out *out, const struct stp_band *bands, size_t count, double whole)
{
	size_t f, i;

	for (f = 0; f < FRAME_COUNT; f++) {
		double scale = whole > 0 ? (frames[f].plot_right - PLOT_LEFT) / whole : 0;

		begin_svg(out, &frames[f], 18 + BAND_HEIGHT + 4);
		for (i = 0; i < count; i++) {
			const struct stp_band *band = &bands[i];
			double x = PLOT_LEFT + band->from * scale;
			double width = (band->to - band->from) * scale;

			svg_rect(out, x, 18 + band->low * BAND_HEIGHT, width - 1,
			         (band->high - band->low) * BAND_HEIGHT, band->color);
			if (band->name && width > 8.0 * (double)strlen(band->name))
				svg_text(out, x + width / 2, 13, "middle", "soft", band->name);
		}
		end_svg(out);
	}
}

static unsigned heat_level(uint8_t percent)
{
	return (percent * HEAT_LEVELS + 50u) / 100;
}

static void draw_heat_row(struct stp_out *out, const uint8_t *cells, size_t column_count,
                          double width, double y, int height)
{
	size_t column, end;

	/* Neighbours of the same level are one rectangle. */
	for (column = 0; column < column_count; column = end) {
		unsigned level = heat_level(cells[column]);

		for (end = column; end < column_count && heat_level(cells[end]) == level; end++)
			;
		if (level)
			stp_out_format(out,
			               "<rect x=\"%.1f\" y=\"%.0f\" width=\"%.1f\" height=\"%d\" "
			               "fill=\"var(--c0)\" fill-opacity=\"%.1f\"/>\n",
			               PLOT_LEFT + width * (double)column, y,
			               width * (double)(end - column), height - 1,
			               (double)level / HEAT_LEVELS);
	}
}

void stp_chart_heat(struct stp_out *out, const uint8_t *busy, size_t row_count, size_t column_count,
                    double share)
{
	int pitch = row_count <= HEAT_NAMED_MAX ? HEAT_NAMED : HEAT_ROW;
	char name[32];
	size_t f, row;

	for (f = 0; f < FRAME_COUNT; f++) {
		double width = (frames[f].plot_right - PLOT_LEFT) * share / (double)column_count;

		begin_svg(out, &frames[f], (double)row_count * pitch + 4);
		for (row = 0; row < row_count; row++) {
			double y = (double)row * pitch;

			if (row == 0 || row + 1 == row_count || row_count <= HEAT_NAMED_MAX) {
				snprintf(name, sizeof(name), "worker %zu", row);
				svg_text(out, PLOT_LEFT - 8, y + 9, "end", "soft", name);
			}
			draw_heat_row(out, busy + row * column_count, column_count, width, y,
			              pitch);
		}
		end_svg(out);
	}
}
