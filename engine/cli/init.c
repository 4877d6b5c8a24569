/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/verbs.h"
#include "stampede/init.h"

enum {
	OPT_TARGETS = 1,
	OPT_PROFILE,
	OPT_BINS,
	OPT_HASH,
	OPT_ROOT_THRESHOLD,
	OPT_OFFLINE_KEYS,
	OPT_TARGET_FILES,
	OPT_LINK,
	OPT_NOW,
};

static const struct stp_option options_table[] = {
    {"targets", "DIR", "folder of the files to be signed (required)", OPT_TARGETS},
    {"profile", "pep458|compat|prefixes", "roles, bins and hashes to start from", OPT_PROFILE},
    {"bins", "N", "number of bins, a power of two", OPT_BINS},
    {"hash", "ALG[,ALG]", "target hashes: sha256, sha512, blake2b-256", OPT_HASH},
    {"root-threshold", "T/N", "T of N root keys must sign", OPT_ROOT_THRESHOLD},
    {"offline-keys", "DIR", "folder for root, targets and bins keys; keys found there are used",
     OPT_OFFLINE_KEYS},
    {"target-files", "auto|all|mutable|none", "which HASH.NAME files public/targets gets",
     OPT_TARGET_FILES},
    {"link", "symlink|hardlink|reflink|copy", "how those files are made", OPT_LINK},
    {"now", "TIME", "the time to use, YYYY-MM-DDTHH:MM:SSZ", OPT_NOW},
    {NULL, NULL, NULL, 0},
};

/* "2/3"; 0 after printing usage. */
static int take_threshold(struct stp_cli *cli, const char *value, struct stp_init_options *options)
{
	const char *slash = strchr(value, '/');
	uint64_t threshold;
	uint64_t keys;

	if (!slash || !stp_u64_parse(value, (size_t)(slash - value), &threshold) ||
	    !stp_u64_parse(slash + 1, strlen(slash + 1), &keys) || threshold < 1 ||
	    threshold > keys || keys > STP_ROLE_KEYS_MAX) {
		stp_cli_usage(cli, "--root-threshold: %s is not T/N with 1 <= T <= N <= %d", value,
		              STP_ROLE_KEYS_MAX);
		return 0;
	}
	options->root_threshold = (unsigned)threshold;
	options->root_key_count = (unsigned)keys;
	return 1;
}

/* Takes one option; 0 after printing usage. */
static int take_option(struct stp_cli *cli, int id, const char *value,
                       struct stp_init_options *options)
{
	switch (id) {
	case OPT_TARGETS:
		options->targets_dir = value;
		return 1;
	case OPT_PROFILE:
		options->profile = value;
		return 1;
	case OPT_BINS:
		return stp_cli_u64(cli, "bins", value, 2, UINT64_C(1) << STP_BIN_BITS_MAX,
		                   &options->bin_count);
	case OPT_HASH:
		options->hashes = value;
		return 1;
	case OPT_ROOT_THRESHOLD:
		return take_threshold(cli, value, options);
	case OPT_OFFLINE_KEYS:
		options->offline_keys = value;
		return 1;
	case OPT_TARGET_FILES:
		options->target_files = value;
		return 1;
	case OPT_LINK:
		options->link = value;
		return 1;
	default:
		return stp_cli_time(cli, "now", value, &options->now);
	}
}

static void print_json(const struct stp_init_report *report)
{
	json_t *keys = json_array();
	size_t i;

	for (i = 0; i < report->offline_key_count; i++) {
		const struct stp_init_key *key = &report->offline_keys[i];

		json_array_append_new(keys,
		                      json_pack("{s:s,s:s,s:s,s:b}", "role", key->role, "keyid",
		                                key->keyid, "path", key->path, "made", key->made));
	}
	stp_cli_print_json(
	    json_pack("{s:s,s:s,s:s,s:I,s:s,s:s,s:s,s:o,s:{s:i,s:i,s:o}}", "repo", report->repo,
	              "targets_dir", report->targets_dir, "profile", report->profile, "bins",
	              (json_int_t)report->bin_count, "target_files", report->target_files,
	              "expires", report->expires, "online_keyid", report->online_keyid,
	              "offline_keys", keys, "versions", "root", 1, "targets", 1, "bins",
	              report->has_bins_role ? json_integer(1) : json_null()));
}

/* A path of the operator's, safe for a terminal. */
static void print_path(const char *before, const char *path, const char *after)
{
	char shown[4 * 4096 + 1];

	stp_text_escape(path, strlen(path), shown, sizeof(shown));
	printf("%s%s%s", before, shown, after);
}

static void print_text(const struct stp_init_report *report)
{
	size_t made = 0;
	size_t i;

	print_path("made ", report->repo, "");
	printf(": profile %s, %llu bins, root, targets%s valid until %s\n", report->profile,
	       (unsigned long long)report->bin_count, report->has_bins_role ? " and bins" : "",
	       report->expires);
	for (i = 0; i < report->offline_key_count; i++)
		made += report->offline_keys[i].made != 0;
	if (made)
		printf("\nTake these %zu files off this machine, each to another safe place; sign "
		       "never needs them:\n",
		       made);
	for (i = 0; i < report->offline_key_count; i++)
		if (report->offline_keys[i].made)
			print_path("  ", report->offline_keys[i].path, "\n");
	for (i = 0; i < report->offline_key_count; i++)
		if (!report->offline_keys[i].made)
			print_path("used as it was: ", report->offline_keys[i].path, "\n");
	printf("%u of the root keys are needed to renew or replace keys; without them clients "
	       "cannot be moved to new ones.\n",
	       report->root_threshold);
	print_path("Keep here, and back up: ", report->repo, "/keys (online key, seal key)\n");
	print_path("\nnext: stampede sign ", report->repo, "\n");
}

static int run(struct stp_cli *cli)
{
	struct stp_init_options options = {0};
	struct stp_init_report report;
	struct stp_err err = STP_ERR_INIT;
	const char *value;
	enum stp_errc code;
	int id;

	while ((id = stp_cli_option(cli, &value)) > 0)
		if (!take_option(cli, id, value, &options))
			return STP_EXIT_USAGE;
	if (id == STP_OPT_ERROR)
		return STP_EXIT_USAGE;
	if (cli->argument_count != 1)
		return stp_cli_usage(cli, "give one REPO");
	if (!options.targets_dir)
		return stp_cli_usage(cli, "--targets DIR is required");
	options.repo = cli->arguments[0];
	code = stp_init(&options, &report, &err);
	if (code != STP_OK)
		return stp_cli_fail(cli, &err);
	if (cli->json)
		print_json(&report);
	else
		print_text(&report);
	if (report.many_bins)
		stp_cli_say(cli,
		            "init: %llu bins: several clients limit or are slow with a "
		            "snapshot of so many; 'stampede plan' tells which",
		            (unsigned long long)report.bin_count);
	stp_init_report_release(&report);
	return STP_EXIT_OK;
}

const struct stp_verb stp_verb_init = {
    "init",
    "makes keys, configuration, root, targets and bins metadata",
    "init REPO --targets DIR [options]",
    options_table,
    "  stampede init /srv/tuf --targets /srv/packages\n"
    "  stampede init /srv/tuf --targets /srv/packages --profile compat --bins 256\n"
    "  stampede init /srv/tuf --targets /srv/packages --offline-keys /media/usb/keys\n",
    run,
};
