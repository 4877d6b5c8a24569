/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The calls of stampede/key.h.
 */
#include "stampede/key.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/options.h"
#include "run/key/source.h"

#define STAGE      "keys"
#define PEM_SUFFIX ".pem"

/* "FOLDER/NAME" taken apart, and the names of its two files. */
struct place {
	char folder[STP_KEY_REPORT_PATH_BYTES];
	char name[STP_KEY_NAME_BYTES_MAX + 1];
	char pem[STP_KEY_NAME_BYTES_MAX + sizeof(PEM_SUFFIX)];
	char json[STP_KEY_NAME_BYTES_MAX + sizeof(STP_KEY_JSON_SUFFIX)];
};

static int ends_with(const char *text, const char *ending)
{
	size_t count = strlen(text), bytes = strlen(ending);

	return count >= bytes && strcmp(text + count - bytes, ending) == 0;
}

static enum stp_errc take_name(struct place *place, const char *name, const char *path,
                               struct stp_err *err)
{
	const char *problem = stp_key_name_problem(name);

	if (!problem && (ends_with(name, PEM_SUFFIX) || ends_with(name, STP_KEY_JSON_SUFFIX)))
		problem = "give the name without its ending";
	if (problem)
		return STP_FAIL(err, STP_CONFIG, STAGE, path, "%s", problem);
	snprintf(place->name, sizeof(place->name), "%s", name);
	snprintf(place->pem, sizeof(place->pem), "%s" PEM_SUFFIX, name);
	snprintf(place->json, sizeof(place->json), "%s" STP_KEY_JSON_SUFFIX, name);
	return STP_OK;
}

static enum stp_errc take_folder(struct place *place, const char *folder, size_t bytes,
                                 struct stp_err *err)
{
	/* The name, its ending and a slash follow it in paths. */
	if (bytes + sizeof(place->json) + 1 > sizeof(place->folder))
		return STP_FAIL(err, STP_CONFIG, STAGE, folder, "the path is too long");
	memcpy(place->folder, folder, bytes);
	place->folder[bytes] = '\0';
	return STP_OK;
}

/* folder with name, as callers read it. */
static void set_path(char out[STP_KEY_REPORT_PATH_BYTES], const struct place *place,
                     const char *name)
{
	const char *slash = ends_with(place->folder, "/") ? "" : "/";
	int count =
	    strcmp(place->folder, ".") == 0
	        ? snprintf(out, STP_KEY_REPORT_PATH_BYTES, "%s", name)
	        : snprintf(out, STP_KEY_REPORT_PATH_BYTES, "%s%s%s", place->folder, slash, name);

	STP_ASSERT(count > 0 && count < STP_KEY_REPORT_PATH_BYTES);
}

/* Refuses a file that is there already. */
static enum stp_errc check_free(int folder_fd, const struct place *place, const char *name,
                                struct stp_err *err)
{
	char path[STP_KEY_REPORT_PATH_BYTES];

	if (!stp_file_exists(folder_fd, name))
		return STP_OK;
	set_path(path, place, name);
	return STP_FAIL(err, STP_KEY, STAGE, path,
	                "already exists; key files are never overwritten: choose another name, or "
	                "remove it if nothing needs it");
}

/* Writes bytes as the description, and reads it back. */
static enum stp_errc write_description(int folder_fd, const struct place *place,
                                       const struct stp_buf *bytes, struct stp_key_source *source,
                                       struct stp_err *err)
{
	struct stp_buf again = STP_BUF_INIT;
	enum stp_errc code;

	STP_TRY(stp_file_write(folder_fd, place->json, bytes->data, bytes->count, 0644,
	                       STP_FILE_NEW, STAGE, err));
	code = stp_file_read(folder_fd, place->json, STP_KEY_FILE_BYTES_MAX, STAGE, &again, err);
	if (code == STP_OK)
		code = stp_key_description_parse(again.data, again.count, place->json,
		                                 &source->description, err);
	stp_buf_release(&again);
	source->has_description = code == STP_OK;
	return code;
}

void stp_key_report_release(struct stp_key_report *report)
{
	(void)report;
}

/* --- new ------------------------------------------------------------------------------------- */

static enum stp_errc split_path(struct place *place, const char *path, struct stp_err *err)
{
	const char *slash = strrchr(path, '/');

	if (slash)
		STP_TRY(take_folder(place, path, slash == path ? 1 : (size_t)(slash - path), err));
	else
		STP_TRY(take_folder(place, ".", 1, err));
	return take_name(place, slash ? slash + 1 : path, path, err);
}

