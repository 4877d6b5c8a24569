/* SPDX-License-Identifier: Apache-2.0 */
#include "stampede/ceremony.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/options.h"
#include "base/text.h"
#include "ceremony/basis.h"
#include "ceremony/changes.h"
#include "ceremony/key_label.h"
#include "ceremony/tally.h"
#include "keys/secret_key.h"
#include "run/ceremony/signature_file.h"

#define STAGE "ceremony"

/* Words that a person types. */
#define TYPED_WORDS 2

struct signing {
	const struct stp_ceremony_sign_options *options;
	struct stp_ceremony_sign_report *report;
	struct stp_payload payload;
	struct stp_changes *changes;
	struct stp_tally demands; /* without signatures */
	struct stp_secret_key *key;
	struct stp_signer *signer;
	struct stp_signatures signatures;
};

/* ------------------------------------------------------------------------------- the key */

static long read_passphrase(void *ctx, const char *subject, char out[STP_PASSPHRASE_BYTES_MAX])
{
	const struct stp_ceremony_sign_options *options = ctx;

	return options->passphrase(options->passphrase_ctx, subject, out, STP_PASSPHRASE_BYTES_MAX);
}

static enum stp_errc open_key(struct signing *signing, struct stp_err *err)
{
	struct stp_passphrase_source source = {
	    read_passphrase, (struct stp_ceremony_sign_options *)(uintptr_t)signing->options};

	STP_TRY(stp_secret_key_open(signing->options->key,
	                            signing->options->passphrase ? &source : NULL, &signing->key,
	                            err));
	return stp_secret_key_signer(signing->key, &signing->signer, err);
}

/* The keyid that role has for our key, or NULL: keys are known by what they are. */
static const char *keyid_in(const struct signing *signing, const struct stp_role *role)
{
	const struct stp_public_key *mine = &signing->signer->public_key;
	size_t i;

	for (i = 0; i < role->key_count; i++)
		if (memcmp(role->keys[i]->identity, mine->identity, sizeof(mine->identity)) == 0)
			return role->keys[i]->keyid;
	return NULL;
}

/* Names the roles that sign something, for a key that is in none of them. */
static enum stp_errc refuse_key(const struct signing *signing, struct stp_err *err)
{
	char text[200] = "";
	size_t used = 0;
	size_t i;
	size_t k;

	for (i = 0; i < signing->demands.document_count; i++) {
		const struct stp_tally_document *document = &signing->demands.documents[i];

		for (k = 0; k < document->demand_count && used < sizeof(text); k++)
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s by %s",
			                         used ? ", " : "", document->document->name,
			                         document->demands[k].by);
	}
	return STP_FAIL(err, STP_KEY, STAGE, signing->options->key,
	                "is the key %.16s…, which signs nothing in this payload; it needs keys of: "
	                "%s",
	                stp_secret_key_object(signing->key)->keyid, text);
}

/* Finds the documents for which the key counts. */
static enum stp_errc find_documents(struct signing *signing, struct stp_err *err)
{
	struct stp_signatures *signatures = &signing->signatures;
	size_t i;
	size_t k;

	for (i = 0; i < signing->demands.document_count; i++) {
		const struct stp_tally_document *document = &signing->demands.documents[i];
		const char *keyid = NULL;

		for (k = 0; k < document->demand_count && !keyid; k++)
			keyid = keyid_in(signing, document->demands[k].role);
		if (!keyid || (signatures->count && strcmp(signatures->keyid, keyid) != 0))
			continue;
		snprintf(signatures->keyid, sizeof(signatures->keyid), "%s", keyid);
		snprintf(signatures->items[signatures->count++].document,
		         sizeof(signatures->items[0].document), "%s", document->document->name);
	}
	if (!signatures->count)
		return refuse_key(signing, err);
	memcpy(signatures->payload_sha256, signing->payload.sha256, 32);
	return STP_OK;
}

/* ----------------------------------------------------------------------------- the words */

/* Whether typed begins with the first two words, and has no others than those that follow. */
static int words_match(const struct signing *signing, char *typed)
{
	static const char dividers[] = " \t\r\n-";
	char *state = NULL;
	size_t count = 0;
	char *word;

	for (word = strtok_r(typed, dividers, &state); word;
	     word = strtok_r(NULL, dividers, &state)) {
		if (count == STP_CEREMONY_WORDS ||
		    strcasecmp(word, signing->report->words[count]) != 0)
			return 0;
		count++;
	}
	return count >= TYPED_WORDS;
}

