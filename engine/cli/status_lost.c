/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/status_lost.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json_fields.h"
#include "cli/period.h"
#include "cli/status_signers.h"

#define ROLE_BIT(role) (1u << STP_STATUS_##role)

/* Of one plan: a new key for each lost one, and two ceremonies. */
#define COMMANDS_MAX 66
#define NEW_KEYS_MAX (COMMANDS_MAX - 2)

static int has_loss(const struct stp_status_report *status, enum stp_status_loss loss)
{
	for (size_t i = 0; i < STP_STATUS_ROLES; i++)
		if (status->roles[i].loss == loss)
			return 1;
	return 0;
}

int stp_status_lost_is_final(const struct stp_status_report *status)
{
	return has_loss(status, STP_STATUS_LOSS_FINAL);
}

/* Roles of any of whose keys the loss can be made good by a ceremony. */
static unsigned replaceable(const struct stp_status_report *status)
{
	unsigned bits = 0;

	for (size_t i = 0; i < STP_STATUS_ROLES; i++)
		if (status->roles[i].loss == STP_STATUS_LOSS_REPLACE ||
		    status->roles[i].loss == STP_STATUS_LOSS_REKEY)
			bits |= 1u << i;
	return bits;
}

static unsigned online_lost(const struct stp_status_report *status)
{
	unsigned bits = 0;

	for (size_t i = 0; i < STP_STATUS_ROLES; i++)
		if (status->roles[i].loss == STP_STATUS_LOSS_ONLINE)
			bits |= 1u << i;
	return bits;
}

/* ---------------------------------------------------------------------------- commands */

static int is_left(const struct stp_status_key *key)
{
	return !key->is_lost;
}

static int is_lost(const struct stp_status_key *key)
{
	return key->is_lost;
}

/* Whether a role of bits before index has that key as well. */
static int was_counted(const struct stp_status_report *status, unsigned bits, size_t index,
                       size_t key)
{
	const char *keyid = status->roles[index].keys[key].keyid;

	for (size_t i = 0; i < index; i++)
		for (size_t k = 0; bits & 1u << i && k < status->roles[i].key_count; k++)
			if (strcmp(status->roles[i].keys[k].keyid, keyid) == 0)
				return 1;
	return 0;
}

/* The number of the new key that takes the place of keyid in every role that it signs; keyid NULL:
 * how many new keys there are. */
static unsigned new_number(const struct stp_status_report *status, const char *keyid)
{
	unsigned bits = replaceable(status), number = 0;

	for (size_t i = 0; i < STP_STATUS_ROLES; i++)
		for (size_t k = 0; bits & 1u << i && k < status->roles[i].key_count; k++) {
			const struct stp_status_key *key = &status->roles[i].keys[k];

			if (!key->is_lost || was_counted(status, bits, i, k))
				continue;
			number++;
			if (keyid && strcmp(key->keyid, keyid) == 0)
				return number;
		}
	return number;
}

/* " --remove root=safe-1 --add root=NEW-1.key.json" for each lost key of role. */
static void add_replacements(struct stp_out *out, const struct stp_status_report *status,
                             const struct stp_status_role *role)
{
	for (size_t i = 0; i < role->key_count; i++) {
		const struct stp_status_key *key = &role->keys[i];

		if (key->is_lost)
			stp_out_format(out, " --remove %s=%s --add %s=NEW-%u.key.json", role->name,
			               key->name[0] ? key->name : key->keyid, role->name,
			               new_number(status, key->keyid));
	}
}

/* The ceremony that replaces all lost keys of offline roles, NULL when there is nothing to replace.
 */
static char *ceremony_command(const struct stp_cli *cli, const struct stp_status_report *status)
{
	unsigned roles = replaceable(status);
	struct stp_out out = STP_OUT_INIT;

	if (!roles)
		return NULL;
	stp_out_format(&out, "stampede ceremony start ");
	stp_status_add_repo(&out, cli);
	for (size_t i = 0; i < STP_STATUS_ROLES; i++)
		if (roles & 1u << i)
			add_replacements(&out, status, &status->roles[i]);
	stp_out_format(&out, " --out PAYLOAD --purpose TEXT");
	return stp_status_text(&out);
}