struct phrase {
	const char *text;
	size_t bytes;
};

static long give(void *ctx, const char *subject, char out[STP_PASSPHRASE_BYTES_MAX])
{
	const struct phrase *phrase = ctx;

	(void)subject;
	memcpy(out, phrase->text, phrase->bytes);
	return (long)phrase->bytes;
}

/* A key that cannot be read again is worth nothing: now is the time to find out. */
static enum stp_errc read_back(const struct stp_key_new_options *options, const char *path,
                               struct stp_key_source *source, struct stp_err *err)
{
	struct phrase phrase = {options->passphrase, options->passphrase_bytes};
	const struct stp_passphrase_source passphrases = {give, &phrase};
	struct stp_secret_key *again;
	char uri[STP_KEY_REPORT_PATH_BYTES + 4];

	snprintf(uri, sizeof(uri), "pem:%s", path);
	STP_TRY(stp_secret_key_open(uri, &passphrases, &again, err));
	STP_ASSERT(strcmp(stp_secret_key_object(again)->keyid, source->object.keyid) == 0);
	stp_secret_key_destroy(source->secret);
	source->secret = again;
	return STP_OK;
}

/* The description is signed by the key as it was read back from its file. */
static enum stp_errc make_files(const struct stp_key_new_options *options, int folder_fd,
                                const struct place *place, const char *path,
                                struct stp_key_source *source, struct stp_err *err)
{
	struct stp_buf bytes = STP_BUF_INIT;
	enum stp_errc code;

	STP_TRY(stp_secret_key_save(source->secret, folder_fd, place->pem, options->passphrase,
	                            options->passphrase_bytes, err));
	code = read_back(options, path, source, err);
	if (code == STP_OK)
		code = stp_key_description_make(source->secret, place->name,
		                                options->holder ? options->holder : "",
		                                options->now, &bytes, err);
	if (code == STP_OK)
		code = write_description(folder_fd, place, &bytes, source, err);
	/* Nothing knows this key yet. */
	if (code != STP_OK && !stp_file_exists(folder_fd, place->json))
		unlinkat(folder_fd, place->pem, 0);
	stp_buf_release(&bytes);
	return code;
}

static enum stp_errc make_pair(const struct stp_key_new_options *options, int folder_fd,
                               const struct place *place, struct stp_key_report *report,
                               struct stp_err *err)
{
	static const enum stp_key_kind kinds[] = {STP_KEY_KIND_ED25519,
	                                          STP_KEY_KIND_ECDSA_P256_SHA256};
	struct stp_key_source source = {.secret = NULL};
	char path[STP_KEY_REPORT_PATH_BYTES];
	enum stp_errc code;

	set_path(path, place, place->pem);
	STP_TRY(check_free(folder_fd, place, place->pem, err));
	STP_TRY(check_free(folder_fd, place, place->json, err));
	STP_TRY(stp_secret_key_generate(kinds[options->type], &source.secret, err));
	source.object = *stp_secret_key_object(source.secret);
	code = make_files(options, folder_fd, place, path, &source, err);
	if (code == STP_OK) {
		stp_key_source_report(&source, report);
		set_path(report->secret_path, place, place->pem);
		set_path(report->description_path, place, place->json);
	}
	stp_key_source_release(&source);
	return code;
}

enum stp_errc stp_key_new(const struct stp_key_new_options *options,
                          struct stp_key_report *out_report, struct stp_err *err)
{
	struct stp_key_new_options mine;
	struct place place;
	const char *problem;
	enum stp_errc code;
	int folder_fd;

	memset(out_report, 0, sizeof(*out_report));
	STP_TRY(STP_OPTIONS_TAKE(&mine, options, now, STAGE, err));
	STP_TRY(stp_options_need(mine.path, "path", STAGE, err));
	mine.now = stp_options_now(mine.now, mine.has_now);
	STP_TRY(stp_now_check(mine.now, "now", err));
	if (mine.type != STP_KEY_TYPE_ED25519 && mine.type != STP_KEY_TYPE_P256)
		return STP_FAIL(err, STP_CONFIG, STAGE, "type", "is not a type of key");
	STP_TRY(split_path(&place, mine.path, err));
	problem = stp_key_holder_problem(mine.holder ? mine.holder : "");
	if (problem)
		return STP_FAIL(err, STP_CONFIG, STAGE, place.name, "%s", problem);
	STP_TRY(stp_folder_make(AT_FDCWD, place.folder, 0700, STAGE, &folder_fd, err));
	code = make_pair(&mine, folder_fd, &place, out_report, err);
	stp_fd_close(&folder_fd);
	return code;
}

