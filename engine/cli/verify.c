/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json_fields.h"
#include "base/limits.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/period.h"
#include "stampede/alg.h"
#include "stampede/verify.h"

enum {
	OPT_ROOT = 1,
	OPT_AS_CLIENT,
	OPT_STRICT,
	OPT_SERVED,
	OPT_NO_SERVED,
	OPT_AGAINST,
	OPT_TARGETS,
	OPT_SAMPLE,
	OPT_WITHIN,
	OPT_NOW,
	OPT_JOBS
};

static const struct stp_option options[] = {
    {"root", "FILE", "trust this root file, not the folder's own 1.root.json", OPT_ROOT},
    {"against", "OLD",
     "list what changed since OLD: a folder, an older timestamp, a snapshot's version",
     OPT_AGAINST},
    {"targets", "[DIR]", "hash the target files too: the repository's own, or those in DIR",
     OPT_TARGETS},
    {"sample", "1/K", "with --targets: a K-th of the files, another each day", OPT_SAMPLE},
    {"as-client", NULL, "look only at what a client would fetch", OPT_AS_CLIENT},
    {"served", NULL, "look at what a web server would hand out (default for REPO)", OPT_SERVED},
    {"no-served", NULL, "do not look at that", OPT_NO_SERVED},
    {"strict", NULL, "count every warning as an error", OPT_STRICT},
    {"expires-within", "12h", "report what expires within this time (m, h, d) too", OPT_WITHIN},
    {"now", "TIME", "hold expiries against YYYY-MM-DDTHH:MM:SSZ, not the clock", OPT_NOW},
    {"jobs", "N", "threads; 0: one thread and the plain kernels", OPT_JOBS},
    {NULL, NULL, NULL, 0},
};

/* Prints a role's line: name, version, expiry. */
static void print_role(const char *name, const struct stp_verify_role *role)
{
	char expires[STP_TIME_BYTES + 1] = "?";

	if (!role->found)
		return;
	if (role->expires > 0)
		stp_time_format(role->expires, expires);
	printf("  %-10s version %-8llu expires %s\n", name, (unsigned long long)role->version,
	       expires);
}

static void print_served(const struct stp_verify_report *report)
{
	char names[32];

	if (report->served_why)
		printf("  not looked at as a web server would serve it: %s\n", report->served_why);
	else if (report->served_names)
		printf("  %s names looked at as a web server would serve them\n",
		       stp_count_format(report->served_names, names));
	if (report->served_unpublished)
		printf("  %s more of a run that published nothing; the next run uses them, or gc "
		       "removes them\n",
		       stp_count_format(report->served_unpublished, names));
}

static void print_summary(const struct stp_verify_report *report)
{
	char bins[32], targets[32], bytes[32], metadata[32];
	char escaped[512];

	stp_text_escape(report->metadata_dir, strlen(report->metadata_dir), escaped,
	                sizeof(escaped));
	printf("%s\n", escaped);
	print_role("root", &report->root);
	print_role("timestamp", &report->timestamp);
	print_role("snapshot", &report->snapshot);
	print_role("targets", &report->targets);
	print_role("bins", &report->bins);
	printf("  %s bins (%s), %s targets of %s, %s of bin metadata\n",
	       stp_count_format(report->bin_count, bins), report->delegation,
	       stp_count_format(report->target_count, targets),
	       stp_bytes_format(report->target_bytes, bytes),
	       stp_bytes_format(report->bin_file_bytes, metadata));
	printf("  %s signatures checked, %s of them by two libraries\n",
	       stp_count_format(report->signatures_checked, bins),
	       stp_count_format(report->signatures_checked_twice, targets));
	if (report->files_checked || report->files_skipped)
		printf("  %s files hashed, %s; %s not in the sample\n",
		       stp_count_format(report->files_checked, bins),
		       stp_bytes_format(report->files_checked_bytes, bytes),
		       stp_count_format(report->files_skipped, targets));
	print_served(report);
	if (report->tombstones)
		printf("  %llu names in the snapshot that nobody delegates to any more\n",
		       (unsigned long long)report->tombstones);
}

static void print_clients(const struct stp_verify_report *report)
{
	size_t i;

	if (report->client_count)
		printf("clients\n");
	for (i = 0; i < report->client_count; i++) {
		const struct stp_client_verdict *verdict = &report->clients[i];

		printf("  %-14s ", verdict->client);
		if (verdict->reasons[0])
			printf("%-8s ", stp_client_answer_name(verdict->answer));
		else
			printf("%s", stp_client_answer_name(verdict->answer));
		stp_cli_fold(26, verdict->reasons);
	}
}

