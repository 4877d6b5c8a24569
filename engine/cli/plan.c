/* SPDX-License-Identifier: Apache-2.0 */
#include "stampede/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_fields.h"
#include "base/limits.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/outputs.h"
#include "cli/product.h"
#include "stampede/alg.h"

enum {
	OPT_TARGETS = 1,
	OPT_BINS,
	OPT_PATH_BYTES,
	OPT_FILE_BYTES,
	OPT_HASH,
	OPT_UPDATES,
	OPT_PROFILE,
	OPT_REPO,
	OPT_SVG,
	OPT_JOBS,
};

static const struct stp_option options[] = {
    {"targets-count", "N", "how many targets the index has", OPT_TARGETS},
    {"bins", "N", "look at one bin count (a power of two), not at 2^8 to 2^18", OPT_BINS},
    {"path-bytes", "N", "average length of a target path (156, as on PyPI)", OPT_PATH_BYTES},
    {"file-bytes", "N", "average length of a file (2,184,393, the PEP's)", OPT_FILE_BYTES},
    {"hash", "ALG[,ALG]", "target hashes: sha256, sha512, blake2b-256", OPT_HASH},
    {"updates-per-day", "N", "targets that are new or change (100,000)", OPT_UPDATES},
    {"profile", "pep458|compat|prefixes", "roles and delegations as init makes them", OPT_PROFILE},
    {"repo", "REPO", "plan for what this repository publishes", OPT_REPO},
    {"svg", "FILE", "draw metadata per installation over the number of bins", OPT_SVG},
    {"jobs", "N", "threads that read --repo", OPT_JOBS},
    {NULL, NULL, NULL, 0},
};

/* ---------------------------------------------------------------------------- text */

/* A line of PEP 458's tables; on a narrow terminal the number stands on a line of its own. */
static void print_line(char letter, int index, const char *number, const char *unit)
{
	const char *description = stp_pep458_description(letter, index);
	size_t room = stp_cli_columns() - 22; /* beside the number */

	printf("  %c%-3d ", letter, index);
	if (room < strlen(description)) {
		stp_cli_fold(7, description);
		description = "";
		printf("%7s", "");
	}
	printf("%-*s %13s%s\n", room < 84 ? (int)room : 84, description, number, unit);
}

static void print_model(const struct stp_plan_report *plan)
{
	const struct stp_pep458 *pep = &plan->rows[plan->recommended].pep;
	char number[32];
	int i;

	printf("PEP 458's model at %s bins\n",
	       stp_count_format(plan->rows[plan->recommended].bins, number));
	for (i = 1; i <= 10; i++)
		print_line('C', i, stp_count_format(pep->c[i], number), "");
	for (i = 1; i <= 17; i++)
		print_line('V', i, stp_count_format(pep->v[i], number),
		           i == 13 || i == 15 || i == 17 ? "%" : "");
}

/* Bytes with a fixed width: out has at least 32 bytes. */
static const char *size_text(uint64_t bytes, char *out)
{
	return stp_bytes_format(bytes, out);
}

static void print_sizes(const struct stp_plan_report *plan)
{
	char a[32], b[32], c[32], d[32], e[32];
	size_t i;

	printf("\nfiles as stampede writes them (profile %s)\n", plan->profile);
	printf("  %9s %10s %10s %10s %10s %10s\n", "bins", "bin", "fullest", "snapshot",
	       "bins role", "one run");
	for (i = 0; i < plan->row_count; i++) {
		const struct stp_plan_row *row = &plan->rows[i];
		uint64_t role = row->bins_bytes ? row->bins_bytes : row->targets_bytes;
		char count[32];

		printf("  %9s %10s %10s %10s %10s %10s%s\n", stp_count_format(row->bins, count),
		       size_text(row->bin_bytes, a), size_text(row->bin_bytes_largest, b),
		       size_text(row->snapshot_bytes, c), size_text(role, d),
		       size_text(row->run_bytes, e), i == plan->recommended ? "  <" : "");
	}
}

