/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replays a fuzz corpus with any compiler: every regular file of the named folders (or the named
 * files) is passed once to LLVMFuzzerTestOneInput(). Each input is also passed cut at half its
 * length and with its last byte changed, which keeps a small corpus useful.
 *
 * Exits with 0 when all inputs passed, with 1 when there was nothing to replay.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_bytes);

static size_t replayed;

/* The target sees a heap block of exactly data_bytes, so that the address sanitizer sees it. */
static void replay_bytes(const uint8_t *bytes, size_t count, int flip_last)
{
	uint8_t *copy = malloc(count ? count : 1);

	if (!copy)
		abort();
	memcpy(copy, bytes, count);
	if (flip_last && count)
		copy[count - 1] ^= 0x20;
	LLVMFuzzerTestOneInput(copy, count);
	free(copy);
}

static int replay_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	struct stat st;
	uint8_t *bytes;

	if (!file || fstat(fileno(file), &st)) {
		perror(path);
		return 1;
	}
	bytes = malloc((size_t)st.st_size + 1);
	if (!bytes || fread(bytes, 1, (size_t)st.st_size, file) != (size_t)st.st_size) {
		perror(path);
		return 1;
	}
	fclose(file);
	replay_bytes(bytes, (size_t)st.st_size, 0);
	replay_bytes(bytes, (size_t)st.st_size / 2, 0);
	replay_bytes(bytes, (size_t)st.st_size, 1);
	free(bytes);
	replayed++;
	return 0;
}

static int replay_path(const char *path)
{
	struct dirent **names;
	int count, failed = 0;
	struct stat st;

	if (stat(path, &st)) {
		perror(path);
		return 1;
	}
	if (!S_ISDIR(st.st_mode))
		return replay_file(path);
	count = scandir(path, &names, NULL, alphasort);
	for (int i = 0; i < count; i++) {
		char child[4096];

		snprintf(child, sizeof child, "%s/%s", path, names[i]->d_name);
		if (!stat(child, &st) && S_ISREG(st.st_mode))
			failed |= replay_file(child);
		free(names[i]);
	}
	free(names);
	return failed;
}

int main(int argc, char **argv)
{
	int failed = 0;

	for (int i = 1; i < argc; i++)
		failed |= replay_path(argv[i]);
	printf("%zu inputs replayed\n", replayed);
	return failed || replayed == 0;
}
