/* SPDX-License-Identifier: Apache-2.0 */
#include "ceremony/diff.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/limits.h"
#include "base/text.h"
#include "ceremony/lines.h"
#include "ceremony/regular_roles.h"
#include "verify/document.h"

#define STAGE "ceremony"

/* A comparison under way: where it is. */
struct walk {
	struct stp_diff *diff;
	struct stp_diff_step steps[STP_JSON_DEPTH_MAX + 2];
	size_t step_count;
	struct stp_err *err;
};

static enum stp_errc no_memory(struct stp_err *err)
{
	return STP_FAIL_ERRNO(err, ENOMEM, STAGE, "payload", "cannot compare the documents");
}

static enum stp_errc add(struct walk *walk, enum stp_diff_op op, json_t *before, json_t *after)
{
	struct stp_diff *diff = walk->diff;
	struct stp_diff_item *item;
	size_t bytes = walk->step_count * sizeof(*walk->steps);

	if (!STP_ARRAY_RESERVE(diff->items, diff->capacity, diff->count + 1))
		return no_memory(walk->err);
	item = &diff->items[diff->count];
	memset(item, 0, sizeof(*item));
	item->steps = malloc(bytes + 1);
	if (!item->steps)
		return no_memory(walk->err);
	memcpy(item->steps, walk->steps, bytes);
	item->step_count = walk->step_count;
	item->op = op;
	item->before = before;
	item->after = after;
	diff->count++;
	return STP_OK;
}

static enum stp_errc compare(struct walk *walk, json_t *before, json_t *after);

static enum stp_errc push(struct walk *walk, const char *member, size_t index)
{
	if (walk->step_count == sizeof(walk->steps) / sizeof(walk->steps[0]))
		return STP_FAIL(walk->err, STP_LIMIT, STAGE, "payload", "is nested too deeply");
	walk->steps[walk->step_count++] = (struct stp_diff_step){member, index};
	return STP_OK;
}

/* ----------------------------------------------------------------------------- objects */

static enum stp_errc compare_objects(struct walk *walk, json_t *before, json_t *after)
{
	const char *member;
	json_t *value;

	json_object_foreach(before, member, value)
	{
		if (json_object_get(after, member))
			continue;
		STP_TRY(push(walk, member, 0));
		STP_TRY(add(walk, STP_DIFF_REMOVE, value, NULL));
		walk->step_count--;
	}
	json_object_foreach(after, member, value)
	{
		json_t *old = json_object_get(before, member);

		STP_TRY(push(walk, member, 0));
		STP_TRY(old ? compare(walk, old, value) : add(walk, STP_DIFF_SET, NULL, value));
		walk->step_count--;
	}
	return STP_OK;
}

/* ------------------------------------------------------------------------------ arrays */

/* What an item is matched by; free it. NULL when memory is short. */
static char *identity_of(const json_t *item)
{
	const json_t *name = json_object_get(item, "name");
	char *text = NULL;

	if (json_is_string(item) || json_is_string(name)) {
		const char *string = json_string_value(json_is_string(item) ? item : name);

		if (asprintf(&text, "%c%s", json_is_string(item) ? 's' : 'n', string) < 0)
			return NULL;
		return text;
	}
	return json_dumps(item, JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS);
}

/* Two arrays, and where the items of each are in the other. */
struct match {
	json_t *before, *after;
	json_t *indexes; /* identity → index in before */
	size_t *at;      /* by index in after: 1 + index in before, 0: new */
	char *is_kept;   /* by index in before */
	int is_usable;   /* items do not repeat, and those that both have are in the same order */
};

static void match_release(struct match *match)
{
	json_decref(match->indexes);
	free(match->at);
	free(match->is_kept);
}

/* Notes where each item of before is. */
static enum stp_errc match_before(struct match *match, struct stp_err *err)
{
	json_t *item;
	size_t i;

