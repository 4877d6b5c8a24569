/* SPDX-License-Identifier: Apache-2.0 */
#include "run/sign/sign_run.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/cpu.h"
#include "base/file.h"

void stp_sign_run_init(struct stp_sign_run *run, const struct stp_sign_options *options,
                       struct stp_sign_report *report)
{
	memset(run, 0, sizeof(*run));
	run->options = options;
	run->report = report;
	stp_stopwatch_start(&run->watch, &report->seconds.rest);
	run->jobs = options->jobs;
	run->worker_count = run->jobs ? run->jobs : 1;
	run->features = run->jobs ? stp_cpu_features() : 0;
	run->verified_at = stp_clock_now();
	run->now = options->now || options->has_now ? options->now : run->verified_at;
	run->cancel = options->cancel ? options->cancel : &run->own_cancel;
	run->targets_fd = -1;
	run->list_source.fd = -1;
	stp_fault_list_init(&run->faults);
	stp_fault_list_init(&run->damage);
	stp_fault_list_init(&run->notes);
	stp_fault_list_init(&run->reported);
	stp_fault_list_init(&run->ahead);
	stp_repo_init(&run->repo);
	report->now = run->now;
	report->cpu_features = run->features;
}

void stp_sign_run_release(struct stp_sign_run *run)
{
	stp_ledger_close(run->ledger);
	stp_seal_key_destroy(run->seal_key);
	stp_list_source_close(&run->list_source);
	stp_fd_close(&run->targets_fd);
	stp_config_release(&run->config);
	stp_repo_close(&run->repo);
	stp_glob_notes_release(&run->globs);
	stp_fault_list_release(&run->notes);
	stp_fault_list_release(&run->reported);
	stp_fault_list_release(&run->ahead);
	stp_fault_list_release(&run->damage);
	stp_fault_list_release(&run->faults);
}

void stp_sign_report_note(struct stp_sign_run *run, const char *stage, const char *subject,
                          const char *format, ...)
{
	const struct stp_sign_options *options = run->options;
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	stp_fault_add(&run->reported, STP_OK, 0, stage, subject, strlen(subject), "%s", text);
	if (options->log)
		options->log(options->log_ctx, stage, subject, text);
}
