/* SPDX-License-Identifier: Apache-2.0 */
#include "ceremony/lines.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/text.h"

#define STAGE "ceremony"

void stp_lines_init(struct stp_lines *lines)
{
	memset(lines, 0, sizeof(*lines));
	stp_arena_init(&lines->arena, 4096);
}

void stp_lines_release(struct stp_lines *lines)
{
	stp_arena_release(&lines->arena);
	free(lines->items);
	memset(lines, 0, sizeof(*lines));
}

/* text as a terminal may see it, in the arena. */
static const char *clean(struct stp_lines *lines, const char *text)
{
	size_t size = 4 * strlen(text) + 1;
	char *out = stp_arena_alloc_bytes(&lines->arena, size);

	if (out)
		stp_text_clean(text, strlen(text), out, size);
	return out;
}

void stp_lines_add(struct stp_lines *lines, char sign, const char *format, ...)
{
	char *text = NULL;
	va_list args;
	int chars;

	if (lines->code != STP_OK)
		return;
	if (lines->count == STP_LINES_MAX) {
		lines->code = STP_LIMIT;
		return;
	}
	va_start(args, format);
	chars = vasprintf(&text, format, args);
	va_end(args);
	if (chars < 0 || !STP_ARRAY_RESERVE(lines->items, lines->capacity, lines->count + 1)) {
		lines->code = STP_IO;
	} else {
		lines->items[lines->count].sign = sign;
		lines->items[lines->count].text = clean(lines, text);
		lines->code = lines->items[lines->count].text ? STP_OK : STP_IO;
		lines->count += lines->code == STP_OK;
	}
	if (chars >= 0)
		free(text);
}

enum stp_errc stp_lines_check(const struct stp_lines *lines, struct stp_err *err)
{
	if (lines->code == STP_OK)
		return STP_OK;
	if (lines->code == STP_LIMIT)
		return STP_FAIL(err, STP_REFUSED, STAGE, "payload",
		                "changes more than %d things, which nobody can read; sign nothing, "
		                "and ask for several payloads",
		                STP_LINES_MAX);
	return STP_FAIL_ERRNO(err, ENOMEM, STAGE, "payload", "cannot show it");
}

enum stp_errc stp_lines_text(const struct stp_lines *lines, struct stp_buf *out,
                             struct stp_err *err)
{
	size_t i;

	STP_TRY(stp_lines_check(lines, err));
	for (i = 0; i < lines->count; i++)
		STP_TRY(stp_buf_print(out, err, "  %c %s\n", lines->items[i].sign,
		                      lines->items[i].text));
	return STP_OK;
}

enum stp_errc stp_buf_print(struct stp_buf *buf, struct stp_err *err, const char *format, ...)
{
	char *text = NULL;
	enum stp_errc code;
	va_list args;
	int chars;

	va_start(args, format);
	chars = vasprintf(&text, format, args);
	va_end(args);
	if (chars < 0)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, "payload", "cannot show it");
	code = stp_buf_append(buf, text, (size_t)chars, err);
	free(text);
	return code;
}
