/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Segments: immutable sorted files of records, checksummed per block and sealed as a whole.
 *
 *	writer:  records in key order ─▶ [part: 64 KiB blocks] ─▶ .tmp-… ─▶ fsync ─▶ rename ─▶ NAME
 *	reader:  header, footer seal, index checked at open; each block's XXH3 and keyed tag
 *	         before a record of it is used (ledger/merge.h reads the records)
 *
 * The ledger is input of signing, so a segment has a keyed BLAKE2b seal over header and block
 * index, and the index has a checksum and a keyed tag of each block. FORMAT.md describes the bytes.
 *
 * Writing in parallel: the key space is cut into parts (whole bins, any partition that does not
 * depend on the number of threads); a worker claims the next part number from one counter, encodes
 * its records into a part and appends it with that number as its ticket. Parts are written in
 * ticket order, so the file's bytes are the same for every thread count.
 *
 * Shape      blocks of at most 64 KiB, records never cross one; sparse index: first key per block.
 * Memory     writer: one part per worker (the encoded records of its range); reader: 88 bytes of
 *            index per block (20 million records: 7.5 MB).
 * Ownership  writer and reader own their descriptors and buffers.
 * Threads    parts: one thread each; stp_segment_append() from any thread; an open segment is
 *            read-only and may be read by many threads. Everything else: one thread.
 */
#ifndef STP_LEDGER_SEGMENT_H
#define STP_LEDGER_SEGMENT_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/fault.h"
#include "record/record.h"

#define STP_SEAL_KEY_BYTES   32
#define STP_SEAL_BYTES       32
#define STP_SEGMENT_NAME_MAX 63 /* bytes of a file name in state/ledger/ */

enum stp_segment_kind {
	STP_SEGMENT_BASE = 1,       /* every target, and every path that is remembered */
	STP_SEGMENT_DELTA = 2,      /* what changed since the segments below it */
	STP_SEGMENT_CHECKPOINT = 3, /* finished work of a run that has not published yet */
};

struct stp_segment_info {
	enum stp_segment_kind kind;
	unsigned hash_set;
	uint64_t generation; /* of the ledger it was written for */
	uint64_t record_count;
	uint64_t block_count;
	uint64_t file_bytes;
	uint8_t seal[STP_SEAL_BYTES];
};

/* --- writing --- */

struct stp_segment_writer;
struct stp_segment_part;

struct stp_segment_options {
	enum stp_segment_kind kind;
	unsigned hash_set;
	uint64_t generation;
	const uint8_t *seal_key; /* STP_SEAL_KEY_BYTES; copied, wiped at the end */
};

/* Starts segment name (new) in folder_fd under a temporary name. */
enum stp_errc stp_segment_create(int folder_fd, const char *name,
                                 const struct stp_segment_options *options,
                                 struct stp_segment_writer **out_writer,
                                 struct stp_err *err) STP_MUST_CHECK;

/* A part to fill, reusable after each append. bytes_hint sizes its first buffer (0: 1 MiB). */
enum stp_errc stp_segment_part_create(struct stp_segment_writer *writer, size_t bytes_hint,
                                      struct stp_segment_part **out_part,
                                      struct stp_err *err) STP_MUST_CHECK;

/* Adds a record; keys ascend strictly within the part, and from part to part (checked: a violation
 * is a bug of the caller). NO_PATH records and records without digests are allowed only with
 * REMOVED. The origin of LISTED records is kept when it is not 0. */
enum stp_errc stp_segment_part_add(struct stp_segment_part *part, const struct stp_record *record,
                                   struct stp_err *err) STP_MUST_CHECK;

/* Seals the part's blocks and writes them behind those of ticket - 1; waits for its turn. Tickets
 * are 0, 1, 2, … without gaps. The part is empty afterwards (appending an empty part is fine). When
 * a worker fails, stp_segment_cancel() wakes the waiting ones: they return STP_CANCELLED. */
enum stp_errc stp_segment_append(struct stp_segment_writer *writer, struct stp_segment_part *part,
                                 uint64_t ticket, struct stp_err *err) STP_MUST_CHECK;

void stp_segment_part_destroy(struct stp_segment_part *part);

/* For one thread: adds records to the writer's own part, which is appended when it is full. Not to
 * be mixed with stp_segment_append(). */
enum stp_errc stp_segment_add(struct stp_segment_writer *writer, const struct stp_record *record,
                              struct stp_err *err) STP_MUST_CHECK;

/* Makes every later or waiting append return STP_CANCELLED. Any thread. */
void stp_segment_cancel(struct stp_segment_writer *writer);

/* fsync → rename to its name → fsync of the folder; calls finish if that was not called. Frees the
 * writer, also on failure (then the temporary file is gone). info may be NULL. */
enum stp_errc stp_segment_commit(struct stp_segment_writer *writer, struct stp_segment_info *info,
                                 struct stp_err *err) STP_MUST_CHECK;

/* Removes the temporary file and frees the writer; NULL is allowed. */
void stp_segment_abort(struct stp_segment_writer *writer);

/* --- reading --- */

struct stp_segment;

/* Opens segment name and checks header, index and seal. STP_KEY when it is sealed with another
 * key or was changed, STP_FORMAT when it is not a segment, STP_IO. */
enum stp_errc stp_segment_open(int folder_fd, const char *name, const uint8_t *seal_key,
                               struct stp_segment **out_segment,
                               struct stp_err *err) STP_MUST_CHECK;

/* Damaged blocks of this segment become faults on the list and a counter, and the merge omits their
 * key range (see ledger/merge.h) instead of failing. Set before reading. */
void stp_segment_tolerate(struct stp_segment *segment, struct stp_fault_list *damage);

/* Blocks found damaged so far. */
uint64_t stp_segment_damaged_count(const struct stp_segment *segment);

const struct stp_segment_info *stp_segment_info(const struct stp_segment *segment);

/* Reads and checks every block on this thread; STP_CHANGED names the first bad one (all become
 * faults when tolerated). */
enum stp_errc stp_segment_check(struct stp_segment *segment, struct stp_err *err) STP_MUST_CHECK;

void stp_segment_close(struct stp_segment *segment);

#endif
