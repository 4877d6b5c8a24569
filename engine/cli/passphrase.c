/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/passphrase.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <sodium.h>

#include "base/text.h"

/* Reads a line byte by byte, so that nothing behind it is taken from the descriptor. */
static long read_line(int fd, char *out, size_t size)
{
	size_t count = 0;

	for (;;) {
		char c;
		ssize_t got = read(fd, &c, 1);

		/* EINTR: somebody wants to stop. */
		if (got < 0 || (got == 0 && count == 0))
			return -1;
		if (got == 0 || c == '\n')
			return (long)count;
		if (count + 1 >= size)
			return -1;
		out[count++] = c;
	}
}

static void prompt(int fd, const char *what, const char *subject)
{
	char name[1024];
	char text[1100];
	int chars;

	stp_text_escape(subject, strlen(subject), name, sizeof(name));
	chars = snprintf(text, sizeof(text), "%s of %s: ", what, name);
	if (write(fd, text, (size_t)chars) != chars)
		return; /* whoever sees no prompt still may type */
}

static long ask(const char *what, const char *subject, char *out, size_t size)
{
	int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	struct termios before;
	struct termios quiet;
	long count = -1;

	if (fd < 0)
		return -1;
	if (tcgetattr(fd, &before) == 0) {
		quiet = before;
		quiet.c_lflag &= ~(tcflag_t)ECHO;
		prompt(fd, what, subject);
		if (tcsetattr(fd, TCSAFLUSH, &quiet) == 0) {
			count = read_line(fd, out, size);
			tcsetattr(fd, TCSAFLUSH, &before);
		}
		if (write(fd, "\n", 1) != 1)
			count = -1;
	}
	close(fd);
	return count;
}

long stp_cli_passphrase_read(void *ctx, const char *subject, char *out, size_t size)
{
	const struct stp_cli_passphrase *from = ctx;

	return from->fd >= 0 ? read_line(from->fd, out, size)
	                     : ask("Passphrase", subject, out, size);
}

long stp_cli_passphrase_new(const struct stp_cli_passphrase *from, const char *subject, char *out,
                            size_t size)
{
	long count, count_again;
	char *again;

	if (from->fd >= 0)
		return read_line(from->fd, out, size);
	again = sodium_malloc(size);
	if (!again)
		return STP_CLI_PASSPHRASE_NONE;
	count = ask("New passphrase", subject, out, size);
	count_again = count < 0 ? count : ask("Again: passphrase", subject, again, size);
	if (count_again != count || (count > 0 && sodium_memcmp(again, out, (size_t)count) != 0))
		count = count_again < 0 ? count_again : STP_CLI_PASSPHRASE_DIFFER;
	sodium_free(again);
	return count;
}
