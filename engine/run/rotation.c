/* SPDX-License-Identifier: Apache-2.0 */
#include "run/rotation.h"

#include <fcntl.h>
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/faultpoint.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/text.h"
#include "hash/hash.h"
#include "publish/names.h"

#define STAGE          "rotation"
#define NAME           "state/" STP_ROTATION_FILE
#define TEXT_BYTES_MAX ((size_t)64 << 10)
#define SEAL_BYTES     32
#define SEAL_TITLE     "stampede-rotation 1\n"
#define REMEDY         "restore state/ and keys/ from one backup"

static const char *const phase_names[] = {"none", "staged", "overlap", "done"};
#define PHASE_COUNT (sizeof(phase_names) / sizeof(phase_names[0]))

const char *stp_rotation_phase_name(enum stp_rotation_phase phase)
{
	return phase_names[phase];
}

/* ------------------------------------------------------------------ writing */

static json_t *time_json(int64_t epoch_s)
{
	char text[STP_TIME_BYTES + 1];

	stp_time_format(epoch_s, text);
	return json_string(text);
}

static json_t *key_json(const struct stp_rotation_key *key)
{
	return json_pack("{s:s,s:s}", "keyid", key->keyid, "uri", key->uri);
}

static json_t *roles_json(const struct stp_rotation *rotation)
{
	json_t *object = json_object();
	size_t role;

	for (role = 0; role < STP_ONLINE_ROLES; role++) {
		const struct stp_rotation_role *item = &rotation->roles[role];

		if (item->is_rotated)
			json_object_set_new(
			    object, stp_online_role_name((enum stp_online_role)role),
			    json_pack("{s:o,s:o}", "former", key_json(&item->former), "next",
			              key_json(&item->next)));
	}
	return object;
}

static json_t *files_json(const struct stp_rotation *rotation)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < rotation->file_count; i++) {
		char hex[64];

		stp_hex_encode(rotation->files[i].sha256, 32, hex);
		json_array_append_new(list, json_pack("{s:s,s:s%}", "name", rotation->files[i].name,
		                                      "sha256", hex, sizeof(hex)));
	}
	return list;
}

static json_t *rotation_json(const struct stp_rotation *rotation)
{
	json_t *document =
	    json_pack("{s:i,s:s,s:o,s:I,s:o,s:o,s:o}", "format", 1, "phase",
	              phase_names[rotation->phase], "started", time_json(rotation->started),
	              "overlap_seconds", (json_int_t)rotation->overlap_seconds, "until",
	              rotation->until ? time_json(rotation->until) : json_null(), "roles",
	              roles_json(rotation), "staged", files_json(rotation));

	if (rotation->is_stolen && json_object_set_new(document, "stolen", json_true()) != 0) {
		json_decref(document);
		return NULL;
	}
	return document;
}

/* The seal of document, which has no member "seal"; 0 when memory is short. */
static int seal_of(const json_t *document, const uint8_t *seal_key,
                   char out_hex[2 * SEAL_BYTES + 1])
{
	char *text = json_dumps(document, JSON_COMPACT | JSON_SORT_KEYS);
	crypto_generichash_state state;
	uint8_t seal[SEAL_BYTES];

	if (!text)
		return 0;
	crypto_generichash_init(&state, seal_key, crypto_generichash_KEYBYTES, sizeof(seal));
	crypto_generichash_update(&state, (const unsigned char *)SEAL_TITLE,
	                          sizeof(SEAL_TITLE) - 1);
	crypto_generichash_update(&state, (const unsigned char *)text, strlen(text));
	crypto_generichash_final(&state, seal, sizeof(seal));
	free(text);
	stp_hex_encode(seal, sizeof(seal), out_hex);
	out_hex[2 * SEAL_BYTES] = '\0';
	return 1;
}

enum stp_errc stp_rotation_save(int state_fd, const uint8_t *seal_key,
                                const struct stp_rotation *rotation, struct stp_err *err)
{
	json_t *document = rotation_json(rotation);
	char seal[2 * SEAL_BYTES + 1];
	char *text = NULL;
	enum stp_errc code;

	if (document && seal_of(document, seal_key, seal) &&
	    json_object_set_new(document, "seal", json_string(seal)) == 0)
		text = json_dumps(document, JSON_INDENT(1) | JSON_SORT_KEYS);
	json_decref(document);
	if (!text)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, NAME, "no memory");
	STP_ASSERT(strlen(text) < TEXT_BYTES_MAX);
	code = stp_file_write(state_fd, STP_ROTATION_FILE, text, strlen(text),
	                      STP_MODE_PRIVATE_FILE, STP_FILE_REPLACE, STAGE, err);
	free(text);
	return code;
}

