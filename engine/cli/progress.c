/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Drawing progress: a ticker thread reads the counters and prints one line.
 *
 * On a terminal the line is redrawn five times a second and fits the terminal's width, which is
 * asked each time, so resizing works. No colors: nothing to switch off. With --progress plain a
 * line is printed every five seconds, with --log-format json an object. In between the ticker looks
 * fifty times a second at how many lanes are hashing, for their mean.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/faultpoint.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/log.h"

#define TERMINAL_TICK_MS 200
#define PLAIN_TICK_MS    5000
#define LOOK_MS          20

static struct {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	const struct stp_cli *cli;
	uint64_t seen_ns, used_ns; /* monotonic and processor time at the line before */
	uint64_t busy_sum, looks;  /* lanes seen busy since, and how often was looked */
	int running, stop, on_terminal, drawn;
} ticker = {.lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER};

/* Columns of the terminal behind stderr, 80 when it does not say. */
static size_t columns(void)
{
	struct winsize size;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		return size.ws_col;
	return 80;
}

/* "4m05s" style; out has at least 32 bytes. */
static char *format_seconds(double seconds, char *out)
{
	unsigned long long s = seconds > 359999 ? 359999 : (unsigned long long)seconds;

	if (s >= 3600)
		snprintf(out, 32, "%lluh%02llum", s / 3600, s / 60 % 60);
	else if (s >= 60)
		snprintf(out, 32, "%llum%02llus", s / 60, s % 60);
	else
		snprintf(out, 32, "%llus", s);
	return out;
}

/* Milliseconds from one line to the next. */
static long line_ms(void)
{
#ifdef STP_TEST_HOOKS
	const char *text = stp_hook_variable("STAMPEDE_PROGRESS_MS");

	if (text)
		return strtol(text, NULL, 10);
#endif
	return ticker.on_terminal ? TERMINAL_TICK_MS : PLAIN_TICK_MS;
}

/* What a line is made of, in the order it stands there. */
enum part {
	PART_STAGE,
	PART_BAR,
	PART_PERCENT,
	PART_ITEMS,
	PART_BYTES,
	PART_RATE,
	PART_USE,
	PART_ETA,
	PART_COUNT,
};

/* What goes first when the terminal is narrow, to what stays. */
static const enum part dispensable[] = {PART_BYTES, PART_ITEMS, PART_USE,    PART_BAR,
                                        PART_RATE,  PART_ETA,   PART_PERCENT};

typedef char part_text[64];

/* How a line is set: with room, or, where that is too wide, close. */
struct style {
	const char *gap;
	int bar_cells, stage_columns;
	int is_short; /* no totals but the share, whole lanes */
};

static const struct style roomy = {"  ", 20, 7, 0};
static const struct style close_set = {" ", 10, 0, 1};

static void describe_bar(double share, int cells, char *out)
{
	out[0] = '[';
	memset(out + 1, '.', (size_t)cells);
	memset(out + 1, '#', (size_t)(share * cells));
	memcpy(out + 1 + cells, "]", 2);
}

static void describe_rate(const struct stp_progress_view *view, double seconds, char *out)
{
	char number[32];

	if (seconds > 0.05 && view->bytes_done)
		snprintf(out, sizeof(part_text), "%s/s",
		         stp_bytes_format((uint64_t)((double)view->bytes_done / seconds), number));
	else if (seconds > 0.05 && view->items_done)
		snprintf(out, sizeof(part_text), "%s/s",
		         stp_count_format((uint64_t)((double)view->items_done / seconds), number));
}

/* What was at work since the line before, on average. */
struct use {
	double lanes;
	double cores; /* -1: not known */
};

static struct use measure_use(void)
{
	struct use use = {0, -1};
	struct timespec used;
	uint64_t now = stp_clock_monotonic_ns();
	uint64_t used_ns;

