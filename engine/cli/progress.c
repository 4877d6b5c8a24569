/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Drawing progress: a ticker thread reads the counters and prints one line.
 *
 * On a terminal the line is redrawn five times a second and cut at the terminal's width, which is
 * asked each time, so resizing works. With --progress plain a line is printed every five seconds.
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
	const struct stp_progress *progress;
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

static void append(char *line, size_t size, const char *before, const char *text, const char *after)
{
	size_t used = strlen(line);

	snprintf(line + used, size - used, "%s%s%s", before, text, after);
}

static void append_bar(char *line, size_t size, double share)
{
	char bar[BAR_CELLS + 16];
	int filled = (int)(share * BAR_CELLS);

	memset(bar, '.', BAR_CELLS);
	memset(bar, '#', (size_t)filled);
	snprintf(bar + BAR_CELLS, 16, "] %3d%%", (int)(share * 100));
	append(line, size, " [", bar, "");
}

/* One line about view, without newline. */
static void describe(const struct stp_progress_view *view, int with_bar, char *line, size_t size)
{
	double seconds = (double)(stp_clock_monotonic_ns() - view->stage_started_ns) / 1e9;
	double share = share_done(view);
	char number[32];

	snprintf(line, size, "%-7s", view->stage);
	if (share >= 0 && with_bar)
		append_bar(line, size, share);
	append(line, size, "  ", stp_count_format(view->items_done, number), "");
	if (view->items_total)
		append(line, size, " of ", stp_count_format(view->items_total, number), "");
	if (view->bytes_done)
		append(line, size, "  ", stp_bytes_format(view->bytes_done, number), "");
	if (seconds > 0.05 && view->bytes_done)
		append(line, size, "  ",
		       stp_bytes_format((uint64_t)((double)view->bytes_done / seconds), number),
		       "/s");
	else if (seconds > 0.05)
		append(line, size, "  ",
		       stp_count_format((uint64_t)((double)view->items_done / seconds), number),
		       "/s");
	if (share > 0.005 && share < 1 && seconds > 1)
		append(line, size, "  ETA ", format_seconds(seconds / share - seconds, number), "");
}

static void draw(void)
{
	struct stp_progress_view view;
	char line[512];
	size_t width;

	stp_progress_read(ticker.progress, &view);
	if (view.stage[0] == '\0')
		return;
	describe(&view, ticker.on_terminal, line, sizeof(line));
	if (!ticker.on_terminal) {
		fprintf(stderr, "stampede: progress: %s\n", line);
		return;
	}
	width = columns();
	if (width > 1 && strlen(line) > width - 1)
		line[width - 1] = '\0';
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
	ticker.on_terminal = cli->progress_mode == STP_PROGRESS_AUTO && isatty(STDERR_FILENO) &&
	                     term && strcmp(term, "dumb") != 0;
	if (cli->progress_mode == STP_PROGRESS_AUTO && !ticker.on_terminal)
		return;
	ticker.progress = cli->progress;
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
