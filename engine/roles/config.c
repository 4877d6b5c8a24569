/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads stampede.json. Fields that it leaves out have the values of the profile that it names. One
 * table holds the reader of each field, so that a misspelt field is an error.
 */
#include "roles/config.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/text.h"
#include "roles/words.h"

#define STAGE "config"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

struct reading {
	struct stp_config *config;
	struct stp_err *err;
};

/* Reads value, the member called field (a dotted name), into the configuration. */
typedef enum stp_errc field_fn(struct reading *reading, const char *field, const json_t *value);

#define REFUSE_FIELD(...) STP_FAIL(reading->err, STP_CONFIG, STAGE, STP_CONFIG_FILE, __VA_ARGS__)

/* Copies a JSON string without NUL bytes into the arena. */
static enum stp_errc get_string(struct reading *reading, const char *field, const json_t *value,
                                const char **out)
{
	const char *copy;

	if (!json_is_string(value) || strlen(json_string_value(value)) != json_string_length(value))
		return REFUSE_FIELD("\"%s\": must be text", field);
	copy = stp_arena_copy(&reading->config->arena, json_string_value(value),
	                      json_string_length(value));
	if (!copy)
		return STP_FAIL_ERRNO(reading->err, ENOMEM, STAGE, STP_CONFIG_FILE, "no memory");
	*out = copy;
	return STP_OK;
}

static enum stp_errc get_integer(struct reading *reading, const char *field, const json_t *value,
                                 int64_t low, int64_t high, int64_t *out)
{
	if (!json_is_integer(value) || json_integer_value(value) < low ||
	    json_integer_value(value) > high)
		return REFUSE_FIELD("\"%s\": must be a whole number from %lld to %lld", field,
		                    (long long)low, (long long)high);
	*out = json_integer_value(value);
	return STP_OK;
}

static enum stp_errc get_word(struct reading *reading, const char *field, const json_t *value,
                              const struct stp_words *words, int *out)
{
	int index = json_is_string(value) ? stp_words_find(words, json_string_value(value)) : -1;

	if (index < 0)
		return REFUSE_FIELD("\"%s\": must be one of \"%s\" … \"%s\"; see the manual", field,
		                    words->items[0], words->items[words->count - 1]);
	*out = index;
	return STP_OK;
}

static enum stp_errc get_globs(struct reading *reading, const char *field, const json_t *value,
                               struct stp_globs *out)
{
	struct stp_globs globs = {NULL, 0};
	size_t count;
	size_t i;

	if (!json_is_array(value) || json_array_size(value) > STP_GLOBS_MAX)
		return REFUSE_FIELD("\"%s\": must be a list of at most %d globs", field,
		                    STP_GLOBS_MAX);
	count = json_array_size(value);
	globs.items = stp_arena_alloc(&reading->config->arena, count * sizeof(*globs.items));
	if (!globs.items)
		return STP_FAIL_ERRNO(reading->err, ENOMEM, STAGE, STP_CONFIG_FILE, "no memory");
	for (i = 0; i < count; i++)
		STP_TRY(get_string(reading, field, json_array_get(value, i), &globs.items[i]));
	globs.count = count;
	*out = globs;
	return STP_OK;
}

static enum stp_errc get_flag(struct reading *reading, const char *field, const json_t *value,
                              int *out)
{
	if (!json_is_boolean(value))
		return REFUSE_FIELD("\"%s\": must be true or false", field);
	*out = json_is_true(value);
	return STP_OK;
}

struct field {
	const char *name;
	field_fn *read;
};

