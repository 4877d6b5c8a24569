/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that are given as lists by mistake: archives, other encodings, other formats, error pages.
 *
 * Shape      the first bytes of the list, ideally STP_LIST_SNIFF_BYTES of them.
 * Memory     none; what is wrong comes back as a static string.
 * Ownership  the caller's bytes.
 * Threads    any thread; no state.
 */
#ifndef STP_LIST_SNIFF_H
#define STP_LIST_SNIFF_H

#include <stddef.h>

#define STP_LIST_SNIFF_BYTES 512

/* The message for a list whose lines end with CR alone. */
#define STP_LIST_LONE_CR                                                                    \
	"its lines end with CR alone, so all of it is one line; end them with LF or CRLF: " \
	"tr '\\r' '\\n'"

/* Why bytes cannot start a list, and what to do ("is gzip data; …"); NULL when they may. */
const char *stp_list_sniff(const char *bytes, size_t count);

/* True when a carriage return without line feed ends a line of text outside of quotes: the line
 * ends of old Macintosh programs. A row of such a list would be the whole list. */
int stp_list_has_lone_cr(const char *bytes, size_t count);

#endif
