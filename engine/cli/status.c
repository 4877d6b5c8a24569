/* SPDX-License-Identifier: Apache-2.0 */
#include "stampede/status.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/period.h"
#include "run/json_fields.h"

enum { OPT_WITHIN = 1, OPT_NOW };

static const struct stp_option options[] = {
    {"expires-within", "12h", "exit 1 when anything expires within this time (m, h, d)",
     OPT_WITHIN},
    {"now", "TIME", "hold expiries against YYYY-MM-DDTHH:MM:SSZ, not the clock", OPT_NOW},
    {NULL, NULL, NULL, 0},
};

static void print_role(const struct stp_status *status, const char *name, uint64_t version,
                       int64_t expires)
{
	char time[STP_TIME_BYTES + 1], left[STP_PERIOD_TEXT];

	if (!expires)
		return;
	stp_time_format(expires, time);
	printf("%-10s version %-8llu expires %s, %s\n", name, (unsigned long long)version, time,
	       stp_period_format(expires - status->now, left));
}

static void print_published(const struct stp_status *status)
{
	if (!status->timestamp.found)
		printf("nothing is published yet; run 'stampede sign'\n");
	print_role(status, "root", status->root.version, status->root.expires);
	print_role(status, "targets", status->targets.version, status->targets.expires);
	print_role(status, "bins", status->bins.version, status->bins.expires);
	print_role(status, "bin-n", status->bin_version_max, status->bin_expires_min);
	print_role(status, "snapshot", status->snapshot.version, status->snapshot.expires);
	print_role(status, "timestamp", status->timestamp.version, status->timestamp.expires);
	if (status->bins_missing)
		printf("MISSING    %llu of %llu bins are not there\n",
		       (unsigned long long)status->bins_missing,
		       (unsigned long long)status->bin_count);
	if (status->problems)
		printf("PROBLEMS   %llu in the metadata; run 'stampede verify'\n",
		       (unsigned long long)status->problems);
}

/* Files found against targets signed, in percent. */
static double coverage(const struct stp_status_run *run)
{
	uint64_t found = run->targets + run->faults;

	return found ? 100.0 * (double)run->targets / (double)found : 100.0;
}

static void print_rates(const struct stp_status_run *run)
{
	char bytes[32], rate[32], count[32];

	printf("hashed     %s files, %s", stp_count_format(run->files_hashed, count),
	       stp_bytes_format(run->bytes_hashed, bytes));
	if (run->seconds_hash > 0.001 && run->bytes_hashed)
		printf(", %s/s",
		       stp_bytes_format((uint64_t)((double)run->bytes_hashed / run->seconds_hash),
		                        rate));
	printf("; %s reused", stp_count_format(run->files_reused, count));
	printf("; %.1f s in all\n", run->seconds_total);
}

static void print_run(const struct stp_status *status)
{
	const struct stp_status_run *run = &status->run;
	char time[STP_TIME_BYTES + 1], ago[STP_PERIOD_TEXT], count[32], bytes[32];

	if (!run->found) {
		printf("last run   none on record\n");
		return;
	}
	stp_time_format(run->at, time);
	printf("last run   %s, %s%s\n", time, stp_period_format(run->at - status->now, ago),
	       run->published ? "" : ", nothing published");
	if (run->error[0])
		stp_cli_print_text("error      ", run->error, "\n");
	printf("coverage   %.4g %%: %s targets of %s, %llu files at fault\n", coverage(run),
	       stp_count_format(run->targets, count), stp_bytes_format(run->target_bytes, bytes),
	       (unsigned long long)run->faults);
	print_rates(run);
	if (run->oldest_verified_at) {
		stp_time_format(run->oldest_verified_at, time);
		printf("oldest     digest verified %s, %s\n", time,
		       stp_period_format(run->oldest_verified_at - status->now, ago));
	}
}

static void print_disk(const struct stp_status *status)
{
	char metadata[32], targets[32], state[32];

	printf("disk       metadata %s, target files %s, state %s\n",
	       stp_bytes_format(status->metadata.bytes, metadata),
	       stp_bytes_format(status->target_files.bytes, targets),
	       stp_bytes_format(status->state.bytes, state));
}

/* versions, expires and seconds_left of each role. */
static void set_roles(json_t *object, const struct stp_status *status)
{
	const struct {
		const char *name;
		uint64_t version;
		int64_t expires;
	} roles[] = {
	    {"root", status->root.version, status->root.expires},
	    {"targets", status->targets.version, status->targets.expires},
	    {"bins", status->bins.version, status->bins.expires},
	    {"bin_n", status->bin_version_max, status->bin_expires_min},
	    {"snapshot", status->snapshot.version, status->snapshot.expires},
	    {"timestamp", status->timestamp.version, status->timestamp.expires},
	};
	json_t *versions = json_object(), *expires = json_object(), *left = json_object();

	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
		stp_json_set_u64(versions, roles[i].name, roles[i].version);
		stp_json_set_time(expires, roles[i].name, roles[i].expires);
		json_object_set_new(left, roles[i].name,
		                    roles[i].expires ? json_integer(roles[i].expires - status->now)
		                                     : json_null());
	}
	json_object_set_new(object, "versions", versions);
	json_object_set_new(object, "expires", expires);
	json_object_set_new(object, "seconds_left", left);
}

