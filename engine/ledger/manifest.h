/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Manifests: which segments form a generation of the ledger. FORMAT.md describes the bytes.
 *
 * Shape      N.manifest: 128 bytes, 128 per segment, 32 of seal.
 * Memory     one struct with space for STP_LEDGER_SEGMENTS_MAX segments.
 * Ownership  the caller's.
 * Threads    any thread; no state.
 */
#ifndef STP_LEDGER_MANIFEST_H
#define STP_LEDGER_MANIFEST_H

#include "ledger/ledger.h"

#define STP_MANIFEST_NAME_BYTES 64

struct stp_manifest_entry {
	char name[STP_SEGMENT_NAME_MAX + 1];
	enum stp_segment_kind kind;
	uint64_t generation;
	uint64_t file_bytes;
	uint64_t record_count;
	uint8_t seal[STP_SEAL_BYTES];
};

struct stp_manifest {
	unsigned hash_set;
	uint64_t generation; /* 0: there is none */
	struct stp_ledger_summary summary;
	size_t count;
	struct stp_manifest_entry entries[STP_LEDGER_SEGMENTS_MAX]; /* newest first */
};

/* Writes the manifest durably; it must not exist. */
enum stp_errc stp_manifest_write(const struct stp_manifest *manifest, int folder_fd,
                                 const uint8_t *seal_key, struct stp_err *err) STP_MUST_CHECK;

/* Reads and checks the manifest of generation. STP_KEY when its seal does not match, STP_FORMAT
 * when it is not a valid manifest. */
enum stp_errc stp_manifest_read(int folder_fd, uint64_t generation, const uint8_t *seal_key,
                                struct stp_manifest *out_manifest,
                                struct stp_err *err) STP_MUST_CHECK;

#endif