/* The word that a finding begins with. */
static const char *severity_name(const struct stp_finding *finding, int strict)
{
	return strict || stp_finding_severity(finding->code) == STP_SEVERITY_ERROR ? "error"
	                                                                           : "warning";
}

static void print_findings(const struct stp_verify_report *report, int strict)
{
	char subject[1024];
	size_t i;

	for (i = 0; i < report->finding_count; i++) {
		const struct stp_finding *finding = &report->findings[i];

		stp_text_escape(finding->subject, strlen(finding->subject), subject,
		                sizeof(subject));
		printf("%s: %s: %s: %s\n", severity_name(finding, strict),
		       stp_finding_code_name(finding->code), subject, finding->text);
	}
	if (report->error_total + report->warning_total == 0)
		printf("no findings\n");
	else
		printf("%llu errors, %llu warnings%s\n", (unsigned long long)report->error_total,
		       (unsigned long long)report->warning_total,
		       report->setup_total ? "; --strict counts those about the set-up too" : "");
}

static json_t *role_json(const struct stp_verify_role *role)
{
	char expires[STP_TIME_BYTES + 1] = "";

	if (!role->found)
		return json_null();
	if (role->expires > 0)
		stp_time_format(role->expires, expires);
	return json_pack("{s:I, s:s, s:I}", "version", (json_int_t)role->version, "expires",
	                 expires, "bytes", (json_int_t)role->file_bytes);
}

static json_t *findings_json(const struct stp_verify_report *report, int strict)
{
	json_t *array = json_array();
	char subject[1024];
	size_t i;

	for (i = 0; i < report->finding_count; i++) {
		const struct stp_finding *finding = &report->findings[i];

		stp_text_escape(finding->subject, strlen(finding->subject), subject,
		                sizeof(subject));
		json_array_append_new(array, json_pack("{s:s, s:s, s:s, s:s}", "severity",
		                                       severity_name(finding, strict), "code",
		                                       stp_finding_code_name(finding->code),
		                                       "subject", subject, "text", finding->text));
	}
	return array;
}

static json_t *clients_json(const struct stp_verify_report *report)
{
	json_t *array = json_array();
	size_t i;

	for (i = 0; i < report->client_count; i++)
		json_array_append_new(
		    array, json_pack("{s:s, s:s, s:s}", "client", report->clients[i].client,
		                     "answer", stp_client_answer_name(report->clients[i].answer),
		                     "reasons", report->clients[i].reasons));
	return array;
}

static json_t *hashes_json(unsigned set)
{
	json_t *array = json_array();
	int i;

	for (i = 0; i < STP_ALG_COUNT; i++)
		if (set & STP_ALG_BIT(i))
			json_array_append_new(array, json_string(stp_alg_name((enum stp_alg)i)));
	return array;
}

static json_t *report_json(const struct stp_verify_report *report, int strict)
{
	json_t *object = json_object(), *roles = json_object();
	char now[STP_TIME_BYTES + 1], metadata_dir[8192];

	stp_time_format(report->now, now);
	stp_text_escape(report->metadata_dir, strlen(report->metadata_dir), metadata_dir,
	                sizeof(metadata_dir));
	json_object_set_new(object, "metadata", json_string(metadata_dir));
	json_object_set_new(object, "now", json_string(now));
	stp_json_set_u64(object, "errors", report->error_total);
	stp_json_set_u64(object, "warnings", report->warning_total);
	stp_json_set_u64(object, "setup_warnings", report->setup_total);
	json_object_set_new(roles, "root", role_json(&report->root));
	json_object_set_new(roles, "timestamp", role_json(&report->timestamp));
	json_object_set_new(roles, "snapshot", role_json(&report->snapshot));
	json_object_set_new(roles, "targets", role_json(&report->targets));
	json_object_set_new(roles, "bins", role_json(&report->bins));
	json_object_set_new(object, "roles", roles);
	json_object_set_new(object, "delegation", json_string(report->delegation));
	stp_json_set_u64(object, "root_steps", report->root_steps);
	stp_json_set_u64(object, "bins", report->bin_count);
	stp_json_set_u64(object, "bins_read", report->bins_read);
	stp_json_set_u64(object, "bin_bytes", report->bin_file_bytes);
	stp_json_set_u64(object, "bin_bytes_max", report->bin_file_bytes_max);
	stp_json_set_u64(object, "tombstones", report->tombstones);
	stp_json_set_u64(object, "targets", report->target_count);
	stp_json_set_u64(object, "target_bytes", report->target_bytes);
	json_object_set_new(object, "hashes", hashes_json(report->target_hash_set));
	stp_json_set_u64(object, "signatures_checked", report->signatures_checked);
	stp_json_set_u64(object, "signatures_checked_twice", report->signatures_checked_twice);
	stp_json_set_u64(object, "files_checked", report->files_checked);
	stp_json_set_u64(object, "files_checked_bytes", report->files_checked_bytes);
	stp_json_set_u64(object, "files_skipped", report->files_skipped);
	stp_json_set_u64(object, "served_names", report->served_names);
	stp_json_set_u64(object, "served_unpublished", report->served_unpublished);
	json_object_set_new(object, "served_mode",
	                    report->served_mode ? json_string(report->served_mode) : json_null());
	json_object_set_new(object, "served_why",
	                    report->served_why ? json_string(report->served_why) : json_null());
	json_object_set_new(object, "clients", clients_json(report));
	json_object_set_new(object, "findings", findings_json(report, strict));
	json_object_set_new(object, "seconds",
	                    json_pack("{s:f, s:f, s:f}", "metadata", report->seconds_metadata,
	                              "files", report->seconds_files, "total",
	                              report->seconds_total));
	return object;
}

