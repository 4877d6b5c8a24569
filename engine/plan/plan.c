/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of the plan. A client that installs one distribution fetches two bins: that of the index
 * page and that of the file (V12 in PEP 458). Every run of sign gives all bins a new version, so
 * a client with an older snapshot fetches snapshot and bins anew.
 */
#include "stampede/plan.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/options.h"
#include "base/text.h"
#include "plan/sizes.h"
#include "roles/config.h"
#include "verify/clients.h"

#define VERSION_DIGITS 4 /* a run every eight hours reaches five digits after nine years */

/* Input that all rows share. */
struct plan_input {
	struct stp_plan_layout layout;
	uint64_t root_bytes; /* as published; 0: computed */
	uint64_t root_steps;
	uint64_t targets_empty;
	uint64_t pep_path_bytes;
};

static uint64_t hash_chars(unsigned set)
{
	return 2 * stp_alg_set_digest_bytes(set);
}

/* Targets of the fullest bin when count targets are distributed at random: the mean plus the usual
 * bound on the maximum of a Poisson variable. */
static double fullest(double mean, uint64_t bins)
{
	double logs = log((double)bins);

	return mean + sqrt(2 * mean * logs) + logs / 3;
}

static void plan_files(struct stp_plan_row *row, const struct stp_plan_report *plan,
                       const struct plan_input *input)
{
	struct stp_plan_layout layout = input->layout;
	unsigned digits = stp_plan_digits(plan->file_bytes);
	double member = (double)stp_plan_target_bytes(plan->hash_set, plan->path_bytes, digits) + 1;
	double mean = (double)plan->targets / (double)row->bins;
	double largest = fullest(mean, row->bins);

	if (largest > (double)plan->targets)
		largest = (double)plan->targets;
	layout.bits = row->bits;
	row->bin_bytes = stp_plan_bin_bytes(&layout, mean < 1 ? (uint64_t)(mean * (member - 1))
	                                                      : (uint64_t)(mean * member) - 1);
	row->bin_bytes_largest = stp_plan_bin_bytes(&layout, (uint64_t)(largest * member));
	row->root_bytes = input->root_bytes ? input->root_bytes : stp_plan_root_bytes(&layout);
	row->targets_bytes = stp_plan_targets_bytes(&layout);
	row->bins_bytes = stp_plan_bins_bytes(&layout);
	row->snapshot_bytes = stp_plan_snapshot_bytes(&layout, stp_plan_digits(row->bin_bytes));
	row->timestamp_bytes = stp_plan_timestamp_bytes(&layout, row->snapshot_bytes);
}

/* The number of bins in which a number of random targets are. */
static uint64_t bins_touched(uint64_t bins, uint64_t updates)
{
	double missed = pow(1 - 1 / (double)bins, (double)updates);

	return (uint64_t)((double)bins * (1 - missed) + 0.5);
}

static void plan_users(struct stp_plan_row *row, const struct stp_plan_report *plan)
{
	row->user_same = row->timestamp_bytes + 2 * row->bin_bytes;
	row->user_next = row->user_same + row->snapshot_bytes;
	row->user_new = row->user_next + row->root_bytes + row->targets_bytes + row->bins_bytes;
	row->run_bytes = row->bins * row->bin_bytes + row->snapshot_bytes + row->timestamp_bytes;
	row->update_bytes = row->bin_bytes + row->snapshot_bytes + row->timestamp_bytes;
	row->bins_changed = bins_touched(row->bins, plan->updates_per_day);
	row->percent_same = 100.0 * (double)row->user_same / (double)plan->file_bytes;
	row->percent_next = 100.0 * (double)row->user_next / (double)plan->file_bytes;
	row->percent_new = 100.0 * (double)row->user_new / (double)plan->file_bytes;
	row->tuf_js_seconds = 104.0 * ((double)row->bins / 16384.0) * ((double)row->bins / 16384.0);
}