	if (ticker.looks)
		use.lanes = (double)ticker.busy_sum / (double)ticker.looks;
	ticker.busy_sum = 0;
	ticker.looks = 0;
	if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used) != 0)
		return use;
	used_ns = (uint64_t)used.tv_sec * 1000000000 + (uint64_t)used.tv_nsec;
	if (ticker.seen_ns && now > ticker.seen_ns)
		use.cores = (double)(used_ns - ticker.used_ns) / (double)(now - ticker.seen_ns);
	ticker.seen_ns = now;
	ticker.used_ns = used_ns;
	return use;
}

/* Lanes that hash; in stages without any, the processors. */
static void describe_use(const struct stp_progress_view *view, const struct use *use,
                         const struct style *style, char *out)
{
	unsigned long long lanes = view->lanes_total;

	if (lanes && style->is_short)
		snprintf(out, sizeof(part_text), "%.0f/%llu lanes", use->lanes, lanes);
	else if (lanes)
		snprintf(out, sizeof(part_text), "%.1f of %llu lanes", use->lanes, lanes);
	else if (use->cores >= 0)
		snprintf(out, sizeof(part_text), "%.1f cores", use->cores);
}

static void describe_items(const struct stp_progress_view *view, const struct style *style,
                           char *out)
{
	char done[32], total[32];

	stp_count_format(view->items_done, done);
	if (view->items_total && !style->is_short)
		snprintf(out, sizeof(part_text), "%s of %s", done,
		         stp_count_format(view->items_total, total));
	else if (view->items_total || view->items_done)
		snprintf(out, sizeof(part_text), "%s", done);
}

static void describe_parts(const struct stp_progress_view *view, const struct use *use,
                           const struct style *style, part_text *parts)
{
	double seconds = (double)(stp_clock_monotonic_ns() - view->stage_started_ns) / 1e9;
	char left[32];

	memset(parts, 0, PART_COUNT * sizeof(*parts));
	snprintf(parts[PART_STAGE], sizeof(part_text), "%-*s", style->stage_columns, view->stage);
	if (view->share >= 0) {
		if (ticker.on_terminal)
			describe_bar(view->share, style->bar_cells, parts[PART_BAR]);
		snprintf(parts[PART_PERCENT], sizeof(part_text), "%3d%%", (int)(view->share * 100));
	}
	describe_items(view, style, parts[PART_ITEMS]);
	if (view->bytes_done)
		stp_bytes_format(view->bytes_done, parts[PART_BYTES]);
	describe_rate(view, seconds, parts[PART_RATE]);
	describe_use(view, use, style, parts[PART_USE]);
	if (view->seconds_left > 0)
		snprintf(parts[PART_ETA], sizeof(part_text), "ETA %s",
		         format_seconds(view->seconds_left, left));
}

/* Joins the parts there are. */
static size_t join(part_text *parts, const char *gap, char *line, size_t size)
{
	size_t used = 0;
	int part;

	line[0] = '\0';
	for (part = 0; part < PART_COUNT; part++)
		if (parts[part][0])
			used += (size_t)snprintf(line + used, size - used, "%s%s", used ? gap : "",
			                         parts[part]);
	return used;
}

/* One line about view in at most width columns, without newline: set close when that is narrow,
 * then without the parts that do not fit, the least telling first, whole. */
static void describe(const struct stp_progress_view *view, size_t width, char *line, size_t size)
{
	const struct use use = measure_use();
	const struct style *style = &roomy;
	part_text parts[PART_COUNT];
	size_t i = 0;

	describe_parts(view, &use, style, parts);
	if (join(parts, style->gap, line, size) > width) {
		style = &close_set;
		describe_parts(view, &use, style, parts);
	}
	while (join(parts, style->gap, line, size) > width &&
	       i < sizeof(dispensable) / sizeof(dispensable[0]))
		parts[dispensable[i++]][0] = '\0';
	if (strlen(line) > width)
		line[width] = '\0';
}

