/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The escapes of control characters, one spelling each: \n, \r, \t, and \u00xx with lower-case
 * digits for the others. NUL has none, because no client can read it. Internal to cjson/.
 *
 * Shape      one character.
 * Memory     the caller's.
 * Ownership  none.
 * Threads    any thread; no state.
 */
#ifndef STP_CJSON_ESCAPE_H
#define STP_CJSON_ESCAPE_H

#include <stddef.h>
#include <stdint.h>

#define STP_CJSON_ESCAPE_BYTES_MAX 6 /* \u001f */

/* Writes the escape of control (0x01 … 0x1f) without NUL; returns its bytes. */
size_t stp_cjson_escape(uint8_t control, uint8_t out[STP_CJSON_ESCAPE_BYTES_MAX]);

/* The bytes of the escape of a control character that bytes begin with, and the character; 0 when
 * they begin with anything else, another spelling included. */
size_t stp_cjson_escaped_control(const uint8_t *bytes, size_t count, uint8_t *out_control);

#endif
