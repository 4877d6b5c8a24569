/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The frame of every command: the table of commands, options, output and exit codes.
 *
 *	static int run(struct stp_cli *cli)
 *	{
 *		while ((id = stp_cli_option(cli, &value)) > 0) { switch (id) … }
 *		if (id == STP_OPT_ERROR) return STP_EXIT_USAGE;
 *		if (cli->argument_count != 1) return stp_cli_usage(cli, "give one REPO");
 *		code = stp_x_run(&options, &report, &err);
 *		if (code != STP_OK) return stp_cli_fail(cli, &err);
 *		…print to stdout…; return STP_EXIT_OK;
 *	}
 *	const struct stp_verb stp_verb_x = {
 *	    "x", "what it does", "x REPO [options]", options, examples, run};
 *
 * Shape      one file per verb; cli/main.c holds the table. Common options (--json, --quiet,
 *            --progress, --log-format, --debug, --help) are taken by the frame, the rest by the
 *            verb.
 * Memory     none to speak of.
 * Ownership  argv's strings.
 * Threads    the main thread; a ticker thread draws progress between
 *            stp_cli_progress_begin/end.
 */
#ifndef STP_CLI_CLI_H
#define STP_CLI_CLI_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "stampede/err.h"
#include "stampede/progress.h"

/* See "EXIT STATUS" in stampede(1). */
enum {
	STP_EXIT_OK = 0,
	STP_EXIT_VERIFY = 1,
	STP_EXIT_USAGE = 2,
	STP_EXIT_FAILED = 3,
	STP_EXIT_PARTIAL = 4,
	STP_EXIT_AGAIN = 75,
};

struct stp_option {
	const char *name; /* without "--" */
	/* Placeholder such as "N" or "auto|uring|pread"; NULL for a flag. A value whose whole
	 * placeholder stands in brackets, "[FILE]", may be left out: then the next word starts with
	 * "-" or there is none, and the value is NULL. */
	const char *argument;
	const char *help;
	int id; /* > 0, unique within the verb */
};

#define STP_OPT_END   0
#define STP_OPT_ERROR (-1) /* usage was printed: return STP_EXIT_USAGE */

enum stp_cli_progress { STP_PROGRESS_AUTO, STP_PROGRESS_PLAIN, STP_PROGRESS_NONE };

struct stp_cli {
	const struct stp_verb *verb;
	char **argv;
	int argc;
	int next;               /* next of argv to look at */
	const char **arguments; /* positional ones, collected by stp_cli_option() */
	size_t argument_count;
	int json, quiet, debug, log_json;
	int is_committed; /* what fails from here on does not undo what was published */
	enum stp_cli_progress progress_mode;
	struct stp_progress *progress; /* pass these two to runs */
	struct stp_cancel *cancel;
};

struct stp_verb {
	const char *name;                 /* one word, or a family and a word: "key new" */
	const char *summary;              /* one line */
	const char *synopsis;             /* "sign REPO [options]"; " | " between several */
	const struct stp_option *options; /* ends with a NULL name */
	const char *examples;             /* lines for --help, may be NULL */
	int (*run)(struct stp_cli *cli);  /* returns an exit code */
};

/* The table, ended by NULL; completions and --help are made from it. */
extern const struct stp_verb *const stp_verbs[];
/* Options every verb takes, ended by a NULL name. */
extern const struct stp_option stp_common_options[];

/* The verb's next option id with *out_value (NULL for flags), STP_OPT_END, or STP_OPT_ERROR.
 * Accepts --name value, --name=value, and "--" before positional arguments. A value that begins
 * with "--" is taken only behind "=". */
int stp_cli_option(struct stp_cli *cli, const char **out_value);

