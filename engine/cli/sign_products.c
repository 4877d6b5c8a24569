/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/sign_products.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "cli/outputs.h"
#include "cli/product.h"
#include "report/metrics.h"
#include "report/run_html.h"

/* A file of ours has some three kilobytes; what stands there before may be anything. */
#define METRICS_BYTES_MAX ((size_t)64 << 10)

/* The folder of path, malloc'ed, which must be there. */
static enum stp_errc find_folder(const char *path, char **out, struct stp_err *err)
{
	const char *slash = strrchr(path, '/');
	char *folder =
	    slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
	int fd;
	enum stp_errc code;

	if (!folder)
		return STP_FAIL_ERRNO(err, ENOMEM, "output", path, "no memory for its name");
	code = stp_folder_open(AT_FDCWD, folder, "output", &fd, err);
	if (code != STP_OK) {
		free(folder);
		err->code = STP_CONFIG; /* the operator named it */
		return STP_CONFIG;
	}
	close(fd);
	*out = folder;
	return STP_OK;
}

/* Before hours of work, not after: what cannot be written, or must not be. */
static enum stp_errc check_outputs(const struct stp_sign_products *products,
                                   const struct stp_sign_options *run, struct stp_err *err)
{
	const struct stp_named_file outputs[] = {{"--report", products->report_path},
	                                         {"--metrics", products->metrics_path}};
	const struct stp_named_file inputs[] = {{"--digests", run->digests},
	                                        {"--above", run->above}};
	struct stp_outputs said = {.outputs = outputs,
	                           .output_count = 2,
	                           .inputs = inputs,
	                           .input_count = 2,
	                           .repo = run->repo};

	return stp_outputs_check(&said, err);
}

enum stp_errc stp_sign_products_begin(struct stp_sign_products *products,
                                      struct stp_sign_options *run, struct stp_err *err)
{
	STP_TRY(check_outputs(products, run, err));
	if (products->report_path)
		STP_TRY(find_folder(products->report_path,
		                    &products->folders[run->writable_folder_count++], err));
	if (products->metrics_path)
		STP_TRY(find_folder(products->metrics_path,
		                    &products->folders[run->writable_folder_count++], err));
	run->writable_folders = (const char *const *)products->folders;
	/* Now: a confined run cannot look around any more. */
	products->repo = realpath(run->repo, NULL);
	/* Without a timeline the report just has no picture of time. */
	if (products->report_path && run->progress)
		products->timeline = stp_timeline_create(run->progress);
	return STP_OK;
}

static enum stp_errc write_report(const struct stp_sign_products *products,
                                  const struct stp_sign_options *run,
                                  const struct stp_sign_report *report,
                                  const struct stp_err *failure, struct stp_err *err)
{
	char *json = stp_sign_report_json(report);
	char outcome[1024] = "";
	struct stp_run_page page = {
	    .repo = run->repo,
	    .outcome = outcome,
	    .is_dry_run = run->dry_run,
	    .spans = report->spans,
	    .span_count = report->span_count,
	    .timeline = products->timeline,
	};
	char *html = NULL;
	enum stp_errc code;

	if (!json)
		return STP_FAIL_ERRNO(err, ENOMEM, "report", products->report_path,
		                      "no memory for the report");
	if (failure->code != STP_OK)
		stp_err_format(failure, outcome, sizeof(outcome));
	page.report_json = json;
	code = stp_run_html(&page, &html, err);
	if (code == STP_OK)
		code = stp_product_write(products->report_path, html, STP_PRODUCT_UMASK, err);
	free(json);
	free(html);
	return code;
}

static enum stp_errc write_metrics(const struct stp_sign_products *products,
                                   const struct stp_sign_options *run,
                                   const struct stp_sign_report *report, int succeeded,
                                   struct stp_err *err)
{
	struct stp_err ignored = STP_ERR_INIT;
	struct stp_buf previous = STP_BUF_INIT;
	char *text;
	enum stp_errc code;

	/* What cannot be read was no file of ours: there is nothing to take from it. */
	code = stp_file_read(AT_FDCWD, products->metrics_path, METRICS_BYTES_MAX, "metrics",
	                     &previous, &ignored);
	code = stp_metrics_text(report, products->repo ? products->repo : run->repo, succeeded,
	                        stp_clock_now(), code == STP_OK ? (const char *)previous.data : "",
	                        &text, err);
	stp_buf_release(&previous);
	if (code != STP_OK)
		return code;
	code = stp_product_write(products->metrics_path, text, STP_PRODUCT_ALL, err);
	free(text);
	return code;
}

enum stp_errc stp_sign_products_finish(struct stp_sign_products *products,
                                       const struct stp_sign_options *run,
                                       const struct stp_sign_report *report, enum stp_errc code,
                                       const struct stp_err *failure, struct stp_err *err)
{
	enum stp_errc written = STP_OK;

	if (products->timeline)
		stp_timeline_stop(products->timeline);
	if (products->report_path)
		written = write_report(products, run, report, failure, err);
	if (products->metrics_path && code != STP_BUSY) {
		int succeeded = code == STP_OK && written == STP_OK && !report->fault_count;
		enum stp_errc metrics = write_metrics(products, run, report, succeeded, err);

		written = written != STP_OK ? written : metrics;
	}
	stp_timeline_destroy(products->timeline);
	free(products->folders[0]);
	free(products->folders[1]);
	free(products->repo);
	return written;
}
