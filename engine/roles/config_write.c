/* SPDX-License-Identifier: Apache-2.0 */
/* Writes stampede.json with every field, so that later changes of a profile have no effect. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "roles/config.h"

#define STAGE "config"

static json_t *globs_json(const struct stp_globs *globs)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < globs->count; i++)
		json_array_append_new(list, json_string(globs->items[i]));
	return list;
}

static json_t *hashes_json(unsigned set)
{
	json_t *list = json_array();
	int alg;

	for (alg = 0; alg < STP_ALG_COUNT; alg++)
		if (set & STP_ALG_BIT(alg))
			json_array_append_new(list, json_string(stp_alg_name((enum stp_alg)alg)));
	return list;
}

static json_t *threshold_json(unsigned threshold, unsigned keys)
{
	return json_pack("{s:I,s:I}", "threshold", (json_int_t)threshold, "keys", (json_int_t)keys);
}

static json_t *thresholds_json(const struct stp_config *config)
{
	json_t *object = json_object();

	json_object_set_new(object, "root",
	                    threshold_json(config->root_threshold, config->root_key_count));
	json_object_set_new(object, "targets",
	                    threshold_json(config->targets_threshold, config->targets_key_count));
	if (config->has_bins_role)
		json_object_set_new(object, "bins",
		                    threshold_json(config->bins_threshold, config->bins_key_count));
	return object;
}

/* A member that "s:o*" leaves out when no root is trusted yet. */
static json_t *trusted_root_json(const struct stp_pin *pin)
{
	char hex[64];

	if (!pin->version)
		return NULL;
	stp_hex_encode(pin->sha256, sizeof(pin->sha256), hex);
	return json_pack("{s:s%,s:I}", "sha256", hex, sizeof(hex), "version",
	                 (json_int_t)pin->version);
}

/* The same when no role has a signer of its own. */
static json_t *signers_json(const struct stp_config *config)
{
	json_t *object = NULL;
	size_t role;

	for (role = 0; role < STP_ONLINE_ROLES; role++)
		if (config->signers[role]) {
			if (!object)
				object = json_object();
			json_object_set_new(object,
			                    stp_online_role_name((enum stp_online_role)role),
			                    json_string(config->signers[role]));
		}
	return object;
}

static json_t *max_removals_json(const struct stp_removal_limit *limit)
{
	char share[STP_REMOVAL_SHARE_BYTES];

	if (!limit->is_share)
		return json_integer((json_int_t)limit->value);
	stp_removal_share_format(limit, share);
	return json_string(share);
}

static json_t *retention_json(unsigned days)
{
	return days ? json_integer(days) : json_null();
}

static json_t *config_json(const struct stp_config *config)
{
	const struct stp_expiry *e = &config->expiry;

	return json_pack(
	    "{s:i,s:s,s:s,s:o,s:I,s:s,s:s,s:b,s:o,s:{s:I,s:I,s:I,s:I,s:I,s:I},s:b,s:s,"
	    "s:s,s:s,s:s,s:s,s:o,s:o,"
	    "s:o,s:o,s:o,s:s*,s:o*,s:o*}",
	    "format", STP_CONFIG_FORMAT, "profile", config->profile, "targets_dir",
	    config->targets_dir, "hashes", hashes_json(config->hash_set), "bins",
	    (json_int_t)1 << config->bin_bits, "bin_prefix", config->bin_prefix, "delegation",
	    stp_delegation_name(config->delegation), "bins_role", config->has_bins_role,
	    "thresholds", thresholds_json(config), "expiry_seconds", "root", (json_int_t)e->root,
	    "targets", (json_int_t)e->targets, "bins", (json_int_t)e->bins, "bin_n",
	    (json_int_t)e->bin_n, "snapshot", (json_int_t)e->snapshot, "timestamp",
	    (json_int_t)e->timestamp, "snapshot_length", config->snapshot_length, "target_files",
	    stp_target_files_name(config->target_files), "link", stp_link_name(config->link),
	    "url_unsafe", stp_url_unsafe_name(config->url_unsafe), "trust",
	    stp_trust_in_name(config->trust), "mounts", stp_mounts_name(config->mounts), "include",
	    globs_json(&config->include), "exclude", globs_json(&config->exclude), "mutable",
	    globs_json(&config->mutable_globs), "max_removals",
	    max_removals_json(&config->max_removals), "removed_retention_days",
	    retention_json(config->removed_retention_days), "source",
	    stp_index_source_name(config->source), "trusted_root",
	    trusted_root_json(&config->trusted_root), "signers", signers_json(config));
}

static enum stp_errc config_write(const struct stp_config *config, int repo_fd,
                                  enum stp_file_mode how, struct stp_err *err)
{
	json_t *document;
	char *text;
	size_t text_bytes;
	enum stp_errc code;

	STP_TRY(stp_config_check(config, STP_CONFIG_FILE, err));
	document = config_json(config);
	text = document ? json_dumps(document, JSON_INDENT(2)) : NULL;
	json_decref(document);
	if (!text)
		return STP_FAIL(err, STP_CONFIG, STAGE, STP_CONFIG_FILE,
		                "cannot be written as JSON; names in it must be UTF-8");
	text_bytes = strlen(text);
	text[text_bytes++] = '\n'; /* over the NUL */
	code = stp_file_write(repo_fd, STP_CONFIG_FILE, text, text_bytes, 0644, how, STAGE, err);
	free(text);
	return code;
}

enum stp_errc stp_config_save(const struct stp_config *config, int repo_fd, struct stp_err *err)
{
	return config_write(config, repo_fd, STP_FILE_NEW, err);
}

enum stp_errc stp_config_replace(const struct stp_config *config, int repo_fd, struct stp_err *err)
{
	return config_write(config, repo_fd, STP_FILE_REPLACE, err);
}
