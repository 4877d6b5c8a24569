/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/stolen.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/product.h"
#include "cli/stdout.h"

/* ---------------------------------------------------------------- options */

int stp_cli_stolen_mirror(struct stp_cli *cli, struct stp_cli_stolen *stolen, const char *value)
{
	if (stolen->mirror_count == STP_CLI_MIRRORS_MAX) {
		stp_cli_usage(cli, "takes --mirror at most %d times; put copies into one folder",
		              STP_CLI_MIRRORS_MAX);
		return 0;
	}
	stolen->mirrors[stolen->mirror_count++] = value;
	return 1;
}

/* Which keys were stolen; 0 after printing usage. */
static int take_role(struct stp_cli *cli, struct stp_cli_stolen *stolen)
{
	const char *role = stolen->role;

	stolen->options.role = STP_STOLEN_ONLINE;
	if (!role || strcmp(role, "online") == 0)
		return 1;
	if (strcmp(role, "targets") == 0 || strcmp(role, "bins") == 0) {
		stolen->options.role =
		    strcmp(role, "bins") == 0 ? STP_STOLEN_BINS : STP_STOLEN_TARGETS;
		return 1;
	}
	if (strcmp(role, "root") == 0) {
		stp_cli_usage(cli, "--role root: fewer root keys than the threshold sign nothing "
		                   "that clients take; "
		                   "replace it by a ceremony: stampede ceremony start REPO --out "
		                   "PAYLOAD --remove root=NAME --add root=NEW.key.json");
		return 0;
	}
	stp_cli_usage(
	    cli,
	    "--role %s: clients that saw what the thief signed stay stuck unless the keys "
	    "of timestamp, snapshot and bin-n are replaced together; leave --role out, or "
	    "name an offline role, targets or bins",
	    role);
	return 0;
}

/* ---------------------------------------------------------------- text */

static const char *time_text(int64_t time, char out[STP_TIME_BYTES + 1])
{
	stp_time_format(time, out);
	return time ? out : "unknown";
}

static void print_target(const struct stp_forged_target *target)
{
	static const char *const kinds[] = {
	    [STP_CHANGE_DIGEST] = "changed",
	    [STP_CHANGE_REMOVED] = "withheld",
	    [STP_CHANGE_ADDED] = "added",
	};

	printf("      %-8s ", kinds[target->kind]);
	stp_cli_print_path("", target->path, "\n");
	if (target->old_digest)
		printf("               was %s %s\n", target->algorithm, target->old_digest);
	if (target->new_digest)
		printf("               is  %s %s\n", target->algorithm, target->new_digest);
}

static void print_forgery(const struct stp_forgery *forgery)
{
	char expires[STP_TIME_BYTES + 1];

	stp_cli_print_path("    ", forgery->folder, "/");
	stp_cli_print_path("", forgery->file, "");
	stp_cli_print_path(": ", forgery->role, "");
	printf(" %" PRIu64 ", expires %s%s\n", forgery->version,
	       time_text(forgery->expires, expires),
	       forgery->kind == STP_FORGERY_RENAMED ? ", a file of ours under another name" : "");
	if (forgery->is_compared)
		printf("      against the last known good: %" PRIu64 " targets changed, %" PRIu64
		       " added, %" PRIu64 " withheld\n",
		       forgery->changed, forgery->added, forgery->removed);
	for (size_t i = 0; i < forgery->target_count; i++)
		print_target(&forgery->targets[i]);
}

