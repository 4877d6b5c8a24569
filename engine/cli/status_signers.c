/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/status_signers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json_fields.h"
#include "cli/period.h"

/* ---------------------------------------------------------------------------- words */

const char *stp_status_json_name(const struct stp_status_role *role)
{
	return strcmp(role->name, "bin-n") == 0 ? "bin_n" : role->name;
}

void stp_status_add_roles(struct stp_out *out, const struct stp_status_report *status,
                          unsigned bits, const char *separator)
{
	const char *before = "";

	for (size_t i = 0; i < STP_STATUS_ROLES; i++) {
		if (!(bits & 1u << i))
			continue;
		stp_out_format(out, "%s%s", before, status->roles[i].name);
		before = separator;
	}
}

void stp_status_add_key(struct stp_out *out, const struct stp_status_key *key)
{
	if (key->name[0])
		stp_out_format(out, "%s", key->name);
	else
		stp_out_format(out, "%.8s", key->keyid);
}

void stp_status_add_keys(struct stp_out *out, const struct stp_status_role *role,
                         stp_status_key_fn *is_in)
{
	const char *before = "";

	stp_out_format(out, "{");
	for (size_t i = 0; i < role->key_count; i++) {
		if (is_in && !is_in(&role->keys[i]))
			continue;
		stp_out_format(out, "%s", before);
		stp_status_add_key(out, &role->keys[i]);
		before = " ";
	}
	stp_out_format(out, "}");
}

void stp_status_add_repo(struct stp_out *out, const struct stp_cli *cli)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	                            "/._-+:@%,=";
	const char *repo = cli->arguments[0];

	if (repo[strspn(repo, plain)] || repo[0] == '-' || strlen(repo) > 500)
		repo = "REPO";
	stp_out_format(out, "%s", repo);
}

char *stp_status_text(struct stp_out *out)
{
	struct stp_err ignored = STP_ERR_INIT;
	char *text;

	if (stp_out_take(out, &text, &ignored) != STP_OK)
		text = strdup("");
	return text;
}

/* "2 of 3", or what is known of it. */
static void add_threshold(struct stp_out *out, const struct stp_status_role *role)
{
	if (role->threshold > role->key_count)
		stp_out_format(out, "a threshold that cannot be reached, of %zu", role->key_count);
	else
		stp_out_format(out, "%llu of %zu", (unsigned long long)role->threshold,
		               role->key_count);
}

/* Prints a line of label, the text of out, and a line feed. */
static void print_line(const char *label, struct stp_out *out)
{
	char *text = stp_status_text(out);

	if (text) {
		printf("%-10s ", label);
		stp_cli_print_text("", text, "\n");
	}
	free(text);
}

/* ---------------------------------------------------------------------------- signers */

int stp_status_same_signers(const struct stp_status_role *a, const struct stp_status_role *b)
{
	if (a->key_count != b->key_count || a->threshold != b->threshold)
		return 0;
	for (size_t i = 0; i < a->key_count; i++)
		if (strcmp(a->keys[i].keyid, b->keys[i].keyid) != 0)
			return 0;
	return 1;
}

/* The role index and the online ones behind it with the same keys; 0 when an earlier role's line
 * has it. */
static unsigned same_line(const struct stp_status_report *status, size_t index)
{
	const struct stp_status_role *roles = status->roles;
	unsigned bits = 1u << index;

	if (roles[index].is_offline)
		return bits;
	for (size_t i = 0; i < STP_STATUS_ROLES; i++) {
		if (i == index || roles[i].is_offline || !roles[i].key_count ||
		    !stp_status_same_signers(&roles[i], &roles[index]))
			continue;
		if (i < index)
			return 0;
		bits |= 1u << i;
	}
	return bits;
}

void stp_status_print_signers(const struct stp_cli *cli, const struct stp_status_report *status)
{
	(void)cli;
	for (size_t i = 0; i < STP_STATUS_ROLES; i++) {
		const struct stp_status_role *role = &status->roles[i];
		unsigned bits = role->key_count ? same_line(status, i) : 0;
		struct stp_out out = STP_OUT_INIT;

		if (!bits)
			continue;
		stp_status_add_roles(&out, status, bits, ", ");
		stp_out_format(&out, ": ");
		add_threshold(&out, role);
		stp_out_format(&out, " ");
		stp_status_add_keys(&out, role, NULL);
		if (!role->is_offline)
			stp_out_format(&out, ", online: this machine");
		if (role->has_margin)
			stp_out_format(&out, ", quorum margin %lld", (long long)role->margin);
		print_line("signers", &out);
	}
}

/* --------------------------------------------------------------------------- calendar */

