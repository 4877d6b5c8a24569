/* SPDX-License-Identifier: Apache-2.0 */
#include "ceremony/warnings.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "ceremony/key_label.h"
#include "ceremony/tally.h"

#define STAGE "ceremony"
#define DAY   INT64_C(86400)
/* Longer than this, a role is signed too seldom to notice in time that a key is lost. */
#define EXPIRY_DAYS_MAX 731
/* Sooner than this, holders hardly have the time to sign the next one. */
#define EXPIRY_DAYS_MIN 30
/* People sign within weeks; a payload that is older was forgotten, or the clock is wrong. */
#define PAYLOAD_DAYS_MAX 60

/* Keys and threshold of a role, before and after the ceremony; NULL: there is no such role. */
struct seat {
	const char *name;
	const struct stp_role *before, *after;
};

/* The roles whose keys people hold. */
#define SEATS 3

struct review {
	const struct stp_payload *payload;
	const struct stp_root *published, *root; /* root: the one that holds afterwards */
	/* whose delegations hold before and afterwards; bins of targets are delegated by either */
	const struct stp_delegated *targets_before, *targets_after, *bins_before, *bins_after;
	struct seat seats[SEATS];
	struct stp_lines *lines;
};

static void begin(struct review *review, const struct stp_payload *payload, struct stp_lines *lines)
{
	const struct stp_root *published = stp_payload_published_root(payload);
	const struct stp_root *root = payload->has_root ? &payload->root : published;
	int new_targets = stp_payload_document(payload, STP_PAYLOAD_TARGETS) != NULL;
	int new_bins = stp_payload_document(payload, STP_PAYLOAD_BINS) != NULL;

	*review = (struct review){
	    .payload = payload,
	    .published = published,
	    .root = root,
	    .targets_before = &payload->published_delegated,
	    .targets_after = new_targets ? &payload->delegated : &payload->published_delegated,
	    .bins_before = &payload->published_bins_delegated,
	    .bins_after = new_bins ? &payload->bins_delegated : &payload->published_bins_delegated,
	    .lines = lines};
	review->seats[0] = (struct seat){"root", published ? &published->root : NULL, &root->root};
	review->seats[1] =
	    (struct seat){"targets", published ? &published->targets : NULL, &root->targets};
	review->seats[2] =
	    (struct seat){"bins", review->targets_before->bins, review->targets_after->bins};
}

static int same_role(const struct stp_role *a, const struct stp_role *b)
{
	size_t i;

	if (!a || !b || a->threshold != b->threshold || a->key_count != b->key_count)
		return a == b;
	for (i = 0; i < a->key_count; i++)
		if (!stp_tally_role_has(b, a->keys[i]))
			return 0;
	return 1;
}

/* ------------------------------------------------------------------------------- quorum */

static void check_threshold(const struct review *review, const char *name,
                            const struct stp_role *before, const struct stp_role *after)
{
	if (before && after && before->threshold != UINT64_MAX &&
	    after->threshold < before->threshold)
		stp_lines_add(review->lines, '!',
		              "WARNING: only %" PRIu64 " key%s must sign %s from now on; "
		              "before: %" PRIu64,
		              after->threshold, after->threshold == 1 ? "" : "s", name,
		              before->threshold);
}

/* Where losing one key ends the role; said when the ceremony makes it so. */
static void check_spare(const struct review *review, const struct seat *seat)
{
	if (!seat->after || same_role(seat->before, seat->after) ||
	    seat->after->key_count > seat->after->threshold)
		return;
	stp_lines_add(
	    review->lines, '!',
	    "WARNING: %s has no spare key from now on: %zu of %zu must sign, and when one is "
	    "lost nobody can",
	    seat->name, seat->after->key_count, seat->after->key_count);
}

/* A holder who leaves one role usually leaves all. */
static void check_stays(const struct review *review, const struct seat *seat)
{
	size_t i;
	size_t k;

	for (i = 0; seat->before && i < seat->before->key_count; i++) {
		const struct stp_public_key *key = seat->before->keys[i];
		const char *stays[SEATS];
		size_t count = 0;
		struct stp_key_label label;

		if (stp_tally_role_has(seat->after, key))
			continue;
		for (k = 0; k < SEATS; k++)
			if (stp_tally_role_has(review->seats[k].before, key) &&
			    stp_tally_role_has(review->seats[k].after, key))
				stays[count++] = review->seats[k].name;
		if (!count)
			continue;
		stp_key_label(&label, review->payload, key->keyid);
		stp_lines_add(review->lines, '!',
		              "WARNING: %s may no longer sign %s, but still signs %s%s%s",
		              label.text, seat->name, stays[0], count > 1 ? " and " : "",
		              count > 1 ? stays[1] : "");
	}
}

