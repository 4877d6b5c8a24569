/* SPDX-License-Identifier: Apache-2.0 */
#include "report/timeline.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

#define FIRST_STEP_NS 50000000u
#define THREADS_MAX   1200
#define NO_WORKER     (-1)

/* A thread as it was seen last. */
struct seen {
	long tid;
	int worker; /* row, or NO_WORKER for threads that are none */
	int is_alive;
	uint64_t ran_ns;
};

struct stp_timeline {
	const struct stp_progress *progress;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	int stop, is_running;
	uint64_t started_ns, last_ns, step_ns;
	struct stp_timeline_sample *samples;
	size_t count;
	size_t workers;
	uint64_t items, bytes; /* the most that was seen */
	struct seen *seen;
	size_t seen_count;
};

/* Reads a small file below /proc/self/task into text, NUL-terminated; 0 when it is gone. */
static int read_task(long tid, const char *name, char *text, size_t size)
{
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/task/%ld/%s", tid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, text, size - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	return n > 0;
}

/* The row of a thread by its name: "hash-3" is 3, names without a number are no workers. */
static int worker_of(long tid)
{
	char name[32];
	char *dash;

	if (!read_task(tid, "comm", name, sizeof(name)))
		return NO_WORKER;
	dash = strrchr(name, '-');
	if (!dash || dash[1] < '0' || dash[1] > '9')
		return NO_WORKER;
	return (int)(strtoul(dash + 1, NULL, 10) % STP_TIMELINE_WORKERS);
}

static struct seen *find_thread(struct stp_timeline *timeline, long tid)
{
	struct seen *seen;
	size_t i;

	for (i = 0; i < timeline->seen_count; i++)
		if (timeline->seen[i].tid == tid)
			return &timeline->seen[i];
	if (timeline->seen_count == THREADS_MAX)
		return NULL;
	seen = &timeline->seen[timeline->seen_count++];
	memset(seen, 0, sizeof(*seen));
	seen->tid = tid;
	seen->worker = NO_WORKER;
	return seen;
}

/* Forgets threads that ended: their numbers may come back for others. */
static void forget_dead(struct stp_timeline *timeline)
{
	size_t kept = 0;
	size_t i;

	for (i = 0; i < timeline->seen_count; i++) {
		if (!timeline->seen[i].is_alive)
			continue;
		timeline->seen[kept] = timeline->seen[i];
		timeline->seen[kept++].is_alive = 0;
	}
	timeline->seen_count = kept;
}

static void look_at_thread(struct stp_timeline *timeline, long tid, uint64_t passed_ns,
                           struct stp_timeline_sample *sample)
{
	struct seen *seen = find_thread(timeline, tid);
	char text[96];
	uint64_t ran_ns;
	uint64_t percent;

	if (!seen || !read_task(tid, "schedstat", text, sizeof(text)))
		return;
	seen->is_alive = 1;
	if (seen->worker == NO_WORKER)
		seen->worker = worker_of(tid);
	ran_ns = strtoull(text, NULL, 10);
	percent = passed_ns ? (ran_ns - seen->ran_ns) * 100 / passed_ns : 0;
	seen->ran_ns = ran_ns;
	if (seen->worker == NO_WORKER)
		return;
	if (timeline->workers <= (size_t)seen->worker)
		timeline->workers = (size_t)seen->worker + 1;
	if (percent > 100)
		percent = 100;
	if (percent > sample->busy[seen->worker])
		sample->busy[seen->worker] = (uint8_t)percent;
}

static void look_at_threads(struct stp_timeline *timeline, uint64_t passed_ns,
                            struct stp_timeline_sample *sample)
{
	DIR *folder = opendir("/proc/self/task");
	struct dirent *entry;

	if (!folder)
		return;
	while ((entry = readdir(folder)))
		if (entry->d_name[0] != '.')
			look_at_thread(timeline, strtol(entry->d_name, NULL, 10), passed_ns,
			               sample);
	closedir(folder);
	forget_dead(timeline);
}

