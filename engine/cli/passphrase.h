/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Passphrases of key files: the first line of a descriptor that the caller names, or typed at the
 * terminal without being shown. Never from the command line or the environment, which others can
 * read.
 *
 * Shape      one line of at most size - 1 bytes.
 * Memory     the caller's, which is locked; nothing is kept.
 * Ownership  the descriptor stays the caller's.
 * Threads    the main thread.
 */
#ifndef STP_CLI_PASSPHRASE_H
#define STP_CLI_PASSPHRASE_H

#include <stddef.h>

struct stp_cli_passphrase {
	int fd; /* -1: the terminal */
};

/* For options structs: ctx is a struct stp_cli_passphrase. Asks for the passphrase of subject, and
 * writes it to out; returns its bytes, or -1: there is no terminal, or the descriptor has ended. */
long stp_cli_passphrase_read(void *ctx, const char *subject, char *out, size_t size);

enum {
	STP_CLI_PASSPHRASE_NONE = -1,   /* no terminal, or the descriptor has ended */
	STP_CLI_PASSPHRASE_DIFFER = -2, /* two different ones were typed */
};

/* The passphrase for a new file called subject, which is typed twice at a terminal: its bytes, or
 * one of the above. */
long stp_cli_passphrase_new(const struct stp_cli_passphrase *from, const char *subject, char *out,
                            size_t size);

#endif
