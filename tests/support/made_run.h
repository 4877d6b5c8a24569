/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the steps of `sign` share, without a repository: a folder of targets, a ledger, and the
 * defaults of a configuration.
 *
 * Shape      SCRATCH is the folder of state, SCRATCH/targets that of the targets.
 * Memory     one struct.
 * Ownership  made_run_end() closes and removes all; the struct must not move.
 * Threads    one thread.
 */
#ifndef STP_TESTS_MADE_RUN_H
#define STP_TESTS_MADE_RUN_H

#include "base/clock.h"
#include "made_ledger.h"
#include "run/sign/comparison.h"
#include "run/sign/sign_run.h"

#define MADE_RUN_NOW INT64_C(1893456000) /* 2030-01-01T00:00:00Z */

struct made_run {
	struct made_ledger made;
	struct stp_sign_options options;
	struct stp_sign_report report;
	struct stp_sign_run run;
};

static inline void made_run_init(struct made_run *made, unsigned hash_set, size_t jobs)
{
	struct stp_sign_run *run = &made->run;

	memset(made, 0, sizeof(*made));
	ledger_init(&made->made, hash_set);
	made->options.jobs = jobs;
	run->options = &made->options;
	run->report = &made->report;
	run->jobs = jobs;
	run->worker_count = jobs ? jobs : 1;
	run->now = MADE_RUN_NOW;
	run->verified_at = stp_clock_now();
	run->cancel = &run->own_cancel;
	run->config.hash_set = hash_set;
	run->config.bin_bits = 4;
	run->config.bin_prefix = "bin-n";
	run->config.targets_dir = "targets";
	run->config.expiry.bin_n = 86400;
	run->digest_bytes = stp_alg_set_digest_bytes(hash_set);
	run->ledger = made->made.ledger;
	run->ledger_set = hash_set;
	run->list_source.fd = -1;
	stp_repo_init(&run->repo);
	run->repo.state_fd = made->made.scratch.fd;
	mkdirat(made->made.scratch.fd, "targets", 0755);
	run->targets_fd =
	    openat(made->made.scratch.fd, "targets", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	stp_fs_table_init(&run->fs, run->targets_fd);
	assert_int_equal(
	    stp_seal_key_generate(made->made.scratch.fd, "seal.key", &run->seal_key, NULL), STP_OK);
	run->io.mode = STP_IO_MODE_PREAD;
	run->ahead_ns = INT64_MAX;
	stp_stopwatch_start(&run->watch, &made->report.seconds.rest);
	stp_fault_list_init(&run->faults);
	stp_fault_list_init(&run->damage);
	stp_fault_list_init(&run->notes);
	stp_fault_list_init(&run->reported);
	stp_fault_list_init(&run->ahead);
}

/* Scan ⋈ ledger, with the defaults of a run. */
static inline struct stp_comparison made_run_comparison(const struct made_run *made,
                                                        const struct stp_sources *scan,
                                                        const struct stp_sources *published,
                                                        const struct stp_hashed *hashed)
{
	const struct stp_sign_run *run = &made->run;

	return (struct stp_comparison){
	    .scan = scan,
	    .published = published,
	    .ledger = run->ledger,
	    .rules = {.hash_set = run->config.hash_set,
	              .generation_set = run->ledger_set,
	              .digest_bytes = run->digest_bytes,
	              .now = run->now,
	              .again = {.fs = &run->fs, .ahead_ns = run->ahead_ns},
	              .rehash = {.parts = 1},
	              .hashed = hashed},
	};
}

/* After ledger_take(): the ledger was opened again. */
static inline void made_run_reopened(struct made_run *made)
{
	made->run.ledger = made->made.ledger;
}

static inline void made_run_end(struct made_run *made)
{
	struct stp_sign_run *run = &made->run;

	stp_list_source_close(&run->list_source);
	stp_fault_list_release(&run->faults);
	stp_fault_list_release(&run->damage);
	stp_fault_list_release(&run->notes);
	stp_fault_list_release(&run->reported);
	stp_fault_list_release(&run->ahead);
	stp_seal_key_destroy(run->seal_key);
	close(run->targets_fd);
	ledger_end(&made->made);
}

#endif
