/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/period.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

int stp_cli_period(struct stp_cli *cli, const char *option, const char *value, int64_t *out_seconds)
{
	size_t count = strlen(value);
	int64_t unit = 1;
	uint64_t number;

	if (count && value[count - 1] == 'm')
		unit = 60;
	else if (count && value[count - 1] == 'h')
		unit = 3600;
	else if (count && value[count - 1] == 'd')
		unit = 86400;
	if (!stp_u64_parse(value, count - (unit != 1), &number) || number == 0 ||
	    number > 100000000) {
		stp_cli_usage(cli, "--%s %s: give a time such as 90m, 12h or 7d", option, value);
		return 0;
	}
	*out_seconds = (int64_t)number * unit;
	return 1;
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