/* A percentage in few columns: out has at least 32 bytes. */
static const char *percent_text(double percent, char *out)
{
	snprintf(out, 32, percent < 9.95 ? "%.1f" : "%.0f", percent);
	return out;
}

static void print_users(const struct stp_plan_report *plan)
{
	char a[32], b[32], c[32], d[32], e[32], f[32];
	size_t i;

	printf("\nfetched per installation (two bins), and in %% of a file: here, by the PEP"
	       "\n");
	printf("  %7s %9s %9s %9s  %5s %5s %5s  %5s %5s %5s\n", "bins", "same", "next", "new user",
	       "same", "next", "new", "V13", "V15", "V17");
	for (i = 0; i < plan->row_count; i++) {
		const struct stp_plan_row *row = &plan->rows[i];
		char count[32];

		printf("  %7s %9s %9s %9s  %5s %5s %5s  %5llu %5llu %5llu%s\n",
		       stp_count_format(row->bins, count), size_text(row->user_same, a),
		       size_text(row->user_next, b), size_text(row->user_new, c),
		       percent_text(row->percent_same, d), percent_text(row->percent_next, e),
		       percent_text(row->percent_new, f), (unsigned long long)row->pep.v[13],
		       (unsigned long long)row->pep.v[15], (unsigned long long)row->pep.v[17],
		       i == plan->recommended ? " <" : "");
	}
}

static void print_updates(const struct stp_plan_report *plan)
{
	char count[32], updates[32], changed[32], one[32];
	size_t i;

	printf("\nupdates: %s a day\n", stp_count_format(plan->updates_per_day, updates));
	printf("  %9s %14s %18s %16s\n", "bins", "bins touched", "one alone writes", "tuf-js CPU");
	for (i = 0; i < plan->row_count; i++) {
		const struct stp_plan_row *row = &plan->rows[i];

		printf("  %9s %14s %18s %14.1f s%s\n", stp_count_format(row->bins, count),
		       stp_count_format(row->bins_changed, changed),
		       size_text(row->update_bytes, one), row->tuf_js_seconds,
		       i == plan->recommended ? "  <" : "");
	}
}

static void print_reasons(const char *client, const char *reasons)
{
	char text[640];

	snprintf(text, sizeof(text), "%s: %s", client, reasons);
	printf("  ");
	stp_cli_fold(4, text);
}

/* Clients by bin count: a letter each. */
static void print_clients(const struct stp_plan_report *plan)
{
	const struct stp_plan_row *best = &plan->rows[plan->recommended];
	char count[32];
	size_t c;
	size_t i;

	printf("\nclients (y yes, s slow, ? not tested, - cannot)\n  %9s", "bins");
	for (c = 0; c < best->client_count; c++)
		printf(" %s", best->clients[c].client);
	printf("\n");
	for (i = 0; i < plan->row_count; i++) {
		const struct stp_plan_row *row = &plan->rows[i];

		printf("  %9s", stp_count_format(row->bins, count));
		for (c = 0; c < row->client_count; c++)
			printf(" %*c", (int)strlen(row->clients[c].client),
			       "y-s?"[row->clients[c].answer]);
		printf("%s\n", i == plan->recommended ? "  <" : "");
	}
	for (c = 0; c < best->client_count; c++)
		if (best->clients[c].reasons[0])
			print_reasons(best->clients[c].client, best->clients[c].reasons);
}

static void print_plan(const struct stp_plan_report *plan)
{
	char targets[32], paths[32], files[32];

	printf("%s targets, paths of %s bytes, files of %s bytes on average\n\n",
	       stp_count_format(plan->targets, targets), stp_count_format(plan->path_bytes, paths),
	       stp_count_format(plan->file_bytes, files));
	print_model(plan);
	print_sizes(plan);
	print_users(plan);
	print_updates(plan);
	print_clients(plan);
	printf("\nrecommended: ");
	stp_cli_fold(2, plan->reason);
	if (plan->repo_bins) {
		char now[32];

		printf("published now: %s bins\n", stp_count_format(plan->repo_bins, now));
	}
}

/* ---------------------------------------------------------------------------- JSON */

