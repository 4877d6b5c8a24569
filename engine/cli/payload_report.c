/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/payload_report.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

json_t *stp_cli_words_json(const char *const words[STP_CEREMONY_WORDS])
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < STP_CEREMONY_WORDS; i++)
		json_array_append_new(list, json_string(words[i]));
	return list;
}

void stp_cli_print_words(const char *const words[STP_CEREMONY_WORDS])
{
	size_t i;

	for (i = 0; i < STP_CEREMONY_WORDS; i++)
		printf("%s%s", i ? "-" : "", words[i]);
	putchar('\n');
}

json_t *stp_cli_signers_json(const struct stp_ceremony_signer *signers, size_t count)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < count; i++)
		json_array_append_new(
		    list,
		    json_pack("{s:s,s:o,s:b}", "keyid", signers[i].keyid, "name",
		              signers[i].name[0] ? stp_cli_json_text(signers[i].name) : json_null(),
		              "new", signers[i].is_new));
	return list;
}

void stp_cli_print_signer(const struct stp_ceremony_signer *signer)
{
	if (signer->name[0])
		stp_cli_print_text(" ", signer->name, "");
	else
		printf(" %.16s…", signer->keyid);
}

json_t *stp_cli_payload_json(const char *path, const struct stp_ceremony_start_report *report)
{
	json_t *thresholds = json_array();
	json_t *warnings = json_array();
	size_t i;

	for (i = 0; i < report->warning_count; i++)
		json_array_append_new(warnings, stp_cli_json_text(report->warnings[i]));
	for (i = 0; i < report->threshold_count; i++) {
		const struct stp_ceremony_threshold *item = &report->thresholds[i];

		json_array_append_new(
		    thresholds,
		    json_pack("{s:s,s:s,s:I,s:o}", "document", item->document, "by", item->by,
		              "threshold", (json_int_t)item->threshold, "keys",
		              stp_cli_signers_json(item->signers, item->signer_count)));
	}
	return json_pack("{s:o,s:s,s:o,s:o,s:o}", "path", stp_cli_json_text(path), "payload",
	                 report->payload, "words", stp_cli_words_json(report->words), "thresholds",
	                 thresholds, "warnings", warnings);
}

/* Keys that must sign whatever the threshold is. */
static void print_new(const struct stp_ceremony_threshold *item)
{
	size_t count = 0;
	size_t i;

	for (i = 0; i < item->signer_count; i++) {
		if (!item->signers[i].is_new)
			continue;
		if (!count++)
			printf("%-16s each new key must sign, to prove itself:", "");
		stp_cli_print_signer(&item->signers[i]);
	}
	if (count)
		putchar('\n');
}

void stp_cli_warn_payload(const struct stp_cli *cli, const struct stp_ceremony_start_report *report)
{
	size_t i;

	for (i = 0; i < report->warning_count; i++)
		stp_cli_warn(cli, "%s", report->warnings[i]);
}

void stp_cli_print_payload(const char *repo, const char *path,
                           const struct stp_ceremony_start_report *report)
{
	int is_first;
	size_t i;
	size_t k;

	stp_cli_print_path("made ", path, "\n");
	fputs("payload ", stdout);
	stp_cli_print_words(report->words);
	for (i = 0; i < report->threshold_count; i++) {
		const struct stp_ceremony_threshold *item = &report->thresholds[i];

		printf("%-16s %s: %" PRIu64 " of", item->document, item->by, item->threshold);
		for (k = 0; k < item->signer_count; k++)
			stp_cli_print_signer(&item->signers[k]);
		putchar('\n');
		print_new(item);
	}
	is_first =
	    report->threshold_count && !strcmp(report->thresholds[0].document, "1.root.json");
	stp_cli_print_path("\nEach holder, on a machine of their own, compares the words and "
	                   "signs:\n  stampede ceremony sign ",
	                   path,
	                   is_first ? " --key pem:PATH\n" : " --trust ROOT.json --key pem:PATH\n");
	stp_cli_print_path("next: stampede ceremony finish ", repo, "");
	stp_cli_print_path(" ", path, "");
	stp_cli_print_path(" ", path, ".*.sig\n");
}
