/* SPDX-License-Identifier: Apache-2.0 */
/* ceremony export, add and status: signatures of other programs, and what is missing. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/ceremony.h"

enum { OPT_RAW = 1, OPT_DOCUMENT, OPT_KEYID, OPT_OUT };

static const char *label_of(const struct stp_ceremony_key *key, char out[80])
{
	if (key->name[0])
		snprintf(out, 80, "%s", key->name);
	else
		snprintf(out, 80, "%.16s…", key->keyid);
	return out;
}

static void print_words(const struct stp_ceremony_status_report *report)
{
	size_t i;

	printf("payload ");
	for (i = 0; i < 4; i++)
		printf("%s%s", i ? "-" : "", report->words[i]);
	printf("…\n");
}

static json_t *key_json(const struct stp_ceremony_key *key)
{
	return json_pack("{s:s, s:s, s:s, s:b, s:b}", "keyid", key->keyid, "name", key->name,
	                 "keytype", key->keytype, "signed", key->has_signed, "unproven",
	                 key->is_unproven);
}

static json_t *demand_json(const struct stp_ceremony_demand *demand)
{
	json_t *keys = json_array();
	size_t i;

	for (i = 0; i < demand->key_count; i++)
		json_array_append_new(keys, key_json(&demand->keys[i]));
	return json_pack("{s:s, s:I, s:I, s:o}", "by", demand->by, "have", (json_int_t)demand->have,
	                 "need", (json_int_t)demand->need, "keys", keys);
}

static json_t *report_json(const struct stp_ceremony_status_report *report)
{
	json_t *documents = json_array();
	json_t *words = json_array();
	size_t i;
	size_t k;

	for (i = 0; i < STP_CEREMONY_WORDS; i++)
		json_array_append_new(words, json_string(report->words[i]));
	for (i = 0; i < report->document_count; i++) {
		const struct stp_ceremony_document *document = &report->documents[i];
		json_t *demands = json_array();
		json_t *object;

		for (k = 0; k < document->demand_count; k++)
			json_array_append_new(demands, demand_json(&document->demands[k]));
		object = json_pack("{s:s, s:I, s:b, s:I, s:o}", "name", document->name, "bytes",
		                   (json_int_t)document->bytes, "complete", document->is_complete,
		                   "unproven_elsewhere", (json_int_t)document->unproven_elsewhere,
		                   "demands", demands);
		if (document->path)
			json_object_set_new(object, "path", stp_cli_json_text(document->path));
		json_array_append_new(documents, object);
	}
	return json_pack("{s:s, s:o, s:b, s:b, s:o}", "payload", report->payload, "words", words,
	                 "reached", report->is_reached, "complete", report->is_complete,
	                 "documents", documents);
}

/* ------------------------------------------------------------------------------ export */

static const struct stp_option export_options[] = {
    {"raw", "DIR", "the folder for the files, one for each document", OPT_RAW},
    {NULL, NULL, NULL, 0},
};

/* Whether an earlier demand of the document has the key. */
static int is_repeated(const struct stp_ceremony_document *document, size_t demand,
                       const struct stp_ceremony_key *key)
{
	size_t i;
	size_t k;

	for (i = 0; i < demand; i++)
		for (k = 0; k < document->demands[i].key_count; k++)
			if (strcmp(document->demands[i].keys[k].keyid, key->keyid) == 0)
				return 1;
	return 0;
}

static int has_type(const struct stp_ceremony_document *document, const char *keytype)
{
	size_t i;
	size_t k;

	for (i = 0; i < document->demand_count; i++)
		for (k = 0; k < document->demands[i].key_count; k++)
			if (strncmp(document->demands[i].keys[k].keytype, keytype,
			            strlen(keytype)) == 0)
				return 1;
	return 0;
}

