/* SPDX-License-Identifier: Apache-2.0 */
#include "stampede/status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json_fields.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/period.h"
#include "cli/status_lost.h"
#include "cli/status_signers.h"

enum { OPT_WITHIN = 1, OPT_LOST, OPT_NOW };

static const struct stp_option options[] = {
    {"expires-within", "[ROLE=]TIME",
     "exit 1 when something expires within this time (m, h, d): TIME alone is for bin-n, snapshot "
     "and timestamp, and then root, targets and bins count from when they are due; ROLE is one "
     "role, online or offline; may be repeated",
     OPT_WITHIN},
    {"lost", "KEY",
     "print what to do when this key is lost, by name, keyid or the first 8 digits of it; several "
     "with commas, or repeated",
     OPT_LOST},
    {"now", "TIME", "hold expiries against YYYY-MM-DDTHH:MM:SSZ, not the clock", OPT_NOW},
    {NULL, NULL, NULL, 0},
};

/* What --expires-within asks for; -1: nothing. */
struct limits {
	int64_t plain_s; /* without a role: for online roles, and offline ones when they are due */
	int64_t online_s, offline_s;
	int64_t role_s[STP_STATUS_ROLES];
};

/* How near the expiry of role may come; -1: it may come as near as it likes. What was asked for
 * the role itself goes before what was asked for several. */
static int64_t limit_of(const struct limits *limits, const struct stp_status_report *status,
                        size_t role)
{
	/* what waits needs a run only */
	int is_offline = status->roles[role].is_offline && !status->roles[role].waiting_version;
	int64_t group_s = is_offline ? limits->offline_s : limits->online_s;

	if (limits->role_s[role] >= 0)
		return limits->role_s[role];
	if (group_s >= 0 || limits->plain_s < 0)
		return group_s;
	return is_offline ? status->roles[role].due_s : limits->plain_s;
}

static int is_late(const struct limits *limits, const struct stp_status_report *status, size_t role)
{
	int64_t limit_s = limit_of(limits, status, role);
	int64_t expires = status->roles[role].expires;

	return limit_s >= 0 && expires && expires - status->now <= limit_s;
}

/* Where the time of "ROLE=TIME" goes; word loses its "=TIME". NULL after printing usage. */
static int64_t *limit_named(struct stp_cli *cli, char *word, struct limits *limits)
{
	static const char *const names[] = {"root",      "targets", "bins",    "bin-n", "snapshot",
	                                    "timestamp", "online",  "offline", NULL};
	int name;

	*strchr(word, '=') = '\0';
	name = stp_cli_choice(cli, "expires-within ROLE=TIME", word, names);
	if (name < 0)
		return NULL;
	if (name < STP_STATUS_ROLES)
		return &limits->role_s[name];
	return name == STP_STATUS_ROLES ? &limits->online_s : &limits->offline_s;
}

/* "12h", "root=30d", or several of them with commas; 0 after printing usage. */
static int take_within(struct stp_cli *cli, const char *value, struct limits *limits)
{
	char word[64];

	for (;;) {
		size_t count = strcspn(value, ",");
		int64_t *out = &limits->plain_s;
		char *time = word;

		snprintf(word, sizeof(word), "%.*s", (int)(count < 63 ? count : 63), value);
		if (strchr(word, '=')) {
			time = strchr(word, '=') + 1;
			out = limit_named(cli, word, limits);
		}
		if (!out || !stp_cli_period(cli, "expires-within", time, out))
			return 0;
		if (!value[count])
			return 1;
		value += count + 1;
	}
}

/* Keys named with --lost. */
struct lost {
	char **names;
	size_t count;
};

/* Adds the names of value; 0 after printing usage. */
static int take_lost(struct stp_cli *cli, const char *value, struct lost *lost)
{
	const char *rest = value;

	for (;; rest++) {
		size_t count = strcspn(rest, ",");
		char **names = realloc(lost->names, (lost->count + 1) * sizeof(*names));
		char *name = names ? strndup(rest, count) : NULL;

		lost->names = names ? names : lost->names;
		if (name)
			lost->names[lost->count++] = name;
		if (!name || !count) {
			stp_cli_usage(cli,
			              name ? "--lost takes names or keyids of keys with commas "
			                     "between them, not '%s'"
			                   : "memory is too short for '%s'",
			              value);
			return 0;
		}
		rest += count;
		if (!*rest)
			return 1;
	}
}

static void release_lost(struct lost *lost)
{
	for (size_t i = 0; i < lost->count; i++)
		free(lost->names[i]);
	free(lost->names);
}

