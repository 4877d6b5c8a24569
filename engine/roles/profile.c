/* SPDX-License-Identifier: Apache-2.0 */
/* The defaults of a configuration. */
#include <string.h>

#include "roles/config.h"

#define STAGE "config"

#define DAY  INT64_C(86400)
#define YEAR (365 * DAY)

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

struct profile {
	const char *name;
	int has_bins_role;
	enum stp_delegation delegation;
	unsigned bin_bits;
	unsigned hash_set;
	unsigned second_keys; /* keys and threshold of targets and bins */
	int snapshot_length;
};

/* The table of profiles in README.md. */
static const struct profile profiles[] = {
    {"pep458", 1, STP_DELEGATION_SUCCINCT, 14, STP_ALG_BIT(STP_ALG_SHA512), 2, 0},
    {"compat", 0, STP_DELEGATION_SUCCINCT, 14, STP_ALG_BIT(STP_ALG_SHA256), 1, 0},
    {"prefixes", 0, STP_DELEGATION_PREFIXES, 11, STP_ALG_BIT(STP_ALG_SHA256), 1, 1},
};

static const char *const default_mutable[] = {"simple/**"};

/* Fills everything but the arena. */
static void profile_apply(struct stp_config *config, const struct profile *profile)
{
	config->profile = profile->name;
	config->targets_dir = "";
	config->hash_set = profile->hash_set;
	config->bin_bits = profile->bin_bits;
	config->bin_prefix = "bin-n";
	config->delegation = profile->delegation;
	config->has_bins_role = profile->has_bins_role;
	config->root_threshold = 2;
	config->root_key_count = 3;
	config->targets_threshold = profile->second_keys;
	config->targets_key_count = profile->second_keys;
	config->bins_threshold = profile->has_bins_role ? profile->second_keys : 0;
	config->bins_key_count = config->bins_threshold;
	config->expiry = (struct stp_expiry){YEAR, YEAR, YEAR, DAY, DAY, DAY};
	config->snapshot_length = profile->snapshot_length;
	config->target_files = STP_TARGET_FILES_AUTO;
	config->link = STP_LINK_SYMLINK;
	config->url_unsafe = STP_URL_UNSAFE_FAULT;
	config->trust = STP_TRUST_CTIME;
	config->mounts = STP_MOUNTS_FAULT;
	config->include = (struct stp_globs){NULL, 0};
	config->exclude = (struct stp_globs){NULL, 0};
	config->mutable_globs = (struct stp_globs){(const char **)(uintptr_t)default_mutable, 1};
	config->source = STP_INDEX_UNKNOWN;
	config->max_removals = (struct stp_removal_limit){1, STP_SHARE_DEFAULT};
	config->removed_retention_days = 0;
}

/* The profile called name, or NULL. */
static const struct profile *profile_find(const char *name)
{
	size_t i;

	for (i = 0; i < COUNT_OF(profiles); i++)
		if (strcmp(profiles[i].name, name) == 0)
			return &profiles[i];
	return NULL;
}

int stp_config_has_profile(const char *name)
{
	return profile_find(name) != NULL;
}

enum stp_errc stp_config_profile(struct stp_config *config, const char *profile,
                                 struct stp_err *err)
{
	const struct profile *found = profile_find(profile);

	if (found) {
		memset(config, 0, sizeof(*config));
		stp_arena_init(&config->arena, 4096);
		profile_apply(config, found);
		return STP_OK;
	}
	return STP_FAIL(err, STP_CONFIG, STAGE, profile,
	                "is not a profile; use pep458, compat or prefixes");
}

void stp_config_release(struct stp_config *config)
{
	stp_arena_release(&config->arena);
	memset(config, 0, sizeof(*config));
}