/* Whether key will not count for its role's margin any more at that time. */
static int lapses_by(const struct stp_status_key *key, int64_t at)
{
	return key->life != STP_STATUS_ALIVE || key->last_signature + STP_STATUS_ALIVE_S <= at;
}

static const struct stp_status_role *role_of(const struct stp_status_report *status,
                                             const struct stp_status_task *task)
{
	size_t i = 0;

	while (i + 1 < STP_STATUS_ROLES && !(task->roles & 1u << i))
		i++;
	return &status->roles[i];
}

static void add_task_command(struct stp_out *out, const struct stp_cli *cli,
                             const struct stp_status_report *status,
                             const struct stp_status_task *task)
{
	switch (task->kind) {
	case STP_STATUS_TASK_SIGN:
		stp_out_format(out, "stampede sign ");
		stp_status_add_repo(out, cli);
		return;
	case STP_STATUS_TASK_RENEW:
		stp_out_format(out, "stampede ceremony start ");
		stp_status_add_repo(out, cli);
		stp_out_format(out, " --renew ");
		stp_status_add_roles(out, status, task->together, ",");
		stp_out_format(out, " --out PAYLOAD --purpose TEXT");
		return;
	case STP_STATUS_TASK_DRILL:
		stp_out_format(out, "stampede ceremony drill ");
		stp_status_add_repo(out, cli);
		stp_out_format(out, " --out PAYLOAD");
	}
}

/* The keys that a drill is for. */
static void add_drill_keys(struct stp_out *out, const struct stp_status_role *role, int64_t at)
{
	const char *before = "";

	stp_out_format(out, "{");
	for (size_t i = 0; i < role->key_count; i++) {
		if (!lapses_by(&role->keys[i], at))
			continue;
		stp_out_format(out, "%s", before);
		stp_status_add_key(out, &role->keys[i]);
		before = " ";
	}
	stp_out_format(out, "}");
}

/* "2 of 3 {a b c}" of each of the roles, once if that is the same for all, else with their names
 * and a semicolon between. */
static void add_all_signers(struct stp_out *out, const struct stp_status_report *status,
                            unsigned bits)
{
	const struct stp_status_role *first = NULL;
	const char *before = "";
	int is_same = 1;

	for (size_t i = 0; i < STP_STATUS_ROLES; i++) {
		if (!(bits & 1u << i))
			continue;
		first = first ? first : &status->roles[i];
		is_same &= stp_status_same_signers(first, &status->roles[i]);
	}
	for (size_t i = 0; i < STP_STATUS_ROLES; i++) {
		const struct stp_status_role *role = &status->roles[i];

		if (!(bits & 1u << i) || (is_same && role != first))
			continue;
		stp_out_format(out, "%s", before);
		if (!is_same)
			stp_out_format(out, "%s ", role->name);
		add_threshold(out, role);
		stp_out_format(out, " ");
		stp_status_add_keys(out, role, NULL);
		before = "; ";
	}
}

/* The roles of the tasks that are one with task: renewals that one ceremony makes, before the same
 * time. 0: an earlier one's line has it. */
static unsigned roles_of_line(const struct stp_status_report *status,
                              const struct stp_status_task *task)
{
	unsigned roles = task->roles;

	if (task->kind != STP_STATUS_TASK_RENEW)
		return roles;
	for (size_t i = 0; i < status->task_count; i++) {
		const struct stp_status_task *other = &status->tasks[i];

		if (other->kind != task->kind || other->together != task->together ||
		    other->before != task->before || other->is_due != task->is_due ||
		    !role_of(status, other)->key_count != !role_of(status, task)->key_count)
			continue;
		if (other < task)
			return 0;
		roles |= other->roles;
	}
	return roles;
}

/* Who must sign, and before when. */
static void add_task(struct stp_out *out, const struct stp_status_report *status,
                     const struct stp_status_task *task, unsigned roles)
{
	const struct stp_status_role *role = role_of(status, task);
	char time[STP_TIME_BYTES + 1], left[STP_PERIOD_TEXT];

	stp_status_add_roles(out, status, roles, ", ");
	stp_out_format(out, ": ");
	if (task->kind == STP_STATUS_TASK_RENEW && role->key_count) {
		add_all_signers(out, status, roles);
		stp_out_format(out, " must ");
	} else if (task->kind == STP_STATUS_TASK_DRILL) {
		add_drill_keys(out, role, task->before);
		stp_out_format(out, " should ");
	}
	stp_time_format(task->before, time);
	stp_out_format(out, "sign before %s (%s)", time,
	               stp_period_format(task->before - status->now, left));
	if (task->kind == STP_STATUS_TASK_SIGN)
		stp_out_format(out, ", online, this machine");
	if (task->kind == STP_STATUS_TASK_DRILL)
		stp_out_format(out, ", or too few of the keys are known to work");
}

