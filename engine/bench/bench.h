/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of a benchmark. bench/bench.c runs them over one state (bench/state.h), in this order:
 *
 *	processor   kernels, scaling, memory, signing, encoding          bench/processor.c
 *	storage     scan, reads, hashing files, creation, durability     bench/storage.c
 *	whole       real `sign` runs of made-up indexes                  bench/whole.c
 *	model       what the parts say about other indexes               bench/model.c
 *	predict     the answers, from a model just measured or read back bench/predict.c
 *
 * The model stands in the document too (bench/model_json.c), so that one measurement answers
 * questions about other indexes later.
 *
 * Shape      see bench/state.h.
 * Memory     see bench/state.h.
 * Ownership  the caller's state.
 * Threads    parts run one after another; each starts its own workers.
 */
#ifndef STP_BENCH_BENCH_H
#define STP_BENCH_BENCH_H

#include "bench/state.h"

enum stp_errc stp_bench_processor(struct stp_bench *bench, struct stp_err *err) STP_MUST_CHECK;
enum stp_errc stp_bench_storage(struct stp_bench *bench, struct stp_err *err) STP_MUST_CHECK;
enum stp_errc stp_bench_whole(struct stp_bench *bench, struct stp_err *err) STP_MUST_CHECK;

/* "predictions" of a document. memory_bytes bounds what may stay in the page cache. */
json_t *stp_bench_predict(const struct stp_bench_model *model,
                          const struct stp_bench_options *options, double memory_bytes);

#endif
