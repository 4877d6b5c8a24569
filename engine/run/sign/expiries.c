/* SPDX-License-Identifier: Apache-2.0 */
/* The expiries of what is published, and which offline roles are due. */
#include <string.h>

#include "base/clock.h"
#include "roles/expiry.h"
#include "run/sign/open.h"

#define DAY_S 86400

static void note_if_due(struct stp_sign_run *run, const char *role, int64_t expires,
                        int64_t period_s)
{
	int64_t left_s = expires - run->now;
	int in_days = left_s >= 2 * DAY_S;
	char when[STP_TIME_BYTES + 1];

	/* A role that has already expired ends the run. */
	if (!expires || left_s <= 0 || left_s > stp_expiry_due_s(period_s))
		return;
	stp_time_format(expires, when);
	stp_fault_add(&run->notes, STP_OK, 0, "expiry", role, strlen(role),
	              "expires at %s, in %lld %s, and clients accept nothing after that; renew it "
	              "with the offline keys: %s",
	              when, (long long)(left_s / (in_days ? DAY_S : 3600)),
	              in_days ? "days" : "hours", stp_hint_text(STP_HINT_UPDATE));
}

void stp_sign_note_expiries(struct stp_sign_run *run, const struct stp_current *current)
{
	const struct stp_expiry *period = &run->config.expiry;
	struct stp_sign_expiries *expiries = &run->report->expiries;

	expiries->root = current->root.expires;
	expiries->targets = current->targets.expires;
	expiries->bins = current->bins.version ? current->bins.expires : 0;
	expiries->timestamp = current->timestamp_version ? current->timestamp_expires : 0;
	note_if_due(run, "root", expiries->root, period->root);
	note_if_due(run, "targets", expiries->targets, period->targets);
	note_if_due(run, "bins", expiries->bins, period->bins);
}
