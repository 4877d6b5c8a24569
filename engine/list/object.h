/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One JSON object on one line (RFC 8259) → a row. A strict reader written for this, because a
 * general one reaches only 65 MB/s; tests and fuzzing compare it with jansson.
 *
 * Shape      members with known names go to the row's fields; those of an end line to the parser.
 * Memory     strings are decoded in place: the result is never longer than the escaped form.
 * Ownership  texts point into the caller's bytes.
 * Threads    one thread per parser.
 */
#ifndef STP_LIST_OBJECT_H
#define STP_LIST_OBJECT_H

#include "list/row.h"

/* The message for bytes that are not an object at all. */
extern const char stp_list_not_json[];

/* Parses one object; returns NULL, or what is wrong with it, and sets *out_column to the field that
 * is wrong or NULL. May overwrite bytes. Of the parser it uses names and text, and sets op, op_rows
 * and inner. */
const char *stp_list_object_read(struct stp_list_parser *parser, char *bytes, size_t count,
                                 struct stp_list_row *out_row, const char **out_column);

#endif
