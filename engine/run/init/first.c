/* SPDX-License-Identifier: Apache-2.0 */
#include "run/init/first.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/faultpoint.h"
#include "base/limits.h"
#include "base/text.h"
#include "hash/hash.h"
#include "run/new_payload.h"
#include "run/pending.h"

#define STAGE "init"

/* ------------------------------------------------------------------ keys */

static enum stp_errc no_memory(struct stp_err *err)
{
	return STP_FAIL_ERRNO(err, ENOMEM, STAGE, NULL, "no memory");
}

/* Lets key sign role. */
static enum stp_errc add_key(struct stp_init_first *first, enum stp_payload_role role,
                             const struct stp_key_description *key, const char *path,
                             struct stp_err *err)
{
	size_t count = first->key_count[role];
	struct stp_key_object *keys = first->keys[role];
	size_t i;

	for (i = 0; i < count; i++)
		if (strcmp(keys[i].keyid, key->object.keyid) == 0)
			return STP_FAIL(err, STP_CONFIG, STAGE, path,
			                "is given twice for %s; each key counts once",
			                stp_payload_role_name(role));
	if (count == STP_ROLE_KEYS_MAX)
		return STP_FAIL(err, STP_LIMIT, STAGE, stp_payload_role_name(role),
		                "may have at most %d keys", STP_ROLE_KEYS_MAX);
	keys = realloc(keys, (count + 1) * sizeof(*keys));
	if (!keys)
		return no_memory(err);
	keys[count] = key->object;
	first->keys[role] = keys;
	first->key_count[role]++;
	return STP_OK;
}

static enum stp_errc add_name(struct stp_init_first *first, const struct stp_key_description *key,
                              const char *path, struct stp_err *err)
{
	struct stp_key_description *more;
	size_t i;

	for (i = 0; i < first->name_count; i++) {
		const struct stp_key_description *other = &first->names[i];

		if (strcmp(other->object.keyid, key->object.keyid) == 0)
			return STP_OK;
		if (strcmp(other->name, key->name) == 0)
			return STP_FAIL(
			    err, STP_CONFIG, STAGE, path,
			    "has the name %s, as another key has; people could not tell "
			    "them apart",
			    key->name);
	}
	more = realloc(first->names, (first->name_count + 1) * sizeof(*more));
	if (!more)
		return no_memory(err);
	more[first->name_count++] = *key;
	first->names = more;
	return STP_OK;
}

static int signs(const struct stp_ceremony_init_key *key, enum stp_payload_role role)
{
	return !key->role || strcmp(key->role, stp_payload_role_name(role)) == 0;
}

static enum stp_errc read_key(struct stp_init_first *first, const struct stp_config *config,
                              const struct stp_ceremony_init_key *said, struct stp_err *err)
{
	size_t roles = config->has_bins_role ? STP_PAYLOAD_ROLES : STP_PAYLOAD_BINS;
	struct stp_key_description key;
	size_t added = 0;
	size_t role;

	if (!said->path)
		return STP_FAIL(err, STP_CONFIG, STAGE, "key", "has no file");
	STP_TRY(stp_key_description_read(said->path, &key, err));
	if (!key.is_proven && !first->options->allows_unproven)
		return STP_FAIL(stp_hinted(err, STP_HINT_ALLOW_UNPROVEN), STP_KEY, STAGE,
		                said->path,
		                "is not signed by the key itself, so nothing proves that its "
		                "holder has the secret key; let the holder make it, or %s",
		                stp_hint_text(STP_HINT_ALLOW_UNPROVEN));
	for (role = 0; role < roles; role++)
		if (signs(said, (enum stp_payload_role)role)) {
			STP_TRY(add_key(first, (enum stp_payload_role)role, &key, said->path, err));
			added++;
		}
	if (!added)
		return STP_FAIL(err, STP_CONFIG, STAGE, said->role,
		                "is not an offline role of this profile: these are root, "
		                "targets%s",
		                roles == STP_PAYLOAD_ROLES ? " and bins" : "");
	return add_name(first, &key, said->path, err);
}

