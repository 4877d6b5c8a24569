/* SPDX-License-Identifier: Apache-2.0 */
#include "run/rotate/hunt.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/text.h"
#include "run/rotate/forged.h"
#include "verify/document.h"

#define STAGE "hunt"
/* Folders below a mirror's that are entered. */
#define DEPTH_MAX 16
/* Forgeries that are kept; the rest are counted. */
#define FORGERIES_MAX 100000

void stp_hunt_init(struct stp_hunt *hunt, const struct stp_hunt_options *options)
{
	memset(hunt, 0, sizeof(*hunt));
	hunt->options = *options;
	if (!hunt->options.file_bytes_max)
		hunt->options.file_bytes_max = STP_TARGETS_BYTES_MAX;
	stp_arena_init(&hunt->arena, 0);
}

void stp_hunt_release(struct stp_hunt *hunt)
{
	stp_half_release(&hunt->half);
	stp_arena_release(&hunt->arena);
	free(hunt->forgeries);
	free(hunt->unjudged);
	memset(hunt, 0, sizeof(*hunt));
}

/* ---------------------------------------------------------------- one file */

/* A file that is being judged. */
struct suspect {
	struct stp_hunt *hunt;
	const char *folder, *name; /* name: from folder on */
	int is_public;
	const struct stp_buf *file;
	char role[STP_NAME_BYTES_MAX + 1];
	uint64_t version;
	int64_t expires;
	const uint8_t *body;
	size_t body_bytes;
	const struct stp_bin_file *bin; /* of targets in canonical form; else NULL */
	int is_signed;                  /* by one of the stolen keys */
	int is_forged;
};

static enum stp_errc no_memory(const char *name, struct stp_err *err)
{
	return STP_FAIL_ERRNO(err, ENOMEM, STAGE, name, "no memory for the report");
}

/* Notes a file that cannot be judged. */
static enum stp_errc add_unjudged(struct stp_hunt *hunt, const char *folder, const char *name,
                                  const char *text, struct stp_err *err)
{
	struct stp_unjudged item = {.folder = folder};

	hunt->report.unjudged_total++;
	if (hunt->report.unjudged_count >= STP_STOLEN_SHOWN)
		return STP_OK;
	item.file = stp_arena_copy(&hunt->arena, name, strlen(name));
	item.text = stp_arena_copy(&hunt->arena, text, strlen(text));
	if (!item.file || !item.text ||
	    !STP_ARRAY_RESERVE(hunt->unjudged, hunt->unjudged_capacity,
	                       hunt->report.unjudged_count + 1))
		return no_memory(name, err);
	hunt->unjudged[hunt->report.unjudged_count++] = item;
	return STP_OK;
}

static enum stp_errc add_forgery(struct suspect *suspect, enum stp_forgery_kind kind,
                                 struct stp_err *err)
{
	struct stp_hunt *hunt = suspect->hunt;
	struct stp_hunt_report *report = &hunt->report;
	struct stp_forgery forgery = {
	    .kind = kind,
	    .folder = suspect->folder,
	    .version = suspect->version,
	    .expires = suspect->expires,
	    .is_public = suspect->is_public,
	};
	struct stp_forged_in in = {
	    .good = hunt->options.good,
	    .half = &hunt->half,
	    .arena = &hunt->arena,
	    .kept_max = STP_STOLEN_SHOWN - hunt->targets_kept,
	};

	if (suspect->is_forged) /* by another of the keys too */
		return STP_OK;
	suspect->is_forged = 1;
	report->forgery_total++;
	if (suspect->version > report->version_max)
		report->version_max = suspect->version;
	if (suspect->expires > report->expires_max)
		report->expires_max = suspect->expires;
	if (report->forgery_count >= FORGERIES_MAX)
		return STP_OK;
	forgery.file = stp_arena_copy(&hunt->arena, suspect->name, strlen(suspect->name));
	forgery.role = stp_arena_copy(&hunt->arena, suspect->role, strlen(suspect->role));
	if (!forgery.file || !forgery.role ||
	    !STP_ARRAY_RESERVE(hunt->forgeries, hunt->forgery_capacity, report->forgery_count + 1))
		return no_memory(suspect->name, err);
	if (suspect->bin && hunt->options.good)
		STP_TRY(stp_forged_compare(&in, suspect->bin, &forgery, err));
	hunt->targets_kept += forgery.target_count;
	hunt->forgeries[report->forgery_count++] = forgery;
	return STP_OK;
}