static void print_role(const struct stp_status_report *status, const struct stp_status_role *role)
{
	char time[STP_TIME_BYTES + 1], left[STP_PERIOD_TEXT];

	if (!role->expires)
		return;
	stp_time_format(role->expires, time);
	printf("%-10s version %-8llu expires %s, %s\n", role->name,
	       (unsigned long long)role->version, time,
	       stp_period_format(role->expires - status->now, left));
}

/* Whether there are newer documents than clients see. Before the first sign there are no others. */
static int has_waiting(const struct stp_status_report *status)
{
	return status->published && (status->roles[STP_STATUS_TARGETS].waiting_version ||
	                             status->roles[STP_STATUS_BINS].waiting_version);
}

static void print_waiting(const struct stp_cli *cli, const struct stp_status_report *status)
{
	struct stp_out out = STP_OUT_INIT;
	const char *before = "";
	char *text;

	if (!has_waiting(status))
		return;
	for (size_t i = 0; i < STP_STATUS_ROLES; i++) {
		const struct stp_status_role *role = &status->roles[i];

		if (!role->waiting_version)
			continue;
		stp_out_format(&out, "%s%s %llu", before, role->name,
		               (unsigned long long)role->waiting_version);
		before = ", ";
	}
	stp_out_format(&out, ": finished in a ceremony; the next sign makes them visible: "
	                     "stampede sign ");
	stp_status_add_repo(&out, cli);
	text = stp_status_text(&out);
	stp_cli_print_text("waiting    ", text ? text : "", "\n");
	free(text);
}

/* {"targets":2,"bins":2}: versions of what waits for the next sign. */
static json_t *waiting_json(const struct stp_status_report *status)
{
	json_t *object = json_object();

	for (size_t i = 0; has_waiting(status) && i < STP_STATUS_ROLES; i++)
		if (status->roles[i].waiting_version)
			stp_json_set_u64(object, stp_status_json_name(&status->roles[i]),
			                 status->roles[i].waiting_version);
	return object;
}

static void print_rotation(const struct stp_status_report *status)
{
	char time[STP_TIME_BYTES + 1], left[STP_PERIOD_TEXT];

	if (status->rotation == STP_STATUS_ROTATION_STAGED && status->rotation_stolen)
		printf("rotation   staged: the next 'stampede sign' wipes the stolen key, signs "
		       "everything with the new one and publishes the root first\n");
	else if (status->rotation == STP_STATUS_ROTATION_STAGED)
		printf(
		    "rotation   staged: the next 'stampede sign' publishes the new online keys\n");
	if (status->rotation != STP_STATUS_ROTATION_OVERLAP)
		return;
	stp_time_format(status->rotation_until, time);
	printf("rotation   the old and the new online keys sign until %s, %s\n", time,
	       stp_period_format(status->rotation_until - status->now, left));
}

static json_t *rotation_json(const struct stp_status_report *status)
{
	static const char *const names[] = {"none", "staged", "overlap"};
	json_t *object = json_object();

	json_object_set_new(object, "phase", json_string(names[status->rotation]));
	stp_json_set_time(object, "until", status->rotation_until);
	return object;
}

static void print_published(const struct stp_cli *cli, const struct stp_status_report *status)
{
	if (!status->published)
		printf("nothing is published yet%s\n",
		       status->roles[STP_STATUS_ROOT].version ? "; run 'stampede sign'" : "");
	for (size_t i = 0; i < STP_STATUS_ROLES; i++)
		print_role(status, &status->roles[i]);
	print_waiting(cli, status);
	stp_status_print_signers(cli, status);
	stp_status_print_calendar(cli, status);
	print_rotation(status);
	stp_status_print_margins(cli, status);
	if (status->bins_missing)
		printf("MISSING    %llu of %llu bins are not there\n",
		       (unsigned long long)status->bins_missing,
		       (unsigned long long)status->bin_count);
	if (status->bins_unreadable)
		printf("BROKEN     %llu of %llu bins cannot be read\n",
		       (unsigned long long)status->bins_unreadable,
		       (unsigned long long)status->bin_count);
	for (size_t i = 0; i < status->problem_count && i < STP_STATUS_PROBLEMS_KEPT; i++)
		printf("PROBLEM    %s\n", status->problems[i].text);
	if (status->problem_count > STP_STATUS_PROBLEMS_KEPT)
		printf("PROBLEMS   %llu more; 'stampede verify' lists them\n",
		       (unsigned long long)status->problem_count - STP_STATUS_PROBLEMS_KEPT);
}

