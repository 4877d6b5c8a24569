/* SPDX-License-Identifier: Apache-2.0 */
/* Values of options: numbers, times, names. Each prints usage when it is not one. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/cli.h"
#include "stampede/options.h"

int stp_cli_u64(struct stp_cli *cli, const char *option, const char *value, uint64_t min,
                uint64_t max, uint64_t *out)
{
	uint64_t number;

	if (!stp_u64_parse(value, strlen(value), &number) || number < min || number > max) {
		stp_cli_usage(cli, "--%s takes a whole number from %llu to %llu, not '%s'", option,
		              (unsigned long long)min, (unsigned long long)max, value);
		return 0;
	}
	*out = number;
	return 1;
}

int stp_cli_jobs(struct stp_cli *cli, const char *value, size_t *out)
{
	uint64_t number;

	if (!stp_cli_u64(cli, "jobs", value, 0, STP_JOBS_MAX, &number))
		return 0;
	*out = number ? (size_t)number : STP_JOBS_SERIAL;
	return 1;
}

int stp_cli_time(struct stp_cli *cli, const char *option, const char *value, int64_t *out_epoch_s)
{
	struct stp_err err = STP_ERR_INIT;

	if (stp_time_parse(value, strlen(value), out_epoch_s, &err) != STP_OK) {
		stp_cli_usage(cli, "--%s: '%s' %s", option, value, err.text);
		return 0;
	}
	return 1;
}

int stp_cli_now(struct stp_cli *cli, const char *value, int64_t *out_epoch_s)
{
	struct stp_err err = STP_ERR_INIT;
	int64_t now;

	if (!stp_cli_time(cli, "now", value, &now))
		return 0;
	if (stp_now_check(now, value, &err) != STP_OK) {
		stp_cli_usage(cli, "--now: '%s' %s", value, err.text);
		return 0;
	}
	*out_epoch_s = now;
	return 1;
}

int stp_cli_choice(struct stp_cli *cli, const char *option, const char *value,
                   const char *const *choices)
{
	char list[256] = "";
	int i;

	STP_ASSERT(value != NULL);
	for (i = 0; choices[i]; i++) {
		size_t used = strlen(list);

		if (strcmp(choices[i], value) == 0)
			return i;
		snprintf(list + used, sizeof(list) - used, "%s%s", i ? ", " : "", choices[i]);
	}
	stp_cli_usage(cli, "--%s takes one of %s, not '%s'", option, list, value);
	return -1;
}
