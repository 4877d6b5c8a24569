/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks of single values in payloads and signature files, both of which are hostile.
 *
 * Shape      JSON values and strings in, yes or no out.
 * Memory     none.
 * Ownership  none.
 * Threads    any thread; no state.
 */
#ifndef STP_CEREMONY_FORM_H
#define STP_CEREMONY_FORM_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

/* Whether object has all members of needed, and no others but those of optional; both are lists of
 * names, separated by spaces. */
int stp_form_members_ok(const json_t *object, const char *needed, const char *optional);

/* Whether value is the string text. */
int stp_form_is(const json_t *value, const char *text);

/* Reads a string of exactly 2 * count lower-case hex digits; 0 for anything else. */
int stp_form_hex(const json_t *value, uint8_t *out, size_t count);

/* Whether text is UTF-8 that may be printed to a terminal, min to max bytes. */
int stp_form_text_ok(const char *text, size_t count, size_t min, size_t max);

/* 64 lower-case hex digits. */
int stp_form_keyid_ok(const char *text, size_t count);

#endif
