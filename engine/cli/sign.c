/* SPDX-License-Identifier: Apache-2.0 */
#include "stampede/sign.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/sign_products.h"
#include "cli/stdout.h"
#include "cli/verbs.h"
#include "stampede/repository.h"

enum {
	OPT_JOBS = 1,
	OPT_REHASH,
	OPT_DIGESTS,
	OPT_SCAN,
	OPT_IO,
	OPT_ON_FAULT,
	OPT_ALLOW_REPLACE,
	OPT_ALLOW_REMOVALS,
	OPT_NOW,
	OPT_ABOVE,
	OPT_AFTER_CLOCK_ERROR,
	OPT_DRY_RUN,
	OPT_REPORT,
	OPT_METRICS,
};

static const struct stp_option options[] = {
    {"jobs", "N", "workers; 0 is the slow serial twin (default: one per processor)", OPT_JOBS},
    {"rehash", "changed|all|1/K",
     "what to read again: only what changed, everything, or a K-th of the index each run",
     OPT_REHASH},
    {"digests", "FILE|-", "digest list (CSV or NDJSON): the list is the index", OPT_DIGESTS},
    {"scan", "GLOB", "with --digests: add these files of the tree; may be repeated", OPT_SCAN},
    {"io", "auto|uring|pread", "how files are read", OPT_IO},
    {"on-fault", "stop|skip", "bad files: publish nothing, or publish without them", OPT_ON_FAULT},
    {"allow-replace", "PATH|GLOB", "this path's bytes may have changed; may be repeated",
     OPT_ALLOW_REPLACE},
    {"allow-removals", "N|all",
     "this run may remove so many targets, if \"max_removals\" allows fewer", OPT_ALLOW_REMOVALS},
    {"now", "TIME", "time of signing, YYYY-MM-DDTHH:MM:SSZ (default: the clock)", OPT_NOW},
    {"above", "N|TIMESTAMP",
     "after a restore: go on above this version, or that of a newer timestamp.json", OPT_ABOVE},
    {"after-clock-error", NULL,
     "go on although the last run was signed with a clock that was ahead; it is right now",
     OPT_AFTER_CLOCK_ERROR},
    {"dry-run", NULL, "scan and compare only; hash, write and publish nothing", OPT_DRY_RUN},
    {"report", "FILE.html", "write a page about the run: stages, throughput, workers over time",
     OPT_REPORT},
    {"metrics", "FILE.prom", "write Prometheus text for node_exporter's textfile collector",
     OPT_METRICS},
    {NULL, NULL, NULL, 0},
};

static const char examples[] =
    "  stampede sign /srv/stampede/pypi                      first run, every night\n"
    "  stampede sign /srv/stampede/pypi --rehash 1/30        re-read all in 30 runs\n"
    "  stampede sign /srv/stampede/pypi --digests files.csv  from a database\n"
    "  stampede sign /srv/stampede/pypi --on-fault skip      leave bad files out\n"
    "  stampede sign /srv/stampede/pypi --report run.html    a page about the run\n";

/* Lists that options fill, as long as the command line at most, and files to write besides. */
struct lists {
	const char **scan_globs;
	const char **replace_paths;
	struct stp_sign_products products;
};

/* Reads "changed", "all" or "1/K". */
static int take_rehash(struct stp_cli *cli, const char *value, struct stp_sign_options *run)
{
	uint64_t parts;

	if (strcmp(value, "changed") == 0) {
		run->rehash = STP_REHASH_CHANGED;
	} else if (strcmp(value, "all") == 0) {
		run->rehash = STP_REHASH_ALL;
	} else if (strncmp(value, "1/", 2) == 0 &&
	           stp_u64_parse(value + 2, strlen(value + 2), &parts) && parts >= 1 &&
	           parts <= 1000000) {
		run->rehash = STP_REHASH_PART;
		run->rehash_parts = (unsigned)parts;
	} else {
		stp_cli_usage(cli, "--rehash takes changed, all or 1/K such as 1/30, not '%s'",
		              value);
		return 0;
	}
	return 1;
}

static int take_scan(struct stp_cli *cli, const char *value, struct stp_sign_options *run,
                     struct lists *lists)
{
	if (!stp_target_glob_is_valid(value)) {
		stp_cli_usage(cli,
		              "--scan: '%s' is not a glob of target paths; write it as below "
		              "the targets folder, without a leading \"/\" or \"./\"",
		              value);
		return 0;
	}
	lists->scan_globs[run->scan_glob_count++] = value;
	return 1;
}

