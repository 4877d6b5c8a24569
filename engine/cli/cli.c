/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/text.h"
#include "cli/log.h"

/* Faults told one by one where people read. */
#define FAULTS_SHOWN 100
/* Where help on options starts, and how wide it may be. */
#define HELP_COLUMN 32
#define HELP_WIDTH  80

/* Of --log-format, as formats[] has them. */
enum { LOG_TEXT, LOG_JSON, LOG_JOURNAL };

enum {
	COMMON_JSON = 1,
	COMMON_QUIET,
	COMMON_PROGRESS,
	COMMON_LOG_FORMAT,
	COMMON_DEBUG,
	COMMON_HELP
};

const struct stp_option stp_common_options[] = {
    {"json", NULL, "print one JSON object on stdout", COMMON_JSON},
    {"quiet", NULL, "no progress, hints or summary: only errors, and results that were asked for",
     COMMON_QUIET},
    {"progress", "auto|plain|none", "a bar on a terminal, plain lines, or nothing",
     COMMON_PROGRESS},
    {"log-format", "text|json|journal",
     "messages on stderr as lines of text, one JSON object each, or lines with a priority "
     "(default: journal where stderr is the journal, else text)",
     COMMON_LOG_FORMAT},
    {"debug", NULL, "add source file and line to errors", COMMON_DEBUG},
    {"help", NULL, "show this help", COMMON_HELP},
    {NULL, NULL, NULL, 0},
};

/* --- messages -------------------------------------------------------------------------------- */

json_t *stp_cli_json_text(const char *text)
{
	size_t count = strlen(text);
	size_t size = 4 * count + 4;
	char *clean = malloc(size);
	json_t *string;

	if (!clean)
		return json_null();
	stp_text_clean(text, count, clean, size);
	string = json_string(clean);
	free(clean);
	return string;
}

/* The members every log line starts with. */
static json_t *log_object(const struct stp_cli *cli, const char *level)
{
	char now[STP_TIME_BYTES + 1];

	stp_time_format(stp_clock_now(), now);
	return json_pack("{s:s,s:s,s:s}", "time", now, "level", level, "verb", cli->verb->name);
}

/* One line on stderr; releases object. */
static void log_line(json_t *object)
{
	char *text = json_dumps(object, JSON_COMPACT);

	if (text)
		fprintf(stderr, "%s\n", text);
	free(text);
	json_decref(object);
}

