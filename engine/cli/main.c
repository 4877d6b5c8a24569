/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program. Each command has its own file; this one knows only their table, signals, and what
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

/* The commands of a family in the table from *verbs on: ", " between their names. */
static void print_names(FILE *out, const struct stp_verb *const *verbs)
{
	const struct stp_family *family = stp_family_of(*verbs);
	const char *before = "";

	for (; *verbs && stp_family_of(*verbs) == family; verbs++) {
		fprintf(out, "%s%s", before, stp_verb_last_word(*verbs));
		before = ", ";
	}
}

static void print_usage(FILE *out)
{
	const struct stp_family *family, *before = NULL;
	size_t i;

	fputs("usage: stampede COMMAND [options]\n\n"
	      "Signs a whole package index: hashes, TUF metadata, Ed25519, published at once.\n\n"
	      "commands:\n",
	      out);
	for (i = 0; stp_verbs[i]; before = family, i++) {
		family = stp_family_of(stp_verbs[i]);
		if (!family) {
			fprintf(out, "  %-8s %s\n", stp_verbs[i]->name, stp_verbs[i]->summary);
			continue;
		}
		if (family == before)
			continue;
		fprintf(out, "  %-8s %s:\n%11s", family->name, family->summary, "");
		print_names(out, stp_verbs + i);
		fputc('\n', out);
	}
	fputs("\n'stampede COMMAND --help' describes a command.\n"
	      "'stampede --version' names the hash kernels.\n",
	      out);
}

static void print_family(FILE *out, const struct stp_family *family)
{
	size_t i;

	fprintf(out, "usage: stampede %s COMMAND [options]\n\n%s\n\ncommands:\n", family->name,
	        family->summary);
	for (i = 0; stp_verbs[i]; i++)
		if (stp_family_of(stp_verbs[i]) == family)
			fprintf(out, "  %-8s %s\n", stp_verb_last_word(stp_verbs[i]),
			        stp_verbs[i]->summary);
	fprintf(out, "\n'stampede %s COMMAND --help' describes a command.\n", family->name);
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

static int is_help(const char *word)
{
	return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
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

/* What the words name is no command. */
static int run_no_command(int argc, char **argv)
{
	const struct stp_family *family = stp_family_find(argv[1]);

	if (!family) {
		stp_log_line(STP_LOG_ERROR,
		             "stampede: unknown command; 'stampede --help' lists them");
		return STP_EXIT_USAGE;
	}
	if (argc > 2 && is_help(argv[2])) {
		print_family(stdout, family);
		return finish_stdout(STP_EXIT_OK);
	}
	if (argc == 2)
		print_family(stderr, family);
	else
		stp_log_line(STP_LOG_ERROR,
		             "stampede: %s: unknown command; 'stampede %s --help' lists them",
		             family->name, family->name);
	return STP_EXIT_USAGE;
}

int main(int argc, char **argv)
{
	const struct stp_verb *verb;
	int words;

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
	if (is_help(argv[1])) {
		print_usage(stdout);
		return finish_stdout(STP_EXIT_OK);
	}
	verb = stp_verb_find(argc - 1, argv + 1, &words);
	if (!verb)
		return run_no_command(argc, argv);
	return finish_stdout(run_verb(verb, argc - 1 - words, argv + 1 + words));
}