/* The commands with which other programs sign document. */
static void print_commands(const struct stp_ceremony_document *document)
{
	if (has_type(document, "ed25519")) {
		stp_cli_print_path("  ed25519: openssl pkeyutl -sign -rawin -inkey KEY.pem -in ",
		                   document->path, " -out SIG\n");
		stp_cli_print_path("           signify -S -s KEY.sec -m ", document->path,
		                   " -x SIG\n");
		stp_cli_print_path("           minisign -S -l -s KEY.key -m ", document->path,
		                   " -x SIG\n");
	}
	if (has_type(document, "ecdsa"))
		stp_cli_print_path("  ecdsa:   openssl dgst -sha256 -sign KEY.pem -out SIG ",
		                   document->path, "\n");
	if (has_type(document, "rsa"))
		stp_cli_print_path("  rsa:     openssl dgst -sha256 -sign KEY.pem -sigopt "
		                   "rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest -out SIG ",
		                   document->path, "\n");
}

static void print_exported(const char *payload, const struct stp_ceremony_document *document)
{
	char text[80];
	size_t i;
	size_t k;

	stp_cli_print_path("", document->path, "");
	printf("  %zu bytes, for the keys\n", document->bytes);
	for (i = 0; i < document->demand_count; i++)
		for (k = 0; k < document->demands[i].key_count; k++) {
			const struct stp_ceremony_key *key = &document->demands[i].keys[k];

			if (!is_repeated(document, i, key))
				printf("    %-16s %-8s %.16s…  (%s)\n", label_of(key, text),
				       key->keytype, key->keyid, document->demands[i].by);
		}
	print_commands(document);
	stp_cli_print_path("  then:    stampede ceremony add ", payload, "");
	printf(" --document %s --keyid KEYID --raw SIG\n", document->name);
}

static int export_run(struct stp_cli *cli)
{
	struct stp_ceremony_export_options asked = STP_CEREMONY_EXPORT_OPTIONS_INIT;
	struct stp_ceremony_status_report report;
	struct stp_err err = STP_ERR_INIT;
	const char *value;
	size_t i;
	int id;

	while ((id = stp_cli_option(cli, &value)) > 0)
		asked.raw = value;
	if (id == STP_OPT_ERROR)
		return STP_EXIT_USAGE;
	if (cli->argument_count != 1 || !asked.raw)
		return stp_cli_usage(cli, "give one payload, and a folder: --raw DIR");
	asked.payload = cli->arguments[0];
	if (stp_ceremony_export(&asked, &report, &err) != STP_OK)
		return stp_cli_fail(cli, &err);
	if (cli->json) {
		stp_cli_print_json(report_json(&report));
	} else {
		print_words(&report);
		for (i = 0; i < report.document_count; i++)
			print_exported(asked.payload, &report.documents[i]);
	}
	stp_ceremony_status_report_release(&report);
	return STP_EXIT_OK;
}

const struct stp_verb stp_verb_ceremony_export = {
    .name = "ceremony export",
    .summary = "the exact bytes to sign, for openssl, signify, minisign and others",
    .synopsis = "ceremony export P --raw DIR [options]",
    .options = export_options,
    .examples = "  stampede ceremony export P --raw /tmp/raw\n",
    .run = export_run,
};

/* --------------------------------------------------------------------------------- add */

static const struct stp_option add_options[] = {
    {"document", "NAME", "which document was signed: 5.root.json, or just root", OPT_DOCUMENT},
    {"keyid", "KEYID", "which key signed: its keyid, the first 8 or more digits, or its name",
     OPT_KEYID},
    {"raw", "FILE", "the signature, as openssl, signify or minisign -l wrote it, or in hex",
     OPT_RAW},
    {"out", "FILE", "where the signatures go (default: PAYLOAD.KEYID8.sig)", OPT_OUT},
    {NULL, NULL, NULL, 0},
};

static int add_run(struct stp_cli *cli)
{
	struct stp_ceremony_add_options asked = STP_CEREMONY_ADD_OPTIONS_INIT;
	struct stp_ceremony_sign_report report;
	struct stp_err err = STP_ERR_INIT;
	const char *value;
	int id;

	while ((id = stp_cli_option(cli, &value)) > 0) {
		if (id == OPT_DOCUMENT)
			asked.document = value;
		else if (id == OPT_KEYID)
			asked.keyid = value;
		else if (id == OPT_RAW)
			asked.raw = value;
		else
			asked.out = value;
	}
	if (id == STP_OPT_ERROR)
		return STP_EXIT_USAGE;
	if (cli->argument_count != 1 || !asked.document || !asked.keyid || !asked.raw)
		return stp_cli_usage(cli, "give one payload, and --document, --keyid and --raw");
	asked.payload = cli->arguments[0];
	if (stp_ceremony_add(&asked, &report, &err) != STP_OK)
		return stp_cli_fail(cli, &err);
	stp_cli_print_signed(cli, &report);
	stp_ceremony_sign_report_release(&report);
	return STP_EXIT_OK;
}