/* A path is taken as it stands; with "*" or "?" in it, as a glob. */
static int take_replace(struct stp_cli *cli, const char *value, struct stp_sign_options *run,
                        struct lists *lists)
{
	if (!stp_target_path_is_valid(value)) {
		stp_cli_usage(cli,
		              "--allow-replace: '%s' is not a target path or a glob of such; "
		              "write it as below the targets folder, without a leading \"/\" "
		              "or \"./\"",
		              value);
		return 0;
	}
	lists->replace_paths[run->replace_path_count++] = value;
	return 1;
}

/* Reads a number or "all". */
static int take_removals(struct stp_cli *cli, const char *value, struct stp_sign_options *run)
{
	if (strcmp(value, "all") == 0) {
		run->allow_removals = STP_REMOVALS_ALL;
		return 1;
	}
	if (stp_u64_parse(value, strlen(value), &run->allow_removals))
		return 1;
	stp_cli_usage(cli, "--allow-removals takes a whole number or all, not '%s'", value);
	return 0;
}

static int take_option(struct stp_cli *cli, int id, const char *value, struct stp_sign_options *run,
                       struct lists *lists)
{
	static const char *const policies[] = {"stop", "skip", NULL};
	int choice;

	switch (id) {
	case OPT_JOBS:
		return stp_cli_jobs(cli, value, &run->jobs);
	case OPT_REHASH:
		return take_rehash(cli, value, run);
	case OPT_DIGESTS:
		run->digests = value;
		return 1;
	case OPT_SCAN:
		return take_scan(cli, value, run, lists);
	case OPT_IO:
		choice = stp_io_mode_from_name(value);
		if (choice < 0)
			stp_cli_usage(cli, "--io takes one of auto, uring, pread, not '%s'", value);
		run->io = (enum stp_io_mode)choice;
		return choice >= 0;
	case OPT_ON_FAULT:
		choice = stp_cli_choice(cli, "on-fault", value, policies);
		run->on_fault = (enum stp_on_fault)choice;
		return choice >= 0;
	case OPT_ALLOW_REPLACE:
		return take_replace(cli, value, run, lists);
	case OPT_ALLOW_REMOVALS:
		return take_removals(cli, value, run);
	case OPT_NOW:
		run->has_now = 1;
		return stp_cli_now(cli, value, &run->now);
	case OPT_ABOVE:
		run->above = value;
		return 1;
	case OPT_AFTER_CLOCK_ERROR:
		run->after_clock_error = 1;
		return 1;
	case OPT_DRY_RUN:
		run->dry_run = 1;
		return 1;
	case OPT_REPORT:
		lists->products.report_path = value;
		return 1;
	case OPT_METRICS:
		lists->products.metrics_path = value;
		return 1;
	default:
		return 0;
	}
}

/* Faults first, then warnings: everything an operator may have to act on. */
static void print_faults(const struct stp_cli *cli, const struct stp_sign_report *report)
{
	size_t i;

	for (i = 0; i < report->damage_count; i++) {
		stp_cli_note(cli, "ledger", report->damage[i].subject, report->damage[i].text);
	}
	/* The first ones were told while the run went on. */
	for (i = report->logged_count; i < report->note_count; i++)
		stp_cli_note(cli, report->notes[i].stage, report->notes[i].subject,
		             report->notes[i].text);
	for (i = 0; i < stp_cli_faults_shown(cli, report->fault_kept_count); i++)
		stp_cli_fault(cli, report->faults[i].stage, report->faults[i].subject,
		              report->faults[i].text);
	stp_cli_more_faults(cli, report->fault_count, i);
}

static void warn_expiry(const struct stp_cli *cli, const struct stp_sign_report *report)
{
	char when[STP_TIME_BYTES + 1];

	if (!report->published || !report->interval_seconds ||
	    report->now + 2 * report->interval_seconds <= report->expires_at)
		return;
	stp_time_format(report->expires_at, when);
	stp_cli_warn(
	    cli,
	    "publish: timestamp.json: expires %s, before the run after next at the interval "
	    "seen (%" PRId64 " s); sign more often, or raise the expiry in stampede.json",
	    when, report->interval_seconds);
}

