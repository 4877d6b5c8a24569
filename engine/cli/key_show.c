/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key show: one key, and which devices could hold it.
 */
#include <stdio.h>
#include <string.h>

#include "cli/key.h"
#include "cli/passphrase.h"

enum { OPT_PASSPHRASE_FD = 1 };

static const struct stp_option options[] = {
    {"passphrase-fd", "N", "read the passphrase of the key, one line, from descriptor N",
     OPT_PASSPHRASE_FD},
    {NULL, NULL, NULL, 0},
};

/* Ed25519 signs the message itself, not a digest, so a device must take in the whole document. The
 * longest message: of YubiHSM 2 the lower of the numbers that are known (up to 2,047), of ssh-agent
 * what OpenSSH's takes before it closes the connection. */
static const struct device {
	const char *name;
	size_t message_bytes_max;
} devices[] = {
    {"Nitrokey 3", 1024},    {"YubiHSM 2", 2019},   {"AWS KMS", 4096},
    {"AWS CloudHSM", 16000}, {"ssh-agent", 262076},
};

/* What is signed of typical documents with Ed25519 keys (profile pep458), measured. */
static const struct document {
	const char *name;
	size_t bytes;
} documents[] = {
    {"timestamp", 232},
    {"bins", 470},
    {"targets", 807},
    {"root with 3 root keys", 1918},
    {"root with 5 root keys", 2442},
    {"snapshot of 2,048 bins", 66000},
    {"snapshot of 16,384 bins", 524441},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static json_t *device_json(const struct device *device)
{
	json_t *fits = json_array();
	size_t i;

	for (i = 0; i < COUNT(documents); i++)
		if (documents[i].bytes <= device->message_bytes_max)
			json_array_append_new(fits, json_string(documents[i].name));
	return json_pack("{s:s,s:I,s:o}", "device", device->name, "message_bytes_max",
	                 (json_int_t)device->message_bytes_max, "documents", fits);
}

/* null: a digest is signed, so that everything fits. */
static json_t *devices_json(const struct stp_key_report *report)
{
	json_t *array;
	size_t i;

	if (report->signs_digest)
		return json_null();
	array = json_array();
	for (i = 0; i < COUNT(devices); i++)
		json_array_append_new(array, device_json(&devices[i]));
	return array;
}

static void print_device(const struct device *device)
{
	char text[256];
	size_t used, i;

	used = (size_t)snprintf(text, sizeof(text), "%-12s %7zu bytes: ", device->name,
	                        device->message_bytes_max);
	printf("  %s", text);
	text[0] = '\0';
	for (i = 0; i < COUNT(documents); i++)
		if (documents[i].bytes <= device->message_bytes_max) {
			strcat(text, i ? ", " : "");
			strcat(text, documents[i].name);
		}
	stp_cli_fold(used + 2, text);
}

static void print_devices(const struct stp_key_report *report)
{
	size_t i;

	if (report->signs_digest) {
		stp_cli_key_line("devices", "sign a digest, so that every document fits");
		return;
	}
	stp_cli_key_line("devices", "must take in the whole document, so that not every one fits:");
	for (i = 0; i < COUNT(devices); i++)
		print_device(&devices[i]);
}

static const char *proof_of(const struct stp_key_report *report)
{
	if (report->has_secret)
		return "the file holds the secret key";
	if (report->is_proven)
		return "signed by the key itself: its maker has the secret key";
	return "none: nothing shows that somebody has the secret key";
}

static void print_key(const struct stp_key_report *report)
{
	stp_cli_key_print(report);
	stp_cli_key_line("proof", proof_of(report));
	if (report->has_secret)
		stp_cli_key_line("secret", report->is_encrypted ? "encrypted" : "not encrypted");
	print_devices(report);
}

static int run(struct stp_cli *cli)
{
	struct stp_key_show_options asked = STP_KEY_SHOW_OPTIONS_INIT;
	struct stp_cli_passphrase passphrase = {-1};
	struct stp_err err = STP_ERR_INIT;
	struct stp_key_report report;
	const char *value;
	int id;

	while ((id = stp_cli_option(cli, &value)) > 0)
		if (!stp_cli_key_descriptor(cli, value, &passphrase.fd))
			return STP_EXIT_USAGE;
	if (id == STP_OPT_ERROR)
		return STP_EXIT_USAGE;
	if (cli->argument_count != 1)
		return stp_cli_usage(cli, "give one key file");
	asked.from = cli->arguments[0];
	asked.passphrase = stp_cli_passphrase_read;
	asked.passphrase_ctx = &passphrase;
	if (stp_key_show(&asked, &report, &err) != STP_OK)
		return stp_cli_fail(cli, &err);
	if (cli->json) {
		json_t *object = stp_cli_key_json(&report);

		json_object_set_new(object, "devices", devices_json(&report));
		stp_cli_print_json(object);
	} else {
		print_key(&report);
	}
	return STP_EXIT_OK;
}

const struct stp_verb stp_verb_key_show = {
    .name = "key show",
    .summary = "keyid, fingerprint words and proof of a key, and which devices can hold it",
    .synopsis = "key show FILE|URI [options]",
    .options = options,
    .examples = "  stampede key show safe-1.key.json\n"
                "  stampede key show pem:safe/safe-1.pem\n"
                "  stampede key show root-1.pub --json\n",
    .run = run,
};
