/* SPDX-License-Identifier: Apache-2.0 */
#include "run/status/calendar.h"

#include "base/clock.h"

#define DAY_S INT64_C(86400)

/* Roles that expire within so long of each other are renewed by one ceremony; and so long before a
 * margin becomes an alarm its keys should sign. */
#define TOGETHER_S (30 * DAY_S)

static void add(struct stp_status_report *status, struct stp_status_task task)
{
	size_t at = status->task_count++;

	/* Each run of sign does its part anyway: that is overdue only when something has expired.
	 */
	task.is_due = (task.kind == STP_STATUS_TASK_SIGN ? task.before : task.start) <= status->now;
	/* Sorted by insertion, in the order of roles where the time is the same. */
	for (; at && status->tasks[at - 1].before > task.before; at--)
		status->tasks[at] = status->tasks[at - 1];
	status->tasks[at] = task;
}

/* The expiry of a role's newest document, whether or not clients see it yet. */
static int64_t newest_expiry(const struct stp_status_role *role)
{
	return role->waiting_version ? role->waiting_expires : role->expires;
}

/* All online roles are renewed by one run, before the first of them expires; it also replaces what
 * clients see of an offline role by what waits. */
static void add_online(struct stp_status_report *status)
{
	struct stp_status_task task = {.kind = STP_STATUS_TASK_SIGN};

	for (size_t i = 0; i < STP_STATUS_ROLES; i++) {
		const struct stp_status_role *role = &status->roles[i];

		if ((role->is_offline && !role->waiting_version) || !role->expires)
			continue;
		if (!role->is_offline)
			task.roles |= 1u << i;
		if (!task.before || role->expires < task.before)
			task.before = role->expires;
	}
	task.together = task.roles;
	if (task.roles)
		add(status, task);
}

/* Offline roles that expire not long after the role index, which is among them, or before it. */
static unsigned together(const struct stp_status_report *status, size_t index)
{
	int64_t last = stp_time_add(newest_expiry(&status->roles[index]), TOGETHER_S);
	unsigned roles = 0;

	for (size_t i = 0; i < STP_STATUS_ROLES; i++) {
		const struct stp_status_role *role = &status->roles[i];
		int64_t expires = newest_expiry(role);

		if (role->is_offline && expires && expires <= last)
			roles |= 1u << i;
	}
	return roles;
}

static void add_offline(struct stp_status_report *status, size_t index)
{
	const struct stp_status_role *role = &status->roles[index];
	int64_t expires = newest_expiry(role);
	unsigned bit = 1u << index;

	if (expires)
		add(status, (struct stp_status_task){
		                .kind = STP_STATUS_TASK_RENEW,
		                .roles = bit,
		                .together = together(status, index),
		                .start = stp_time_add(expires, -role->due_s),
		                .before = expires,
		            });
	/* A renewal that comes first is a reason to sign anyway, for a threshold at least; what it
	 * leaves is listed when it is done. */
	if (role->margin_until && (!expires || role->margin_until < expires))
		add(status, (struct stp_status_task){
		                .kind = STP_STATUS_TASK_DRILL,
		                .roles = bit,
		                .together = bit,
		                .start = stp_time_add(role->margin_until, -TOGETHER_S),
		                .before = role->margin_until,
		            });
}

void stp_calendar_make(struct stp_status_report *status)
{
	status->task_count = 0;
	add_online(status);
	for (size_t i = 0; i < STP_STATUS_ROLES; i++)
		if (status->roles[i].is_offline)
			add_offline(status, i);
}