const struct stp_verb stp_verb_ceremony_add = {
    .name = "ceremony add",
    .summary = "verify a signature of another program, and keep it with the others of its key",
    .synopsis = "ceremony add PAYLOAD --document D --keyid K --raw FILE [options]",
    .options = add_options,
    .examples = "  stampede ceremony add P --document root --keyid safe-1 --raw safe-1.sig\n",
    .run = add_run,
};

/* ------------------------------------------------------------------------------ status */

static const struct stp_option status_options[] = {
    {NULL, NULL, NULL, 0},
};

/* "  root 4: 1 of 2, signed by safe-1; missing: safe-2 stick-3" */
static void print_demand(const struct stp_ceremony_demand *demand)
{
	char text[80];
	int first = 1;
	size_t i;

	printf("  %s: %llu of %llu", demand->by, (unsigned long long)demand->have,
	       (unsigned long long)demand->need);
	for (i = 0; i < demand->key_count; i++)
		if (demand->keys[i].has_signed) {
			printf("%s%s", first ? ", signed by " : " ",
			       label_of(&demand->keys[i], text));
			first = 0;
		}
	first = 1;
	for (i = 0; i < demand->key_count; i++)
		if (!demand->keys[i].has_signed) {
			printf("%s%s", first ? "; not by " : " ", label_of(&demand->keys[i], text));
			first = 0;
		}
	printf("\n");
}

static void print_status(const struct stp_ceremony_status_report *report)
{
	char text[80];
	size_t i;
	size_t k;
	size_t n;

	print_words(report);
	for (i = 0; i < report->document_count; i++) {
		const struct stp_ceremony_document *document = &report->documents[i];

		printf("%s%s\n", document->name, document->is_complete ? "  complete" : "");
		for (k = 0; k < document->demand_count; k++) {
			const struct stp_ceremony_demand *demand = &document->demands[k];

			print_demand(demand);
			for (n = 0; n < demand->key_count; n++)
				if (demand->keys[n].is_unproven)
					printf("  %s is new and must sign too, to prove that it "
					       "exists\n",
					       label_of(&demand->keys[n], text));
		}
		if (document->unproven_elsewhere)
			printf("  %zu new keys of other roles cannot prove themselves here\n",
			       document->unproven_elsewhere);
	}
	printf("%s\n", report->is_complete ? "complete" : "not complete");
}

static int status_run(struct stp_cli *cli)
{
	struct stp_ceremony_status_options asked = STP_CEREMONY_STATUS_OPTIONS_INIT;
	struct stp_ceremony_status_report report;
	struct stp_err err = STP_ERR_INIT;
	const char *value;
	int is_complete;
	int id = stp_cli_option(cli, &value);

	if (id == STP_OPT_ERROR)
		return STP_EXIT_USAGE;
	if (cli->argument_count < 1)
		return stp_cli_usage(cli, "give one payload, and its signature files");
	asked.payload = cli->arguments[0];
	asked.signatures = cli->arguments + 1;
	asked.signature_count = cli->argument_count - 1;
	if (stp_ceremony_status(&asked, &report, &err) != STP_OK)
		return stp_cli_fail(cli, &err);
	if (cli->json)
		stp_cli_print_json(report_json(&report));
	else
		print_status(&report);
	is_complete = report.is_complete;
	stp_ceremony_status_report_release(&report);
	return is_complete ? STP_EXIT_OK : STP_EXIT_VERIFY;
}

const struct stp_verb stp_verb_ceremony_status = {
    .name = "ceremony status",
    .summary = "who has signed a payload, and who is missing",
    .synopsis = "ceremony status P [SIGNATURES…] [options]",
    .options = status_options,
    .examples = "  stampede ceremony status P P.*.sig\n",
    .run = status_run,
};
