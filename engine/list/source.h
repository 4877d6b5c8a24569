/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the bytes of a list come from: a path, standard input, or any other descriptor that can
 * be read (a pipe, a socket), and what can be known about them before they are parsed.
 *
 *	path, "-", descriptor ─▶ open ─┬─▶ read ─▶ list/list.h
 *	                               └─▶ identity: a sum of the bytes, if they can be read twice
 *
 * A list goes from its bytes to records through three interfaces: this one, struct stp_list_format
 * (list/format.h), which splits it into rows and parses those, and list/reuse.h, which leaves out
 * what the ledger already has.
 *
 * Shape      a name for messages and a descriptor.
 * Memory     none.
 * Ownership  stp_list_source_close() closes what was opened; the name belongs to the caller.
 * Threads    one thread reads; stp_list_source_identity() starts its own.
 */
#ifndef STP_LIST_SOURCE_H
#define STP_LIST_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "base/cancel.h"
#include "base/err.h"

/* Stage of all errors, faults and notes about a list. */
#define STP_LIST_STAGE "list"

struct stp_list_source {
	const char *name; /* for messages: the path, or "stdin" */
	int fd;           /* -1: closed */
};

/* The name of a list for messages: path, or "stdin" for "-"; NULL for NULL. */
const char *stp_list_source_name(const char *path);

/* Opens path, or standard input where it is "-". STP_CONFIG when it cannot be opened. */
enum stp_errc stp_list_source_open(const char *path, struct stp_list_source *out_source,
                                   struct stp_err *err) STP_MUST_CHECK;

/* Does nothing when it is closed. */
void stp_list_source_close(struct stp_list_source *source);

/* *out: whether the list may end early without an error, so that it needs an end line: true for all
 * but regular files, because a pipe ends the same way when its writer is killed. */
enum stp_errc stp_list_source_needs_end(const struct stp_list_source *source, int *out,
                                        struct stp_err *err) STP_MUST_CHECK;

/* Whether it can be read twice, by several threads: a regular file whose offset is at its start. */
int stp_list_source_can_repeat(const struct stp_list_source *source);

/* Reads at most size bytes; *out_got is 0 at the end. Waits for them, and looks at cancel (which
 * may be NULL) while it does. */
enum stp_errc stp_list_source_read(const struct stp_list_source *source, char *buffer, size_t size,
                                   struct stp_cancel *cancel, size_t *out_got,
                                   struct stp_err *err) STP_MUST_CHECK;

/* Goes back to the start. */
enum stp_errc stp_list_source_rewind(const struct stp_list_source *source,
                                     struct stp_err *err) STP_MUST_CHECK;

/* The sum (list/sum.h) of a source that can be read twice, computed by jobs threads. */
enum stp_errc stp_list_source_identity(const struct stp_list_source *source, const uint8_t *secret,
                                       size_t jobs, struct stp_cancel *cancel, uint64_t *out_sum,
                                       struct stp_err *err) STP_MUST_CHECK;

#endif
