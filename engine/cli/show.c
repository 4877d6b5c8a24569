/* SPDX-License-Identifier: Apache-2.0 */
#include "stampede/show.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json_fields.h"
#include "base/text.h"
#include "cli/cli.h"
#include "stampede/alg.h"

enum { OPT_CHECK = 1 };

static const struct stp_option options[] = {
    {"check", NULL, "read the file, and what is served, and compare their digests", OPT_CHECK},
    {NULL, NULL, NULL, 0},
};

static void print_time(const char *before, int64_t epoch_s)
{
	char text[STP_TIME_BYTES + 1];

	stp_time_format(epoch_s, text);
	printf("%s%s", before, text);
}

static void print_signed(const struct stp_show_report *report)
{
	int alg;

	printf("  length     %llu\n", (unsigned long long)report->length);
	for (alg = 0; alg < STP_ALG_COUNT; alg++)
		if (report->hex[alg][0])
			printf("  %-10s %s\n", stp_alg_name((enum stp_alg)alg), report->hex[alg]);
	printf("  signed     by %s in %s, which snapshot %llu lists\n", report->bin_role,
	       report->bin_file, (unsigned long long)report->snapshot_version);
	printf("  since      version %llu%s", (unsigned long long)report->since,
	       report->is_since_at_least ? " at least" : "");
	if (report->since_at)
		print_time(", ", report->since_at);
	if (report->before)
		printf("; version %llu %s", (unsigned long long)report->before,
		       report->before_had_other ? "has other bytes" : "does not list it");
	printf("\n");
}

static void print_record(const struct stp_show_report *report)
{
	if (!report->has_record)
		printf("  verified   %s\n", report->record_text);
	else if (!report->verified_at)
		printf("  verified   never here: the digest is that of a digest list\n");
	else
		print_time("  verified   ", report->verified_at);
	if (report->has_record && report->verified_at) {
		if (report->inode)
			printf(" (inode %llu)", (unsigned long long)report->inode);
		printf("\n");
	}
}

static void print_file(const char *what, const struct stp_show_file *file, const char *more)
{
	char name[4 * sizeof(file->name) + 1];

	stp_text_escape(file->name, strlen(file->name), name, sizeof(name));
	printf("  %-10s %s %s%s\n", what, name, file->text, more);
}

static void print_text(const struct stp_show_options *asked, const struct stp_show_report *report)
{
	char path[4 * 4096 + 1];

	stp_text_escape(asked->path, strlen(asked->path), path, sizeof(path));
	if (!report->is_target) {
		printf("%s is not a target in snapshot %llu\n", path,
		       (unsigned long long)report->snapshot_version);
		if (report->last_listed)
			printf("  it was one in snapshot %llu\n",
			       (unsigned long long)report->last_listed);
		else
			printf("  nor in any older snapshot that is kept and can be verified\n");
		return;
	}
	printf("%s\n", path);
	print_signed(report);
	print_record(report);
	print_file("file", &report->file,
	           report->is_file_unchanged ? ", and is the file that was verified, untouched"
	                                     : "");
	print_file("served", &report->served, "");
}

static json_t *file_json(const struct stp_show_file *file)
{
	char name[4 * sizeof(file->name) + 1];

	stp_text_escape(file->name, strlen(file->name), name, sizeof(name));
	return json_pack("{s:s, s:s, s:s}", "name", name, "state", stp_show_state_name(file->state),
	                 "text", file->text);
}

static json_t *hashes_json(const struct stp_show_report *report)
{
	json_t *object = json_object();
	int alg;

	for (alg = 0; alg < STP_ALG_COUNT; alg++)
		if (report->hex[alg][0])
			json_object_set_new(object, stp_alg_name((enum stp_alg)alg),
			                    json_string(report->hex[alg]));
	return object;
}

