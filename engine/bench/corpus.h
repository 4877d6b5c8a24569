/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Made-up indexes to measure with: paths as PyPI's, digests and bytes that are noise.
 *
 * Shape      target n of a corpus has the same path, length and digest on every machine.
 * Memory     a row; 1 MiB of noise while files are written.
 * Ownership  the caller's buffers and folders.
 * Threads    any thread for paths; lists and trees are written by the calling thread.
 */
#ifndef STP_BENCH_CORPUS_H
#define STP_BENCH_CORPUS_H

#include <stddef.h>
#include <stdint.h>

#include "base/cancel.h"
#include "base/err.h"

#define STP_CORPUS_PATH_BYTES 192

/* Writes the path of target index with its NUL; returns its length, 120 bytes in the mean as on
 * PyPI (packages/aa/bb/60 hex digits/NAME). */
size_t stp_corpus_path(uint64_t index, char out[STP_CORPUS_PATH_BYTES]);

/* byte_count bytes that follow from index: contents of digests and of files. */
void stp_corpus_noise(uint64_t index, uint8_t *out, size_t byte_count);

/* Writes a digest list (CSV: path, length, sha512) of count targets as the new file
 * name in folder_fd. */
enum stp_errc stp_corpus_write_list(int folder_fd, const char *name, uint64_t count,
                                    const struct stp_cancel *cancel, uint64_t *out_bytes,
                                    struct stp_err *err) STP_MUST_CHECK;

/* Makes files first … first + count - 1, each of file_bytes bytes, below folder_fd: at NAME/xx/n,
 * 256 folders as a package index spreads them. */
enum stp_errc stp_corpus_write_tree(int folder_fd, uint64_t first, uint64_t count,
                                    uint64_t file_bytes, const struct stp_cancel *cancel,
                                    struct stp_err *err) STP_MUST_CHECK;

/* The path of file index in such a tree. */
size_t stp_corpus_tree_path(uint64_t index, char out[STP_CORPUS_PATH_BYTES]);

#endif
