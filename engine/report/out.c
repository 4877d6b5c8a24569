/* SPDX-License-Identifier: Apache-2.0 */
#include "report/out.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* As bench/measure.h: above this runs lie too far apart. */
#define NOISY 0.12

static void append(struct stp_out *out, const char *text, size_t count)
{
	if (out->err.code == STP_OK)
		out->err.code = stp_buf_append(&out->buf, text, count, &out->err);
}

void stp_out_format(struct stp_out *out, const char *format, ...)
{
	char text[2048];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	STP_ASSERT(n >= 0 && (size_t)n < sizeof(text));
	append(out, text, (size_t)n);
}

/* Escapes what a terminal or browser must not see; keeps UTF-8 as it is, less the part of a
 * character that was cut: jansson lets nothing but UTF-8 through, but a format's precision cuts
 * between bytes. */
static void append_clean(struct stp_out *out, const char *text, int for_html)
{
	size_t left = strlen(text);
	size_t count;

	for (; left; text += count ? count : 1, left -= count ? count : 1) {
		count = stp_utf8_bytes(text, left);
		if (count == 0)
			continue;
		if (!stp_text_harmless(text, count) && !(for_html && *text == '\n'))
			stp_out_format(out, count == 1 ? "\\x%02x" : "\\u%04x",
			               stp_utf8_point(text, count));
		else if (for_html && strchr("&<>\"'", *text))
			stp_out_format(out, "&#%u;", (unsigned char)*text);
		else
			append(out, text, count);
	}
}

void stp_out_line(struct stp_out *out, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	append_clean(out, text, 0);
	append(out, "\n", 1);
}

void stp_out_html(struct stp_out *out, const char *text)
{
	append_clean(out, text, 1);
}

void stp_out_wrap(struct stp_out *out, const char *first, size_t indent, size_t width,
                  const char *text)
{
	const char *lead = first;
	size_t room = width > indent + 20 ? width - indent : 20;

	while (*text) {
		size_t n = strlen(text);
		char line[512];

		if (n > room) {
			for (n = room; n > 0 && text[n] != ' '; n--)
				continue;
			n = n ? n : room;
		}
		if (n >= sizeof(line))
			n = sizeof(line) - 1;
		snprintf(line, sizeof(line), "%.*s", (int)n, text);
		stp_out_format(out, "%*s", (int)indent, lead);
		append_clean(out, line, 0);
		append(out, "\n", 1);
		lead = "";
		text += n;
		text += strspn(text, " ");
	}
}

enum stp_errc stp_out_take(struct stp_out *out, char **out_text, struct stp_err *err)
{
	append(out, "", 1);
	if (out->err.code != STP_OK) {
		enum stp_errc code = out->err.code;

		stp_err_merge(err, &out->err);
		stp_buf_release(&out->buf);
		return code;
	}
	*out_text = (char *)out->buf.data;
	memset(&out->buf, 0, sizeof(out->buf));
	return STP_OK;
}

/* --- documents ------------------------------------------------------------------------------- */

/* A number of a document as a count; hostile ones are cut, not undefined. */
static uint64_t whole(double value)
{
	if (!(value > 0))
		return 0;
	return value < 1e18 ? (uint64_t)(value + 0.5) : (uint64_t)1e18;
}

const json_t *stp_doc_get(const json_t *object, const char *path)
{
	char name[64];

	while (object && *path) {
		size_t n = strcspn(path, ".");

		STP_ASSERT(n < sizeof(name));
		memcpy(name, path, n);
		name[n] = '\0';
		object = json_object_get(object, name);
		path += n + (path[n] == '.');
	}
	return object;
}

double stp_doc_number(const json_t *object, const char *path)
{
	return json_number_value(stp_doc_get(object, path));
}

uint64_t stp_doc_count(const json_t *object, const char *path)
{
	return whole(stp_doc_number(object, path));
}

const char *stp_doc_text(const json_t *object, const char *path)
{
	const char *text = json_string_value(stp_doc_get(object, path));

	return text ? text : "";
}

int stp_doc_true(const json_t *object, const char *path)
{
	return json_is_true(stp_doc_get(object, path));
}

double stp_doc_rate(const json_t *object, const char *path)
{
	return stp_doc_number(stp_doc_get(object, path), "value");
}

int stp_doc_noisy(const json_t *object, const char *path)
{
	return stp_doc_number(stp_doc_get(object, path), "spread") > NOISY;
}

/* --- numbers --------------------------------------------------------------------------------- */

char *stp_bytes_rate_format(double bytes_per_second, char *out)
{
	if (!(bytes_per_second > 0))
		return memcpy(out, "-", 2);
	stp_bytes_format(whole(bytes_per_second), out);
	memcpy(out + strlen(out), "/s", 3);
	return out;
}

char *stp_count_rate_format(double per_second, char *out)
{
	if (!(per_second > 0))
		return memcpy(out, "-", 2);
	stp_count_format(whole(per_second), out);
	memcpy(out + strlen(out), "/s", 3);
	return out;
}

char *stp_duration_format(double seconds, char *out)
{
	unsigned long long s = whole(seconds);

	if (!(seconds > 0))
		snprintf(out, 32, "0 s");
	else if (seconds < 1)
		snprintf(out, 32, "%.2f s", seconds);
	else if (seconds < 100)
		snprintf(out, 32, "%.1f s", seconds);
	else if (s < 2 * 3600)
		snprintf(out, 32, "%llu min", (s + 30) / 60);
	else if (s < 48 * 3600)
		snprintf(out, 32, "%llu h %llu min", s / 3600, s / 60 % 60);
	else
		snprintf(out, 32, "%llu d %llu h", s / 86400 % 100000, s / 3600 % 24);
	return out;
}

char *stp_latency_format(double microseconds, char *out)
{
	if (!(microseconds > 0))
		snprintf(out, 32, "-");
	else if (microseconds < 1000)
		snprintf(out, 32, microseconds < 10 ? "%.1f us" : "%.0f us", microseconds);
	else if (microseconds < 1e6)
		snprintf(out, 32, microseconds < 1e4 ? "%.1f ms" : "%.0f ms", microseconds / 1e3);
	else
		snprintf(out, 32, "%.1f s", microseconds < 1e15 ? microseconds / 1e6 : 1e9);
	return out;
}
