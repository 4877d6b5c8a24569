/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/document.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "cjson/encoding.h"
#include "verify/published.h"

const struct stp_document_rule stp_rule_root = {
    "root", "_type consistent_snapshot expires keys roles spec_version version", STP_ROOT_BYTES_MAX,
    0};
const struct stp_document_rule stp_rule_timestamp = {
    "timestamp", "_type expires meta spec_version version", STP_TIMESTAMP_BYTES_MAX, 0};
const struct stp_document_rule stp_rule_snapshot = {
    "snapshot", "_type expires meta spec_version version", STP_SNAPSHOT_BYTES_MAX, 0};
const struct stp_document_rule stp_rule_targets = {
    "targets", "_type delegations expires spec_version targets version", STP_TARGETS_BYTES_MAX, 0};

const struct stp_document_rule stp_rule_old_root = {"root", NULL, STP_ROOT_BYTES_MAX, 1};
const struct stp_document_rule stp_rule_old_timestamp = {"timestamp", NULL, STP_TIMESTAMP_BYTES_MAX,
                                                         1};
const struct stp_document_rule stp_rule_old_snapshot = {"snapshot", NULL, STP_SNAPSHOT_BYTES_MAX,
                                                        1};
const struct stp_document_rule stp_rule_foreign = {"targets", NULL, STP_TARGETS_BYTES_MAX, 1};

/* True when no array or object of text is nested deeper than depth_max; strings are skipped. */
static int depth_ok(const char *text, size_t count, unsigned depth_max)
{
	unsigned depth = 0;
	int in_string = 0;
	size_t i;

	for (i = 0; i < count; i++) {
		char c = text[i];

		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = 0;
		} else if (c == '"') {
			in_string = 1;
		} else if (c == '{' || c == '[') {
			if (++depth > depth_max)
				return 0;
		} else if ((c == '}' || c == ']') && depth > 0) {
			depth--;
		}
	}
	return 1;
}

int stp_expires_parse(const char *text, size_t count, int64_t *out_epoch_s)
{
	struct stp_err ignored = STP_ERR_INIT;

	return stp_time_parse(text, count, out_epoch_s, &ignored) == STP_OK;
}

static enum stp_errc append_text(struct stp_buf *out, const char *text, struct stp_err *err)
{
	return stp_buf_append(out, text, strlen(text), err);
}

/* A string in quotes: only '"' and '\' are escaped (OLPC canonical JSON). */
static enum stp_errc append_string(const char *text, size_t count, struct stp_buf *out,
                                   struct stp_err *err)
{
	size_t start = 0;
	size_t i;

	STP_TRY(append_text(out, "\"", err));
	for (i = 0; i < count; i++) {
		if (text[i] != '"' && text[i] != '\\')
			continue;
		STP_TRY(stp_buf_append(out, text + start, i - start, err));
		STP_TRY(append_text(out, "\\", err));
		start = i;
	}
	STP_TRY(stp_buf_append(out, text + start, count - start, err));
	return append_text(out, "\"", err);
}

/* Code point order of UTF-8 is byte order, and strcmp compares bytes as unsigned char. */
static int compare_keys(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static enum stp_errc append_members(const json_t *value, const char **keys, size_t count,
                                    struct stp_buf *out, struct stp_err *err)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (i)
			STP_TRY(append_text(out, ",", err));
		STP_TRY(append_string(keys[i], strlen(keys[i]), out, err));
		STP_TRY(append_text(out, ":", err));
		STP_TRY(stp_canonical_append(json_object_get(value, keys[i]), out, err));
	}
	return append_text(out, "}", err);
}

static enum stp_errc append_object(const json_t *value, struct stp_buf *out, struct stp_err *err)
{
	size_t count = json_object_size(value), i = 0;
	const char **keys = malloc((count + 1) * sizeof(*keys));
	enum stp_errc code;
	const char *key;
	json_t *member;

