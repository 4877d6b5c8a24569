/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fixed layout of a segment file, see FORMAT.md.
 *
 *	0 header, 4 KiB | blocks | index, 88 bytes per block | footer, 48 bytes
 *
 * Shape      one header page, one footer.
 * Memory     the caller's.
 * Ownership  the caller's.
 * Threads    no state.
 */
#ifndef STP_LEDGER_SEGMENT_FORMAT_H
#define STP_LEDGER_SEGMENT_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#include "ledger/blocks.h"
#include "ledger/segment.h"

#define STP_SEGMENT_VERSION      1
#define STP_SEGMENT_HEADER_BYTES 4096
#define STP_SEGMENT_FOOTER_BYTES 48
#define STP_SEGMENT_MAGIC        UINT64_C(0x314744454c505453) /* "STPLEDG1" */
#define STP_SEGMENT_END_MAGIC    UINT64_C(0x314c414553505453) /* "STPSEAL1" */
/* The value that every segment's header has at byte 24. Bytes 20 to 23 are zero. */
#define STP_SEGMENT_RESERVED_ONE 1

/* Keys of one purpose each, from the seal key: BLAKE2b-256(key = seal key, purpose). */
struct stp_segment_keys {
	uint8_t block[32];
	uint8_t segment[32];
	uint8_t manifest[32];
};

void stp_segment_keys_derive(const uint8_t *seal_key, struct stp_segment_keys *out_keys);

/* The header page for info; index_offset is where the last block ends. */
void stp_segment_header_store(const struct stp_segment_info *info, uint64_t index_offset,
                              uint8_t out[STP_SEGMENT_HEADER_BYTES]);

/* The seal over header page, index and the footer's first 16 bytes. */
void stp_segment_seal(const struct stp_segment_keys *keys,
                      const uint8_t header[STP_SEGMENT_HEADER_BYTES], const uint8_t *index,
                      size_t index_bytes, const uint8_t footer[16], uint8_t out[STP_SEAL_BYTES]);

#endif
