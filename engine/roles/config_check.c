/* SPDX-License-Identifier: Apache-2.0 */
/* Checks the ranges and the consistency of the configuration. */
#include <string.h>

#include "base/limits.h"
#include "base/text.h"
#include "roles/config.h"

#define STAGE "config"

#define REFUSE(...) STP_FAIL(err, STP_CONFIG, STAGE, file, __VA_ARGS__)

static enum stp_errc check_threshold(const char *role, unsigned threshold, unsigned keys,
                                     const char *file, struct stp_err *err)
{
	if (threshold < 1 || threshold > keys || keys > STP_ROLE_KEYS_MAX)
		return REFUSE("\"thresholds.%s\": %u of %u; use 1 to %u keys and a threshold "
		              "from 1 to their number",
		              role, threshold, keys, STP_ROLE_KEYS_MAX);
	return STP_OK;
}

static enum stp_errc check_expiry(const char *role, int64_t seconds, const char *file,
                                  struct stp_err *err)
{
	if (seconds < STP_EXPIRY_SECONDS_MIN || seconds > STP_EXPIRY_SECONDS_MAX)
		return REFUSE("\"expiry_seconds.%s\": %lld; use %d to %lld", role,
		              (long long)seconds, STP_EXPIRY_SECONDS_MIN, STP_EXPIRY_SECONDS_MAX);
	return STP_OK;
}

/* A role must not expire before what it signs for (engine/TUF.md, "What went wrong elsewhere").
 */
static enum stp_errc check_expiries(const struct stp_config *config, const char *file,
                                    struct stp_err *err)
{
	const struct stp_expiry *e = &config->expiry;

	STP_TRY(check_expiry("root", e->root, file, err));
	STP_TRY(check_expiry("targets", e->targets, file, err));
	STP_TRY(check_expiry("bins", e->bins, file, err));
	STP_TRY(check_expiry("bin_n", e->bin_n, file, err));
	STP_TRY(check_expiry("snapshot", e->snapshot, file, err));
	STP_TRY(check_expiry("timestamp", e->timestamp, file, err));
	if (e->targets < e->bin_n || (config->has_bins_role && e->bins < e->bin_n))
		return REFUSE("\"expiry_seconds.bin_n\" is longer than that of the role above; "
		              "shorten it");
	return STP_OK;
}

static enum stp_errc check_globs(const struct stp_globs *globs, const char *field, const char *file,
                                 struct stp_err *err)
{
	size_t i;

	if (globs->count > STP_GLOBS_MAX)
		return REFUSE("\"%s\": more than %d globs", field, STP_GLOBS_MAX);
	for (i = 0; i < globs->count; i++)
		if (!stp_glob_valid(globs->items[i]))
			return REFUSE(
			    "\"%s\": item %zu is not a glob of target paths: it is empty, "
			    "starts with \"/\" or \"./\", or has a \"//\", a \"..\" or "
			    "an open \"[\"",
			    field, i + 1);
	return STP_OK;
}

/* The prefix becomes part of file names and role names: small letters, digits, "-" and "_". */
static int prefix_valid(const char *prefix)
{
	size_t count = strlen(prefix);

	return count >= 1 && count <= STP_BIN_PREFIX_BYTES_MAX && prefix[0] != '-' &&
	       strspn(prefix, "abcdefghijklmnopqrstuvwxyz0123456789-_") == count;
}

/* Signers other than key files are not there yet. */
static enum stp_errc check_signer(const struct stp_config *config, enum stp_online_role role,
                                  const char *file, struct stp_err *err)
{
	const char *uri = config->signers[role];
	const char *name = stp_online_role_name(role);
	char shown[4 * 64];

	if (!uri)
		return STP_OK;
	stp_text_escape(uri, strnlen(uri, 64), shown, sizeof(shown));
	if (strncmp(uri, "pem:", 4) != 0)
		return REFUSE("\"signers.%s\": \"%s\" is not a signer of this version; use "
		              "\"pem:PATH\", a key file in the repository or an absolute path",
		              name, shown);
	if (strlen(uri) > STP_SIGNER_URI_BYTES_MAX || uri[4] == '\0' ||
	    uri[strlen(uri) - 1] == '/' || strcspn(uri, "\n\r\t\x7f") != strlen(uri))
		return REFUSE("\"signers.%s\": \"%s\" does not name a key file; use "
		              "\"pem:keys/NAME.pem\" or an absolute path",
		              name, shown);
	if (uri[4] != '/' && !stp_glob_is_relative(uri + 4))
		return REFUSE("\"signers.%s\": \"%s\" leaves the repository; use "
		              "\"pem:keys/NAME.pem\" or an absolute path",
		              name, shown);
	return STP_OK;
}

static enum stp_errc check_signers(const struct stp_config *config, const char *file,
                                   struct stp_err *err)
{
	size_t role;

	for (role = 0; role < STP_ONLINE_ROLES; role++)
		STP_TRY(check_signer(config, (enum stp_online_role)role, file, err));
	return STP_OK;
}

enum stp_errc stp_config_check(const struct stp_config *config, const char *file,
                               struct stp_err *err)
{
	if (config->targets_dir[0] != '/' || strlen(config->targets_dir) > STP_PATH_BYTES_MAX)
		return REFUSE("\"targets_dir\": must be an absolute path");
	if (config->hash_set == 0 || config->hash_set >= (1u << STP_ALG_COUNT))
		return REFUSE("\"hashes\": name at least one of sha256, sha512, blake2b-256");
	if (config->bin_bits < STP_BIN_BITS_MIN || config->bin_bits > STP_BIN_BITS_MAX)
		return REFUSE("\"bins\": must be a power of two from 2 to %d",
		              1 << STP_BIN_BITS_MAX);
	if (!prefix_valid(config->bin_prefix))
		return REFUSE("\"bin_prefix\": use 1 to 64 of a-z, 0-9, \"-\", \"_\"");
	STP_TRY(check_threshold("root", config->root_threshold, config->root_key_count, file, err));
	STP_TRY(check_threshold("targets", config->targets_threshold, config->targets_key_count,
	                        file, err));
	if (config->has_bins_role)
		STP_TRY(check_threshold("bins", config->bins_threshold, config->bins_key_count,
		                        file, err));
	STP_TRY(check_expiries(config, file, err));
	STP_TRY(check_globs(&config->include, "include", file, err));
	STP_TRY(check_globs(&config->exclude, "exclude", file, err));
	STP_TRY(check_globs(&config->mutable_globs, "mutable", file, err));
	return check_signers(config, file, err);
}