/* ------------------------------------------------------------------ reading */

static enum stp_errc damaged(struct stp_err *err)
{
	return STP_FAIL(err, STP_FORMAT, STAGE, NAME, "is damaged; " REMEDY);
}

/* Copies the text of value, which fits size bytes with its NUL; 0 when it does not. */
static int read_text(const json_t *value, char *out, size_t size)
{
	size_t count = json_string_length(value);

	if (!json_is_string(value) || count == 0 || count >= size ||
	    strlen(json_string_value(value)) != count)
		return 0;
	memcpy(out, json_string_value(value), count + 1);
	return 1;
}

static int read_time(const json_t *value, int64_t *out)
{
	struct stp_err ignored = STP_ERR_INIT;

	return json_is_string(value) &&
	       stp_time_parse(json_string_value(value), json_string_length(value), out, &ignored) ==
	           STP_OK;
}

static int is_keyid(const char *text)
{
	return strlen(text) == STP_KEYID_CHARS &&
	       strspn(text, "0123456789abcdef") == STP_KEYID_CHARS;
}

static int read_key(const json_t *value, struct stp_rotation_key *out)
{
	return json_object_size(value) == 2 &&
	       read_text(json_object_get(value, "keyid"), out->keyid, sizeof(out->keyid)) &&
	       is_keyid(out->keyid) &&
	       read_text(json_object_get(value, "uri"), out->uri, sizeof(out->uri)) &&
	       strncmp(out->uri, "pem:", 4) == 0;
}

static int read_roles(const json_t *object, struct stp_rotation *rotation)
{
	size_t found = 0;
	size_t role;

	for (role = 0; role < STP_ONLINE_ROLES; role++) {
		const json_t *value =
		    json_object_get(object, stp_online_role_name((enum stp_online_role)role));
		struct stp_rotation_role *item = &rotation->roles[role];

		if (!value)
			continue;
		if (json_object_size(value) != 2 ||
		    !read_key(json_object_get(value, "former"), &item->former) ||
		    !read_key(json_object_get(value, "next"), &item->next))
			return 0;
		item->is_rotated = 1;
		found++;
	}
	return found && found == json_object_size(object);
}

/* Whether name is that of a version of root, targets or bins. */
static int is_role_file(const char *name)
{
	uint64_t version;

	switch (stp_metadata_name(name, "bin-n", &version)) {
	case STP_NAME_ROOT:
	case STP_NAME_TARGETS:
	case STP_NAME_BINS:
		return 1;
	default:
		return 0;
	}
}

static int read_files(const json_t *list, struct stp_rotation *rotation)
{
	size_t i;

	if (!json_is_array(list) || json_array_size(list) < 1 ||
	    json_array_size(list) > STP_ROTATION_FILES_MAX)
		return 0;
	for (i = 0; i < json_array_size(list); i++) {
		const json_t *value = json_array_get(list, i);
		const json_t *hex = json_object_get(value, "sha256");
		struct stp_rotation_file *file = &rotation->files[i];

		if (json_object_size(value) != 2 ||
		    !read_text(json_object_get(value, "name"), file->name, sizeof(file->name)) ||
		    !is_role_file(file->name) || json_string_length(hex) != 64 ||
		    !stp_hex_decode(json_string_value(hex), 32, file->sha256, 0))
			return 0;
	}
	rotation->file_count = json_array_size(list);
	return 1;
}

static int read_phase(const json_t *document, struct stp_rotation *rotation)
{
	const json_t *until = json_object_get(document, "until");
	const char *name = json_string_value(json_object_get(document, "phase"));
	size_t phase;

	for (phase = STP_ROTATION_STAGED; phase < PHASE_COUNT; phase++)
		if (name && strcmp(phase_names[phase], name) == 0)
			break;
	if (phase == PHASE_COUNT)
		return 0;
	rotation->phase = (enum stp_rotation_phase)phase;
	if (phase == STP_ROTATION_STAGED)
		return json_is_null(until);
	return read_time(until, &rotation->until);
}