/* Seconds in few columns: out has at least 32 bytes. */
static const char *seconds_text(double seconds, char *out)
{
	snprintf(out, 32, seconds < 9.995 ? "%.2f" : seconds < 99.95 ? "%.1f" : "%.0f", seconds);
	return out;
}

static void print_seconds(const struct stp_sign_seconds *seconds)
{
	char total[32], scan[32], hash[32], ledger[32], bins[32], sign[32], publish[32], rest[32];
	char text[320];

	snprintf(text, sizeof(text),
	         "took %s s: scan %s, hash %s, ledger %s, bins %s, sign %s, publish %s, rest %s",
	         seconds_text(seconds->total, total), seconds_text(seconds->scan, scan),
	         seconds_text(seconds->hash, hash), seconds_text(seconds->ledger, ledger),
	         seconds_text(seconds->bins, bins), seconds_text(seconds->sign, sign),
	         seconds_text(seconds->publish, publish), seconds_text(seconds->rest, rest));
	stp_cli_fold(0, text);
}

static void print_text(const struct stp_sign_options *run, const struct stp_sign_report *report)
{
	char a[32], b[32], c[32], d[32];
	char expires[STP_TIME_BYTES + 1];
	char again[256];

	if (run->dry_run) {
		printf("dry run: %s targets in %s bins, %s files to hash (%s), %s removed; nothing "
		       "was "
		       "written\n",
		       stp_count_format(report->targets, a), stp_count_format(report->bins, b),
		       stp_count_format(report->files_hashed, c),
		       stp_bytes_format(report->bytes_hashed, d),
		       stp_count_format(report->files_removed, expires));
		if (stp_sign_again_text(&report->again, again, sizeof(again)))
			printf("%s\n", again);
		return;
	}
	stp_time_format(report->expires_at, expires);
	printf("signed %s targets (%s) in %s bins as version %" PRIu64 "\n",
	       stp_count_format(report->targets, a), stp_bytes_format(report->target_bytes, b),
	       stp_count_format(report->bins, c), report->versions.timestamp);
	printf("hashed %s files (%s), reused %s, removed %s, left out %s\n",
	       stp_count_format(report->files_hashed, a), stp_bytes_format(report->bytes_hashed, b),
	       stp_count_format(report->files_reused, c),
	       stp_count_format(report->files_removed, d),
	       stp_count_format(report->fault_count, expires));
	if (stp_sign_again_text(&report->again, again, sizeof(again)))
		printf("%s\n", again);
	print_seconds(&report->seconds);
	stp_time_format(report->expires_at, expires);
	stp_cli_print_path("published ", run->repo, "/public/metadata/timestamp.json");
	printf(", valid until %s\n", expires);
}

static void print_product(const struct stp_cli *cli, const struct stp_sign_options *run,
                          const struct stp_sign_report *report)
{
	if (cli->json) {
		char *json = stp_sign_report_json(report);

		if (json)
			puts(json);
		free(json);
	} else if (!cli->quiet || run->dry_run) {
		print_text(run, report);
	}
}

/* Everything but results: what an operator may have to act on. */
static void print_talk(const struct stp_cli *cli, const struct stp_sign_report *report)
{
	if (report->io_why[0])
		stp_cli_say(cli, "hash: io_uring: %s; reading with pread", report->io_why);
	print_faults(cli, report);
	warn_expiry(cli, report);
}

/* Behind the commit a failure does not undo it: clients have the new snapshot, and whoever reads
 * the failure must know that. */
static void tell_published(const struct stp_cli *cli, const struct stp_sign_report *report,
                           const char *what_else)
{
	char text[256];

	snprintf(text, sizeof(text),
	         "version %" PRIu64
	         " was published before that, so clients have the new snapshot; %s",
	         report->versions.timestamp, what_else);
	stp_cli_fault(cli, "publish", "timestamp.json", text);
}

/* The exit status of a run that failed, after telling why. */
static int tell_failure(const struct stp_cli *cli, const struct stp_sign_report *report,
                        const struct stp_err *err)
{
	int exit_code = stp_cli_fail(cli, err);

	if (report->published)
		tell_published(cli, report, "fix the cause and run again, to note it in state/");
	else if (err->code == STP_CANCELLED)
		stp_cli_warn(cli, "sign: what was hashed is kept; run the same command again to go "
		                  "on");
	return exit_code;
}

