/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every limit of stampede in one place. A number carries its reason.
 */
#ifndef STP_BASE_LIMITS_H
#define STP_BASE_LIMITS_H

#include "stampede/options.h"

/* PATH_MAX of Linux less the NUL; it also fits the ledger's 16-bit path length. */
#define STP_PATH_BYTES_MAX 4095
/* ext4, xfs, btrfs: NAME_MAX. */
#define STP_NAME_BYTES_MAX 255
/* Folders deeper than this are a fault: no index is that deep, and the limit bounds the walk's
 * descriptors. */
#define STP_TREE_DEPTH_MAX 128
/* Threads: STP_JOBS_MAX; beyond that, contention for counters and memory per worker cost more than
 * they gain. */
/* A target's bytes: the largest length that every JSON reader represents exactly, 2^53 - 1. A
 * sparse file that claims to be longer could never be read to its end anyway. */
#define STP_LENGTH_MAX 9007199254740991ULL
/* Bins: 2^1 … 2^20; init warns above 65,536. */
#define STP_BIN_BITS_MIN 1
#define STP_BIN_BITS_MAX 20
/* Configuration, keys and small role files. python-tuf's root limit is 512,000 bytes. */
#define STP_CONFIG_BYTES_MAX    (256 * 1024)
#define STP_KEY_FILE_BYTES_MAX  (16 * 1024)
#define STP_ROOT_BYTES_MAX      (1024 * 1024)
#define STP_TIMESTAMP_BYTES_MAX (64 * 1024)
/* Snapshot with 2^20 bins, length and sha256 each: 141 MB; bins role with prefixes: 170 MB. */
#define STP_SNAPSHOT_BYTES_MAX (256 * 1024 * 1024)
#define STP_TARGETS_BYTES_MAX  (256 * 1024 * 1024)
#define STP_JSON_DEPTH_MAX     32
/* Signatures in one envelope, keys in one role. */
#define STP_SIGNATURES_MAX 256
#define STP_ROLE_KEYS_MAX  64
/* Root versions a client would follow: tough and php-tuf stop at 1,024. */
#define STP_ROOT_STEPS_MAX 1024
/* Faults kept for the report; more are counted, not kept. */
#define STP_FAULTS_KEPT_MAX 1000000
/* TUF versions stay exact in every JSON reader: 2^53 - 1. */
#define STP_VERSION_MAX 9007199254740991ULL
/* How far a reserved version may be above the last published one; each failed run uses one. */
#define STP_VERSION_JUMP_MAX (1ULL << 20)
/* How far above it an operator may ask for one: a number with one digit too many would permanently
 * use up most of the range. */
#define STP_VERSION_ABOVE_MAX (1ULL << 32)
/* Expiry periods: one hour to ten years, in seconds. */
#define STP_EXPIRY_SECONDS_MIN 3600
#define STP_EXPIRY_SECONDS_MAX (3650LL * 86400)
/* Days that a removed path is remembered; 0 in the configuration means forever. */
#define STP_RETENTION_DAYS_MAX 36500

/* Memory for records before they spill, over all workers together: two fifths of the gigabyte that
 * a run may use, whatever the size of the index. */
#define STP_SIGN_COLLECT_BYTES ((size_t)400 << 20)

#endif
