/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files that a step of a run has to hash: found by its workers, hashed together, in the order
 * of digest/queue.h. This module adds what only sign needs: which algorithms to use, and what to
 * compare the result with.
 *
 *	workers: stp_files_queue_put() ─▶ stp_files_queue_gather() ─▶ stp_files_queue_hash()
 *	                                                   finished record ─▶ stp_ledger_put()
 *
 * Most files are hashed with the configured algorithms. Where the row of a list claims another
 * digest, or the last run signed with others, those are computed in the same pass and compared
 * before anything is recorded: the files are hashed in groups of one set of algorithms each.
 *
 * A file that could not be hashed is a fault of the run, and its key is refused. One that kept
 * changing while it was read, or that did not exist, is not: a live index has such files. It is
 * added to the list of unstable files, and run/sign/look_again.h decides about it.
 *
 * Shape      a queue is used repeatedly: put, gather, hash, reset.
 * Memory     as digest/queue.h, about 300 bytes a file; stp_files_queue_reset() frees it.
 * Ownership  what is put is copied.
 * Threads    stp_files_queue_put() from any worker with its own index; all else from one thread.
 */
#ifndef STP_RUN_SIGN_FILES_QUEUE_H
#define STP_RUN_SIGN_FILES_QUEUE_H

#include "run/sign/decide.h"
#include "run/sign/sign_run.h"

struct stp_files_queue;

/* is_again: the files are hashed again in the same run, so what the scan found is out of date. */
enum stp_errc stp_files_queue_create(struct stp_sign_run *run, struct stp_hashed *hashed,
                                     int is_again, struct stp_files_queue **out_queue,
                                     struct stp_err *err) STP_MUST_CHECK;
void stp_files_queue_destroy(struct stp_files_queue *queue);

/* Forgets all files. */
void stp_files_queue_reset(struct stp_files_queue *queue);

/* Adds the file of a decision. entry: its state, the decision's own or a newer one. */
enum stp_errc stp_files_queue_put(struct stp_files_queue *queue, size_t worker,
                                  const struct stp_decision *decision,
                                  const struct stp_record *entry,
                                  struct stp_err *err) STP_MUST_CHECK;

/* Sorts the files that were put, and returns their number and bytes. */
enum stp_errc stp_files_queue_gather(struct stp_files_queue *queue, size_t *out_count,
                                     uint64_t *out_bytes, struct stp_err *err) STP_MUST_CHECK;

/* Hashes what was gathered, and adds the files and bytes hashed to the counts. */
enum stp_errc stp_files_queue_hash(struct stp_files_queue *queue, uint64_t *files, uint64_t *bytes,
                                   struct stp_err *err) STP_MUST_CHECK;

/* Refuses the files of all faults from first_fault on: no older record may be used for them. */
enum stp_errc stp_sign_refuse(const struct stp_sign_run *run, struct stp_hashed *hashed,
                              size_t first_fault, struct stp_err *err) STP_MUST_CHECK;

#endif
