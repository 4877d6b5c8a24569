/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key new and key import: files of keys.
 */
#include "cli/key.h"

#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "cli/passphrase.h"
#include "cli/stdout.h"

#define PASSPHRASE_BYTES 1024
#define LABEL_COLUMNS    12

enum {
	OPT_TYPE = 1,
	OPT_HOLDER,
	OPT_ENCRYPT,
	OPT_PASSPHRASE_FD,
	OPT_NOW,
	OPT_NAME,
	OPT_OUT,
};

/* --- what is printed ------------------------------------------------------------------------- */

void stp_cli_key_line(const char *label, const char *text)
{
	char left[LABEL_COLUMNS + 1];

	snprintf(left, sizeof(left), "%-*s", LABEL_COLUMNS, label);
	stp_cli_print_text(left, text, "\n");
}

void stp_cli_key_print(const struct stp_key_report *report)
{
	char type[80], words[256] = "";
	size_t i;

	snprintf(type, sizeof(type), "%s, scheme %s", report->keytype, report->scheme);
	stp_cli_key_line("type", type);
	stp_cli_key_line("keyid", report->keyid);
	for (i = 0; i < STP_KEY_REPORT_WORDS; i++) {
		strcat(words, i ? " " : "");
		strcat(words, report->words[i]);
	}
	printf("%-*s", LABEL_COLUMNS, "words");
	stp_cli_fold(LABEL_COLUMNS, words);
	if (!report->is_described)
		return;
	stp_cli_key_line("name", report->name);
	if (report->holder[0])
		stp_cli_key_line("holder", report->holder);
	stp_cli_key_line("made", report->made);
}

/* A text, or null when there is none. */
static json_t *text_or_null(const char *text)
{
	return text[0] ? stp_cli_json_text(text) : json_null();
}

json_t *stp_cli_key_json(const struct stp_key_report *report)
{
	json_t *object = json_object(), *words = json_array();
	size_t i;

	for (i = 0; i < STP_KEY_REPORT_WORDS; i++)
		json_array_append_new(words, json_string(report->words[i]));
	json_object_set_new(object, "keyid", json_string(report->keyid));
	json_object_set_new(object, "keytype", json_string(report->keytype));
	json_object_set_new(object, "scheme", json_string(report->scheme));
	json_object_set_new(object, "public", json_string(report->public_text));
	json_object_set_new(object, "words", words);
	json_object_set_new(object, "name", text_or_null(report->name));
	json_object_set_new(object, "holder", text_or_null(report->holder));
	json_object_set_new(object, "made", text_or_null(report->made));
	json_object_set_new(object, "proven", json_boolean(report->is_proven));
	json_object_set_new(object, "secret", json_boolean(report->has_secret));
	json_object_set_new(object, "encrypted", json_boolean(report->is_encrypted));
	return object;
}

static void print_files(const struct stp_cli *cli, const struct stp_key_report *report)
{
	if (cli->json) {
		json_t *object = stp_cli_key_json(report);

		json_object_set_new(object, "secret_file", text_or_null(report->secret_path));
		json_object_set_new(object, "public_file", text_or_null(report->description_path));
		stp_cli_print_json(object);
		return;
	}
	if (report->secret_path[0])
		stp_cli_print_path("secret key  ", report->secret_path, "\n");
	stp_cli_print_path("public key  ", report->description_path, "\n");
	stp_cli_key_print(report);
}

int stp_cli_key_descriptor(struct stp_cli *cli, const char *value, int *out_fd)
{
	uint64_t number;

	if (!stp_cli_u64(cli, "passphrase-fd", value, 0, INT_MAX, &number))
		return 0;
	if (fcntl((int)number, F_GETFD) == -1) {
		stp_cli_usage(cli, "--passphrase-fd: descriptor %d is not open", (int)number);
		return 0;
	}
	*out_fd = (int)number;
	return 1;
}

/* --- key new --------------------------------------------------------------------------------- */

