/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may sign what from now on.
 *
 * A change is marked as shown by the line that says it: an added or removed keyid by its '+' or '-'
 * line, a threshold by its '=' line, a key object by the '+' line of its keyid, which is its
 * digest. All other changes are left to document_changes.c.
 */
#include "ceremony/document_changes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "ceremony/form.h"
#include "ceremony/key_label.h"
#include "ceremony/regular_roles.h"
#include "keys/fingerprint_words.h"

#define STAGE "ceremony"

/* The lines of one document. */
struct view {
	struct stp_document_changes *changes;
	const json_t *keys_before, *keys_after;
	json_t *added, *removed; /* keyids with a '+' line, with a '-' line */
	struct stp_err *err;
};

/* Keys and threshold of one role, before and after; NULL: none. */
struct party {
	const char *label; /* what it signs: "root", "bin-n-0000 … bin-n-3fff" */
	const char *what;  /* what they do together: "replace everything" */
	const json_t *before, *after;
};

static const json_t *keyids_of(const json_t *role)
{
	return json_object_get(role, "keyids");
}

static int has_keyid(const json_t *keyids, const char *keyid)
{
	size_t i;

	for (i = 0; i < json_array_size(keyids); i++) {
		const char *other = json_string_value(json_array_get(keyids, i));

		if (other && strcmp(other, keyid) == 0)
			return 1;
	}
	return 0;
}

/* ------------------------------------------------------------------------------ one key */

/* All words of a keyid, by which holders compare it. */
static void words_line(struct view *view, const char *keyid)
{
	const char *words[STP_FINGERPRINT_WORDS];
	uint8_t digest[32];
	char text[STP_FINGERPRINT_WORDS * 9 + 1] = "";
	size_t used = 0;
	size_t i;

	if (!stp_form_keyid_ok(keyid, strlen(keyid)) || !stp_hex_decode(keyid, 32, digest, 0))
		return;
	stp_fingerprint_words(digest, words);
	for (i = 0; i < STP_FINGERPRINT_WORDS; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%.8s", i ? " " : "",
		                         words[i]);
	stp_lines_add(&view->changes->lines, ' ', "    words: %s", text);
}

static enum stp_errc key_line(struct view *view, char sign, const char *keyid, const json_t *key,
                              const char *may, const char *label)
{
	const char *type = json_string_value(json_object_get(key, "keytype"));
	const char *holder = NULL;
	const char *name = stp_payload_key_name(view->changes->payload, keyid, &holder);
	json_t *noted = sign == '+' ? view->added : view->removed;
	char type_text[32];
	char digits[80];

	stp_text_escape(type ? type : "?", strlen(type ? type : "?"), type_text, sizeof(type_text));
	stp_text_escape(keyid, strnlen(keyid, 16), digits, sizeof(digits));
	stp_lines_add(&view->changes->lines, sign, "%-12s %-8s %s…  %s %s%s%s%s",
	              name ? name : "(no name)", type_text, digits, may, label,
	              holder ? "  (held by " : "", holder ? holder : "", holder ? ")" : "");
	if (sign == '+')
		words_line(view, keyid);
	if (json_object_set_new(noted, keyid, json_true()) == 0)
		return STP_OK;
	return STP_FAIL_ERRNO(view->err, ENOMEM, STAGE, "payload", "cannot list keys");
}

/* ----------------------------------------------------------------------------- one role */

/* "2 of {safe-1 safe-2 safe-4}". */
static enum stp_errc quorum_text(struct view *view, const json_t *role, struct stp_buf *out)
{
	const json_t *keyids = keyids_of(role);
	size_t i;

	STP_TRY(stp_buf_print(out, view->err, "%" JSON_INTEGER_FORMAT " of %zu {",
	                      json_integer_value(json_object_get(role, "threshold")),
	                      json_array_size(keyids)));
	for (i = 0; i < json_array_size(keyids); i++) {
		const char *keyid = json_string_value(json_array_get(keyids, i));
		struct stp_key_label label;

		STP_TRY(stp_buf_print(
		    out, view->err, "%s%s", i ? " " : "",
		    keyid ? stp_key_label_short(&label, view->changes->payload, keyid) : "?"));
	}
	return stp_buf_append(out, "}", 1, view->err);
}

static enum stp_errc quorum_line(struct view *view, const struct party *party)
{
	struct stp_buf text = STP_BUF_INIT;
	enum stp_errc code = quorum_text(view, party->after, &text);