/* Reads every member of object by the table; a member that is not in it is refused. */
static enum stp_errc read_members(struct reading *reading, const char *within, const json_t *object,
                                  const struct field *fields, size_t count)
{
	const char *name;
	json_t *value;

	if (!json_is_object(object))
		return REFUSE_FIELD("\"%s\": must be an object", within);
	json_object_foreach((json_t *)(uintptr_t)object, name, value)
	{
		char dotted[128];
		size_t i;

		snprintf(dotted, sizeof(dotted), "%s%s%.60s", within, within[0] ? "." : "", name);
		for (i = 0; i < count; i++)
			if (strcmp(fields[i].name, name) == 0)
				break;
		if (i == count) {
			char shown[128];

			stp_text_escape(dotted, strlen(dotted), shown, sizeof(shown));
			return REFUSE_FIELD(
			    "\"%s\": is not a known field; correct the name or remove it", shown);
		}
		STP_TRY(fields[i].read(reading, dotted, value));
	}
	return STP_OK;
}

static enum stp_errc read_ignored(struct reading *reading, const char *field, const json_t *value)
{
	(void)reading;
	(void)field;
	(void)value;
	return STP_OK;
}

static enum stp_errc read_format(struct reading *reading, const char *field, const json_t *value)
{
	int64_t format = 0;

	return get_integer(reading, field, value, STP_CONFIG_FORMAT, STP_CONFIG_FORMAT, &format);
}

static enum stp_errc read_targets_dir(struct reading *reading, const char *field,
                                      const json_t *value)
{
	return get_string(reading, field, value, &reading->config->targets_dir);
}

static enum stp_errc read_hashes(struct reading *reading, const char *field, const json_t *value)
{
	unsigned set = 0;
	size_t i;

	if (!json_is_array(value))
		return REFUSE_FIELD("\"%s\": must be a list of names", field);
	for (i = 0; i < json_array_size(value); i++) {
		const json_t *item = json_array_get(value, i);
		int alg = json_is_string(item)
		              ? stp_alg_from_name(json_string_value(item), json_string_length(item))
		              : -1;

		if (alg < 0)
			return REFUSE_FIELD("\"%s\": item %zu is not sha256, sha512 or blake2b-256",
			                    field, i + 1);
		if (set & STP_ALG_BIT(alg))
			return REFUSE_FIELD("\"%s\": %s is listed twice", field,
			                    stp_alg_name((enum stp_alg)alg));
		set |= STP_ALG_BIT(alg);
	}
	reading->config->hash_set = set;
	return STP_OK;
}

static enum stp_errc read_bins(struct reading *reading, const char *field, const json_t *value)
{
	int64_t bins = 0;

	STP_TRY(get_integer(reading, field, value, 2, 1 << STP_BIN_BITS_MAX, &bins));
	if (bins & (bins - 1))
		return REFUSE_FIELD("\"%s\": %lld is not a power of two", field, (long long)bins);
	reading->config->bin_bits = (unsigned)__builtin_ctzll((unsigned long long)bins);
	return STP_OK;
}

static enum stp_errc read_bin_prefix(struct reading *reading, const char *field,
                                     const json_t *value)
{
	return get_string(reading, field, value, &reading->config->bin_prefix);
}

static enum stp_errc read_delegation(struct reading *reading, const char *field,
                                     const json_t *value)
{
	int index = 0;

	STP_TRY(get_word(reading, field, value, &stp_words_delegation, &index));
	reading->config->delegation = (enum stp_delegation)index;
	return STP_OK;
}

static enum stp_errc read_bins_role(struct reading *reading, const char *field, const json_t *value)
{
	struct stp_config *config = reading->config;

	STP_TRY(get_flag(reading, field, value, &config->has_bins_role));
	if (!config->has_bins_role)
		config->bins_threshold = config->bins_key_count = 0;
	return STP_OK;
}

