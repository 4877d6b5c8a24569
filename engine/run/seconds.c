/* SPDX-License-Identifier: Apache-2.0 */
/* Where the time of a run goes. */
#include "base/clock.h"
#include "run/sign_run.h"

void stp_sign_add_seconds(double *seconds, uint64_t started_ns)
{
	*seconds += (double)(stp_clock_monotonic_ns() - started_ns) / 1e9;
}

double *stp_sign_stage(struct stp_sign_run *run, double *stage)
{
	uint64_t now = stp_clock_monotonic_ns();
	double *before = run->stage;

	*before += (double)(now - run->stage_since) / 1e9;
	run->stage = stage;
	run->stage_since = now;
	return before;
}

void stp_sign_share_seconds(struct stp_sign_seconds *seconds,
                            const struct stp_sign_seconds *worker_s, double wall_s)
{
	double worked_s = worker_s->ledger + worker_s->bins + worker_s->sign + worker_s->publish;

	/* Workers that came to nothing: they had only opened the ledger. */
	if (worked_s <= 0) {
		seconds->ledger += wall_s;
		return;
	}
	seconds->ledger += wall_s * worker_s->ledger / worked_s;
	seconds->bins += wall_s * worker_s->bins / worked_s;
	seconds->sign += wall_s * worker_s->sign / worked_s;
	seconds->publish += wall_s * worker_s->publish / worked_s;
}
