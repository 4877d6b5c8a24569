/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/files.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/file.h"
#include "bench/corpus.h"

/* Enough to tell a dropped set from one that stayed, cheap enough to do before every pass. */
#define RESIDENT_SAMPLE_MAX ((size_t)200)
#define RESIDENT_HOT_MIN    0.99
#define WARM_BYTES          ((size_t)1 << 20)

void stp_bench_files_init(struct stp_bench_files *files)
{
	memset(files, 0, sizeof(*files));
	files->root_fd = -1;
	stp_arena_init(&files->arena, 0);
}

void stp_bench_files_release(struct stp_bench_files *files)
{
	stp_fd_close(&files->root_fd);
	stp_arena_release(&files->arena);
	free(files->items);
	stp_bench_files_init(files);
}

enum stp_errc stp_bench_files_add(struct stp_bench_files *files, const char *path,
                                  size_t path_bytes, uint64_t bytes, struct stp_err *err)
{
	char *copy = stp_arena_copy(&files->arena, path, path_bytes);

	if (!copy || !STP_ARRAY_RESERVE(files->items, files->capacity, files->count + 1))
		return STP_FAIL_ERRNO(err, ENOMEM, "bench", NULL, "no memory for paths");
	files->items[files->count].path = copy;
	files->items[files->count++].bytes = bytes;
	files->total_bytes += bytes;
	return STP_OK;
}

enum stp_errc stp_bench_files_make(struct stp_bench_files *files, const struct stp_scratch *scratch,
                                   const char *name, uint64_t count, uint64_t file_bytes,
                                   const struct stp_cancel *cancel, struct stp_err *err)
{
	char path[STP_CORPUS_PATH_BYTES];
	uint64_t i;

	STP_TRY(stp_folder_make(scratch->fd, name, 0700, "bench", &files->root_fd, err));
	STP_TRY(stp_corpus_write_tree(files->root_fd, 0, count, file_bytes, cancel, err));
	if (syncfs(files->root_fd) != 0)
		return STP_FAIL_SYS(err, "bench", name, "cannot make files durable");
	for (i = 0; i < count; i++) {
		size_t n = stp_corpus_tree_path(i, path);

		STP_TRY(stp_bench_files_add(files, path, n, file_bytes, err));
	}
	return STP_OK;
}

int stp_bench_drop_inodes(void)
{
	int fd = open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC);
	int done;

	if (fd < 0)
		return 0;
	/* 2: dentries and inodes only (Documentation/admin-guide/sysctl/vm.rst). */
	done = write(fd, "2", 1) == 1;
	close(fd);
	return done;
}

/* Opens a file of the set, -1 when it is not a regular file any more. */
static int open_file(const struct stp_bench_files *files, size_t index)
{
	int fd = openat(files->root_fd, files->items[index].path,
	                O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;

	if (fd >= 0 && (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)))
		stp_fd_close(&fd);
	return fd;
}

void stp_bench_files_drop(const struct stp_bench_files *files)
{
	size_t i;

	for (i = 0; i < files->count; i++) {
		int fd = open_file(files, i);

		if (fd < 0)
			continue;
		posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
		close(fd);
	}
}

/* Reads the bytes that the file had when the set was made: it may have grown without end. */
static void read_through(int fd, uint64_t bytes, void *buffer, const struct stp_cancel *cancel)
{
	while (bytes && !stp_cancelled(cancel)) {
		ssize_t got = read(fd, buffer, bytes < WARM_BYTES ? (size_t)bytes : WARM_BYTES);

		if (got <= 0)
			return;
		bytes -= (uint64_t)got;
	}
}

enum stp_errc stp_bench_files_warm(const struct stp_bench_files *files,
                                   const struct stp_cancel *cancel, struct stp_err *err)
{
	void *buffer;
	size_t i;

	if (stp_bench_files_resident(files) > RESIDENT_HOT_MIN)
		return STP_OK;
	buffer = malloc(WARM_BYTES);
	if (!buffer)
		return STP_FAIL_ERRNO(err, ENOMEM, "bench", NULL, "no memory to read files");
	for (i = 0; i < files->count && !stp_cancelled(cancel); i++) {
		int fd = open_file(files, i);

		if (fd < 0)
			continue;
		read_through(fd, files->items[i].bytes, buffer, cancel);
		close(fd);
	}
	free(buffer);
	return STP_OK;
}

/* Adds the pages of one file's first bytes to *resident and *all; what cannot be asked counts for
 * neither. */
static void count_pages(int fd, uint64_t bytes, size_t *resident, size_t *all)
{
	size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	size_t pages = (size_t)((bytes + page_bytes - 1) / page_bytes);
	unsigned char *seen = malloc(pages ? pages : 1);
	void *map = pages ? mmap(NULL, (size_t)bytes, PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;
	size_t i;

	if (seen && map != MAP_FAILED && mincore(map, (size_t)bytes, seen) == 0) {
		*all += pages;
		for (i = 0; i < pages; i++)
			*resident += seen[i] & 1;
	}
	if (map != MAP_FAILED)
		munmap(map, (size_t)bytes);
	free(seen);
}

double stp_bench_files_resident(const struct stp_bench_files *files)
{
	size_t step = files->count > RESIDENT_SAMPLE_MAX ? files->count / RESIDENT_SAMPLE_MAX : 1;
	size_t resident = 0;
	size_t all = 0;
	size_t i;

	for (i = 0; i < files->count; i += step) {
		int fd = open_file(files, i);

		if (fd < 0)
			continue;
		count_pages(fd, files->items[i].bytes, &resident, &all);
		close(fd);
	}
	return all ? (double)resident / (double)all : -1;
}