void stp_status_print_calendar(const struct stp_cli *cli, const struct stp_status_report *status)
{
	for (size_t i = 0; i < status->task_count; i++) {
		const struct stp_status_task *task = &status->tasks[i];
		unsigned roles = roles_of_line(status, task);
		struct stp_out out = STP_OUT_INIT;

		if (!roles)
			continue;
		add_task(&out, status, task, roles);
		stp_out_format(&out, ": ");
		add_task_command(&out, cli, status, task);
		print_line(task->is_due ? "DUE" : "calendar", &out);
	}
}

/* ---------------------------------------------------------------------------- margins */

/* "safe-4 (Ana; last signature 2028-11-02T12:00:00Z)" */
static void add_missing_key(struct stp_out *out, const struct stp_status_key *key)
{
	char time[STP_TIME_BYTES + 1];

	stp_status_add_key(out, key);
	stp_out_format(out, " (%s%s", key->holder, key->holder[0] ? "; " : "");
	stp_time_format(key->last_signature, time);
	if (key->life == STP_STATUS_UNSEEN)
		stp_out_format(out, "no signature is known)");
	else if (key->life == STP_STATUS_FUTURE)
		stp_out_format(out, "its signature is dated %s, in the future)", time);
	else
		stp_out_format(out, "last signature %s)", time);
}

static int is_missing(const struct stp_status_key *key)
{
	return key->life != STP_STATUS_ALIVE;
}

/* Who must be found, or what must be added. */
static void add_remedy(struct stp_out *out, const struct stp_cli *cli,
                       const struct stp_status_role *role)
{
	const char *before = "find ";

	for (size_t i = 0; i < role->key_count; i++) {
		if (!is_missing(&role->keys[i]))
			continue;
		stp_out_format(out, "%s", before);
		add_missing_key(out, &role->keys[i]);
		before = ", ";
	}
	if (strcmp(before, "find ") != 0) {
		stp_out_format(out, " and let them sign: stampede ceremony drill ");
		stp_status_add_repo(out, cli);
		stp_out_format(out, " --out PAYLOAD");
		return;
	}
	stp_out_format(out, "there is no spare key, so add one: stampede ceremony start ");
	stp_status_add_repo(out, cli);
	stp_out_format(out, " --add %s=NAME.key.json --out PAYLOAD --purpose TEXT", role->name);
}

static char *margin_text(const struct stp_cli *cli, const struct stp_status_role *role)
{
	struct stp_out out = STP_OUT_INIT;

	stp_out_format(
	    &out,
	    "%s: quorum margin %lld: %zu of %zu keys signed within 400 days, and %llu must "
	    "sign; ",
	    role->name, (long long)role->margin, role->alive_count, role->key_count,
	    (unsigned long long)role->threshold);
	add_remedy(&out, cli, role);
	return stp_status_text(&out);
}

void stp_status_print_margins(const struct stp_cli *cli, const struct stp_status_report *status)
{
	for (size_t i = 0; i < STP_STATUS_ROLES; i++) {
		char *text =
		    status->roles[i].is_margin_alarm ? margin_text(cli, &status->roles[i]) : NULL;

		if (text)
			stp_cli_print_text("QUORUM     ", text, "\n");
		free(text);
	}
}

void stp_status_warn_margins(const struct stp_cli *cli, const struct stp_status_report *status)
{
	for (size_t i = 0; i < STP_STATUS_ROLES; i++) {
		char *text =
		    status->roles[i].is_margin_alarm ? margin_text(cli, &status->roles[i]) : NULL;

		if (text)
			stp_cli_warn(cli, "status: %s", text);
		free(text);
	}
}

/* ------------------------------------------------------------------------------- JSON */

json_t *stp_status_key_json(const struct stp_status_role *role, const struct stp_status_key *key)
{
	static const char *const lives[] = {
	    [STP_STATUS_UNSEEN] = "unseen",
	    [STP_STATUS_ALIVE] = "alive",
	    [STP_STATUS_SILENT] = "silent",
	    [STP_STATUS_FUTURE] = "future",
	};
	json_t *object = json_object();

	json_object_set_new(object, "keyid", json_string(key->keyid));
	json_object_set_new(object, "name", stp_cli_json_text(key->name));
	json_object_set_new(object, "holder", stp_cli_json_text(key->holder));
	json_object_set_new(object, "key_type", json_string(key->key_type));
	json_object_set_new(object, "state",
	                    role->has_margin ? json_string(lives[key->life]) : json_null());
	stp_json_set_time(object, "last_signature",
	                  key->last_signature > 0 ? key->last_signature : 0);
	json_object_set_new(object, "last_document", stp_cli_json_text(key->last_document));
	return object;
}

