/* SPDX-License-Identifier: Apache-2.0 */
#include "run/ceremony/ceremony_view.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define LINE_BYTES_MAX 512

/* The view while it is written; after a failure, nothing more is written. */
struct view {
	struct stp_buf *out;
	struct stp_err *err;
	enum stp_errc code;
};

static void line(struct view *view, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void line(struct view *view, const char *format, ...)
{
	char text[LINE_BYTES_MAX];
	char shown[4 * LINE_BYTES_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	/* Documents that others made may hold anything. */
	stp_text_clean(text, strlen(text), shown, sizeof(shown));
	if (view->code == STP_OK)
		view->code = stp_buf_append(view->out, shown, strlen(shown), view->err);
	if (view->code == STP_OK)
		view->code = stp_buf_append(view->out, "\n", 1, view->err);
}

/* ------------------------------------------------------------------ who signs */

/* Who may sign one role: the members "keyids" and "threshold" of object, keys elsewhere. */
struct party {
	const json_t *keyids, *keys;
	json_int_t threshold;
};

static struct party party_of(const json_t *object, const json_t *keys)
{
	return (struct party){json_object_get(object, "keyids"), keys,
	                      json_integer_value(json_object_get(object, "threshold"))};
}

/* The key with the ID keyid, or NULL. Whole keys are compared: the same ID with other key material
 * is another key. */
static const json_t *key_of(const struct party *party, const char *keyid)
{
	return json_object_get(party->keys, keyid);
}

static int has_key(const struct party *party, const char *keyid, const json_t *key)
{
	const json_t *item;
	size_t i;

	json_array_foreach(party->keyids, i, item)
	{
		const char *other = json_string_value(item);

		if (other && strcmp(other, keyid) == 0)
			return json_equal((json_t *)(uintptr_t)key,
			                  (json_t *)(uintptr_t)key_of(party, keyid));
	}
	return 0;
}

static void key_lines(struct view *view, const struct party *of, const struct party *other,
                      char if_both, char if_alone, const char *role, const char *both,
                      const char *alone)
{
	const json_t *item;
	size_t i;

	json_array_foreach(of->keyids, i, item)
	{
		const char *keyid = json_string_value(item) ? json_string_value(item) : "?";
		const json_t *key = key_of(of, keyid);
		const char *type = json_string_value(json_object_get(key, "keytype"));
		int in_both = has_key(other, keyid, key);

		if ((in_both ? if_both : if_alone) != '\0')
			line(view, "  %c %.16s… %-8s %s %s", in_both ? if_both : if_alone, keyid,
			     type ? type : "?", in_both ? both : alone, role);
	}
}

/* Shows keys that stay, are added and are removed, and the threshold. */
static void party_lines(struct view *view, const char *role, const struct party *before,
                        const struct party *after)
{
	key_lines(view, after, before, '=', '+', role, "signs", "may sign from now on:");
	key_lines(view, before, after, '\0', '-', role, "", "may no longer sign:");
	line(view, "  %lld of %zu keys sign %s (before: %lld of %zu)", (long long)after->threshold,
	     json_array_size(after->keyids), role, (long long)before->threshold,
	     json_array_size(before->keyids));
}

/* The four roles of root. */
static void root_parties(struct view *view, const json_t *before, const json_t *after)
{
	static const char *const roles[] = {"root", "targets", "snapshot", "timestamp"};
	size_t i;

	for (i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
		struct party old =
		    party_of(json_object_get(json_object_get(before, "roles"), roles[i]),
		             json_object_get(before, "keys"));
		struct party new =
		    party_of(json_object_get(json_object_get(after, "roles"), roles[i]),
		             json_object_get(after, "keys"));

		party_lines(view, roles[i], &old, &new);
	}
}

/* The first of the roles that delegations name, which is shown for all of them. */
static const json_t *first_role(const json_t *delegations)
{
	const json_t *succinct = json_object_get(delegations, "succinct_roles");

	return succinct ? succinct : json_array_get(json_object_get(delegations, "roles"), 0);
}

static int all_alike(const json_t *delegations)
{
	json_t *roles = json_object_get(delegations, "roles");
	json_t *first = json_array_get(roles, 0);
	json_t *role;
	size_t i;

	json_array_foreach(roles, i, role)
	{
		if (!json_equal(json_object_get(role, "keyids"),
		                json_object_get(first, "keyids")) ||
		    !json_equal(json_object_get(role, "threshold"),
		                json_object_get(first, "threshold")))
			return 0;
	}
	return 1;
}

/* Describes how many roles there are, and their names: "16384 roles bin-n-…". */
static void describe_roles(const json_t *delegations, char *out, size_t size)
{
	const json_t *succinct = json_object_get(delegations, "succinct_roles");
	const json_t *first = first_role(delegations);
	const char *name =
	    json_string_value(json_object_get(first, succinct ? "name_prefix" : "name"));
	size_t count =
	    succinct
	        ? (size_t)1 << (json_integer_value(json_object_get(succinct, "bit_length")) & 31)
	        : json_array_size(json_object_get(delegations, "roles"));

	snprintf(out, size, "%zu role%s %.60s%s", count, count == 1 ? "" : "s", name ? name : "?",
	         succinct    ? "-…"
	         : count > 1 ? " …"
	                     : "");
}

static void delegation_lines(struct view *view, const json_t *before, const json_t *after)
{
	json_t *old = json_object_get(before, "delegations");
	json_t *new = json_object_get(after, "delegations");
	struct party old_party = party_of(first_role(old), json_object_get(old, "keys"));
	struct party new_party = party_of(first_role(new), json_object_get(new, "keys"));
	char was[128];
	char is[128];

	describe_roles(old, was, sizeof(was));
	describe_roles(new, is, sizeof(is));
	line(view, "  delegates to %s (before: %s)", is, was);
	party_lines(view, "them", &old_party, &new_party);
	if (!json_equal(old, new) && strcmp(is, was) == 0)
		line(view, "  CHANGED: \"delegations\"");
	if (!all_alike(new) || !all_alike(old))
		line(view, "  WARNING: not all of these roles have the same keys");
}

/* ------------------------------------------------------------------ all members */

static int is_shown(const char *member)
{
	static const char *const shown[] = {"version", "expires", "keys", "roles", "delegations"};
	size_t i;

	for (i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
		if (strcmp(shown[i], member) == 0)
			return 1;
	return 0;
}

/* Shows the members that no line above is about: all unchanged ones by name, each changed one on a
 * line. */
static void other_lines(struct view *view, const json_t *before, const json_t *after)
{
	char unchanged[LINE_BYTES_MAX - 32] = "";
	size_t used = 0;
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)after, name, value)
	{
		json_t *old = json_object_get(before, name);

		if (is_shown(name))
			continue;
		if (!json_equal(old, value))
			line(view, "  CHANGED: \"%.100s\"%s", name, old ? "" : " is new");
		else if (used < sizeof(unchanged))
			used += (size_t)snprintf(unchanged + used, sizeof(unchanged) - used,
			                         "%s%.100s", used ? ", " : "", name);
	}
	json_object_foreach((json_t *)(uintptr_t)before, name, value)
	{
		if (!is_shown(name) && !json_object_get(after, name))
			line(view, "  CHANGED: \"%.100s\" is gone", name);
	}
	line(view, "  unchanged: %s", unchanged);
}

/* Reports a change of the set of keys: keys that no role of root uses would not be shown
 * otherwise. */
static void unused_keys(struct view *view, const json_t *before, const json_t *after)
{
	json_t *old = json_object_get(before, "keys");
	json_t *new = json_object_get(after, "keys");

	if (json_object_size(old) != json_object_size(new) || !json_equal(old, new))
		line(view, "  CHANGED: the set of keys, %zu before, %zu now", json_object_size(old),
		     json_object_size(new));
}

enum stp_errc stp_ceremony_view(const char *role, const json_t *before, const json_t *after,
                                struct stp_buf *out, struct stp_err *err)
{
	struct view view = {out, err, STP_OK};
	const char *expires = json_string_value(json_object_get(before, "expires"));
	const char *new_expires = json_string_value(json_object_get(after, "expires"));
	long long old_version = json_integer_value(json_object_get(before, "version"));
	long long new_version = json_integer_value(json_object_get(after, "version"));

	line(&view, "%s %lld → %lld", role, old_version, new_version);
	if (new_version != old_version + 1)
		line(
		    &view,
		    "  version %lld is the last that was confirmed here; what another tool changed "
		    "since is in force already",
		    old_version);
	if (json_object_get(after, "roles") || json_object_get(before, "roles")) {
		root_parties(&view, before, after);
		unused_keys(&view, before, after);
	}
	if (json_object_get(after, "delegations") || json_object_get(before, "delegations"))
		delegation_lines(&view, before, after);
	line(&view, "  expires %s → %s", expires ? expires : "?", new_expires ? new_expires : "?");
	other_lines(&view, before, after);
	return view.code;
}