/* Files found against targets signed, in percent. */
static double coverage(const struct stp_status_run *run)
{
	uint64_t found = run->targets + run->faults;

	return found ? 100.0 * (double)run->targets / (double)found : 100.0;
}

/* What a run found that published nothing is not what clients see. */
static void print_coverage(const struct stp_status_run *run)
{
	char count[32], bytes[32];

	if (!run->counted) {
		printf("coverage   not known: the run ended before it had seen the whole index\n");
		return;
	}
	if (run->published)
		printf("coverage   %.4g %%: ", coverage(run));
	else
		printf("found      ");
	printf("%s targets of %s, %llu files at fault%s\n", stp_count_format(run->targets, count),
	       stp_bytes_format(run->target_bytes, bytes), (unsigned long long)run->faults,
	       run->published ? "" : "; not published");
}

static void print_rates(const struct stp_status_run *run)
{
	char bytes[32], rate[32], count[32];

	printf("hashed     %s files, %s", stp_count_format(run->files_hashed, count),
	       stp_bytes_format(run->bytes_hashed, bytes));
	if (run->seconds_hash > 0.001 && run->bytes_hashed)
		printf(", %s/s",
		       stp_bytes_format((uint64_t)((double)run->bytes_hashed / run->seconds_hash),
		                        rate));
	printf("; %s reused", stp_count_format(run->files_reused, count));
	printf("; %.1f s in all\n", run->seconds_total);
}

static void print_run(const struct stp_status_report *status)
{
	const struct stp_status_run *run = &status->run;
	char time[STP_TIME_BYTES + 1], ago[STP_PERIOD_TEXT];

	if (!run->found) {
		printf("last run   none on record\n");
		return;
	}
	stp_time_format(run->at, time);
	printf("last run   %s, %s%s\n", time, stp_period_format(run->at - status->now, ago),
	       run->published ? "" : ", nothing published");
	if (run->error[0])
		stp_cli_print_text("error      ", run->error, "\n");
	print_coverage(run);
	print_rates(run);
	if (run->oldest_verified_at) {
		stp_time_format(run->oldest_verified_at, time);
		printf("oldest     digest verified %s, %s\n", time,
		       stp_period_format(run->oldest_verified_at - status->now, ago));
	}
}

static void print_disk(const struct stp_status_report *status)
{
	char metadata[32], targets[32], state[32];

	printf("disk       metadata %s, target files %s, state %s\n",
	       stp_bytes_format(status->metadata.bytes, metadata),
	       stp_bytes_format(status->target_files.bytes, targets),
	       stp_bytes_format(status->state.bytes, state));
}

/* versions, expires and seconds_left of each role. */
static void set_roles(json_t *object, const struct stp_status_report *status)
{
	json_t *versions = json_object(), *expires = json_object(), *left = json_object();

	for (size_t i = 0; i < STP_STATUS_ROLES; i++) {
		const struct stp_status_role *role = &status->roles[i];

		stp_json_set_u64(versions, stp_status_json_name(role), role->version);
		stp_json_set_time(expires, stp_status_json_name(role), role->expires);
		json_object_set_new(left, stp_status_json_name(role),
		                    role->expires ? json_integer(role->expires - status->now)
		                                  : json_null());
	}
	json_object_set_new(object, "versions", versions);
	json_object_set_new(object, "expires", expires);
	json_object_set_new(object, "seconds_left", left);
}

/* Names of the roles that expire sooner than was asked. */
static json_t *late_json(const struct stp_status_report *status, const struct limits *limits)
{
	json_t *array = json_array();

	for (size_t i = 0; i < STP_STATUS_ROLES; i++)
		if (is_late(limits, status, i))
			json_array_append_new(array,
			                      json_string(stp_status_json_name(&status->roles[i])));
	return array;
}

static json_t *problems_json(const struct stp_status_report *status)
{
	json_t *array = json_array();

	for (size_t i = 0; i < status->problem_count && i < STP_STATUS_PROBLEMS_KEPT; i++)
		json_array_append_new(array, json_string(status->problems[i].text));
	return array;
}

