/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/corpus.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"

#define LIST_BUFFER_BYTES  ((size_t)4 << 20)
#define ROW_BYTES_MAX      512
#define NOISE_BYTES        ((size_t)1 << 20)
#define CANCEL_EVERY_FILES 64

/* splitmix64: one word of noise per (seed, counter). */
static uint64_t mix(uint64_t x)
{
	x += 0x9E3779B97F4A7C15u;
	x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
	x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
	return x ^ (x >> 31);
}

void stp_corpus_noise(uint64_t index, uint8_t *out, size_t byte_count)
{
	uint64_t word = mix(index);
	size_t at = 0;

	for (; at + 8 <= byte_count; at += 8) {
		word = mix(word);
		stp_store64_le(out + at, word);
	}
	for (word = mix(word); at < byte_count; at++, word >>= 8)
		out[at] = (uint8_t)word;
}

size_t stp_corpus_path(uint64_t index, char out[STP_CORPUS_PATH_BYTES])
{
	static const char *const words[] = {"table", "sync",  "django-storage", "core",
	                                    "learn", "async", "requests-oauth", "tiny"};
	static const char *const kinds[] = {".tar.gz", "-py3-none-any.whl",
	                                    "-cp311-cp311-manylinux_2_17_x86_64.whl"};
	uint64_t word = mix(index ^ 0x70617468);
	uint8_t noise[32];
	char hex[65];
	int n;

	stp_corpus_noise(index ^ 0x706b67, noise, sizeof(noise));
	stp_hex_encode(noise, sizeof(noise), hex);
	hex[64] = '\0';
	n = snprintf(out, STP_CORPUS_PATH_BYTES, "packages/%.2s/%.2s/%.60s/%s_%u-%u.%u.%u%s", hex,
	             hex + 2, hex + 4, words[word & 7], (unsigned)(word >> 8 & 0xffff),
	             (unsigned)(word >> 24 & 15), (unsigned)(word >> 28 & 31),
	             (unsigned)(word >> 33 & 31), kinds[(word >> 40) % 3]);
	return (size_t)n;
}

/* One CSV row of target index at out; returns its length. */
static size_t make_row(uint64_t index, char *out)
{
	uint8_t digest[64];
	size_t n = stp_corpus_path(index, out);

	stp_corpus_noise(index ^ 0x64696765, digest, sizeof(digest));
	out[n++] = ',';
	n += stp_u64_format(1000 + mix(index) % 2000000, out + n);
	out[n++] = ',';
	stp_hex_encode(digest, sizeof(digest), out + n);
	n += 2 * sizeof(digest);
	out[n++] = '\n';
	return n;
}

static enum stp_errc write_rows(int fd, char *buffer, uint64_t count, const char *name,
                                const struct stp_cancel *cancel, uint64_t *out_bytes,
                                struct stp_err *err)
{
	static const char head[] = "path,length,sha512\n";
	size_t used = sizeof(head) - 1;
	uint64_t written = 0;
	uint64_t i;

	memcpy(buffer, head, used);
	for (i = 0; i < count; i++) {
		used += make_row(i, buffer + used);
		if (used + ROW_BYTES_MAX <= LIST_BUFFER_BYTES && i + 1 < count)
			continue;
		if (stp_cancelled(cancel))
			return STP_FAIL(err, STP_CANCELLED, "bench", NULL, "stopped");
		STP_TRY(stp_fd_write_at(fd, buffer, used, (off_t)written, "bench", name, err));
		written += used;
		used = 0;
	}
	*out_bytes = written;
	return STP_OK;
}

enum stp_errc stp_corpus_write_list(int folder_fd, const char *name, uint64_t count,
                                    const struct stp_cancel *cancel, uint64_t *out_bytes,
                                    struct stp_err *err)
{
	int fd = openat(folder_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	char *buffer;
	enum stp_errc code;

	if (fd < 0)
		return STP_FAIL_SYS(err, "bench", name, "cannot create");
	buffer = malloc(LIST_BUFFER_BYTES);
	code = buffer ? write_rows(fd, buffer, count, name, cancel, out_bytes, err)
	              : STP_FAIL_ERRNO(err, ENOMEM, "bench", name, "no memory for a list");
	free(buffer);
	close(fd);
	return code;
}

/* --- trees ----------------------------------------------------------------------------------- */

size_t stp_corpus_tree_path(uint64_t index, char out[STP_CORPUS_PATH_BYTES])
{
	return (size_t)snprintf(out, STP_CORPUS_PATH_BYTES, "packages/%02x/%012llx.whl",
	                        (unsigned)(mix(index) & 255), (unsigned long long)index);
}

/* The file's first block is its own, the rest is shared noise: digests differ, pages do not repeat
 * within a file system that folds equal blocks. */
static enum stp_errc write_file(int folder_fd, uint64_t index, uint64_t file_bytes, uint8_t *noise,
                                struct stp_err *err)
{
	char path[STP_CORPUS_PATH_BYTES];
	uint64_t at = 0;
	enum stp_errc code = STP_OK;
	int fd;

	stp_corpus_tree_path(index, path);
	fd = openat(folder_fd, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return STP_FAIL_SYS(err, "bench", path, "cannot create");
	while (at < file_bytes && code == STP_OK) {
		size_t n = file_bytes - at < NOISE_BYTES ? (size_t)(file_bytes - at) : NOISE_BYTES;

		stp_store64_le(noise, mix(index * 8191 + at));
		code = stp_fd_write_at(fd, noise, n, (off_t)at, "bench", path, err);
		at += n;
	}
	close(fd);
	return code;
}

static enum stp_errc make_folders(int folder_fd, struct stp_err *err)
{
	char path[32];
	unsigned i;

	if (mkdirat(folder_fd, "packages", 0755) != 0 && errno != EEXIST)
		return STP_FAIL_SYS(err, "bench", "packages", "cannot make the folder");
	for (i = 0; i < 256; i++) {
		snprintf(path, sizeof(path), "packages/%02x", i);
		if (mkdirat(folder_fd, path, 0755) != 0 && errno != EEXIST)
			return STP_FAIL_SYS(err, "bench", path, "cannot make the folder");
	}
	return STP_OK;
}

enum stp_errc stp_corpus_write_tree(int folder_fd, uint64_t first, uint64_t count,
                                    uint64_t file_bytes, const struct stp_cancel *cancel,
                                    struct stp_err *err)
{
	uint8_t *noise = malloc(NOISE_BYTES + 8);
	enum stp_errc code;
	uint64_t i;

	if (!noise)
		return STP_FAIL_ERRNO(err, ENOMEM, "bench", NULL, "no memory for files");
	stp_corpus_noise(1, noise, NOISE_BYTES);
	code = make_folders(folder_fd, err);
	for (i = 0; i < count && code == STP_OK; i++) {
		if (i % CANCEL_EVERY_FILES == 0 && stp_cancelled(cancel))
			code = STP_FAIL(err, STP_CANCELLED, "bench", NULL, "stopped");
		else
			code = write_file(folder_fd, first + i, file_bytes, noise, err);
	}
	free(noise);
	return code;
}