	if (!keys)
		return STP_FAIL_ERRNO(err, ENOMEM, "verify", "", "cannot sort keys");
	json_object_foreach((json_t *)value, key, member) keys[i++] = key;
	qsort(keys, count, sizeof(*keys), compare_keys);
	code = append_text(out, "{", err);
	if (code == STP_OK)
		code = append_members(value, keys, count, out, err);
	free(keys);
	return code;
}

static enum stp_errc append_array(const json_t *value, struct stp_buf *out, struct stp_err *err)
{
	size_t i;

	STP_TRY(append_text(out, "[", err));
	for (i = 0; i < json_array_size(value); i++) {
		if (i)
			STP_TRY(append_text(out, ",", err));
		STP_TRY(stp_canonical_append(json_array_get(value, i), out, err));
	}
	return append_text(out, "]", err);
}

enum stp_errc stp_canonical_append(const json_t *value, struct stp_buf *out, struct stp_err *err)
{
	char number[32];

	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return append_object(value, out, err);
	case JSON_ARRAY:
		return append_array(value, out, err);
	case JSON_STRING:
		return append_string(json_string_value(value), json_string_length(value), out, err);
	case JSON_INTEGER:
		snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT,
		         json_integer_value(value));
		return append_text(out, number, err);
	case JSON_TRUE:
		return append_text(out, "true", err);
	case JSON_FALSE:
		return append_text(out, "false", err);
	case JSON_NULL:
		return append_text(out, "null", err);
	case JSON_REAL:
		break;
	}
	return STP_FAIL(err, STP_FORMAT, "verify", "", "a number is not an integer");
}

static const char *type_name(json_type type)
{
	switch (type) {
	case JSON_OBJECT:
		return "an object is needed";
	case JSON_ARRAY:
		return "an array is needed";
	case JSON_STRING:
		return "a string is needed";
	case JSON_INTEGER:
		return "an integer is needed";
	default:
		return "a boolean is needed";
	}
}

json_t *stp_document_member(struct stp_document *doc, json_t *object, const char *where,
                            const char *name, json_type type)
{
	json_t *value = json_object_get(object, name);
	struct stp_quote quote;

	if (value && (type == JSON_TRUE ? json_is_boolean(value) : json_typeof(value) == type))
		return value;
	stp_finding_add(doc->findings, STP_FINDING_FIELD, doc->name, "%s.%s is %s (%s)",
	                stp_finding_quote(&quote, where, strlen(where)), name,
	                value ? "of the wrong type" : "missing", type_name(type));
	return NULL;
}

int stp_document_integer(struct stp_document *doc, json_t *object, const char *where,
                         const char *name, uint64_t min, uint64_t max, uint64_t *out)
{
	json_t *value = stp_document_member(doc, object, where, name, JSON_INTEGER);
	struct stp_quote quote;
	json_int_t number;

	if (!value)
		return 0;
	number = json_integer_value(value);
	if (number >= 0 && (uint64_t)number >= min && (uint64_t)number <= max) {
		*out = (uint64_t)number;
		return 1;
	}
	stp_finding_add(doc->findings, STP_FINDING_FIELD, doc->name,
	                "%s.%s is %" JSON_INTEGER_FORMAT ", out of range",
	                stp_finding_quote(&quote, where, strlen(where)), name, number);
	return 0;
}

/* True when word is one of the words of list, which are separated by spaces. */
static int is_listed(const char *list, const char *word)
{
	size_t count = strlen(word);
	const char *at = list;

	while ((at = strstr(at, word)) != NULL) {
		if ((at == list || at[-1] == ' ') && (at[count] == ' ' || at[count] == '\0') &&
		    count > 0)
			return 1;
		at += count ? count : 1;
		if (!count)
			return 0;
	}
	return 0;
}

void stp_document_known(struct stp_document *doc, json_t *object, const char *where,
                        const char *allowed)
{
	struct stp_quote quote, place;
	json_t *value;
	const char *key;

	if (doc->rule && doc->rule->any_layout)
		return;
	json_object_foreach(object, key, value)
	{
		if (!is_listed(allowed, key) || strchr(key, ' '))
			stp_finding_add(
			    doc->findings, STP_FINDING_FIELD_UNKNOWN, doc->name,
			    "%s has a field \"%s\" that the specification does not name",
			    stp_finding_quote(&place, where, strlen(where)),
			    stp_finding_quote(&quote, key, strlen(key)));
	}
}

