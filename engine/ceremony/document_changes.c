/* SPDX-License-Identifier: Apache-2.0 */
#include "ceremony/document_changes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define STAGE "ceremony"
/* How far apart changes of a run may be. */
#define BETWEEN_MAX 64

/* --------------------------------------------------------------------------- published */

/* What a first version, or the document of a drill, is compared with. */
static json_t *empty_document(const struct stp_payload_document *document, const json_t *after,
                              int is_drill)
{
	json_t *delegations = json_object_get(after, "delegations");

	if (is_drill)
		return json_pack("{s:s,s:s}", "_type", "stampede-drill", "role",
		                 stp_payload_role_name(document->role));
	if (document->role == STP_PAYLOAD_ROOT)
		return json_pack("{s:s,s:{},s:{s:{s:[]},s:{s:[]},s:{s:[]},s:{s:[]}}}", "_type",
		                 "root", "keys", "roles", "root", "keyids", "targets", "keyids",
		                 "snapshot", "keyids", "timestamp", "keyids");
	if (!json_is_object(delegations))
		return json_pack("{s:s,s:{}}", "_type", "targets", "targets");
	if (json_is_object(json_object_get(delegations, "succinct_roles")))
		return json_pack("{s:s,s:{},s:{s:{},s:{s:[]}}}", "_type", "targets", "targets",
		                 "delegations", "keys", "succinct_roles", "keyids");
	return json_pack("{s:s,s:{},s:{s:{},s:[]}}", "_type", "targets", "targets", "delegations",
	                 "keys", "roles");
}

static const struct stp_document *published(const struct stp_payload *payload,
                                            enum stp_payload_role role)
{
	const struct stp_root *root = stp_payload_published_root(payload);

	if (role == STP_PAYLOAD_ROOT)
		return root ? &root->doc : NULL;
	return role == STP_PAYLOAD_TARGETS ? &payload->published_targets : &payload->published_bins;
}

static enum stp_errc take_before(struct stp_document_changes *changes, struct stp_err *err)
{
	const struct stp_document *doc = published(changes->payload, changes->document->role);

	if (!changes->payload->is_drill && doc && doc->version) {
		changes->from = doc->version;
		changes->before = json_deep_copy(doc->body_json);
	} else {
		changes->before =
		    empty_document(changes->document, changes->after, changes->payload->is_drill);
	}
	if (changes->before)
		return STP_OK;
	return STP_FAIL_ERRNO(err, ENOMEM, STAGE, changes->document->name, "cannot be compared");
}

/* ----------------------------------------------------------------------- other members */

enum stp_errc stp_value_text(const json_t *value, struct stp_buf *out, struct stp_err *err)
{
	struct stp_buf form = STP_BUF_INIT;
	enum stp_errc code = stp_canonical_append(value, &form, err);
	size_t size = 4 * form.count + 1;
	char *text = code == STP_OK ? malloc(size) : NULL;

	if (code == STP_OK && !text)
		code = STP_FAIL_ERRNO(err, ENOMEM, STAGE, "payload", "cannot show a value");
	if (code == STP_OK)
		code =
		    stp_buf_append(out, text,
		                   stp_text_escape((const char *)form.data, form.count, text, size),
		                   err);
	free(text);
	stp_buf_release(&form);
	return code;
}

static int same_value(const json_t *a, const json_t *b)
{
	return a == b || (a && b && json_equal(a, b));
}

/* Whether b is what a is at the next index of an array; *step is the index's step. */
static int continues(const struct stp_diff_item *a, const struct stp_diff_item *b, size_t distance,
                     size_t *step)
{
	size_t differs = 0;
	size_t i;

	if (a->op != b->op || a->step_count != b->step_count || b->is_shown ||
	    a->op == STP_DIFF_DELETE || a->op == STP_DIFF_INSERT ||
	    !same_value(a->before, b->before) || !same_value(a->after, b->after))
		return 0;
	for (i = 0; i < a->step_count; i++) {
		const struct stp_diff_step *x = &a->steps[i];
		const struct stp_diff_step *y = &b->steps[i];

		if ((x->member == NULL) != (y->member == NULL))
			return 0;
		if (x->member && strcmp(x->member, y->member) != 0)
			return 0;
		if (x->member || x->index == y->index)
			continue;
		if (y->index != x->index + distance)
			return 0;
		differs++;
		*step = i;
	}
	return differs == 1;
}