/* The threshold of role: what was said, else that of the profile if it can be reached. */
static enum stp_errc choose(struct stp_init_first *first, enum stp_payload_role role, unsigned said,
                            unsigned profile, struct stp_err *err)
{
	unsigned count = (unsigned)first->key_count[role];
	unsigned majority = count / 2 + 1;

	if (!count)
		return STP_FAIL(err, STP_CONFIG, STAGE, stp_payload_role_name(role),
		                "has no key; give the description of one that signs it");
	if (said > count)
		return STP_FAIL(err, STP_CONFIG, STAGE, stp_payload_role_name(role),
		                "%u of %u keys must sign, which nobody can reach", said, count);
	first->threshold[role] = said ? said : profile && profile <= count ? profile : majority;
	return STP_OK;
}

enum stp_errc stp_init_first_keys(struct stp_init_first *first, struct stp_config *config,
                                  struct stp_err *err)
{
	const struct stp_ceremony_init_options *options = first->options;
	size_t i;

	for (i = 0; i < options->key_count; i++)
		STP_TRY(read_key(first, config, &options->keys[i], err));
	STP_TRY(choose(first, STP_PAYLOAD_ROOT, options->root_threshold, 0, err));
	STP_TRY(choose(first, STP_PAYLOAD_TARGETS, options->targets_threshold,
	               config->targets_threshold, err));
	config->root_threshold = first->threshold[STP_PAYLOAD_ROOT];
	config->root_key_count = (unsigned)first->key_count[STP_PAYLOAD_ROOT];
	config->targets_threshold = first->threshold[STP_PAYLOAD_TARGETS];
	config->targets_key_count = (unsigned)first->key_count[STP_PAYLOAD_TARGETS];
	if (!config->has_bins_role)
		return STP_OK;
	STP_TRY(
	    choose(first, STP_PAYLOAD_BINS, options->bins_threshold, config->bins_threshold, err));
	config->bins_threshold = first->threshold[STP_PAYLOAD_BINS];
	config->bins_key_count = (unsigned)first->key_count[STP_PAYLOAD_BINS];
	return STP_OK;
}

struct stp_role_keys stp_init_first_role(const struct stp_init_first *first,
                                         enum stp_payload_role role)
{
	return (struct stp_role_keys){first->keys[role], first->key_count[role],
	                              first->threshold[role]};
}

/* ------------------------------------------------------------------ the payload */

enum stp_errc stp_init_first_payload(struct stp_init_first *first, int64_t now, int state_fd,
                                     struct stp_err *err)
{
	struct stp_payload_input input = {.purpose = "first root, targets and bins",
	                                  .made = now,
	                                  .keys = first->names,
	                                  .key_count = first->name_count};
	struct stp_pending pending = {.found = 1};
	size_t role;

	for (role = 0; role < STP_PAYLOAD_ROLES; role++)
		input.bodies[role] = first->bodies[role].count ? &first->bodies[role] : NULL;
	STP_TRY(stp_new_payload_make(&input, &first->payload, first->report, err));
	stp_hash_one(STP_ALG_SHA256, first->payload.data, first->payload.count,
	             pending.payload_sha256);
	memcpy(pending.path, first->path, sizeof(pending.path));
	return stp_pending_write(state_fd, &pending, err);
}

enum stp_errc stp_init_first_write(struct stp_init_first *first, struct stp_init_stage *stage,
                                   struct stp_err *err)
{
	STP_TRY(stp_init_stage_payload(stage, first->path, first->report->payload, err));
	STP_FAULT_TRY(err, STAGE, "payload", first->path);
	STP_TRY(stp_new_payload_write(&first->payload, first->path, err));
	first->is_written = 1;
	return STP_OK;
}

void stp_init_first_undo(const struct stp_init_first *first)
{
	if (first->is_written)
		unlink(first->path);
}

void stp_init_first_release(struct stp_init_first *first)
{
	size_t role;

	for (role = 0; role < STP_PAYLOAD_ROLES; role++) {
		free(first->keys[role]);
		stp_buf_release(&first->bodies[role]);
	}
	free(first->names);
	stp_buf_release(&first->payload);
}
