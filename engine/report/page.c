/* SPDX-License-Identifier: Apache-2.0 */
#include "report/page.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define NAME_WIDTH  210
#define VALUE_WIDTH 110
#define ROW_HEIGHT  26

/* Colors are told apart by people with any color vision in both modes, and never carry a meaning
 * alone: names and numbers stand beside them. */
static const char *const style[] = {
    ":root{color-scheme:light dark;--paper:#fcfcfb;--ink:#1a1a19;--soft:#5f5e5a;--line:#dedcd5;",
    "--c0:#2a78d6;--c1:#1baf7a;--c2:#eda100;--c3:#008300;--c4:#4a3aa7;--c5:#e34948;--c6:#8a8983}\n",
    "@media(prefers-color-scheme:dark){:root{--paper:#1a1a19;--ink:#f0efea;--soft:#a9a8a2;",
    "--line:#3b3a37;--c0:#3987e5;--c1:#199e70;--c2:#c98500;--c3:#2fa14a;--c4:#9085e9;",
    "--c5:#e66767;--c6:#7f7e79}}\n",
    "body{margin:0 auto;padding:2rem 1.25rem 4rem;max-width:50rem;background:var(--paper);color:",
    "var(--ink);font:15px/1.5 system-ui,sans-serif}\n",
    "h1{font-size:1.6rem;margin:0 0 .3rem}h2{font-size:1.15rem;margin:2.4rem 0 .3rem}",
    "h3{font-size:1rem;margin:1.6rem 0 .3rem}p{margin:.3rem 0 .8rem}.soft{color:var(--soft)}\n",
    "table{border-collapse:collapse;width:100%;margin:.5rem 0;font-variant-numeric:tabular-nums}",
    "th,td{padding:.25rem .6rem .25rem 0;text-align:left;vertical-align:top;border-bottom:1px ",
    "solid var(--line)}th{font-weight:600;color:var(--soft)}.n{text-align:right;white-space:",
    "nowrap}.wide{overflow-x:auto}\n",
    "svg{display:block;width:100%;height:auto;margin:.4rem 0;font:12px system-ui,sans-serif}",
    "svg text{fill:var(--ink)}svg .soft{fill:var(--soft)}svg .grid{stroke:var(--line);",
    "stroke-width:1;fill:none}svg .tick{stroke:var(--ink);stroke-width:2}\n",
    ".legend{display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;margin:.3rem 0;color:var(--soft);",
    "list-style:none;padding:0}.legend i{display:inline-block;width:.8rem;height:.8rem;margin-",
    "right:.35rem;vertical-align:-.08rem;border-radius:2px;print-color-adjust:exact}\n",
    /* A chart that would be too small to read is scrolled instead. */
    "svg.chart{min-width:40rem}\n",
    "@media print{:root{--paper:#fff;--ink:#000;--soft:#444;--line:#ccc}body{max-width:none;",
    "padding:0}h1,h2,h3,h2+p,h3+p,.legend{break-after:avoid}svg,tr{break-inside:avoid}",
    ".wide{overflow:visible}svg.chart{min-width:0}details{display:none}}\n",
    "pre{white-space:pre-wrap;overflow-wrap:anywhere;font-size:12px}.note{border-left:3px solid ",
    "var(--c2);padding-left:.8rem}\n",
};

void stp_page_begin(struct stp_out *out, const char *title)
{
	size_t i;

	stp_out_format(out,
	               "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	               "<meta name=\"viewport\" content=\"width=device-width,"
	               "initial-scale=1\">\n<title>");
	stp_out_html(out, title);
	stp_out_format(out, "</title>\n<style>\n");
	for (i = 0; i < sizeof(style) / sizeof(style[0]); i++)
		stp_out_format(out, "%s", style[i]);
	stp_out_format(out, "</style>\n</head>\n<body>\n<h1>");
	stp_out_html(out, title);
	stp_out_format(out, "</h1>\n");
}