/* Marks the run of changes from item first on that are alike at consecutive indexes; returns how
 * many, with the step that differs. Changes of other members of the same items stand between. */
static size_t take_run(struct stp_diff *diff, size_t first, size_t *step)
{
	size_t last = first;
	size_t count = 1;
	size_t i;

	diff->items[first].is_shown = 1;
	for (i = first + 1; i < diff->count && i - last <= BETWEEN_MAX; i++) {
		size_t this_step = 0;

		if (!continues(&diff->items[first], &diff->items[i], count, &this_step) ||
		    (count > 1 && this_step != *step))
			continue;
		*step = this_step;
		diff->items[i].is_shown = 1;
		last = i;
		count++;
	}
	return count;
}

/* Appends "PATH" or, for a run, "PATH (and the same at the next N indexes, up to [K])". */
static enum stp_errc run_path(const struct stp_diff_item *item, size_t count, size_t step,
                              struct stp_buf *out, struct stp_err *err)
{
	STP_TRY(stp_diff_path(item, out, err));
	if (count > 1)
		STP_TRY(stp_buf_print(out, err, " and the same for each index up to [%zu]",
		                      item->steps[step].index + count - 1));
	return STP_OK;
}

/* One line for a change of any kind, with the whole values. */
static enum stp_errc other_line(struct stp_document_changes *changes, size_t index,
                                struct stp_err *err)
{
	static const char *const words[] = {[STP_DIFF_SET] = "",
	                                    [STP_DIFF_REMOVE] = "is removed, was ",
	                                    [STP_DIFF_DELETE] = "is taken from the list: ",
	                                    [STP_DIFF_INSERT] = "is put into the list: "};
	const struct stp_diff_item *item = &changes->diff.items[index];
	struct stp_buf text = STP_BUF_INIT;
	size_t step = 0;
	size_t count = take_run(&changes->diff, index, &step);
	enum stp_errc code = run_path(item, count, step, &text, err);

	if (code == STP_OK)
		code = stp_buf_print(&text, err, ": %s",
		                     item->op == STP_DIFF_SET && !item->before ? "is new: "
		                                                               : words[item->op]);
	if (code == STP_OK && item->before)
		code = stp_value_text(item->before, &text, err);
	if (code == STP_OK && item->before && item->after)
		code = stp_buf_print(&text, err, " → ");
	if (code == STP_OK && item->after)
		code = stp_value_text(item->after, &text, err);
	if (code == STP_OK)
		code = stp_buf_append(&text, "", 1, err);
	if (code == STP_OK)
		stp_lines_add(&changes->lines, '~', "%s", (const char *)text.data);
	stp_buf_release(&text);
	return code;
}

static enum stp_errc other_lines(struct stp_document_changes *changes, struct stp_err *err)
{
	size_t i;

	for (i = 0; i < changes->diff.count && changes->lines.code == STP_OK; i++)
		if (!changes->diff.items[i].is_shown)
			STP_TRY(other_line(changes, i, err));
	return STP_OK;
}

/* The version is in the heading, which stp_changes_text() prints; the expiry has its line. */
static void head_lines(struct stp_document_changes *changes)
{
	size_t i;

	for (i = 0; i < changes->diff.count; i++) {
		struct stp_diff_item *item = &changes->diff.items[i];

		if (item->op != STP_DIFF_SET)
			continue;
		if (stp_diff_is_at(item, 1, "version") && json_is_integer(item->after)) {
			item->is_shown = 1;
		} else if (stp_diff_is_at(item, 1, "expires") && json_is_string(item->after)) {
			item->is_shown = 1;
			stp_lines_add(&changes->lines, '=', "expires %s%s%s",
			              item->before ? json_string_value(item->before) : "",
			              item->before ? " → " : "", json_string_value(item->after));
		}
	}
}

