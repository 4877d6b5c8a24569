/* SPDX-License-Identifier: Apache-2.0 */
/*
 * read/: entries → bytes in buffers, many files in flight.
 *
 *	submit(file) ─▶ open beneath root ─▶ fstat ─▶ reads in flight ─▶ fstat ─▶ close
 *	                                                  │                  │
 *	                              next(): DATA in file order …        DONE or FAULT
 *
 * One interface, two back ends with equal results: io_uring (read/ring.c) and a pool of threads
 * (read/pool.c). A file is opened once, checked to be a regular file beneath the root, and its
 * status is read from the same descriptor as its bytes, before and after them. However fast the
 * file grows meanwhile, only its initial length is read.
 *
 * Shape      at most file_count_max files in flight; DATA events of one file in order, each but the
 *            last a multiple of STP_READ_CHUNK_ALIGN bytes.
 * Memory     buffer_bytes in one mapping, made by stp_reader_create(); next() allocates nothing.
 * Ownership  path stays the caller's until DONE or FAULT. A DATA event lends its buffer until
 *            stp_reader_release().
 * Threads    one reader per thread, made by that thread; stp_read_choose() once before.
 */
#ifndef STP_READ_READER_H
#define STP_READ_READER_H

#include <stddef.h>
#include <stdint.h>

#include "base/cancel.h"
#include "base/err.h"
#include "record/fingerprint.h"
#include "stampede/io.h"

#define STP_READ_CHUNK_ALIGN 4096
/* The size of a chunk, and how many of a file are in flight or waiting at most. 8 or 16 lanes with
 * a chunk each and as many waiting chunks fit in a 2 MiB L2 cache
 * (engine/decisions/0121-reading.md). */
#define STP_READ_CHUNK_BYTES (64 * 1024)
#define STP_READ_AHEAD       8

/* Which back end, decided once per run. */
struct stp_read_choice {
	enum stp_io_mode mode; /* STP_IO_MODE_URING or STP_IO_MODE_PREAD */
	int may_fall_back;     /* auto: a worker whose ring is refused uses pread */
	unsigned ring_flags;   /* IORING_SETUP_* that this kernel supports */
	char why[160];         /* why auto chose pread; "" otherwise */
};

/* Probes the system for asked. STP_IO when uring was asked for and is refused, with the reason. */
enum stp_errc stp_read_choose(enum stp_io_mode asked, struct stp_read_choice *out,
                              struct stp_err *err) STP_MUST_CHECK;

/* "io_uring" or "pread", as reports name it. */
const char *stp_read_choice_name(const struct stp_read_choice *choice);

struct stp_reader_options {
	int root_fd; /* the folder of all paths; AT_FDCWD: paths as given */
	struct stp_read_choice choice;
	size_t file_count_max;     /* files in flight; 0: the default, 256 */
	size_t buffer_bytes;       /* budget of all buffers; 0: the default, 32 MiB */
	size_t thread_count;       /* pread: threads of this reader; 0: the default, 32 */
	size_t start_count;        /* reads started before looking at results; 0: the default, 16 */
	int exact_length;          /* a file that is not as long as expected is a fault, unread */
	struct stp_cancel *cancel; /* may be NULL */
};

/* The fault of a file whose length is not the expected one: its length, the expected length. */
#define STP_READ_LENGTH_TEXT "has %llu bytes, not %llu"

enum stp_read_kind {
	STP_READ_DATA,  /* bytes in file order; release when used */
	STP_READ_DONE,  /* all bytes were delivered and the file did not change; status is final */
	STP_READ_FAULT, /* nothing more comes; code, sys_errno and text say why */
};

struct stp_read_event {
	enum stp_read_kind kind;
	void *user;                    /* as given to submit */
	const uint8_t *data;           /* DATA */
	size_t bytes;                  /* DATA: 0 only for an empty file */
	int last;                      /* DATA: the last chunk; DONE or FAULT follows */
	uint32_t buffer;               /* DATA: for stp_reader_release() */
	struct stp_file_status status; /* DONE: of the descriptor that was read */
	enum stp_errc code;            /* FAULT: retry on STP_CHANGED */
	int sys_errno;                 /* FAULT */
	char text[128];                /* FAULT: what happened; what to do */
};

struct stp_reader;

enum stp_errc stp_reader_create(const struct stp_reader_options *options,
                                struct stp_reader **out_reader, struct stp_err *err) STP_MUST_CHECK;

/* Waits for the operations in flight, then frees. All buffers count as released. */
void stp_reader_destroy(struct stp_reader *reader);

/* The number of buffers that this reader lends; their ids are in [0, count). */
size_t stp_reader_buffer_count(const struct stp_reader *reader);

/* Whether another file may be submitted now: fewer than file_count_max are in flight, and there are
 * buffers for the reads that they start at once. */
int stp_reader_has_room(const struct stp_reader *reader);

/* Submitted files for which neither DONE nor FAULT was returned yet. */
size_t stp_reader_in_flight(const struct stp_reader *reader);

/* Starts reading path (NUL-terminated). Only while stp_reader_has_room() (asserted). */
void stp_reader_submit(struct stp_reader *reader, const char *path, uint64_t expected_length,
                       void *user);

enum stp_read_wait {
	STP_READ_POLL, /* return at once, with an event if one is ready */
	STP_READ_WAIT, /* wait for an event unless nothing in flight could cause one */
};

/* Fills *out with the next event and returns 1, or 0 when there is none now. A cancelled
 * wait returns 0. */
int stp_reader_next(struct stp_reader *reader, enum stp_read_wait wait, struct stp_read_event *out);

/* The failure of the back end, after which no more events come, or STP_OK. */
enum stp_errc stp_reader_check(const struct stp_reader *reader, struct stp_err *err) STP_MUST_CHECK;

/* Returns the buffer of a DATA event. */
void stp_reader_release(struct stp_reader *reader, uint32_t buffer);

#endif