static void print_log(const struct stp_hunt_report *hunt)
{
	char from[STP_TIME_BYTES + 1];
	char to[STP_TIME_BYTES + 1];

	if (!hunt->log_lines && !hunt->log_malformed)
		return;

	printf("  state/audit.log: %" PRIu64 " lines from %s to %s\n", hunt->log_lines,
	       time_text(hunt->log_first_at, from), time_text(hunt->log_last_at, to));
	if (!hunt->has_known_log)
		printf("    the last known good has no copy of it: whether it was edited is not "
		       "known\n");
	if (hunt->log_vanished || hunt->log_inserted || hunt->log_malformed || hunt->log_backwards)
		printf("    EDITED? %" PRIu64 " lines of the last known good are missing, %" PRIu64
		       " were inserted, %" PRIu64 " are malformed, %" PRIu64 " go back in time\n",
		       hunt->log_vanished, hunt->log_inserted, hunt->log_malformed,
		       hunt->log_backwards);
	else if (hunt->has_known_log)
		printf("    it agrees with the copy in the last known good\n");
	printf("    not in public/metadata: %" PRIu64 " timestamps before the last, %" PRIu64
	       " files older than the oldest snapshot kept (gc), %" PRIu64
	       " of runs that published nothing\n",
	       hunt->absent_replaced, hunt->absent_collected, hunt->absent_unpublished);
	if (hunt->absent) {
		printf("    MISSING: %" PRIu64 " files of snapshots that are kept, the first is ",
		       hunt->absent);
		stp_cli_print_path("", hunt->absent_first, "\n");
	}
	printf("    the log shows what no run signed; a thief who could write state/ could add "
	       "lines\n    for files younger than the last known good\n");
}

static void print_hunt(const struct stp_hunt_report *hunt)
{
	printf("hunt: %" PRIu64 " files read, %" PRIu64 " signed by us, %" PRIu64 " %s, %" PRIu64
	       " cannot be judged\n",
	       hunt->files, hunt->ours, hunt->forgery_total,
	       hunt->forgery_total ? "FORGED" : "forged", hunt->unjudged_total);
	for (size_t i = 0; i < hunt->forgery_count && i < STP_STOLEN_SHOWN; i++)
		print_forgery(&hunt->forgeries[i]);
	if (hunt->forgery_total > STP_STOLEN_SHOWN)
		printf("    and %" PRIu64 " more; --json lists them\n",
		       hunt->forgery_total - STP_STOLEN_SHOWN);
	for (size_t i = 0; i < hunt->unjudged_count; i++) {
		stp_cli_print_path("    ", hunt->unjudged[i].folder, "/");
		stp_cli_print_path("", hunt->unjudged[i].file, ": ");
		stp_cli_print_text("", hunt->unjudged[i].text, "\n");
	}
	print_log(hunt);
}

static void print_against(const struct stp_cli_stolen *stolen,
                          const struct stp_stolen_report *report)
{
	if (report->has_against)
		printf("since the last known good: %" PRIu64 " targets have other bytes, %" PRIu64
		       " were removed, %" PRIu64 " added%s\n",
		       report->against.digest_changed, report->against.removed,
		       report->against.added,
		       report->against.digest_changed ? "; see verify --against" : "");
	else
		stp_cli_print_path("public/metadata cannot be compared with ",
		                   stolen->options.against, "; run verify on both\n");
}

static void print_horizon(const struct stp_horizon *horizon)
{
	char until[STP_TIME_BYTES + 1];

	if (!horizon->until)
		return;
	printf("clients that reach this repository recover at their next update; those that the "
	       "thief\nkeeps from it are at risk until %s, when the first of root, targets and "
	       "bins expires\n",
	       time_text(horizon->until, until));
}

/* How the keys of an offline role are replaced: by a ceremony. */
static void print_offline(const struct stp_cli_stolen *stolen)
{
	stp_cli_print_path("Replace the stolen key by a ceremony, then sign:\n  stampede ceremony "
	                   "start ",
	                   stolen->options.repo, "");
	printf(" --out PAYLOAD --purpose \"a stolen %s key\" --remove %s=NAME --add "
	       "%s=NEW.key.json\n",
	       stolen->role, stolen->role, stolen->role);
}

/* What is to be done next. */
static void print_next(const struct stp_cli_stolen *stolen, const struct stp_stolen_report *report)
{
	const struct stp_stolen_options *options = &stolen->options;

	if (options->role != STP_STOLEN_ONLINE)
		print_offline(stolen);
	if (options->role != STP_STOLEN_ONLINE || options->dry_run)
		return;
	if (report->has_new_seal)
		printf("new seal key; the ledger has the %" PRIu64
		       " targets of the last known good, and the next sign hashes every file\n",
		       report->ledger_targets);
	if (report->is_staged)
		stp_cli_print_path("The new keys are staged. Take the offline keys off this "
		                   "machine, then publish,\nwith the list if the index is made "
		                   "from one: stampede sign ",
		                   options->repo, "\n");
	else if (report->has_payload)
		stp_cli_print_path("Have the payload signed by the holders of the offline keys, "
		                   "then: stampede ceremony finish ",
		                   options->repo, "");
	else
		printf("Nothing is signed until the key is replaced. Make a new one with stampede "
		       "key new, and\nrun this again with --online-key NAME.key.json\n");
	if (!report->is_staged && report->has_payload)
		stp_cli_print_path(" ", options->payload, " SIGNATURE…\n");
	printf("Versions go on above %" PRIu64 ". Caches must forget %zu paths%s\n", report->above,
	       report->purge_count, stolen->purge_list ? "" : ": --purge-list FILE lists them");
}