static json_t *run_json(const struct stp_status_run *run)
{
	json_t *object = json_object();

	if (!run->found) {
		json_decref(object);
		return json_null();
	}
	stp_json_set_time(object, "now", run->at);
	json_object_set_new(object, "published", json_boolean(run->published));
	json_object_set_new(object, "error",
	                    run->error[0] ? stp_cli_json_text(run->error) : json_null());
	stp_json_set_u64(object, "targets", run->targets);
	stp_json_set_u64(object, "target_bytes", run->target_bytes);
	json_object_set_new(object, "coverage_percent",
	                    run->counted && run->published ? json_real(coverage(run))
	                                                   : json_null());
	stp_json_set_u64(object, "files_hashed", run->files_hashed);
	stp_json_set_u64(object, "bytes_hashed", run->bytes_hashed);
	stp_json_set_u64(object, "files_reused", run->files_reused);
	stp_json_set_u64(object, "files_removed", run->files_removed);
	stp_json_set_u64(object, "faults", run->faults);
	json_object_set_new(object, "seconds_hash", json_real(run->seconds_hash));
	json_object_set_new(object, "seconds_total", json_real(run->seconds_total));
	stp_json_set_u64(object, "peak_rss_bytes", run->peak_rss_bytes);
	stp_json_set_time(object, "oldest_verified", run->oldest_verified_at);
	json_object_set_new(object, "io_backend", stp_cli_json_text(run->io_backend));
	return object;
}

static json_t *disk_json(const struct stp_status_disk *disk)
{
	return json_pack("{s:I, s:I}", "files", (json_int_t)disk->files, "bytes",
	                 (json_int_t)disk->bytes);
}

static json_t *status_json(const struct stp_cli *cli, const struct stp_status_report *status,
                           const struct limits *limits)
{
	json_t *object = json_object();

	stp_json_set_time(object, "now", status->now);
	json_object_set_new(object, "published", json_boolean(status->published));
	set_roles(object, status);
	stp_json_set_time(object, "first_expiry", status->expires_min);
	json_object_set_new(object, "first_expiry_role", json_string(status->expires_what));
	json_object_set_new(object, "expires_within", late_json(status, limits));
	stp_json_set_u64(object, "bin_count", status->bin_count);
	stp_json_set_u64(object, "bins_missing", status->bins_missing);
	stp_json_set_u64(object, "bins_unreadable", status->bins_unreadable);
	stp_json_set_u64(object, "problems", status->problem_count);
	json_object_set_new(object, "problem_list", problems_json(status));
	json_object_set_new(object, "waiting", waiting_json(status));
	json_object_set_new(object, "rotation", rotation_json(status));
	json_object_set_new(object, "last_run", run_json(&status->run));
	json_object_set_new(object, "disk",
	                    json_pack("{s:o, s:o, s:o}", "metadata", disk_json(&status->metadata),
	                              "target_files", disk_json(&status->target_files), "state",
	                              disk_json(&status->state)));
	stp_status_set_signers(object, cli, status);
	return object;
}

/* One line on stderr for each role that has expired, or expires sooner than was asked; how many
 * there are. */
static size_t say_late(const struct stp_cli *cli, const struct stp_status_report *status,
                       const struct limits *limits)
{
	char time[STP_TIME_BYTES + 1], left[STP_PERIOD_TEXT];
	size_t found = 0;

	for (size_t i = 0; i < STP_STATUS_ROLES; i++) {
		const struct stp_status_role *role = &status->roles[i];
		int is_over = role->expires && role->expires <= status->now;
		int is_renewed = role->is_offline && !role->waiting_version;

		if (!is_over && !is_late(limits, status, i))
			continue;
		found++;
		stp_time_format(role->expires, time);
		stp_cli_warn(cli, "status: %s: %s at %s, %s; %s%s", role->name,
		             is_over ? "expired" : "expires", time,
		             stp_period_format(role->expires - status->now, left),
		             is_renewed ? "renew it with the offline keys: "
		                        : "run 'stampede sign'",
		             is_renewed ? stp_hint_text(status->is_offline_apart ? STP_HINT_CEREMONY
		                                                                 : STP_HINT_UPDATE)
		                        : "");
	}
	return found;
}

/* Whether more is wrong than that something has expired, or that nothing is signed after a theft.
 */
static int is_broken(const struct stp_status_report *status)
{
	uint64_t expired = status->is_frozen != 0;

	for (size_t i = 0; i < STP_STATUS_ROLES; i++)
		expired += i != STP_STATUS_BIN_N && status->roles[i].expires &&
		           status->roles[i].expires <= status->now;
	return status->bins_missing || status->bins_unreadable || status->problem_count > expired;
}

