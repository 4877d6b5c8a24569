/* SPDX-License-Identifier: Apache-2.0 */
#include "report/page.h"

#include "stampede/version.h"

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
    "p,h1,h2,h3{overflow-wrap:anywhere}\n",
    "table{border-collapse:collapse;width:100%;margin:.5rem 0;font-variant-numeric:tabular-nums}",
    "th,td{padding:.25rem .6rem .25rem 0;text-align:left;vertical-align:top;border-bottom:1px ",
    "solid var(--line)}th{font-weight:600;color:var(--soft)}.n{text-align:right;white-space:",
    "nowrap}.long td{overflow-wrap:anywhere}\n",
    "svg{display:block;width:100%;height:auto;margin:.4rem 0;font:12px system-ui,sans-serif}",
    "svg text{fill:var(--ink)}svg .soft{fill:var(--soft)}svg .grid{stroke:var(--line);",
    "stroke-width:1;fill:none}svg .tick{stroke:var(--ink);stroke-width:2}\n",
    ".legend{display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;margin:.3rem 0;color:var(--soft);",
    "list-style:none;padding:0}.legend i{display:inline-block;width:.8rem;height:.8rem;margin-",
    "right:.35rem;vertical-align:-.08rem;border-radius:2px;print-color-adjust:exact}\n",
    "svg.parts{height:1rem}svg.narrow{display:none}\n",
    /* Phones: the other drawing of each chart, dense tables, and long cells below each other. */
    "@media screen and (max-width:46rem){svg.broad{display:none}svg.narrow{display:block;",
    "max-width:27rem}.dense{font-size:.75rem}.dense td,.dense th{padding-right:.3rem}",
    ".dense .n{padding-right:0;padding-left:.3rem}.long td{display:block;border:0;padding:0}",
    ".long tr{display:block;padding:.25rem 0;border-bottom:1px solid var(--line)}}\n",
    "@media print{:root{--paper:#fff;--ink:#000;--soft:#444;--line:#ccc}body{max-width:none;",
    "padding:0}h1,h2,h3,h2+p,h3+p,.legend{break-after:avoid}svg,tr{break-inside:avoid}",
    "details{display:none}}\n",
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
	               stp_version());
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
