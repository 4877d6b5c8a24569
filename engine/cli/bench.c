/* SPDX-License-Identifier: Apache-2.0 */
#include "stampede/bench.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "cli/outputs.h"
#include "cli/product.h"
#include "cli/verbs.h"
#include "report/bench_views.h"

/* A document has some ten kilobytes; what --compare is given may be anything. */
#define DOCUMENT_BYTES_MAX ((size_t)4 << 20)

enum {
	OPT_TARGETS = 1,
	OPT_BYTES,
	OPT_SHAPE,
	OPT_DIR,
	OPT_WORK,
	OPT_SECONDS,
	OPT_JSON,
	OPT_HTML,
	OPT_COMPARE,
	OPT_FROM,
};

static const struct stp_option options[] = {
    {"targets", "N", "files of the index to predict", OPT_TARGETS},
    {"bytes", "B", "bytes of all its files together", OPT_BYTES},
    {"shape", "drupal|pep458|packagist|pypi",
     "index to predict, or whose layout --targets takes (default: all; pep458)", OPT_SHAPE},
    {"dir", "DIR", "scan and read the files of DIR rather than made-up ones; nothing is written",
     OPT_DIR},
    {"work", "DIR", "where to make the scratch folder (default: TMPDIR, else /var/tmp)", OPT_WORK},
    {"seconds", "S", "time to spend, about (default: 60)", OPT_SECONDS},
    {"json", "[FILE]", "the result as JSON, on stdout or in FILE", OPT_JSON},
    {"html", "FILE", "write the result as a page for a browser", OPT_HTML},
    {"compare", "A.json B.json", "measure nothing; set two results side by side, also with --html",
     OPT_COMPARE},
    {"from", "FILE",
     "measure nothing; show a result that --json wrote, also with --html, or predict another index "
     "from it",
     OPT_FROM},
    {NULL, NULL, NULL, 0},
};

static const char examples[] =
    "  stampede bench                                        what this machine can do\n"
    "  stampede bench --shape pypi                           how long PyPI would take\n"
    "  stampede bench --targets 400000 --bytes 900000000000  an index like mine\n"
    "  stampede bench --dir /srv/index --html bench.html     as a page, my files\n"
    "  stampede bench --json here.json                       keep the result\n"
    "  stampede bench --from here.json --targets 2000000     ask it once more\n"
    "  stampede bench --compare there.json here.json         two machines compared\n";

struct request {
	struct stp_bench_options run;
	int wants_json;
	const char *json_path; /* NULL: stdout */
	const char *html_path;
	const char *compare;
	const char *from;
};

static size_t columns(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		return size.ws_col;
	return 80;
}

static int take_option(struct stp_cli *cli, int id, const char *value, struct request *request)
{
	static const char *const shapes[] = {"drupal", "pep458", "packagist", "pypi", NULL};
	struct stp_bench_options *run = &request->run;
	uint64_t number;

	switch (id) {
	case OPT_TARGETS:
		return stp_cli_u64(cli, "targets", value, 1, 1000000000000, &run->target_count);
	case OPT_BYTES:
		return stp_cli_u64(cli, "bytes", value, 1, 1000000000000000000, &run->target_bytes);
	case OPT_SHAPE:
		run->shape = value;
		return stp_cli_choice(cli, "shape", value, shapes) >= 0;
	case OPT_DIR:
		run->dir = value;
		return 1;
	case OPT_WORK:
		run->work_dir = value;
		return 1;
	case OPT_SECONDS:
		if (!stp_cli_u64(cli, "seconds", value, STP_BENCH_SECONDS_MIN,
		                 STP_BENCH_SECONDS_MAX, &number))
			return 0;
		run->seconds = (double)number;
		return 1;
	case OPT_JSON:
		request->wants_json = 1;
		request->json_path = value;
		return 1;
	case OPT_HTML:
		request->html_path = value;
		return 1;
	case OPT_COMPARE:
		request->compare = value;
		return 1;
	case OPT_FROM:
		request->from = value;
		return 1;
	default:
		return 0;
	}
}

/* --- --compare ------------------------------------------------------------------------------- */

static int compare(struct stp_cli *cli, const struct request *request, const char *path_b)
{
	const char *path_a = request->compare;
	struct stp_err err = STP_ERR_INIT;
	struct stp_buf a = STP_BUF_INIT;
	struct stp_buf b = STP_BUF_INIT;
	char *text = NULL;
	char *html = NULL;
	enum stp_errc code = stp_file_read(AT_FDCWD, path_a, DOCUMENT_BYTES_MAX, "bench", &a, &err);

	if (code == STP_OK)
		code = stp_file_read(AT_FDCWD, path_b, DOCUMENT_BYTES_MAX, "bench", &b, &err);
	if (code == STP_OK)
		code = stp_bench_compare((const char *)a.data, path_a, (const char *)b.data, path_b,
		                         &text, &err);
	if (code == STP_OK && request->html_path)
		code = stp_bench_compare_html((const char *)a.data, path_a, (const char *)b.data,
		                              path_b, &html, &err);
	if (code == STP_OK && request->html_path)
		code = stp_product_write(request->html_path, html, STP_PRODUCT_UMASK, &err);
	if (code == STP_OK)
		fputs(text, stdout);
	free(text);
	free(html);
	stp_buf_release(&a);
	stp_buf_release(&b);
	return code == STP_OK ? STP_EXIT_OK : stp_cli_fail(cli, &err);
}

/* --- measuring ------------------------------------------------------------------------------- */

static enum stp_errc write_html(const char *json, const char *name, const char *path,
                                struct stp_err *err)
{
	char *html;
	enum stp_errc code;

