/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key list: the keys of a repository, who has them, and whether enough of them are alive.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json_fields.h"
#include "cli/key.h"
#include "cli/period.h"
#include "stampede/status.h"

enum { OPT_NOW = 1 };

static const struct stp_option options[] = {
    {"now", "TIME", "hold signatures against YYYY-MM-DDTHH:MM:SSZ, not the clock", OPT_NOW},
    {NULL, NULL, NULL, 0},
};

/* A key with all roles that it has. */
struct listed {
	const struct stp_status_key *key; /* of the first of them */
	unsigned roles;                   /* bits 1u << enum stp_status_role_name */
};

struct list {
	struct listed *items;
	size_t count;
};

#define OFFLINE_BITS (1u << STP_STATUS_ROOT | 1u << STP_STATUS_TARGETS | 1u << STP_STATUS_BINS)

/* A name in JSON, as status has it. */
static const char *json_name(const struct stp_status_role *role)
{
	return strcmp(role->name, "bin-n") == 0 ? "bin_n" : role->name;
}

static struct listed *find(const struct list *list, const char *keyid)
{
	size_t i;

	for (i = 0; i < list->count; i++)
		if (strcmp(list->items[i].key->keyid, keyid) == 0)
			return &list->items[i];
	return NULL;
}

/* Collects the keys of all roles, in the order of the roles; 0: memory is short. */
static int collect(const struct stp_status_report *status, struct list *list)
{
	size_t total = 0, role, i;

	for (role = 0; role < STP_STATUS_ROLES; role++)
		total += status->roles[role].key_count;
	list->items = calloc(total + 1, sizeof(*list->items));
	for (role = 0; list->items && role < STP_STATUS_ROLES; role++)
		for (i = 0; i < status->roles[role].key_count; i++) {
			const struct stp_status_key *key = &status->roles[role].keys[i];
			struct listed *item = find(list, key->keyid);

			if (!item) {
				item = &list->items[list->count++];
				item->key = key;
			}
			item->roles |= 1u << role;
		}
	return list->items != NULL;
}

/* An online key signs at each run of sign; only people's keys can be lost without notice. */
static int is_online(const struct listed *item)
{
	return (item->roles & ~OFFLINE_BITS) != 0;
}

/* --- for people ------------------------------------------------------------------------------ */

static void print_roles(const struct stp_status_report *status)
{
	size_t i;

	printf("role        threshold  keys  alive  margin\n");
	for (i = 0; i <= STP_STATUS_BINS; i++) {
		const struct stp_status_role *role = &status->roles[i];

		if (!role->threshold)
			continue;
		printf("%-10s  %9llu  %4zu", role->name, (unsigned long long)role->threshold,
		       role->key_count);
		if (role->has_margin)
			printf("  %5zu  %6lld%s", role->alive_count, (long long)role->margin,
			       role->is_margin_alarm ? "  ALARM: let all keys sign a drill" : "");
		printf("\n");
	}
}

static void add_roles(const struct stp_status_report *status, unsigned bits, char *out, size_t size)
{
	size_t used = 0, i;

	out[0] = '\0';
	for (i = 0; i < STP_STATUS_ROLES; i++)
		if (bits & 1u << i)
			used += (size_t)snprintf(out + used, size - used, "%s%s", used ? ", " : "",
			                         status->roles[i].name);
}

/* When the key last signed, as far as is known. */
static void print_life(const struct stp_status_report *status, const struct stp_status_key *key)
{
	char time[STP_TIME_BYTES + 1], ago[STP_PERIOD_TEXT];

	if (key->life == STP_STATUS_UNSEEN) {
		printf("            no signature of it is known\n");
		return;
	}
	stp_time_format(key->last_signature, time);
	printf("            last signed %s at %s, %s%s\n",
	       key->last_document[0] ? key->last_document : "a document", time,
	       stp_period_format(key->last_signature - status->now, ago),
	       key->life == STP_STATUS_SILENT   ? ": does not count as alive"
	       : key->life == STP_STATUS_FUTURE ? ": a clock was wrong"
	                                        : "");
}

static void print_key(const struct stp_status_report *status, const struct listed *item)
{
	const struct stp_status_key *key = item->key;
	char roles[80];

	add_roles(status, item->roles, roles, sizeof(roles));
	printf("%-10s  %s%s%s\n            %s\n", key->name[0] ? key->name : "(no name)",
	       key->key_type, key->holder[0] ? ", of " : "", key->holder, key->keyid);
	printf("            %s%s\n", is_online(item) ? "online: " : "", roles);
	if (!is_online(item))
		print_life(status, key);
}

/* --- for programs ---------------------------------------------------------------------------- */

static json_t *role_json(const struct stp_status_role *role)
{
	json_t *object = json_object();

	json_object_set_new(object, "role", json_string(json_name(role)));
	stp_json_set_u64(object, "threshold", role->threshold);
	stp_json_set_u64(object, "keys", role->key_count);
	json_object_set_new(object, "alive",
	                    role->has_margin ? json_integer((json_int_t)role->alive_count)
	                                     : json_null());
	json_object_set_new(object, "margin",
	                    role->has_margin ? json_integer(role->margin) : json_null());
	json_object_set_new(object, "alarm", json_boolean(role->is_margin_alarm));
	return object;
}

