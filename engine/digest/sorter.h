/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Digests in any order → digests in the order of their paths, in bounded memory.
 *
 *	add() ─▶ [arena, budget] ─ full ─▶ sort ─▶ sorted run in an unnamed file
 *	merge() ─▶ all runs of all builders side by side ─▶ emit(), by path, byte by byte
 *
 * Shape      {length, path, digests} of a fixed digest size; equal paths stay side by side.
 * Memory     budget_bytes per builder; 64 KiB per run while merging.
 * Ownership  a builder owns its file, which has no name and dies with it.
 * Threads    one thread per builder; merge() one thread, after all adds.
 */
#ifndef STP_DIGEST_SORTER_H
#define STP_DIGEST_SORTER_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct stp_digest_run;

struct stp_digest_line {
	const char *path; /* not NUL-terminated */
	size_t path_bytes;
	const uint8_t *digests;
	uint64_t length;
};

typedef enum stp_errc stp_digest_emit_fn(void *ctx, const struct stp_digest_line *line,
                                         struct stp_err *err);

enum stp_errc stp_digest_run_create(size_t digest_bytes, size_t budget_bytes,
                                    struct stp_digest_run **out_run,
                                    struct stp_err *err) STP_MUST_CHECK;

enum stp_errc stp_digest_run_add(struct stp_digest_run *run, const struct stp_digest_line *line,
                                 struct stp_err *err) STP_MUST_CHECK;

/* Gives all lines of runs[0, count) to emit in order. */
enum stp_errc stp_digest_run_merge(struct stp_digest_run *const *runs, size_t count,
                                   stp_digest_emit_fn *emit, void *ctx,
                                   struct stp_err *err) STP_MUST_CHECK;

void stp_digest_run_destroy(struct stp_digest_run *run);

#endif