static json_t *pep_json(const struct stp_pep458 *pep)
{
	json_t *object = json_object();
	char name[8];
	int i;

	for (i = 1; i <= 10; i++) {
		snprintf(name, sizeof(name), "C%d", i);
		stp_json_set_u64(object, name, pep->c[i]);
	}
	for (i = 1; i <= 17; i++) {
		snprintf(name, sizeof(name), "V%d", i);
		stp_json_set_u64(object, name, pep->v[i]);
	}
	return object;
}

static json_t *clients_json(const struct stp_plan_row *row)
{
	json_t *array = json_array();
	size_t i;

	for (i = 0; i < row->client_count; i++)
		json_array_append_new(
		    array, json_pack("{s:s, s:s, s:s}", "client", row->clients[i].client, "answer",
		                     stp_client_answer_name(row->clients[i].answer), "reasons",
		                     row->clients[i].reasons));
	return array;
}

static json_t *row_json(const struct stp_plan_row *row)
{
	json_t *object = json_object();

	stp_json_set_u64(object, "bins", row->bins);
	stp_json_set_u64(object, "bin_bytes", row->bin_bytes);
	stp_json_set_u64(object, "bin_bytes_largest", row->bin_bytes_largest);
	stp_json_set_u64(object, "root_bytes", row->root_bytes);
	stp_json_set_u64(object, "targets_bytes", row->targets_bytes);
	stp_json_set_u64(object, "bins_bytes", row->bins_bytes);
	stp_json_set_u64(object, "snapshot_bytes", row->snapshot_bytes);
	stp_json_set_u64(object, "timestamp_bytes", row->timestamp_bytes);
	stp_json_set_u64(object, "user_same_snapshot_bytes", row->user_same);
	stp_json_set_u64(object, "user_next_snapshot_bytes", row->user_next);
	stp_json_set_u64(object, "user_new_bytes", row->user_new);
	json_object_set_new(object, "user_same_snapshot_percent", json_real(row->percent_same));
	json_object_set_new(object, "user_next_snapshot_percent", json_real(row->percent_next));
	json_object_set_new(object, "user_new_percent", json_real(row->percent_new));
	stp_json_set_u64(object, "run_bytes", row->run_bytes);
	stp_json_set_u64(object, "bins_changed_per_day", row->bins_changed);
	stp_json_set_u64(object, "update_bytes", row->update_bytes);
	json_object_set_new(object, "tuf_js_seconds", json_real(row->tuf_js_seconds));
	json_object_set_new(object, "pep458", pep_json(&row->pep));
	json_object_set_new(object, "clients", clients_json(row));
	return object;
}

static json_t *plan_json(const struct stp_plan_report *plan)
{
	json_t *object = json_object(), *rows = json_array(), *hashes = json_array();
	size_t i;

	for (i = 0; i < STP_ALG_COUNT; i++)
		if (plan->hash_set & STP_ALG_BIT(i))
			json_array_append_new(hashes, json_string(stp_alg_name((enum stp_alg)i)));
	for (i = 0; i < plan->row_count; i++)
		json_array_append_new(rows, row_json(&plan->rows[i]));
	json_object_set_new(object, "profile", json_string(plan->profile));
	stp_json_set_u64(object, "targets", plan->targets);
	stp_json_set_u64(object, "path_bytes", plan->path_bytes);
	stp_json_set_u64(object, "file_bytes", plan->file_bytes);
	json_object_set_new(object, "hashes", hashes);
	stp_json_set_u64(object, "updates_per_day", plan->updates_per_day);
	json_object_set_new(object, "published_bins",
	                    plan->repo_bins ? json_integer((json_int_t)plan->repo_bins)
	                                    : json_null());
	stp_json_set_u64(object, "recommended_bins", plan->rows[plan->recommended].bins);
	json_object_set_new(object, "reason", json_string(plan->reason));
	json_object_set_new(object, "rows", rows);
	return object;
}

/* ------------------------------------------------------------------------- options */