/* ---------------------------------------------------------------- JSON */

static json_t *number(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static json_t *time_json(int64_t time)
{
	char text[STP_TIME_BYTES + 1];

	return time ? json_string(time_text(time, text)) : json_null();
}

static json_t *forgery_json(const struct stp_forgery *forgery)
{
	static const char *const kinds[] = {"digest", "removed", "added"};
	json_t *targets = json_array();

	for (size_t i = 0; i < forgery->target_count; i++) {
		const struct stp_forged_target *target = &forgery->targets[i];

		json_array_append_new(
		    targets,
		    json_pack("{s:s,s:o,s:s?,s:s?,s:s?}", "change", kinds[target->kind], "path",
		              stp_cli_json_text(target->path), "algorithm", target->algorithm,
		              "old", target->old_digest, "new", target->new_digest));
	}
	return json_pack("{s:s,s:o,s:o,s:o,s:o,s:o,s:b,s:b,s:o,s:o,s:o,s:o}", "kind",
	                 forgery->kind == STP_FORGERY_RENAMED ? "renamed" : "unrecorded", "folder",
	                 stp_cli_json_text(forgery->folder), "file",
	                 stp_cli_json_text(forgery->file), "role", stp_cli_json_text(forgery->role),
	                 "version", number(forgery->version), "expires",
	                 time_json(forgery->expires), "public", forgery->is_public, "compared",
	                 forgery->is_compared, "changed", number(forgery->changed), "added",
	                 number(forgery->added), "removed", number(forgery->removed), "targets",
	                 targets);
}

static json_t *log_json(const struct stp_hunt_report *hunt)
{
	return json_pack("{s:o,s:o,s:o,s:b,s:o,s:o,s:o,s:o,s:{s:o,s:o,s:o,s:o}}", "lines",
	                 number(hunt->log_lines), "first", time_json(hunt->log_first_at), "last",
	                 time_json(hunt->log_last_at), "compared", hunt->has_known_log, "vanished",
	                 number(hunt->log_vanished), "inserted", number(hunt->log_inserted),
	                 "malformed", number(hunt->log_malformed), "backwards",
	                 number(hunt->log_backwards), "absent", "replaced",
	                 number(hunt->absent_replaced), "collected", number(hunt->absent_collected),
	                 "unpublished", number(hunt->absent_unpublished), "missing",
	                 number(hunt->absent));
}

static json_t *hunt_json(const struct stp_hunt_report *hunt)
{
	json_t *forgeries = json_array();
	json_t *unjudged = json_array();

	for (size_t i = 0; i < hunt->forgery_count; i++)
		json_array_append_new(forgeries, forgery_json(&hunt->forgeries[i]));
	for (size_t i = 0; i < hunt->unjudged_count; i++)
		json_array_append_new(unjudged,
		                      json_pack("{s:o,s:o,s:o}", "folder",
		                                stp_cli_json_text(hunt->unjudged[i].folder), "file",
		                                stp_cli_json_text(hunt->unjudged[i].file), "text",
		                                stp_cli_json_text(hunt->unjudged[i].text)));
	return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "files", number(hunt->files), "ours",
	                 number(hunt->ours), "forged", number(hunt->forgery_total), "version_max",
	                 number(hunt->version_max), "forgeries", forgeries, "unjudged_total",
	                 number(hunt->unjudged_total), "unjudged", unjudged, "audit_log",
	                 log_json(hunt));
}

static json_t *purge_json(const char *text)
{
	json_t *list = json_array();

	while (text && *text) {
		size_t count = strcspn(text, "\n");

		json_array_append_new(list, json_stringn(text, count));
		text += count + (text[count] != '\0');
	}
	return list;
}

