/* SPDX-License-Identifier: Apache-2.0 */
#include "keys/keyring.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/text.h"

#define STAGE "keys"

static enum stp_errc refuse(const char *keyid, const char *what, struct stp_err *err)
{
	return STP_FAIL(err, STP_CONFIG, STAGE, STP_KEYRING_FILE,
	                "\"%.16s%s\": %s; correct it, or remove the file: names and dates are then "
	                "lost, keys are not",
	                keyid, strlen(keyid) > 16 ? "…" : "", what);
}

/* --- entries --------------------------------------------------------------------------------- */

/* Where keyid is, or would be. */
static size_t place_of(const struct stp_keyring *keyring, const char *keyid)
{
	size_t low = 0, high = keyring->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(keyring->entries[middle].keyid, keyid) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct stp_keyring_entry *stp_keyring_find(const struct stp_keyring *keyring, const char *keyid)
{
	size_t at = place_of(keyring, keyid);

	if (at < keyring->count && strcmp(keyring->entries[at].keyid, keyid) == 0)
		return &keyring->entries[at];
	return NULL;
}

enum stp_errc stp_keyring_entry(struct stp_keyring *keyring, const char *keyid,
                                struct stp_keyring_entry **out_entry, struct stp_err *err)
{
	size_t at = place_of(keyring, keyid);
	struct stp_keyring_entry *entry;

	*out_entry = stp_keyring_find(keyring, keyid);
	if (*out_entry)
		return STP_OK;
	STP_ASSERT(strlen(keyid) == STP_KEYID_CHARS);
	if (keyring->count == keyring->capacity) {
		size_t capacity = keyring->capacity ? 2 * keyring->capacity : 16;
		void *entries = realloc(keyring->entries, capacity * sizeof(*keyring->entries));

		if (!entries)
			return STP_FAIL_ERRNO(err, ENOMEM, STAGE, STP_KEYRING_FILE,
			                      "cannot add a key");
		keyring->entries = entries;
		keyring->capacity = capacity;
	}
	entry = &keyring->entries[at];
	memmove(entry + 1, entry, (keyring->count++ - at) * sizeof(*entry));
	*entry = (struct stp_keyring_entry){.added = -1, .last_signature = -1};
	memcpy(entry->keyid, keyid, STP_KEYID_CHARS + 1);
	*out_entry = entry;
	return STP_OK;
}

void stp_keyring_release(struct stp_keyring *keyring)
{
	free(keyring->entries);
	*keyring = (struct stp_keyring){.entries = NULL};
}

/* --- reading --------------------------------------------------------------------------------- */

static const char *take_time(const json_t *value, int64_t *out)
{
	struct stp_err ignored = STP_ERR_INIT;

	if (json_is_string(value) &&
	    stp_time_parse(json_string_value(value), json_string_length(value), out, &ignored) ==
	        STP_OK)
		return NULL;
	return "a date is not YYYY-MM-DDTHH:MM:SSZ";
}

/* A string that is shorter than size. */
static const char *take_text(const json_t *value, char *out, size_t size)
{
	if (!json_is_string(value) || json_string_length(value) >= size)
		return "a text is too long, or not a string";
	memcpy(out, json_string_value(value), json_string_length(value) + 1);
	return NULL;
}

/* The name of a document, for people: "5.root.json", "drill". */
static const char *document_problem(const char *text)
{
	for (; *text; text++)
		if (*text <= ' ' || *text > '~' || strchr("\"\\/", *text))
			return "last_document is not the name of a document";
	return NULL;
}

/* Sets one member of entry; what is wrong with it, or NULL. */
static const char *take_member(struct stp_keyring_entry *entry, const char *name,
                               const json_t *value)
{
	const char *problem;

	if (strcmp(name, "added") == 0)
		return take_time(value, &entry->added);
	if (strcmp(name, "last_signature") == 0)
		return take_time(value, &entry->last_signature);
	if (strcmp(name, "name") == 0) {
		problem = take_text(value, entry->name, sizeof(entry->name));
		if (!problem && stp_key_name_problem(entry->name))
			entry->name[0] = '\0'; /* once allowed, or edited: a key without a name */
		return problem;
	}
	if (strcmp(name, "holder") == 0) {
		problem = take_text(value, entry->holder, sizeof(entry->holder));
		return problem ? problem : stp_key_holder_problem(entry->holder);
	}
	if (strcmp(name, "last_document") == 0) {
		problem = take_text(value, entry->last_document, sizeof(entry->last_document));
		return problem ? problem : document_problem(entry->last_document);
	}
	return "it has a member that is unknown";
}

static int is_keyid(const char *text)
{
	uint8_t digest[STP_KEYID_CHARS / 2];

	return strlen(text) == STP_KEYID_CHARS && stp_hex_decode(text, sizeof(digest), digest, 0);
}

static enum stp_errc read_keys(struct stp_keyring *keyring, json_t *keys, struct stp_err *err)
{
	const char *keyid, *name;
	json_t *object, *value;

	json_object_foreach(keys, keyid, object)
	{
		struct stp_keyring_entry *entry;

		if (!is_keyid(keyid) || !json_is_object(object))
			return refuse(keyid, "is not a keyid with an object", err);
		STP_TRY(stp_keyring_entry(keyring, keyid, &entry, err));
		json_object_foreach(object, name, value)
		{
			const char *problem = take_member(entry, name, value);

			if (problem)
				return refuse(keyid, problem, err);
		}
	}
	return STP_OK;
}

static enum stp_errc parse(struct stp_keyring *keyring, const struct stp_buf *text,
                           struct stp_err *err)
{
	json_error_t where;
	json_t *document =
	    json_loadb((const char *)text->data, text->count, JSON_REJECT_DUPLICATES, &where);
	json_t *keys = json_object_get(document, "keys");
	enum stp_errc code;

	if (!document)
		return STP_FAIL(err, STP_CONFIG, STAGE, STP_KEYRING_FILE, "line %d: %s; fix it",
		                where.line, where.text);
	if (json_integer_value(json_object_get(document, "format")) != 1 || !json_is_object(keys) ||
	    json_object_size(document) != 2)
		code = STP_FAIL(err, STP_CONFIG, STAGE, STP_KEYRING_FILE,
		                "is not {\"format\":1,\"keys\":{…}}: a later stampede wrote it, or "
		                "it was edited");
	else
		code = read_keys(keyring, keys, err);
	json_decref(document);
	return code;
}

enum stp_errc stp_keyring_load(struct stp_keyring *keyring, int repo_fd, struct stp_err *err)
{
	struct stp_buf text = STP_BUF_INIT;
	struct stp_keyring fresh = {.entries = NULL};
	enum stp_errc code;

	*keyring = fresh;
	if (!stp_file_exists(repo_fd, STP_KEYRING_FILE) && errno == ENOENT)
		return STP_OK;
	code = stp_file_read(repo_fd, STP_KEYRING_FILE, STP_CONFIG_BYTES_MAX, STAGE, &text, err);
	if (code == STP_OK)
		code = parse(&fresh, &text, err);
	stp_buf_release(&text);
	if (code == STP_OK)
		*keyring = fresh;
	else
		stp_keyring_release(&fresh);
	return code;
}

/* --- writing --------------------------------------------------------------------------------- */

static void set_time(json_t *object, const char *name, int64_t time)
{
	char text[STP_TIME_BYTES + 1];

	if (time < 0)
		return;
	stp_time_format(time, text);
	json_object_set_new(object, name, json_string(text));
}

static void set_text(json_t *object, const char *name, const char *text)
{
	if (text[0])
		json_object_set_new(object, name, json_string(text));
}

static json_t *entry_json(const struct stp_keyring_entry *entry)
{
	json_t *object = json_object();

	set_time(object, "added", entry->added);
	set_text(object, "holder", entry->holder);
	set_text(object, "last_document", entry->last_document);
	set_time(object, "last_signature", entry->last_signature);
	set_text(object, "name", entry->name);
	return object;
}

enum stp_errc stp_keyring_save(const struct stp_keyring *keyring, int repo_fd, struct stp_err *err)
{
	json_t *keys = json_object();
	json_t *document = json_pack("{s:i,s:o}", "format", 1, "keys", keys);
	enum stp_errc code;
	char *text;
	size_t i;

	for (i = 0; document && i < keyring->count; i++)
		json_object_set_new(keys, keyring->entries[i].keyid,
		                    entry_json(&keyring->entries[i]));
	text = document ? json_dumps(document, JSON_INDENT(2) | JSON_SORT_KEYS) : NULL;
	json_decref(document);
	if (!text)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, STP_KEYRING_FILE, "cannot write it");
	code = stp_file_write(repo_fd, STP_KEYRING_FILE, text, strlen(text), 0644, STP_FILE_REPLACE,
	                      STAGE, err);
	free(text);
	return code;
}
