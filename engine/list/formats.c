/* SPDX-License-Identifier: Apache-2.0 */
#include "list/format.h"

#include <string.h>

/* The first that a list may be of is it; the last takes all. */
static const struct stp_list_format *const formats[] = {&stp_list_ndjson, &stp_list_csv};

const struct stp_list_format *stp_list_format_of(const char *bytes, size_t count)
{
	size_t last = sizeof(formats) / sizeof(*formats) - 1;
	size_t i = 0;

	while (i < last && !formats[i]->sniff(bytes, count))
		i++;
	return formats[i];
}

struct stp_list_cut stp_list_partition_lines(const char *bytes, size_t count)
{
	const char *feed = count ? memrchr(bytes, '\n', count) : NULL;

	return (struct stp_list_cut){.bytes = feed ? (size_t)(feed - bytes) + 1 : 0};
}