	json_array_foreach(match->before, i, item)
	{
		char *identity = identity_of(item);
		int failed;

		if (!identity)
			return no_memory(err);
		match->is_usable &= json_object_get(match->indexes, identity) == NULL;
		failed =
		    json_object_set_new(match->indexes, identity, json_integer((json_int_t)i)) != 0;
		free(identity);
		if (failed)
			return no_memory(err);
	}
	return STP_OK;
}

static enum stp_errc match_after(struct match *match, struct stp_err *err)
{
	size_t last = 0;
	json_t *item;
	size_t i;

	json_array_foreach(match->after, i, item)
	{
		char *identity = identity_of(item);
		json_t *index;

		if (!identity)
			return no_memory(err);
		index = json_object_get(match->indexes, identity);
		free(identity);
		if (!index)
			continue;
		match->at[i] = (size_t)json_integer_value(index) + 1;
		match->is_usable &= match->at[i] > last;
		last = match->at[i];
		match->is_kept[match->at[i] - 1] = 1;
	}
	return STP_OK;
}

static enum stp_errc match_make(struct match *match, json_t *before, json_t *after,
                                struct stp_err *err)
{
	*match = (struct match){.before = before, .after = after, .is_usable = 1};
	match->indexes = json_object();
	match->at = calloc(json_array_size(after) + 1, sizeof(*match->at));
	match->is_kept = calloc(json_array_size(before) + 1, 1);
	if (!match->indexes || !match->at || !match->is_kept)
		return no_memory(err);
	STP_TRY(match_before(match, err));
	return match_after(match, err);
}

/* Deletes from the end, inserts from the start, and then compares what both have. */
static enum stp_errc compare_matched(struct walk *walk, const struct match *match)
{
	size_t i;

	for (i = json_array_size(match->before); i-- > 0;) {
		if (match->is_kept[i])
			continue;
		STP_TRY(push(walk, NULL, i));
		STP_TRY(add(walk, STP_DIFF_DELETE, json_array_get(match->before, i), NULL));
		walk->step_count--;
	}
	for (i = 0; i < json_array_size(match->after); i++) {
		if (match->at[i])
			continue;
		STP_TRY(push(walk, NULL, i));
		STP_TRY(add(walk, STP_DIFF_INSERT, NULL, json_array_get(match->after, i)));
		walk->step_count--;
	}
	for (i = 0; i < json_array_size(match->after); i++) {
		if (!match->at[i])
			continue;
		STP_TRY(push(walk, NULL, i));
		STP_TRY(compare(walk, json_array_get(match->before, match->at[i] - 1),
		                json_array_get(match->after, i)));
		walk->step_count--;
	}
	return STP_OK;
}

static enum stp_errc compare_arrays(struct walk *walk, json_t *before, json_t *after)
{
	struct stp_regular_roles regular;
	struct match match;
	enum stp_errc code;

	/* Another number of bins is one change: all of them serve other paths. */
	if (json_array_size(before) != json_array_size(after) &&
	    stp_regular_roles_read(after, &regular))
		return add(walk, STP_DIFF_SET, before, after);
	code = match_make(&match, before, after, walk->err);
	if (code == STP_OK)
		code = match.is_usable ? compare_matched(walk, &match)
		                       : add(walk, STP_DIFF_SET, before, after);
	match_release(&match);
	return code;
}

static enum stp_errc compare(struct walk *walk, json_t *before, json_t *after)
{
	if (json_equal(before, after))
		return STP_OK;
	if (json_is_object(before) && json_is_object(after))
		return compare_objects(walk, before, after);
	if (json_is_array(before) && json_is_array(after))
		return compare_arrays(walk, before, after);
	return add(walk, STP_DIFF_SET, before, after);
}

enum stp_errc stp_diff_make(struct stp_diff *diff, json_t *before, json_t *after,
                            struct stp_err *err)
{
	struct walk walk = {.diff = diff, .err = err};

	memset(diff, 0, sizeof(*diff));
	return compare(&walk, before, after);
}

