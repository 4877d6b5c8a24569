/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verb hash. Lines are what coreutils print and check: "DIGEST  PATH" for one algorithm, BSD
 * tags for several; a path with a backslash, newline or carriage return is escaped, and its line
 * starts with a backslash.
 */
#include "stampede/hash.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/err.h"
#include "base/limits.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/verbs.h"

enum { OPT_ALGORITHM = 1, OPT_JOBS, OPT_IO };

static const struct stp_option options_table[] = {
    {"algorithm", "A[,B]", "sha256, sha512, blake2b-256 (default sha512)", OPT_ALGORITHM},
    {"jobs", "N", "workers (default: one per processor; 0: the slow serial twin)", OPT_JOBS},
    {"io", "auto|uring|pread", "how files are read", OPT_IO},
    {NULL, NULL, NULL, 0},
};

/* Printed with the first line, so that a run that fails prints nothing. */
#define JSON_BEGIN "{\"entries\":["

struct printer {
	unsigned hash_set;
	int json;
	int on_terminal;
	uint64_t count;
};

/* --- text ------------------------------------------------------------------------------------ */

/* Names as cksum's tags spell them. */
static const char *tag_name(enum stp_alg alg)
{
	static const char *const names[] = {"SHA256", "SHA512", "BLAKE2b-256"};

	return names[alg];
}

static int needs_escape(const struct stp_hash_file *line)
{
	size_t i;

	for (i = 0; i < line->path_bytes; i++) {
		if (line->path[i] == '\\' || line->path[i] == '\n' || line->path[i] == '\r')
			return 1;
	}
	return 0;
}

/* Bytes of the character at i to print as they are; 0: one that a terminal must not see. */
static size_t plain_bytes(const struct printer *printer, const struct stp_hash_file *line, size_t i)
{
	return printer->on_terminal ? stp_text_harmless(line->path + i, line->path_bytes - i) : 1;
}

static void print_path(const struct printer *printer, const struct stp_hash_file *line)
{
	size_t count;
	size_t i;

	if (!printer->on_terminal && !needs_escape(line)) {
		fwrite_unlocked(line->path, 1, line->path_bytes, stdout);
		return;
	}
	for (i = 0; i < line->path_bytes; i += count ? count : 1) {
		char byte = line->path[i];

		count = plain_bytes(printer, line, i);
		if (byte == '\\')
			fputs_unlocked("\\\\", stdout);
		else if (byte == '\n')
			fputs_unlocked("\\n", stdout);
		else if (byte == '\r')
			fputs_unlocked("\\r", stdout);
		else if (count == 0)
			putchar_unlocked('?');
		else
			fwrite_unlocked(line->path + i, 1, count, stdout);
	}
}

static void print_digest(const struct printer *printer, const struct stp_hash_file *line,
                         enum stp_alg alg)
{
	char hex[2 * STP_DIGEST_BYTES_MAX];
	size_t bytes = stp_alg_digest_bytes(alg);

	stp_hex_encode(line->digests + stp_alg_set_offset(printer->hash_set, alg), bytes, hex);
	fwrite_unlocked(hex, 1, 2 * bytes, stdout);
}

static void print_text_line(const struct printer *printer, const struct stp_hash_file *line)
{
	int tagged = (printer->hash_set & (printer->hash_set - 1)) != 0;
	int alg;

	for (alg = 0; alg < STP_ALG_COUNT; alg++) {
		if (!(printer->hash_set & STP_ALG_BIT(alg)))
			continue;
		if (needs_escape(line))
			putchar_unlocked('\\');
		if (tagged) {
			fputs_unlocked(tag_name((enum stp_alg)alg), stdout);
			fputs_unlocked(" (", stdout);
			print_path(printer, line);
			fputs_unlocked(") = ", stdout);
			print_digest(printer, line, (enum stp_alg)alg);
		} else {
			print_digest(printer, line, (enum stp_alg)alg);
			fputs_unlocked("  ", stdout);
			print_path(printer, line);
		}
		putchar_unlocked('\n');
	}
}

/* --- JSON ------------------------------------------------------------------------------------ */

