/* SPDX-License-Identifier: Apache-2.0 */
/* ceremony show and sign: what holders of keys do with a payload. */
#include "stampede/ceremony.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "cli/ceremony.h"
#include "cli/passphrase.h"

enum { OPT_TRUST = 1, OPT_KEY, OPT_OUT, OPT_PASSPHRASE_FD, OPT_NOW };

static const char trust_help[] =
    "the root that you kept yourself, from which the payload is verified";
static const char now_help[] = "the time to compare with, instead of the clock's";

/* -------------------------------------------------------------------------------- show */

static const struct stp_option show_options[] = {
    {"trust", "ROOT.json", trust_help, OPT_TRUST},
    {"now", "TIME", now_help, OPT_NOW},
    {NULL, NULL, NULL, 0},
};

static int show_run(struct stp_cli *cli)
{
	struct stp_ceremony_show_options asked = STP_CEREMONY_SHOW_OPTIONS_INIT;
	struct stp_ceremony_show_report report;
	struct stp_err err = STP_ERR_INIT;
	const char *value;
	int id;

	while ((id = stp_cli_option(cli, &value)) > 0) {
		if (id == OPT_TRUST)
			asked.trusted_root = value;
		else if (!stp_cli_time(cli, "now", value, &asked.now))
			return STP_EXIT_USAGE;
		asked.has_now |= id == OPT_NOW;
	}
	if (id == STP_OPT_ERROR)
		return STP_EXIT_USAGE;
	if (cli->argument_count != 1)
		return stp_cli_usage(cli, "give one payload");
	asked.payload = cli->arguments[0];
	if (stp_ceremony_show(&asked, &report, &err) != STP_OK)
		return stp_cli_fail(cli, &err);
	if (cli->json)
		stp_cli_print_json(json_loads(report.json, 0, NULL));
	else
		fputs(report.text, stdout);
	stp_ceremony_show_report_release(&report);
	return STP_EXIT_OK;
}

const struct stp_verb stp_verb_ceremony_show = {
    .name = "ceremony show",
    .summary = "what a payload changes, verified from a root of your own",
    .synopsis = "ceremony show P --trust ROOT.json [options]",
    .options = show_options,
    .examples = "  stampede ceremony show /media/stick/P --trust ~/4.root.json\n"
                "  stampede ceremony show P --trust 4.root.json --json | jq -r '.words[:2][]'\n",
    .run = show_run,
};

/* -------------------------------------------------------------------------------- sign */

static const struct stp_option sign_options[] = {
    {"trust", "ROOT.json", trust_help, OPT_TRUST},
    {"key", "pem:PATH", "your secret key", OPT_KEY},
    {"out", "FILE", "where the signatures go (default: PAYLOAD.KEYID8.sig)", OPT_OUT},
    {"passphrase-fd", "N", "read the passphrase of the key from descriptor N", OPT_PASSPHRASE_FD},
    {"now", "TIME", now_help, OPT_NOW},
    {NULL, NULL, NULL, 0},
};

/* Shows what would be signed, and reads two words from standard input. With --json, stdout is for
 * the object. */
static int ask(void *ctx, const char *text, char *out, size_t size)
{
	const struct stp_cli *cli = ctx;
	FILE *shown = cli->json ? stderr : stdout;

	fputs(text, shown);
	fputs("Type the first two words to sign: ", shown);
	fflush(shown);
	return fgets(out, (int)size, stdin) != NULL;
}

void stp_cli_print_signed(const struct stp_cli *cli, const struct stp_ceremony_sign_report *report)
{
	json_t *documents = json_array();
	json_t *words = json_array();
	size_t i;

	for (i = 0; i < report->document_count; i++)
		json_array_append_new(documents, json_string(report->documents[i]));
	for (i = 0; i < STP_CEREMONY_WORDS; i++)
		json_array_append_new(words, json_string(report->words[i]));
	if (cli->json) {
		stp_cli_print_json(json_pack(
		    "{s:s, s:o, s:s, s:o, s:o, s:b}", "payload", report->payload, "words", words,
		    "keyid", report->keyid, "file", stp_cli_json_text(report->file), "documents",
		    documents, "was_signed", report->was_signed));
		return;
	}
	for (i = 0; i < report->document_count; i++)
		printf("%s%s",
		       i                    ? ", "
		       : report->was_signed ? "had signed "
		                            : "signed ",
		       report->documents[i]);
	printf(" with %.8s…: ", report->keyid);
	stp_cli_print_path("", report->file, "\n");
	json_decref(documents);
	json_decref(words);
}

/* Takes one option; 0 after usage was printed. */
static int take_option(struct stp_cli *cli, int id, const char *value,
                       struct stp_ceremony_sign_options *asked,
                       struct stp_cli_passphrase *passphrase)
{
	uint64_t number = 0;

	if (id == OPT_TRUST)
		asked->trusted_root = value;
	else if (id == OPT_KEY)
		asked->key = value;
	else if (id == OPT_OUT)
		asked->out = value;
	else if (id == OPT_NOW)
		asked->has_now = 1;
	if (id == OPT_NOW)
		return stp_cli_time(cli, "now", value, &asked->now);
	if (id != OPT_PASSPHRASE_FD)
		return 1;
	if (!stp_cli_u64(cli, "passphrase-fd", value, 0, INT_MAX, &number))
		return 0;
	passphrase->fd = (int)number;
	return 1;
}

static int sign_run(struct stp_cli *cli)
{
	struct stp_ceremony_sign_options asked = STP_CEREMONY_SIGN_OPTIONS_INIT;
	struct stp_cli_passphrase passphrase = {-1};
	struct stp_ceremony_sign_report report;
	struct stp_err err = STP_ERR_INIT;
	const char *value;
	int id;

	while ((id = stp_cli_option(cli, &value)) > 0)
		if (!take_option(cli, id, value, &asked, &passphrase))
			return STP_EXIT_USAGE;
	if (id == STP_OPT_ERROR)
		return STP_EXIT_USAGE;
	if (cli->argument_count != 1)
		return stp_cli_usage(cli, "give one payload");
	if (!asked.key)
		return stp_cli_usage(cli, "say which key signs: --key pem:PATH");
	asked.payload = cli->arguments[0];
	asked.passphrase = stp_cli_passphrase_read;
	asked.passphrase_ctx = &passphrase;
	asked.words = ask;
	asked.words_ctx = cli;
	if (stp_ceremony_sign(&asked, &report, &err) != STP_OK)
		return stp_cli_fail(cli, &err);
	stp_cli_print_signed(cli, &report);
	stp_ceremony_sign_report_release(&report);
	return STP_EXIT_OK;
}

const struct stp_verb stp_verb_ceremony_sign = {
    .name = "ceremony sign",
    .summary = "show a payload, ask for its first two words, and sign it",
    .synopsis = "ceremony sign P --trust ROOT.json --key pem:PATH [options]",
    .options = sign_options,
    .examples = "  stampede ceremony sign P --trust 4.root.json --key pem:safe-1.pem\n"
                "  stampede ceremony sign P --trust 4.root.json --key pem:safe-1.pem \\\n"
                "      --passphrase-fd 3 3<secret\n",
    .run = sign_run,
};
