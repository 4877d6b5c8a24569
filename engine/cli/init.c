/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/text.h"
#include "base/user.h"
#include "cli/cli.h"
#include "cli/nginx_rule.h"
#include "cli/payload_report.h"
#include "cli/stdout.h"
#include "cli/verbs.h"
#include "stampede/ceremony.h"
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
	OPT_CEREMONY,
	OPT_KEYS,
	OPT_THRESHOLD,
	OPT_ALLOW_UNPROVEN,
	OPT_UPDATE,
	OPT_ROLES,
	OPT_TRUST,
	OPT_YES,
	OPT_AFTER_CLOCK_ERROR,
};

static const struct stp_option options_table[] = {
    {"targets", "DIR", "folder of the files to be signed (required)", OPT_TARGETS},
    {"profile", "pep458|compat|prefixes", "roles, bins and hashes to start from", OPT_PROFILE},
    {"bins", "N", "number of bins, a power of two", OPT_BINS},
    {"hash", "ALG[,ALG]", "target hashes: sha256, sha512, blake2b-256", OPT_HASH},
    {"root-threshold", "T/N", "T of N root keys must sign; T alone with --ceremony",
     OPT_ROOT_THRESHOLD},
    {"offline-keys", "DIR",
     "folder for root, targets and bins keys; keys found there are used; with --update it may be "
     "repeated",
     OPT_OFFLINE_KEYS},
    {"target-files", "auto|all|mutable|none", "which HASH.NAME files public/targets gets",
     OPT_TARGET_FILES},
    {"link", "symlink|hardlink|reflink|copy", "how those files are made", OPT_LINK},
    {"now", "TIME", "the time to use, YYYY-MM-DDTHH:MM:SSZ", OPT_NOW},
    {"ceremony", "P", "make no offline keys, but the payload P for the holders of --keys to sign",
     OPT_CEREMONY},
    {"keys", "[ROLE=]NAME.key.json...",
     "with --ceremony: descriptions of keys; each signs root, targets and bins, or ROLE", OPT_KEYS},
    {"threshold", "ROLE=T", "with --ceremony: how many keys of a role must sign; repeatable",
     OPT_THRESHOLD},
    {"allow-unproven", NULL, "with --ceremony: take keys whose descriptions they did not sign",
     OPT_ALLOW_UNPROVEN},
    {"update", NULL, "renew root, targets and bins of a repository, or change --bins", OPT_UPDATE},
    {"roles", "root,targets,bins", "with --update: only these (default: all whose keys are there)",
     OPT_ROLES},
    {"trust", "ROOT.json",
     "with --update: a published root kept elsewhere, where stampede.json names none", OPT_TRUST},
    {"yes", NULL, "with --update: sign without asking", OPT_YES},
    {"after-clock-error", NULL,
     "with --update: go on although the last run was signed with a clock that was ahead",
     OPT_AFTER_CLOCK_ERROR},
    {NULL, NULL, NULL, 0},
};

/* All that the command line said. */
struct said {
	struct stp_init_options options;
	int is_update;
	struct stp_init_update_options update;
	const char *folders[STP_INIT_FOLDERS_MAX + 1];
	size_t folder_count;
	int yes;
	struct stp_ceremony_init_options ceremony; /* out: --ceremony was given */
	struct stp_ceremony_init_key *keys;        /* as many as there are words */
	size_t key_count;
	unsigned root_threshold; /* T without N */
	int only_new;            /* an option that --update does not take */
	int only_update;         /* one that only --update takes */
	int only_ceremony;       /* one that only --ceremony takes */
};

/* "root,bins"; 0 after printing usage. */
static int take_roles(struct stp_cli *cli, const char *value, unsigned *out_roles)
{
	static const char *const names[] = {"root", "targets", "bins"};
	unsigned roles = 0;
	const char *at = value;

	for (;;) {
		size_t count = strcspn(at, ",");
		unsigned i;

		for (i = 0; i < 3; i++)
			if (strlen(names[i]) == count && memcmp(names[i], at, count) == 0)
				break;
		if (i == 3) {
			stp_cli_usage(cli, "--roles: %s is no list of root, targets, bins", value);
			return 0;
		}
		roles |= 1u << i;
		if (at[count] == '\0')
			break;
		at += count + 1;
	}
	*out_roles = roles;
	return 1;
}

