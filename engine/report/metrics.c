/* SPDX-License-Identifier: Apache-2.0 */
#include "report/metrics.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/out.h"

#define LAST_SUCCESS "stampede_last_success_timestamp_seconds"
#define LAST_PUBLISH "stampede_last_publish_timestamp_seconds"
#define EXPIRES      "stampede_expires_timestamp_seconds"
#define TARGETS      "stampede_targets"
#define TARGET_BYTES "stampede_target_bytes"
#define VERSION      "stampede_metadata_version"
#define ROLE_EXPIRES "stampede_role_expires_timestamp_seconds"
#define ROLE_LEFT    "stampede_role_expires_seconds"
#define MARGIN       "stampede_quorum_margin"

/* The label's value: backslash, quote and newline escaped as the format asks, other control bytes
 * left out. */
static void write_label(struct stp_out *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\\' || *text == '"')
			stp_out_format(out, "\\%c", *text);
		else if (*text == '\n')
			stp_out_format(out, "\\n");
		else if ((unsigned char)*text >= 0x20 && *text != 0x7f)
			stp_out_format(out, "%c", *text);
	}
}

static void head(struct stp_out *out, const char *name, const char *help)
{
	stp_out_format(out, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name);
}

static void sample(struct stp_out *out, const char *name, const char *repo, const char *label,
                   double value)
{
	stp_out_format(out, "%s{repo=\"", name);
	write_label(out, repo);
	stp_out_format(out, "\"%s} %.17g\n", label, value);
}

static void gauge(struct stp_out *out, const char *name, const char *help, const char *repo,
                  double value)
{
	head(out, name, help);
	sample(out, name, repo, "", value);
}

/* The line of the first sample called name, and with label among its labels, in an earlier file of
 * ours; NULL when there is none. */
static const char *find_sample(const char *text, const char *name, const char *label)
{
	size_t n = strlen(name);
	const char *line;

	for (line = text; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
		const char *end = line + strcspn(line, "\n");
		const char *found = strstr(line, label);

		if (strncmp(line, name, n) == 0 && line[n] == '{' && found && found < end)
			return line;
	}
	return NULL;
}

/* Its value; 0 when there is none. */
static double previous_value(const char *text, const char *name, const char *label)
{
	const char *line = find_sample(text, name, label);
	const char *space = line ? line + strcspn(line, "\n") : NULL;

	while (space > line && *space != ' ')
		space--;
	return space ? strtod(space, NULL) : 0;
}

/* Expiry of each role. A run that did not come so far leaves what the file of before says. */
static void write_roles(struct stp_out *out, const struct stp_sign_expiries *expiries,
                        const char *repo, int64_t now, const char *previous)
{
	struct {
		const char *label;
		double at;
	} roles[] = {
	    {",role=\"root\"", (double)expiries->root},
	    {",role=\"targets\"", (double)expiries->targets},
	    {",role=\"bins\"", (double)expiries->bins},
	    {",role=\"bin_n\"", (double)expiries->bin_n},
	    {",role=\"snapshot\"", (double)expiries->snapshot},
	    {",role=\"timestamp\"", (double)expiries->timestamp},
	};
	size_t i;

	head(out, ROLE_EXPIRES, "When each role of what is published expires.");
	for (i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
		if (roles[i].at <= 0)
			roles[i].at = previous_value(previous, ROLE_EXPIRES, roles[i].label);
		if (roles[i].at > 0)
			sample(out, ROLE_EXPIRES, repo, roles[i].label, roles[i].at);
	}
	head(out, ROLE_LEFT, "Seconds from the end of the run to the expiry of each role.");
	for (i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
		if (roles[i].at > 0)
			sample(out, ROLE_LEFT, repo, roles[i].label, roles[i].at - (double)now);
}

/* Quorum margins; as with expiries, an earlier file stands in for a run that did not look. */
static void write_margins(struct stp_out *out, const struct stp_sign_margins *margins,
                          const char *repo, const char *previous)
{
	const struct {
		const char *label;
		const struct stp_sign_margin *margin;
	} roles[] = {
	    {",role=\"root\"", &margins->root},
	    {",role=\"targets\"", &margins->targets},
	    {",role=\"bins\"", &margins->bins},
	};

	head(out, MARGIN,
	     "Keys of each offline role that signed within 400 days, minus its threshold.");
	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
		if (roles[i].margin->known)
			sample(out, MARGIN, repo, roles[i].label, (double)roles[i].margin->margin);
		else if (find_sample(previous, MARGIN, roles[i].label))
			sample(out, MARGIN, repo, roles[i].label,
			       previous_value(previous, MARGIN, roles[i].label));
	}
}

