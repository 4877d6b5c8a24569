/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names in state/ledger/, and a listing of it.
 *
 *	N.manifest  N.base.segment  N.delta.segment  S.L.checkpoint.segment  temporary files
 *
 * Shape      one entry per name that belongs to the ledger; others are ignored.
 * Memory     an array that grows.
 * Ownership  release with stp_ledger_folder_release().
 * Threads    one thread.
 */
#ifndef STP_LEDGER_FOLDER_H
#define STP_LEDGER_FOLDER_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "ledger/segment.h"

enum stp_ledger_name {
	STP_LEDGER_MANIFEST,
	STP_LEDGER_SEGMENT,
	STP_LEDGER_CHECKPOINT,
	STP_LEDGER_LEFTOVER,
};

struct stp_ledger_file {
	enum stp_ledger_name kind;
	uint64_t number; /* generation, or a checkpoint's sequence number */
	uint64_t level;  /* of a checkpoint */
	char name[STP_SEGMENT_NAME_MAX + 1];
};

struct stp_ledger_folder {
	struct stp_ledger_file *items; /* manifests first, then by number, newest first */
	size_t count;
	size_t capacity;
};

/* Lists the folder. */
enum stp_errc stp_ledger_folder_list(int folder_fd, struct stp_ledger_folder *out_folder,
                                     struct stp_err *err) STP_MUST_CHECK;
void stp_ledger_folder_release(struct stp_ledger_folder *folder);

#endif