/* "root=2"; 0 after printing usage. */
static int take_role_threshold(struct stp_cli *cli, const char *value, struct said *said)
{
	static const char *const names[] = {"root=", "targets=", "bins="};
	unsigned *thresholds[] = {&said->ceremony.root_threshold, &said->ceremony.targets_threshold,
	                          &said->ceremony.bins_threshold};
	uint64_t threshold;
	size_t i;

	for (i = 0; i < 3; i++)
		if (strncmp(value, names[i], strlen(names[i])) == 0)
			break;
	if (i == 3) {
		stp_cli_usage(cli, "--threshold: %s is not ROLE=T of root, targets or bins", value);
		return 0;
	}
	if (!stp_cli_u64(cli, "threshold", value + strlen(names[i]), 1, STP_ROLE_KEYS_MAX,
	                 &threshold))
		return 0;
	*thresholds[i] = (unsigned)threshold;
	return 1;
}

/* "a.key.json" or "root=a.key.json". */
static void take_key(struct said *said, const char *value)
{
	static const char *const roles[] = {"root", "targets", "bins"};
	struct stp_ceremony_init_key key = {NULL, value};
	size_t i;

	for (i = 0; i < 3; i++) {
		size_t count = strlen(roles[i]);

		if (strncmp(value, roles[i], count) == 0 && value[count] == '=')
			key = (struct stp_ceremony_init_key){roles[i], value + count + 1};
	}
	said->keys[said->key_count++] = key;
}

