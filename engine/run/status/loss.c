/* SPDX-License-Identifier: Apache-2.0 */
#include "run/status/loss.h"

#include <string.h>

#define KEYID_PREFIX_MIN 8

/* ---------------------------------------------------------------------------- which keys */

static int is_meant(const struct stp_status_key *key, const char *name)
{
	size_t count = strlen(name);

	return strcmp(key->name, name) == 0 ||
	       (count >= KEYID_PREFIX_MIN && strncmp(key->keyid, name, count) == 0);
}

/* Marks the key that name means in all roles that have it. */
static enum stp_errc mark_one(struct stp_status_report *status, const char *name,
                              struct stp_err *err)
{
	const char *found = NULL;

	for (size_t i = 0; *name && i < STP_STATUS_ROLES; i++)
		for (size_t k = 0; k < status->roles[i].key_count; k++) {
			struct stp_status_key *key = &status->roles[i].keys[k];

			if (!is_meant(key, name))
				continue;
			if (found && strcmp(found, key->keyid) != 0)
				return STP_FAIL(
				    err, STP_CONFIG, "status", name,
				    "means several keys, among them %.8s and %.8s; give "
				    "the keyid",
				    found, key->keyid);
			found = key->keyid;
			key->is_lost = 1;
		}
	if (!found)
		return STP_FAIL(err, STP_CONFIG, "status", name,
		                "is neither the name nor the keyid of a key that signs what is "
		                "published; status lists the keys of each role");
	return STP_OK;
}

enum stp_errc stp_loss_mark(struct stp_status_report *status, const char *const *names,
                            size_t count, struct stp_err *err)
{
	for (size_t i = 0; i < count; i++)
		STP_TRY(mark_one(status, names[i], err));
	return STP_OK;
}

/* ------------------------------------------------------------------------------ what then */

static int reaches(const struct stp_status_role *role)
{
	return role->threshold && role->key_count - role->lost_count >= role->threshold;
}

static enum stp_status_loss loss_of(const struct stp_status_role *role, int above)
{
	if (!role->lost_count)
		return STP_STATUS_LOSS_NONE;
	if (!above)
		return STP_STATUS_LOSS_FINAL;
	if (!role->is_offline)
		return STP_STATUS_LOSS_ONLINE;
	return reaches(role) ? STP_STATUS_LOSS_REPLACE : STP_STATUS_LOSS_REKEY;
}

/* Until when clients work: root is not renewed any more, and with it go the roles that nobody can
 * renew. */
static void find_end(struct stp_status_report *status)
{
	status->lost_until = 0;
	for (size_t i = 0; i < STP_STATUS_ROLES; i++) {
		const struct stp_status_role *role = &status->roles[i];
		int is_final = role->loss == STP_STATUS_LOSS_FINAL && !reaches(role);

		if (is_final && role->expires &&
		    (!status->lost_until || role->expires < status->lost_until))
			status->lost_until = role->expires;
	}
}

void stp_loss_judge(struct stp_status_report *status)
{
	struct stp_status_role *roles = status->roles;
	int root, targets, bins;

	for (size_t i = 0; i < STP_STATUS_ROLES; i++) {
		roles[i].lost_count = 0;
		for (size_t k = 0; k < roles[i].key_count; k++)
			roles[i].lost_count += roles[i].keys[k].is_lost != 0;
	}
	/* Whether each can still sign, if need be with new keys. */
	root = reaches(&roles[STP_STATUS_ROOT]);
	targets = root || reaches(&roles[STP_STATUS_TARGETS]);
	bins = targets || (roles[STP_STATUS_BINS].key_count && reaches(&roles[STP_STATUS_BINS]));
	roles[STP_STATUS_ROOT].loss = loss_of(&roles[STP_STATUS_ROOT], root);
	roles[STP_STATUS_TARGETS].loss = loss_of(&roles[STP_STATUS_TARGETS], root);
	roles[STP_STATUS_BINS].loss = loss_of(&roles[STP_STATUS_BINS], targets);
	roles[STP_STATUS_BIN_N].loss =
	    loss_of(&roles[STP_STATUS_BIN_N], roles[STP_STATUS_BINS].key_count ? bins : targets);
	roles[STP_STATUS_SNAPSHOT].loss = loss_of(&roles[STP_STATUS_SNAPSHOT], root);
	roles[STP_STATUS_TIMESTAMP].loss = loss_of(&roles[STP_STATUS_TIMESTAMP], root);
	find_end(status);
}
