/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One JSON object on one line (RFC 8259) → a row. A strict reader of our own, because a general one
 * gives 65 MB/s; tests and fuzzing hold it against jansson.
 *
 * Shape      members with known names go to the row's fields; those of an end line to the parser.
 * Memory     strings are decoded in place: what they mean is never longer than how they are
 * written. Ownership  texts point into the caller's bytes. Threads    one thread per parser.
 */
#ifndef STP_LIST_OBJECT_H
#define STP_LIST_OBJECT_H

#include "list/row.h"

/* The problem of bytes that are not an object at all. */
extern const char stp_list_not_json[];

/* Parses one object; NULL, or what is wrong with it, and in *out_column the field that is wrong or
 * NULL. May overwrite bytes. Of the parser it uses names and text, and sets op, op_rows and inner.
 */
const char *stp_list_object_read(struct stp_list_parser *parser, char *bytes, size_t count,
                                 struct stp_list_row *out_row, const char **out_column);

#endif