static const struct stp_option new_options[] = {
    {"type", "ed25519|p256", "Ed25519 (default), or ECDSA P-256, which hardware signs with",
     OPT_TYPE},
    {"holder", "TEXT", "who has the key, for those who read its description", OPT_HOLDER},
    {"encrypt", NULL, "encrypt the secret key with a passphrase, which is asked for twice",
     OPT_ENCRYPT},
    {"passphrase-fd", "N", "with --encrypt: read the passphrase, one line, from descriptor N",
     OPT_PASSPHRASE_FD},
    {"now", "TIME", "write YYYY-MM-DDTHH:MM:SSZ as the time, not the clock's", OPT_NOW},
    {NULL, NULL, NULL, 0},
};

struct new_key {
	struct stp_key_new_options asked;
	struct stp_cli_passphrase passphrase;
	int is_encrypted;
};

/* Takes one option; 0 after usage was printed. */
static int take_new(struct stp_cli *cli, int id, const char *value, struct new_key *key)
{
	static const char *const types[] = {"ed25519", "p256", NULL};
	int type;

	switch (id) {
	case OPT_TYPE:
		type = stp_cli_choice(cli, "type", value, types);
		key->asked.type = type == 1 ? STP_KEY_TYPE_P256 : STP_KEY_TYPE_ED25519;
		return type >= 0;
	case OPT_HOLDER:
		key->asked.holder = value;
		return 1;
	case OPT_ENCRYPT:
		key->is_encrypted = 1;
		return 1;
	case OPT_PASSPHRASE_FD:
		return stp_cli_key_descriptor(cli, value, &key->passphrase.fd);
	default:
		key->asked.has_now = 1;
		return stp_cli_time(cli, "now", value, &key->asked.now);
	}
}

static int make(struct stp_cli *cli, const struct new_key *key)
{
	struct stp_err err = STP_ERR_INIT;
	struct stp_key_report report;

	if (stp_key_new(&key->asked, &report, &err) != STP_OK)
		return stp_cli_fail(cli, &err);
	print_files(cli, &report);
	if (!report.is_encrypted)
		stp_cli_say(cli,
		            "key: %s: is not encrypted: whoever reads the file has the key; "
		            "--encrypt makes one with a passphrase",
		            report.secret_path);
	return stp_stdout_finish(cli, "key", report.secret_path, "the key was made");
}

/* What became of asking for a passphrase, if there is none. */
static int refuse_passphrase(struct stp_cli *cli, long bytes)
{
	if (bytes == STP_CLI_PASSPHRASE_DIFFER)
		return stp_cli_usage(cli, "the two passphrases differ");
	if (bytes == 0)
		return stp_cli_usage(cli, "the passphrase is empty");
	return stp_cli_usage(cli, "there is no passphrase: no terminal to ask on, and nothing from "
	                          "--passphrase-fd");
}

static int make_encrypted(struct stp_cli *cli, struct new_key *key)
{
	char *passphrase = sodium_malloc(PASSPHRASE_BYTES);
	int exit_code;
	long bytes;

	if (!passphrase)
		return stp_cli_usage(cli, "memory is short");
	bytes =
	    stp_cli_passphrase_new(&key->passphrase, key->asked.path, passphrase, PASSPHRASE_BYTES);
	if (bytes <= 0) {
		exit_code = refuse_passphrase(cli, bytes);
	} else {
		key->asked.passphrase = passphrase;
		key->asked.passphrase_bytes = (size_t)bytes;
		exit_code = make(cli, key);
	}
	sodium_free(passphrase);
	return exit_code;
}