static json_t *key_json(const struct stp_status_report *status, const struct listed *item)
{
	static const char *const lives[] = {"unseen", "alive", "silent", "future"};
	const struct stp_status_key *key = item->key;
	json_t *object = json_object(), *roles = json_array();
	size_t i;

	for (i = 0; i < STP_STATUS_ROLES; i++)
		if (item->roles & 1u << i)
			json_array_append_new(roles, json_string(json_name(&status->roles[i])));
	json_object_set_new(object, "keyid", json_string(key->keyid));
	json_object_set_new(object, "keytype", json_string(key->key_type));
	json_object_set_new(object, "name",
	                    key->name[0] ? stp_cli_json_text(key->name) : json_null());
	json_object_set_new(object, "holder",
	                    key->holder[0] ? stp_cli_json_text(key->holder) : json_null());
	json_object_set_new(object, "roles", roles);
	json_object_set_new(object, "online", json_boolean(is_online(item)));
	stp_json_set_time(object, "last_signature",
	                  key->last_signature < 0 ? 0 : key->last_signature);
	json_object_set_new(object, "last_document",
	                    key->last_document[0] ? stp_cli_json_text(key->last_document)
	                                          : json_null());
	json_object_set_new(object, "life",
	                    is_online(item) ? json_null() : json_string(lives[key->life]));
	return object;
}

static void print_json(const struct stp_status_report *status, const struct list *list)
{
	json_t *object = json_object(), *roles = json_array(), *keys = json_array();
	size_t i;

	for (i = 0; i < STP_STATUS_ROLES; i++)
		if (status->roles[i].threshold)
			json_array_append_new(roles, role_json(&status->roles[i]));
	for (i = 0; i < list->count; i++)
		json_array_append_new(keys, key_json(status, &list->items[i]));
	stp_json_set_time(object, "now", status->now);
	json_object_set_new(object, "roles", roles);
	json_object_set_new(object, "keys", keys);
	stp_cli_print_json(object);
}

/* --- the command ----------------------------------------------------------------------------- */

/* Documents that expired, or are frozen after a theft, still show whose keys they are; what else is
 * wrong casts doubt on all of it. */
static int judge(const struct stp_cli *cli, const struct stp_status_report *status,
                 const struct list *list)
{
	uint64_t expired = status->is_frozen != 0;
	size_t i;

	for (i = 0; i < list->count; i++)
		if (is_online(&list->items[i]) && (list->items[i].roles & OFFLINE_BITS))
			stp_cli_warn(cli,
			             "key: %s: is online and has an offline role, so that whoever "
			             "takes this machine has that role; give the role another key",
			             list->items[i].key->keyid);
	for (i = 0; i < STP_STATUS_ROLES; i++)
		expired += i != STP_STATUS_BIN_N && status->roles[i].expires &&
		           status->roles[i].expires <= status->now;
	if (status->problem_count <= expired)
		return STP_EXIT_OK;
	for (i = 0; i < status->problem_count && i < STP_STATUS_PROBLEMS_KEPT; i++)
		stp_cli_warn(cli, "key: %s", status->problems[i].text);
	stp_cli_warn(cli, "key: because of that, the list may be wrong; 'stampede verify' lists "
	                  "all that is wrong with what is published");
	return STP_EXIT_VERIFY;
}

static int list_keys(struct stp_cli *cli, const struct stp_status_report *status)
{
	struct list list = {NULL, 0};
	int exit_code = STP_EXIT_FAILED;
	size_t i;

	if (!collect(status, &list))
		return exit_code;
	if (cli->json) {
		print_json(status, &list);
	} else {
		print_roles(status);
		for (i = 0; i < list.count; i++)
			print_key(status, &list.items[i]);
	}
	exit_code = judge(cli, status, &list);
	free(list.items);
	return exit_code;
}

static int run(struct stp_cli *cli)
{
	struct stp_status_options asked = STP_STATUS_OPTIONS_INIT;
	struct stp_err err = STP_ERR_INIT;
	struct stp_status_report status;
	const char *value;
	int exit_code, id;

	while ((id = stp_cli_option(cli, &value)) > 0) {
		asked.has_now = 1;
		if (!stp_cli_time(cli, "now", value, &asked.now))
			return STP_EXIT_USAGE;
	}
	if (id == STP_OPT_ERROR)
		return STP_EXIT_USAGE;
	if (cli->argument_count != 1)
		return stp_cli_usage(cli, "give one repository");
	asked.repo = cli->arguments[0];
	if (stp_status(&asked, &status, &err) != STP_OK)
		exit_code = stp_cli_fail(cli, &err);
	else
		exit_code = list_keys(cli, &status);
	stp_status_report_release(&status);
	return exit_code;
}

const struct stp_verb stp_verb_key_list = {
    .name = "key list",
    .summary = "the keys of a repository: names, holders, roles, last signatures, margin",
    .synopsis = "key list REPO [options]",
    .options = options,
    .examples = "  stampede key list /srv/stampede/pypi\n"
                "  stampede key list /srv/stampede/pypi --json | jq '.roles[] | "
                "select(.alarm)'\n",
    .run = run,
};
