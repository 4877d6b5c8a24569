/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Drawing progress: a ticker thread reads the counters and prints one line.
 *
 * On a terminal the line is redrawn five times a second and fits the terminal's width, which is
 * asked each time, so resizing works. No colors: nothing to switch off. With --progress plain a
 * line is printed every five seconds, with --log-format json an object.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/cli.h"

#define TERMINAL_TICK_MS 200
#define PLAIN_TICK_MS    5000
#define BAR_CELLS        20

static struct {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	const struct stp_cli *cli;
	uint64_t seen_ns, used_ns; /* monotonic and processor time at the line before */
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

/* Share of the work done, 0 … 1, or -1 when no total is known. Bytes tell more than items. */
static double share_done(const struct stp_progress_view *view)
{
	double share = -1;

	if (view->bytes_total)
		share = (double)view->bytes_done / (double)view->bytes_total;
	else if (view->items_total)
		share = (double)view->items_done / (double)view->items_total;
	return share > 1 ? 1 : share;
}

/* What a line is made of, in the order it stands there. */
enum part {
	PART_STAGE,
	PART_BAR,
	PART_PERCENT,
	PART_ITEMS,
	PART_BYTES,
	PART_RATE,
	PART_CORES,
	PART_ETA,
	PART_COUNT,
};

/* What goes first when the terminal is narrow, to what stays. */
static const enum part dispensable[] = {PART_CORES, PART_BYTES, PART_BAR,    PART_ITEMS,
                                        PART_RATE,  PART_ETA,   PART_PERCENT};

typedef char part_text[64];

static void describe_bar(double share, char *out)
{
	int filled = (int)(share * BAR_CELLS);

	out[0] = '[';
	memset(out + 1, '.', BAR_CELLS);
	memset(out + 1, '#', (size_t)filled);
	memcpy(out + 1 + BAR_CELLS, "]", 2);
}

static void describe_rate(const struct stp_progress_view *view, double seconds, char *out)
{
	char number[32];

	if (seconds > 0.05 && view->bytes_done)
		snprintf(out, 64, "%s/s",
		         stp_bytes_format((uint64_t)((double)view->bytes_done / seconds), number));
	else if (seconds > 0.05 && view->items_done)
		snprintf(out, 64, "%s/s",
		         stp_count_format((uint64_t)((double)view->items_done / seconds), number));
}

/* Processors this program kept busy since the line before. */
static void describe_cores(char *out)
{
	struct timespec used;
	uint64_t now = stp_clock_monotonic_ns();
	uint64_t used_ns;

	if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used) != 0)
		return;
	used_ns = (uint64_t)used.tv_sec * 1000000000 + (uint64_t)used.tv_nsec;
	if (ticker.seen_ns && now > ticker.seen_ns)
		snprintf(out, 64, "%.1f cores",
		         (double)(used_ns - ticker.used_ns) / (double)(now - ticker.seen_ns));
	ticker.seen_ns = now;
	ticker.used_ns = used_ns;
}

static void describe_parts(const struct stp_progress_view *view, part_text *parts)
{
	double seconds = (double)(stp_clock_monotonic_ns() - view->stage_started_ns) / 1e9;
	double share = share_done(view);
	char done[32], total[32];

	snprintf(parts[PART_STAGE], 64, "%-7s", view->stage);
	if (share >= 0) {
		describe_bar(share, parts[PART_BAR]);
		snprintf(parts[PART_PERCENT], 64, "%3d%%", (int)(share * 100));
	}
	if (view->items_total)
		snprintf(parts[PART_ITEMS], 64, "%s of %s",
		         stp_count_format(view->items_done, done),
		         stp_count_format(view->items_total, total));
	else if (view->items_done)
		stp_count_format(view->items_done, parts[PART_ITEMS]);
	if (view->bytes_done)
		stp_bytes_format(view->bytes_done, parts[PART_BYTES]);
	describe_rate(view, seconds, parts[PART_RATE]);
	describe_cores(parts[PART_CORES]);
	if (share > 0.005 && share < 1 && seconds > 1)
		snprintf(parts[PART_ETA], 64, "ETA %s",
		         format_seconds(seconds / share - seconds, done));
}

/* Joins the parts there are, with two spaces between. */
static size_t join(part_text *parts, char *line, size_t size)
{
	size_t used = 0;
	int part;

	line[0] = '\0';
	for (part = 0; part < PART_COUNT; part++)
		if (parts[part][0])
			used += (size_t)snprintf(line + used, size - used, "%s%s", used ? "  " : "",
			                         parts[part]);
	return used;
}

/* One line about view in at most width columns, without newline: parts that do not fit go, the
 * least telling first, whole. */
static void describe(const struct stp_progress_view *view, int with_bar, size_t width, char *line,
                     size_t size)
{
	part_text parts[PART_COUNT];
	size_t i = 0;

	memset(parts, 0, sizeof(parts));
	describe_parts(view, parts);
	if (!with_bar)
		parts[PART_BAR][0] = '\0';
	while (join(parts, line, size) > width && i < sizeof(dispensable) / sizeof(dispensable[0]))
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
		stp_cli_log_progress(ticker.cli, &view);
		return;
	}
	/* The last column stays free: some terminals wrap once it is written. */
	describe(&view, ticker.on_terminal, ticker.on_terminal ? columns() - 1 : sizeof(line), line,
	         sizeof(line));
	if (!ticker.on_terminal) {
		fprintf(stderr, "stampede: progress: %s\n", line);
		return;
	}
	/* CR, text, erase to the end of the line (ECMA-48 EL). */
	fprintf(stderr, "\r%s\033[K", line);
	fflush(stderr);
	ticker.drawn = 1;
}

static void *tick(void *unused)
{
	long tick_ms = ticker.on_terminal ? TERMINAL_TICK_MS : PLAIN_TICK_MS;

	(void)unused;
	pthread_mutex_lock(&ticker.lock);
	while (!ticker.stop) {
		struct timespec until;

		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += tick_ms % 1000 * 1000000;
		until.tv_sec += tick_ms / 1000 + until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		pthread_cond_timedwait(&ticker.wake, &ticker.lock, &until);
		if (!ticker.stop)
			draw();
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
