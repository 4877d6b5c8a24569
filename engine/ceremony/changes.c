/* SPDX-License-Identifier: Apache-2.0 */
#include "ceremony/changes.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "ceremony/document_changes.h"
#include "ceremony/key_label.h"
#include "ceremony/tally.h"
#include "ceremony/warnings.h"
#include "keys/fingerprint_words.h"

#define STAGE "ceremony"
/* Words in the heading; all of them stand below it. */
#define HEADING_WORDS 4

struct stp_changes {
	const struct stp_payload *payload;
	struct stp_document_changes documents[STP_PAYLOAD_ROLES];
	size_t document_count;
	struct stp_tally demands; /* without signatures */
	struct stp_lines warnings;
};

static enum stp_errc make(struct stp_changes *changes, struct stp_err *err)
{
	const struct stp_payload *payload = changes->payload;
	size_t i;

	for (i = 0; i < payload->document_count; i++) {
		changes->document_count++;
		STP_TRY(stp_document_changes_make(&changes->documents[i], payload,
		                                  &payload->documents[i], err));
	}
	STP_TRY(stp_tally_make(&changes->demands, payload, NULL, 0, err));
	return stp_warnings_add(payload, &changes->warnings, err);
}

enum stp_errc stp_changes_make(const struct stp_payload *payload, struct stp_changes **out_changes,
                               struct stp_err *err)
{
	struct stp_changes *changes = calloc(1, sizeof(*changes));
	enum stp_errc code;

	if (!changes)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, "payload",
		                      "cannot compare the documents");
	changes->payload = payload;
	stp_lines_init(&changes->warnings);
	code = make(changes, err);
	if (code == STP_OK)
		*out_changes = changes;
	else
		stp_changes_release(changes);
	return code;
}

void stp_changes_release(struct stp_changes *changes)
{
	size_t i;

	if (!changes)
		return;
	for (i = 0; i < changes->document_count; i++)
		stp_document_changes_release(&changes->documents[i]);
	stp_tally_release(&changes->demands);
	stp_lines_release(&changes->warnings);
	free(changes);
}

/* -------------------------------------------------------------------------------- text */

static enum stp_errc words_text(const struct stp_payload *payload, size_t count, char divider,
                                struct stp_buf *out, struct stp_err *err)
{
	const char *words[STP_FINGERPRINT_WORDS];
	size_t i;

	stp_fingerprint_words(payload->sha256, words);
	for (i = 0; i < count; i++) {
		if (i)
			STP_TRY(stp_buf_append(out, &divider, 1, err));
		STP_TRY(stp_buf_print(out, err, "%s", words[i]));
	}
	return STP_OK;
}

static enum stp_errc payload_text(const struct stp_changes *changes, struct stp_buf *out,
                                  struct stp_err *err)
{
	const struct stp_payload *payload = changes->payload;
	char hex[65] = "";

	stp_hex_encode(payload->sha256, 32, hex);
	STP_TRY(stp_buf_print(out, err, "payload "));
	STP_TRY(words_text(payload, HEADING_WORDS, '-', out, err));
	STP_TRY(stp_buf_print(out, err, "…   \"%s\"\n    words: ", payload->purpose));
	STP_TRY(words_text(payload, STP_FINGERPRINT_WORDS, ' ', out, err));
	STP_TRY(stp_buf_print(out, err, "\n    SHA-256 %s, made %s\n", hex, payload->made));
	if (payload->is_drill)
		STP_TRY(stp_buf_print(out, err,
		                      "  A DRILL: no client accepts what is signed here; it shows "
		                      "that keys still work\n"));
	if (!payload->chain_count)
		STP_TRY(stp_buf_print(
		    out, err,
		    "  THE FIRST ROOT: nothing vouches for this payload. All holders must compare "
		    "the words\n  of the payload and of every key with each other, by voice or on "
		    "paper, before they sign\n"));
	return STP_OK;
}

static enum stp_errc heading_text(const struct stp_document_changes *document, struct stp_buf *out,
                                  struct stp_err *err)
{
	const char *role = stp_payload_role_name(document->document->role);

	if (document->payload->is_drill)
		return stp_buf_print(out, err, "drill of %s\n", role);
	if (!document->from)
		return stp_buf_print(out, err, "%s %" PRIu64 ", the first\n", role,
		                     document->document->doc->version);
	return stp_buf_print(out, err, "%s %" PRIu64 " → %" PRIu64 "\n", role, document->from,
	                     document->document->doc->version);
}

/* "this key is safe-1: counts for root 4 (1/2) and root 5 (1/2)" */
static enum stp_errc counts_text(const struct stp_changes *changes, const char *keyid,
                                 struct stp_buf *out, struct stp_err *err)
{
	struct stp_key_label label;
	size_t found = 0;
	size_t i;
	size_t k;

