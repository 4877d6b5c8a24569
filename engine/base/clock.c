/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* The nearest time that has a written form. */
static int64_t clamp(int64_t epoch_s)
{
	if (epoch_s < 0)
		return 0;
	return epoch_s < STP_TIME_MAX ? epoch_s : STP_TIME_MAX;
}

int64_t stp_clock_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return clamp(now.tv_sec);
}

uint64_t stp_clock_monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

int64_t stp_time_add(int64_t epoch_s, int64_t seconds)
{
	/* Both are limited so that the sum cannot overflow. */
	int64_t from = clamp(epoch_s);

	if (seconds < -STP_TIME_MAX)
		seconds = -STP_TIME_MAX;
	if (seconds > STP_TIME_MAX)
		seconds = STP_TIME_MAX;
	return clamp(from + seconds);
}

enum stp_errc stp_now_check(int64_t now, const char *subject, struct stp_err *err)
{
	if (now < 0)
		return STP_FAIL(err, STP_CONFIG, "time", subject, "is before 1970; set the clock");
	if (now > STP_NOW_MAX)
		return STP_FAIL(err, STP_CONFIG, "time", subject,
		                "is too late: what is signed then could expire after the year "
		                "9999; give a time before 9990");
	return STP_OK;
}

void stp_time_format(int64_t epoch_s, char out[STP_TIME_BYTES + 1])
{
	struct tm tm;
	time_t t = (time_t)clamp(epoch_s);

	STP_ASSERT(gmtime_r(&t, &tm) != NULL);
	STP_ASSERT(strftime(out, STP_TIME_BYTES + 1, "%Y-%m-%dT%H:%M:%SZ", &tm) == STP_TIME_BYTES);
}

/* Decimal digits of text[at, at + count) as a number. */
static int digits(const char *text, int at, int count)
{
	int value = 0;
	int i;

	for (i = at; i < at + count; i++)
		value = value * 10 + (text[i] - '0');
	return value;
}

enum stp_errc stp_time_parse(const char *text, size_t text_bytes, int64_t *out_epoch_s,
                             struct stp_err *err)
{
	static const char shape[] = "dddd-dd-ddTdd:dd:ddZ";
	char copy[64];
	char again[STP_TIME_BYTES + 1];
	struct tm tm = {0};
	int64_t value;
	size_t i;

	snprintf(copy, sizeof(copy), "%.*s", (int)(text_bytes > 60 ? 60 : text_bytes), text);
	for (i = 0; i < STP_TIME_BYTES && text_bytes == STP_TIME_BYTES; i++) {
		int is_digit = text[i] >= '0' && text[i] <= '9';

		if (shape[i] == 'd' ? !is_digit : text[i] != shape[i])
			break;
	}
	if (i != STP_TIME_BYTES)
		return STP_FAIL(err, STP_FORMAT, "time", copy, "is not YYYY-MM-DDTHH:MM:SSZ");
	tm.tm_year = digits(text, 0, 4) - 1900;
	tm.tm_mon = digits(text, 5, 2) - 1;
	tm.tm_mday = digits(text, 8, 2);
	tm.tm_hour = digits(text, 11, 2);
	tm.tm_min = digits(text, 14, 2);
	tm.tm_sec = digits(text, 17, 2);
	value = (int64_t)timegm(&tm);
	if (value < 0 || value > STP_TIME_MAX)
		return STP_FAIL(err, STP_FORMAT, "time", copy, "is outside 1970 to 9999");
	/* timegm() turns 31 February into a day of March; a date that does not come back unchanged
	 * was not one. */
	stp_time_format(value, again);
	if (memcmp(again, text, STP_TIME_BYTES) != 0)
		return STP_FAIL(err, STP_FORMAT, "time", copy, "is not a calendar date");
	*out_epoch_s = value;
	return STP_OK;
}
