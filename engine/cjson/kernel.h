/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The few byte loops of cjson/ for which vector instructions pay, one table entry per set of CPU
 * features. Internal to cjson/; tests loop over the table.
 *
 * Shape      plain byte ranges; no function reads or writes outside them.
 * Memory     none.
 * Ownership  none.
 * Threads    any thread; no state.
 */
#ifndef STP_CJSON_KERNEL_H
#define STP_CJSON_KERNEL_H

#include <stddef.h>
#include <stdint.h>

#include "cjson/writer.h"

struct stp_cjson_kernel {
	const char *name;
	unsigned features; /* all needed */
	/* Leading bytes that are 0x20 … 0x7e without '"' and '\'. */
	size_t (*plain_span)(const uint8_t *bytes, size_t count);
	stp_hex_fn *hex_encode;
	/* byte_count bytes from 2 * byte_count lower-case digits; 0 when one of them is not a digit
	 * (out is then undefined). */
	int (*hex_decode)(const uint8_t *hex, size_t byte_count, uint8_t *out);
};

/* Best first; the last one is portable. */
extern const struct stp_cjson_kernel stp_cjson_kernels[];
extern const size_t stp_cjson_kernel_count;

/* The best kernel for a subset of stp_cpu_features(). */
const struct stp_cjson_kernel *stp_cjson_kernel_for(unsigned features);

/* Length of the well-formed UTF-8 sequence at bytes (RFC 3629 section 4), 1 … 4, or 0. Control
 * characters below U+0020 give 0 too. */
size_t stp_cjson_sequence(const uint8_t *bytes, size_t count);

#endif
