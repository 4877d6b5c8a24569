/* SPDX-License-Identifier: Apache-2.0 */
#include "run/ceremony/signing_plan.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define STAGE "update"

/* ------------------------------------------------------------------ keys at hand */

static int in_before(const struct stp_signing_plan *plan, const char *keyid)
{
	return stp_role_key(plan->before, keyid, strlen(keyid)) != NULL;
}

static int at_hand(const struct stp_signing_plan *plan, const char *keyid)
{
	size_t i;

	for (i = 0; i < plan->at_hand.count; i++)
		if (strcmp(plan->at_hand.public_keys[i].keyid, keyid) == 0)
			return 1;
	return 0;
}

/* Other tools compute keyids in other ways: a key at hand has the one that the published role gives
 * it. */
static void use_published_keyid(struct stp_signing_plan *plan, size_t index)
{
	struct stp_signer *signer = plan->at_hand.signers[index];
	size_t i;

	for (i = 0; i < plan->before->key_count; i++) {
		const struct stp_public_key *key = plan->before->keys[i];

		if (memcmp(key->identity, signer->public_key.identity, sizeof(key->identity)) != 0)
			continue;
		memcpy(signer->object.keyid, key->keyid, sizeof(key->keyid));
		memcpy(plan->at_hand.public_keys[index].keyid, key->keyid, sizeof(key->keyid));
	}
}

static enum stp_errc load_keys(struct stp_signing_plan *plan, const int *folder_fds,
                               size_t folder_count, struct stp_err *err)
{
	size_t i;

	memset(&plan->at_hand, 0, sizeof(plan->at_hand));
	plan->at_hand.role = plan->role;
	for (i = 0; i < folder_count; i++)
		STP_TRY(stp_offline_keys_add_folder(&plan->at_hand, folder_fds[i], err));
	for (i = 0; i < plan->at_hand.count; i++) {
		use_published_keyid(plan, i);
		plan->is_new[i] = !in_before(plan, plan->at_hand.public_keys[i].keyid);
		plan->old_count += !plan->is_new[i];
	}
	return STP_OK;
}

/* A key that was replaced is not a new key: it may be stolen, or its file may be an old copy. */
static enum stp_errc check_former(const struct stp_signing_plan *plan, const struct stp_buf *former,
                                  struct stp_err *err)
{
	size_t i;

	for (i = 0; i < plan->at_hand.count && former; i++) {
		const char *keyid = plan->at_hand.public_keys[i].keyid;
		uint64_t version = plan->is_new[i] ? stp_former_keys_find(former, keyid) : 0;

		if (version)
			return STP_FAIL(err, STP_KEY, STAGE, plan->role,
			                "key %.16s… is among the key files, but version %" PRIu64
			                " of root replaced it, so it may be lost or stolen; remove "
			                "its file from the folder",
			                keyid, version + 1);
	}
	return STP_OK;
}

/* ------------------------------------------------------------------ who signs afterwards */

static void add_keyid(struct stp_signing_plan *plan, const char *keyid)
{
	memcpy(plan->keyids[plan->keyid_count++], keyid, STP_KEYID_CHARS + 1);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* Collects the keys afterwards: all that are at hand and, with_absent, those of before that are
 * not. */
static enum stp_errc collect(struct stp_signing_plan *plan, int with_absent, struct stp_err *err)
{
	size_t i;

	for (i = 0; i < plan->at_hand.count; i++)
		add_keyid(plan, plan->at_hand.public_keys[i].keyid);
	for (i = 0; i < plan->before->key_count && with_absent; i++) {
		if (at_hand(plan, plan->before->keys[i]->keyid))
			continue;
		if (plan->keyid_count == STP_ROLE_KEYS_MAX)
			return STP_FAIL(err, STP_LIMIT, STAGE, plan->role, "has more than %d keys",
			                STP_ROLE_KEYS_MAX);
		add_keyid(plan, plan->before->keys[i]->keyid);
	}
	qsort(plan->keyids, plan->keyid_count, sizeof(plan->keyids[0]), by_text);
	return STP_OK;
}

static enum stp_errc choose_keys(struct stp_signing_plan *plan, const struct stp_signing_wish *wish,
                                 struct stp_err *err)
{
	size_t new_count = plan->at_hand.count - plan->old_count;
	size_t absent = plan->before->key_count - plan->old_count;
	size_t wanted = wish->is_edited ? wish->key_count : plan->before->key_count;

	if (plan->at_hand.count + absent == wanted)
		return collect(plan, 1, err);
	if (plan->at_hand.count == wanted)
		return collect(plan, 0, err);
	if (!new_count)
		return STP_FAIL(
		    err, STP_CONFIG, STAGE, STP_CONFIG_FILE,
		    "\"thresholds.%s\" says %zu keys, but the published role has %zu; put the "
		    "files of new keys (%s-%zu.pem) or of exactly those that stay into the "
		    "folder, or set it back",
		    plan->role, wanted, plan->before->key_count, plan->role,
		    plan->before->key_count + 1);
	return STP_FAIL(
	    err, STP_CONFIG, STAGE, plan->role,
	    "%zu of the keys in the folder are new to it, and %zu of the published %zu are "
	    "there; with \"keys\": %zu in \"thresholds.%s\" of " STP_CONFIG_FILE
	    " the new ones join, with \"keys\": %zu they replace those that are missing",
	    new_count, plan->old_count, plan->before->key_count, plan->at_hand.count + absent,
	    plan->role, plan->at_hand.count);
}

static int is_same(const struct stp_signing_plan *plan)
{
	size_t i;

	if (plan->keyid_count != plan->before->key_count ||
	    plan->threshold != plan->before->threshold)
		return 0;
	for (i = 0; i < plan->keyid_count; i++)
		if (!in_before(plan, plan->keyids[i]))
			return 0;
	return 1;
}

enum stp_errc stp_signing_plan_make(struct stp_signing_plan *plan, const char *role,
                                    const struct stp_role *before, const int *folder_fds,
                                    size_t folder_count, const struct stp_signing_wish *wish,
                                    struct stp_err *err)
{
	memset(plan, 0, sizeof(*plan));
	plan->role = role;
	plan->before = before;
	STP_TRY(load_keys(plan, folder_fds, folder_count, err));
	STP_TRY(check_former(plan, wish->former, err));
	plan->threshold = wish->is_edited ? wish->threshold : (unsigned)before->threshold;
	STP_TRY(choose_keys(plan, wish, err));
	if (plan->threshold > plan->keyid_count)
		return STP_FAIL(err, STP_CONFIG, STAGE, STP_CONFIG_FILE,
		                "\"thresholds.%s\": %u of %zu keys cannot be reached", role,
		                plan->threshold, plan->keyid_count);
	plan->is_changed = !is_same(plan);
	return STP_OK;
}

void stp_signing_plan_release(struct stp_signing_plan *plan)
{
	stp_offline_keys_release(&plan->at_hand);
	memset(plan, 0, sizeof(*plan));
}

int stp_signing_plan_can_sign(const struct stp_signing_plan *plan)
{
	/* Each key at hand is one of after: keys that leave are not at hand. Only root has no role
	 * above it that signs for its new keys: the old ones must sign too (specification section
	 * 5.3.4). */
	return plan->at_hand.count >= plan->threshold &&
	       (strcmp(plan->role, "root") != 0 || plan->old_count >= plan->before->threshold);
}
