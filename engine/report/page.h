/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTML pages: one file, no network, no script, light and dark as the reader's system asks,
 * printable, and without sideways scrolling down to a phone's width.
 *
 * Shape      appends to a struct stp_out.
 * Memory     the text.
 * Ownership  strings are used during the call; names from outside are escaped.
 * Threads    one thread per page.
 */
#ifndef STP_REPORT_PAGE_H
#define STP_REPORT_PAGE_H

#include "report/out.h"

/* Opens a page: head, style, <h1>. title is plain text. */
void stp_page_begin(struct stp_out *out, const char *title);
void stp_page_end(struct stp_out *out);

/* <h2> and, unless NULL, a paragraph; both the program's own words. */
void stp_page_section(struct stp_out *out, const char *title, const char *text);

/* One cell, escaped; class "" or "n" for numbers. */
void stp_page_cell(struct stp_out *out, const char *kind, const char *text);

#endif