static void write_seconds(struct stp_out *out, const struct stp_sign_seconds *seconds,
                          const char *repo)
{
	static const char *const names[] = {"scan", "hash",    "ledger", "bins",
	                                    "sign", "publish", "rest",   "total"};
	const double values[] = {seconds->scan, seconds->hash,    seconds->ledger, seconds->bins,
	                         seconds->sign, seconds->publish, seconds->rest,   seconds->total};
	char label[32];
	size_t i;

	head(out, "stampede_stage_seconds", "Duration of each stage of the last run.");
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(label, sizeof(label), ",stage=\"%s\"", names[i]);
		sample(out, "stampede_stage_seconds", repo, label, values[i]);
	}
}

/* Times that a failed run does not change are kept from the file of before. */
static void write_times(struct stp_out *out, const struct stp_sign_report *report, const char *repo,
                        int succeeded, int64_t now, const char *previous)
{
	double success = succeeded ? (double)now : previous_value(previous, LAST_SUCCESS, "");
	double publish =
	    report->published ? (double)now : previous_value(previous, LAST_PUBLISH, "");
	double expires =
	    report->published ? (double)report->expires_at : previous_value(previous, EXPIRES, "");

	gauge(out, "stampede_last_run_timestamp_seconds", "When the last run ended.", repo,
	      (double)now);
	if (success > 0)
		gauge(out, LAST_SUCCESS, "When a run last ended with exit status 0.", repo,
		      success);
	if (publish > 0)
		gauge(out, LAST_PUBLISH, "When a run last published.", repo, publish);
	if (expires > 0) {
		gauge(out, EXPIRES, "First expiry of what is published.", repo, expires);
		gauge(out, "stampede_seconds_to_expiry",
		      "Seconds from the end of the run to the first expiry of what is published.",
		      repo, expires - (double)now);
	}
	write_roles(out, &report->expiries, repo, now, previous);
	write_margins(out, &report->margins, repo, previous);
	if (report->oldest_verified_at > 0)
		gauge(out, "stampede_oldest_verified_age_seconds",
		      "Age of the oldest digest that was read from its file here.", repo,
		      (double)(now - report->oldest_verified_at));
}

/* What clients see. A run that published nothing leaves it as the file of before says, whatever it
 * found; without such a file nobody here knows, and nothing is said. */
static void write_published(struct stp_out *out, const struct stp_sign_report *report,
                            const char *repo, const char *previous)
{
	const struct {
		const char *name, *help;
		uint64_t now;
	} gauges[] = {
	    {TARGETS, "Targets that are published.", report->targets},
	    {TARGET_BYTES, "Bytes of all targets that are published.", report->target_bytes},
	    {VERSION, "Version of the timestamp published.", report->versions.timestamp},
	};
	size_t i;

	for (i = 0; i < sizeof(gauges) / sizeof(gauges[0]); i++) {
		const char *name = gauges[i].name;

		if (report->published)
			gauge(out, name, gauges[i].help, repo, (double)gauges[i].now);
		else if (find_sample(previous, name, ""))
			gauge(out, name, gauges[i].help, repo, previous_value(previous, name, ""));
	}
}

enum stp_errc stp_metrics_text(const struct stp_sign_report *report, const char *repo,
                               int succeeded, int64_t now, const char *previous, char **out_text,
                               struct stp_err *err)
{
	struct stp_out out = STP_OUT_INIT;

	gauge(&out, "stampede_last_run_success",
	      "1 when the last run ended with exit status 0: it published, and left nothing out.",
	      repo, succeeded ? 1 : 0);
	gauge(&out, "stampede_last_run_published", "1 when the last run published.", repo,
	      report->published ? 1 : 0);
	write_times(&out, report, repo, succeeded, now, previous);
	write_seconds(&out, &report->seconds, repo);
	write_published(&out, report, repo, previous);
	gauge(&out, "stampede_files_hashed", "Files hashed by the last run.", repo,
	      (double)report->files_hashed);
	gauge(&out, "stampede_hashed_bytes", "Bytes hashed by the last run.", repo,
	      (double)report->bytes_hashed);
	gauge(&out, "stampede_published_bytes", "Bytes of metadata published by the last run.",
	      repo, (double)report->published_bytes);
	gauge(&out, "stampede_faults", "Files at fault in the last run.", repo,
	      (double)report->fault_count);
	gauge(&out, "stampede_peak_rss_bytes", "Most memory the last run held.", repo,
	      (double)report->peak_rss_bytes);
	return stp_out_take(&out, out_text, err);
}