/* ----------------------------------------------------------------------- not changed */

/* Whether any change is at or below member. */
static int is_changed(const struct stp_diff *diff, const char *member, const char *below)
{
	size_t i;

	for (i = 0; i < diff->count; i++) {
		const struct stp_diff_item *item = &diff->items[i];

		if (item->step_count > 0 && item->steps[0].member &&
		    strcmp(item->steps[0].member, member) == 0 &&
		    (!below || item->step_count < 2 ||
		     (item->steps[1].member && strcmp(item->steps[1].member, below) == 0)))
			return 1;
	}
	return 0;
}

/* Names roles that stay as published, and members that stay. */
static enum stp_errc unchanged_line(struct stp_document_changes *changes, struct stp_err *err)
{
	static const char *const quiet = " _type expires keys roles version ";
	const struct stp_payload *payload = changes->payload;
	struct stp_buf text = STP_BUF_INIT;
	enum stp_errc code = STP_OK;
	const char *member;
	json_t *value;
	size_t i;

	for (i = STP_PAYLOAD_TARGETS; i < STP_PAYLOAD_ROLES && code == STP_OK; i++)
		if (changes->document->role == STP_PAYLOAD_ROOT && payload->base[i].version &&
		    !stp_payload_document(payload, (enum stp_payload_role)i) &&
		    (i != STP_PAYLOAD_TARGETS || !is_changed(&changes->diff, "roles", "targets")))
			code = stp_buf_print(&text, err, "%s%s", text.count ? ", " : "",
			                     stp_payload_role_name((enum stp_payload_role)i));
	json_object_foreach(changes->after, member, value)
	{
		char padded[80];

		snprintf(padded, sizeof(padded), " %.70s ", member);
		if (code != STP_OK || strstr(quiet, padded) ||
		    is_changed(&changes->diff, member, NULL))
			continue;
		if (text.count)
			code = stp_buf_append(&text, ", ", 2, err);
		if (code == STP_OK)
			code = stp_diff_member(member, &text, err);
	}
	if (code == STP_OK && text.count)
		code = stp_buf_append(&text, "", 1, err);
	if (code == STP_OK && text.count)
		stp_lines_add(&changes->lines, ' ', "NOT CHANGED: %s", (const char *)text.data);
	stp_buf_release(&text);
	return code;
}

/* --------------------------------------------------------------------------- the whole */

/* What was marked as shown, applied to the published document, must give the bytes. */
static enum stp_errc check_complete(const struct stp_document_changes *changes, struct stp_err *err)
{
	int is_same = 0;

	STP_TRY(stp_diff_rebuilds(&changes->diff, changes->before, &changes->document->doc->body,
	                          &is_same, err));
	if (is_same)
		return STP_OK;
	return STP_FAIL(err, STP_REFUSED, STAGE, changes->document->name,
	                "has a change that cannot be shown; sign nothing, and report this as a "
	                "defect of stampede");
}

enum stp_errc stp_document_changes_make(struct stp_document_changes *changes,
                                        const struct stp_payload *payload,
                                        const struct stp_payload_document *document,
                                        struct stp_err *err)
{
	memset(changes, 0, sizeof(*changes));
	stp_lines_init(&changes->lines);
	changes->payload = payload;
	changes->document = document;
	changes->after = document->doc->body_json;
	STP_TRY(take_before(changes, err));
	STP_TRY(stp_diff_make(&changes->diff, changes->before, changes->after, err));
	if (!payload->is_drill)
		STP_TRY(document->role == STP_PAYLOAD_ROOT
		            ? stp_key_lines_root(changes, err)
		            : stp_key_lines_delegations(changes, err));
	head_lines(changes);
	STP_TRY(other_lines(changes, err));
	STP_TRY(unchanged_line(changes, err));
	STP_TRY(stp_lines_check(&changes->lines, err));
	return check_complete(changes, err);
}

void stp_document_changes_release(struct stp_document_changes *changes)
{
	json_decref(changes->before);
	stp_diff_release(&changes->diff);
	stp_lines_release(&changes->lines);
	memset(changes, 0, sizeof(*changes));
}