void stp_page_end(struct stp_out *out)
{
	stp_out_format(out, "<p class=\"soft\">Written by stampede %s.</p>\n</body>\n</html>\n",
	               STP_VERSION);
}

void stp_page_section(struct stp_out *out, const char *title, const char *text)
{
	stp_out_format(out, "<h2>%s</h2>\n", title);
	if (text)
		stp_out_format(out, "<p class=\"soft\">%s</p>\n", text);
}

void stp_page_cell(struct stp_out *out, const char *kind, const char *text)
{
	if (*kind)
		stp_out_format(out, "<td class=\"%s\">", kind);
	else
		stp_out_format(out, "<td>");
	stp_out_html(out, text);
	stp_out_format(out, "</td>");
}

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

static void begin_svg(struct stp_out *out, double height)
{
	stp_out_format(out,
	               "<div class=\"wide\"><svg class=\"chart\" viewBox=\"0 0 %d %.0f\" "
	               "role=\"img\">\n",
	               STP_CHART_WIDTH, height);
}

static void end_svg(struct stp_out *out)
{
	stp_out_format(out, "</svg></div>\n");
}

static void svg_text(struct stp_out *out, double x, double y, const char *anchor, const char *kind,
                     const char *text)
{
	stp_out_format(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" class=\"%s\">", x, y,
	               anchor, kind);
	stp_out_html(out, text);
	stp_out_format(out, "</text>\n");
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

/* --- bars --------------------------------------------------------------------------------------
 */

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

static double bar_x(double value, int low, int high)
{
	double span = STP_CHART_WIDTH - NAME_WIDTH - VALUE_WIDTH;
	double at = (log10(value) - low) / (high - low);

	return NAME_WIDTH + span * (at < 0 ? 0 : at > 1 ? 1 : at);
}

static void draw_bar(struct stp_out *out, const struct stp_bar *bar, double y, int low, int high)
{
	char text[160];
	char rate[32];
	double end = bar->value > 0 ? bar_x(bar->value, low, high) : NAME_WIDTH;

	svg_text(out, NAME_WIDTH - 10, y + 16, "end", "", bar->name);
	svg_rect(out, NAME_WIDTH, y + 4, end - NAME_WIDTH, ROW_HEIGHT - 10, bar->color);
	if (bar->limit > 0) {
		double x = bar_x(bar->limit, low, high);

		svg_line(out, x, y + 1, x, y + ROW_HEIGHT - 3, "tick");
	}
	snprintf(text, sizeof(text), "%s%s", stp_bytes_rate_format(bar->value, rate),
	         bar->is_noisy ? " ~" : "");
	svg_text(out, STP_CHART_WIDTH, y + 16, "end", "", text);
	if (bar->limit > 0 && bar->value > 0) {
		snprintf(text, sizeof(text), "%.0f %% of %s", 100 * bar->value / bar->limit,
		         bar->limit_name);
		svg_text(out, NAME_WIDTH + 6, y + ROW_HEIGHT + 8, "start", "soft", text);
	}
}

void stp_chart_bars(struct stp_out *out, const struct stp_bar *bars, size_t count)
{
	double height = 22;
	double y = 4;
	char text[32];
	int low, high, at;
	size_t i;

	decades(bars, count, &low, &high);
	for (i = 0; i < count; i++)
		height += bars[i].limit > 0 ? ROW_HEIGHT + 16 : ROW_HEIGHT;
	begin_svg(out, height);
	for (at = low; at <= high; at++) {
		double x = bar_x(pow(10, at), low, high);

		svg_line(out, x, 0, x, height - 18, "grid");
		svg_text(out, x, height - 4, "middle", "soft", decade_format(at, text));
	}
	for (i = 0; i < count; i++) {
		draw_bar(out, &bars[i], y, low, high);
		y += bars[i].limit > 0 ? ROW_HEIGHT + 16 : ROW_HEIGHT;
	}
	end_svg(out);
}

/* --- lines -------------------------------------------------------------------------------------
 */

#define PLOT_LEFT   86
#define PLOT_RIGHT  (STP_CHART_WIDTH - 130)
#define PLOT_TOP    10
#define PLOT_BOTTOM 210

/* A round step so that about five fit below top; at least least. */
static double nice_step(double top, double least)
{
	double rough = fmax(top / 5, least);
	double unit = pow(10, floor(log10(rough)));
	double times = rough / unit;

	return unit * (times <= 1 ? 1 : times <= 2 ? 2 : times <= 5 ? 5 : 10);
}

struct plot {
	double x_top, y_top;
	double x_least; /* least step of the x axis */
};

static double plot_x(const struct plot *plot, double x)
{
	return PLOT_LEFT + (PLOT_RIGHT - PLOT_LEFT) * (x / plot->x_top);
}

static double plot_y(const struct plot *plot, double y)
{
	return PLOT_BOTTOM - (PLOT_BOTTOM - PLOT_TOP) * (y / plot->y_top);
}

static void draw_axes(struct stp_out *out, const struct plot *plot, stp_axis_fn *x_format,
                      const char *x_name, stp_axis_fn *y_format)
{
	double step = nice_step(plot->y_top, 0);
	char text[32];
	size_t i;

	for (i = 0; (double)i * step <= plot->y_top * 1.001; i++) {
		double at = (double)i * step;

		svg_line(out, PLOT_LEFT, plot_y(plot, at), PLOT_RIGHT, plot_y(plot, at), "grid");
		svg_text(out, PLOT_LEFT - 8, plot_y(plot, at) + 4, "end", "soft",
		         at > 0 ? y_format(at, text) : "0");
	}
	step = nice_step(plot->x_top, plot->x_least);
	for (i = 0; (double)i * step <= plot->x_top * 1.001; i++)
		svg_text(out, plot_x(plot, (double)i * step), PLOT_BOTTOM + 18, "middle", "soft",
		         i > 0 ? x_format((double)i * step, text) : "0");
	/* Below the numbers: the last of them may reach beyond the plot. */
	svg_text(out, PLOT_RIGHT, PLOT_BOTTOM + 32, "end", "soft", x_name);
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
		svg_rect(out, PLOT_RIGHT + 8, last - 6, 10, 3, next->color);
		svg_text(out, PLOT_RIGHT + 22, last, "start", "", next->name);
	}
}