static char *key_command(unsigned number)
{
	struct stp_out out = STP_OUT_INIT;

	stp_out_format(&out, "stampede key new DIR/NEW-%u", number);
	return stp_status_text(&out);
}

static char *online_command(const struct stp_cli *cli, const struct stp_status_report *status)
{
	struct stp_out out = STP_OUT_INIT;
	unsigned lost = online_lost(status);
	const char *before = "";

	stp_out_format(&out, "stampede ceremony start ");
	stp_status_add_repo(&out, cli);
	stp_out_format(&out, " --online ");
	for (size_t i = STP_STATUS_BIN_N; i < STP_STATUS_ROLES; i++) {
		if (!(lost & 1u << i))
			continue;
		/* the keys of bin-n are named where bins are delegated to */
		stp_out_format(&out, "%s%s", before,
		               i == STP_STATUS_BIN_N ? "bins" : status->roles[i].name);
		before = ",";
	}
	stp_out_format(&out, "=NEW.key.json --out PAYLOAD --purpose TEXT");
	return stp_status_text(&out);
}

/* The commands of the plan, in order; returns how many. free() each. */
static size_t make_commands(const struct stp_cli *cli, const struct stp_status_report *status,
                            char *out_commands[COMMANDS_MAX])
{
	unsigned keys = new_number(status, NULL);
	char *ceremony = ceremony_command(cli, status);
	size_t count = 0;

	for (unsigned i = 1; ceremony && i <= keys && i <= NEW_KEYS_MAX; i++)
		out_commands[count++] = key_command(i);
	if (ceremony)
		out_commands[count++] = ceremony;
	if (online_lost(status))
		out_commands[count++] = online_command(cli, status);
	return count;
}

/* -------------------------------------------------------------------------- the plan */

/* Every lost key with the roles that it signs, once. */
static void print_keys(const struct stp_status_report *status)
{
	for (size_t i = 0; i < STP_STATUS_ROLES; i++)
		for (size_t k = 0; k < status->roles[i].key_count; k++) {
			const struct stp_status_key *key = &status->roles[i].keys[k];
			struct stp_out out = STP_OUT_INIT;
			unsigned roles = 0;
			char *text;

			for (size_t j = 0; j < STP_STATUS_ROLES; j++)
				for (size_t n = 0; n < status->roles[j].key_count; n++)
					if (strcmp(status->roles[j].keys[n].keyid, key->keyid) == 0)
						roles |= 1u << j;
			if (!key->is_lost || roles & ((1u << i) - 1))
				continue;
			stp_status_add_key(&out, key);
			stp_out_format(&out, "%s%s%s, key %.8s, signs ", key->holder[0] ? " (" : "",
			               key->holder, key->holder[0] ? ")" : "", key->keyid);
			stp_status_add_roles(&out, status, roles, ", ");
			text = stp_status_text(&out);
			stp_cli_print_text("lost       ", text ? text : "", "\n");
			free(text);
		}
}

/* The role index and the online ones behind it of which the same is to say; 0 when an earlier
 * role's line has it. */
static unsigned roles_of_line(const struct stp_status_report *status, size_t index)
{
	const struct stp_status_role *role = &status->roles[index];
	unsigned bits = 1u << index;

	if (role->loss != STP_STATUS_LOSS_ONLINE)
		return bits;
	for (size_t i = 0; i < STP_STATUS_ROLES; i++) {
		if (i == index || status->roles[i].loss != role->loss ||
		    !stp_status_same_signers(&status->roles[i], role))
			continue;
		if (i < index)
			return 0;
		bits |= 1u << i;
	}
	return bits;
}

/* What the loss means for one role. */
static const char *meaning(const struct stp_status_report *status, size_t index)
{
	switch (status->roles[index].loss) {
	case STP_STATUS_LOSS_REPLACE:
		return index == STP_STATUS_ROOT
		           ? "root can still be renewed; replace the lost keys at once, while it "
		             "can"
		           : "it can still be signed; replace the lost keys at once";
	case STP_STATUS_LOSS_REKEY:
		return index == STP_STATUS_BINS
		           ? "the others cannot sign it any more; targets can give it new keys"
		           : "the others cannot sign it any more; root can give it new keys";
	case STP_STATUS_LOSS_ONLINE:
		return "restore keys/ from a backup, see stampede-recovery(7); without one, a "
		       "ceremony gives a new key";
	case STP_STATUS_LOSS_FINAL:
		return index == STP_STATUS_ROOT
		           ? "nobody can renew root any more, and TUF has no recovery from that"
		           : "nobody can give it new keys any more";
	default:
		return "not affected";
	}
}