static int new_run(struct stp_cli *cli)
{
	struct new_key key = {STP_KEY_NEW_OPTIONS_INIT, {-1}, 0};
	const char *value;
	int id;

	while ((id = stp_cli_option(cli, &value)) > 0)
		if (!take_new(cli, id, value, &key))
			return STP_EXIT_USAGE;
	if (id == STP_OPT_ERROR)
		return STP_EXIT_USAGE;
	if (cli->argument_count != 1)
		return stp_cli_usage(cli, "give one DIR/NAME, such as safe/safe-1");
	if (key.passphrase.fd >= 0 && !key.is_encrypted)
		return stp_cli_usage(cli, "--passphrase-fd is for a key with --encrypt");
	key.asked.path = cli->arguments[0];
	return key.is_encrypted ? make_encrypted(cli, &key) : make(cli, &key);
}

const struct stp_verb stp_verb_key_new = {
    .name = "key new",
    .summary = "make a key pair: NAME.pem, and NAME.key.json for the ceremony",
    .synopsis = "key new DIR/NAME [options]",
    .options = new_options,
    .examples = "  stampede key new safe/safe-1 --encrypt --holder 'safe in the east wing'\n"
                "  stampede key new stick/stick-2 --type p256\n",
    .run = new_run,
};

/* --- key import ------------------------------------------------------------------------------ */

static const struct stp_option import_options[] = {
    {"name", "NAME", "call the key NAME (default: the name of the file, without its ending)",
     OPT_NAME},
    {"holder", "TEXT", "who has the key, for those who read its description", OPT_HOLDER},
    {"out", "DIR", "write NAME.key.json into DIR (default: the working directory)", OPT_OUT},
    {"passphrase-fd", "N", "read the passphrase of the key, one line, from descriptor N",
     OPT_PASSPHRASE_FD},
    {"now", "TIME", "write YYYY-MM-DDTHH:MM:SSZ as the time, not the clock's", OPT_NOW},
    {NULL, NULL, NULL, 0},
};

static int take_import(struct stp_cli *cli, int id, const char *value,
                       struct stp_key_import_options *asked, struct stp_cli_passphrase *passphrase)
{
	switch (id) {
	case OPT_NAME:
		asked->name = value;
		return 1;
	case OPT_HOLDER:
		asked->holder = value;
		return 1;
	case OPT_OUT:
		asked->out = value;
		return 1;
	case OPT_PASSPHRASE_FD:
		return stp_cli_key_descriptor(cli, value, &passphrase->fd);
	default:
		asked->has_now = 1;
		return stp_cli_time(cli, "now", value, &asked->now);
	}
}

static int import_run(struct stp_cli *cli)
{
	struct stp_key_import_options asked = STP_KEY_IMPORT_OPTIONS_INIT;
	struct stp_cli_passphrase passphrase = {-1};
	struct stp_err err = STP_ERR_INIT;
	struct stp_key_report report;
	const char *value;
	int id;

	while ((id = stp_cli_option(cli, &value)) > 0)
		if (!take_import(cli, id, value, &asked, &passphrase))
			return STP_EXIT_USAGE;
	if (id == STP_OPT_ERROR)
		return STP_EXIT_USAGE;
	if (cli->argument_count != 1)
		return stp_cli_usage(cli, "give one key file");
	asked.from = cli->arguments[0];
	asked.passphrase = stp_cli_passphrase_read;
	asked.passphrase_ctx = &passphrase;
	if (stp_key_import(&asked, &report, &err) != STP_OK)
		return stp_cli_fail(cli, &err);
	print_files(cli, &report);
	if (!report.is_proven)
		stp_cli_say(cli,
		            "key: %s: has no proof that somebody has the secret key; the first "
		            "signature in a ceremony gives it",
		            report.description_path);
	return stp_stdout_finish(cli, "key", report.description_path, "the file was written");
}

const struct stp_verb stp_verb_key_import = {
    .name = "key import",
    .summary = "describe a key of another program in NAME.key.json",
    .synopsis = "key import FILE|URI [options]",
    .options = import_options,
    .examples = "  stampede key import hsm.pub.pem --name hsm-1 --holder 'Data centre A'\n"
                "  stampede key import pem:root-1.pem\n"
                "  stampede key import id_ed25519.pub --name agent-1\n",
    .run = import_run,
};
