/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/payload_report.h"
#include "cli/period.h"
#include "cli/stdout.h"
#include "cli/stolen.h"
#include "cli/verbs.h"
#include "stampede/init.h"
#include "stampede/rotate.h"

enum {
	OPT_ONLINE_KEY = 1,
	OPT_ROLE,
	OPT_OVERLAP,
	OPT_OFFLINE_KEYS,
	OPT_YES,
	OPT_DRY_RUN,
	OPT_NOW,
	OPT_STOLEN,
	OPT_AGAINST,
	OPT_MIRROR,
	OPT_PURGE_LIST,
	OPT_OUT,
	OPT_KEY,
	OPT_JOBS
};

static const struct stp_option options_table[] = {
    {"online-key", "NAME.key.json",
     "the new key; NAME.pem is beside it or in REPO/keys (without: say where a rotation is)",
     OPT_ONLINE_KEY},
    {"role", "timestamp,snapshot,bins", "only the keys of these (default: all three)", OPT_ROLE},
    {"overlap", "48h", "how long both keys sign: as long as caches may lack the new root (m, h, d)",
     OPT_OVERLAP},
    {"stolen", NULL, "the key was stolen: freeze, hunt for forgeries, replace all online keys",
     OPT_STOLEN},
    {"against", "GOOD", "with --stolen: a copy of the repository from before the theft",
     OPT_AGAINST},
    {"key", "KEYID",
     "with --stolen, after an earlier recovery: the new stolen key, 8 digits or more", OPT_KEY},
    {"mirror", "DIR", "with --stolen: hunt in these copies of metadata too; may be repeated",
     OPT_MIRROR},
    {"purge-list", "FILE", "with --stolen: write the URL paths that caches must forget",
     OPT_PURGE_LIST},
    {"jobs", "N", "with --stolen: threads; 0: one thread and the plain kernels", OPT_JOBS},
    {"offline-keys", "DIR", "folder of root, targets and bins keys; may be repeated",
     OPT_OFFLINE_KEYS},
    {"out", "P", "write the payload of a ceremony, for keys on other machines", OPT_OUT},
    {"yes", NULL, "sign without asking", OPT_YES},
    {"dry-run", NULL, "only show what would be signed", OPT_DRY_RUN},
    {"now", "TIME", "the time to use, YYYY-MM-DDTHH:MM:SSZ", OPT_NOW},
    {NULL, NULL, NULL, 0},
};

static const char *const role_names[] = {"bins", "snapshot", "timestamp"};
static const unsigned role_bits[] = {STP_ROTATE_BINS, STP_ROTATE_SNAPSHOT, STP_ROTATE_TIMESTAMP};
#define ROLE_COUNT 3

struct said {
	struct stp_rotate_options options;
	struct stp_ceremony_start_report payload; /* with --out: who must sign */
	const char *folders[STP_INIT_FOLDERS_MAX + 1];
	size_t folder_count;
	int yes;
	int is_stolen, has_stolen_option;
	const char *role;
	struct stp_cli_stolen stolen;
};

/* "timestamp,bins"; 0 after printing usage. */
static int take_roles(struct stp_cli *cli, const char *value, unsigned *out_roles)
{
	const char *at = value;

	*out_roles = 0;
	for (;; at++) {
		size_t count = strcspn(at, ",");
		size_t i;

		for (i = 0; i < ROLE_COUNT; i++)
			if (strlen(role_names[i]) == count && memcmp(role_names[i], at, count) == 0)
				break;
		if (i == ROLE_COUNT) {
			stp_cli_usage(cli, "--role: %s is not a list of timestamp, snapshot, bins",
			              value);
			return 0;
		}
		*out_roles |= role_bits[i];
		at += count;
		if (*at == '\0')
			return 1;
	}
}

/* Takes one option of --stolen; 0 after printing usage. */
static int take_stolen_option(struct stp_cli *cli, int id, const char *value,
                              struct stp_cli_stolen *stolen)
{
	switch (id) {
	case OPT_AGAINST:
		stolen->options.against = value;
		return 1;
	case OPT_MIRROR:
		return stp_cli_stolen_mirror(cli, stolen, value);
	case OPT_PURGE_LIST:
		stolen->purge_list = value;
		return 1;
	case OPT_KEY:
		stolen->options.key = value;
		return 1;
	default:
		return stp_cli_jobs(cli, value, &stolen->options.jobs);
	}
}

