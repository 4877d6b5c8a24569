/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines for people, one after the other; each has a sign in front: '+' and '-' for who may and who
 * may no longer sign, '=' for what holds from now on, '~' for a member that changes, '!' for a
 * warning, ' ' for the rest.
 *
 * Sticky: after a failure calls do nothing, and code has it.
 *
 * Shape      a list of texts without line feeds; a control character never passes.
 * Memory     an arena.
 * Ownership  init, release.
 * Threads    one thread.
 */
#ifndef STP_CEREMONY_LINES_H
#define STP_CEREMONY_LINES_H

#include "base/arena.h"
#include "base/bytes.h"

/* Nobody reads more; a payload that has more hides something. */
#define STP_LINES_MAX 5000

struct stp_line {
	char sign;
	const char *text;
};

struct stp_lines {
	struct stp_arena arena;
	struct stp_line *items;
	size_t count, capacity;
	enum stp_errc code;
};

void stp_lines_init(struct stp_lines *lines);
void stp_lines_release(struct stp_lines *lines);

/* Adds a line of any length. STP_LIMIT for more than STP_LINES_MAX. */
void stp_lines_add(struct stp_lines *lines, char sign, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* STP_OK, or the first failure. */
enum stp_errc stp_lines_check(const struct stp_lines *lines, struct stp_err *err) STP_MUST_CHECK;

/* Appends them as text: two spaces, the sign, a space. */
enum stp_errc stp_lines_text(const struct stp_lines *lines, struct stp_buf *out,
                             struct stp_err *err) STP_MUST_CHECK;

/* Appends formatted text; for parts of lines. Failures show in buf->data being NULL or short: the
 * caller checks with the returned code. */
enum stp_errc stp_buf_print(struct stp_buf *buf, struct stp_err *err, const char *format, ...)
    __attribute__((format(printf, 3, 4))) STP_MUST_CHECK;

#endif