	STP_TRY(stp_bench_html(json, name, &html, err));
	code = stp_product_write(path, html, STP_PRODUCT_UMASK, err);
	free(html);
	return code;
}

static enum stp_errc write_json(const char *json, const char *path, struct stp_err *err)
{
	size_t n = strcspn(json, "\n");
	enum stp_errc code;

	/* One line, which ends in a newline as lines of text files do. */
	char *line = malloc(n + 2);

	if (!line)
		return STP_FAIL_ERRNO(err, ENOMEM, "bench", NULL, "no memory for the result");
	memcpy(line, json, n);
	memcpy(line + n, "\n", 2);
	code = stp_product_write(path, line, STP_PRODUCT_UMASK, err);
	free(line);
	return code;
}

static enum stp_errc write_products(const struct request *request, const char *json,
                                    struct stp_err *err)
{
	const char *name = request->from ? request->from : "bench";
	char *text;

	if (request->html_path)
		STP_TRY(write_html(json, name, request->html_path, err));
	if (request->json_path)
		STP_TRY(write_json(json, request->json_path, err));
	if (request->wants_json && !request->json_path) {
		puts(json);
		return STP_OK;
	}
	STP_TRY(stp_bench_text(json, name, columns(), &text, err));
	fputs(text, stdout);
	free(text);
	return STP_OK;
}

/* Where the result goes as soon as it is there. */
struct delivery {
	struct stp_cli *cli;
	const struct request *request;
	enum stp_errc code;
	struct stp_err err;
};

static void deliver(void *ctx, const char *json)
{
	struct delivery *delivery = ctx;

	stp_cli_progress_end(delivery->cli);
	delivery->code = write_products(delivery->request, json, &delivery->err);
	fflush(stdout);
	stp_cli_say(delivery->cli, "bench: taking the scratch files away");
	stp_cli_progress_begin(delivery->cli);
}

static int measure(struct stp_cli *cli, struct request *request)
{
	struct delivery delivery = {.cli = cli, .request = request, .err = STP_ERR_INIT};
	struct stp_err err = STP_ERR_INIT;
	struct stp_bench_report report;
	enum stp_errc code;

	request->run.progress = cli->progress;
	request->run.cancel = cli->cancel;
	request->run.measured = deliver;
	request->run.measured_ctx = &delivery;
	stp_cli_say(cli, "bench: measuring, about %.0f seconds; leave the machine alone",
	            request->run.seconds > 0 ? request->run.seconds : STP_BENCH_SECONDS_DEFAULT);
	stp_cli_progress_begin(cli);
	code = stp_bench(&request->run, &report, &err);
	stp_cli_progress_end(cli);
	stp_bench_report_release(&report);
	if (code != STP_OK)
		return stp_cli_fail(cli, &err);
	return delivery.code == STP_OK ? STP_EXIT_OK : stp_cli_fail(cli, &delivery.err);
}

/* Shows a result of before, with its predictions or those now asked for. */
static int show(struct stp_cli *cli, const struct request *request)
{
	struct stp_err err = STP_ERR_INIT;
	struct stp_buf json = STP_BUF_INIT;
	struct stp_bench_report again = {NULL};
	int asks = request->run.target_count || request->run.target_bytes || request->run.shape;
	enum stp_errc code =
	    stp_file_read(AT_FDCWD, request->from, DOCUMENT_BYTES_MAX, "bench", &json, &err);

	if (code == STP_OK && asks)
		code = stp_bench_again((const char *)json.data, request->from, &request->run,
		                       &again, &err);
	if (code == STP_OK)
		code = write_products(request, again.json ? again.json : (const char *)json.data,
		                      &err);
	stp_bench_report_release(&again);
	stp_buf_release(&json);
	return code == STP_OK ? STP_EXIT_OK : stp_cli_fail(cli, &err);
}

/* Before anything is measured, not after: what cannot be written, or must not be. */
static enum stp_errc check_outputs(const struct stp_cli *cli, const struct request *request,
                                   struct stp_err *err)
{
	const struct stp_named_file outputs[] = {{"--json", request->json_path},
	                                         {"--html", request->html_path}};
	const struct stp_named_file inputs[] = {{"--from", request->from},
	                                        {"--compare", request->compare},
	                                        {"--compare",
	                                         request->compare ? cli->arguments[0] : NULL}};
	struct stp_outputs said = {.outputs = outputs,
	                           .output_count = 2,
	                           .inputs = inputs,
	                           .input_count = 3,
	                           .folder = request->run.dir};

	return stp_outputs_check(&said, err);
}

static int run_bench(struct stp_cli *cli)
{
	struct request request = {.run = STP_BENCH_OPTIONS_INIT};
	struct stp_err err = STP_ERR_INIT;
	const char *value;
	int id;

	while ((id = stp_cli_option(cli, &value)) > 0)
		if (!take_option(cli, id, value, &request))
			return STP_EXIT_USAGE;
	if (id == STP_OPT_ERROR)
		return STP_EXIT_USAGE;
	if (request.compare && cli->argument_count != 1)
		return stp_cli_usage(cli, "--compare takes two results, A.json and B.json");
	if (!request.compare && cli->argument_count)
		return stp_cli_usage(cli, "takes options only, not '%s'", cli->arguments[0]);
	if (check_outputs(cli, &request, &err) != STP_OK)
		return stp_cli_fail(cli, &err);
	if (request.compare)
		return compare(cli, &request, cli->arguments[0]);
	return request.from ? show(cli, &request) : measure(cli, &request);
}

const struct stp_verb stp_verb_bench = {
    .name = "bench",
    .summary = "measure this machine, and predict how long an index would take",
    .synopsis = "bench [options]",
    .options = options,
    .examples = examples,
    .run = run_bench,
};