static int read_document(const json_t *document, struct stp_rotation *rotation)
{
	const json_t *overlap = json_object_get(document, "overlap_seconds");

	rotation->is_stolen = json_is_true(json_object_get(document, "stolen"));
	if (json_object_size(document) != (rotation->is_stolen ? 8 : 7) ||
	    json_integer_value(json_object_get(document, "format")) != 1 ||
	    !read_phase(document, rotation) ||
	    !read_time(json_object_get(document, "started"), &rotation->started) ||
	    !json_is_integer(overlap) || json_integer_value(overlap) < 0 ||
	    json_integer_value(overlap) > STP_EXPIRY_SECONDS_MAX)
		return 0;
	rotation->overlap_seconds = json_integer_value(overlap);
	return read_roles(json_object_get(document, "roles"), rotation) &&
	       read_files(json_object_get(document, "staged"), rotation);
}

/* Takes "seal" out of document and compares it; 0: it is not that of seal_key. */
static int check_seal(json_t *document, const uint8_t *seal_key, int *out_form_good)
{
	char said[2 * SEAL_BYTES + 1];
	char right[2 * SEAL_BYTES + 1];

	*out_form_good = read_text(json_object_get(document, "seal"), said, sizeof(said)) &&
	                 strlen(said) == 2 * SEAL_BYTES;
	json_object_del(document, "seal");
	if (!*out_form_good || !seal_key)
		return 1;
	return seal_of(document, seal_key, right) && sodium_memcmp(said, right, sizeof(said)) == 0;
}

enum stp_errc stp_rotation_parse(const char *text, size_t text_bytes, const uint8_t *seal_key,
                                 struct stp_rotation *out_rotation, struct stp_err *err)
{
	json_t *document = json_loadb(text, text_bytes, JSON_REJECT_DUPLICATES, NULL);
	struct stp_rotation rotation;
	int good = 0;
	int sealed;

	memset(&rotation, 0, sizeof(rotation));
	if (!json_is_object(document)) {
		json_decref(document);
		return damaged(err);
	}
	sealed = check_seal(document, seal_key, &good);
	good = good && read_document(document, &rotation);
	json_decref(document);
	if (!sealed)
		return STP_FAIL(err, STP_REFUSED, STAGE, NAME,
		                "its seal does not match keys/ledger.key: it was edited, or the "
		                "key was replaced; " REMEDY);
	if (!good)
		return damaged(err);
	*out_rotation = rotation;
	return STP_OK;
}

enum stp_errc stp_rotation_load(int state_fd, const uint8_t *seal_key,
                                struct stp_rotation *out_rotation, struct stp_err *err)
{
	struct stp_buf text = STP_BUF_INIT;
	enum stp_errc code;

	memset(out_rotation, 0, sizeof(*out_rotation));
	if (state_fd < 0 || !stp_file_exists(state_fd, STP_ROTATION_FILE))
		return STP_OK;
	if (!seal_key && faccessat(state_fd, STP_ROTATION_FILE, R_OK, AT_EACCESS) != 0)
		return STP_OK;
	code = stp_file_read(state_fd, STP_ROTATION_FILE, TEXT_BYTES_MAX, STAGE, &text, err);
	if (code == STP_OK)
		code = stp_rotation_parse((const char *)text.data, text.count, seal_key,
		                          out_rotation, err);
	stp_buf_release(&text);
	return code;
}

enum stp_errc stp_rotation_check_free(const struct stp_rotation *rotation, int with_overlap,
                                      const char *what, struct stp_err *err)
{
	char until[STP_TIME_BYTES + 1];

	if (rotation->phase == STP_ROTATION_STAGED)
		return STP_FAIL(stp_hinted(err, STP_HINT_SIGN), STP_CONFIG, STAGE, NAME,
		                "a rotation of online keys is staged, which %s would overtake; "
		                "publish it first: %s",
		                what, stp_hint_text(STP_HINT_SIGN));
	if (rotation->phase != STP_ROTATION_OVERLAP || !with_overlap)
		return STP_OK;
	stp_time_format(rotation->until, until);
	return STP_FAIL(stp_hinted(err, STP_HINT_SIGN), STP_CONFIG, STAGE, NAME,
	                "a rotation of online keys is under way until %s, and %s has to wait for "
	                "its end; sign after that time: %s",
	                until, what, stp_hint_text(STP_HINT_SIGN));
}

const char *stp_rotation_signer(const struct stp_rotation *rotation,
                                const struct stp_config *config, enum stp_online_role role)
{
	return rotation->phase == STP_ROTATION_OVERLAP && rotation->roles[role].is_rotated
	           ? rotation->roles[role].next.uri
	           : stp_config_signer(config, role);
}