/* A JSON string; what is not UTF-8 becomes U+FFFD, and 0 is returned. */
static int print_json_string(const char *text, size_t count)
{
	int is_exact = 1;
	size_t i;

	putchar_unlocked('"');
	for (i = 0; i < count;) {
		size_t bytes = stp_utf8_bytes(text + i, count - i);

		if (bytes == 0) {
			fputs_unlocked("\\ufffd", stdout);
			is_exact = 0;
			i++;
			continue;
		}
		if (!stp_text_harmless(text + i, bytes))
			printf("\\u%04x", stp_utf8_point(text + i, bytes));
		else if (text[i] == '"' || text[i] == '\\')
			printf("\\%c", text[i]);
		else
			fwrite_unlocked(text + i, 1, bytes, stdout);
		i += bytes;
	}
	putchar_unlocked('"');
	return is_exact;
}

static void print_json_path(const char *path, size_t path_bytes)
{
	size_t i;

	fputs_unlocked("\"path\":", stdout);
	if (print_json_string(path, path_bytes))
		return;
	fputs_unlocked(",\"path_hex\":\"", stdout);
	for (i = 0; i < path_bytes; i++)
		printf("%02x", (unsigned char)path[i]);
	putchar_unlocked('"');
}

static void print_json_line(const struct printer *printer, const struct stp_hash_file *line)
{
	int alg;

	fputs_unlocked(printer->count ? ",{" : JSON_BEGIN "{", stdout);
	print_json_path(line->path, line->path_bytes);
	printf(",\"length\":%llu", (unsigned long long)line->length);
	for (alg = 0; alg < STP_ALG_COUNT; alg++) {
		if (!(printer->hash_set & STP_ALG_BIT(alg)))
			continue;
		printf(",\"%s\":\"", stp_alg_name((enum stp_alg)alg));
		print_digest(printer, line, (enum stp_alg)alg);
		putchar_unlocked('"');
	}
	putchar_unlocked('}');
}

static void print_json_end(const struct printer *printer, const struct stp_hash_report *report)
{
	struct rusage usage;
	size_t i;
	int alg;
	int first = 1;

	getrusage(RUSAGE_SELF, &usage);
	if (printer->count == 0)
		fputs_unlocked(JSON_BEGIN, stdout);
	printf(
	    "],\"files\":%llu,\"bytes\":%llu,\"left_out\":%llu,\"fault_count\":%llu,\"faults\":[",
	    (unsigned long long)report->files, (unsigned long long)report->bytes,
	    (unsigned long long)report->left_out, (unsigned long long)report->fault_total);
	for (i = 0; i < report->fault_count; i++) {
		fputs_unlocked(i ? ",{" : "{", stdout);
		print_json_path(report->faults[i].path, strlen(report->faults[i].path));
		fputs_unlocked(",\"text\":", stdout);
		print_json_string(report->faults[i].text, strlen(report->faults[i].text));
		putchar_unlocked('}');
	}
	printf("],\"seconds\":{\"hash\":%.6f,\"sort\":%.6f},\"peak_rss_bytes\":%llu",
	       report->seconds_scan_and_hash, report->seconds_sort,
	       (unsigned long long)usage.ru_maxrss * 1024);
	printf(",\"io_backend\":\"%s\",\"kernels\":{", report->io_backend);
	for (alg = 0; alg < STP_ALG_COUNT; alg++) {
		if (!report->kernels[alg])
			continue;
		printf("%s\"%s\":\"%s\"", first ? "" : ",", stp_alg_name((enum stp_alg)alg),
		       report->kernels[alg]);
		first = 0;
	}
	fputs_unlocked("}}\n", stdout);
}

/* --- the verb -------------------------------------------------------------------------------- */

static enum stp_errc take_file(void *ctx, const struct stp_hash_file *line, struct stp_err *err)
{
	struct printer *printer = ctx;

	if (printer->json)
		print_json_line(printer, line);
	else
		print_text_line(printer, line);
	printer->count++;
	if (ferror_unlocked(stdout))
		return STP_FAIL(err, STP_IO, "output", NULL,
		                "stdout could not be written; its reader or disk is gone");
	return STP_OK;
}

