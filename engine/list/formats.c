/* SPDX-License-Identifier: Apache-2.0 */
#include "list/format.h"

/* The first format that may fit is used; the last accepts everything. */
static const struct stp_list_format *const formats[] = {&stp_list_ndjson, &stp_list_csv};

const struct stp_list_format *stp_list_format_of(const char *bytes, size_t count)
{
	size_t last = sizeof(formats) / sizeof(*formats) - 1;
	size_t i = 0;

	while (i < last && !formats[i]->sniff(bytes, count))
		i++;
	return formats[i];
}