static json_t *record_json(const struct stp_show_report *report)
{
	json_t *object;

	if (!report->has_record)
		return json_null();
	object = json_object();
	stp_json_set_time(object, "verified", report->verified_at);
	stp_json_set_u64(object, "inode", report->inode);
	json_object_set_new(object, "mtime_ns", json_integer(report->mtime_ns));
	json_object_set_new(object, "ctime_ns", json_integer(report->ctime_ns));
	return object;
}

static json_t *report_json(const struct stp_show_options *asked,
                           const struct stp_show_report *report)
{
	json_t *object = json_object();
	char path[4 * 4096 + 1];

	stp_text_escape(asked->path, strlen(asked->path), path, sizeof(path));
	json_object_set_new(object, "path", json_string(path));
	json_object_set_new(object, "target", json_boolean(report->is_target));
	stp_json_set_u64(object, "snapshot", report->snapshot_version);
	json_object_set_new(object, "bin", json_string(report->bin_role));
	json_object_set_new(object, "bin_file", json_string(report->bin_file));
	if (!report->is_target) {
		json_object_set_new(object, "last_listed",
		                    report->last_listed
		                        ? json_integer((json_int_t)report->last_listed)
		                        : json_null());
		return object;
	}
	stp_json_set_u64(object, "length", report->length);
	json_object_set_new(object, "hashes", hashes_json(report));
	stp_json_set_u64(object, "since", report->since);
	stp_json_set_time(object, "since_time", report->since_at);
	json_object_set_new(object, "since_at_least", json_boolean(report->is_since_at_least));
	json_object_set_new(object, "before",
	                    report->before ? json_integer((json_int_t)report->before)
	                                   : json_null());
	json_object_set_new(object, "before_had_other", json_boolean(report->before_had_other));
	json_object_set_new(object, "record", record_json(report));
	json_object_set_new(object, "file", file_json(&report->file));
	json_object_set_new(object, "file_unchanged", json_boolean(report->is_file_unchanged));
	json_object_set_new(object, "served", file_json(&report->served));
	return object;
}

/* True when nothing that was looked at is other than what is signed. */
static int is_good(const struct stp_show_report *report)
{
	const enum stp_show_state states[] = {report->file.state, report->served.state};
	size_t i;

	for (i = 0; i < 2; i++)
		if (states[i] == STP_SHOW_OTHER || states[i] == STP_SHOW_DIFFERS ||
		    states[i] == STP_SHOW_MISSING)
			return 0;
	return report->is_target;
}

static int run(struct stp_cli *cli)
{
	struct stp_show_options asked = STP_SHOW_OPTIONS_INIT;
	struct stp_show_report report;
	struct stp_err err = STP_ERR_INIT;
	const char *value;
	int id;

	asked.cancel = cli->cancel;
	while ((id = stp_cli_option(cli, &value)) > 0)
		asked.check |= id == OPT_CHECK;
	if (id == STP_OPT_ERROR)
		return STP_EXIT_USAGE;
	if (cli->argument_count != 2)
		return stp_cli_usage(cli, "give one repository and one target path");
	asked.repo = cli->arguments[0];
	asked.path = cli->arguments[1];
	if (stp_show(&asked, &report, &err) != STP_OK)
		return stp_cli_fail(cli, &err);
	if (!report.is_verified) {
		fputs("stampede: show: what is published for this path cannot be verified; "
		      "'stampede verify' says why\n",
		      stderr);
		return STP_EXIT_VERIFY;
	}
	if (cli->json)
		stp_cli_print_json(report_json(&asked, &report));
	else
		print_text(&asked, &report);
	return is_good(&report) ? STP_EXIT_OK : STP_EXIT_VERIFY;
}

const struct stp_verb stp_verb_show = {
    .name = "show",
    .summary = "what is signed for one path, since when, and whether the file is that",
    .synopsis = "show REPO PATH [options]",
    .options = options,
    .examples = "  stampede show /srv/stampede/pypi packages/ab/cd/name-1.0-py3-none-any.whl\n"
                "  stampede show /srv/stampede/pypi simple/name/index.html --check --json\n",
    .run = run,
};