/* Takes one option; 0 after printing usage. */
static int take_option(struct stp_cli *cli, int id, const char *value, struct said *said)
{
	struct stp_rotate_options *options = &said->options;

	switch (id) {
	case OPT_ONLINE_KEY:
		options->online_key = value;
		return 1;
	case OPT_ROLE:
		said->role = value;
		return 1;
	case OPT_OVERLAP:
		options->has_overlap = 1;
		return stp_cli_period(cli, "overlap", value, &options->overlap_seconds);
	case OPT_OFFLINE_KEYS:
		if (said->folder_count <= STP_INIT_FOLDERS_MAX)
			said->folders[said->folder_count++] = value;
		return 1;
	case OPT_OUT:
		options->payload = value;
		return 1;
	case OPT_YES:
		said->yes = 1;
		return 1;
	case OPT_DRY_RUN:
		options->dry_run = 1;
		return 1;
	case OPT_NOW:
		options->has_now = 1;
		return stp_cli_now(cli, value, &options->now);
	case OPT_STOLEN:
		said->is_stolen = 1;
		return 1;
	default:
		said->has_stolen_option = 1;
		return take_stolen_option(cli, id, value, &said->stolen);
	}
}

struct asking {
	const struct stp_cli *cli;
	const struct said *said;
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

	if (!asking->cli->quiet || !asking->said->yes)
		print_view(asking->cli, view);
	if (asking->said->yes || asking->said->options.dry_run || !isatty(STDIN_FILENO))
		return 1;
	fputs("Type yes to sign this with the offline keys: ", stderr);
	return fgets(answer, sizeof(answer), stdin) && strcmp(answer, "yes\n") == 0;
}

/* Shows which key is declared stolen. A person at a terminal is asked; a script has decided. */
static int confirm_freeze(void *ctx, const char *view)
{
	const struct asking *asking = ctx;
	char answer[16] = "";

	if (asking->said->yes || !isatty(STDIN_FILENO))
		return 1;
	print_view(asking->cli, view);
	fputs("Type yes to freeze the repository: ", stderr);
	return fgets(answer, sizeof(answer), stdin) && strcmp(answer, "yes\n") == 0;
}

static json_t *version_json(uint64_t version)
{
	return version ? json_integer((json_int_t)version) : json_null();
}

static json_t *roles_json(const struct stp_rotate_report *report)
{
	json_t *object = json_object();
	size_t i;

	for (i = 0; i < ROLE_COUNT; i++)
		if (report->roles[i].is_rotated)
			json_object_set_new(object, role_names[i],
			                    json_pack("{s:s,s:s}", "former_keyid",
			                              report->roles[i].former_keyid, "next_keyid",
			                              report->roles[i].next_keyid));
	return object;
}

static void print_json(const struct said *said, const struct stp_rotate_report *report)
{
	stp_cli_print_json(json_pack(
	    "{s:s,s:o,s:o,s:b,s:o,s:{s:o,s:o,s:o}}", "phase", report->phase, "until",
	    report->until[0] ? json_string(report->until) : json_null(), "roles",
	    roles_json(report), "dry_run", said->options.dry_run, "payload",
	    report->payload[0] ? json_string(report->payload) : json_null(), "versions", "root",
	    version_json(report->root_version), "targets", version_json(report->targets_version),
	    "bins", version_json(report->bins_version)));
}

static void print_roles(const struct stp_rotate_report *report)
{
	size_t i;

	for (i = 0; i < ROLE_COUNT; i++)
		if (report->roles[i].is_rotated)
			printf("  %-9s %.16s… → %.16s…\n", role_names[i],
			       report->roles[i].former_keyid, report->roles[i].next_keyid);
}

