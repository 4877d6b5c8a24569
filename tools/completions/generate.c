/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Generates what must agree with the table of commands: completions for three shells and the
 * option lists of the manual pages. Linked with the CLI's own objects, run by the build.
 *
 *	stampede-generate bash|zsh|fish            completions on stdout
 *	stampede-generate man NAME <PAGE.in        the page of a command, or of a family of them,
 *with the lines @SYNOPSIS@, @OPTIONS@, @COMMON@,
 *	                                           @EXAMPLES@ and @VERBS@ filled in
 *	stampede-generate verbs                    the name of each command, one a line
 *	stampede-generate pages                    what has a page: commands of one word, families
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/verbs.h"

/* Whether the command has an option of its own called name. */
static int has_option(const struct stp_verb *verb, const char *name)
{
	const struct stp_option *option = verb->options;

	for (; option && option->name; option++)
		if (strcmp(option->name, name) == 0)
			return 1;
	return 0;
}

/* The options of the command, then the common ones that it does not replace: NULL after the last.
 */
static const struct stp_option *option_at(const struct stp_verb *verb, size_t index)
{
	const struct stp_option *option = verb->options;

	for (; option && option->name; option++)
		if (index-- == 0)
			return option;
	for (option = stp_common_options; option->name; option++)
		if (!has_option(verb, option->name) && index-- == 0)
			return option;
	return NULL;
}

/* Whether the command is the first of its family in the table. */
static int is_first(size_t index)
{
	return index == 0 || stp_family_of(stp_verbs[index]) != stp_family_of(stp_verbs[index - 1]);
}

/* What stands at a place of the table for the first word of a command line: the name and summary
 * of a command or of a family. NULL: another command of the family before. */
static const char *first_word(size_t index, const char **out_summary)
{
	const struct stp_family *family = stp_family_of(stp_verbs[index]);

	if (!family) {
		*out_summary = stp_verbs[index]->summary;
		return stp_verbs[index]->name;
	}
	if (!is_first(index))
		return NULL;
	*out_summary = family->summary;
	return family->name;
}

/* What completes an argument, as its placeholder shows. */
enum kind { KIND_NONE, KIND_CHOICE, KIND_FOLDER, KIND_FILE };

static enum kind argument_kind(const char *argument)
{
	if (!argument)
		return KIND_NONE;
	if (strstr(argument, "DIR") || strstr(argument, "REPO"))
		return KIND_FOLDER;
	if (strstr(argument, "FILE") || strstr(argument, "PATH") || strcmp(argument, "OLD") == 0)
		return KIND_FILE;
	return strchr(argument, '|') ? KIND_CHOICE : KIND_NONE;
}

/* Prints the words of "auto|uring|pread"; words in capitals and digits are placeholders. */
static void print_choices(const char *argument)
{
	char copy[256], *save = NULL;
	const char *before = "";

	snprintf(copy, sizeof(copy), "%s", argument);
	for (char *word = strtok_r(copy, "|", &save); word; word = strtok_r(NULL, "|", &save)) {
		if (!islower((unsigned char)word[0]))
			continue;
		printf("%s%s", before, word);
		before = " ";
	}
}

/* Prints text with a backslash before every character of special. */
static void print_escaped(const char *text, const char *special)
{
	for (; *text; text++) {
		if (strchr(special, *text))
			putchar('\\');
		putchar(*text);
	}
}

/* As print_escaped(), inside single quotes of a POSIX shell. */
static void print_quoted(const char *text, const char *special)
{
	for (; *text; text++) {
		if (*text == '\'')
			fputs("'\\'", stdout);
		else if (strchr(special, *text))
			putchar('\\');
		putchar(*text);
	}
}

/* ---- bash ---- */

static void bash_verb(const struct stp_verb *verb)
{
	const struct stp_option *option;

	printf("\t\"%s\")\n\t\tcase $previous in\n", verb->name);
	for (size_t i = 0; (option = option_at(verb, i)); i++) {
		enum kind kind = argument_kind(option->argument);

		if (!option->argument)
			continue;
		printf("\t\t--%s) ", option->name);
		if (kind == KIND_CHOICE) {
			fputs("words=\"", stdout);
			print_choices(option->argument);
			puts("\" ;;");
		} else {
			puts(kind == KIND_FOLDER ? "kind=-d ;;"
			     : kind == KIND_FILE ? "kind=-f ;;"
			                         : "return ;;");
		}
	}
	fputs("\t\t*) options=\"", stdout);
	for (size_t i = 0; (option = option_at(verb, i)); i++)
		printf("%s--%s", i ? " " : "", option->name);
	puts("\" ;;\n\t\tesac\n\t\t;;");
}

