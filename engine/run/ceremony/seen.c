/* SPDX-License-Identifier: Apache-2.0 */
#include "run/ceremony/seen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/faultpoint.h"
#include "keys/keyring.h"

#define STAGE "ceremony"

struct seen {
	const struct stp_payload *payload;
	const struct stp_tally *tally;
	int64_t now;
	int64_t signed_at; /* the earliest that the signatures can be */
	struct stp_keyring keyring;
	struct stp_ceremony_signer *signers;
	size_t count;
};

static enum stp_errc note_names(struct seen *seen, struct stp_err *err)
{
	const char *keyid;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)seen->payload->names, keyid, value)
	{
		struct stp_keyring_entry *entry;
		const char *holder = NULL;
		const char *name = stp_payload_key_name(seen->payload, keyid, &holder);

		STP_TRY(stp_keyring_entry(&seen->keyring, keyid, &entry, err));
		snprintf(entry->name, sizeof(entry->name), "%s", name ? name : "");
		if (holder)
			snprintf(entry->holder, sizeof(entry->holder), "%s", holder);
		if (entry->added < 0)
			entry->added = seen->now;
	}
	return STP_OK;
}

static enum stp_errc note_signer(struct seen *seen, const char *keyid, const char *document,
                                 struct stp_err *err)
{
	struct stp_ceremony_signer *signer = &seen->signers[seen->count];
	struct stp_keyring_entry *entry;
	size_t i;

	STP_TRY(stp_keyring_entry(&seen->keyring, keyid, &entry, err));
	if (entry->added < 0)
		entry->added = seen->now;
	if (entry->last_signature < seen->signed_at) {
		entry->last_signature = seen->signed_at;
		snprintf(entry->last_document, sizeof(entry->last_document), "%s", document);
	}
	for (i = 0; i < seen->count; i++)
		if (strcmp(seen->signers[i].keyid, keyid) == 0)
			return STP_OK;
	snprintf(signer->keyid, sizeof(signer->keyid), "%s", keyid);
	snprintf(signer->name, sizeof(signer->name), "%s", entry->name);
	seen->count++;
	return STP_OK;
}

static enum stp_errc note_all(struct seen *seen, int repo_fd, struct stp_err *err)
{
	const struct stp_tally *tally = seen->tally;
	size_t total = 1;
	size_t i;
	size_t k;

	for (i = 0; i < tally->document_count; i++)
		total += tally->documents[i].signature_count;
	seen->signers = calloc(total, sizeof(*seen->signers));
	if (!seen->signers)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, NULL, "no memory");
	STP_TRY(stp_keyring_load(&seen->keyring, repo_fd, err));
	if (!seen->payload->is_drill)
		STP_TRY(note_names(seen, err));
	for (i = 0; i < tally->document_count; i++) {
		const struct stp_tally_document *item = &tally->documents[i];
		const char *name = seen->payload->is_drill ? "drill" : item->document->name;

		for (k = 0; k < item->signature_count; k++)
			STP_TRY(note_signer(seen, item->signatures[k].key->keyid, name, err));
	}
	STP_FAULT_TRY(err, STAGE, "keyring", STP_KEYRING_FILE);
	return stp_keyring_save(&seen->keyring, repo_fd, err);
}

enum stp_errc stp_seen_note(int repo_fd, const struct stp_payload *payload,
                            const struct stp_tally *tally, int64_t now,
                            struct stp_ceremony_signer **out_signers, size_t *out_count,
                            struct stp_err *err)
{
	struct seen seen = {.payload = payload, .tally = tally, .now = now};
	enum stp_errc code;

	/* Files that were signed long ago, finished now or once more, prove nothing about today. */
	if (!stp_expires_parse(payload->made, strlen(payload->made), &seen.signed_at) ||
	    seen.signed_at > now)
		seen.signed_at = now;
	code = note_all(&seen, repo_fd, err);

	stp_keyring_release(&seen.keyring);
	*out_signers = seen.signers;
	*out_count = seen.count;
	return code;
}