/* What is to be done next, by the phase. */
static void print_text(const struct said *said, const struct stp_rotate_report *report)
{
	if (report->payload[0]) {
		print_roles(report);
		stp_cli_print_payload(said->options.repo, said->options.payload, &said->payload);
		return;
	}
	printf("rotation: %s\n", said->options.dry_run ? "not staged (dry run)" : report->phase);
	print_roles(report);
	if (strcmp(report->phase, "staged") == 0 && report->is_stolen)
		stp_cli_print_path("The next sign wipes the stolen key, signs everything with the "
		                   "new one and\npublishes the root first: stampede sign ",
		                   said->options.repo, "\n");
	else if (strcmp(report->phase, "staged") == 0)
		stp_cli_print_path("Take the offline keys off this machine again. The next run\n"
		                   "publishes the rotation: stampede sign ",
		                   said->options.repo, "\n");
	else if (strcmp(report->phase, "overlap") == 0)
		printf("Both keys sign until %s; the first sign after that removes the old "
		       "one.\n",
		       report->until);
}

static int run_stolen(struct stp_cli *cli, struct said *said)
{
	const struct stp_rotate_options *options = &said->options;
	struct stp_stolen_options *stolen = &said->stolen.options;

	if (options->has_overlap)
		return stp_cli_usage(cli, "--overlap: a stolen key signs nothing any more");
	said->stolen.role = said->role;
	stolen->repo = options->repo;
	stolen->online_key = options->online_key;
	stolen->payload = options->payload;
	stolen->offline_folders = options->offline_folders;
	stolen->offline_folder_count = options->offline_folder_count;
	stolen->dry_run = options->dry_run;
	stolen->now = options->now;
	stolen->has_now = options->has_now;
	stolen->confirm = options->confirm;
	stolen->confirm_freeze = confirm_freeze;
	stolen->confirm_ctx = options->confirm_ctx;
	return stp_cli_stolen_run(cli, &said->stolen);
}

static int run(struct stp_cli *cli)
{
	struct said said = {.options = STP_ROTATE_OPTIONS_INIT};
	struct asking asking = {cli, &said};
	struct stp_rotate_report report;
	struct stp_err err = STP_ERR_INIT;
	const char *value;
	int id;

	while ((id = stp_cli_option(cli, &value)) > 0)
		if (!take_option(cli, id, value, &said))
			return STP_EXIT_USAGE;
	if (id == STP_OPT_ERROR)
		return STP_EXIT_USAGE;
	if (cli->argument_count != 1)
		return stp_cli_usage(cli, "takes one repository");
	said.options.repo = cli->arguments[0];
	said.options.offline_folders = said.folders;
	said.options.offline_folder_count = said.folder_count;
	said.options.confirm = confirm;
	said.options.confirm_ctx = &asking;
	if (said.is_stolen)
		return run_stolen(cli, &said);
	if (said.has_stolen_option)
		return stp_cli_usage(cli, "takes --against, --key, --mirror, --purge-list and "
		                          "--jobs only with --stolen");
	if (said.role && !take_roles(cli, said.role, &said.options.roles))
		return STP_EXIT_USAGE;
	if (!said.options.online_key &&
	    (said.options.roles || said.options.has_overlap || said.folder_count || said.yes ||
	     said.options.dry_run || said.options.payload))
		return stp_cli_usage(cli, "needs --online-key NAME.key.json");
	if (said.options.payload &&
	    (said.options.has_overlap || said.folder_count || said.yes || said.options.dry_run))
		return stp_cli_usage(cli, "--out takes only --online-key, --role and --now");
	said.options.out_payload = &said.payload;
	if (stp_rotate(&said.options, &report, &err) != STP_OK)
		return stp_cli_fail(cli, &err);
	if (cli->json)
		print_json(&said, &report);
	else if (!cli->quiet)
		print_text(&said, &report);
	stp_ceremony_start_report_release(&said.payload);
	return stp_stdout_finish(cli, "rotate", said.options.repo,
	                         report.payload[0] ? "the payload was written"
	                         : said.options.online_key && !said.options.dry_run
	                             ? "the rotation is staged"
	                             : "nothing was changed");
}

const struct stp_verb stp_verb_rotate = {
    "rotate",
    "replaces the online keys, without a moment in which a client fails",
    "rotate REPO --online-key NAME.key.json [options] | rotate REPO",
    options_table,
    "  stampede key new /srv/stampede/pypi/keys/online-2\n"
    "  stampede rotate /srv/repo --online-key /srv/repo/keys/online-2.key.json\n"
    "  stampede rotate /srv/repo --online-key ts.key.json --role timestamp,snapshot\n"
    "  stampede rotate /srv/stampede/pypi\n",
    run,
};