static enum stp_errc read_threshold(struct reading *reading, const char *field, const json_t *value,
                                    unsigned *out_threshold, unsigned *out_keys)
{
	int64_t threshold = 0;
	int64_t keys = 0;

	if (!json_is_object(value) || json_object_size(value) != 2)
		return REFUSE_FIELD("\"%s\": must be {\"threshold\": T, \"keys\": N}", field);
	STP_TRY(get_integer(reading, field, json_object_get(value, "threshold"), 1,
	                    STP_ROLE_KEYS_MAX, &threshold));
	STP_TRY(get_integer(reading, field, json_object_get(value, "keys"), 1, STP_ROLE_KEYS_MAX,
	                    &keys));
	*out_threshold = (unsigned)threshold;
	*out_keys = (unsigned)keys;
	return STP_OK;
}

static enum stp_errc read_threshold_root(struct reading *reading, const char *field,
                                         const json_t *value)
{
	return read_threshold(reading, field, value, &reading->config->root_threshold,
	                      &reading->config->root_key_count);
}

static enum stp_errc read_threshold_targets(struct reading *reading, const char *field,
                                            const json_t *value)
{
	return read_threshold(reading, field, value, &reading->config->targets_threshold,
	                      &reading->config->targets_key_count);
}

static enum stp_errc read_threshold_bins(struct reading *reading, const char *field,
                                         const json_t *value)
{
	return read_threshold(reading, field, value, &reading->config->bins_threshold,
	                      &reading->config->bins_key_count);
}

static enum stp_errc read_thresholds(struct reading *reading, const char *field,
                                     const json_t *value)
{
	static const struct field fields[] = {
	    {"root", read_threshold_root},
	    {"targets", read_threshold_targets},
	    {"bins", read_threshold_bins},
	};

	return read_members(reading, field, value, fields, COUNT_OF(fields));
}

static enum stp_errc read_seconds(struct reading *reading, const char *field, const json_t *value)
{
	struct stp_expiry *e = &reading->config->expiry;
	const struct {
		const char *name;
		int64_t *out;
	} outs[] = {
	    {"expiry_seconds.root", &e->root},         {"expiry_seconds.targets", &e->targets},
	    {"expiry_seconds.bins", &e->bins},         {"expiry_seconds.bin_n", &e->bin_n},
	    {"expiry_seconds.snapshot", &e->snapshot}, {"expiry_seconds.timestamp", &e->timestamp},
	};
	size_t i;

	for (i = 0; i < COUNT_OF(outs); i++)
		if (strcmp(outs[i].name, field) == 0)
			return get_integer(reading, field, value, STP_EXPIRY_SECONDS_MIN,
			                   STP_EXPIRY_SECONDS_MAX, outs[i].out);
	return STP_OK;
}

static enum stp_errc read_expiry(struct reading *reading, const char *field, const json_t *value)
{
	static const struct field fields[] = {
	    {"root", read_seconds},  {"targets", read_seconds},  {"bins", read_seconds},
	    {"bin_n", read_seconds}, {"snapshot", read_seconds}, {"timestamp", read_seconds},
	};

	return read_members(reading, field, value, fields, COUNT_OF(fields));
}

static enum stp_errc read_snapshot_length(struct reading *reading, const char *field,
                                          const json_t *value)
{
	return get_flag(reading, field, value, &reading->config->snapshot_length);
}

static enum stp_errc read_target_files(struct reading *reading, const char *field,
                                       const json_t *value)
{
	int index = 0;

	STP_TRY(get_word(reading, field, value, &stp_words_target_files, &index));
	reading->config->target_files = (enum stp_target_files)index;
	return STP_OK;
}

static enum stp_errc read_link(struct reading *reading, const char *field, const json_t *value)
{
	int index = 0;

	STP_TRY(get_word(reading, field, value, &stp_words_link, &index));
	reading->config->link = (enum stp_link)index;
	return STP_OK;
}

static enum stp_errc read_url_unsafe(struct reading *reading, const char *field,
                                     const json_t *value)
{
	int index = 0;

	STP_TRY(get_word(reading, field, value, &stp_words_url_unsafe, &index));
	reading->config->url_unsafe = (enum stp_url_unsafe)index;
	return STP_OK;
}