/* Judges one signature of the suspect by key. */
static enum stp_errc judge_signature(struct suspect *suspect, const struct stp_public_key *key,
                                     const char *hex, size_t hex_chars, struct stp_err *err)
{
	struct stp_hunt *hunt = suspect->hunt;
	uint8_t sig[STP_SIGNATURE_BYTES_MAX];
	struct stp_audit_line line = {
	    .role = suspect->role,
	    .role_bytes = strlen(suspect->role),
	    .version = suspect->version,
	};
	enum stp_audit_answer answer;

	suspect->is_signed = 1;
	if (hex_chars % 2 || hex_chars / 2 < key->scheme->signature_bytes_min ||
	    hex_chars / 2 > sizeof(sig) || !stp_hex_decode(hex, hex_chars / 2, sig, 1)) {
		hunt->report.bad++;
		return STP_OK;
	}
	stp_signature_covered(key, suspect->body, suspect->body_bytes, sig, line.covered);
	answer = hunt->options.is_known(hunt->options.is_known_ctx, &line, suspect->name,
	                                suspect->file, suspect->is_public);
	if (answer == STP_AUDIT_RECORDED)
		return STP_OK;
	if (stp_signature_check_bytes(key, suspect->body, suspect->body_bytes, sig, hex_chars / 2,
	                              STP_LIBRARIES_ONE) != STP_SIGNATURE_GOOD) {
		hunt->report.bad++;
		return STP_OK;
	}
	return add_forgery(
	    suspect, answer == STP_AUDIT_UNKNOWN ? STP_FORGERY_UNRECORDED : STP_FORGERY_RENAMED,
	    err);
}

/* Judges a signature under that keyid, if it is that of a stolen key. */
static enum stp_errc judge_keyid(struct suspect *suspect, const char *keyid, size_t keyid_chars,
                                 const char *hex, size_t hex_chars, struct stp_err *err)
{
	const struct stp_hunt_options *options = &suspect->hunt->options;
	size_t i;

	for (i = 0; i < options->key_count; i++)
		if (keyid_chars == STP_KEYID_CHARS &&
		    memcmp(keyid, options->keys[i]->keyid, STP_KEYID_CHARS) == 0)
			STP_TRY(judge_signature(suspect, options->keys[i], hex, hex_chars, err));
	return STP_OK;
}

static void count_suspect(const struct suspect *suspect)
{
	struct stp_hunt_report *report = &suspect->hunt->report;

	if (!suspect->is_signed)
		report->unsigned_++;
	else if (!suspect->is_forged)
		report->ours++;
}

/* The role that a file of delegated targets is for: its name without version and ".json". */
static void role_of_name(const char *name, char out[STP_NAME_BYTES_MAX + 1])
{
	const char *base = strrchr(name, '/') ? strrchr(name, '/') + 1 : name;
	size_t digits = strspn(base, "0123456789");
	const char *role = digits && base[digits] == '.' ? base + digits + 1 : base;
	size_t count = strlen(role) - strlen(".json");

	if (strlen(role) < strlen(".json"))
		count = 0;
	memcpy(out, role, count);
	out[count] = '\0';
}

static enum stp_errc judge_bin(struct suspect *suspect, const struct stp_bin_file *bin,
                               struct stp_err *err)
{
	struct stp_err ignored = STP_ERR_INIT;
	size_t i;

	role_of_name(suspect->name, suspect->role);
	suspect->bin = bin;
	suspect->version = bin->version;
	suspect->body = (const uint8_t *)bin->body;
	suspect->body_bytes = bin->body_bytes;
	if (stp_time_parse(bin->expires, bin->expires_chars, &suspect->expires, &ignored) != STP_OK)
		suspect->expires = 0;
	for (i = 0; i < bin->signature_count; i++) {
		const struct stp_bin_signature *signature = &bin->signatures[i];

		STP_TRY(judge_keyid(suspect, signature->keyid, signature->keyid_chars,
		                    signature->sig, signature->sig_chars, err));
	}
	count_suspect(suspect);
	return STP_OK;
}