/* Reads version, expires, spec_version and _type of signed. */
static void check_common(struct stp_document *doc, const struct stp_document_rule *rule)
{
	json_t *body = doc->body_json;
	json_t *type = stp_document_member(doc, body, "signed", "_type", JSON_STRING);
	json_t *spec = stp_document_member(doc, body, "signed", "spec_version", JSON_STRING);
	json_t *expires = stp_document_member(doc, body, "signed", "expires", JSON_STRING);
	struct stp_quote quote;

	if (type && strcmp(json_string_value(type), rule->type) != 0)
		stp_finding_add(
		    doc->findings, STP_FINDING_TYPE, doc->name, "_type is \"%s\", not \"%s\"",
		    stp_finding_quote(&quote, json_string_value(type), json_string_length(type)),
		    rule->type);
	if (spec && strncmp(json_string_value(spec), "1.0.", 4) != 0 &&
	    strcmp(json_string_value(spec), "1.0") != 0)
		stp_finding_add(doc->findings, STP_FINDING_SPEC_VERSION, doc->name,
		                "spec_version is \"%s\"; clients of 1.0 refuse it",
		                stp_finding_quote(&quote, json_string_value(spec),
		                                  json_string_length(spec)));
	stp_document_integer(doc, body, "signed", "version", 1, STP_VERSION_MAX, &doc->version);
	if (expires && !stp_expires_parse(json_string_value(expires), json_string_length(expires),
	                                  &doc->expires))
		stp_finding_add(doc->findings, STP_FINDING_FIELD, doc->name,
		                "signed.expires is \"%s\", not YYYY-MM-DDTHH:MM:SSZ",
		                stp_finding_quote(&quote, json_string_value(expires),
		                                  json_string_length(expires)));
	if (rule->fields)
		stp_document_known(doc, body, "signed", rule->fields);
}

/* Whether file equals, or contains, the canonical form of value. */
static enum stp_errc compare_canonical(const struct stp_buf *file, const json_t *value,
                                       int *out_same, int *out_holds, struct stp_err *err)
{
	struct stp_buf canonical = STP_BUF_INIT;
	struct stp_buf form = STP_BUF_INIT;
	enum stp_errc code = stp_canonical_append(value, &canonical, err);

	if (code == STP_OK)
		code = stp_cjson_to_file(canonical.data, canonical.count, "verify", "", &form, err);
	*out_same = code == STP_OK && form.count == file->count &&
	            memcmp(form.data, file->data, form.count) == 0;
	*out_holds =
	    code == STP_OK && memmem(file->data, file->count, form.data, form.count) != NULL;
	stp_buf_release(&canonical);
	stp_buf_release(&form);
	return code;
}

/* Compares the bytes of the file with their canonical form. */
static enum stp_errc check_canonical(struct stp_document *doc, int any_layout, int *out_ok,
                                     struct stp_err *err)
{
	struct stp_err cause = STP_ERR_INIT;
	enum stp_errc code = stp_canonical_append(doc->body_json, &doc->body, &cause);
	int same;
	int holds;

	*out_ok = 0;
	if (code == STP_FORMAT) {
		stp_finding_add(
		    doc->findings, STP_FINDING_CANONICAL, doc->name,
		    "signed holds a number that is not an integer: it has no canonical form");
		return STP_OK;
	}
	if (code != STP_OK) {
		stp_err_merge(err, &cause);
		return code;
	}
	*out_ok = 1;
	if (any_layout)
		return STP_OK;
	/* An envelope with numbers that are not integers has no canonical form. */
	code = compare_canonical(&doc->file, doc->root, &same, &holds, &cause);
	if (code == STP_OK && same)
		return STP_OK;
	STP_TRY(compare_canonical(&doc->file, doc->body_json, &same, &holds, err));
	if (!holds)
		stp_finding_add(doc->findings, STP_FINDING_CANONICAL, doc->name,
		                "signed is not in canonical form: the published bytes are not "
		                "the signed ones");
	else
		stp_finding_add(doc->findings, STP_FINDING_ENVELOPE, doc->name,
		                "the envelope around signed is not in canonical form");
	return STP_OK;
}