static void say_faults(const struct stp_cli *cli, const struct stp_hash_report *report)
{
	size_t i;

	for (i = 0; i < stp_cli_faults_shown(cli, report->fault_count); i++)
		stp_cli_fault(cli, "hash", report->faults[i].path, report->faults[i].text);
	stp_cli_more_faults(cli, report->fault_total, i);
	if (report->io_why[0])
		stp_cli_say(cli, "hash: read with pread: %s", report->io_why);
	if (report->left_out)
		stp_cli_say(cli, "hash: left out %llu links and special files",
		            (unsigned long long)report->left_out);
}

static int finish(const struct stp_cli *cli, const struct stp_hash_report *report)
{
	char bytes[32];
	char rate[32];
	char files[32];
	double seconds = report->seconds_scan_and_hash + report->seconds_sort;

	say_faults(cli, report);
	stp_cli_say(cli, "hash: %s files, %s in %.2f s (%s/s), %s",
	            stp_count_format(report->files, files), stp_bytes_format(report->bytes, bytes),
	            seconds,
	            stp_bytes_format((uint64_t)((double)report->bytes / (seconds + 1e-9)), rate),
	            report->io_backend);
	if (report->fault_total == 0)
		return STP_EXIT_OK;
	return report->files ? STP_EXIT_PARTIAL : STP_EXIT_FAILED;
}

/* Takes one option; 0 after printing usage. */
static int take_option(struct stp_cli *cli, int id, const char *value,
                       struct stp_hash_options *options)
{
	static const char *const modes[] = {"auto", "uring", "pread", NULL};
	int mode;

	switch (id) {
	case OPT_ALGORITHM:
		options->hash_set = stp_alg_set_parse(value);
		if (!options->hash_set)
			stp_cli_usage(cli,
			              "--algorithm takes names out of sha256, sha512, blake2b-256, "
			              "each once, not '%s'",
			              value);
		return options->hash_set != 0;
	case OPT_JOBS:
		return stp_cli_jobs(cli, value, &options->jobs);
	default:
		mode = stp_cli_choice(cli, "io", value, modes);
		options->io = (enum stp_io_mode)mode;
		return mode >= 0;
	}
}

static int run(struct stp_cli *cli)
{
	struct printer printer = {.on_terminal = isatty(STDOUT_FILENO)};
	struct stp_hash_options options = {
	    .size = sizeof(options),
	    .hash_set = STP_ALG_BIT(STP_ALG_SHA512),
	    .progress = cli->progress,
	    .cancel = cli->cancel,
	    .on_file = take_file,
	    .on_file_ctx = &printer,
	};
	struct stp_hash_report report;
	struct stp_err err = STP_ERR_INIT;
	const char *value;
	enum stp_errc code;
	int exit_code;
	int id;

	while ((id = stp_cli_option(cli, &value)) > 0) {
		if (!take_option(cli, id, value, &options))
			return STP_EXIT_USAGE;
	}
	if (id == STP_OPT_ERROR)
		return STP_EXIT_USAGE;
	if (cli->argument_count == 0)
		return stp_cli_usage(cli, "give files or folders");
	options.paths = cli->arguments;
	options.path_count = cli->argument_count;
	printer.hash_set = options.hash_set;
	printer.json = cli->json;
	stp_cli_progress_begin(cli);
	code = stp_hash_files(&options, &report, &err);
	stp_cli_progress_end(cli);
	if (code != STP_OK && ferror(stdout)) /* main() says so, for every verb */
		return STP_EXIT_FAILED;
	if (code != STP_OK)
		return stp_cli_fail(cli, &err);
	if (cli->json)
		print_json_end(&printer, &report);
	exit_code = finish(cli, &report);
	stp_hash_report_release(&report);
	return exit_code;
}

const struct stp_verb stp_verb_hash = {
    "hash",
    "prints the digests of files and folders, sorted by path",
    "hash PATH... [options]",
    options_table,
    "  stampede hash packages > SHA512SUMS && sha512sum -c --quiet SHA512SUMS\n"
    "  stampede hash --algorithm sha256,blake2b-256 packages | cksum -c --quiet\n",
    run,
};
