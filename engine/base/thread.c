/* SPDX-License-Identifier: Apache-2.0 */
#include "base/thread.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Workers wait for each other inside fn, so none may begin before all have started. */
enum gate_state {
	GATE_SHUT,
	GATE_OPEN,
	GATE_CLOSED, /* one could not be started: the others end without having begun */
};

struct gate {
	pthread_mutex_t lock;
	pthread_cond_t moved;
	enum gate_state state;
};

struct worker {
	pthread_t thread;
	struct gate *gate;
	stp_worker_fn *fn;
	void *ctx;
	size_t index;
	struct stp_cancel *cancel;
	enum stp_errc code;
	struct stp_err err;
	char name[16];
};

/* Waits until all threads have started; 0 when one could not. */
static int pass_gate(struct gate *gate)
{
	int is_open;

	pthread_mutex_lock(&gate->lock);
	while (gate->state == GATE_SHUT)
		pthread_cond_wait(&gate->moved, &gate->lock);
	is_open = gate->state == GATE_OPEN;
	pthread_mutex_unlock(&gate->lock);
	return is_open;
}

static void *worker_main(void *arg)
{
	struct worker *worker = arg;

	pthread_setname_np(pthread_self(), worker->name);
	if (!pass_gate(worker->gate))
		return NULL;
	worker->code = worker->fn(worker->ctx, worker->index, &worker->err);
	if (worker->code != STP_OK && worker->cancel)
		stp_cancel_set(worker->cancel);
	return NULL;
}

/* The failure to report: that of the lowest index that failed by itself, else of a cancelled
 * one. */
static enum stp_errc first_failure(const struct worker *workers, size_t count, struct stp_err *err)
{
	const struct worker *found = NULL;
	size_t i;

	for (i = 0; i < count; i++) {
		if (workers[i].code == STP_OK)
			continue;
		if (!found || (found->code == STP_CANCELLED && workers[i].code != STP_CANCELLED))
			found = &workers[i];
	}
	if (!found)
		return STP_OK;
	stp_err_merge(err, &found->err);
	return found->code;
}

/* Starts worker thread index; 0 or the errno. */
static int start_worker(struct worker *worker, const char *name)
{
	snprintf(worker->name, sizeof(worker->name), "%.10s-%zu", name, worker->index % 10000);
	return pthread_create(&worker->thread, NULL, worker_main, worker);
}

static void open_gate(struct gate *gate, enum gate_state state)
{
	pthread_mutex_lock(&gate->lock);
	gate->state = state;
	pthread_cond_broadcast(&gate->moved);
	pthread_mutex_unlock(&gate->lock);
}

enum stp_errc stp_workers_run(size_t count, const char *name, stp_worker_fn *fn, void *ctx,
                              struct stp_cancel *cancel, struct stp_err *err)
{
	struct gate gate = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, GATE_SHUT};
	struct worker *workers;
	enum stp_errc code;
	size_t started;
	int sys = 0;
	size_t i;

	if (count == 0)
		return fn(ctx, 0, err);
	workers = calloc(count, sizeof(*workers));
	if (!workers)
		return STP_FAIL_ERRNO(err, ENOMEM, "threads", name, "cannot start");
	for (started = 0; started < count; started++) {
		workers[started] = (struct worker){
		    .fn = fn, .ctx = ctx, .index = started, .cancel = cancel, .gate = &gate};
		sys = start_worker(&workers[started], name);
		if (sys != 0)
			break;
	}
	if (sys != 0 && cancel)
		stp_cancel_set(cancel);
	open_gate(&gate, sys == 0 ? GATE_OPEN : GATE_CLOSED);
	for (i = 0; i < started; i++)
		pthread_join(workers[i].thread, NULL);
	if (sys == EPERM)
		code = STP_FAIL_ERRNO(stp_hinted(err, STP_HINT_JOBS_SERIAL), sys, "threads", name,
		                      "cannot start thread %zu of %zu (a sandbox refuses "
		                      "clone3(2): allow that, or use %s)",
		                      started, count, stp_hint_text(STP_HINT_JOBS_SERIAL));
	else if (sys != 0)
		code = STP_FAIL_ERRNO(err, sys, "threads", name, "cannot start thread %zu of %zu",
		                      started, count);
	else
		code = first_failure(workers, count, err);
	free(workers);
	return code;
}

/* The processors that a cgroup v2 quota allows ("max 100000" or "200000 100000"), or 0 for no
 * limit. */
static size_t cgroup_cpu_count(void)
{
	FILE *file = fopen("/sys/fs/cgroup/cpu.max", "re");
	long long quota;
	long long period;
	size_t count = 0;

	if (!file)
		return 0;
	if (fscanf(file, "%lld %lld", &quota, &period) == 2 && quota > 0 && period > 0)
		count = (size_t)((quota + period - 1) / period);
	fclose(file);
	return count;
}

size_t stp_cpu_count(void)
{
	cpu_set_t set;
	size_t count = 1;
	size_t quota = cgroup_cpu_count();

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		count = (size_t)CPU_COUNT(&set);
	if (quota && quota < count)
		count = quota;
	return count ? count : 1;
}
