/* SPDX-License-Identifier: Apache-2.0 */
/* The expiries of what is published, which offline roles are due, and whether their keys are alive.
 */
#include <string.h>

#include "base/clock.h"
#include "roles/expiry.h"
#include "run/quorum.h"
#include "run/sign/open.h"

#define DAY_S 86400

static void note_if_due(struct stp_sign_run *run, const struct stp_current *current,
                        const char *role, int64_t expires, int64_t period_s)
{
	enum stp_hint how = current->is_offline_apart ? STP_HINT_CEREMONY : STP_HINT_UPDATE;
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
	              in_days ? "days" : "hours", stp_hint_text(how));
}

void stp_sign_note_expiries(struct stp_sign_run *run, const struct stp_current *current)
{
	const struct stp_expiry *period = &run->config.expiry;
	struct stp_sign_expiries *expiries = &run->report->expiries;

	expiries->root = current->root.expires;
	expiries->targets = current->targets.expires;
	expiries->bins = current->bins.version ? current->bins.expires : 0;
	expiries->timestamp = current->timestamp_version ? current->timestamp_expires : 0;
	note_if_due(run, current, "root", expiries->root, period->root);
	note_if_due(run, current, "targets", expiries->targets, period->targets);
	note_if_due(run, current, "bins", expiries->bins, period->bins);
}

static enum stp_errc judge_keys(struct stp_sign_run *run, const struct stp_quorum *quorum,
                                struct stp_arena *arena, struct stp_err *err)
{
	struct stp_sign_margins *margins = &run->report->margins;
	struct stp_sign_margin *const outs[STP_QUORUM_ROLES] = {&margins->root, &margins->targets,
	                                                        &margins->bins};

	for (size_t i = 0; i < STP_QUORUM_ROLES; i++) {
		struct stp_status_role role = {.name = NULL};

		STP_TRY(stp_quorum_judge(quorum, i, arena, &role, err));
		outs[i]->known = role.has_margin;
		outs[i]->margin = role.margin;
	}
	return STP_OK;
}

void stp_sign_note_margins(struct stp_sign_run *run, const struct stp_trust *trust)
{
	struct stp_quorum quorum = {.now = run->now};
	struct stp_err why = STP_ERR_INIT;
	struct stp_keyring keyring;
	struct stp_arena arena;

	if (stp_keyring_load(&keyring, run->repo.root_fd, &why) != STP_OK) {
		stp_fault_add(&run->notes, STP_OK, 0, "keys", STP_KEYRING_FILE,
		              strlen(STP_KEYRING_FILE),
		              "cannot be used, so nothing is known about the keys of people: %s",
		              why.text);
		return;
	}
	stp_arena_init(&arena, 16 * 1024);
	quorum.keyring = &keyring;
	quorum.roles[STP_STATUS_ROOT] =
	    (struct stp_quorum_role){&trust->root.doc, &trust->root.root, -1};
	quorum.roles[STP_STATUS_TARGETS] =
	    (struct stp_quorum_role){&trust->targets, &trust->root.targets, -1};
	if (trust->has_bins)
		quorum.roles[STP_STATUS_BINS] =
		    (struct stp_quorum_role){&trust->bins, &trust->bins_role, -1};
	stp_quorum_date(&quorum, &run->config, &trust->floors);
	if (judge_keys(run, &quorum, &arena, &why) != STP_OK)
		memset(&run->report->margins, 0, sizeof(run->report->margins));
	stp_arena_release(&arena);
	stp_keyring_release(&keyring);
}
