/* SPDX-License-Identifier: Apache-2.0 */
/*
 * use FOLDER: a program of somebody else's, that sees nothing but the installed headers. Makes a
 * repository in FOLDER for the files in FOLDER/index, signs it, and looks at it in every way.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <stampede/stampede.h>

#define CHECK(what)                                                                       \
	do {                                                                              \
		if (!(what)) {                                                            \
			fprintf(stderr, "%d: %s: %s: %s\n", __LINE__, #what, err.subject, \
			        err.text);                                                \
			exit(1);                                                          \
		}                                                                         \
	} while (0)

static struct stp_err err = STP_ERR_INIT;
static char repo[4000], targets[4000];
static const char *folder;

static void make(void)
{
	struct stp_init_options options = STP_INIT_OPTIONS_INIT;
	struct stp_init_report report;

	options.repo = repo;
	options.targets_dir = targets;
	options.bin_count = 4;
	CHECK(stp_init(&options, &report, &err) == STP_OK);
	CHECK(report.bin_count == 4 && report.offline_key_count > 0);
	stp_init_report_release(&report);
}

static void take_log(void *ctx, const char *stage, const char *subject, const char *text)
{
	(void)subject;
	(void)text;
	*(int *)ctx += *stage != '\0';
}

static void sign(void)
{
	struct stp_sign_options options = STP_SIGN_OPTIONS_INIT;
	struct stp_sign_report report;
	int lines = 0;

	options.repo = repo;
	options.log = take_log;
	options.log_ctx = &lines;
	options.progress = stp_progress_create();
	options.cancel = stp_cancel_create();
	CHECK(stp_sign(&options, &report, &err) == STP_OK);
	CHECK(report.published && report.targets == 3 && report.files_hashed == 3);
	stp_sign_report_release(&report);
	stp_progress_destroy(options.progress);
	stp_cancel_destroy(options.cancel);
}

/* Cleared options stand for the defaults, and so do the members that an older program has not. */
static void sign_with_less(void)
{
	struct stp_sign_options options;
	struct stp_sign_report report;

	memset(&options, 0, sizeof(options));
	options.repo = repo;
	CHECK(stp_sign(&options, &report, &err) == STP_OK);
	CHECK(report.published && report.files_hashed == 0);
	stp_sign_report_release(&report);
	options.size = offsetof(struct stp_sign_options, io);
	options.dry_run = 1; /* not among the members that count */
	CHECK(stp_sign(&options, &report, &err) == STP_OK);
	CHECK(report.published && report.versions.timestamp == 3);
	stp_sign_report_release(&report);
}

/* A program that was built with a later version asks for more. */
static void sign_with_more(void)
{
	struct {
		struct stp_sign_options options;
		size_t appended;
	} later;
	struct stp_sign_report report;
	struct stp_err refused = STP_ERR_INIT;

	memset(&later, 0, sizeof(later));
	later.options.size = sizeof(later);
	later.options.repo = repo;
	CHECK(stp_sign(&later.options, &report, &err) == STP_OK);
	stp_sign_report_release(&report);
	later.appended = 1;
	CHECK(stp_sign(&later.options, &report, &refused) == STP_CONFIG);
	CHECK(!report.published && strstr(refused.text, "version of the library"));
	stp_sign_report_release(&report);
}

/* Renames two of the three files: FROM/a.whl to TO/a.whl, and b.whl. */
static void move_two(const char *from, const char *to)
{
	static const char *const names[] = {"a.whl", "b.whl"};
	char old[4096], new[4096];

	for (size_t i = 0; i < 2; i++) {
		snprintf(old, sizeof(old), "%s/%s", from, names[i]);
		snprintf(new, sizeof(new), "%s/%s", to, names[i]);
		CHECK(rename(old, new) == 0);
	}
}

/* Most of the index is gone: refused, and what may be done has the names of the library. */
static void sign_too_few(void)
{
	struct stp_sign_options options = STP_SIGN_OPTIONS_INIT;
	struct stp_sign_report report;
	struct stp_err refused = STP_ERR_INIT;

	move_two(targets, folder);
	options.repo = repo;
	CHECK(refused.hint == STP_HINT_NONE);
	CHECK(stp_sign(&options, &report, &refused) == STP_REFUSED);
	CHECK(!report.published && refused.hint == STP_HINT_ALLOW_REMOVALS);
	CHECK(strstr(refused.text, "stp_sign_options.allow_removals = 2"));
	CHECK(!strstr(refused.text, "--"));
	stp_sign_report_release(&report);
	move_two(folder, targets);
}

static void look(void)
{
	struct stp_verify_options verify = STP_VERIFY_OPTIONS_INIT;
	struct stp_verify_report verified;
	struct stp_status_options asked = STP_STATUS_OPTIONS_INIT;
	struct stp_status_report status;
	struct stp_show_options wanted = STP_SHOW_OPTIONS_INIT;
	struct stp_show_report shown;
	struct stp_gc_options old = STP_GC_OPTIONS_INIT;
	struct stp_gc_report removed;
	struct stp_plan_options numbers = STP_PLAN_OPTIONS_INIT;
	struct stp_plan_report plan;

	verify.path = asked.repo = wanted.repo = old.repo = numbers.repo = repo;
	verify.targets_dir = "";
	CHECK(stp_verify(&verify, &verified, &err) == STP_OK);
	CHECK(verified.error_total == 0 && verified.target_count == 3);
	stp_verify_report_release(&verified);
	CHECK(stp_status(&asked, &status, &err) == STP_OK);
	CHECK(status.published && !stp_status_is_bad(&status));
	stp_status_report_release(&status);
	wanted.path = "a.whl";
	CHECK(stp_show(&wanted, &shown, &err) == STP_OK);
	CHECK(shown.is_target && shown.hex[STP_ALG_SHA512][0]);
	stp_show_report_release(&shown);
	CHECK(stp_gc(&old, &removed, &err) == STP_OK);
	CHECK(removed.snapshots_kept >= 3);
	stp_gc_report_release(&removed);
	CHECK(stp_plan(&numbers, &plan, &err) == STP_OK);
	CHECK(plan.repo_bins == 4 && plan.row_count > 1);
	stp_plan_report_release(&plan);
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	folder = argv[1];
	snprintf(repo, sizeof(repo), "%s/repo", argv[1]);
	snprintf(targets, sizeof(targets), "%s/index", argv[1]);
	CHECK(strcmp(stp_version(), STP_VERSION_STRING) == 0);
	CHECK(STP_VERSION_AT_LEAST(0, 1, 0));
	make();
	sign();
	sign_with_less();
	sign_with_more();
	sign_too_few();
	look();
	return 0;
}