/* Whose key it is: the holder's name, or the key's own. */
static const char *holder_of(const struct review *review, const struct stp_public_key *key)
{
	const char *holder = NULL;
	const char *name = stp_payload_key_name(review->payload, key->keyid, &holder);

	return holder ? holder : name ? name : key->keyid;
}

static void check_holders(const struct review *review, const struct seat *seat)
{
	size_t i;

	if (!seat->after || same_role(seat->before, seat->after))
		return;
	for (i = 0; i < seat->after->key_count; i++) {
		const char *holder = holder_of(review, seat->after->keys[i]);
		uint64_t keys = 0;
		int is_first = 1;
		size_t k;

		for (k = 0; k < seat->after->key_count; k++) {
			int same = strcmp(holder_of(review, seat->after->keys[k]), holder) == 0;

			keys += (uint64_t)same;
			is_first &= !same || k >= i;
		}
		if (is_first && keys >= seat->after->threshold)
			stp_lines_add(review->lines, '!',
			              "WARNING: %.128s alone can sign %s: holds %" PRIu64
			              " of its keys, and %" PRIu64 " must sign",
			              holder, seat->name, keys, seat->after->threshold);
	}
}

/* ------------------------------------------------------------------- online and offline */

/* Where the signing machine uses key, or NULL. */
static const char *online_use(const struct stp_root *root, const struct stp_delegated *targets,
                              const struct stp_delegated *bins, const struct stp_public_key *key)
{
	size_t i;

	if (!root)
		return NULL;
	if (stp_tally_role_has(&root->timestamp, key))
		return "timestamp";
	if (stp_tally_role_has(&root->snapshot, key))
		return "snapshot";
	for (i = 0; i < bins->role_count; i++)
		if (stp_tally_role_has(&bins->roles[i], key))
			return "the bins of targets";
	for (i = 0; i < targets->role_count && !targets->bins; i++)
		if (stp_tally_role_has(&targets->roles[i], key))
			return "the bins of targets";
	return NULL;
}

/* A key that people hold must never lie on the signing machine, and the reverse. */
static void check_mixed(const struct review *review, const struct seat *seat)
{
	size_t i;

	for (i = 0; seat->after && i < seat->after->key_count; i++) {
		const struct stp_public_key *key = seat->after->keys[i];
		const char *use =
		    online_use(review->root, review->targets_after, review->bins_after, key);
		const char *was =
		    online_use(review->published, review->targets_before, review->bins_before, key);
		struct stp_key_label label;

		stp_key_label(&label, review->payload, key->keyid);
		if (use)
			stp_lines_add(review->lines, '!',
			              "WARNING: %s signs %s online and is a key of %s as well: "
			              "whoever breaks into the signing machine has it",
			              label.text, use, seat->name);
		else if (was && !stp_tally_role_has(seat->before, key))
			stp_lines_add(
			    review->lines, '!',
			    "WARNING: %s, new in %s, signed %s online before: it has been "
			    "on the signing machine",
			    label.text, seat->name, was);
	}
	for (i = 0; seat->before && i < seat->before->key_count; i++) {
		const struct stp_public_key *key = seat->before->keys[i];
		const char *use =
		    online_use(review->root, review->targets_after, review->bins_after, key);
		struct stp_key_label label;

		if (use && !stp_tally_role_has(seat->after, key))
			stp_lines_add(
			    review->lines, '!',
			    "WARNING: %s, a key of %s so far, signs %s online from now on",
			    stp_key_label(&label, review->payload, key->keyid), seat->name, use);
	}
}

/* -------------------------------------------------------------------------- single keys */

/* What clients cannot use key, or NULL. */
static const char *refused_by(const struct stp_public_key *key)
{
	switch (key->scheme->kind) {
	case STP_KEY_KIND_ED25519:
		return NULL;
	case STP_KEY_KIND_ECDSA_P256_SHA256:
		return "php-tuf, which takes Ed25519 only,";
	case STP_KEY_KIND_ECDSA_P384_SHA384:
		return "php-tuf, which takes Ed25519 only, and tough, which lacks P-384,";
	case STP_KEY_KIND_RSA_PSS_SHA256:
		return "php-tuf, which takes Ed25519 only,";
	}
	return NULL;
}

