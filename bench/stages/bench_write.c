/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_write FROM TO THREADS [uncached]: the limit of publishing. Writes files of the very names
 * and sizes of folder FROM into the new folder TO from THREADS threads, then one syncfs. Nothing is
 * encoded, hashed or signed. Prints the seconds, files and bytes. It writes through the page cache,
 * or with RWF_DONTCACHE, which is the fastest way known here for files of 16 KiB and more.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/thread.h"

#ifndef RWF_DONTCACHE
#define RWF_DONTCACHE 0x00000080
#endif

struct item {
	char name[256];
	size_t bytes;
};

struct job {
	struct item *items;
	size_t count;
	size_t largest;
	int to_fd;
	int flags; /* of pwritev2(2) */
	atomic_size_t next;
};

static void die(const char *what)
{
	perror(what);
	exit(2);
}

static void list(struct job *job, const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	size_t capacity = 0;

	if (!dir)
		die(folder);
	while ((entry = readdir(dir))) {
		struct stat st;

		if (fstatat(dirfd(dir), entry->d_name, &st, 0) != 0 || !S_ISREG(st.st_mode))
			continue;
		if (job->count == capacity) {
			capacity = capacity ? 2 * capacity : 1024;
			job->items = realloc(job->items, capacity * sizeof(*job->items));
			if (!job->items)
				die("memory");
		}
		snprintf(job->items[job->count].name, sizeof(job->items[0].name), "%s",
		         entry->d_name);
		job->items[job->count++].bytes = (size_t)st.st_size;
		if ((size_t)st.st_size > job->largest)
			job->largest = (size_t)st.st_size;
	}
	closedir(dir);
}

static enum stp_errc worker(void *ctx, size_t index, struct stp_err *err)
{
	struct job *job = ctx;
	char *bytes = malloc(job->largest + 1);
	size_t i;

	(void)err;
	if (!bytes)
		die("memory");
	memset(bytes, (int)('a' + index), job->largest);
	while ((i = atomic_fetch_add(&job->next, 1)) < job->count) {
		struct iovec part = {bytes, job->items[i].bytes};
		int fd = openat(job->to_fd, job->items[i].name, O_WRONLY | O_CREAT | O_EXCL, 0644);

		if (fd < 0 || pwritev2(fd, &part, 1, 0, job->flags) != (ssize_t)job->items[i].bytes)
			die(job->items[i].name);
		close(fd);
	}
	free(bytes);
	return STP_OK;
}

int main(int argc, char **argv)
{
	struct job job = {0};
	struct stp_err err = STP_ERR_INIT;
	uint64_t started;
	uint64_t bytes = 0;
	size_t i;

	if (argc != 4 && (argc != 5 || strcmp(argv[4], "uncached") != 0)) {
		fputs("usage: bench_write FROM TO THREADS [uncached]\n", stderr);
		return 2;
	}
	job.flags = argc == 5 ? RWF_DONTCACHE : 0;
	list(&job, argv[1]);
	if (mkdir(argv[2], 0755) != 0)
		die(argv[2]);
	job.to_fd = open(argv[2], O_RDONLY | O_DIRECTORY);
	started = stp_clock_monotonic_ns();
	if (stp_workers_run((size_t)atoi(argv[3]), "write", worker, &job, NULL, &err) != STP_OK ||
	    syncfs(job.to_fd) != 0)
		die("syncfs");
	for (i = 0; i < job.count; i++)
		bytes += job.items[i].bytes;
	printf("%.3f s, %zu files, %llu bytes\n",
	       (double)(stp_clock_monotonic_ns() - started) / 1e9, job.count,
	       (unsigned long long)bytes);
	free(job.items);
	return 0;
}