int stp_cli_usage(struct stp_cli *cli, const char *format, ...)
{
	char text[512];
	char escaped[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	/* Words of the command line as they are typed: a backslash is one of theirs. */
	stp_text_escape(text, strlen(text), escaped, sizeof(escaped));
	if (cli->log_json) {
		json_t *object = log_object(cli, "error");

		json_object_set_new(object, "stage", json_string("usage"));
		json_object_set_new(object, "message", json_string(escaped));
		log_line(object);
		return STP_EXIT_USAGE;
	}
	stp_log_line(STP_LOG_ERROR, "stampede: %s: %s; see 'stampede %s --help'", cli->verb->name,
	             escaped, cli->verb->name);
	return STP_EXIT_USAGE;
}

static int exit_code_of(const struct stp_cli *cli, enum stp_errc code)
{
	if (code != STP_OK && cli->is_committed)
		return STP_EXIT_PARTIAL;
	switch (code) {
	case STP_OK:
		return STP_EXIT_OK;
	case STP_CONFIG:
	case STP_KEY:
		return STP_EXIT_USAGE;
	case STP_BUSY:
		return STP_EXIT_AGAIN;
	default:
		return STP_EXIT_FAILED;
	}
}

static void log_failure(const struct stp_cli *cli, const struct stp_err *err)
{
	json_t *object = log_object(cli, "error");

	json_object_set_new(object, "stage", json_string(err->stage ? err->stage : ""));
	json_object_set_new(object, "subject", json_string(err->subject));
	json_object_set_new(object, "message", json_string(err->text));
	json_object_set_new(object, "exit_status", json_integer(exit_code_of(cli, err->code)));
	if (err->sys_errno)
		json_object_set_new(object, "errno", json_integer(err->sys_errno));
	if (cli->debug && err->file) {
		json_object_set_new(object, "file", json_string(err->file));
		json_object_set_new(object, "line", json_integer(err->line));
	}
	log_line(object);
}

int stp_cli_fail(const struct stp_cli *cli, const struct stp_err *err)
{
	char line[1024];

	if (cli->log_json) {
		log_failure(cli, err);
		return exit_code_of(cli, err->code);
	}
	stp_log_line(STP_LOG_ERROR, "%s", stp_err_format(err, line, sizeof(line)));
	if (cli->debug && err->file)
		stp_log_line(STP_LOG_INFO, "stampede: debug: %s:%d (code %d, errno %d)", err->file,
		             err->line, (int)err->code, err->sys_errno);
	return exit_code_of(cli, err->code);
}

/* One line about a subject. */
static void print_subject(const struct stp_cli *cli, enum stp_log_level level,
                          const char *json_level, const char *stage, const char *subject,
                          const char *text)
{
	/* Four bytes for each of a path's. */
	char escaped[4 * STP_PATH_BYTES_MAX + 1];
	char clean[2048];

	stp_text_escape(subject, strlen(subject), escaped, sizeof(escaped));
	stp_text_clean(text, strlen(text), clean, sizeof(clean));
	if (cli->log_json) {
		json_t *object = log_object(cli, json_level);

		json_object_set_new(object, "stage", json_string(stage));
		json_object_set_new(object, "subject", json_string(escaped));
		json_object_set_new(object, "message", json_string(clean));
		log_line(object);
		return;
	}
	stp_log_line(level, "stampede: %s: %s: %s", stage, escaped, clean);
}

void stp_cli_fault(const struct stp_cli *cli, const char *stage, const char *subject,
                   const char *text)
{
	print_subject(cli, STP_LOG_ERROR, "fault", stage, subject, text);
}

void stp_cli_note(const struct stp_cli *cli, const char *stage, const char *subject,
                  const char *text)
{
	print_subject(cli, STP_LOG_WARNING, "warning", stage, subject, text);
}

size_t stp_cli_faults_shown(const struct stp_cli *cli, size_t count)
{
	return cli->log_json || count < FAULTS_SHOWN ? count : FAULTS_SHOWN;
}

void stp_cli_more_faults(const struct stp_cli *cli, uint64_t total, uint64_t shown)
{
	char count[32];

	if (total > shown && !cli->log_json)
		stp_log_line(STP_LOG_ERROR, "stampede: %s: %s more faults; --json lists them",
		             cli->verb->name, stp_count_format(total - shown, count));
}

static void print_text(const struct stp_cli *cli, enum stp_log_level level, const char *format,
                       va_list args)
{
	char raw[4096];
	char text[4096];

	if (cli->quiet)
		return;
	vsnprintf(raw, sizeof(raw), format, args);
	stp_text_clean(raw, strlen(raw), text, sizeof(text));
	if (cli->log_json) {
		json_t *object = log_object(cli, level == STP_LOG_INFO ? "info" : "warning");

		json_object_set_new(object, "message", json_string(text));
		log_line(object);
		return;
	}
	stp_log_line(level, "stampede: %s", text);
}

void stp_cli_say(const struct stp_cli *cli, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_text(cli, STP_LOG_INFO, format, args);
	va_end(args);
}

void stp_cli_warn(const struct stp_cli *cli, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_text(cli, STP_LOG_WARNING, format, args);
	va_end(args);
}

void stp_cli_log_progress(const struct stp_cli *cli, const struct stp_progress_view *view,
                          double lanes_busy)
{
	json_t *object = log_object(cli, "progress");

	json_object_set_new(object, "stage", json_string(view->stage));
	json_object_set_new(object, "items_done", json_integer((json_int_t)view->items_done));
	json_object_set_new(object, "items_total", json_integer((json_int_t)view->items_total));
	json_object_set_new(object, "bytes_done", json_integer((json_int_t)view->bytes_done));
	json_object_set_new(object, "bytes_total", json_integer((json_int_t)view->bytes_total));
	if (view->share >= 0)
		json_object_set_new(object, "share", json_real(view->share));
	if (view->seconds_left >= 0)
		json_object_set_new(object, "seconds_left", json_real(view->seconds_left));
	if (view->lanes_total) {
		json_object_set_new(object, "lanes_busy", json_real(lanes_busy));
		json_object_set_new(object, "lanes_total",
		                    json_integer((json_int_t)view->lanes_total));
	}
	log_line(object);
}

/* The option called name (name_bytes long) in table, or NULL. */
static const struct stp_option *find(const struct stp_option *table, const char *name,
                                     size_t name_bytes)
{
	for (; table && table->name; table++)
		if (strlen(table->name) == name_bytes && memcmp(table->name, name, name_bytes) == 0)
			return table;
	return NULL;
}

/* Bytes of text that go into room columns: to the last space within, else the whole first word. */
static size_t fold_bytes(const char *text, size_t room)
{
	size_t count = strlen(text);

	if (count <= room)
		return count;
	for (count = room; count && text[count] != ' '; count--)
		continue;
	return count ? count : strcspn(text, " ");
}

static void print_folded(size_t indent, size_t width, const char *text)
{
	for (;;) {
		size_t count = fold_bytes(text, width > indent ? width - indent : 1);

		printf("%.*s\n", (int)count, text);
		text += count;
		text += strspn(text, " ");
		if (!*text)
			return;
		printf("%*s", (int)indent, "");
	}
}

size_t stp_cli_columns(void)
{
	struct winsize size;

	if (!isatty(STDOUT_FILENO))
		return SIZE_MAX;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		return size.ws_col;
	return 80;
}

void stp_cli_fold(size_t indent, const char *text)
{
	size_t width = stp_cli_columns();

	/* Too narrow for a column of its own. */
	if (indent > width / 2)
		indent = 2;
	print_folded(indent, width, text);
}

/* Prints the options of table, without those that own has under the same name. */
static void print_options(const struct stp_option *table, const struct stp_option *own)
{
	char left[80];

	for (; table && table->name; table++) {
		if (find(own, table->name, strlen(table->name)))
			continue;
		snprintf(left, sizeof(left), "  --%s%s%s", table->name, table->argument ? " " : "",
		         table->argument ? table->argument : "");
		printf("%-*s", HELP_COLUMN, left);
		if (strlen(left) > HELP_COLUMN - 2)
			printf("\n%*s", HELP_COLUMN, "");
		print_folded(HELP_COLUMN, HELP_WIDTH, table->help);
	}
}

/* One line for each of several usages, which " | " separates. */
static void print_synopsis(const char *synopsis)
{
	const char *before = "usage: stampede ", *bar;

	while ((bar = strstr(synopsis, " | "))) {
		printf("%s%.*s\n", before, (int)(bar - synopsis), synopsis);
		before = "       stampede ";
		synopsis = bar + 3;
	}
	printf("%s%s\n", before, synopsis);
}

static void print_help(const struct stp_verb *verb)
{
	print_synopsis(verb->synopsis);
	printf("\n%s\n", verb->summary);
	if (verb->options && verb->options->name) {
		puts("\noptions:");
		print_options(verb->options, NULL);
	}
	puts("\ncommon options:");
	print_options(stp_common_options, verb->options);
	if (verb->examples)
		printf("\nexamples:\n%s", verb->examples);
}

/* Takes a common option; 0 when its value is wrong. */
static int take_common(struct stp_cli *cli, int id, const char *value)
{
	static const char *const modes[] = {"auto", "plain", "none", NULL};
	static const char *const formats[] = {"text", "json", "journal", NULL};
	int mode;

	switch (id) {
	case COMMON_JSON:
		cli->json = 1;
		break;
	case COMMON_QUIET:
		cli->quiet = 1;
		break;
	case COMMON_DEBUG:
		cli->debug = 1;
		break;
	case COMMON_LOG_FORMAT:
		mode = stp_cli_choice(cli, "log-format", value, formats);
		if (mode < 0)
			return 0;
		cli->log_json = mode == LOG_JSON;
		stp_log_set_priorities(mode == LOG_JOURNAL);
		break;
	case COMMON_PROGRESS:
		mode = stp_cli_choice(cli, "progress", value, modes);
		if (mode < 0)
			return 0;
		cli->progress_mode = (enum stp_cli_progress)mode;
		break;
	default:
		break;
	}
	return 1;
}

/* True when --help stands among the arguments before "--". */
static int wants_help(const struct stp_cli *cli)
{
	int i;

	for (i = 0; i < cli->argc && strcmp(cli->argv[i], "--") != 0; i++)
		if (strcmp(cli->argv[i], "--help") == 0 || strcmp(cli->argv[i], "-h") == 0)
			return 1;
	return 0;
}

/* "[FILE]" as a whole; "[ROLE=]TIME" needs its TIME. */
static int is_optional(const char *argument)
{
	return argument[0] == '[' && strcspn(argument, "]") + 1 == strlen(argument);
}

/* The value of option, behind equals or in the next word; 0 after usage. A word that begins with
 * "--" is the next option, whose value before it was forgotten: whoever means it writes "=". */
static int take_value(struct stp_cli *cli, const struct stp_option *option, const char *equals,
                      const char **out_value)
{
	const char *word = cli->next < cli->argc ? cli->argv[cli->next] : NULL;

	if (equals) {
		*out_value = equals + 1;
		return 1;
	}
	if (is_optional(option->argument)) {
		if (word && word[0] != '-')
			*out_value = cli->argv[cli->next++];
		return 1;
	}
	if (!word) {
		stp_cli_usage(cli, "--%s needs a value (%s)", option->name, option->argument);
		return 0;
	}
	if (strncmp(word, "--", 2) == 0) {
		stp_cli_usage(cli,
		              "--%s needs a value (%s), and '%s' is an option; for a value that "
		              "begins with -- write --%s=VALUE",
		              option->name, option->argument, word, option->name);
		return 0;
	}
	*out_value = cli->argv[cli->next++];
	return 1;
}

/* Reads the option in word: its id (a common one as a negative number), or 0 after usage. */
static int parse_option(struct stp_cli *cli, const char *word, const char **out_value)
{
	const char *equals = strchr(word, '=');
	size_t n = equals ? (size_t)(equals - word) : strlen(word);
	const struct stp_option *option = NULL;
	int sign = 1;

	if (n > 2 && word[1] == '-') {
		option = find(cli->verb->options, word + 2, n - 2);
		if (!option) {
			option = find(stp_common_options, word + 2, n - 2);
			sign = -1;
		}
	}
	*out_value = NULL;
	if (!option) {
		stp_cli_usage(cli, "unknown option %s", word);
		return 0;
	}
	if (!option->argument && equals) {
		stp_cli_usage(cli, "--%s takes no value", option->name);
		return 0;
	}
	if (option->argument && !take_value(cli, option, equals, out_value))
		return 0;
	return sign * option->id;
}

int stp_cli_option(struct stp_cli *cli, const char **out_value)
{
	while (cli->next < cli->argc) {
		const char *word = cli->argv[cli->next++];
		int id;

		if (strcmp(word, "--") == 0) {
			while (cli->next < cli->argc)
				cli->arguments[cli->argument_count++] = cli->argv[cli->next++];
			break;
		}
		if (word[0] != '-' || word[1] == '\0') {
			cli->arguments[cli->argument_count++] = word;
			continue;
		}
		id = parse_option(cli, word, out_value);
		if (id > 0)
			return id;
		if (id == 0 || !take_common(cli, -id, *out_value))
			return STP_OPT_ERROR;
	}
	return STP_OPT_END;
}

void stp_cli_print_path(const char *before, const char *path, const char *after)
{
	char shown[4 * STP_PATH_BYTES_MAX + 1];

	stp_text_escape(path, strlen(path), shown, sizeof(shown));
	printf("%s%s%s", before, shown, after);
}

void stp_cli_print_text(const char *before, const char *text, const char *after)
{
	char shown[4096];

	stp_text_clean(text, strlen(text), shown, sizeof(shown));
	printf("%s%s%s", before, shown, after);
}

void stp_cli_print_json(json_t *object)
{
	/* A failed write shows in ferror(stdout), which main() turns into an exit code. */
	json_dumpf(object, stdout, JSON_COMPACT);
	fputc('\n', stdout);
	json_decref(object);
}

/* --log-format holds for every message, also for one about an option before it. */
static void take_log_format(struct stp_cli *cli)
{
	const char *format = NULL;
	int i;

	for (i = 0; i < cli->argc && strcmp(cli->argv[i], "--") != 0; i++)
		if (strncmp(cli->argv[i], "--log-format=", 13) == 0)
			format = cli->argv[i] + 13;
		else if (strcmp(cli->argv[i], "--log-format") == 0 && i + 1 < cli->argc)
			format = cli->argv[i + 1];
	cli->log_json = format && strcmp(format, "json") == 0;
	stp_log_set_priorities(format ? strcmp(format, "journal") == 0 : stp_log_is_journal());
}

int stp_cli_run_verb(struct stp_cli *cli)
{
	take_log_format(cli);
	if (wants_help(cli)) {
		print_help(cli->verb);
		return STP_EXIT_OK;
	}
	return cli->verb->run(cli);
}