/* verbs: the first command of a family. */
static void bash_family(const struct stp_verb *const *verbs)
{
	const struct stp_family *family = stp_family_of(*verbs);

	printf("\t%s)\n\t\tif [ \"$COMP_CWORD\" -eq 2 ]; then\n"
	       "\t\t\tCOMPREPLY=($(compgen -W \"",
	       family->name);
	for (; *verbs && stp_family_of(*verbs) == family; verbs++)
		printf("%s ", stp_verb_last_word(*verbs));
	puts("--help\" -- \"$current\"))\n\t\t\treturn\n\t\tfi\n"
	     "\t\tcommand+=\" ${COMP_WORDS[2]}\"\n\t\t;;");
}

static void print_bash(void)
{
	puts("# SPDX-License-Identifier: Apache-2.0\n"
	     "# bash completion for stampede, generated from its table of commands.\n"
	     "_stampede()\n{\n"
	     "\tlocal current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}\n"
	     "\tlocal options= words= kind=-f\n"
	     "\tCOMPREPLY=()\n"
	     "\tif [ \"$COMP_CWORD\" -eq 1 ]; then");
	fputs("\t\tCOMPREPLY=($(compgen -W \"", stdout);
	for (size_t i = 0; stp_verbs[i]; i++) {
		const char *summary, *word = first_word(i, &summary);

		if (word)
			printf("%s ", word);
	}
	puts("--help --version\" -- \"$current\"))\n\t\treturn\n\tfi\n"
	     "\tlocal command=${COMP_WORDS[1]}\n"
	     "\tcase $command in");
	for (size_t i = 0; stp_verbs[i]; i++)
		if (stp_family_of(stp_verbs[i]) && is_first(i))
			bash_family(stp_verbs + i);
	puts("\tesac\n"
	     "\tcase $command in");
	for (size_t i = 0; stp_verbs[i]; i++)
		bash_verb(stp_verbs[i]);
	puts("\t*) return ;;\n\tesac\n"
	     "\tif [ -n \"$words\" ]; then\n"
	     "\t\tCOMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
	     "\telif [[ $current == -* ]]; then\n"
	     "\t\tCOMPREPLY=($(compgen -W \"$options\" -- \"$current\"))\n"
	     "\telse\n"
	     "\t\tcompopt -o filenames 2>/dev/null\n"
	     "\t\tCOMPREPLY=($(compgen $kind -- \"$current\"))\n"
	     "\tfi\n}\n"
	     "complete -F _stampede stampede");
}

/* ---- zsh ---- */

static void zsh_verb(const struct stp_verb *verb)
{
	const struct stp_option *option;

	printf("\t(\"%s\")\n\t\t_arguments \\\n", verb->name);
	for (size_t i = 0; (option = option_at(verb, i)); i++) {
		enum kind kind = argument_kind(option->argument);

		printf("\t\t\t'*--%s[", option->name);
		print_quoted(option->help, "[]:");
		putchar(']');
		if (option->argument) {
			putchar(':');
			print_quoted(option->argument, "[]:");
			putchar(':');
		}
		if (kind == KIND_CHOICE) {
			putchar('(');
			print_choices(option->argument);
			putchar(')');
		} else if (kind != KIND_NONE) {
			fputs(kind == KIND_FOLDER ? "_files -/" : "_files", stdout);
		}
		puts("' \\");
	}
	puts("\t\t\t'*:path:_files'\n\t\t;;");
}

/* One line of an array for _describe. */
static void zsh_describe(const char *indent, const char *name, const char *summary)
{
	printf("%s'%s:", indent, name);
	print_quoted(summary, "");
	puts("'");
}

/* verbs: the first command of a family. */
static void zsh_family(const struct stp_verb *const *verbs)
{
	const struct stp_family *family = stp_family_of(*verbs);

	printf("\t(%s)\n\t\tsubcommands=(\n", family->name);
	for (; *verbs && stp_family_of(*verbs) == family; verbs++)
		zsh_describe("\t\t\t", stp_verb_last_word(*verbs), (*verbs)->summary);
	puts("\t\t)\n\t\tif (( CURRENT == 2 )); then\n"
	     "\t\t\t_describe 'command' subcommands\n\t\t\treturn\n\t\tfi\n"
	     "\t\tsubcommand+=\" $words[2]\"\n\t\tshift words\n\t\t(( CURRENT-- ))\n\t\t;;");
}