static void judge_row(struct stp_plan_row *row, const struct stp_plan_report *plan,
                      const struct plan_input *input)
{
	struct stp_client_demands demands = {
	    .root_bytes = row->root_bytes,
	    .timestamp_bytes = row->timestamp_bytes,
	    .snapshot_bytes = row->snapshot_bytes,
	    .targets_bytes = row->targets_bytes,
	    .bins_bytes = row->bins_bytes,
	    .bin_bytes_max = row->bin_bytes_largest,
	    .bin_bytes_total = row->bins * row->bin_bytes,
	    .root_steps = input->root_steps,
	    .bin_count = row->bins,
	    .targets_empty = input->targets_empty,
	    .hash_set = plan->hash_set,
	    .is_succinct = input->layout.is_succinct,
	    .timestamp_has_length = 1,
	    .snapshot_has_length = input->layout.snapshot_has_length,
	};

	row->client_count = stp_clients_judge(&demands, row->clients);
}

static void plan_row(struct stp_plan_row *row, unsigned bits, const struct stp_plan_report *plan,
                     const struct plan_input *input)
{
	struct stp_pep458_input pep = {plan->targets, (uint64_t)1 << bits, input->pep_path_bytes,
	                               plan->file_bytes, hash_chars(plan->hash_set)};

	memset(row, 0, sizeof(*row));
	row->bits = bits;
	row->bins = (uint64_t)1 << bits;
	plan_files(row, plan, input);
	plan_users(row, plan);
	judge_row(row, plan, input);
	stp_pep458_model(&pep, &row->pep);
}

/* The number of clients that can use the row. */
static size_t clients_kept(const struct stp_plan_row *row)
{
	size_t kept = 0;
	size_t i;

	for (i = 0; i < row->client_count; i++)
		kept += row->clients[i].answer != STP_CLIENT_NO;
	return kept;
}

/* The cheapest row for a returning user who needs the new snapshot. */
static const struct stp_plan_row *cheapest_row(const struct stp_plan_report *plan)
{
	const struct stp_plan_row *best = &plan->rows[0];
	size_t i;

	for (i = 1; i < plan->row_count; i++)
		if (plan->rows[i].user_next < best->user_next)
			best = &plan->rows[i];
	return best;
}

/* Of the rows that cost at most one and a half times as much as the cheapest, the one that most
 * clients can use. */
static const struct stp_plan_row *best_row(const struct stp_plan_report *plan,
                                           const struct stp_plan_row *cheapest)
{
	const struct stp_plan_row *best = cheapest;
	size_t i;

	for (i = 0; i < plan->row_count; i++) {
		const struct stp_plan_row *row = &plan->rows[i];
		size_t kept = clients_kept(row), most = clients_kept(best);

		if (2 * row->user_next > 3 * cheapest->user_next)
			continue;
		if (kept > most || (kept == most && row->user_next < best->user_next))
			best = row;
	}
	return best;
}

/* Adds the clients that a cheaper number of bins would exclude. */
static void say_what_is_lost(struct stp_plan_report *plan, const struct stp_plan_row *best,
                             const struct stp_plan_row *cheapest)
{
	char next[32], count[32];
	size_t used = strlen(plan->reason);
	size_t i;

	for (i = 0; i < best->client_count; i++) {
		if (best->clients[i].answer == STP_CLIENT_NO ||
		    cheapest->clients[i].answer != STP_CLIENT_NO)
			continue;
		snprintf(plan->reason + used, sizeof(plan->reason) - used,
		         "; with %s bins it would be %s, but %s could not be served: %s",
		         stp_count_format(cheapest->bins, count),
		         stp_bytes_format(cheapest->user_next, next), best->clients[i].client,
		         cheapest->clients[i].reasons);
		return;
	}
}

