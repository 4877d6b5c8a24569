/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/period.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define SECONDS_MAX (INT64_C(36525) * 86400)
/* What is longer than a century is for ever; what has more digits is a slip. */
#define NUMBER_MAX UINT64_C(1000000000)

/* Seconds of one unit; 0 for what is none. */
static int64_t unit_seconds(char unit)
{
	return unit == 'm' ? 60 : unit == 'h' ? 3600 : unit == 'd' ? 86400 : 0;
}

int stp_cli_period(struct stp_cli *cli, const char *option, const char *value, int64_t *out_seconds)
{
	size_t count = strlen(value);
	int64_t unit = count ? unit_seconds(value[count - 1]) : 0;
	uint64_t number;

	if (unit && stp_u64_parse(value, count - 1, &number) && number <= NUMBER_MAX) {
		*out_seconds =
		    number <= (uint64_t)(SECONDS_MAX / unit) ? (int64_t)number * unit : SECONDS_MAX;
		return 1;
	}
	stp_cli_usage(cli, "--%s takes a time with its unit, such as 90m, 12h or 7d, not '%s'",
	              option, value);
	return 0;
}

const char *stp_period_format(int64_t seconds, char out[STP_PERIOD_TEXT])
{
	unsigned long long s = (unsigned long long)(seconds < 0 ? -seconds : seconds);
	char text[32];

	if (s >= 2 * 86400)
		snprintf(text, sizeof(text), "%llu d", s / 86400);
	else if (s >= 3600)
		snprintf(text, sizeof(text), "%llu h %llu m", s / 3600, s % 3600 / 60);
	else if (s >= 60)
		snprintf(text, sizeof(text), "%llu m", s / 60);
	else
		snprintf(text, sizeof(text), "%llu s", s);
	if (seconds <= 0)
		snprintf(out, STP_PERIOD_TEXT, "%s ago", text);
	else
		snprintf(out, STP_PERIOD_TEXT, "in %s", text);
	return out;
}
