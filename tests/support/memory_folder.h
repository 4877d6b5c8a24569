/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A folder of a fuzz target's own for readers that want a file; in memory where the system has
 * such a place, since a disk would take most of the time. Removed at the end with the files of the
 * given names.
 */
#ifndef STP_TEST_MEMORY_FOLDER_H
#define STP_TEST_MEMORY_FOLDER_H

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char memory_folder_path[64];

static int memory_folder(void);

static void memory_folder_remove(void)
{
	unlinkat(memory_folder(), "input", 0);
	rmdir(memory_folder_path);
}

/* The folder, made at the first call. */
static int memory_folder(void)
{
	static const char *const patterns[] = {"/dev/shm/stampede-fuzz-XXXXXX",
	                                       "/tmp/stampede-fuzz-XXXXXX"};
	static int fd = -1;

	for (size_t i = 0; fd < 0 && i < 2; i++) {
		snprintf(memory_folder_path, sizeof(memory_folder_path), "%s", patterns[i]);
		if (mkdtemp(memory_folder_path))
			fd = open(memory_folder_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd >= 0)
			atexit(memory_folder_remove);
	}
	if (fd < 0)
		abort();
	return fd;
}

/* Writes the file called name there. */
static void memory_folder_put(const char *name, const uint8_t *bytes, size_t count)
{
	int fd = openat(memory_folder(), name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, bytes, count) != (ssize_t)count)
		abort();
	close(fd);
}

#endif