	STP_TRY(stp_buf_print(
	    out, err, "  this key is %s: ", stp_key_label_short(&label, changes->payload, keyid)));
	for (i = 0; i < changes->demands.document_count; i++) {
		const struct stp_tally_document *document = &changes->demands.documents[i];

		for (k = 0; k < document->demand_count; k++) {
			const struct stp_tally_demand *demand = &document->demands[k];
			int is_root = document->document->role == STP_PAYLOAD_ROOT;

			if (!stp_role_key(demand->role, keyid, strlen(keyid)))
				continue;
			STP_TRY(stp_buf_print(out, err, "%s", found++ ? " and " : "counts for "));
			if (!is_root)
				STP_TRY(
				    stp_buf_print(out, err, "%s by ", document->document->name));
			STP_TRY(stp_buf_print(out, err, "%s (1/%" PRIu64 ")", demand->by,
			                      demand->role->threshold));
		}
	}
	return stp_buf_print(out, err, "%s\n", found ? "" : "signs nothing here");
}

static enum stp_errc clock_text(const struct stp_changes *changes, int64_t now, struct stp_buf *out,
                                struct stp_err *err)
{
	struct stp_lines lines;
	enum stp_errc code;

	stp_lines_init(&lines);
	stp_warnings_add_clock(changes->payload, now, &lines);
	code = stp_lines_text(&lines, out, err);
	stp_lines_release(&lines);
	return code;
}

enum stp_errc stp_changes_text(const struct stp_changes *changes, const char *keyid, int64_t now,
                               struct stp_buf *out, struct stp_err *err)
{
	size_t i;

	STP_TRY(payload_text(changes, out, err));
	for (i = 0; i < changes->document_count; i++) {
		STP_TRY(heading_text(&changes->documents[i], out, err));
		STP_TRY(stp_lines_text(&changes->documents[i].lines, out, err));
	}
	if (keyid)
		STP_TRY(counts_text(changes, keyid, out, err));
	STP_TRY(stp_lines_text(&changes->warnings, out, err));
	return clock_text(changes, now, out, err);
}

/* -------------------------------------------------------------------------------- JSON */

static json_t *lines_json(const struct stp_lines *lines)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; list && i < lines->count; i++) {
		char sign[2] = {lines->items[i].sign, '\0'};

		if (json_array_append_new(list, json_pack("{s:s,s:s}", "sign", sign, "text",
		                                          lines->items[i].text)) != 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *change_json(const struct stp_diff_item *item)
{
	static const char *const ops[] = {[STP_DIFF_SET] = "set",
	                                  [STP_DIFF_REMOVE] = "remove",
	                                  [STP_DIFF_DELETE] = "delete",
	                                  [STP_DIFF_INSERT] = "insert"};
	struct stp_buf path = STP_BUF_INIT;
	json_t *change = NULL;

	if (stp_diff_path(item, &path, NULL) == STP_OK)
		change = json_pack("{s:s,s:s%,s:O*,s:O*}", "op", ops[item->op], "path",
		                   (const char *)path.data, path.count, "before", item->before,
		                   "after", item->after);
	stp_buf_release(&path);
	return change;
}

static json_t *demands_json(const struct stp_changes *changes, size_t index)
{
	const struct stp_tally_document *document = &changes->demands.documents[index];
	json_t *demands = json_array();
	size_t i;
	size_t k;

	for (i = 0; i < document->demand_count; i++) {
		const struct stp_role *role = document->demands[i].role;
		json_t *keys = json_array();

		for (k = 0; k < role->key_count; k++) {
			const char *keyid = role->keys[k]->keyid;

			json_array_append_new(
			    keys, json_pack("{s:s,s:s?}", "keyid", keyid, "name",
			                    stp_payload_key_name(changes->payload, keyid, NULL)));
		}
		json_array_append_new(
		    demands, json_pack("{s:s,s:I,s:o}", "by", document->demands[i].by, "threshold",
		                       (json_int_t)role->threshold, "keys", keys));
	}
	return demands;
}

static json_t *document_json(const struct stp_changes *changes, size_t index)
{
	const struct stp_document_changes *document = &changes->documents[index];
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < document->diff.count; i++)
		json_array_append_new(list, change_json(&document->diff.items[i]));
	return json_pack("{s:s,s:s,s:I,s:I,s:o,s:o,s:o}", "name", document->document->name, "role",
	                 stp_payload_role_name(document->document->role), "from",
	                 (json_int_t)document->from, "to",
	                 (json_int_t)document->document->doc->version, "lines",
	                 lines_json(&document->lines), "changes", list, "demands",
	                 demands_json(changes, index));
}

json_t *stp_changes_json(const struct stp_changes *changes)
{
	const struct stp_payload *payload = changes->payload;
	const char *words[STP_FINGERPRINT_WORDS];
	json_t *list = json_array();
	json_t *documents = json_array();
	json_t *warnings = json_array();
	char hex[65] = "";
	size_t i;

	stp_hex_encode(payload->sha256, 32, hex);
	stp_fingerprint_words(payload->sha256, words);
	for (i = 0; i < STP_FINGERPRINT_WORDS; i++)
		json_array_append_new(list, json_string(words[i]));
	for (i = 0; i < changes->document_count; i++)
		json_array_append_new(documents, document_json(changes, i));
	for (i = 0; i < changes->warnings.count; i++)
		json_array_append_new(warnings, json_string(changes->warnings.items[i].text));
	return json_pack("{s:s,s:o,s:s,s:s,s:b,s:o,s:o}", "payload", hex, "words", list, "purpose",
	                 payload->purpose, "made", payload->made, "drill", payload->is_drill,
	                 "documents", documents, "warnings", warnings);
}