static void print_role(const struct stp_status_report *status, size_t index)
{
	const struct stp_status_role *role = &status->roles[index];
	size_t left = role->key_count - role->lost_count;
	unsigned bits = roles_of_line(status, index);
	struct stp_out out = STP_OUT_INIT;
	char *text;

	if (!bits)
		return;
	if (bits == 1u << index)
		stp_out_format(&out, "%-10s ", role->name);
	else
		stp_status_add_roles(&out, status, bits, ", ");
	stp_out_format(&out, "%s%llu needed, ", bits == 1u << index ? "" : ": ",
	               (unsigned long long)role->threshold);
	if (left) {
		stp_out_format(&out, "%zu of %zu keys left ", left, role->key_count);
		stp_status_add_keys(&out, role, is_left);
	} else {
		stp_out_format(&out, "no key left of %zu", role->key_count);
	}
	stp_out_format(&out, ": %s", meaning(status, index));
	text = stp_status_text(&out);
	stp_cli_print_text("", text ? text : "", "\n");
	free(text);
}

static int is_doubtful(const struct stp_status_key *key)
{
	return !key->is_lost && key->life != STP_STATUS_ALIVE;
}

/* Keys that the plan counts on, though nobody has seen them sign for long. */
static void print_doubts(const struct stp_status_report *status)
{
	for (size_t i = 0; i < STP_STATUS_ROLES; i++) {
		const struct stp_status_role *role = &status->roles[i];
		struct stp_out out = STP_OUT_INIT;
		int found = 0;
		char *text;

		for (size_t k = 0; k < role->key_count; k++)
			found |=
			    role->has_margin && role->lost_count && is_doubtful(&role->keys[k]);
		if (!found)
			continue;
		stp_out_format(&out, "%s: ", role->name);
		stp_status_add_keys(&out, role, is_doubtful);
		stp_out_format(&out, " did not sign within 400 days: find out first whether they "
		                     "still can");
		text = stp_status_text(&out);
		stp_cli_print_text("doubt      ", text ? text : "", "\n");
		free(text);
	}
}

/* Which documents the ceremony makes. */
static unsigned documents_of(const struct stp_status_report *status)
{
	unsigned lost = replaceable(status) | online_lost(status);
	int has_bins = status->roles[STP_STATUS_BINS].key_count != 0;
	unsigned documents = 0;

	if (lost & (ROLE_BIT(ROOT) | ROLE_BIT(TARGETS) | ROLE_BIT(SNAPSHOT) | ROLE_BIT(TIMESTAMP)))
		documents |= ROLE_BIT(ROOT);
	if (lost & (ROLE_BIT(TARGETS) | ROLE_BIT(BINS)) || (!has_bins && lost & ROLE_BIT(BIN_N)))
		documents |= ROLE_BIT(TARGETS);
	if (has_bins && lost & (ROLE_BIT(BINS) | ROLE_BIT(BIN_N)))
		documents |= ROLE_BIT(BINS);
	return documents;
}

/* Who must sign the document of a role. Root's demands the old threshold, which new keys do not
 * count for; the others are judged by the keys that their role gets. */
static void add_signers(struct stp_out *out, const struct stp_status_report *status, size_t index)
{
	const struct stp_status_role *role = &status->roles[index];
	const char *before = "";

	stp_out_format(out, "%s: %llu of {", role->name, (unsigned long long)role->threshold);
	for (size_t i = 0; i < role->key_count; i++) {
		const struct stp_status_key *key = &role->keys[i];

		if (key->is_lost && index == STP_STATUS_ROOT)
			continue;
		stp_out_format(out, "%s", before);
		if (key->is_lost)
			stp_out_format(out, "NEW-%u", new_number(status, key->keyid));
		else
			stp_status_add_key(out, key);
		before = " ";
	}
	stp_out_format(out, "}%s",
	               !role->lost_count          ? ""
	               : index == STP_STATUS_ROOT ? ", and every new key"
	                                          : ", every new key among them");
}