/* "stampede: VERB: text; see 'stampede VERB --help'" on stderr; returns STP_EXIT_USAGE. */
int stp_cli_usage(struct stp_cli *cli, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Prints err on stderr (file and line with --debug) and returns the exit code of err->code, which
 * is STP_EXIT_PARTIAL once cli->is_committed. */
int stp_cli_fail(const struct stp_cli *cli, const struct stp_err *err);

/* "stampede: STAGE: SUBJECT: text" on stderr about one file or row, also with --quiet. subject is
 * raw. */
void stp_cli_fault(const struct stp_cli *cli, const char *stage, const char *subject,
                   const char *text);

/* The same of what an operator should know, though nothing failed. */
void stp_cli_note(const struct stp_cli *cli, const char *stage, const char *subject,
                  const char *text);

/* How many of count faults are told one by one: all in a log for machines, but a terminal or a mail
 * is no place for a million. */
size_t stp_cli_faults_shown(const struct stp_cli *cli, size_t count);

/* Says how many faults beyond shown there are, and that --json lists them; also with --quiet. */
void stp_cli_more_faults(const struct stp_cli *cli, uint64_t total, uint64_t shown);

/* A line of progress in the log, with --log-format json. lanes_busy is a mean since the line
 * before, shown while there are lanes. */
void stp_cli_log_progress(const struct stp_cli *cli, const struct stp_progress_view *view,
                          double lanes_busy);

/* "stampede: …" on stderr unless --quiet. For talk, not for the product. */
void stp_cli_say(const struct stp_cli *cli, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The same of what should be looked after. */
void stp_cli_warn(const struct stp_cli *cli, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Unsigned decimal in [min, max]; on error prints usage naming option and returns 0. */
int stp_cli_u64(struct stp_cli *cli, const char *option, const char *value, uint64_t min,
                uint64_t max, uint64_t *out);
/* The value of --jobs, 0 for the serial reference; on error prints usage and returns 0. */
int stp_cli_jobs(struct stp_cli *cli, const char *value, size_t *out);
/* YYYY-MM-DDTHH:MM:SSZ; on error prints usage and returns 0. */
int stp_cli_time(struct stp_cli *cli, const char *option, const char *value, int64_t *out_epoch_s);
/* The value of --now for a verb that signs: as stp_cli_time(), and early enough that an expiry from
 * then on can be written. */
int stp_cli_now(struct stp_cli *cli, const char *value, int64_t *out_epoch_s);
/* Index of value in the NULL-ended choices, or -1 after printing usage with the choices. */
int stp_cli_choice(struct stp_cli *cli, const char *option, const char *value,
                   const char *const *choices);

/* Columns of the terminal behind stdout; SIZE_MAX when there is none, since whoever reads a file or
 * a pipe wants whole lines. */
size_t stp_cli_columns(void);

/* Prints text and a line feed, from column indent on, where stdout already is. On a terminal it is
 * broken between words, with indent spaces before each other line. */
void stp_cli_fold(size_t indent, const char *text);

/* Prints a path, escaped as names from outside are, between two texts of the program's own; no line
 * feed. */
void stp_cli_print_path(const char *before, const char *path, const char *after);

/* The same with a text that may quote names and was escaped where it does: cleaned. */
void stp_cli_print_text(const char *before, const char *text, const char *after);

/* A JSON string of text as stp_text_clean() leaves it: jansson takes nothing but UTF-8. */
json_t *stp_cli_json_text(const char *text);

/* Prints the object as one line of JSON on stdout (keys in insertion order) and releases it. */
void stp_cli_print_json(json_t *object);

/* Runs cli->verb on its arguments; --help wins over everything. Called by main(). */
int stp_cli_run_verb(struct stp_cli *cli);

/* Starts and stops drawing cli->progress on stderr, as --progress, --quiet and the terminal ask. */
void stp_cli_progress_begin(struct stp_cli *cli);
void stp_cli_progress_end(struct stp_cli *cli);

/* Prints a note while progress is drawn. */
void stp_cli_tell(const struct stp_cli *cli, const char *stage, const char *subject,
                  const char *text);

#endif