static enum stp_errc ask(const struct signing *signing, struct stp_err *err)
{
	const struct stp_ceremony_sign_options *options = signing->options;
	struct stp_buf text = STP_BUF_INIT;
	char typed[256] = "";
	enum stp_errc code =
	    stp_changes_text(signing->changes, signing->signatures.keyid,
	                     stp_options_now(options->now, options->has_now), &text, err);
	int answered = 0;

	if (code == STP_OK)
		code = stp_buf_append(&text, "", 1, err);
	if (code == STP_OK)
		answered = options->words(options->words_ctx, (const char *)text.data, typed,
		                          sizeof(typed));
	stp_buf_release(&text);
	STP_TRY(code);
	typed[sizeof(typed) - 1] = '\0';
	if (answered && words_match(signing, typed))
		return STP_OK;
	return STP_FAIL(
	    err, STP_CONFIG, STAGE, options->payload,
	    "was not signed: %s; compare the words with the other holders, and run this "
	    "again",
	    answered ? "what was typed are not its first two words"
	             : "its first two words were not typed");
}

/* ---------------------------------------------------------------------------- signatures */

static enum stp_errc sign_document(struct signing *signing, struct stp_ceremony_signature *item,
                                   struct stp_err *err)
{
	const struct stp_document *doc = stp_payload_find(&signing->payload, item->document)->doc;
	struct stp_sign_message message = {.name = item->document,
	                                   .bytes = doc->body.data,
	                                   .count = doc->body.count,
	                                   .signature = item->bytes};

	STP_TRY(stp_signer_sign(signing->signer, &message, 1, err));
	STP_TRY(stp_signer_check(signing->signer, &message, 1, err));
	item->count = message.signature_bytes;
	return STP_OK;
}

static enum stp_errc write_all(struct signing *signing, struct stp_err *err)
{
	struct stp_ceremony_sign_report *report = signing->report;
	size_t i;

	for (i = 0; i < signing->signatures.count; i++) {
		STP_TRY(sign_document(signing, &signing->signatures.items[i], err));
		memcpy(report->documents[i], signing->signatures.items[i].document,
		       sizeof(report->documents[i]));
	}
	report->document_count = signing->signatures.count;
	memcpy(report->keyid, signing->signatures.keyid, sizeof(report->keyid));
	report->file = stp_signature_file_name(signing->options->payload, report->keyid,
	                                       signing->options->out);
	if (!report->file)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, signing->options->payload,
		                      "cannot name its signature file");
	return stp_signature_file_put(&signing->payload, &signing->signatures, report->file,
	                              &report->was_signed, err);
}

static enum stp_errc run(struct signing *signing, struct stp_err *err)
{
	STP_TRY(stp_basis_check(&signing->payload, signing->options->trusted_root, err));
	STP_TRY(stp_changes_make(&signing->payload, &signing->changes, err));
	STP_TRY(stp_tally_make(&signing->demands, &signing->payload, NULL, 0, err));
	stp_ceremony_name(&signing->payload, signing->report->payload, signing->report->words);
	STP_TRY(open_key(signing, err));
	STP_TRY(find_documents(signing, err));
	STP_TRY(ask(signing, err));
	return write_all(signing, err);
}

static void release(struct signing *signing)
{
	stp_signer_destroy(signing->signer);
	stp_secret_key_destroy(signing->key);
	stp_tally_release(&signing->demands);
	stp_changes_release(signing->changes);
	stp_payload_release(&signing->payload);
	free(signing);
}

enum stp_errc stp_ceremony_sign(const struct stp_ceremony_sign_options *options,
                                struct stp_ceremony_sign_report *out_report, struct stp_err *err)
{
	struct stp_ceremony_sign_options mine;
	struct signing *signing;
	enum stp_errc code;

	memset(out_report, 0, sizeof(*out_report));
	STP_TRY(STP_OPTIONS_TAKE(&mine, options, reserved, STAGE, err));
	STP_TRY(stp_options_need(mine.payload, "payload", STAGE, err));
	STP_TRY(stp_options_need(mine.key, "key", STAGE, err));
	if (!mine.words)
		return STP_FAIL(err, STP_CONFIG, STAGE, "words",
		                "is required: nothing is signed "
		                "that nobody has confirmed");
	signing = calloc(1, sizeof(*signing));
	if (!signing)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, NULL, "no memory");
	signing->options = &mine;
	signing->report = out_report;
	code = stp_payload_read(&signing->payload, mine.payload, err);
	if (code == STP_OK)
		code = run(signing, err);
	release(signing);
	if (code != STP_OK)
		stp_ceremony_sign_report_release(out_report);
	return code;
}

void stp_ceremony_sign_report_release(struct stp_ceremony_sign_report *report)
{
	free(report->file);
	memset(report, 0, sizeof(*report));
}
