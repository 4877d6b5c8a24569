/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A temporary folder for one test, and small files in it.
 *
 * Shape      one folder by path and descriptor.
 * Memory     none.
 * Ownership  scratch_release() removes the folder and all in it.
 * Threads    one thread.
 */
#ifndef STP_TESTS_SCRATCH_H
#define STP_TESTS_SCRATCH_H

#include <assert.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct scratch {
	char path[256];
	int fd;
};

static inline void scratch_init(struct scratch *scratch)
{
	const char *base = getenv("TMPDIR");

	snprintf(scratch->path, sizeof(scratch->path), "%s/stampede-test-XXXXXX",
	         base ? base : "/tmp");
	if (!mkdtemp(scratch->path))
		abort();
	scratch->fd = open(scratch->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (scratch->fd < 0)
		abort();
}

static inline int scratch_remove(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static inline void scratch_release(struct scratch *scratch)
{
	close(scratch->fd);
	nftw(scratch->path, scratch_remove, 32, FTW_DEPTH | FTW_PHYS);
}

/* Makes the folders above name, then the file with count bytes. */
static inline void scratch_file(const struct scratch *scratch, const char *name, const void *bytes,
                                size_t count)
{
	char path[4096];
	size_t i;
	int fd;

	snprintf(path, sizeof(path), "%s", name);
	for (i = 1; path[i]; i++) {
		if (path[i] != '/')
			continue;
		path[i] = '\0';
		mkdirat(scratch->fd, path, 0755);
		path[i] = '/';
	}
	fd = openat(scratch->fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		abort();
	while (count) {
		ssize_t put = write(fd, bytes, count);

		if (put <= 0)
			abort();
		bytes = (const char *)bytes + put;
		count -= (size_t)put;
	}
	close(fd);
}

/* A file of count bytes that follow from seed. */
static inline void scratch_noise(const struct scratch *scratch, const char *name, size_t count,
                                 unsigned seed)
{
	unsigned char *bytes = malloc(count + 8);
	unsigned long long state = seed * 0x9e3779b97f4a7c15ULL + 1;
	size_t i;

	if (!bytes)
		abort();
	for (i = 0; i < count; i += 8) {
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		memcpy(bytes + i, &state, 8);
	}
	scratch_file(scratch, name, bytes, count);
	free(bytes);
}

#endif