static int asks_anything(const struct limits *limits)
{
	int asks = limits->plain_s >= 0 || limits->online_s >= 0 || limits->offline_s >= 0;

	for (size_t i = 0; i < STP_STATUS_ROLES; i++)
		asks |= limits->role_s[i] >= 0;
	return asks;
}

/* What monitoring asks: may clients go on, and for as long as was asked? */
static int judge(const struct stp_cli *cli, const struct stp_status_report *status,
                 const struct limits *limits)
{
	int is_bad = stp_status_is_bad(status);

	if (!status->published && asks_anything(limits)) {
		stp_cli_warn(cli, "status: nothing is published yet; run 'stampede sign'");
		is_bad = 1;
	}
	if (!status->published && !status->roles[STP_STATUS_ROOT].version && status->problem_count)
		stp_cli_warn(cli, "status: %s", status->problems[0].text);
	else if (is_broken(status))
		stp_cli_warn(cli, "status: what is published is not in order; 'stampede verify' "
		                  "lists what is wrong");
	if (status->is_frozen)
		stp_cli_warn(cli,
		             "status: nothing is signed after the theft of a key; go on "
		             "with %s",
		             stp_hint_text(STP_HINT_ROTATE_STOLEN));
	stp_status_warn_margins(cli, status);
	if (say_late(cli, status, limits))
		is_bad = 1;
	return is_bad ? STP_EXIT_VERIFY : STP_EXIT_OK;
}

/* Prints the plan for keys that are lost; the exit status says whether there is one. */
static int answer_lost(const struct stp_cli *cli, const struct stp_status_report *status,
                       const struct limits *limits)
{
	if (cli->json) {
		json_t *object = status_json(cli, status, limits);

		json_object_set_new(object, "lost", stp_status_lost_json(cli, status));
		stp_cli_print_json(object);
	} else {
		stp_status_print_lost(cli, status);
	}
	return stp_status_lost_is_final(status) ? STP_EXIT_VERIFY : STP_EXIT_OK;
}

static int answer(const struct stp_cli *cli, const struct stp_status_report *status,
                  const struct limits *limits)
{
	if (cli->json) {
		stp_cli_print_json(status_json(cli, status, limits));
	} else {
		print_published(cli, status);
		print_run(status);
		print_disk(status);
	}
	return judge(cli, status, limits);
}

/* 0 after printing usage. */
static int take_options(struct stp_cli *cli, struct limits *limits, struct lost *lost,
                        struct stp_status_options *asked)
{
	const char *value;
	int id;

	while ((id = stp_cli_option(cli, &value)) > 0) {
		if (id == OPT_WITHIN && !take_within(cli, value, limits))
			return 0;
		if (id == OPT_LOST && !take_lost(cli, value, lost))
			return 0;
		asked->has_now |= id == OPT_NOW;
		if (id == OPT_NOW && !stp_cli_time(cli, "now", value, &asked->now))
			return 0;
	}
	if (id == STP_OPT_ERROR)
		return 0;
	if (cli->argument_count != 1) {
		stp_cli_usage(cli, "give one repository");
		return 0;
	}
	asked->repo = cli->arguments[0];
	asked->lost = (const char *const *)lost->names;
	asked->lost_count = lost->count;
	return 1;
}

static int run(struct stp_cli *cli)
{
	struct limits limits = {-1, -1, -1, {-1, -1, -1, -1, -1, -1}};
	struct stp_status_options asked = STP_STATUS_OPTIONS_INIT;
	struct stp_err err = STP_ERR_INIT;
	struct stp_status_report status;
	struct lost lost = {NULL, 0};
	int code = STP_EXIT_USAGE;

	memset(&status, 0, sizeof(status));
	if (take_options(cli, &limits, &lost, &asked)) {
		if (stp_status(&asked, &status, &err) != STP_OK)
			code = stp_cli_fail(cli, &err);
		else if (lost.count)
			code = answer_lost(cli, &status, &limits);
		else
			code = answer(cli, &status, &limits);
	}
	stp_status_report_release(&status);
	release_lost(&lost);
	return code;
}

const struct stp_verb stp_verb_status = {
    .name = "status",
    .summary = "versions, expiries, who must sign when, what the last run did, disk use",
    .synopsis = "status REPO [options]",
    .options = options,
    .examples = "  stampede status /srv/stampede/pypi\n"
                "  stampede status /srv/stampede/pypi --expires-within 12h || page-somebody\n"
                "  stampede status /srv/stampede/pypi --expires-within online=12h,offline=30d\n"
                "  stampede status /srv/stampede/pypi --lost safe-1\n",
    .run = run,
};