static void add_keyid(struct stp_rotation_keys *keys, const char *keyid)
{
	struct stp_public_key *key = &keys->keys[keys->role.key_count];

	memcpy(key->keyid, keyid, STP_KEYID_CHARS + 1);
	keys->pointers[keys->role.key_count++] = key;
}

void stp_rotation_keys(const struct stp_rotation *rotation, struct stp_rotation_keys *out_keys)
{
	size_t role;

	memset(out_keys, 0, sizeof(*out_keys));
	out_keys->role.keys = out_keys->pointers;
	for (role = 0; role < STP_ONLINE_ROLES; role++)
		if (role != STP_ONLINE_BIN_N && rotation->roles[role].is_rotated) {
			add_keyid(out_keys, rotation->roles[role].former.keyid);
			add_keyid(out_keys, rotation->roles[role].next.keyid);
		}
}

/* ------------------------------------------------------------------ staging */

/* Writes one document to state/staged/, and its name and digest to rotation. */
static enum stp_errc stage_one(int folder_fd, const struct stp_rotation_document *document,
                               struct stp_rotation *rotation, struct stp_err *err)
{
	struct stp_rotation_file *file = &rotation->files[rotation->file_count++];

	STP_ASSERT(rotation->file_count <= STP_ROTATION_FILES_MAX && is_role_file(document->name));
	snprintf(file->name, sizeof(file->name), "%s", document->name);
	stp_hash_one(STP_ALG_SHA256, document->bytes, document->count, file->sha256);
	return stp_file_write(folder_fd, document->name, document->bytes, document->count,
	                      STP_MODE_PRIVATE_FILE, STP_FILE_REPLACE, "stage", err);
}

/* Opens state/staged, which is made when it is not there. */
static enum stp_errc open_staged(const struct stp_repo *repo, int *out_fd, struct stp_err *err)
{
	return stp_folder_make(repo->state_fd, STP_ROTATION_FOLDER, STP_MODE_PRIVATE_FOLDER, STAGE,
	                       out_fd, err);
}

enum stp_errc stp_rotation_stage(const struct stp_repo *repo, const uint8_t *seal_key,
                                 struct stp_rotation *rotation,
                                 const struct stp_rotation_document *documents, size_t count,
                                 struct stp_err *err)
{
	struct stp_rotation before;
	enum stp_errc code = STP_OK;
	size_t i;
	int fd;

	STP_TRY(stp_rotation_load(repo->state_fd, seal_key, &before, err));
	if (!rotation->is_stolen)
		STP_TRY(stp_rotation_check_free(&before, 1, "another rotation", err));
	rotation->file_count = 0;
	rotation->until = 0;
	STP_TRY(open_staged(repo, &fd, err));
	for (i = 0; i < count && code == STP_OK; i++)
		code = stage_one(fd, &documents[i], rotation, err);
	close(fd);
	STP_TRY(code);
	STP_TRY(stp_fd_sync(repo->state_fd, STAGE, "state", err));
	rotation->phase = STP_ROTATION_STAGED;
	return stp_rotation_save(repo->state_fd, seal_key, rotation, err);
}

/* ------------------------------------------------------------------ publishing */

static int is_root(const struct stp_rotation_file *file)
{
	uint64_t version;

	return stp_metadata_name(file->name, "bin-n", &version) == STP_NAME_ROOT;
}

const struct stp_rotation_file *stp_rotation_root(const struct stp_rotation *rotation)
{
	size_t i;

	for (i = 0; i < rotation->file_count; i++)
		if (is_root(&rotation->files[i]))
			return &rotation->files[i];
	return NULL;
}

static int has_digest(const struct stp_buf *bytes, const uint8_t sha256[32])
{
	uint8_t found[32];

	stp_hash_one(STP_ALG_SHA256, bytes->data, bytes->count, found);
	return memcmp(found, sha256, sizeof(found)) == 0;
}

/* Whether file is in public/metadata. */
static enum stp_errc is_public(const struct stp_repo *repo, const struct stp_rotation_file *file,
                               int *out_is_public, struct stp_err *err)
{
	struct stp_buf bytes = STP_BUF_INIT;
	int same;

	*out_is_public = stp_file_exists(repo->metadata_fd, file->name);
	if (!*out_is_public)
		return STP_OK;
	STP_TRY(stp_file_read(repo->metadata_fd, file->name, STP_TARGETS_BYTES_MAX, STAGE, &bytes,
	                      err));
	same = has_digest(&bytes, file->sha256);
	stp_buf_release(&bytes);
	if (!same)
		return STP_FAIL(err, STP_REFUSED, STAGE, file->name,
		                "is in public/metadata, but is not the one that the rotation has "
		                "staged: something else made it since; find out what. To give the "
		                "rotation up, remove " NAME " and sign, then rotate again");
	return STP_OK;
}