static int check_envelope(struct stp_document *doc)
{
	if (!json_is_object(doc->root)) {
		stp_finding_add(doc->findings, STP_FINDING_ENVELOPE, doc->name,
		                "is not a JSON object");
		return 0;
	}
	doc->signatures = stp_document_member(doc, doc->root, "file", "signatures", JSON_ARRAY);
	doc->body_json = stp_document_member(doc, doc->root, "file", "signed", JSON_OBJECT);
	stp_document_known(doc, doc->root, "file", "signatures signed");
	return doc->body_json != NULL;
}

/* Parses JSON and envelope; *out_there is 1 when signed exists. Takes ownership of file. */
static void parse_json(struct stp_document *doc, struct stp_buf *file, const char *name,
                       const struct stp_document_rule *rule, struct stp_finding_list *findings,
                       int *out_there)
{
	json_error_t problem;
	struct stp_quote quote;

	memset(doc, 0, sizeof(*doc));
	snprintf(doc->name, sizeof(doc->name), "%s", name);
	doc->findings = findings;
	doc->rule = rule;
	doc->file = *file;
	memset(file, 0, sizeof(*file));
	*out_there = 0;
	if (!depth_ok((const char *)doc->file.data, doc->file.count, STP_JSON_DEPTH_MAX)) {
		stp_finding_add(findings, STP_FINDING_JSON, name, "is nested deeper than %d levels",
		                STP_JSON_DEPTH_MAX);
		return;
	}
	doc->root = json_loadb((const char *)doc->file.data, doc->file.count,
	                       JSON_REJECT_DUPLICATES, &problem);
	if (!doc->root) {
		stp_finding_add(findings, STP_FINDING_JSON, name, "is not JSON: %s at byte %d",
		                stp_finding_quote(&quote, problem.text, strlen(problem.text)),
		                problem.position);
		return;
	}
	*out_there = check_envelope(doc);
}

enum stp_errc stp_document_parse(struct stp_document *doc, struct stp_buf *file, const char *name,
                                 const struct stp_document_rule *rule,
                                 struct stp_finding_list *findings, int *out_usable,
                                 struct stp_err *err)
{
	int there;

	*out_usable = 0;
	parse_json(doc, file, name, rule, findings, &there);
	if (!there)
		return STP_OK;
	STP_TRY(check_canonical(doc, rule->any_layout, out_usable, err));
	check_common(doc, rule);
	return STP_OK;
}

enum stp_errc stp_document_parse_known(struct stp_document *doc, struct stp_buf *file,
                                       const char *name, const struct stp_document_rule *rule,
                                       struct stp_finding_list *findings, int *out_usable,
                                       struct stp_err *err)
{
	(void)err;
	parse_json(doc, file, name, rule, findings, out_usable);
	if (*out_usable)
		check_common(doc, rule);
	return STP_OK;
}

enum stp_errc stp_document_read(struct stp_document *doc, int folder_fd, const char *name,
                                const struct stp_document_rule *rule,
                                struct stp_finding_list *findings, int *out_usable,
                                struct stp_err *err)
{
	struct stp_buf file = STP_BUF_INIT;
	enum stp_errc code;
	int there;

	memset(doc, 0, sizeof(*doc));
	*out_usable = 0;
	code = stp_published_read(folder_fd, name, rule->bytes_max, &file, findings, &there, err);
	if (code == STP_OK && there)
		return stp_document_parse(doc, &file, name, rule, findings, out_usable, err);
	stp_buf_release(&file);
	return code;
}

void stp_document_release(struct stp_document *doc)
{
	json_decref(doc->root);
	stp_buf_release(&doc->file);
	stp_buf_release(&doc->body);
	memset(doc, 0, sizeof(*doc));
}
