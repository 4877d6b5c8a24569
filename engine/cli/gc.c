/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/text.h"
#include "cli/cli.h"
#include "cli/period.h"
#include "cli/stdout.h"
#include "cli/verbs.h"
#include "stampede/gc.h"

enum { OPT_GRACE = 1, OPT_KEEP, OPT_AUDIT, OPT_DRY_RUN, OPT_NOW, OPT_AFTER_CLOCK_ERROR };

static const struct stp_option options_table[] = {
    {"grace", "24h", "keep what timestamps of this time list (m, h, d)", OPT_GRACE},
    {"keep", "K", "keep at least the last K snapshots (3)", OPT_KEEP},
    {"audit", "90d", "keep this much of the audit log, and a last run as old (m, h, d)", OPT_AUDIT},
    {"dry-run", NULL, "only say what would be removed", OPT_DRY_RUN},
    {"now", "TIME", "the time to use, YYYY-MM-DDTHH:MM:SSZ", OPT_NOW},
    {"after-clock-error", NULL,
     "the last publication lies in the future, since the clock was ahead then; it is right now",
     OPT_AFTER_CLOCK_ERROR},
    {NULL, NULL, NULL, 0},
};

/* A period that may be none; 0 after printing usage. */
static int take_period(struct stp_cli *cli, const char *name, const char *value, int64_t *out)
{
	if (!stp_cli_period(cli, name, value, out))
		return 0;
	if (*out == 0)
		*out = STP_GC_NO_TIME;
	return 1;
}

/* Takes one option; 0 after printing usage. */
static int take_option(struct stp_cli *cli, int id, const char *value,
                       struct stp_gc_options *options)
{
	switch (id) {
	case OPT_GRACE:
		return take_period(cli, "grace", value, &options->grace_seconds);
	case OPT_KEEP:
		return stp_cli_u64(cli, "keep", value, 1, 1000000, &options->keep);
	case OPT_AUDIT:
		return take_period(cli, "audit", value, &options->audit_keep_seconds);
	case OPT_DRY_RUN:
		options->dry_run = 1;
		return 1;
	case OPT_AFTER_CLOCK_ERROR:
		options->after_clock_error = 1;
		return 1;
	default:
		options->has_now = 1;
		return stp_cli_time(cli, "now", value, &options->now);
	}
}

static json_t *unknown_json(const struct stp_gc_report *report)
{
	json_t *array = json_array();
	size_t i;

	for (i = 0; i < report->unknown_count; i++)
		json_array_append_new(array, json_string(report->unknown[i]));
	return array;
}

static void print_json(const struct stp_gc_report *report, int dry_run)
{
	stp_cli_print_json(json_pack(
	    "{s:b,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:o,s:I}", "dry_run", dry_run,
	    "files_removed", (json_int_t)report->files_removed, "bytes_removed",
	    (json_int_t)report->bytes_removed, "links_removed", (json_int_t)report->links_removed,
	    "snapshots_removed", (json_int_t)report->snapshots_removed, "audit_lines_removed",
	    (json_int_t)report->audit_lines_removed, "snapshots_kept",
	    (json_int_t)report->snapshots_kept, "oldest_kept", (json_int_t)report->oldest_kept,
	    "files_kept", (json_int_t)report->files_kept, "links_kept",
	    (json_int_t)report->links_kept, "roots_kept", (json_int_t)report->roots_kept,
	    "strangers", (json_int_t)report->strangers, "unknown", unknown_json(report), "damaged",
	    (json_int_t)report->damaged));
}

static void print_unknown(const struct stp_gc_report *report)
{
	char count[32];
	size_t i;

	if (!report->strangers)
		return;
	printf("left alone %s unknown file%s, which stampede did not make:\n",
	       stp_count_format(report->strangers, count), report->strangers == 1 ? "" : "s");
	for (i = 0; i < report->unknown_count; i++)
		printf("  %s\n", report->unknown[i]);
	if (report->strangers > report->unknown_count)
		printf("  and %s more\n",
		       stp_count_format(report->strangers - report->unknown_count, count));
}

static void print_text(const struct stp_gc_report *report, int dry_run)
{
	char files[32];
	char links[32];
	char bytes[32];
	char text[256];

	printf("%s %s metadata files and %s target links, %s (snapshots: %llu)\n",
	       dry_run ? "would remove" : "removed", stp_count_format(report->files_removed, files),
	       stp_count_format(report->links_removed, links),
	       stp_bytes_format(report->bytes_removed, bytes),
	       (unsigned long long)report->snapshots_removed);
	if (!report->snapshots_kept) {
		printf("nothing is published yet\n");
		return;
	}
	snprintf(text, sizeof(text),
	         "kept %s metadata files and %s target links for %llu snapshots from version %llu "
	         "on, and %llu roots",
	         stp_count_format(report->files_kept, files),
	         stp_count_format(report->links_kept, links),
	         (unsigned long long)report->snapshots_kept,
	         (unsigned long long)report->oldest_kept, (unsigned long long)report->roots_kept);
	stp_cli_fold(0, text);
	print_unknown(report);
	if (report->damaged)
		printf(
		    "damaged: %s, which an older snapshot lists, and %llu more; what it may list "
		    "stays\nuntil that snapshot goes, or restore it from a backup\n",
		    report->damaged_name, (unsigned long long)report->damaged - 1);
	if (report->audit_lines_removed)
		printf("dropped %s old lines of the audit log\n",
		       stp_count_format(report->audit_lines_removed, files));
}

static int run(struct stp_cli *cli)
{
	struct stp_gc_options options = STP_GC_OPTIONS_INIT;
	struct stp_gc_report report;
	struct stp_err err = STP_ERR_INIT;
	const char *value;
	int id;

	options.cancel = cli->cancel;
	while ((id = stp_cli_option(cli, &value)) > 0)
		if (!take_option(cli, id, value, &options))
			return STP_EXIT_USAGE;
	if (id == STP_OPT_ERROR)
		return STP_EXIT_USAGE;
	if (cli->argument_count != 1)
		return stp_cli_usage(cli, "give one REPO");
	options.repo = cli->arguments[0];
	if (stp_gc(&options, &report, &err) != STP_OK)
		return stp_cli_fail(cli, &err);
	if (cli->json)
		print_json(&report, options.dry_run);
	else if (!cli->quiet || options.dry_run)
		print_text(&report, options.dry_run);
	if (options.dry_run)
		return STP_EXIT_OK;
	return stp_stdout_finish(cli, "gc", options.repo, "what is out of use was removed");
}

const struct stp_verb stp_verb_gc = {
    "gc",
    "removes metadata that no client can want any more; roots are never removed",
    "gc REPO [options]",
    options_table,
    "  stampede gc /srv/stampede/pypi --dry-run\n"
    "  stampede gc /srv/stampede/pypi --grace 48h --keep 6\n",
    run,
};