static json_t *run_json(const struct stp_status_run *run)
{
	json_t *object = json_object();

	if (!run->found) {
		json_decref(object);
		return json_null();
	}
	stp_json_set_time(object, "now", run->at);
	json_object_set_new(object, "published", json_boolean(run->published));
	json_object_set_new(object, "error",
	                    run->error[0] ? stp_cli_json_text(run->error) : json_null());
	stp_json_set_u64(object, "targets", run->targets);
	stp_json_set_u64(object, "target_bytes", run->target_bytes);
	json_object_set_new(object, "coverage_percent", json_real(coverage(run)));
	stp_json_set_u64(object, "files_hashed", run->files_hashed);
	stp_json_set_u64(object, "bytes_hashed", run->bytes_hashed);
	stp_json_set_u64(object, "files_reused", run->files_reused);
	stp_json_set_u64(object, "files_removed", run->files_removed);
	stp_json_set_u64(object, "faults", run->faults);
	json_object_set_new(object, "seconds_hash", json_real(run->seconds_hash));
	json_object_set_new(object, "seconds_total", json_real(run->seconds_total));
	stp_json_set_u64(object, "peak_rss_bytes", run->peak_rss_bytes);
	stp_json_set_time(object, "oldest_verified", run->oldest_verified_at);
	json_object_set_new(object, "io_backend", stp_cli_json_text(run->io_backend));
	return object;
}

static json_t *disk_json(const struct stp_status_disk *disk)
{
	return json_pack("{s:I, s:I}", "files", (json_int_t)disk->files, "bytes",
	                 (json_int_t)disk->bytes);
}

static json_t *status_json(const struct stp_status *status)
{
	json_t *object = json_object();

	stp_json_set_time(object, "now", status->now);
	set_roles(object, status);
	stp_json_set_time(object, "first_expiry", status->expires_min);
	json_object_set_new(object, "first_expiry_role", json_string(status->expires_what));
	stp_json_set_u64(object, "bin_count", status->bin_count);
	stp_json_set_u64(object, "bins_missing", status->bins_missing);
	stp_json_set_u64(object, "problems", status->problems);
	json_object_set_new(object, "last_run", run_json(&status->run));
	json_object_set_new(object, "disk",
	                    json_pack("{s:o, s:o, s:o}", "metadata", disk_json(&status->metadata),
	                              "target_files", disk_json(&status->target_files), "state",
	                              disk_json(&status->state)));
	return object;
}

/* What monitoring asks: does anything expire within the time, or is nothing published? */
static int is_late(const struct stp_status *status, int64_t within_s)
{
	return within_s > 0 && (!status->timestamp.found || status->bins_missing ||
	                        status->expires_min - status->now <= within_s);
}

static int run(struct stp_cli *cli)
{
	struct stp_status_options asked = {NULL, 0};
	struct stp_err err = STP_ERR_INIT;
	struct stp_status status;
	const char *value;
	int64_t within_s = 0;
	enum stp_errc code;
	int id;

	while ((id = stp_cli_option(cli, &value)) > 0) {
		if (id == OPT_WITHIN && !stp_cli_period(cli, "expires-within", value, &within_s))
			return STP_EXIT_USAGE;
		if (id == OPT_NOW && !stp_cli_time(cli, "now", value, &asked.now))
			return STP_EXIT_USAGE;
	}
	if (id == STP_OPT_ERROR)
		return STP_EXIT_USAGE;
	if (cli->argument_count != 1)
		return stp_cli_usage(cli, "give one repository");
	asked.repo = cli->arguments[0];
	code = stp_status_run(&asked, &status, &err);
	if (code != STP_OK)
		return stp_cli_fail(cli, &err);
	if (cli->json) {
		stp_cli_print_json(status_json(&status));
	} else {
		print_published(&status);
		print_run(&status);
		print_disk(&status);
	}
	if (!is_late(&status, within_s))
		return STP_EXIT_OK;
	if (!status.timestamp.found || status.bins_missing)
		stp_cli_say(cli, "status: what is published is not complete");
	else
		stp_cli_say(cli, "status: %s expires within the time asked for",
		            status.expires_what);
	return STP_EXIT_VERIFY;
}

const struct stp_verb stp_verb_status = {
    .name = "status",
    .summary = "versions, expiries, what the last run did, disk use",
    .synopsis = "status REPO [options]",
    .options = options,
    .examples = "  stampede status /srv/stampede/pypi\n"
                "  stampede status /srv/stampede/pypi --expires-within 12h || page-somebody\n",
    .run = run,
};