static void print_signing(const struct stp_status_report *status)
{
	unsigned documents = documents_of(status);

	for (size_t i = 0; i <= STP_STATUS_BINS; i++) {
		struct stp_out out = STP_OUT_INIT;
		char *text;

		if (!(documents & 1u << i))
			continue;
		add_signers(&out, status, i);
		text = stp_status_text(&out);
		stp_cli_print_text("signed by  ", text ? text : "", "\n");
		free(text);
	}
}

static void print_end(const struct stp_status_report *status)
{
	unsigned online = 0;
	char time[STP_TIME_BYTES + 1], left[STP_PERIOD_TEXT];

	for (size_t i = STP_STATUS_BIN_N; i < STP_STATUS_ROLES; i++)
		online |= status->roles[i].loss == STP_STATUS_LOSS_FINAL;
	if (status->lost_until) {
		stp_time_format(status->lost_until, time);
		printf("until      %s (%s) clients accept what is published%s; search for the keys "
		       "until then\n",
		       time, stp_period_format(status->lost_until - status->now, left),
		       online ? "" : ", and this machine goes on signing it");
	}
	printf("then       make a new repository in another folder and under another URL, and give "
	       "its 1.root.json to clients by the way their first one came\n"
	       "never      publish two histories under one URL: clients that know the one refuse "
	       "the other\n");
}

void stp_status_print_lost(const struct stp_cli *cli, const struct stp_status_report *status)
{
	char *commands[COMMANDS_MAX];
	size_t count = make_commands(cli, status, commands);

	print_keys(status);
	for (size_t i = 0; i < STP_STATUS_ROLES; i++)
		if (status->roles[i].key_count)
			print_role(status, i);
	print_doubts(status);
	for (size_t i = 0; i < count; i++)
		stp_cli_print_text("run        ", commands[i] ? commands[i] : "", "\n");
	if (count) {
		print_signing(status);
		printf("then       holders sign PAYLOAD, and finish publishes it: see "
		       "stampede-ceremony(7)\n");
	}
	if (stp_status_lost_is_final(status))
		print_end(status);
	printf("If somebody else may have a key, it is not lost but stolen: see "
	       "stampede-rotate(1).\n");
	for (size_t i = 0; i < count; i++)
		free(commands[i]);
}

/* ------------------------------------------------------------------------------- JSON */

static json_t *role_json(const struct stp_status_role *role)
{
	static const char *const losses[] = {
	    [STP_STATUS_LOSS_NONE] = "none",   [STP_STATUS_LOSS_REPLACE] = "replace",
	    [STP_STATUS_LOSS_REKEY] = "rekey", [STP_STATUS_LOSS_ONLINE] = "online",
	    [STP_STATUS_LOSS_FINAL] = "final",
	};
	json_t *object = json_object(), *left = json_array(), *lost = json_array();

	for (size_t i = 0; i < role->key_count; i++)
		json_array_append_new(is_lost(&role->keys[i]) ? lost : left,
		                      stp_status_key_json(role, &role->keys[i]));
	json_object_set_new(object, "loss", json_string(losses[role->loss]));
	json_object_set_new(object, "threshold",
	                    role->threshold <= role->key_count
	                        ? json_integer((json_int_t)role->threshold)
	                        : json_null());
	json_object_set_new(object, "lost", lost);
	json_object_set_new(object, "left", left);
	return object;
}

json_t *stp_status_lost_json(const struct stp_cli *cli, const struct stp_status_report *status)
{
	json_t *object = json_object(), *roles = json_object(), *array = json_array();
	char *commands[COMMANDS_MAX];
	size_t count = make_commands(cli, status, commands);

	for (size_t i = 0; i < STP_STATUS_ROLES; i++)
		if (status->roles[i].key_count)
			json_object_set_new(roles, stp_status_json_name(&status->roles[i]),
			                    role_json(&status->roles[i]));
	for (size_t i = 0; i < count; i++) {
		json_array_append_new(array, stp_cli_json_text(commands[i] ? commands[i] : ""));
		free(commands[i]);
	}
	json_object_set_new(object, "recoverable", json_boolean(!stp_status_lost_is_final(status)));
	stp_json_set_time(object, "clients_work_until", status->lost_until);
	json_object_set_new(object, "roles", roles);
	json_object_set_new(object, "commands", array);
	return object;
}