/* "2/3", or "2", which only --ceremony takes; 0 after printing usage. */
static int take_threshold(struct stp_cli *cli, const char *value, struct said *said)
{
	struct stp_init_options *options = &said->options;
	const char *slash = strchr(value, '/');
	uint64_t threshold;
	uint64_t keys;

	if (!slash && stp_u64_parse(value, strlen(value), &threshold) && threshold >= 1 &&
	    threshold <= STP_ROLE_KEYS_MAX) {
		said->root_threshold = (unsigned)threshold;
		return 1;
	}
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
static int take_option(struct stp_cli *cli, int id, const char *value, struct said *said)
{
	struct stp_init_options *options = &said->options;

	said->only_update |= id >= OPT_ROLES;
	said->only_ceremony |= id == OPT_KEYS || id == OPT_THRESHOLD || id == OPT_ALLOW_UNPROVEN;
	said->only_new |=
	    id != OPT_BINS && id != OPT_OFFLINE_KEYS && id != OPT_NOW && id < OPT_UPDATE;
	switch (id) {
	case OPT_CEREMONY:
		said->ceremony.out = value;
		return 1;
	case OPT_KEYS:
		take_key(said, value);
		return 1;
	case OPT_THRESHOLD:
		return take_role_threshold(cli, value, said);
	case OPT_ALLOW_UNPROVEN:
		said->ceremony.allows_unproven = 1;
		return 1;
	case OPT_UPDATE:
		said->is_update = 1;
		return 1;
	case OPT_ROLES:
		return take_roles(cli, value, &said->update.roles);
	case OPT_TRUST:
		said->update.trusted_root = value;
		return 1;
	case OPT_YES:
		said->yes = 1;
		return 1;
	case OPT_AFTER_CLOCK_ERROR:
		said->update.after_clock_error = 1;
		return 1;
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
		return take_threshold(cli, value, said);
	case OPT_OFFLINE_KEYS:
		options->offline_keys = value;
		if (said->folder_count <= STP_INIT_FOLDERS_MAX)
			said->folders[said->folder_count++] = value;
		return 1;
	case OPT_TARGET_FILES:
		options->target_files = value;
		return 1;
	case OPT_LINK:
		options->link = value;
		return 1;
	default:
		options->has_now = 1;
		return stp_cli_now(cli, value, &options->now);
	}
}

static void print_json(const struct stp_init_report *report)
{
	json_t *keys = json_array();
	size_t i;

	for (i = 0; i < report->offline_key_count; i++) {
		const struct stp_init_key *key = &report->offline_keys[i];

		json_array_append_new(
		    keys, json_pack("{s:s,s:s,s:o,s:b}", "role", key->role, "keyid", key->keyid,
		                    "path", stp_cli_json_text(key->path), "made", key->made));
	}
	stp_cli_print_json(json_pack(
	    "{s:o,s:o,s:s,s:I,s:s,s:s,s:s,s:o,s:{s:i,s:i,s:o}}", "repo",
	    stp_cli_json_text(report->repo), "targets_dir", stp_cli_json_text(report->targets_dir),
	    "profile", report->profile, "bins", (json_int_t)report->bin_count, "target_files",
	    report->target_files, "expires", report->expires, "online_keyid", report->online_keyid,
	    "offline_keys", keys, "versions", "root", 1, "targets", 1, "bins",
	    report->has_bins_role ? json_integer(1) : json_null()));
}

static void print_text(const struct stp_init_report *report)
{
	char bins[32];
	size_t made = 0;
	size_t i;

	stp_cli_print_path("made ", report->repo, "");
	printf("\nprofile %s, %s bins, root, targets%s valid until %s\n", report->profile,
	       stp_count_format(report->bin_count, bins), report->has_bins_role ? " and bins" : "",
	       report->expires);
	for (i = 0; i < report->offline_key_count; i++)
		made += report->offline_keys[i].made != 0;
	if (made)
		printf("\nThese offline keys were made on this machine, as for a first try; for a "
		       "real\nindex let each holder make a key elsewhere: stampede init "
		       "--ceremony\n");
	if (made)
		printf("\nTake these %zu files off this machine, each to another safe place;\n"
		       "sign never needs them:\n",
		       made);
	for (i = 0; i < report->offline_key_count; i++)
		if (report->offline_keys[i].made)
			stp_cli_print_path("  ", report->offline_keys[i].path, "\n");
	for (i = 0; i < report->offline_key_count; i++)
		if (!report->offline_keys[i].made)
			stp_cli_print_path("used as it was: ", report->offline_keys[i].path, "\n");
	printf("%u of the root keys are needed to renew or replace keys; without them\n"
	       "clients cannot be moved to new ones.\n",
	       report->root_threshold);
	stp_cli_print_path("Keep here, and back up: ", report->repo,
	                   "/keys (online key, seal key)\n");
	stp_cli_print_rule(report);
	stp_cli_print_path("\nnext: stampede sign ", report->repo, "\n");
}

/* One renewed role for people; version 0: it was not. */
static void print_renewed(const char *role, uint64_t version, const char *expires)
{
	if (version)
		printf("%-8s version %llu, valid until %s\n", role, (unsigned long long)version,
		       expires);
}

static json_t *renewed_json(uint64_t version, const char *expires)
{
	return version ? json_pack("{s:I,s:s}", "version", (json_int_t)version, "expires", expires)
	               : json_null();
}

struct asking {
	const struct stp_cli *cli;
	int yes;
};

/* The view as it is, or each of its lines as an object of the log. */
static void print_view(const struct stp_cli *cli, const char *view)
{
	if (!cli->log_json) {
		fputs(view, stderr);
		return;
	}
	while (*view) {
		size_t count = strcspn(view, "\n");

		stp_cli_say(cli, "%.*s", (int)count, view);
		view += count + (view[count] != '\0');
	}
}

/* Shows who signs for what. A person at a terminal is asked; a script has decided. */
static int confirm(void *ctx, const char *view)
{
	const struct asking *asking = ctx;
	char answer[16] = "";

	if (!asking->cli->quiet || !asking->yes)
		print_view(asking->cli, view);
	if (asking->yes || !isatty(STDIN_FILENO))
		return 1;
	fputs("Type yes to sign this with the offline keys: ", stderr);
	return fgets(answer, sizeof(answer), stdin) && strcmp(answer, "yes\n") == 0;
}

static void print_update(const struct stp_cli *cli, const struct stp_init_update_report *report)
{
	if (cli->json) {
		stp_cli_print_json(json_pack(
		    "{s:o,s:o,s:o,s:I,s:b}", "root",
		    renewed_json(report->root_version, report->root_expires), "targets",
		    renewed_json(report->targets_version, report->targets_expires), "bins_role",
		    renewed_json(report->bins_version, report->bins_expires), "bins",
		    (json_int_t)report->bin_count, "bins_changed", report->bins_changed));
		return;
	}
	if (cli->quiet)
		return;
	print_renewed("root", report->root_version, report->root_expires);
	print_renewed("targets", report->targets_version, report->targets_expires);
	print_renewed("bins", report->bins_version, report->bins_expires);
	if (report->bins_changed)
		printf("%llu bins from the next sign on; names of earlier bins stay listed\n",
		       (unsigned long long)report->bin_count);
	if (report->online_is_new)
		printf(
		    "The online key is another one: clients refuse the repository until the next "
		    "sign.\n");
	printf("Take the offline keys off this machine again, then publish it: stampede sign\n");
}

static int run_update(struct stp_cli *cli, const struct said *said)
{
	struct stp_init_update_options options = said->update;
	struct asking asking = {cli, said->yes};
	struct stp_init_update_report report;
	struct stp_err err = STP_ERR_INIT;

	options.repo = cli->arguments[0];
	options.offline_folders = said->folders;
	options.offline_folder_count = said->folder_count;
	options.bin_count = said->options.bin_count;
	options.now = said->options.now;
	options.has_now = said->options.has_now;
	options.confirm = confirm;
	options.confirm_ctx = &asking;
	if (stp_init_update(&options, &report, &err) != STP_OK)
		return stp_cli_fail(cli, &err);
	print_update(cli, &report);
	return stp_stdout_finish(cli, "init", options.repo, "the new versions were put in place");
}

/* Root made it where another user works: whoever signs each night must own it. */
static void warn_owner(const struct stp_cli *cli, const char *repo)
{
	char around[STP_PATH_BYTES_MAX + 8], shown[1024], owner[STP_USER_BYTES];
	struct stat st;

	snprintf(around, sizeof(around), "%s/..", repo);
	if (geteuid() != 0 || stat(around, &st) != 0 || st.st_uid == 0)
		return;
	stp_user_name(st.st_uid, owner);
	stp_text_escape(repo, strlen(repo), shown, sizeof(shown));
	stp_cli_warn(cli,
	             "init: %s belongs to user root, but the folder around it to user %s; if that "
	             "user is to sign, give it the whole repository: chown -R %s: %s",
	             shown, owner, owner, shown);
}

/* After a repository was made. */
static int finish(struct stp_cli *cli, const struct stp_init_report *report)
{
	int exit_code = stp_stdout_finish(cli, "init", report->repo, "the repository was made");

	if (report->many_bins)
		stp_cli_warn(cli,
		             "init: %llu bins: several clients limit or are slow with a "
		             "snapshot of so many; 'stampede plan' tells which",
		             (unsigned long long)report->bin_count);
	warn_owner(cli, report->repo);
	return exit_code;
}

/* ------------------------------------------------------------------ a first ceremony */

static void print_ceremony(const struct stp_cli *cli, const char *path,
                           const struct stp_init_report *report,
                           const struct stp_ceremony_start_report *payload)
{
	json_t *json;
	char bins[32];

	if (cli->json) {
		json = stp_cli_payload_json(path, payload);
		json_object_update_new(
		    json, json_pack("{s:o,s:o,s:s,s:I,s:s,s:s,s:s}", "repo",
		                    stp_cli_json_text(report->repo), "targets_dir",
		                    stp_cli_json_text(report->targets_dir), "profile",
		                    report->profile, "bins", (json_int_t)report->bin_count,
		                    "target_files", report->target_files, "expires",
		                    report->expires, "online_keyid", report->online_keyid));
		stp_cli_print_json(json);
		return;
	}
	stp_cli_print_path("made ", report->repo, "");
	printf("\nprofile %s, %s bins, root, targets%s valid until %s\n", report->profile,
	       stp_count_format(report->bin_count, bins), report->has_bins_role ? " and bins" : "",
	       report->expires);
	stp_cli_print_path("Keep here, and back up: ", report->repo,
	                   "/keys (online key, seal key)\n");
	stp_cli_print_payload(report->repo, path, payload);
	putchar('\n');
	stp_cli_print_rule(report);
}

static int run_ceremony(struct stp_cli *cli, struct said *said)
{
	struct stp_ceremony_init_options *options = &said->ceremony;
	struct stp_ceremony_start_report payload;
	struct stp_init_report report;
	struct stp_err err = STP_ERR_INIT;
	int exit_code;
	size_t i;

	for (i = 1; i < cli->argument_count; i++)
		take_key(said, cli->arguments[i]);
	if (said->folder_count)
		return stp_cli_usage(cli, "--ceremony makes no offline keys: --offline-keys does "
		                          "not go with it");
	if (said->options.root_key_count && said->options.root_key_count != said->key_count)
		return stp_cli_usage(cli,
		                     "--root-threshold: %u keys, but %zu were given; with "
		                     "--ceremony give T alone",
		                     said->options.root_key_count, said->key_count);
	if (!options->root_threshold)
		options->root_threshold =
		    said->root_threshold ? said->root_threshold : said->options.root_threshold;
	said->options.root_threshold = said->options.root_key_count = 0;
	options->init = &said->options;
	options->keys = said->keys;
	options->key_count = said->key_count;
	if (stp_ceremony_init(options, &report, &payload, &err) != STP_OK)
		return stp_cli_fail(cli, &err);
	if (cli->json || !cli->quiet)
		print_ceremony(cli, options->out, &report, &payload);
	stp_cli_warn_payload(cli, &payload);
	exit_code = finish(cli, &report);
	stp_init_report_release(&report);
	stp_ceremony_start_report_release(&payload);
	return exit_code;
}

/* ------------------------------------------------------------------ the command */

/* Which options go together; STP_EXIT_OK, or what usage printing returned. */
static int check_said(struct stp_cli *cli, const struct said *said)
{
	const struct stp_ceremony_init_options *ceremony = &said->ceremony;

	if (cli->argument_count < 1 || (cli->argument_count > 1 && !ceremony->out))
		return stp_cli_usage(cli, "give one REPO");
	if (said->is_update && said->only_new)
		return stp_cli_usage(cli, "--update takes only --bins, --roles, --offline-keys, "
		                          "--trust, --yes, --after-clock-error and --now");
	if (said->is_update)
		return STP_EXIT_OK;
	if (said->folder_count > 1)
		return stp_cli_usage(cli, "--offline-keys may be given several times only with "
		                          "--update");
	if (said->only_update)
		return stp_cli_usage(cli, "--roles, --trust, --yes and --after-clock-error go with "
		                          "--update");
	if (!said->options.targets_dir)
		return stp_cli_usage(cli, "--targets DIR is required");
	if (!ceremony->out && said->only_ceremony)
		return stp_cli_usage(cli, "--keys, --threshold and --allow-unproven go with "
		                          "--ceremony");
	if (!ceremony->out && said->root_threshold)
		return stp_cli_usage(cli, "--root-threshold: %u is not T/N with 1 <= T <= N <= %d",
		                     said->root_threshold, STP_ROLE_KEYS_MAX);
	return STP_EXIT_OK;
}

static int run_simple(struct stp_cli *cli, const struct said *said)
{
	struct stp_init_report report;
	struct stp_err err = STP_ERR_INIT;
	int exit_code;

	if (stp_init(&said->options, &report, &err) != STP_OK)
		return stp_cli_fail(cli, &err);
	if (cli->json)
		print_json(&report);
	else if (!cli->quiet)
		print_text(&report);
	exit_code = finish(cli, &report);
	stp_init_report_release(&report);
	return exit_code;
}

static int run_said(struct stp_cli *cli, struct said *said)
{
	const char *value;
	int exit_code;
	int id;

	while ((id = stp_cli_option(cli, &value)) > 0)
		if (!take_option(cli, id, value, said))
			return STP_EXIT_USAGE;
	if (id == STP_OPT_ERROR)
		return STP_EXIT_USAGE;
	exit_code = check_said(cli, said);
	if (exit_code != STP_EXIT_OK)
		return exit_code;
	said->options.repo = cli->arguments[0];
	if (said->is_update)
		return run_update(cli, said);
	return said->ceremony.out ? run_ceremony(cli, said) : run_simple(cli, said);
}

static int run(struct stp_cli *cli)
{
	struct said said = {.options = STP_INIT_OPTIONS_INIT,
	                    .update = STP_INIT_UPDATE_OPTIONS_INIT,
	                    .ceremony = STP_CEREMONY_INIT_OPTIONS_INIT};
	int exit_code;

	said.keys = calloc((size_t)cli->argc + 1, sizeof(*said.keys));
	if (!said.keys)
		return stp_cli_usage(cli, "no memory");
	exit_code = run_said(cli, &said);
	free(said.keys);
	return exit_code;
}

const struct stp_verb stp_verb_init = {
    "init",
    "makes keys, configuration, root, targets and bins metadata",
    "init REPO --targets DIR [options] | init REPO --update [options]",
    options_table,
    "  stampede init /srv/stampede/pypi --targets /srv/index\n"
    "  stampede init /srv/stampede/pypi --targets /srv/index --profile compat\n"
    "  stampede init /srv/stampede/pypi --targets /srv/index --offline-keys /mnt/keys\n"
    "  stampede init /srv/stampede/pypi --targets /srv/index --ceremony first.json \\\n"
    "      --keys *.key.json\n"
    "  stampede init /srv/stampede/pypi --update --offline-keys /mnt/keys\n"
    "  stampede init /srv/stampede/pypi --update --bins 32768 --roles bins\n",
    run,
};