static json_t *against_json(const struct stp_stolen_report *report)
{
	if (!report->has_against)
		return json_null();
	return json_pack("{s:o,s:o,s:o}", "changed", number(report->against.digest_changed),
	                 "removed", number(report->against.removed), "added",
	                 number(report->against.added));
}

static void print_json(const struct stp_cli_stolen *stolen, const struct stp_stolen_report *report)
{
	const struct stp_horizon *horizon = &report->horizon;

	stp_cli_print_json(json_pack(
	    "{s:b,s:b,s:o,s:o,s:o,s:b,s:o,s:o,s:o,s:o,s:{s:o,s:o,s:o,s:o},s:o,s:b}", "frozen",
	    report->is_frozen, "staged", report->is_staged, "payload",
	    report->has_payload ? stp_cli_json_text(stolen->options.payload) : json_null(), "above",
	    report->above ? number(report->above) : json_null(), "next_keyid",
	    report->next_keyid[0] ? json_string(report->next_keyid) : json_null(), "new_seal_key",
	    report->has_new_seal, "ledger_targets", number(report->ledger_targets), "root_version",
	    report->root_version ? number(report->root_version) : json_null(), "hunt",
	    hunt_json(&report->hunt), "against", against_json(report), "horizon", "until",
	    time_json(horizon->until), "root", time_json(horizon->root_expires), "targets",
	    time_json(horizon->targets_expires), "bins", time_json(horizon->bins_expires), "purge",
	    purge_json(report->purge_list), "dry_run", stolen->options.dry_run));
}

/* ---------------------------------------------------------------- the command */

static void print_text(const struct stp_cli_stolen *stolen, const struct stp_stolen_report *report)
{
	print_hunt(&report->hunt);
	print_against(stolen, report);
	print_horizon(&report->horizon);
	print_next(stolen, report);
}

/* Writes and prints the report; what failed is printed after it. */
static int show(struct stp_cli *cli, const struct stp_cli_stolen *stolen,
                const struct stp_stolen_report *report, enum stp_errc code, struct stp_err *err)
{
	if (report->has_hunt && stolen->purge_list) {
		struct stp_err why = STP_ERR_INIT;

		if (stp_product_write(stolen->purge_list, report->purge_list, STP_PRODUCT_UMASK,
		                      &why) != STP_OK)
			return stp_cli_fail(cli, code == STP_OK ? &why : err);
	}
	if (report->has_hunt && cli->json)
		print_json(stolen, report);
	else if (report->has_hunt && !cli->quiet)
		print_text(stolen, report);
	if (code != STP_OK) {
		fflush(stdout); /* the error is the last line, also where both go to one place */
		return stp_cli_fail(cli, err);
	}
	return stp_stdout_finish(cli, "rotate", stolen->options.repo,
	                         report->is_staged   ? "the new keys are staged"
	                         : report->is_frozen ? "the repository is frozen: nothing is signed"
	                                             : "nothing was changed");
}

int stp_cli_stolen_run(struct stp_cli *cli, struct stp_cli_stolen *stolen)
{
	struct stp_stolen_options *options = &stolen->options;
	struct stp_stolen_report report;
	struct stp_err err = STP_ERR_INIT;
	enum stp_errc code;
	int status;

	if (!take_role(cli, stolen))
		return STP_EXIT_USAGE;
	if (!options->against)
		return stp_cli_usage(cli, "--stolen needs --against LAST-KNOWN-GOOD, a copy of the "
		                          "repository or of its metadata from before the theft");
	options->size = sizeof(*options);
	options->mirrors = stolen->mirrors;
	options->mirror_count = stolen->mirror_count;
	options->cancel = cli->cancel;
	options->progress = cli->progress;
	stp_cli_progress_begin(cli);
	code = stp_rotate_stolen(options, &report, &err);
	stp_cli_progress_end(cli);
	status = show(cli, stolen, &report, code, &err);
	if (status == STP_EXIT_OK && options->dry_run && report.hunt.forgery_total)
		status = STP_EXIT_VERIFY;
	stp_stolen_report_release(&report);
	return status;
}