/* Writes --report and --metrics and flushes stdout; the exit status, which was exit_code. */
static int finish_output(const struct stp_cli *cli, const struct stp_sign_options *run,
                         struct stp_sign_products *products, const struct stp_sign_report *report,
                         const struct stp_err *failure, int exit_code)
{
	struct stp_err err = STP_ERR_INIT;
	int is_lost =
	    stp_sign_products_finish(products, run, report, failure->code, failure, &err) != STP_OK;
	enum stp_stdout out;

	if (is_lost)
		stp_cli_fail(cli, &err);
	out = stp_stdout_flush();
	if (!is_lost && out == STP_STDOUT_WRITTEN)
		return exit_code;
	if (!report->published)
		return exit_code == STP_EXIT_OK ? STP_EXIT_FAILED : exit_code;
	if (failure->code == STP_OK && (is_lost || out == STP_STDOUT_LOST))
		tell_published(cli, report, "only this output is missing");
	return STP_EXIT_PARTIAL;
}

static void tell(void *ctx, const char *stage, const char *subject, const char *text)
{
	stp_cli_tell(ctx, stage, subject, text);
}

static int run_with(struct stp_cli *cli, struct stp_sign_options *run,
                    struct stp_sign_products *products)
{
	struct stp_sign_report report;
	struct stp_err err = STP_ERR_INIT;
	enum stp_errc code;
	int exit_code;

	/* Before the metrics of a run that cannot be are written by the wrong user. */
	code = stp_repository_check_owner(run->repo, "sign", &err);
	if (code == STP_OK)
		code = stp_sign_products_begin(products, run, &err);
	if (code != STP_OK)
		return stp_cli_fail(cli, &err);
	stp_cli_progress_begin(cli);
	code = stp_sign(run, &report, &err);
	stp_cli_progress_end(cli);
	cli->is_committed = report.published;
	exit_code = report.fault_count ? STP_EXIT_PARTIAL : STP_EXIT_OK;
	print_talk(cli, &report);
	if (code == STP_OK || cli->json)
		print_product(cli, run, &report);
	if (code != STP_OK)
		exit_code = tell_failure(cli, &report, &err);
	exit_code = finish_output(cli, run, products, &report, &err, exit_code);
	stp_sign_report_release(&report);
	return exit_code;
}

static int run_sign(struct stp_cli *cli)
{
	struct stp_sign_options run = STP_SIGN_OPTIONS_INIT;
	struct lists lists = {
	    .scan_globs = calloc((size_t)cli->argc + 1, sizeof(char *)),
	    .replace_paths = calloc((size_t)cli->argc + 1, sizeof(char *)),
	};
	const char *value;
	int exit_code = STP_EXIT_USAGE;
	int id = STP_OPT_ERROR;

	if (lists.scan_globs && lists.replace_paths)
		while ((id = stp_cli_option(cli, &value)) > 0)
			if (!take_option(cli, id, value, &run, &lists))
				break;
	if (id == STP_OPT_END) {
		run.repo = cli->argument_count == 1 ? cli->arguments[0] : NULL;
		run.scan_globs = lists.scan_globs;
		run.replace_paths = lists.replace_paths;
		run.progress = cli->progress;
		run.cancel = cli->cancel;
		run.log = tell;
		run.log_ctx = cli;
		run.confine = 1;
		if (!run.repo)
			exit_code = stp_cli_usage(cli, "give one REPO, the folder that init made");
		else if (run.scan_glob_count && !run.digests)
			exit_code =
			    stp_cli_usage(cli, "--scan adds files to a digest list; without "
			                       "--digests the whole tree is scanned");
		else if (run.dry_run && lists.products.metrics_path)
			exit_code = stp_cli_usage(cli, "--metrics tells about real runs; leave it "
			                               "out with --dry-run");
		else
			exit_code = run_with(cli, &run, &lists.products);
	}
	free(lists.scan_globs);
	free(lists.replace_paths);
	return exit_code;
}

const struct stp_verb stp_verb_sign = {
    .name = "sign",
    .summary = "hash what is new, sign every bin, publish: the first time and every night",
    .synopsis = "sign REPO [options]",
    .options = options,
    .examples = examples,
    .run = run_sign,
};