	if (code == STP_OK)
		code = stp_buf_print(&text, view->err, " %s", party->what);
	if (code == STP_OK && party->before && json_array_size(keyids_of(party->before)) &&
	    !json_equal(party->before, party->after)) {
		code = stp_buf_print(&text, view->err, "; before: ");
		if (code == STP_OK)
			code = quorum_text(view, party->before, &text);
	}
	if (code == STP_OK)
		code = stp_buf_append(&text, "", 1, view->err);
	if (code == STP_OK)
		stp_lines_add(&view->changes->lines, '=', "%s", (const char *)text.data);
	stp_buf_release(&text);
	return code;
}

/* The '+' and '-' lines of a role. */
static enum stp_errc party_lines(struct view *view, const struct party *party)
{
	const json_t *before = keyids_of(party->before);
	const json_t *after = keyids_of(party->after);
	size_t i;

	for (i = 0; i < json_array_size(after); i++) {
		const char *keyid = json_string_value(json_array_get(after, i));

		if (keyid && !has_keyid(before, keyid))
			STP_TRY(key_line(view, '+', keyid, json_object_get(view->keys_after, keyid),
			                 "may sign", party->label));
	}
	for (i = 0; i < json_array_size(before); i++) {
		const char *keyid = json_string_value(json_array_get(before, i));

		if (keyid && !has_keyid(after, keyid))
			STP_TRY(key_line(view, '-', keyid,
			                 json_object_get(view->keys_before, keyid),
			                 "may no longer sign", party->label));
	}
	return STP_OK;
}

/* ------------------------------------------------------------------------- key objects */

/* Whether a key is nothing but what its keyid is the digest of. */
static int is_plain_key(const json_t *key)
{
	return json_is_object(key) && stp_form_members_ok(key, "keytype keyval scheme", "") &&
	       json_is_object(json_object_get(key, "keyval")) &&
	       stp_form_members_ok(json_object_get(key, "keyval"), "public", "");
}

/* Marks key objects that came and went with the lines of their keyids; their path has steps
 * members, the last of which is the keyid. */
static void mark_keys(struct view *view, size_t steps, const char *first, const char *second)
{
	struct stp_diff *diff = &view->changes->diff;
	size_t i;

	for (i = 0; i < diff->count; i++) {
		struct stp_diff_item *item = &diff->items[i];
		const char *keyid;

		if (!stp_diff_is_at(item, steps, first, second, NULL) ||
		    !item->steps[steps - 1].member)
			continue;
		keyid = item->steps[steps - 1].member;
		if (item->op == STP_DIFF_SET && !item->before)
			item->is_shown = json_object_get(view->added, keyid) != NULL &&
			                 is_plain_key(item->after);
		else if (item->op == STP_DIFF_REMOVE)
			item->is_shown = json_object_get(view->removed, keyid) != NULL;
	}
}

static enum stp_errc begin(struct view *view, struct stp_document_changes *changes,
                           const json_t *keys_before, const json_t *keys_after, struct stp_err *err)
{
	*view = (struct view){.changes = changes,
	                      .keys_before = keys_before,
	                      .keys_after = keys_after,
	                      .added = json_object(),
	                      .removed = json_object(),
	                      .err = err};
	if (view->added && view->removed)
		return STP_OK;
	return STP_FAIL_ERRNO(err, ENOMEM, STAGE, "payload", "cannot list keys");
}

static void end(struct view *view)
{
	json_decref(view->added);
	json_decref(view->removed);
}

/* -------------------------------------------------------------------------------- root */

/* Marks the changes of roles.ROLE that its lines say; returns whether there are any at all. */
static int mark_root_role(struct stp_diff *diff, const char *role)
{
	int any = 0;
	size_t i;

	for (i = 0; i < diff->count; i++) {
		struct stp_diff_item *item = &diff->items[i];

		if (item->step_count < 2 || !item->steps[1].member ||
		    strcmp(item->steps[1].member, role) != 0 || !item->steps[0].member ||
		    strcmp(item->steps[0].member, "roles") != 0)
			continue;
		any = 1;
		if (stp_diff_is_at(item, 4, "roles", role, "keyids", NULL) &&
		    (item->op == STP_DIFF_INSERT || item->op == STP_DIFF_DELETE) &&
		    json_is_string(item->after ? item->after : item->before))
			item->is_shown = 1;
		if (stp_diff_is_at(item, 3, "roles", role, "threshold") &&
		    item->op == STP_DIFF_SET && json_is_integer(item->after))
			item->is_shown = 1;
	}
	return any;
}