static void draw(void)
{
	struct stp_progress_view view;
	char line[PART_COUNT * sizeof(part_text)];

	stp_progress_read(ticker.cli->progress, &view);
	if (view.stage[0] == '\0')
		return;
	if (ticker.cli->log_json) {
		stp_cli_log_progress(ticker.cli, &view, measure_use().lanes);
		return;
	}
	/* The last column stays free: some terminals wrap once it is written. */
	describe(&view, ticker.on_terminal ? columns() - 1 : sizeof(line), line, sizeof(line));
	if (!ticker.on_terminal) {
		stp_log_line(STP_LOG_INFO, "stampede: progress: %s", line);
		return;
	}
	/* CR, text, erase to the end of the line (ECMA-48 EL). */
	fprintf(stderr, "\r%s\033[K", line);
	fflush(stderr);
	ticker.drawn = 1;
}

/* Looks at the lanes. One look tells whether they are in a kernel at that moment; many, how busy
 * they are. */
static void look(void)
{
	struct stp_progress_view view;

	stp_progress_read(ticker.cli->progress, &view);
	if (!view.lanes_total)
		return;
	ticker.busy_sum += view.lanes_busy;
	ticker.looks++;
}

static void add_ms(struct timespec *time, long ms)
{
	time->tv_nsec += ms % 1000 * 1000000;
	time->tv_sec += ms / 1000 + time->tv_nsec / 1000000000;
	time->tv_nsec %= 1000000000;
}

static void *tick(void *unused)
{
	long looks_per_line = (line_ms() + LOOK_MS - 1) / LOOK_MS;
	struct timespec until;
	long looks = 0;

	(void)unused;
	pthread_mutex_lock(&ticker.lock);
	clock_gettime(CLOCK_MONOTONIC, &until);
	add_ms(&until, LOOK_MS);
	while (!ticker.stop) {
		if (pthread_cond_clockwait(&ticker.wake, &ticker.lock, CLOCK_MONOTONIC, &until) ==
		    0)
			continue;
		look();
		if (++looks % looks_per_line == 0)
			draw();
		/* From now, not from when it was due: a machine that slept is not made up for. */
		clock_gettime(CLOCK_MONOTONIC, &until);
		add_ms(&until, LOOK_MS);
	}
	pthread_mutex_unlock(&ticker.lock);
	return NULL;
}

void stp_cli_progress_begin(struct stp_cli *cli)
{
	const char *term = getenv("TERM");

	if (cli->quiet || cli->progress_mode == STP_PROGRESS_NONE || !cli->progress)
		return;
	ticker.on_terminal = !cli->log_json && cli->progress_mode == STP_PROGRESS_AUTO &&
	                     isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0;
	if (cli->progress_mode == STP_PROGRESS_AUTO && !ticker.on_terminal)
		return;
	ticker.cli = cli;
	ticker.seen_ns = 0;
	ticker.busy_sum = 0;
	ticker.looks = 0;
	ticker.stop = 0;
	ticker.drawn = 0;
	ticker.running = pthread_create(&ticker.thread, NULL, tick, NULL) == 0;
}

void stp_cli_progress_end(struct stp_cli *cli)
{
	(void)cli;
	if (!ticker.running)
		return;
	pthread_mutex_lock(&ticker.lock);
	ticker.stop = 1;
	pthread_cond_signal(&ticker.wake);
	pthread_mutex_unlock(&ticker.lock);
	pthread_join(ticker.thread, NULL);
	ticker.running = 0;
	if (ticker.drawn) {
		fputs("\r\033[K", stderr);
		fflush(stderr);
	}
}

void stp_cli_tell(const struct stp_cli *cli, const char *stage, const char *subject,
                  const char *text)
{
	pthread_mutex_lock(&ticker.lock);
	if (ticker.running && ticker.drawn) {
		fputs("\r\033[K", stderr);
		ticker.drawn = 0;
	}
	stp_cli_note(cli, stage, subject, text);
	pthread_mutex_unlock(&ticker.lock);
}
