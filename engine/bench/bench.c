/* SPDX-License-Identifier: Apache-2.0 */
/* The driver of `bench`: processor, storage, whole runs, predictions. */
#include "bench/bench.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/options.h"
#include "base/progress.h"
#include "base/thread.h"
#include "stampede/version.h"

/* --- the machine ----------------------------------------------------------------------------- */

/* The value behind "key : value" of a /proc file; out is "" when it is not there. */
static void proc_value(const char *path, const char *key, char *out, size_t size)
{
	FILE *file = fopen(path, "re");
	char line[1024];

	out[0] = '\0';
	while (file && !out[0] && fgets(line, sizeof(line), file)) {
		char *colon = strchr(line, ':');

		if (strncmp(line, key, strlen(key)) != 0 || !colon)
			continue;
		colon += strspn(colon, ": \t");
		colon[strcspn(colon, "\n")] = '\0';
		snprintf(out, size, "%s", colon);
	}
	if (file)
		fclose(file);
}

static json_t *machine_json(const struct stp_bench *bench)
{
	long pages = sysconf(_SC_PHYS_PAGES);
	long page_bytes = sysconf(_SC_PAGESIZE);
	struct utsname system = {.release = ""};
	char cpu[256];

	uname(&system);
	proc_value("/proc/cpuinfo", "model name", cpu, sizeof(cpu));
	return json_pack("{s:s,s:s,s:I,s:I,s:s,s:s,s:b}", "cpu", cpu[0] ? cpu : system.machine,
	                 "architecture", system.machine, "cores", (json_int_t)bench->cpu_count,
	                 "memory_bytes", (json_int_t)pages * (json_int_t)page_bytes, "kernel",
	                 system.release, "file_system", bench->scratch.file_system, "root",
	                 geteuid() == 0);
}

/* --- the run --------------------------------------------------------------------------------- */

static void begin_document(struct stp_bench *bench)
{
	char now[STP_TIME_BYTES + 1];

	stp_time_format(bench->options->now, now);
	bench->document = json_object();
	bench->notes = json_array();
	bench->noisy = json_array();
	stp_bench_set(bench, "schema", json_string("stampede-bench/1"));
	stp_bench_set(bench, "version", json_string(stp_version()));
	stp_bench_set(bench, "time", json_string(now));
	stp_bench_set(bench, "machine", machine_json(bench));
	stp_bench_set(bench, "latency", json_array());
}

/* A machine that does other things shows in every number: say so before any. */
static void note_load(struct stp_bench *bench)
{
	double load;

	if (getloadavg(&load, 1) == 1 && load > 0.25 * (double)bench->cpu_count)
		stp_bench_note(
		    bench,
		    "other programs run here (load %.1f on %zu cores): what was measured "
		    "is what they left",
		    load, bench->cpu_count);
	if (strcmp(bench->scratch.file_system, "tmpfs") == 0)
		stp_bench_note(bench,
		               "the scratch folder is in memory (tmpfs): writing and cold "
		               "reading say nothing about a disk; name another with %s",
		               stp_hint_text(STP_HINT_WORK));
}

/* What comes of little room. */
static void note_room(struct stp_bench *bench)
{
	if (!stp_scratch_has_room(&bench->scratch))
		stp_bench_note(bench,
		               "less than 12 GiB are free for scratch files: they are removed "
		               "between measurements, which takes longer, and some file "
		               "systems are slower after it; name another folder with %s",
		               stp_hint_text(STP_HINT_WORK));
}

/* Bytes of memory, for what may stay in the page cache. */
static double memory_bytes(const struct stp_bench *bench)
{
	return json_number_value(
	    json_object_get(json_object_get(bench->document, "machine"), "memory_bytes"));
}