static void print_zsh(void)
{
	puts("#compdef stampede\n# SPDX-License-Identifier: Apache-2.0\n"
	     "# zsh completion for stampede, generated from its table of commands.\n"
	     "local -a subcommands\nsubcommands=(");
	for (size_t i = 0; stp_verbs[i]; i++) {
		const char *summary, *word = first_word(i, &summary);

		if (word)
			zsh_describe("\t", word, summary);
	}
	puts(")\nif (( CURRENT == 2 )); then\n\t_describe 'command' subcommands\n\treturn\nfi\n"
	     "local subcommand=$words[2]\nshift words\n(( CURRENT-- ))\ncase $subcommand in");
	for (size_t i = 0; stp_verbs[i]; i++)
		if (stp_family_of(stp_verbs[i]) && is_first(i))
			zsh_family(stp_verbs + i);
	puts("esac\ncase $subcommand in");
	for (size_t i = 0; stp_verbs[i]; i++)
		zsh_verb(stp_verbs[i]);
	puts("esac");
}

/* ---- fish ---- */

/* Completes word where condition holds. */
static void fish_word(const char *condition, const char *word, const char *summary)
{
	printf("complete -c stampede -n '%s' -a %s -d '", condition, word);
	print_escaped(summary, "'\\");
	puts("'");
}

static void fish_verb(const struct stp_verb *verb)
{
	const struct stp_option *option;
	const struct stp_family *family = stp_family_of(verb);
	char condition[80];

	if (family) {
		snprintf(condition, sizeof(condition), "__stampede_family %s", family->name);
		fish_word(condition, stp_verb_last_word(verb), verb->summary);
	}
	for (size_t i = 0; (option = option_at(verb, i)); i++) {
		enum kind kind = argument_kind(option->argument);

		printf("complete -c stampede -n '__stampede_command %s' -l %s -d '", verb->name,
		       option->name);
		print_escaped(option->help, "'\\");
		putchar('\'');
		if (kind == KIND_CHOICE) {
			fputs(" -x -a '", stdout);
			print_choices(option->argument);
			putchar('\'');
		} else if (kind == KIND_FOLDER) {
			fputs(" -x -a '(__fish_complete_directories)'", stdout);
		} else if (option->argument) {
			fputs(kind == KIND_FILE ? " -r -F" : " -x", stdout);
		}
		putchar('\n');
	}
}

static void print_fish(void)
{
	puts("# SPDX-License-Identifier: Apache-2.0\n"
	     "# fish completion for stampede, generated from its table of commands.\n"
	     "function __stampede_command # whether its words begin the line\n"
	     "\tset -l words (commandline -opc)\n"
	     "\tset -e words[1]\n"
	     "\tset -l n (count $argv)\n"
	     "\ttest (count $words) -ge $n\n"
	     "\tand test \"$words[1..$n]\" = \"$argv\"\n"
	     "end\n"
	     "function __stampede_family # whether a command of it is next\n"
	     "\tset -l words (commandline -opc)\n"
	     "\ttest \"$words[2..-1]\" = $argv[1]\n"
	     "end\n"
	     "complete -c stampede -n __fish_use_subcommand -f");
	for (size_t i = 0; stp_verbs[i]; i++) {
		const char *summary, *word = first_word(i, &summary);

		if (word)
			fish_word("__fish_use_subcommand", word, summary);
	}
	for (size_t i = 0; stp_verbs[i]; i++)
		fish_verb(stp_verbs[i]);
}

/* ---- manual pages ---- */

/* Text for roff, in which "-" and "\" have a special meaning, and a leading "." is a request. */
static void print_roff(const char *text)
{
	if (*text == '.' || *text == '\'')
		fputs("\\&", stdout);
	for (; *text; text++) {
		if (*text == '-')
			fputs("\\-", stdout);
		else if (*text == '\\')
			fputs("\\e", stdout);
		else
			putchar(*text);
	}
}

/* Leaves out options that the command (may be NULL) has of its own. */
static void man_options(const struct stp_option *option, const struct stp_verb *without)
{
	for (; option && option->name; option++) {
		if (without && has_option(without, option->name))
			continue;
		fputs(".TP\n\\fB\\-\\-", stdout);
		print_roff(option->name);
		fputs("\\fR", stdout);
		if (option->argument) {
			fputs(" \\fI", stdout);
			print_roff(option->argument);
			fputs("\\fR", stdout);
		}
		putchar('\n');
		print_roff(option->help);
		putchar('\n');
	}
}

