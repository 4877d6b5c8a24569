/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

enum stp_errc stp_errc_from_errno(int sys_errno)
{
	return sys_errno == EAGAIN || sys_errno == ENOLCK ? STP_BUSY : STP_IO;
}

/* The advice that helps wherever the error happens; "" where it depends on the subject, or text
 * gives it. */
static const char *advice(const char *text, int sys_errno)
{
	if (strchr(text, ';'))
		return "";
	switch (sys_errno) {
	case EACCES:
		/* Whether a file may be created depends on its folder. */
		return strncmp(text, "cannot create", 13) == 0 ||
		               strncmp(text, "cannot make the ", 16) == 0
		           ? "; correct the owner or mode of its folder"
		           : "";
	case ENOSPC:
		return "; make room there";
	case EDQUOT:
		return "; make room there, or raise the quota";
	case EROFS:
		return "; mount it for writing";
	default:
		return "";
	}
}

enum stp_errc stp_err_set(struct stp_err *err, enum stp_errc code, int sys_errno, const char *stage,
                          const char *subject, const char *file, int line, const char *format, ...)
{
	char raw[1024];
	va_list args;
	int used;

	if (!err || err->code != STP_OK)
		return code;
	err->code = code;
	err->sys_errno = sys_errno;
	err->stage = stage;
	err->file = file;
	err->line = line;
	stp_text_escape(subject ? subject : "", subject ? strlen(subject) : 0, err->subject,
	                sizeof(err->subject));
	va_start(args, format);
	used = vsnprintf(raw, sizeof(raw), format, args);
	va_end(args);
	if (sys_errno && used >= 0 && (size_t)used < sizeof(raw)) {
		char buffer[128];
		const char *what_helps = advice(raw, sys_errno);

		snprintf(raw + used, sizeof(raw) - (size_t)used, ": %s%s",
		         strerror_r(sys_errno, buffer, sizeof(buffer)), what_helps);
	}
	/* Terminal control characters are removed from whatever the text quotes. */
	stp_text_clean(raw, strlen(raw), err->text, sizeof(err->text));
	return code;
}

struct stp_err *stp_hinted(struct stp_err *err, enum stp_hint hint)
{
	if (err && err->code == STP_OK)
		err->hint = hint;
	return err;
}

const char *stp_err_format(const struct stp_err *err, char *out, size_t size)
{
	snprintf(out, size, "stampede: %s%s%s%s%s", err->stage ? err->stage : "",
	         err->stage ? ": " : "", err->subject, err->subject[0] ? ": " : "", err->text);
	return out;
}

void stp_err_merge(struct stp_err *err, const struct stp_err *from)
{
	if (err && err->code == STP_OK && from->code != STP_OK)
		*err = *from;
}

void stp_bug(const char *what, const char *file, int line)
{
	fprintf(stderr,
	        "stampede: bug: %s:%d: %s does not hold; this is a defect, please report it\n",
	        file, line, what);
	abort();
}
