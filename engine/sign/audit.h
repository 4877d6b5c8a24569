/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit log: every use of the online key, one line each, appended to state/audit.log.
 *
 *	2026-11-22T04:00:00Z bin-n-0a3f 17 9f86d081884c7d65…   time, role, version, digest
 *
 * The digest is what the signature covers: of Ed25519 the first 32 bytes of SHA-512(R || A || BODY)
 * in hex, where R is the first half of the signature and A the public key (RFC 8032 section 5.1.6),
 * of other schemes SHA-256(BODY). It can be computed from the published file alone, so the log
 * can be compared with what is published. No personal data: no user, host or path.
 *
 * Lines are collected while signing and written with one write and one fdatasync by commit(),
 * which must come before the timestamp's rename. A run that fails has used the key as well: close()
 * writes what was not committed, as far as it can.
 *
 * Shape      lines of about 110 bytes; one commit's lines are sorted, so that they do not depend
 *            on timing (more than 16 MiB of lines are sorted in parts).
 * Memory     the lines since the last commit, at most about 16 MiB.
 * Ownership  stp_audit_close() frees it.
 * Threads    stp_audit_add() from any thread; everything else one thread.
 */
#ifndef STP_SIGN_AUDIT_H
#define STP_SIGN_AUDIT_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "keys/signer.h"
#include "sign/sealed.h"

#define STP_AUDIT_FILE "audit.log"

struct stp_audit;

/* Opens or makes the log in state_fd (0600, O_APPEND, no link followed). A line that a crash
 * cut short is ended first. */
enum stp_errc stp_audit_open(int state_fd, struct stp_audit **out_audit,
                             struct stp_err *err) STP_MUST_CHECK;

/* Writes what was not committed, without waiting for the disk, and closes; NULL is allowed. */
void stp_audit_close(struct stp_audit *audit);

/* Adds one use of the key at time now_s for role (a role's name, not a file name), see struct
 * stp_sign_doc. */
enum stp_errc stp_audit_add(struct stp_audit *audit, int64_t now_s, const char *role,
                            uint64_t version, const uint8_t covered[STP_COVERED_BYTES],
                            struct stp_err *err) STP_MUST_CHECK;

/* As stp_audit_add() for a small document without escapes; the digest is computed from its bytes
 * for the signature made by signer's key. */
enum stp_errc stp_audit_add_sealed(struct stp_audit *audit, int64_t now_s, const char *role,
                                   const struct stp_sealed *sealed, const struct stp_signer *signer,
                                   struct stp_err *err) STP_MUST_CHECK;

/* Writes all lines and makes them durable. */
enum stp_errc stp_audit_commit(struct stp_audit *audit, struct stp_err *err) STP_MUST_CHECK;

/* Drops lines older than keep_from_s: the log is rewritten and renamed into place, durably. For gc,
 * under the run's lock. *out_dropped is the number of lines dropped. */
enum stp_errc stp_audit_prune(int state_fd, int64_t keep_from_s, size_t *out_dropped,
                              struct stp_err *err) STP_MUST_CHECK;

#endif
