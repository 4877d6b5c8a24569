/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/storage.h"

struct stp_bench_cost stp_bench_cost_of(const struct stp_bench_storage *storage,
                                        double small_files_per_second,
                                        double large_bytes_per_second)
{
	struct stp_bench_cost cost = {0, 0};
	double small_mean = (double)storage->small.total_bytes / (double)storage->small.count;
	double large_mean = (double)storage->large.total_bytes / (double)storage->large.count;
	double small_seconds, large_seconds;

	if (small_files_per_second <= 0 || large_bytes_per_second <= 0)
		return cost;
	small_seconds = 1 / small_files_per_second;          /* of one small file */
	large_seconds = large_mean / large_bytes_per_second; /* of one large file */
	/* seconds = per_file + bytes * per_byte, for both means. */
	cost.per_byte = (large_seconds - small_seconds) / (large_mean - small_mean);
	if (cost.per_byte < 0)
		cost.per_byte = 0;
	cost.per_file = small_seconds - small_mean * cost.per_byte;
	if (cost.per_file < 0)
		cost.per_file = 0;
	return cost;
}
