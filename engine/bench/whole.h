/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of the end-to-end benchmark, called by bench/whole.c.
 *
 * Shape      see bench/state.h.
 * Memory     as a run of sign takes.
 * Ownership  everything lies in the scratch folder.
 * Threads    one after another.
 */
#ifndef STP_BENCH_WHOLE_H
#define STP_BENCH_WHOLE_H

#include "bench/state.h"

/* What sorting records costs, in memory and spilled. */
enum stp_errc stp_bench_sorting(struct stp_bench *bench, struct stp_err *err) STP_MUST_CHECK;

#endif