static void check_types(const struct review *review, const char *name,
                        const struct stp_role *before, const struct stp_role *after)
{
	size_t i;

	for (i = 0; after && i < after->key_count; i++) {
		const char *clients = refused_by(after->keys[i]);
		struct stp_key_label label;

		if (clients && !stp_tally_role_has(before, after->keys[i]))
			stp_lines_add(review->lines, '!',
			              "WARNING: %s of %s is %s: %s cannot use it",
			              stp_key_label(&label, review->payload, after->keys[i]->keyid),
			              name, after->keys[i]->scheme->scheme, clients);
	}
}

/* A key of root or targets that an earlier root removed. */
static void check_returns(const struct review *review, const struct seat *seat, int is_root)
{
	const struct stp_payload *payload = review->payload;
	size_t i;
	size_t k;

	for (i = 0; i < seat->after->key_count; i++) {
		const struct stp_public_key *key = seat->after->keys[i];
		struct stp_key_label label;

		if (stp_tally_role_has(seat->before, key))
			continue;
		for (k = payload->chain_count; k-- > 0;) {
			const struct stp_root *root = &payload->chain[k];

			if (!stp_tally_role_has(is_root ? &root->root : &root->targets, key))
				continue;
			stp_lines_add(
			    review->lines, '!',
			    "WARNING: %s was a key of %s in root %" PRIu64
			    ", was removed after it, and comes back: ask why it was removed",
			    stp_key_label(&label, payload, key->keyid), seat->name,
			    root->doc.version);
			break;
		}
	}
}

/* -------------------------------------------------------------------------------- names */

/* A name without what looks alike: "Safe-l" and "safe-1" give the same. */
static void skeleton(const char *name, char out[STP_KEY_NAME_BYTES_MAX + 1])
{
	size_t used = 0;
	size_t i;

	for (i = 0; name[i] && used < STP_KEY_NAME_BYTES_MAX; i++) {
		char c = (char)tolower((unsigned char)name[i]);

		if (c == 'i' || c == '1' || c == '|' || c == '!')
			c = 'l';
		else if (c == '0')
			c = 'o';
		else if (c == '5')
			c = 's';
		else if (c == 'r' && name[i + 1] == 'n')
			c = 'm', i++;
		else if (c == 'v' && name[i + 1] == 'v')
			c = 'w', i++;
		if (isalnum((unsigned char)c))
			out[used++] = c;
	}
	out[used] = '\0';
}

static int is_ascii(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text > 0x7e)
			return 0;
	return 1;
}

static void compare_names(const struct review *review, const char *keyid, const char *name)
{
	char mine[STP_KEY_NAME_BYTES_MAX + 1];
	const char *other_id;
	json_t *other;

	skeleton(name, mine);
	json_object_foreach((json_t *)(uintptr_t)review->payload->names, other_id, other)
	{
		const char *other_name = json_string_value(json_object_get(other, "name"));
		char theirs[STP_KEY_NAME_BYTES_MAX + 1];

		if (strcmp(keyid, other_id) >= 0)
			continue;
		skeleton(other_name, theirs);
		if (strcmp(name, other_name) == 0)
			stp_lines_add(review->lines, '!',
			              "WARNING: two keys are called %s: %.16s… and %.16s…", name,
			              keyid, other_id);
		else if (strcmp(mine, theirs) == 0)
			stp_lines_add(review->lines, '!',
			              "WARNING: the names %s (%.16s…) and %s (%.16s…) look alike",
			              name, keyid, other_name, other_id);
	}
}

static void check_names(const struct review *review)
{
	const char *keyid;
	json_t *entry;

	json_object_foreach((json_t *)(uintptr_t)review->payload->names, keyid, entry)
	{
		const char *name = json_string_value(json_object_get(entry, "name"));
		const char *holder = json_string_value(json_object_get(entry, "holder"));

		compare_names(review, keyid, name);
		if (holder && !is_ascii(holder))
			stp_lines_add(
			    review->lines, '!',
			    "WARNING: the holder of %s is written with characters that may "
			    "look like others",
			    name);
	}
	if (!is_ascii(review->payload->purpose))
		stp_lines_add(review->lines, '!',
		              "WARNING: the purpose is written with characters that may look like "
		              "others");
}

/* ---------------------------------------------------------------------------- documents */

static int64_t made_of(const struct stp_payload *payload)
{
	struct stp_err ignored = STP_ERR_INIT;
	int64_t made = 0;

	return stp_time_parse(payload->made, strlen(payload->made), &made, &ignored) == STP_OK
	           ? made
	           : 0;
}