static void man_examples(const char *examples)
{
	while (examples && *examples) {
		size_t bytes = strcspn(examples, "\n");
		char line[512];

		snprintf(line, sizeof(line), "%.*s", (int)bytes, examples);
		print_roff(line);
		putchar('\n');
		examples += bytes + (examples[bytes] == '\n');
	}
}

static const struct stp_verb *find_verb(const char *name)
{
	for (size_t i = 0; stp_verbs[i]; i++)
		if (strcmp(stp_verbs[i]->name, name) == 0)
			return stp_verbs[i];
	return NULL;
}

static void man_verbs(void)
{
	for (size_t i = 0; stp_verbs[i]; i++) {
		const char *summary, *word = first_word(i, &summary);

		if (!word)
			continue;
		printf(".TP\n.BR stampede\\-%s (1)\n", word);
		print_roff(summary);
		putchar('\n');
	}
}

/* Whether name is the command's, or its family's. */
static int is_of_page(const struct stp_verb *verb, const char *name)
{
	const struct stp_family *family = stp_family_of(verb);

	return strcmp(family ? family->name : verb->name, name) == 0;
}

/* One line for each usage; *before is what comes before the next one. */
static void man_synopsis(const char *synopsis, const char **before)
{
	while (synopsis) {
		const char *bar = strstr(synopsis, " | ");
		char line[256];

		snprintf(line, sizeof(line), "%.*s",
		         (int)(bar ? (size_t)(bar - synopsis) : strlen(synopsis)), synopsis);
		printf("%s.B stampede\n", *before);
		print_roff(line);
		putchar('\n');
		*before = ".br\n";
		synopsis = bar ? bar + 3 : NULL;
	}
}

static void man_synopses(const char *name)
{
	const char *before = "";

	for (size_t i = 0; stp_verbs[i]; i++)
		if (is_of_page(stp_verbs[i], name))
			man_synopsis(stp_verbs[i]->synopsis, &before);
}

static void man_all_options(const char *name)
{
	for (size_t i = 0; stp_verbs[i]; i++) {
		if (!is_of_page(stp_verbs[i], name))
			continue;
		if (stp_family_of(stp_verbs[i]))
			printf(".SS stampede %s\n", stp_verbs[i]->name);
		man_options(stp_verbs[i]->options, NULL);
	}
}

static void man_all_examples(const char *name)
{
	puts(".nf");
	for (size_t i = 0; stp_verbs[i]; i++)
		if (is_of_page(stp_verbs[i], name))
			man_examples(stp_verbs[i]->examples);
	puts(".fi");
}

/* Prints the page at stdin with its placeholders, each on a line of its own, filled in. If name is
 * not of a command or family, the page has no options of a command. */
static void print_man(const char *name)
{
	char line[1024];

	while (fgets(line, sizeof(line), stdin)) {
		if (strcmp(line, "@VERBS@\n") == 0)
			man_verbs();
		else if (strcmp(line, "@COMMON@\n") == 0)
			man_options(stp_common_options, find_verb(name));
		else if (strcmp(line, "@OPTIONS@\n") == 0)
			man_all_options(name);
		else if (strcmp(line, "@EXAMPLES@\n") == 0)
			man_all_examples(name);
		else if (strcmp(line, "@SYNOPSIS@\n") == 0)
			man_synopses(name);
		else
			fputs(line, stdout);
	}
}

static void print_pages(void)
{
	for (size_t i = 0; stp_verbs[i]; i++) {
		const char *summary, *word = first_word(i, &summary);

		if (word)
			puts(word);
	}
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (strcmp(what, "bash") == 0) {
		print_bash();
	} else if (strcmp(what, "zsh") == 0) {
		print_zsh();
	} else if (strcmp(what, "fish") == 0) {
		print_fish();
	} else if (strcmp(what, "verbs") == 0) {
		for (size_t i = 0; stp_verbs[i]; i++)
			puts(stp_verbs[i]->name);
	} else if (strcmp(what, "pages") == 0) {
		print_pages();
	} else if (strcmp(what, "man") == 0 && argc == 3) {
		print_man(argv[2]);
	} else {
		fputs("usage: stampede-generate bash|zsh|fish|verbs|pages|man NAME\n", stderr);
		return 2;
	}
	return fflush(stdout) || ferror(stdout) ? 3 : 0;
}
