/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The front door. Each verb has its own file; this one knows only their table, signals, and what
 * happens to stdout at the end.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "cli/cli.h"
#include "cli/hints.h"
#include "cli/log.h"
#include "cli/stdout.h"
#include "cli/verbs.h"
#include "stampede/alg.h"
#include "stampede/version.h"

static struct stp_cancel *process_cancel;

/* First signal: stop soon and keep what was done. Second: die as the signal means to. */
static void on_signal(int number)
{
	stp_cancel_request(process_cancel);
	signal(number, SIG_DFL);
}

static void print_version(void)
{
	int alg;

	printf("stampede %s\n", stp_version());
	printf("io: uring (where the kernel allows it), pread\n");
	for (alg = 0; alg < STP_ALG_COUNT; alg++)
		printf("kernel %s: %s\n", stp_alg_name((enum stp_alg)alg),
		       stp_alg_kernel_name((enum stp_alg)alg));
}

static void print_usage(FILE *out)
{
	size_t i;

	fputs("usage: stampede VERB [options]\n\n"
	      "Signs a whole package index: hashes, TUF metadata, Ed25519, published at once.\n\n"
	      "verbs:\n",
	      out);
	for (i = 0; stp_verbs[i]; i++)
		fprintf(out, "  %-8s %s\n", stp_verbs[i]->name, stp_verbs[i]->summary);
	fputs("\n'stampede VERB --help' tells more; 'stampede --version' names the hash kernels.\n",
	      out);
}

/* Descriptors 0 to 2 must be taken before any file of ours gets their number. A closed stdout
 * becomes one that cannot be written, so that a lost product is noticed. */
static void hold_standard_descriptors(void)
{
	int fd;

	for (fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) == -1 &&
		    open("/dev/null", fd == STDERR_FILENO ? O_WRONLY : O_RDONLY) != fd)
			_exit(STP_EXIT_FAILED);
}

static const struct stp_verb *find_verb(const char *name)
{
	size_t i;

	for (i = 0; stp_verbs[i]; i++)
		if (strcmp(stp_verbs[i]->name, name) == 0)
			return stp_verbs[i];
	return NULL;
}

/* Results that could not be written are a failure. */
static int finish_stdout(int exit_code)
{
	if (stp_stdout_flush() == STP_STDOUT_WRITTEN)
		return exit_code;
	return exit_code == STP_EXIT_USAGE || exit_code == STP_EXIT_PARTIAL ? exit_code
	                                                                    : STP_EXIT_FAILED;
}

/* A terminal that goes away stops a run as Ctrl-C does, so that it cleans up; not under nohup. */
static void catch_hangup(const struct sigaction *action)
{
	struct sigaction before;

	if (sigaction(SIGHUP, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
		sigaction(SIGHUP, action, NULL);
}

static int run_verb(const struct stp_verb *verb, int argc, char **argv)
{
	struct stp_cli cli = {.verb = verb, .argv = argv, .argc = argc};
	struct sigaction action = {.sa_handler = on_signal};
	int exit_code = STP_EXIT_AGAIN;

	cli.arguments = calloc((size_t)argc + 1, sizeof(*cli.arguments));
	cli.progress = stp_progress_create();
	cli.cancel = process_cancel = stp_cancel_create();
	if (cli.arguments && cli.progress && cli.cancel) {
		sigaction(SIGINT, &action, NULL);
		sigaction(SIGTERM, &action, NULL);
		catch_hangup(&action);
		exit_code = stp_cli_run_verb(&cli);
		signal(SIGINT, SIG_DFL);
		signal(SIGTERM, SIG_DFL);
	} else {
		stp_log_line(STP_LOG_ERROR, "stampede: memory: not enough to start");
	}
	free(cli.arguments);
	stp_progress_destroy(cli.progress);
	stp_cancel_destroy(cli.cancel);
	return exit_code;
}

int main(int argc, char **argv)
{
	const struct stp_verb *verb;

	hold_standard_descriptors();
	stp_cli_hints_use();
	signal(SIGPIPE, SIG_IGN);
	/* A limit on the size of files (ulimit -f) is a write that fails like any other: EFBIG. */
	signal(SIGXFSZ, SIG_IGN);
	/* Key bytes must never reach a core file or a debugger of the same user. */
	prctl(PR_SET_DUMPABLE, 0);
	if (sodium_init() < 0) {
		stp_log_line(STP_LOG_ERROR,
		             "stampede: keys: libsodium cannot start; is /dev/urandom there?");
		return STP_EXIT_FAILED;
	}
	if (argc < 2) {
		print_usage(stderr);
		return STP_EXIT_USAGE;
	}
	if (strcmp(argv[1], "--version") == 0) {
		print_version();
		return finish_stdout(STP_EXIT_OK);
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		print_usage(stdout);
		return finish_stdout(STP_EXIT_OK);
	}
	verb = find_verb(argv[1]);
	if (!verb) {
		stp_log_line(STP_LOG_ERROR, "stampede: unknown verb; 'stampede --help' lists them");
		return STP_EXIT_USAGE;
	}
	return finish_stdout(run_verb(verb, argc - 2, argv + 2));
}