static void recommend(struct stp_plan_report *plan)
{
	const struct stp_plan_row *cheapest = cheapest_row(plan), *best = best_row(plan, cheapest);
	char next[32], snapshot[32], bins[32], count[32];

	plan->recommended = (size_t)(best - plan->rows);
	snprintf(plan->reason, sizeof(plan->reason),
	         "%s bins: a returning user fetches %s for each new snapshot (%s of snapshot, two "
	         "bins of %s), %.0f %% of a download%s",
	         stp_count_format(best->bins, count), stp_bytes_format(best->user_next, next),
	         stp_bytes_format(best->snapshot_bytes, snapshot),
	         stp_bytes_format(best->bin_bytes, bins), best->percent_next,
	         best->percent_next > 50 ? ", more than the 50 % PEP 458 allows" : "");
	if (cheapest != best)
		say_what_is_lost(plan, best, cheapest);
}

/* The layout and defaults of a profile. */
static enum stp_errc use_profile(const char *profile, struct stp_plan_report *plan,
                                 struct plan_input *input, struct stp_err *err)
{
	struct stp_config config;

	STP_TRY(stp_config_profile(&config, profile, err));
	snprintf(plan->profile, sizeof(plan->profile), "%s", config.profile);
	plan->hash_set = config.hash_set;
	input->layout = (struct stp_plan_layout){
	    .bits = config.bin_bits,
	    .hash_set = config.hash_set,
	    .bin_prefix_bytes = strlen(config.bin_prefix),
	    .has_bins_role = config.has_bins_role,
	    .is_succinct = config.delegation == STP_DELEGATION_SUCCINCT,
	    .snapshot_has_length = config.snapshot_length,
	    .root_keys = config.root_key_count,
	    .targets_keys = config.targets_key_count,
	    .bins_keys = config.bins_key_count,
	    .version_digits = VERSION_DIGITS,
	};
	stp_config_release(&config);
	return STP_OK;
}

/* Reports why there are no targets to plan for: none were published, or the metadata is damaged. */
static enum stp_errc explain_none(const struct stp_verify_report *report, const char *repo,
                                  struct stp_err *err)
{
	size_t i;

	for (i = 0; i < report->finding_count; i++) {
		const struct stp_finding *finding = &report->findings[i];

		if (stp_finding_severity(finding->code) != STP_SEVERITY_ERROR ||
		    finding->code == STP_FINDING_EXPIRED ||
		    (finding->code == STP_FINDING_FILE_MISSING &&
		     strcmp(finding->subject, "timestamp.json") == 0))
			continue;
		return STP_FAIL(stp_hinted(err, STP_HINT_TARGETS_COUNT), STP_CONFIG, "plan",
		                finding->subject, "%s; see %s, or give %s", finding->text,
		                stp_hint_text(STP_HINT_VERIFY),
		                stp_hint_text(STP_HINT_TARGETS_COUNT));
	}
	return STP_FAIL(stp_hinted(err, STP_HINT_TARGETS_COUNT), STP_CONFIG, "plan", repo,
	                "publishes no targets yet; give %s", stp_hint_text(STP_HINT_TARGETS_COUNT));
}

/* Uses what is published as the model of what will be. */
static enum stp_errc use_repo(const struct stp_plan_options *options, struct stp_plan_report *plan,
                              struct plan_input *input, struct stp_err *err)
{
	struct stp_verify_options verify = {
	    .path = options->repo, .jobs = options->jobs, .as_client = 1};
	struct stp_verify_report report;
	int is_succinct;

