/* SPDX-License-Identifier: Apache-2.0 */
#include "run/quorum.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/text.h"

/* Clocks of the machines of a ceremony differ. */
#define CLOCK_SLACK_S INT64_C(86400)

/* ------------------------------------------------------------------- what is published */

static int64_t longer(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

void stp_quorum_date(struct stp_quorum *quorum, const struct stp_config *config,
                     const struct stp_floors *floors)
{
	const struct stp_expiry *expiry = config ? &config->expiry : NULL;
	const struct stp_periods *periods = floors ? &floors->periods : NULL;
	const int64_t seconds[STP_QUORUM_ROLES] = {
	    longer(expiry ? expiry->root : 0, periods ? periods->root : 0),
	    longer(expiry ? expiry->targets : 0, periods ? periods->targets : 0),
	    longer(expiry ? expiry->bins : 0, periods ? periods->bins : 0),
	};

	for (size_t i = 0; i < STP_QUORUM_ROLES; i++) {
		struct stp_quorum_role *role = &quorum->roles[i];

		role->made = -1;
		if (role->doc && role->doc->expires && seconds[i] > 0)
			role->made = stp_time_add(role->doc->expires, -seconds[i]);
	}
}

/* Whether doc carries a good signature of key. */
static int is_signed_by(const struct stp_document *doc, const struct stp_public_key *key)
{
	size_t count = json_array_size(doc->signatures);

	for (size_t i = 0; i < count && i < STP_SIGNATURES_MAX && doc->body.count; i++) {
		json_t *entry = json_array_get(doc->signatures, i);
		const char *keyid = json_string_value(json_object_get(entry, "keyid"));
		json_t *sig = json_object_get(entry, "sig");

		if (keyid && json_is_string(sig) && strcmp(keyid, key->keyid) == 0 &&
		    stp_signature_check(key, doc->body.data, doc->body.count,
		                        json_string_value(sig), json_string_length(sig),
		                        STP_LIBRARIES_BOTH) == STP_SIGNATURE_GOOD)
			return 1;
	}
	return 0;
}

/* ----------------------------------------------------------------------- one key's life */

void stp_quorum_note(struct stp_status_key *key, int64_t at, const char *document, int64_t now)
{
	int is_future = at - CLOCK_SLACK_S > now;
	int knows_past = key->life == STP_STATUS_ALIVE || key->life == STP_STATUS_SILENT;

	if (at < 0 || (is_future && knows_past))
		return;
	/* One from the past replaces one from the future; otherwise the later one counts. */
	if ((is_future || knows_past) && key->last_signature >= at)
		return;
	key->last_signature = at;
	key->last_document = document;
	key->life = is_future                        ? STP_STATUS_FUTURE
	            : now - at <= STP_STATUS_ALIVE_S ? STP_STATUS_ALIVE
	                                             : STP_STATUS_SILENT;
}

/* A copy of text that a terminal takes. */
static const char *clean_copy(struct stp_arena *arena, const char *text)
{
	char clean[4 * STP_KEY_HOLDER_BYTES_MAX + 1];
	size_t count = stp_text_clean(text, strlen(text), clean, sizeof(clean));

	return stp_arena_copy(arena, clean, count);
}

static int compare_keys(const void *a, const void *b)
{
	const struct stp_status_key *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order ? order : strcmp(x->keyid, y->keyid);
}

enum stp_errc stp_quorum_keys(const struct stp_role *role, const struct stp_keyring *keyring,
                              struct stp_arena *arena, struct stp_status_role *out,
                              struct stp_err *err)
{
	struct stp_status_key *keys = stp_arena_alloc(arena, role->key_count * sizeof(*keys));
	int is_short = !keys;

	for (size_t i = 0; keys && i < role->key_count; i++) {
		const struct stp_public_key *key = role->keys[i];
		const struct stp_keyring_entry *entry = stp_keyring_find(keyring, key->keyid);

		keys[i] = (struct stp_status_key){
		    .keyid = stp_arena_copy(arena, key->keyid, strlen(key->keyid)),
		    .name = clean_copy(arena, entry ? entry->name : ""),
		    .holder = clean_copy(arena, entry ? entry->holder : ""),
		    .key_type = key->scheme->keytype,
		    .last_signature = -1,
		    .last_document = "",
		    .life = STP_STATUS_UNSEEN,
		};
		is_short |= !keys[i].keyid || !keys[i].name || !keys[i].holder;
	}
	if (is_short)
		return STP_FAIL_ERRNO(err, ENOMEM, "keys", "", "cannot list the keys of a role");
	if (role->key_count)
		qsort(keys, role->key_count, sizeof(*keys), compare_keys);
	out->keys = keys;
	out->key_count = role->key_count;
	out->threshold = role->threshold;
	return STP_OK;
}

/* Notes what published documents and keyring show of key. */
static enum stp_errc find_signatures(const struct stp_quorum *quorum,
                                     const struct stp_public_key *material, struct stp_arena *arena,
                                     struct stp_status_key *key, struct stp_err *err)
{
	const struct stp_keyring_entry *entry = stp_keyring_find(quorum->keyring, key->keyid);
	const char *names[STP_QUORUM_ROLES + 1];

	for (size_t i = 0; i < STP_QUORUM_ROLES; i++) {
		const struct stp_document *doc = quorum->roles[i].doc;

		names[i] = clean_copy(arena, doc ? doc->name : "");
		if (doc && names[i] && is_signed_by(doc, material))
			stp_quorum_note(key, quorum->roles[i].made, names[i], quorum->now);
	}
	names[STP_QUORUM_ROLES] = clean_copy(arena, entry ? entry->last_document : "");
	for (size_t i = 0; i <= STP_QUORUM_ROLES; i++)
		if (!names[i])
			return STP_FAIL_ERRNO(err, ENOMEM, "keys", "", "cannot judge a key");
	if (entry)
		stp_quorum_note(key, entry->last_signature, names[STP_QUORUM_ROLES], quorum->now);
	return STP_OK;
}

/* ------------------------------------------------------------------------------- a role */

static int compare_times(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* When fewer than needed of the keys will be alive; 0: they are not now. */
static int64_t alive_until(const struct stp_status_role *role, uint64_t needed)
{
	int64_t until[STP_ROLE_KEYS_MAX];
	size_t count = 0;

	for (size_t i = 0; i < role->key_count && count < STP_ROLE_KEYS_MAX; i++)
		if (role->keys[i].life == STP_STATUS_ALIVE)
			until[count++] =
			    stp_time_add(role->keys[i].last_signature, STP_STATUS_ALIVE_S);
	if (!needed || needed > count)
		return 0;
	qsort(until, count, sizeof(until[0]), compare_times);
	return until[count - needed];
}

void stp_quorum_count(struct stp_status_role *role, int is_last)
{
	uint64_t needed = role->threshold + (is_last ? 1 : 0);

	role->alive_count = 0;
	for (size_t i = 0; i < role->key_count; i++)
		role->alive_count += role->keys[i].life == STP_STATUS_ALIVE;
	role->has_margin = role->threshold != 0 && role->threshold <= INT32_MAX;
	if (!role->has_margin)
		return;
	role->margin = (int64_t)role->alive_count - (int64_t)role->threshold;
	role->is_margin_alarm = role->alive_count < needed;
	role->margin_until = alive_until(role, needed);
}

enum stp_errc stp_quorum_judge(const struct stp_quorum *quorum, size_t index,
                               struct stp_arena *arena, struct stp_status_role *out,
                               struct stp_err *err)
{
	const struct stp_role *role = quorum->roles[index].role;

	if (!role)
		return STP_OK;
	STP_TRY(stp_quorum_keys(role, quorum->keyring, arena, out, err));
	for (size_t i = 0; i < out->key_count; i++)
		STP_TRY(find_signatures(quorum,
		                        stp_role_key(role, out->keys[i].keyid, STP_KEYID_CHARS),
		                        arena, &out->keys[i], err));
	if (quorum->roles[index].doc)
		stp_quorum_count(out, index == STP_STATUS_ROOT);
	return STP_OK;
}