/* The published document that item replaces, or NULL. */
static const struct stp_document *published_of(const struct review *review,
                                               const struct stp_payload_document *item)
{
	const struct stp_payload *payload = review->payload;

	if (!review->published)
		return NULL;
	if (item->role == STP_PAYLOAD_ROOT)
		return &review->published->doc;
	if (item->role == STP_PAYLOAD_TARGETS)
		return &payload->published_targets;
	return payload->published_bins.version ? &payload->published_bins : NULL;
}

static void check_sooner(const struct review *review, const struct stp_payload_document *item)
{
	const struct stp_document *before = published_of(review, item);
	char text[STP_TIME_BYTES + 1];

	if (!before || item->doc->expires > before->expires - DAY)
		return;
	stp_time_format(before->expires, text);
	stp_lines_add(review->lines, '!',
	              "WARNING: %s expires %" PRId64 " days sooner than the published version (%s)",
	              item->name, (before->expires - item->doc->expires) / DAY, text);
}

static void check_expiries(const struct review *review)
{
	const struct stp_payload *payload = review->payload;
	int64_t made = made_of(payload);
	size_t i;

	for (i = 0; i < payload->document_count; i++) {
		const struct stp_payload_document *document = &payload->documents[i];
		int64_t expires = document->doc->expires;

		if (expires <= made)
			stp_lines_add(
			    review->lines, '!',
			    "WARNING: %s expires before the payload was made: clients refuse "
			    "it at once",
			    document->name);
		else if (expires - made > EXPIRY_DAYS_MAX * DAY)
			stp_lines_add(review->lines, '!',
			              "WARNING: %s is valid for %" PRId64
			              " days, more than two years",
			              document->name, (expires - made) / DAY);
		else if (expires - made < EXPIRY_DAYS_MIN * DAY)
			stp_lines_add(review->lines, '!',
			              "WARNING: %s is valid for %" PRId64
			              " days only: after that clients refuse everything",
			              document->name, (expires - made) / DAY);
		check_sooner(review, document);
	}
}

/* What verify/ warns of in the new documents, such as members that no specification names. */
static void add_findings(const struct review *review)
{
	const struct stp_finding_list *list = &review->payload->findings;
	size_t i;

	for (i = 0; i < list->count; i++)
		stp_lines_add(review->lines, '!', "WARNING: %s %s", list->items[i].subject,
		              list->items[i].text);
}

void stp_warnings_add_clock(const struct stp_payload *payload, int64_t now, struct stp_lines *lines)
{
	int64_t made = made_of(payload);
	char text[STP_TIME_BYTES + 1];
	size_t i;

	if (!now)
		return;
	stp_time_format(now, text);
	if (now < made - DAY)
		stp_lines_add(lines, '!',
		              "WARNING: this machine's clock says %s, before the payload was made; "
		              "it cannot be right, or the payload's time is not",
		              text);
	else if (now > made + PAYLOAD_DAYS_MAX * DAY)
		stp_lines_add(
		    lines, '!',
		    "WARNING: this machine's clock says %s, long after the payload was "
		    "made: it is wrong, or the payload is old; ask whether it still holds",
		    text);
	for (i = 0; i < payload->document_count && !payload->is_drill; i++)
		if (payload->documents[i].doc->expires <= now)
			stp_lines_add(lines, '!', "WARNING: %s has expired, if it is %s now",
			              payload->documents[i].name, text);
}

enum stp_errc stp_warnings_add(const struct stp_payload *payload, struct stp_lines *lines,
                               struct stp_err *err)
{
	struct review review;
	size_t i;

	begin(&review, payload, lines);
	if (payload->is_drill) {
		check_names(&review);
		return stp_lines_check(lines, err);
	}
	for (i = 0; i < SEATS; i++) {
		const struct seat *seat = &review.seats[i];

		check_threshold(&review, seat->name, seat->before, seat->after);
		check_holders(&review, seat);
		check_spare(&review, seat);
		check_stays(&review, seat);
		check_mixed(&review, seat);
		check_types(&review, seat->name, seat->before, seat->after);
		if (i < 2)
			check_returns(&review, seat, i == 0);
	}
	if (payload->has_root && review.published) {
		check_threshold(&review, "snapshot", &review.published->snapshot,
		                &review.root->snapshot);
		check_threshold(&review, "timestamp", &review.published->timestamp,
		                &review.root->timestamp);
	}
	check_types(&review, "snapshot", review.published ? &review.published->snapshot : NULL,
	            &review.root->snapshot);
	check_types(&review, "timestamp", review.published ? &review.published->timestamp : NULL,
	            &review.root->timestamp);
	check_names(&review);
	check_expiries(&review);
	add_findings(&review);
	return stp_lines_check(lines, err);
}
