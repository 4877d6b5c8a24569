/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file that is one PEM block and nothing else, so that two readers cannot see different keys in
 * it: RFC 7468's strict form, lines of 64 characters that end with a line feed (which may be
 * missing after the last one).
 *
 * Shape      text in, one label and its bytes out, and back.
 * Memory     sodium_malloc for the text that is written and for the bytes.
 * Ownership  stp_pem_block_release(), and sodium_free() for text.
 * Threads    any thread; no state.
 */
#ifndef STP_KEYS_PEM_BLOCK_H
#define STP_KEYS_PEM_BLOCK_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define STP_PEM_LABEL_BYTES 40

struct stp_pem_block {
	char label[STP_PEM_LABEL_BYTES]; /* "PRIVATE KEY" */
	uint8_t *der;
	size_t der_bytes;
};

/* Reads text; subject names it in messages. STP_KEY says what is wrong: CR LF, a second block, text
 * around it, lines of another length. */
enum stp_errc stp_pem_block_read(const void *text, size_t chars, const char *subject,
                                 struct stp_pem_block *out, struct stp_err *err) STP_MUST_CHECK;
void stp_pem_block_release(struct stp_pem_block *block);

/* The label of the block that text begins with, without a look at the rest; 0: there is none. */
int stp_pem_block_label(const void *text, size_t chars, char out_label[STP_PEM_LABEL_BYTES]);

/* Writes *out_chars characters to *out_text, without NUL. */
enum stp_errc stp_pem_block_write(const char *label, const uint8_t *der, size_t der_bytes,
                                  char **out_text, size_t *out_chars,
                                  struct stp_err *err) STP_MUST_CHECK;

#endif