static json_t *keys_json(const struct stp_status_role *role)
{
	json_t *array = json_array();

	for (size_t i = 0; i < role->key_count; i++)
		json_array_append_new(array, stp_status_key_json(role, &role->keys[i]));
	return array;
}

/* threshold, keys and margin of each role whose keys are known. */
static json_t *signers_json(const struct stp_status_report *status)
{
	json_t *object = json_object();

	for (size_t i = 0; i < STP_STATUS_ROLES; i++) {
		const struct stp_status_role *role = &status->roles[i];
		json_t *item = json_object();

		json_object_set_new(item, "offline", json_boolean(role->is_offline));
		json_object_set_new(item, "threshold",
		                    role->threshold && role->threshold <= role->key_count
		                        ? json_integer((json_int_t)role->threshold)
		                        : json_null());
		json_object_set_new(item, "keys", keys_json(role));
		if (role->has_margin) {
			stp_json_set_u64(item, "alive", role->alive_count);
			json_object_set_new(item, "margin", json_integer(role->margin));
			stp_json_set_time(item, "margin_until", role->margin_until);
		}
		json_object_set_new(object, stp_status_json_name(role), item);
	}
	return object;
}

static json_t *role_names_json(const struct stp_status_report *status, unsigned bits)
{
	json_t *array = json_array();

	for (size_t i = 0; i < STP_STATUS_ROLES; i++)
		if (bits & 1u << i)
			json_array_append_new(array,
			                      json_string(stp_status_json_name(&status->roles[i])));
	return array;
}

static json_t *task_json(const struct stp_cli *cli, const struct stp_status_report *status,
                         const struct stp_status_task *task)
{
	static const char *const kinds[] = {
	    [STP_STATUS_TASK_SIGN] = "sign",
	    [STP_STATUS_TASK_RENEW] = "renew",
	    [STP_STATUS_TASK_DRILL] = "drill",
	};
	const struct stp_status_role *role = role_of(status, task);
	uint64_t signatures = role->threshold <= role->key_count ? role->threshold : 0;
	struct stp_out out = STP_OUT_INIT;
	json_t *object = json_object();
	json_t *keys = json_array();
	char *command;

	for (size_t i = 0; i < role->key_count; i++)
		if (task->kind != STP_STATUS_TASK_DRILL || lapses_by(&role->keys[i], task->before))
			json_array_append_new(keys, stp_status_key_json(role, &role->keys[i]));
	if (task->kind == STP_STATUS_TASK_DRILL)
		signatures = json_array_size(keys);
	add_task_command(&out, cli, status, task);
	command = stp_status_text(&out);
	json_object_set_new(object, "what", json_string(kinds[task->kind]));
	json_object_set_new(object, "offline", json_boolean(role->is_offline));
	json_object_set_new(object, "roles", role_names_json(status, task->roles));
	stp_json_set_time(object, "start", task->start);
	stp_json_set_time(object, "before", task->before);
	json_object_set_new(object, "seconds_left", json_integer(task->before - status->now));
	json_object_set_new(object, "due", json_boolean(task->is_due));
	stp_json_set_u64(object, "signatures", signatures);
	json_object_set_new(object, "keys", keys);
	json_object_set_new(object, "command", stp_cli_json_text(command ? command : ""));
	free(command);
	return object;
}

void stp_status_set_signers(json_t *object, const struct stp_cli *cli,
                            const struct stp_status_report *status)
{
	json_t *margins = json_object(), *alarms = json_array(), *calendar = json_array();

	for (size_t i = 0; i < STP_STATUS_ROLES; i++) {
		const struct stp_status_role *role = &status->roles[i];

		if (role->is_offline)
			json_object_set_new(margins, stp_status_json_name(role),
			                    role->has_margin ? json_integer(role->margin)
			                                     : json_null());
		if (role->is_margin_alarm)
			json_array_append_new(alarms, json_string(stp_status_json_name(role)));
	}
	for (size_t i = 0; i < status->task_count; i++)
		json_array_append_new(calendar, task_json(cli, status, &status->tasks[i]));
	json_object_set_new(object, "signers", signers_json(status));
	json_object_set_new(object, "quorum_margin", margins);
	json_object_set_new(object, "quorum_alarms", alarms);
	json_object_set_new(object, "calendar", calendar);
}
