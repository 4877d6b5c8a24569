/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text for people and machines: escaping of hostile names, hex, parsing of small numbers.
 *
 * Shape      plain byte ranges in, NUL-terminated or sized text out.
 * Memory     none allocated.
 * Ownership  the caller's buffers.
 * Threads    any thread; no state.
 */
#ifndef STP_BASE_TEXT_H
#define STP_BASE_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "stampede/text.h"

/* stp_text_escape() and stp_text_clean(): see stampede/text.h. */

/* Bytes of the UTF-8 character at bytes (RFC 3629), of which byte_count are left; 0 when they do
 * not start with one. */
size_t stp_utf8_bytes(const char *bytes, size_t byte_count);

/* The code point of a complete character of count bytes. */
unsigned stp_utf8_point(const char *bytes, size_t count);

/* Bytes of the UTF-8 character at bytes when it may be printed to a terminal as it is; 0 when it is
 * not one, or is a control character: C0, DEL, C1, and those that set the direction of text or end
 * its line (U+061C, U+200E, U+200F, U+2028 to U+202E, U+2066 to U+2069). */
size_t stp_text_harmless(const char *bytes, size_t byte_count);

/* Lower-case hex of byte_count bytes into out: exactly 2 * byte_count characters, no NUL. */
void stp_hex_encode(const uint8_t *bytes, size_t byte_count, char *out);

/* Reads 2 * byte_count hex digits into out; false when a character is not [0-9a-f]
 * (upper case is accepted only with any_case != 0). */
int stp_hex_decode(const char *hex, size_t byte_count, uint8_t *out, int any_case);

/* Parses all of text[0, count) as an unsigned decimal without sign, spaces or leading zeros
 * ("0" itself is allowed); false on anything else or overflow. */
int stp_u64_parse(const char *text, size_t count, uint64_t *out);

/* Writes value as decimal, no NUL; returns the number of characters (at most 20). */
size_t stp_u64_format(uint64_t value, char *out);

/* "1.50 GB" style for people (powers of ten); out has at least 32 bytes. Returns out. */
char *stp_bytes_format(uint64_t bytes, char *out);

/* 12345678 as "12,345,678" for people; out has at least 32 bytes. Returns out. */
char *stp_count_format(uint64_t count, char *out);

#endif