static int take_number(struct stp_cli *cli, const char *name, const char *value, uint64_t max,
                       uint64_t *out)
{
	return stp_cli_u64(cli, name, value, 1, max, out);
}

static int take_hash(struct stp_cli *cli, const char *value, unsigned *out)
{
	*out = stp_alg_set_parse(value);
	if (*out)
		return 1;
	stp_cli_usage(cli, "--hash %s: use sha256, sha512, blake2b-256, or several with commas",
	              value);
	return 0;
}

/* One option into plan; 0 when it is wrong. */
static int take_option(struct stp_cli *cli, int id, const char *value,
                       struct stp_plan_options *plan, const char **svg)
{
	switch (id) {
	case OPT_TARGETS:
		return take_number(cli, "targets-count", value, UINT32_MAX, &plan->targets);
	case OPT_BINS:
		return take_number(cli, "bins", value, UINT32_MAX, &plan->bins);
	case OPT_PATH_BYTES:
		return take_number(cli, "path-bytes", value, STP_PATH_BYTES_MAX, &plan->path_bytes);
	case OPT_FILE_BYTES:
		return take_number(cli, "file-bytes", value, (uint64_t)1 << 50, &plan->file_bytes);
	case OPT_UPDATES:
		return take_number(cli, "updates-per-day", value, UINT32_MAX,
		                   &plan->updates_per_day);
	case OPT_HASH:
		return take_hash(cli, value, &plan->hash_set);
	case OPT_PROFILE:
		plan->profile = value;
		return 1;
	case OPT_REPO:
		plan->repo = value;
		return 1;
	case OPT_SVG:
		*svg = value;
		return 1;
	case OPT_JOBS:
		return stp_cli_jobs(cli, value, &plan->jobs);
	default:
		return 0;
	}
}

static enum stp_errc write_svg(const struct stp_plan_report *plan, const char *file,
                               struct stp_err *err)
{
	char *text = stp_plan_svg(plan);
	enum stp_errc code;

	if (!text)
		return STP_FAIL_ERRNO(err, ENOMEM, "plan", file, "cannot draw");
	code = stp_product_write(file, text, STP_PRODUCT_UMASK, err);
	free(text);
	return code;
}

/* Before the repository is read, not after. */
static enum stp_errc check_svg(const char *file, const char *repo, struct stp_err *err)
{
	const struct stp_named_file output = {"--svg", file};
	struct stp_outputs said = {.outputs = &output, .output_count = 1, .repo = repo};

	return stp_outputs_check(&said, err);
}

static int run(struct stp_cli *cli)
{
	struct stp_plan_options asked = STP_PLAN_OPTIONS_INIT;
	struct stp_err err = STP_ERR_INIT;
	const char *value, *svg = NULL;
	struct stp_plan_report plan;
	enum stp_errc code;
	int id;

	while ((id = stp_cli_option(cli, &value)) > 0)
		if (!take_option(cli, id, value, &asked, &svg))
			return STP_EXIT_USAGE;
	if (id == STP_OPT_ERROR)
		return STP_EXIT_USAGE;
	if (cli->argument_count != 0)
		return stp_cli_usage(cli, "takes options only; give a repository with --repo");
	code = check_svg(svg, asked.repo, &err);
	if (code == STP_OK)
		code = stp_plan(&asked, &plan, &err);
	if (code == STP_OK && svg)
		code = write_svg(&plan, svg, &err);
	if (code != STP_OK)
		return stp_cli_fail(cli, &err);
	if (cli->json)
		stp_cli_print_json(plan_json(&plan));
	else
		print_plan(&plan);
	return STP_EXIT_OK;
}

const struct stp_verb stp_verb_plan = {
    .name = "plan",
    .summary = "what a bin count costs, and which clients it loses",
    .synopsis = "plan --targets-count N|--repo REPO [options]",
    .options = options,
    .examples = "  stampede plan --targets-count 2273539 --path-bytes 256\n"
                "  stampede plan --targets-count 20000000 --hash sha256 --svg bins.svg\n"
                "  stampede plan --repo /srv/stampede/pypi --json\n",
    .run = run,
};