/* --- show ------------------------------------------------------------------------------------ */

enum stp_errc stp_key_show(const struct stp_key_show_options *options,
                           struct stp_key_report *out_report, struct stp_err *err)
{
	struct stp_key_show_options mine;
	struct stp_key_source source;
	enum stp_errc code;

	memset(out_report, 0, sizeof(*out_report));
	STP_TRY(STP_OPTIONS_TAKE(&mine, options, passphrase_ctx, STAGE, err));
	STP_TRY(stp_options_need(mine.from, "from", STAGE, err));
	code = stp_key_source_read(&source, mine.from, mine.passphrase, mine.passphrase_ctx, err);
	if (code == STP_OK)
		stp_key_source_report(&source, out_report);
	stp_key_source_release(&source);
	return code;
}

/* --- import ---------------------------------------------------------------------------------- */

/* The name of the file at path without its ending. */
static void name_of_file(const char *path, char *out, size_t size)
{
	static const char *const endings[] = {
	    STP_KEY_JSON_SUFFIX, ".pub.pem", PEM_SUFFIX, ".pub", ".json", ".key"};
	const char *slash = strrchr(path, '/');
	const char *base = slash ? slash + 1 : path;
	size_t i;

	snprintf(out, size, "%s", base);
	for (i = 0; i < sizeof(endings) / sizeof(endings[0]); i++)
		if (ends_with(out, endings[i])) {
			out[strlen(out) - strlen(endings[i])] = '\0';
			return;
		}
}

static enum stp_errc describe(const struct stp_key_import_options *options,
                              const struct place *place, struct stp_key_source *source,
                              struct stp_err *err)
{
	const char *holder = options->holder ? options->holder : "";
	struct stp_buf bytes = STP_BUF_INIT;
	enum stp_errc code;
	int folder_fd;

	STP_TRY(stp_folder_open(AT_FDCWD, place->folder, STAGE, &folder_fd, err));
	code = check_free(folder_fd, place, place->json, err);
	if (code == STP_OK && source->secret)
		code = stp_key_description_make(source->secret, place->name, holder, options->now,
		                                &bytes, err);
	else if (code == STP_OK)
		code = stp_key_description_make_public(&source->object, place->name, holder,
		                                       options->now, &bytes, err);
	if (code == STP_OK)
		code = write_description(folder_fd, place, &bytes, source, err);
	stp_buf_release(&bytes);
	stp_fd_close(&folder_fd);
	return code;
}

static enum stp_errc import_from(const struct stp_key_import_options *options,
                                 struct stp_key_source *source, struct stp_key_report *report,
                                 struct stp_err *err)
{
	const char *out = options->out ? options->out : ".";
	char name[STP_NAME_BYTES_MAX + 1];
	struct place place;

	if (source->has_description)
		return STP_FAIL(err, STP_KEY, STAGE, options->from,
		                "is a description of a key already; use it as it is");
	if (!options->name)
		name_of_file(stp_key_source_path(options->from), name, sizeof(name));
	STP_TRY(take_name(&place, options->name ? options->name : name, options->from, err));
	STP_TRY(take_folder(&place, out, strlen(out), err));
	STP_TRY(describe(options, &place, source, err));
	stp_key_source_report(source, report);
	set_path(report->description_path, &place, place.json);
	return STP_OK;
}

enum stp_errc stp_key_import(const struct stp_key_import_options *options,
                             struct stp_key_report *out_report, struct stp_err *err)
{
	struct stp_key_import_options mine;
	struct stp_key_source source;
	enum stp_errc code;

	memset(out_report, 0, sizeof(*out_report));
	STP_TRY(STP_OPTIONS_TAKE(&mine, options, reserved, STAGE, err));
	STP_TRY(stp_options_need(mine.from, "from", STAGE, err));
	mine.now = stp_options_now(mine.now, mine.has_now);
	STP_TRY(stp_now_check(mine.now, "now", err));
	code = stp_key_source_read(&source, mine.from, mine.passphrase, mine.passphrase_ctx, err);
	if (code == STP_OK)
		code = import_from(&mine, &source, out_report, err);
	stp_key_source_release(&source);
	return code;
}