static enum stp_errc root_roles(struct view *view)
{
	static const struct {
		const char *role, *what;
		int is_online;
	} roles[] = {{"root", "replace everything", 0},
	             {"targets", "sign targets", 0},
	             {"snapshot", "sign snapshot, online", 1},
	             {"timestamp", "sign timestamp, online", 1}};
	const json_t *before = json_object_get(view->changes->before, "roles");
	const json_t *after = json_object_get(view->changes->after, "roles");
	int online_changes = 0;
	size_t i;

	for (i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
		struct party party = {roles[i].role, roles[i].what,
		                      json_object_get(before, roles[i].role),
		                      json_object_get(after, roles[i].role)};
		int any = mark_root_role(&view->changes->diff, roles[i].role);

		online_changes |= any && roles[i].is_online;
		STP_TRY(party_lines(view, &party));
		if (any || i == 0)
			STP_TRY(quorum_line(view, &party));
	}
	if (!online_changes && view->changes->from)
		stp_lines_add(&view->changes->lines, ' ', "online: unchanged");
	return STP_OK;
}

enum stp_errc stp_key_lines_root(struct stp_document_changes *changes, struct stp_err *err)
{
	struct view view;
	enum stp_errc code = begin(&view, changes, json_object_get(changes->before, "keys"),
	                           json_object_get(changes->after, "keys"), err);

	if (code == STP_OK)
		code = root_roles(&view);
	if (code == STP_OK)
		mark_keys(&view, 2, "keys", NULL);
	end(&view);
	return code;
}

/* ------------------------------------------------------------------------- delegations */

static const char *name_of(const json_t *role)
{
	const char *name = json_string_value(json_object_get(role, "name"));

	return name ? name : "?";
}

/* The role of that name in roles, at index if it is there. */
static const json_t *find_role(const json_t *roles, size_t index, const char *name)
{
	size_t i;

	if (strcmp(name_of(json_array_get(roles, index)), name) == 0)
		return json_array_get(roles, index);
	for (i = 0; i < json_array_size(roles); i++)
		if (strcmp(name_of(json_array_get(roles, i)), name) == 0)
			return json_array_get(roles, i);
	return NULL;
}

static int same_quorum(const json_t *a, const json_t *b)
{
	if (!a || !b)
		return a == b;
	return json_equal(keyids_of(a), keyids_of(b)) &&
	       json_equal(json_object_get(a, "threshold"), json_object_get(b, "threshold"));
}

/* Marks the changes of keys and thresholds of the roles with indexes first to last. */
static void mark_list(struct stp_diff *diff, size_t first, size_t last)
{
	size_t i;

	for (i = 0; i < diff->count; i++) {
		struct stp_diff_item *item = &diff->items[i];

		if (item->step_count < 4 || item->steps[2].member || item->steps[2].index < first ||
		    item->steps[2].index > last)
			continue;
		if (stp_diff_is_at(item, 5, "delegations", "roles", NULL, "keyids", NULL) &&
		    (item->op == STP_DIFF_INSERT || item->op == STP_DIFF_DELETE) &&
		    json_is_string(item->after ? item->after : item->before))
			item->is_shown = 1;
		if (stp_diff_is_at(item, 4, "delegations", "roles", NULL, "threshold") &&
		    item->op == STP_DIFF_SET && json_is_integer(item->after))
			item->is_shown = 1;
	}
}

/* The lines of roles first to last, which change alike. */
static enum stp_errc run_lines(struct view *view, const json_t *before, const json_t *after,
                               const char *first_name, const char *last_name, size_t count)
{
	char first[80];
	char last[80];
	char label[256];
	char what[300];
	struct party party = {label, what, before, after};

	stp_text_escape(first_name, strlen(first_name), first, sizeof(first));
	stp_text_escape(last_name, strlen(last_name), last, sizeof(last));
	if (count == 1)
		snprintf(label, sizeof(label), "%s", first);
	else
		snprintf(label, sizeof(label), "%zu roles %s … %s", count, first, last);
	snprintf(what, sizeof(what), "sign %s", label);
	STP_TRY(party_lines(view, &party));
	return after ? quorum_line(view, &party) : STP_OK;
}

/* Roles that are in both lists, or new: runs that change alike. */
static enum stp_errc list_lines(struct view *view, const json_t *before, const json_t *after)
{
	size_t count = json_array_size(after);
	size_t i = 0;