/* "1/K". */
static int take_sample(struct stp_cli *cli, const char *value, uint64_t *out)
{
	if (strncmp(value, "1/", 2) == 0 && stp_u64_parse(value + 2, strlen(value + 2), out) &&
	    *out)
		return 1;
	stp_cli_usage(cli, "--sample takes 1/K, such as 1/30, not '%s'", value);
	return 0;
}

struct asked {
	struct stp_verify_options verify;
	const char *against;
};

/* One option into asked; 0 when it is wrong. */
static int take_option(struct stp_cli *cli, int id, const char *value, struct asked *asked)
{
	struct stp_verify_options *out = &asked->verify;

	switch (id) {
	case OPT_ROOT:
		out->root_file = value;
		return 1;
	case OPT_AGAINST:
		asked->against = value;
		return 1;
	case OPT_TARGETS:
		out->targets_dir = value ? value : "";
		return 1;
	case OPT_SAMPLE:
		return take_sample(cli, value, &out->sample);
	case OPT_AS_CLIENT:
		out->as_client = 1;
		return 1;
	case OPT_SERVED:
		out->served = STP_SERVED_YES;
		return 1;
	case OPT_NO_SERVED:
		out->served = STP_SERVED_NO;
		return 1;
	case OPT_STRICT:
		out->strict = 1;
		return 1;
	case OPT_WITHIN:
		return stp_cli_period(cli, "expires-within", value, &out->expires_within_s);
	case OPT_NOW:
		out->has_now = 1;
		return stp_cli_time(cli, "now", value, &out->now);
	case OPT_JOBS:
		return stp_cli_jobs(cli, value, &out->jobs);
	default:
		return 0;
	}
}

/* ------------------------------------------------------------------------- --against */

static const char *const change_names[] = {"changed", "removed", "added"};

/* One line of text: kind, path, lengths and digests. */
static void print_change(const struct stp_change *change)
{
	char path[4 * 4096];

	stp_text_escape(change->path, change->path_bytes, path, sizeof(path));
	printf("%-7s %s", change_names[change->kind], path);
	if (change->kind == STP_CHANGE_DIGEST)
		printf(" %llu -> %llu bytes, %s %.*s -> %.*s\n",
		       (unsigned long long)change->old_length,
		       (unsigned long long)change->new_length, change->algorithm,
		       (int)change->digest_chars, change->old_digest, (int)change->digest_chars,
		       change->new_digest);
	else
		printf(" %llu bytes, %s %.*s\n",
		       (unsigned long long)change->old_length +
		           (unsigned long long)change->new_length,
		       change->algorithm, (int)change->digest_chars,
		       change->old_digest ? change->old_digest : change->new_digest);
}

/* The same as one JSON object a line. The path stands as it does in canonical JSON. */
static void print_change_json(const struct stp_change *change)
{
	printf("{\"change\":\"%s\",\"path\":\"%.*s\",\"algorithm\":\"%s\"",
	       change_names[change->kind], (int)change->path_bytes, change->path,
	       change->algorithm);
	if (change->old_digest)
		printf(",\"old_digest\":\"%.*s\",\"old_length\":%llu", (int)change->digest_chars,
		       change->old_digest, (unsigned long long)change->old_length);
	if (change->new_digest)
		printf(",\"new_digest\":\"%.*s\",\"new_length\":%llu", (int)change->digest_chars,
		       change->new_digest, (unsigned long long)change->new_length);
	printf("}\n");
}

static enum stp_errc take_change(void *ctx, const struct stp_change *change, struct stp_err *err)
{
	const struct stp_cli *cli = ctx;