enum stp_errc stp_rotation_is_public(const struct stp_repo *repo,
                                     const struct stp_rotation *rotation, int *out_is_public,
                                     struct stp_err *err)
{
	const struct stp_rotation_file *root = stp_rotation_root(rotation);

	*out_is_public = 0;
	return root ? is_public(repo, root, out_is_public, err) : STP_OK;
}

/* Reads a staged document, which must be the one that was staged. */
static enum stp_errc read_staged(const struct stp_repo *repo, const struct stp_rotation_file *file,
                                 struct stp_buf *bytes, struct stp_err *err)
{
	enum stp_errc code;
	int fd;

	STP_TRY(open_staged(repo, &fd, err));
	code = stp_file_read(fd, file->name, STP_TARGETS_BYTES_MAX, STAGE, bytes, err);
	close(fd);
	STP_TRY(code);
	if (!has_digest(bytes, file->sha256))
		return STP_FAIL(err, STP_REFUSED, STAGE, file->name,
		                "in state/" STP_ROTATION_FOLDER
		                " is not the document that was staged; restore state/ from a "
		                "backup, or remove " NAME " and rotate again");
	return STP_OK;
}

/* stage names the fault points. */
static enum stp_errc publish(const struct stp_repo *repo, const struct stp_rotation_file *file,
                             const char *stage, struct stp_err *err)
{
	struct stp_buf bytes = STP_BUF_INIT;
	enum stp_errc code;
	int there;

	STP_TRY(is_public(repo, file, &there, err));
	if (there)
		return STP_OK;
	code = read_staged(repo, file, &bytes, err);
	if (code == STP_OK)
		code = stp_file_write(repo->metadata_fd, file->name, bytes.data, bytes.count,
		                      STP_MODE_PUBLIC_FILE, STP_FILE_NEW, stage, err);
	stp_buf_release(&bytes);
	return code;
}

enum stp_errc stp_rotation_publish_delegation(const struct stp_repo *repo,
                                              const struct stp_rotation *rotation,
                                              struct stp_err *err)
{
	size_t i;

	for (i = 0; i < rotation->file_count; i++)
		if (!is_root(&rotation->files[i]))
			STP_TRY(publish(repo, &rotation->files[i], "delegation", err));
	return STP_OK;
}

enum stp_errc stp_rotation_publish_root(const struct stp_repo *repo,
                                        const struct stp_rotation *rotation,
                                        struct stp_pin *out_pin, struct stp_err *err)
{
	const struct stp_rotation_file *root = stp_rotation_root(rotation);

	memset(out_pin, 0, sizeof(*out_pin));
	if (!root)
		return STP_OK;
	STP_TRY(publish(repo, root, "root", err));
	stp_metadata_name(root->name, "bin-n", &out_pin->version);
	memcpy(out_pin->sha256, root->sha256, sizeof(out_pin->sha256));
	return STP_OK;
}

/* What is published is not needed in state/ any more; what cannot be removed does no harm. */
static void remove_staged(const struct stp_repo *repo, const struct stp_rotation *rotation)
{
	struct stp_err ignored = STP_ERR_INIT;
	size_t i;
	int fd;

	if (open_staged(repo, &fd, &ignored) != STP_OK)
		return;
	for (i = 0; i < rotation->file_count; i++)
		unlinkat(fd, rotation->files[i].name, 0);
	close(fd);
	unlinkat(repo->state_fd, STP_ROTATION_FOLDER, AT_REMOVEDIR);
}

enum stp_errc stp_rotation_begin_overlap(const struct stp_repo *repo, const uint8_t *seal_key,
                                         struct stp_rotation *rotation, int64_t now,
                                         struct stp_err *err)
{
	/* Without a new root there is nothing that a cache could keep from clients. */
	rotation->until = now + (stp_rotation_root(rotation) ? rotation->overlap_seconds : 0);
	rotation->phase = STP_ROTATION_OVERLAP;
	STP_TRY(stp_rotation_save(repo->state_fd, seal_key, rotation, err));
	remove_staged(repo, rotation);
	return STP_OK;
}
