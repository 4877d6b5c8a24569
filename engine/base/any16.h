/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether any byte of a text is of a given kind. A list may have 20 million paths, so 16 bytes are
 * tested at a time, on every CPU.
 *
 * Shape      bytes and a test for 16 of them in, true or false out.
 * Memory     16 bytes.
 * Ownership  the caller's bytes.
 * Threads    any thread; no state.
 */
#ifndef STP_BASE_ANY16_H
#define STP_BASE_ANY16_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint8_t stp_bytes16 __attribute__((vector_size(16)));

/* Sets each byte that is of the kind to all ones, the others to zero. "x" must not be of the
 * kind. */
typedef stp_bytes16 stp_any16_fn(stp_bytes16 text);

/* True when is_kind matches any byte. The compiler inlines is_kind into the loop when it is a
 * constant. */
static inline __attribute__((always_inline)) int stp_any16(const char *bytes, size_t count,
                                                           stp_any16_fn *is_kind)
{
	typedef uint64_t halves __attribute__((vector_size(16)));
	uint8_t rest[16];
	stp_bytes16 found = {0};
	halves sum;
	size_t at;

	for (at = 0; at < count; at += 16) {
		stp_bytes16 text;

		if (count - at < 16) {
			memset(rest, 'x', sizeof(rest));
			memcpy(rest, bytes + at, count - at);
			memcpy(&text, rest, sizeof(text));
		} else {
			memcpy(&text, bytes + at, sizeof(text));
		}
		found |= is_kind(text);
	}
	memcpy(&sum, &found, sizeof(sum));
	return (sum[0] | sum[1]) != 0;
}

#endif