	if (cli->json)
		print_change_json(change);
	else
		print_change(change);
	if (ferror(stdout))
		return STP_FAIL(err, STP_IO, "output", "", "stdout could not be written");
	return STP_OK;
}

static void print_against(const struct stp_verify_against_report *report)
{
	char changed[32], removed[32], added[32];

	printf("snapshot %llu against %llu: %s changed, %s removed, %s added\n",
	       (unsigned long long)report->new_snapshot, (unsigned long long)report->old_snapshot,
	       stp_count_format(report->digest_changed, changed),
	       stp_count_format(report->removed, removed), stp_count_format(report->added, added));
}

/* Compares; exit 1 when a path has other bytes than it had. */
static int run_against(struct stp_cli *cli, const struct stp_verify_options *verify,
                       const char *old_path)
{
	struct stp_verify_against_options against = STP_VERIFY_AGAINST_OPTIONS_INIT;
	struct stp_verify_against_report report;
	struct stp_err err = STP_ERR_INIT;

	against.new_path = verify->path;
	against.old_path = old_path;
	against.jobs = verify->jobs;
	against.cancel = cli->cancel;
	against.on_change = take_change;
	against.on_change_ctx = cli;
	if (stp_verify_against(&against, &report, &err) != STP_OK)
		return stp_cli_fail(cli, &err);
	if (cli->json)
		stp_cli_print_json(json_pack(
		    "{s:{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f}}", "summary", "old_snapshot",
		    (json_int_t)report.old_snapshot, "new_snapshot",
		    (json_int_t)report.new_snapshot, "old_bins", (json_int_t)report.old_bins,
		    "new_bins", (json_int_t)report.new_bins, "bins_same",
		    (json_int_t)report.bins_same, "changed", (json_int_t)report.digest_changed,
		    "removed", (json_int_t)report.removed, "added", (json_int_t)report.added,
		    "seconds", report.seconds_total));
	else
		print_against(&report);
	return report.digest_changed ? STP_EXIT_VERIFY : STP_EXIT_OK;
}

static int run(struct stp_cli *cli)
{
	struct asked asked = {.verify = STP_VERIFY_OPTIONS_INIT};
	struct stp_verify_report report;
	struct stp_err err = STP_ERR_INIT;
	const char *value;
	enum stp_errc code;
	int id, found;

	while ((id = stp_cli_option(cli, &value)) > 0)
		if (!take_option(cli, id, value, &asked))
			return STP_EXIT_USAGE;
	if (id == STP_OPT_ERROR)
		return STP_EXIT_USAGE;
	if (cli->argument_count == 0 && asked.verify.targets_dir && asked.verify.targets_dir[0]) {
		/* "verify --targets REPO": the word is the repository. */
		asked.verify.path = asked.verify.targets_dir;
		asked.verify.targets_dir = "";
	} else if (cli->argument_count == 1) {
		asked.verify.path = cli->arguments[0];
	} else {
		return stp_cli_usage(cli, "give one repository or metadata folder");
	}
	asked.verify.cancel = cli->cancel;
	asked.verify.progress = cli->progress;
	if (asked.verify.sample && !asked.verify.targets_dir)
		return stp_cli_usage(cli, "--sample says how many files of --targets to hash");
	if (asked.against && asked.verify.targets_dir)
		return stp_cli_usage(cli, "--against compares metadata; run --targets apart");
	if (asked.against)
		return run_against(cli, &asked.verify, asked.against);
	stp_cli_progress_begin(cli);
	code = stp_verify(&asked.verify, &report, &err);
	stp_cli_progress_end(cli);
	if (code != STP_OK)
		return stp_cli_fail(cli, &err);
	if (cli->json) {
		stp_cli_print_json(report_json(&report, asked.verify.strict));
	} else {
		print_summary(&report);
		print_clients(&report);
		print_findings(&report, asked.verify.strict);
	}
	found = report.error_total + report.warning_total > report.setup_total;
	stp_verify_report_release(&report);
	return found ? STP_EXIT_VERIFY : STP_EXIT_OK;
}

const struct stp_verb stp_verb_verify = {
    .name = "verify",
    .summary = "audit what is published, as a client and more",
    .synopsis = "verify REPO|METADATA_DIR [options]",
    .options = options,
    .examples = "  stampede verify /srv/stampede/pypi\n"
                "  stampede verify /srv/stampede/pypi --expires-within 12h --json\n"
                "  stampede verify mirror/metadata --root my-root.json --targets mirror/files\n"
                "  stampede verify /srv/stampede/pypi --against /backup/last-known-good --json\n",
    .run = run,
};