	STP_TRY(stp_verify(&verify, &report, err));
	if (!report.bin_count || !report.target_count) {
		enum stp_errc code = explain_none(&report, options->repo, err);

		stp_verify_report_release(&report);
		return code;
	}
	is_succinct = strcmp(report.delegation, "succinct") == 0;
	input->layout.is_succinct = is_succinct;
	input->layout.has_bins_role = report.bins.found;
	input->layout.snapshot_has_length = report.snapshot_has_length;
	input->layout.version_digits = stp_plan_digits(report.bin_version_max);
	input->root_bytes = report.root.file_bytes;
	input->root_steps = report.root_steps;
	input->targets_empty = report.targets_empty;
	plan->repo_bins = report.bin_count;
	plan->hash_set = report.target_hash_set;
	plan->targets = report.target_count;
	plan->path_bytes = report.target_path_bytes / report.target_count;
	plan->file_bytes = report.target_bytes / report.target_count;
	input->pep_path_bytes = plan->path_bytes;
	snprintf(plan->profile, sizeof(plan->profile), "as published");
	stp_verify_report_release(&report);
	return STP_OK;
}

/* Options override profile and repository. */
static enum stp_errc use_options(const struct stp_plan_options *options,
                                 struct stp_plan_report *plan, struct plan_input *input,
                                 struct stp_err *err)
{
	if (options->targets)
		plan->targets = options->targets;
	if (options->path_bytes)
		plan->path_bytes = input->pep_path_bytes = options->path_bytes;
	if (options->file_bytes)
		plan->file_bytes = options->file_bytes;
	if (options->hash_set)
		plan->hash_set = options->hash_set;
	if (!plan->path_bytes)
		plan->path_bytes = STP_PLAN_PATH_BYTES;
	if (!input->pep_path_bytes)
		input->pep_path_bytes = STP_PEP458_PATH_BYTES;
	if (!plan->file_bytes)
		plan->file_bytes = STP_PEP458_FILE_BYTES;
	plan->updates_per_day =
	    options->updates_per_day ? options->updates_per_day : STP_PLAN_UPDATES;
	input->layout.hash_set = plan->hash_set;
	if (!plan->targets)
		return STP_FAIL(stp_hinted(err, STP_HINT_TARGETS_COUNT), STP_CONFIG, "plan", "",
		                "give %s or %s", stp_hint_text(STP_HINT_TARGETS_COUNT),
		                stp_hint_text(STP_HINT_REPO));
	if (plan->targets > UINT32_MAX || plan->path_bytes > STP_PATH_BYTES_MAX ||
	    plan->file_bytes > (uint64_t)1 << 50)
		return STP_FAIL(
		    err, STP_CONFIG, "plan", "",
		    "more targets, longer paths or larger files than can be planned for");
	if (options->bins &&
	    (options->bins < 2 || options->bins > (uint64_t)1 << STP_BIN_BITS_MAX ||
	     (options->bins & (options->bins - 1))))
		return STP_FAIL(err, STP_CONFIG, "plan", "",
		                "%" PRIu64 " bins is not a power of two from 2 to 2^%d",
		                options->bins, STP_BIN_BITS_MAX);
	return STP_OK;
}

enum stp_errc stp_plan(const struct stp_plan_options *options, struct stp_plan_report *out,
                       struct stp_err *err)
{
	struct stp_plan_options mine;
	struct plan_input input;
	unsigned bits;

	memset(out, 0, sizeof(*out));
	STP_TRY(STP_OPTIONS_TAKE(&mine, options, jobs, "plan", err));
	options = &mine;
	memset(&input, 0, sizeof(input));
	input.root_steps = 1;
	STP_TRY(use_profile(options->profile ? options->profile : "pep458", out, &input, err));
	if (options->repo)
		STP_TRY(use_repo(options, out, &input, err));
	STP_TRY(use_options(options, out, &input, err));
	if (options->bins) {
		plan_row(&out->rows[0], (unsigned)__builtin_ctzll(options->bins), out, &input);
		out->row_count = 1;
	} else {
		for (bits = STP_PLAN_BITS_FIRST; bits <= STP_PLAN_BITS_LAST; bits++)
			plan_row(&out->rows[out->row_count++], bits, out, &input);
	}
	recommend(out);
	return STP_OK;
}

void stp_plan_report_release(struct stp_plan_report *report)
{
	memset(report, 0, sizeof(*report));
}