static enum stp_errc read_trust(struct reading *reading, const char *field, const json_t *value)
{
	int index = 0;

	STP_TRY(get_word(reading, field, value, &stp_words_trust, &index));
	reading->config->trust = (enum stp_trust_in)index;
	return STP_OK;
}

static enum stp_errc read_mounts(struct reading *reading, const char *field, const json_t *value)
{
	int index = 0;

	STP_TRY(get_word(reading, field, value, &stp_words_mounts, &index));
	reading->config->mounts = (enum stp_mounts)index;
	return STP_OK;
}

static enum stp_errc read_include(struct reading *reading, const char *field, const json_t *value)
{
	return get_globs(reading, field, value, &reading->config->include);
}

static enum stp_errc read_exclude(struct reading *reading, const char *field, const json_t *value)
{
	return get_globs(reading, field, value, &reading->config->exclude);
}

static enum stp_errc read_mutable(struct reading *reading, const char *field, const json_t *value)
{
	return get_globs(reading, field, value, &reading->config->mutable_globs);
}

static enum stp_errc read_source(struct reading *reading, const char *field, const json_t *value)
{
	int index = 0;

	STP_TRY(get_word(reading, field, value, &stp_words_source, &index));
	reading->config->source = (enum stp_index_source)(index + 1);
	return STP_OK;
}

static enum stp_errc read_max_removals(struct reading *reading, const char *field,
                                       const json_t *value)
{
	struct stp_removal_limit *limit = &reading->config->max_removals;

	if (json_is_integer(value) && json_integer_value(value) >= 0) {
		limit->is_share = 0;
		limit->value = (uint64_t)json_integer_value(value);
		return STP_OK;
	}
	if (!json_is_string(value) || !stp_removal_share_parse(json_string_value(value), limit))
		return REFUSE_FIELD("\"%s\": must be a share such as \"1%%\", or a whole number "
		                    "of targets",
		                    field);
	return STP_OK;
}

static enum stp_errc read_retention(struct reading *reading, const char *field, const json_t *value)
{
	int64_t days = 0;

	if (!json_is_null(value))
		STP_TRY(get_integer(reading, field, value, 1, STP_RETENTION_DAYS_MAX, &days));
	reading->config->removed_retention_days = (unsigned)days;
	return STP_OK;
}

static enum stp_errc read_trusted_root(struct reading *reading, const char *field,
                                       const json_t *value)
{
	struct stp_pin *pin = &reading->config->trusted_root;
	const json_t *hex = json_object_get(value, "sha256");
	int64_t version = 0;

	if (!json_is_object(value) || json_object_size(value) != 2 ||
	    json_string_length(hex) != 2 * sizeof(pin->sha256) ||
	    !stp_hex_decode(json_string_value(hex), sizeof(pin->sha256), pin->sha256, 0))
		return REFUSE_FIELD("\"%s\": must be {\"sha256\": 64 hex digits, \"version\": N}",
		                    field);
	STP_TRY(get_integer(reading, field, json_object_get(value, "version"), 1, STP_VERSION_MAX,
	                    &version));
	pin->version = (uint64_t)version;
	return STP_OK;
}

static enum stp_errc read_signer(struct reading *reading, const char *field, const json_t *value)
{
	size_t role;

	for (role = 0; role < STP_ONLINE_ROLES; role++)
		if (strcmp(field + strlen("signers."),
		           stp_online_role_name((enum stp_online_role)role)) == 0)
			return get_string(reading, field, value, &reading->config->signers[role]);
	return STP_OK;
}

static enum stp_errc read_signers(struct reading *reading, const char *field, const json_t *value)
{
	static const struct field fields[] = {
	    {"bin_n", read_signer},
	    {"snapshot", read_signer},
	    {"timestamp", read_signer},
	};

	return read_members(reading, field, value, fields, COUNT_OF(fields));
}