void stp_chart_lines(struct stp_out *out, const struct stp_series *series, size_t count,
                     stp_axis_fn *x_format, double x_least, const char *x_name,
                     stp_axis_fn *y_format)
{
	struct plot plot = {0, 0, x_least};
	size_t i, j;

	for (i = 0; i < count; i++)
		for (j = 0; j < series[i].count; j++) {
			plot.x_top = fmax(plot.x_top, series[i].x[j]);
			plot.y_top = fmax(plot.y_top, series[i].y[j]);
		}
	if (!(plot.x_top > 0) || !(plot.y_top > 0))
		return;
	plot.y_top *= 1.05;
	begin_svg(out, PLOT_BOTTOM + 40);
	draw_axes(out, &plot, x_format, x_name, y_format);
	for (i = 0; i < count; i++)
		draw_series(out, &plot, &series[i]);
	draw_names(out, &plot, series, count);
	end_svg(out);
}

/* --- parts and columns -------------------------------------------------------------------------
 */

void stp_chart_parts(struct stp_out *out, const struct stp_part *parts, size_t count, double whole)
{
	double x = 0;
	size_t i;

	/* Nothing to read in it: as narrow as it must be. */
	stp_out_format(out, "<svg viewBox=\"0 0 %d 16\" role=\"img\">\n", STP_CHART_WIDTH);
	for (i = 0; i < count && whole > 0; i++) {
		double width = STP_CHART_WIDTH * parts[i].value / whole;

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

void stp_chart_columns(struct stp_out *out, const struct stp_column *columns, size_t count,
                       double low, double high, stp_axis_fn *format)
{
	double left = log10(low);
	double span = log10(high) - left;
	double top = 0;
	char text[32];
	int decade;
	size_t i;

	for (i = 0; i < count; i++)
		top = fmax(top, columns[i].value);
	if (!(top > 0) || !(span > 0))
		return;
	begin_svg(out, 84);
	for (decade = (int)floor(left); decade <= (int)ceil(left + span); decade++) {
		double x = STP_CHART_WIDTH * (decade - left) / span;

		if (x < 0 || x > STP_CHART_WIDTH)
			continue;
		svg_line(out, x, 0, x, 64, "grid");
		svg_text(out, x, 79,
		         x > STP_CHART_WIDTH - 30 ? "end"
		         : x < 30                 ? "start"
		                                  : "middle",
		         "soft", format(pow(10, decade), text));
	}
	for (i = 0; i < count; i++) {
		double x1 = STP_CHART_WIDTH * (log10(columns[i].from) - left) / span;
		double x2 = STP_CHART_WIDTH * (log10(columns[i].to) - left) / span;
		double height = 60 * columns[i].value / top;

		if (columns[i].value > 0)
			svg_rect(out, x1 + 1, 64 - fmax(height, 1.5), x2 - x1 - 2,
			         fmax(height, 1.5), 0);
	}
	end_svg(out);
}

/* --- time --------------------------------------------------------------------------------------
 */

#define HEAT_ROW    10
#define HEAT_LEVELS 10

void stp_chart_bands(struct stp_out *out, const struct stp_band *bands, size_t count, double whole)
{
	double scale = whole > 0 ? (PLOT_RIGHT - PLOT_LEFT) / whole : 0;
	size_t i;

	begin_svg(out, 40);
	for (i = 0; i < count; i++) {
		double x = PLOT_LEFT + bands[i].from * scale;
		double width = (bands[i].to - bands[i].from) * scale;

		svg_rect(out, x, 18, width - 1, 18, bands[i].color);
		if (width > 8.0 * (double)strlen(bands[i].name))
			svg_text(out, x + width / 2, 13, "middle", "soft", bands[i].name);
	}
	end_svg(out);
}

void stp_chart_heat(struct stp_out *out, const uint8_t *busy, size_t row_count, size_t column_count)
{
	double width = (double)(PLOT_RIGHT - PLOT_LEFT) / (double)column_count;
	char name[32];
	size_t row, column;

	begin_svg(out, (double)(row_count * HEAT_ROW + 4));
	for (row = 0; row < row_count; row++) {
		const uint8_t *cells = busy + row * column_count;
		double y = (double)(row * HEAT_ROW);

		if (row == 0 || row + 1 == row_count || row_count <= 8) {
			snprintf(name, sizeof(name), "worker %zu", row);
			svg_text(out, PLOT_LEFT - 8, y + 9, "end", "soft", name);
		}
		/* Neighbours of the same level are one rectangle. */
		for (column = 0; column < column_count;) {
			unsigned level = (cells[column] * HEAT_LEVELS + 50u) / 100;
			size_t end = column;

			while (end < column_count &&
			       (cells[end] * HEAT_LEVELS + 50u) / 100 == level)
				end++;
			if (level)
				stp_out_format(
				    out,
				    "<rect x=\"%.1f\" y=\"%.0f\" width=\"%.1f\" height=\"%d\" "
				    "fill=\"var(--c0)\" fill-opacity=\"%.1f\"/>\n",
				    PLOT_LEFT + width * (double)column, y,
				    width * (double)(end - column), HEAT_ROW - 1,
				    (double)level / HEAT_LEVELS);
			column = end;
		}
	}
	end_svg(out);
}
