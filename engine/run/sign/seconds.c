/* SPDX-License-Identifier: Apache-2.0 */
#include "run/sign/seconds.h"

#include <string.h>

#include "base/clock.h"

void stp_sign_add_seconds(double *seconds, uint64_t started_ns)
{
	*seconds += (double)(stp_clock_monotonic_ns() - started_ns) / 1e9;
}

static const char *name_of(const struct stp_sign_seconds *seconds, const double *stage)
{
	const struct {
		const double *stage;
		const char *name;
	} names[] = {
	    {&seconds->scan, "scan"}, {&seconds->hash, "hash"}, {&seconds->ledger, "ledger"},
	    {&seconds->bins, "bins"}, {&seconds->sign, "sign"}, {&seconds->publish, "publish"},
	    {&seconds->rest, "rest"},
	};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (names[i].stage == stage)
			return names[i].name;
	return "";
}

/* Appends the time since the last change of stage, or extends the last span. */
static void add_span(struct stp_sign_report *report, const struct stp_stopwatch *watch,
                     uint64_t now)
{
	const char *name = name_of(&report->seconds, watch->stage);
	double from = (double)(watch->stage_since - watch->started_ns) / 1e9;
	double to = (double)(now - watch->started_ns) / 1e9;
	struct stp_sign_span *last =
	    report->span_count ? &report->spans[report->span_count - 1] : NULL;

	if (last && strcmp(last->stage, name) == 0)
		last->to = to;
	else if (report->span_count < STP_SIGN_SPANS_MAX)
		report->spans[report->span_count++] = (struct stp_sign_span){name, from, to};
}

void stp_stopwatch_start(struct stp_stopwatch *watch, double *stage)
{
	watch->stage = stage;
	watch->stage_since = watch->started_ns = stp_clock_monotonic_ns();
}

double *stp_stopwatch_stage(struct stp_stopwatch *watch, struct stp_sign_report *report,
                            double *stage)
{
	uint64_t now = stp_clock_monotonic_ns();
	double *before = watch->stage;

	add_span(report, watch, now);
	*before += (double)(now - watch->stage_since) / 1e9;
	watch->stage = stage;
	watch->stage_since = now;
	return before;
}

void stp_sign_share_seconds(struct stp_sign_seconds *seconds,
                            const struct stp_sign_seconds *worker_s, double wall_s)
{
	double worked_s = worker_s->ledger + worker_s->bins + worker_s->sign + worker_s->publish;

	/* Workers that had nothing to do: they only opened the ledger. */
	if (worked_s <= 0) {
		seconds->ledger += wall_s;
		return;
	}
	seconds->ledger += wall_s * worker_s->ledger / worked_s;
	seconds->bins += wall_s * worker_s->bins / worked_s;
	seconds->sign += wall_s * worker_s->sign / worked_s;
	seconds->publish += wall_s * worker_s->publish / worked_s;
}
