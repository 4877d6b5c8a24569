/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What fuzz targets share: a check that ends the run, and the input as a file.
 *
 * Shape      one input at a time.
 * Memory     one file in memory, kept for all inputs: making one costs more than reading it.
 * Ownership  the descriptor stays this header's.
 * Threads    must() from any; fuzz_file() from one.
 */
#ifndef STP_TESTS_FUZZ_INPUT_H
#define STP_TESTS_FUZZ_INPUT_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static inline void must(int good, const char *what)
{
	if (!good) {
		fprintf(stderr, "%s\n", what);
		abort();
	}
}

static inline int fuzz_file(const uint8_t *data, size_t data_bytes)
{
	static int fd = -1;

	if (fd < 0)
		fd = memfd_create("fuzz", MFD_CLOEXEC);
	must(fd >= 0 && ftruncate(fd, 0) == 0 &&
	         pwrite(fd, data, data_bytes, 0) == (ssize_t)data_bytes,
	     "memfd");
	return fd;
}

#endif