void stp_diff_release(struct stp_diff *diff)
{
	size_t i;

	for (i = 0; i < diff->count; i++)
		free(diff->items[i].steps);
	free(diff->items);
	memset(diff, 0, sizeof(*diff));
}

/* ----------------------------------------------------------------------------- applied */

static json_t *step_into(json_t *value, const struct stp_diff_step *step)
{
	return step->member ? json_object_get(value, step->member)
	                    : json_array_get(value, step->index);
}

/* Applies one change to document; what cannot be applied leaves it as it is, and shows later. */
static void apply(json_t *document, const struct stp_diff_item *item)
{
	const struct stp_diff_step *last = &item->steps[item->step_count - 1];
	json_t *at = document;
	size_t i;

	for (i = 0; i + 1 < item->step_count; i++)
		at = step_into(at, &item->steps[i]);
	switch (item->op) {
	case STP_DIFF_SET:
		if (last->member)
			json_object_set(at, last->member, item->after);
		else
			json_array_set(at, last->index, item->after);
		break;
	case STP_DIFF_REMOVE:
		json_object_del(at, last->member);
		break;
	case STP_DIFF_DELETE:
		json_array_remove(at, last->index);
		break;
	case STP_DIFF_INSERT:
		json_array_insert(at, last->index, item->after);
		break;
	}
}

enum stp_errc stp_diff_rebuilds(const struct stp_diff *diff, const json_t *before,
                                const struct stp_buf *body, int *out_same, struct stp_err *err)
{
	json_t *rebuilt = json_deep_copy(before);
	struct stp_buf form = STP_BUF_INIT;
	enum stp_errc code;
	size_t i;

	if (!rebuilt)
		return no_memory(err);
	for (i = 0; i < diff->count; i++)
		if (diff->items[i].is_shown && diff->items[i].step_count)
			apply(rebuilt, &diff->items[i]);
	code = stp_canonical_append(rebuilt, &form, err);
	json_decref(rebuilt);
	if (code == STP_OK)
		*out_same =
		    form.count == body->count && memcmp(form.data, body->data, form.count) == 0;
	stp_buf_release(&form);
	return code;
}

/* ------------------------------------------------------------------------------- paths */

int stp_diff_is_at(const struct stp_diff_item *item, size_t step_count, ...)
{
	int same = item->step_count == step_count;
	va_list args;
	size_t i;

	va_start(args, step_count);
	for (i = 0; i < step_count && same; i++) {
		const char *member = va_arg(args, const char *);

		if (member)
			same = item->steps[i].member && strcmp(item->steps[i].member, member) == 0;
	}
	va_end(args);
	return same;
}

static int is_plain(const char *member)
{
	return *member && member[strspn(member, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWX"
	                                        "YZ0123456789_-")] == '\0';
}

enum stp_errc stp_diff_member(const char *member, struct stp_buf *out, struct stp_err *err)
{
	size_t count = strlen(member);
	enum stp_errc code;
	char *escaped;

	if (is_plain(member))
		return stp_buf_append(out, member, count, err);
	escaped = malloc(4 * count + 1);
	if (!escaped)
		return no_memory(err);
	stp_text_escape(member, count, escaped, 4 * count + 1);
	code = stp_buf_print(out, err, "\"%s\"", escaped);
	free(escaped);
	return code;
}

enum stp_errc stp_diff_path(const struct stp_diff_item *item, struct stp_buf *out,
                            struct stp_err *err)
{
	size_t i;

	for (i = 0; i < item->step_count; i++) {
		const struct stp_diff_step *step = &item->steps[i];

		if (!step->member) {
			STP_TRY(stp_buf_print(out, err, "[%zu]", step->index));
			continue;
		}
		if (i)
			STP_TRY(stp_buf_append(out, ".", 1, err));
		STP_TRY(stp_diff_member(step->member, out, err));
	}
	return STP_OK;
}