/* Judges a document whose envelope and canonical form could be read. */
static enum stp_errc judge_document(struct suspect *suspect, const struct stp_document *doc,
                                    struct stp_err *err)
{
	const char *type = json_string_value(json_object_get(doc->body_json, "_type"));
	json_t *signature;
	size_t i;

	if (type && strcmp(type, "targets") != 0)
		snprintf(suspect->role, sizeof(suspect->role), "%s", type);
	else
		role_of_name(suspect->name, suspect->role);
	suspect->version = doc->version;
	suspect->expires = doc->expires;
	suspect->body = doc->body.data;
	suspect->body_bytes = doc->body.count;
	json_array_foreach(doc->signatures, i, signature)
	{
		json_t *keyid = json_object_get(signature, "keyid");
		json_t *sig = json_object_get(signature, "sig");

		if (json_is_string(keyid) && json_is_string(sig))
			STP_TRY(judge_keyid(suspect, json_string_value(keyid),
			                    json_string_length(keyid), json_string_value(sig),
			                    json_string_length(sig), err));
	}
	count_suspect(suspect);
	return STP_OK;
}

/* Judges what is not a bin in canonical form, with a full parser. */
static enum stp_errc judge_json(struct suspect *suspect, struct stp_buf *file, struct stp_err *err)
{
	struct stp_buf copy = STP_BUF_INIT;
	struct stp_finding_list findings;
	struct stp_document doc;
	enum stp_errc code;
	int usable;

	STP_TRY(stp_buf_append(&copy, file->data, file->count, err));
	STP_TRY(stp_buf_append(&copy, "", 1, err));
	copy.count--;
	stp_finding_list_init(&findings);
	code = stp_document_parse(&doc, &copy, suspect->name, &stp_rule_targets, &findings, &usable,
	                          err);
	if (code == STP_OK && usable)
		code = judge_document(suspect, &doc, err);
	else if (code == STP_OK && json_is_object(doc.root) &&
	         !json_object_get(doc.root, "signed") && !json_object_get(doc.root, "signatures"))
		suspect->hunt->report.other++;
	else if (code == STP_OK)
		code =
		    add_unjudged(suspect->hunt, suspect->folder, suspect->name,
		                 findings.count ? findings.items[0].text : "is not signed metadata",
		                 err);
	stp_document_release(&doc);
	stp_finding_list_release(&findings);
	return code;
}

static enum stp_errc judge(struct suspect *suspect, struct stp_buf *file, struct stp_err *err)
{
	struct stp_bin_file bin;
	enum stp_bin_file_state state;
	enum stp_errc code;

	stp_bin_file_init(&bin);
	state = stp_bin_file_parse(&bin, file->data, file->count);
	if (state == STP_BIN_FILE_NO_MEMORY)
		code = no_memory(suspect->name, err);
	else if (state == STP_BIN_FILE_OK)
		code = judge_bin(suspect, &bin, err);
	else
		code = judge_json(suspect, file, err);
	stp_bin_file_release(&bin);
	return code;
}

/* ---------------------------------------------------------------- folders */

struct names {
	char **items;
	size_t count, capacity;
};

static enum stp_errc note_name(void *ctx, int folder_fd, const char *name, struct stp_err *err)
{
	struct names *names = ctx;

