/* SPDX-License-Identifier: Apache-2.0 */
#include "base/options.h"

#include <string.h>

#include "base/clock.h"
#include "base/thread.h"

enum stp_errc stp_options_take(void *out, size_t out_bytes, size_t first_bytes, const void *options,
                               const char *stage, struct stp_err *err)
{
	const unsigned char *bytes = options;
	size_t size;
	size_t i;

	if (!options)
		return STP_FAIL(err, STP_CONFIG, stage, "options", "are required");
	memcpy(&size, options, sizeof(size));
	if (size == 0)
		size = first_bytes;
	if (size < sizeof(size))
		return STP_FAIL(err, STP_CONFIG, stage, "options",
		                "have a size of %zu bytes; initialize them with their macro", size);
	for (i = out_bytes; i < size; i++)
		if (bytes[i])
			return STP_FAIL(err, STP_CONFIG, stage, "options",
			                "use members that this version of the library does not "
			                "know; install the one that the program was built for");
	memset(out, 0, out_bytes);
	memcpy(out, options, size < out_bytes ? size : out_bytes);
	memcpy(out, &out_bytes, sizeof(out_bytes));
	return STP_OK;
}

size_t stp_options_jobs(size_t jobs)
{
	if (jobs == STP_JOBS_SERIAL)
		return 0;
	if (jobs == 0)
		jobs = stp_cpu_count();
	return jobs < STP_JOBS_MAX ? jobs : STP_JOBS_MAX;
}

int64_t stp_options_now(int64_t now, int has_now)
{
	return now || has_now ? now : stp_clock_now();
}

enum stp_errc stp_options_need(const char *value, const char *name, const char *stage,
                               struct stp_err *err)
{
	if (value && *value)
		return STP_OK;
	return STP_FAIL(err, STP_CONFIG, stage, name, "is required");
}