static const struct field config_fields[] = {
    {"format", read_format},
    {"profile", read_ignored}, /* read before all others, which override it */
    {"targets_dir", read_targets_dir},
    {"hashes", read_hashes},
    {"bins", read_bins},
    {"bin_prefix", read_bin_prefix},
    {"delegation", read_delegation},
    {"bins_role", read_bins_role},
    {"thresholds", read_thresholds},
    {"expiry_seconds", read_expiry},
    {"snapshot_length", read_snapshot_length},
    {"target_files", read_target_files},
    {"link", read_link},
    {"url_unsafe", read_url_unsafe},
    {"trust", read_trust},
    {"mounts", read_mounts},
    {"include", read_include},
    {"exclude", read_exclude},
    {"mutable", read_mutable},
    {"source", read_source},
    {"max_removals", read_max_removals},
    {"removed_retention_days", read_retention},
    {"trusted_root", read_trusted_root},
    {"signers", read_signers},
};

/* Checks the required members, then reads all members over the profile's values. */
static enum stp_errc read_document(struct stp_config *config, const json_t *document,
                                   struct stp_err *err)
{
	static const char *const required[] = {"format", "profile", "targets_dir"};
	struct reading reading = {config, err};
	const json_t *profile;
	size_t i;

	if (!json_is_object(document))
		return STP_FAIL(err, STP_CONFIG, STAGE, STP_CONFIG_FILE, "must be a JSON object");
	for (i = 0; i < COUNT_OF(required); i++)
		if (!json_object_get(document, required[i]))
			return STP_FAIL(err, STP_CONFIG, STAGE, STP_CONFIG_FILE,
			                "\"%s\": is missing", required[i]);
	profile = json_object_get(document, "profile");
	if (!json_is_string(profile) || !stp_config_has_profile(json_string_value(profile)))
		return STP_FAIL(err, STP_CONFIG, STAGE, STP_CONFIG_FILE,
		                "\"profile\": must be pep458, compat or prefixes");
	STP_TRY(stp_config_profile(config, json_string_value(profile), err));
	STP_TRY(read_members(&reading, "", document, config_fields, COUNT_OF(config_fields)));
	return stp_config_check(config, STP_CONFIG_FILE, err);
}

enum stp_errc stp_config_parse(struct stp_config *config, const char *text, size_t text_bytes,
                               struct stp_err *err)
{
	struct stp_config fresh;
	json_error_t problem;
	json_t *document = json_loadb(text, text_bytes, JSON_REJECT_DUPLICATES, &problem);
	enum stp_errc code;

	if (!document) {
		char shown[128];

		stp_text_escape(problem.text, strlen(problem.text), shown, sizeof(shown));
		return STP_FAIL(err, STP_CONFIG, STAGE, STP_CONFIG_FILE, "line %d: %s; fix it",
		                problem.line, shown);
	}
	memset(&fresh, 0, sizeof(fresh));
	code = read_document(&fresh, document, err);
	json_decref(document);
	if (code != STP_OK) {
		stp_config_release(&fresh);
		return code;
	}
	*config = fresh;
	return STP_OK;
}

enum stp_errc stp_config_load(struct stp_config *config, int repo_fd, struct stp_err *err)
{
	struct stp_buf text = STP_BUF_INIT;
	struct stat st;
	enum stp_errc code;

	if (fstatat(repo_fd, STP_CONFIG_FILE, &st, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT)
		return STP_FAIL(stp_hinted(err, STP_HINT_INIT), STP_CONFIG, STAGE, STP_CONFIG_FILE,
		                "is not there; name a repository made by `%s`",
		                stp_hint_text(STP_HINT_INIT));
	code = stp_file_read(repo_fd, STP_CONFIG_FILE, STP_CONFIG_BYTES_MAX, STAGE, &text, err);
	if (code == STP_OK)
		code = stp_config_parse(config, (const char *)text.data, text.count, err);
	stp_buf_release(&text);
	return code;
}
