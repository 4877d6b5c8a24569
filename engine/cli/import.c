/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/stdout.h"
#include "cli/verbs.h"
#include "stampede/import.h"

enum {
	OPT_FROM = 1,
	OPT_TRUST,
	OPT_TARGETS,
	OPT_PROFILE,
	OPT_BINS,
	OPT_HASH,
	OPT_OFFLINE_KEYS,
	OPT_DROP_TARGETS,
	OPT_TARGET_FILES,
	OPT_LINK,
	OPT_NOW,
};

static const struct stp_option options_table[] = {
    {"from", "METADATA_DIR", "the other tool's metadata, as clients fetch it (required)", OPT_FROM},
    {"trust", "ROOT.json", "a root that clients have, kept elsewhere (required)", OPT_TRUST},
    {"targets", "DIR", "folder of the files to be signed (required)", OPT_TARGETS},
    {"profile", "pep458|compat|prefixes", "structure and defaults", OPT_PROFILE},
    {"bins", "N", "number of bins, a power of two", OPT_BINS},
    {"hash", "ALG[,ALG]", "hashes of targets: sha256, sha512, blake2b-256", OPT_HASH},
    {"offline-keys", "DIR",
     "sign the new root, targets and bins now, with the old keys root-1.pem, targets-1.pem ...",
     OPT_OFFLINE_KEYS},
    {"drop-targets", NULL, "go on although old targets are not in the folder", OPT_DROP_TARGETS},
    {"target-files", "auto|all|mutable|none", "which HASH.NAME files public/targets gets",
     OPT_TARGET_FILES},
    {"link", "symlink|hardlink|reflink|copy", "how those files are made", OPT_LINK},
    {"now", "TIME", "the time to use, YYYY-MM-DDTHH:MM:SSZ", OPT_NOW},
    {NULL, NULL, NULL, 0},
};

/* Takes one option; 0 after printing usage. */
static int take_option(struct stp_cli *cli, int id, const char *value,
                       struct stp_import_options *options)
{
	switch (id) {
	case OPT_FROM:
		options->from = value;
		return 1;
	case OPT_TRUST:
		options->trusted_root = value;
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
	case OPT_OFFLINE_KEYS:
		options->offline_keys = value;
		return 1;
	case OPT_DROP_TARGETS:
		options->drop_targets = 1;
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

static json_t *version_json(uint64_t version)
{
	return version ? json_integer((json_int_t)version) : json_null();
}

static json_t *versions_json(const struct stp_import_versions *versions)
{
	return json_pack("{s:o,s:o,s:o,s:o,s:o}", "root", version_json(versions->root), "targets",
	                 version_json(versions->targets), "bins", version_json(versions->bins),
	                 "snapshot", version_json(versions->snapshot), "timestamp",
	                 version_json(versions->timestamp));
}

static void print_json(const struct stp_import_report *report)
{
	json_t *foreign = json_array();
	json_t *lines = json_array();
	const char *at = report->view;
	size_t i;

	for (i = 0; i < report->foreign_count; i++)
		json_array_append_new(foreign, stp_cli_json_text(report->foreign[i]));
	for (; *at; at += strcspn(at, "\n") + 1)
		json_array_append_new(lines, json_stringn(at, strcspn(at, "\n")));
	stp_cli_print_json(json_pack(
	    "{s:o,s:o,s:s,s:I,s:s,s:b,s:{s:I,s:I},s:o,s:o,s:I,s:o,s:I,s:I,s:o}", "repo",
	    stp_cli_json_text(report->repo), "targets_dir", stp_cli_json_text(report->targets_dir),
	    "profile", report->profile, "bins", (json_int_t)report->bin_count, "online_keyid",
	    report->online_keyid, "needs_ceremony", !report->made.root, "roots", "first",
	    (json_int_t)report->root_first, "count", (json_int_t)report->root_count, "old",
	    versions_json(&report->old), "signed", versions_json(&report->made), "names_kept",
	    (json_int_t)report->names_kept, "foreign", foreign, "targets_listed",
	    (json_int_t)report->targets_listed, "targets_missing",
	    (json_int_t)report->targets_missing, "changes", lines));
}

static void print_text(const struct stp_import_report *report)
{
	stp_cli_print_path("made ", report->repo, "\n");
	fputs(report->view, stdout);
	if (report->made.root) {
		printf("\nTake the offline keys off this machine again.\n");
		stp_cli_print_path("next: stampede sign ", report->repo, "\n");
	} else {
		stp_cli_print_path(
		    "\nnext, with the holders of the old keys: stampede ceremony start ",
		    report->repo, " --out PAYLOAD --purpose \"take over\"\n");
		stp_cli_print_path("then: stampede ceremony finish ", report->repo,
		                   " PAYLOAD SIGNATURES...; stampede sign\n");
	}
	printf("Until the first sign, clients must go on fetching from the old place.\n");
	stp_cli_print_path("Keep here, and back up: ", report->repo,
	                   "/keys (online key, seal key)\n");
}

static int run(struct stp_cli *cli)
{
	struct stp_import_options options = STP_IMPORT_OPTIONS_INIT;
	struct stp_import_report report;
	struct stp_err err = STP_ERR_INIT;
	const char *value;
	int exit_code;
	int id;

	while ((id = stp_cli_option(cli, &value)) > 0)
		if (!take_option(cli, id, value, &options))
			return STP_EXIT_USAGE;
	if (id == STP_OPT_ERROR)
		return STP_EXIT_USAGE;
	if (cli->argument_count != 1)
		return stp_cli_usage(cli, "give one REPO");
	if (!options.from || !options.trusted_root || !options.targets_dir)
		return stp_cli_usage(cli,
		                     "--from METADATA_DIR, --trust ROOT.json and --targets DIR "
		                     "are required");
	options.repo = cli->arguments[0];
	if (stp_import(&options, &report, &err) != STP_OK)
		return stp_cli_fail(cli, &err);
	if (cli->json)
		print_json(&report);
	else if (!cli->quiet)
		print_text(&report);
	exit_code = stp_stdout_finish(cli, "import", report.repo, "the repository was made");
	stp_import_report_release(&report);
	return exit_code;
}

const struct stp_verb stp_verb_import = {
    "import",
    "takes over a repository that another TUF tool made",
    "import REPO --from METADATA_DIR --trust ROOT.json --targets DIR [options]",
    options_table,
    "  stampede import /srv/stampede/pypi --from /srv/old/metadata --trust 1.root.json "
    "--targets /srv/index\n"
    "  stampede import /srv/stampede/pypi --from /srv/old/metadata --trust 1.root.json "
    "--targets /srv/index --offline-keys /mnt/keys\n",
    run,
};
