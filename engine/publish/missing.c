/* SPDX-License-Identifier: Apache-2.0 */
#include "publish/missing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Keeps path if it is among the first. */
static void keep(struct stp_missing *missing, const char *path)
{
	size_t place = 0;
	char *copy;

	while (place < missing->kept && strcmp(missing->paths[place], path) < 0)
		place++;
	if (place == STP_MISSING_KEPT)
		return;
	copy = strdup(path);
	if (!copy)
		return;
	if (missing->kept == STP_MISSING_KEPT)
		free(missing->paths[--missing->kept]);
	memmove(&missing->paths[place + 1], &missing->paths[place],
	        (missing->kept - place) * sizeof(missing->paths[0]));
	missing->paths[place] = copy;
	missing->kept++;
}

void stp_missing_add(struct stp_missing *missing, const char *path)
{
	missing->count++;
	keep(missing, path);
}

void stp_missing_merge(struct stp_missing *into, const struct stp_missing *from)
{
	size_t i;

	into->count += from->count;
	for (i = 0; i < from->kept; i++)
		keep(into, from->paths[i]);
}

void stp_missing_names(const struct stp_missing *missing, char out[STP_MISSING_NAMES_BYTES])
{
	size_t used = 0;
	size_t i;

	out[0] = '\0';
	for (i = 0; i < missing->kept; i++)
		used += (size_t)snprintf(out + used, STP_MISSING_NAMES_BYTES - used, "%s%.60s",
		                         i ? ", " : "", missing->paths[i]);
	if (missing->count > missing->kept)
		snprintf(out + used, STP_MISSING_NAMES_BYTES - used, ", ...");
}

void stp_missing_release(struct stp_missing *missing)
{
	while (missing->kept)
		free(missing->paths[--missing->kept]);
	missing->count = 0;
}
