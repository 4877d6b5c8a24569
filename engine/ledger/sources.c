/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/sources.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "ledger/run_source.h"
#include "ledger/segment_reader.h"

#define RANGE_BYTES ((uint64_t)8 << 20)

enum stp_errc stp_sources_add(struct stp_sources *sources, struct stp_source source,
                              struct stp_err *err)
{
	if (!STP_ARRAY_RESERVE(sources->items, sources->capacity, sources->count + 1))
		return STP_FAIL_ERRNO(err, ENOMEM, "ledger", NULL, "no memory for %zu sources",
		                      sources->count + 1);
	sources->items[sources->count++] = source;
	return STP_OK;
}

void stp_sources_release(struct stp_sources *sources)
{
	size_t i;

	for (i = 0; i < sources->count; i++) {
		if (sources->items[i].borrowed)
			continue;
		if (sources->items[i].run)
			stp_run_release(sources->items[i].run);
		stp_segment_close(sources->items[i].segment);
	}
	free(sources->items);
	memset(sources, 0, sizeof(*sources));
}

uint64_t stp_sources_record_count(const struct stp_sources *sources)
{
	uint64_t count = 0;
	size_t i;

	for (i = 0; i < sources->count; i++) {
		const struct stp_source *source = &sources->items[i];

		count += source->segment ? source->segment->info.record_count
		                         : source->run->record_count;
	}
	return count;
}

uint64_t stp_sources_bytes(const struct stp_sources *sources)
{
	uint64_t bytes = 0;
	size_t i;

	for (i = 0; i < sources->count; i++) {
		const struct stp_source *source = &sources->items[i];

		bytes +=
		    source->segment ? source->segment->info.file_bytes : source->run->record_bytes;
	}
	return bytes;
}

unsigned stp_sources_range_bits(const struct stp_sources *sources, unsigned bits_max)
{
	uint64_t ranges = stp_sources_bytes(sources) / RANGE_BYTES;
	unsigned bits = 0;

	while (bits < bits_max && (uint64_t)1 << (bits + 1) <= ranges)
		bits++;
	return bits;
}