static enum stp_errc measure(struct stp_bench *bench, struct stp_err *err)
{
	note_load(bench);
	note_room(bench);
	STP_TRY(stp_bench_processor(bench, err));
	STP_TRY(stp_bench_storage(bench, err));
	STP_TRY(stp_bench_whole(bench, err));
	stp_bench_set(bench, "model", stp_bench_model_json(&bench->model));
	stp_bench_set(bench, "predictions",
	              stp_bench_predict(&bench->model, bench->options, memory_bytes(bench)));
	return STP_OK;
}

static enum stp_errc finish_document(struct stp_bench *bench, uint64_t started, char **out_json,
                                     struct stp_err *err)
{
	if (json_array_size(bench->noisy))
		stp_bench_note(
		    bench,
		    "%zu measures are noisy (their runs lie more than %.0f %% apart): close "
		    "other programs and bench again",
		    json_array_size(bench->noisy), STP_RATE_NOISY * 100);
	stp_bench_set(bench, "notes", json_incref(bench->notes));
	stp_bench_set(bench, "noisy", json_incref(bench->noisy));
	stp_bench_set(bench, "seconds",
	              stp_real_json((double)(stp_clock_monotonic_ns() - started) / 1e9));
	*out_json = json_dumps(bench->document, JSON_COMPACT | JSON_REAL_PRECISION(9));
	if (!*out_json)
		return STP_FAIL_ERRNO(err, ENOMEM, "bench", NULL, "no memory for the document");
	return STP_OK;
}

static enum stp_errc check_options(const struct stp_bench_options *options, struct stp_err *err)
{
	const struct stp_bench_shape *shape;
	size_t i = 0;
	int fd;

	/* Before a minute of measuring, not in the middle of it. */
	if (options->dir) {
		fd = open(options->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			return STP_FAIL(err, STP_CONFIG, "bench", options->dir,
			                "cannot open the folder to read from: %s", strerror(errno));
		close(fd);
	}
	if (!options->shape)
		return STP_OK;
	while ((shape = stp_bench_shape(i)) != NULL && strcmp(shape->name, options->shape) != 0)
		i++;
	if (!shape)
		return STP_FAIL(err, STP_CONFIG, "bench", options->shape,
		                "is no shape; use drupal, pep458, packagist or pypi");
	return STP_OK;
}

enum stp_errc stp_bench(const struct stp_bench_options *options,
                        struct stp_bench_report *out_report, struct stp_err *err)
{
	struct stp_bench_options mine;
	struct stp_bench bench = {.options = &mine, .scratch = {.fd = -1}};
	uint64_t started = stp_clock_monotonic_ns();
	enum stp_errc code;

	memset(out_report, 0, sizeof(*out_report));
	STP_TRY(STP_OPTIONS_TAKE(&mine, options, measured_ctx, "bench", err));
	STP_TRY(check_options(&mine, err));
	bench.seconds = mine.seconds > 0 ? mine.seconds : STP_BENCH_SECONDS_DEFAULT;
	bench.cpu_count = stp_cpu_count();
	mine.now = stp_options_now(mine.now, mine.has_now);
	bench.started_ns = started;
	bench.cancel = mine.cancel ? mine.cancel : &bench.own_cancel;
	stp_progress_time(mine.progress, bench.seconds);
	code = stp_scratch_open(&bench.scratch, mine.work_dir, err);
	if (code == STP_OK) {
		begin_document(&bench);
		code = measure(&bench, err);
		if (code == STP_OK)
			code = finish_document(&bench, started, &out_report->json, err);
		json_decref(bench.notes);
		json_decref(bench.noisy);
		json_decref(bench.document);
	}
	if (code == STP_OK && mine.measured)
		mine.measured(mine.measured_ctx, out_report->json);
	stp_progress_time(mine.progress, 0);
	stp_progress_stage(mine.progress, "remove", 0, 0);
	stp_scratch_close(&bench.scratch, mine.progress);
	return code;
}

void stp_bench_report_release(struct stp_bench_report *report)
{
	free(report->json);
	memset(report, 0, sizeof(*report));
}