/* Keeps every second sample, the busier value of each pair, and doubles the step. */
static void thin_out(struct stp_timeline *timeline)
{
	size_t i, w;

	for (i = 0; i < timeline->count / 2; i++) {
		struct stp_timeline_sample *kept = &timeline->samples[i];
		const struct stp_timeline_sample *first = &timeline->samples[2 * i];
		struct stp_timeline_sample second = timeline->samples[2 * i + 1];

		for (w = 0; w < STP_TIMELINE_WORKERS; w++)
			second.busy[w] = (uint8_t)((first->busy[w] + second.busy[w]) / 2);
		*kept = second;
	}
	timeline->count /= 2;
	timeline->step_ns *= 2;
}

static void take_sample(struct stp_timeline *timeline)
{
	struct stp_progress_view view;
	struct stp_timeline_sample *sample;
	uint64_t now = stp_clock_monotonic_ns();

	if (timeline->count == STP_TIMELINE_SAMPLES)
		thin_out(timeline);
	sample = &timeline->samples[timeline->count++];
	memset(sample, 0, sizeof(*sample));
	stp_progress_read(timeline->progress, &view);
	sample->seconds = (double)(now - timeline->started_ns) / 1e9;
	if (timeline->items < view.items_run)
		timeline->items = view.items_run;
	if (timeline->bytes < view.bytes_run)
		timeline->bytes = view.bytes_run;
	sample->items = timeline->items;
	sample->bytes = timeline->bytes;
	look_at_threads(timeline, now - timeline->last_ns, sample);
	timeline->last_ns = now;
}

static void *watch(void *ctx)
{
	struct stp_timeline *timeline = ctx;

	pthread_setname_np(pthread_self(), "timeline");
	pthread_mutex_lock(&timeline->lock);
	while (!timeline->stop) {
		struct timespec until;

		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += (long)(timeline->step_ns % 1000000000);
		until.tv_sec +=
		    (time_t)(timeline->step_ns / 1000000000) + until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		pthread_cond_timedwait(&timeline->wake, &timeline->lock, &until);
		take_sample(timeline);
	}
	pthread_mutex_unlock(&timeline->lock);
	return NULL;
}

struct stp_timeline *stp_timeline_create(const struct stp_progress *progress)
{
	struct stp_timeline *timeline = calloc(1, sizeof(*timeline));
	pthread_condattr_t monotonic;

	if (!timeline)
		return NULL;
	timeline->progress = progress;
	timeline->step_ns = FIRST_STEP_NS;
	timeline->started_ns = timeline->last_ns = stp_clock_monotonic_ns();
	pthread_mutex_init(&timeline->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&timeline->wake, &monotonic);
	pthread_condattr_destroy(&monotonic);
	timeline->samples = calloc(STP_TIMELINE_SAMPLES, sizeof(*timeline->samples));
	timeline->seen = calloc(THREADS_MAX, sizeof(*timeline->seen));
	if (timeline->samples && timeline->seen)
		timeline->is_running =
		    pthread_create(&timeline->thread, NULL, watch, timeline) == 0;
	if (!timeline->is_running) {
		stp_timeline_destroy(timeline);
		return NULL;
	}
	return timeline;
}

void stp_timeline_stop(struct stp_timeline *timeline)
{
	if (!timeline->is_running)
		return;
	pthread_mutex_lock(&timeline->lock);
	timeline->stop = 1;
	pthread_cond_signal(&timeline->wake);
	pthread_mutex_unlock(&timeline->lock);
	pthread_join(timeline->thread, NULL);
	timeline->is_running = 0;
}

const struct stp_timeline_sample *stp_timeline_samples(const struct stp_timeline *timeline,
                                                       size_t *out_count, size_t *out_workers)
{
	*out_count = timeline->count;
	*out_workers = timeline->workers;
	return timeline->samples;
}

void stp_timeline_destroy(struct stp_timeline *timeline)
{
	if (!timeline)
		return;
	stp_timeline_stop(timeline);
	pthread_cond_destroy(&timeline->wake);
	pthread_mutex_destroy(&timeline->lock);
	free(timeline->samples);
	free(timeline->seen);
	free(timeline);
}