	while (i < count && view->changes->lines.code == STP_OK) {
		const json_t *new = json_array_get(after, i);
		const json_t *old = find_role(before, i, name_of(new));
		size_t end_at = i + 1;

		while (end_at < count) {
			const json_t *next = json_array_get(after, end_at);

			if (!same_quorum(new, next) ||
			    !same_quorum(old, find_role(before, end_at, name_of(next))))
				break;
			end_at++;
		}
		if (!old || !same_quorum(old, new)) {
			STP_TRY(run_lines(view, old, new, name_of(new),
			                  name_of(json_array_get(after, end_at - 1)), end_at - i));
			mark_list(&view->changes->diff, i, end_at - 1);
		}
		i = end_at;
	}
	for (i = 0; i < json_array_size(before); i++) {
		const json_t *old = json_array_get(before, i);

		if (!find_role(after, i, name_of(old)))
			STP_TRY(run_lines(view, old, NULL, name_of(old), "", 1));
	}
	return STP_OK;
}

/* Another number of bins: one line describes them all, if they are regular. */
static enum stp_errc regular_lines(struct view *view, struct stp_diff_item *item,
                                   const struct stp_regular_roles *regular)
{
	const json_t *first = json_array_get(item->after, 0);
	const json_t *last = json_array_get(item->after, regular->count - 1);

	STP_TRY(run_lines(view, json_array_get(item->before, 0), first, name_of(first),
	                  name_of(last), regular->count));
	stp_lines_add(&view->changes->lines, '=',
	              "delegates to %zu roles, each an equal part of the path hashes, in order%s; "
	              "before: %zu roles",
	              regular->count, regular->terminating ? ", terminating" : "",
	              json_array_size(item->before));
	item->is_shown = 1;
	return STP_OK;
}

/* The roles of TAP 15: one set of keys. */
static enum stp_errc succinct_lines(struct view *view, const json_t *before, const json_t *after)
{
	struct stp_diff *diff = &view->changes->diff;
	const json_t *role = after ? after : before;
	const char *prefix = json_string_value(json_object_get(role, "name_prefix"));
	json_int_t bits = json_integer_value(json_object_get(role, "bit_length"));
	char text[80];
	char label[160];
	char what[200];
	struct party party = {label, what, before, after};
	size_t i;

	stp_text_escape(prefix ? prefix : "?", strlen(prefix ? prefix : "?"), text, sizeof(text));
	snprintf(label, sizeof(label), "the %llu roles %s-…", 1ULL << (bits & 31), text);
	snprintf(what, sizeof(what), "sign %s", label);
	for (i = 0; i < diff->count; i++) {
		struct stp_diff_item *item = &diff->items[i];

		if (stp_diff_is_at(item, 4, "delegations", "succinct_roles", "keyids", NULL) &&
		    (item->op == STP_DIFF_INSERT || item->op == STP_DIFF_DELETE) &&
		    json_is_string(item->after ? item->after : item->before))
			item->is_shown = 1;
		if (stp_diff_is_at(item, 3, "delegations", "succinct_roles", "threshold") &&
		    item->op == STP_DIFF_SET && json_is_integer(item->after))
			item->is_shown = 1;
	}
	if (same_quorum(before, after))
		return STP_OK;
	STP_TRY(party_lines(view, &party));
	return after ? quorum_line(view, &party) : STP_OK;
}

static enum stp_errc delegation_roles(struct view *view, const json_t *before, const json_t *after)
{
	struct stp_diff *diff = &view->changes->diff;
	struct stp_regular_roles regular;
	size_t i;

	STP_TRY(succinct_lines(view, json_object_get(before, "succinct_roles"),
	                       json_object_get(after, "succinct_roles")));
	for (i = 0; i < diff->count; i++) {
		struct stp_diff_item *item = &diff->items[i];

		if (stp_diff_is_at(item, 2, "delegations", "roles") && item->op == STP_DIFF_SET &&
		    stp_regular_roles_read(item->after, &regular))
			return regular_lines(view, item, &regular);
	}
	return list_lines(view, json_object_get(before, "roles"), json_object_get(after, "roles"));
}

enum stp_errc stp_key_lines_delegations(struct stp_document_changes *changes, struct stp_err *err)
{
	const json_t *before = json_object_get(changes->before, "delegations");
	const json_t *after = json_object_get(changes->after, "delegations");
	struct view view;
	enum stp_errc code = begin(&view, changes, json_object_get(before, "keys"),
	                           json_object_get(after, "keys"), err);

	if (code == STP_OK)
		code = delegation_roles(&view, before, after);
	if (code == STP_OK)
		mark_keys(&view, 3, "delegations", "keys");
	end(&view);
	return code;
}