	(void)folder_fd;
	if (!STP_ARRAY_RESERVE(names->items, names->capacity, names->count + 1))
		return no_memory(name, err);
	names->items[names->count] = strdup(name);
	if (!names->items[names->count])
		return no_memory(name, err);
	names->count++;
	return STP_OK;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void names_release(struct names *names)
{
	while (names->count)
		free(names->items[--names->count]);
	free(names->items);
}

/* A folder that is hunted in: prefix is its path below that of the caller, "" or "a/b/". */
struct place {
	struct stp_hunt *hunt;
	const char *path;
	const char *prefix;
	int is_public;
	unsigned depth;
};

static enum stp_errc hunt_below(const struct place *place, int folder_fd, struct stp_err *err);

static int is_json(const char *name)
{
	size_t count = strlen(name);

	return count > 5 && strcasecmp(name + count - 5, ".json") == 0;
}

static enum stp_errc judge_file(const struct place *place, int folder_fd, const char *name,
                                const char *whole, struct stp_err *err)
{
	struct stp_hunt *hunt = place->hunt;
	struct suspect suspect = {
	    .hunt = hunt, .folder = place->path, .name = whole, .is_public = place->is_public};
	struct stp_buf file = STP_BUF_INIT;
	struct stp_err why = STP_ERR_INIT;
	enum stp_errc code =
	    stp_file_read(folder_fd, name, hunt->options.file_bytes_max, STAGE, &file, &why);

	if (code != STP_OK && why.sys_errno == ENOENT) /* removed meanwhile */
		return STP_OK;
	if (code != STP_OK && why.sys_errno == ENOMEM) {
		stp_err_merge(err, &why);
		return code;
	}
	if (code != STP_OK)
		return add_unjudged(hunt, place->path, whole, why.text, err);
	hunt->report.files++;
	stp_progress_add(hunt->options.progress, 1, file.count);
	suspect.file = &file;
	code = judge(&suspect, &file, err);
	stp_buf_release(&file);
	return code;
}

/* Enters a folder below; one that cannot be opened is reported. */
static enum stp_errc enter(const struct place *place, int folder_fd, const char *name,
                           const char *whole, struct stp_err *err)
{
	struct place below = *place;
	char prefix[4096];
	enum stp_errc code;
	int fd;

	if (place->depth >= DEPTH_MAX ||
	    snprintf(prefix, sizeof(prefix), "%s/", whole) >= (int)sizeof(prefix))
		return add_unjudged(place->hunt, place->path, whole,
		                    "is a folder too deep to look into", err);
	fd = openat(folder_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return add_unjudged(place->hunt, place->path, whole,
		                    "is a folder that cannot be opened", err);
	below.prefix = prefix;
	below.depth++;
	code = hunt_below(&below, fd, err);
	close(fd);
	return code;
}

static enum stp_errc look_at(const struct place *place, int folder_fd, const char *name,
                             struct stp_err *err)
{
	char whole[4096];
	struct stat st;

	if (stp_cancelled(place->hunt->options.cancel))
		return STP_FAIL(err, STP_CANCELLED, STAGE, NULL, "stopped");
	if (snprintf(whole, sizeof(whole), "%s%s", place->prefix, name) >= (int)sizeof(whole))
		return add_unjudged(place->hunt, place->path, place->prefix,
		                    "holds names that are too long", err);
	if (fstatat(folder_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode))
		return place->is_public ? STP_OK : enter(place, folder_fd, name, whole, err);
	if (!is_json(name))
		return STP_OK;
	return judge_file(place, folder_fd, name, whole, err);
}

static enum stp_errc hunt_below(const struct place *place, int folder_fd, struct stp_err *err)
{
	struct names names = {NULL, 0, 0};
	enum stp_errc code = stp_folder_each(folder_fd, STAGE, place->path, note_name, &names, err);

	if (names.count)
		qsort(names.items, names.count, sizeof(*names.items), by_name);
	for (size_t i = 0; i < names.count && code == STP_OK; i++)
		code = look_at(place, folder_fd, names.items[i], err);
	names_release(&names);
	return code;
}

enum stp_errc stp_hunt_folder(struct stp_hunt *hunt, int folder_fd, const char *path, int is_public,
                              struct stp_err *err)
{
	struct place place = {.hunt = hunt, .path = path, .prefix = "", .is_public = is_public};

	return hunt_below(&place, folder_fd, err);
}

enum stp_errc stp_hunt_path(struct stp_hunt *hunt, const char *path, struct stp_err *err)
{
	struct stp_err why = STP_ERR_INIT;
	enum stp_errc code;
	int fd;

	if (stp_folder_open(AT_FDCWD, path, STAGE, &fd, &why) != STP_OK)
		return STP_FAIL(err, STP_CONFIG, STAGE, path,
		                "%s; name a folder with copies of metadata", why.text);
	code = stp_hunt_folder(hunt, fd, path, 0, err);
	close(fd);
	return code;
}

void stp_hunt_finish(struct stp_hunt *hunt)
{
	hunt->report.forgeries = hunt->forgeries;
	hunt->report.unjudged = hunt->unjudged;
}
