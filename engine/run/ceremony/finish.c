/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ceremony finish: publishes a payload and the signature files of its holders, in any order, as
 * often as one likes.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/faultpoint.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/options.h"
#include "base/text.h"
#include "keys/fingerprint_words.h"
#include "run/ceremony/publication.h"
#include "run/ceremony/seen.h"
#include "run/last_run.h"
#include "run/pending.h"
#include "run/rotation.h"
#include "run/trusted.h"
#include "stampede/ceremony.h"

#define STAGE "ceremony"

struct finish {
	const struct stp_ceremony_finish_options *options;
	struct stp_ceremony_finish_report *report;
	int64_t now;
	struct stp_repo repo;
	struct stp_config config;
	struct stp_seal_key *seal;
	struct stp_payload payload;
	struct stp_signatures *signatures;
	struct stp_tally tally;
	struct stp_pending pending;
};

/* ------------------------------------------------------------------ what was handed in */

static enum stp_errc read_signatures(struct finish *finish, struct stp_err *err)
{
	const struct stp_ceremony_finish_options *options = finish->options;
	size_t i;

	finish->signatures = calloc(options->signature_count + 1, sizeof(*finish->signatures));
	if (!finish->signatures)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, NULL, "no memory");
	for (i = 0; i < options->signature_count; i++)
		STP_TRY(stp_signatures_read(&finish->signatures[i], options->signatures[i], err));
	return stp_tally_make(&finish->tally, &finish->payload, finish->signatures,
	                      options->signature_count, err);
}

static const char *name_of(const struct finish *finish, const char *keyid)
{
	const char *name = stp_payload_key_name(&finish->payload, keyid, NULL);

	return name ? name : keyid;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Names the keys that could still sign. */
static enum stp_errc refuse_demand(const struct finish *finish,
                                   const struct stp_tally_document *document,
                                   const struct stp_tally_demand *demand, struct stp_err *err)
{
	uint64_t more = demand->role->threshold - demand->have;
	const char *names[STP_ROLE_KEYS_MAX];
	char text[600] = "";
	size_t count = 0;
	size_t used = 0;
	size_t i;

	for (i = 0; i < demand->role->key_count && count < STP_ROLE_KEYS_MAX; i++)
		if (!stp_tally_has_signed(document, demand->role->keys[i]))
			names[count++] = name_of(finish, demand->role->keys[i]->keyid);
	qsort(names, count, sizeof(names[0]), by_name);
	for (i = 0; i < count && used < sizeof(text); i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", i ? ", " : "",
		                         names[i]);
	return STP_FAIL(err, STP_REFUSED, STAGE, document->document->name,
	                "has %" PRIu64 " of the %" PRIu64
	                " signatures that %s demands, and needs %" PRIu64
	                " more of %s; name their files too",
	                demand->have, demand->role->threshold, demand->by, more, text);
}

/* Every threshold, of old and new roles, and every new key. */
static enum stp_errc check_signed(const struct finish *finish, struct stp_err *err)
{
	size_t i;
	size_t k;

	for (i = 0; i < finish->tally.document_count; i++) {
		const struct stp_tally_document *document = &finish->tally.documents[i];

		for (k = 0; k < document->demand_count; k++) {
			const struct stp_tally_demand *demand = &document->demands[k];

			if (demand->have < demand->role->threshold)
				return refuse_demand(finish, document, demand, err);
		}
	}
	for (i = 0; i < finish->tally.document_count && !finish->options->allows_unproven; i++) {
		const struct stp_tally_document *document = &finish->tally.documents[i];

		if (document->unproven_count)
			return STP_FAIL(stp_hinted(err, STP_HINT_ALLOW_UNPROVEN), STP_REFUSED,
			                STAGE, document->document->name,
			                "is not signed by %s, a new key, so nothing proves that it "
			                "can sign; have it signed by that key too, or %s",
			                name_of(finish, document->unproven[0]->keyid),
			                stp_hint_text(STP_HINT_ALLOW_UNPROVEN));
	}
	return STP_OK;
}

/* Only the payload that `init` made may make the first root. */
static enum stp_errc check_first(const struct finish *finish, struct stp_err *err)
{
	const struct stp_pending *pending = &finish->pending;
	char words[64];

	if (pending->found && memcmp(pending->payload_sha256, finish->payload.sha256, 32) != 0)
		return STP_FAIL(err, STP_REFUSED, STAGE, finish->options->payload,
		                "is not the first payload of this repository, which is called "
		                "%s… and was written to %s",
		                stp_pending_words(pending, words), pending->path);
	if (!pending->found && !finish->payload.chain_count && !finish->config.trusted_root.version)
		return STP_FAIL(err, STP_REFUSED, STAGE, finish->options->payload,
		                "makes a first root, but this repository is not waiting for one");
	return STP_OK;
}

static enum stp_errc open_all(struct finish *finish, struct stp_err *err)
{
	STP_TRY(stp_now_check(
	    finish->now, finish->options->now ? stp_hint_text(STP_HINT_NOW) : "the clock", err));
	STP_TRY(
	    stp_repo_open(finish->options->repo, STP_REPO_LOCK, "ceremony", &finish->repo, err));
	STP_TRY(stp_config_load(&finish->config, finish->repo.root_fd, err));
	STP_TRY(stp_seal_key_load(finish->repo.keys_fd, STP_LEDGER_KEY_FILE, &finish->seal, err));
	STP_TRY(stp_pending_read(finish->repo.state_fd, &finish->pending, err));
	STP_TRY(stp_payload_read(&finish->payload, finish->options->payload, err));
	STP_TRY(read_signatures(finish, err));
	return finish->payload.is_drill ? STP_OK : check_first(finish, err);
}

/* ------------------------------------------------------------------ the whole */

static void report_documents(const struct finish *finish)
{
	struct stp_ceremony_finish_report *report = finish->report;
	uint64_t *versions[STP_PAYLOAD_ROLES] = {&report->root_version, &report->targets_version,
	                                         &report->bins_version};
	char *expires[STP_PAYLOAD_ROLES] = {report->root_expires, report->targets_expires,
	                                    report->bins_expires};
	size_t i;

	for (i = 0; i < finish->payload.document_count; i++) {
		const struct stp_payload_document *item = &finish->payload.documents[i];

		*versions[item->role] = item->doc->version;
		stp_time_format(item->doc->expires, expires[item->role]);
	}
}

static enum stp_errc publish(struct finish *finish, struct stp_err *err)
{
	struct stp_ceremony_finish_report *report = finish->report;
	struct stp_publication_options options = {
	    .repo = &finish->repo,
	    .config = &finish->config,
	    .seal = finish->seal,
	    .payload = &finish->payload,
	    .tally = &finish->tally,
	    .now = finish->now,
	};
	struct stp_publication publication;
	struct stp_rotation rotation;
	enum stp_errc code = stp_publication_make(&publication, &options, err);

	report->was_published = publication.was_published;
	report->must_sign = publication.must_sign;
	report->is_staged = publication.is_staged;
	if (code == STP_OK && report->is_staged) {
		code = stp_rotation_load(finish->repo.state_fd, stp_seal_key_bytes(finish->seal),
		                         &rotation, err);
		report->is_stolen = code == STP_OK && rotation.is_stolen;
	}
	report->bins_changed = publication.bins_changed;
	report->bin_count = UINT64_C(1) << finish->config.bin_bits;
	stp_publication_release(&publication);
	return code;
}

/* A drill without a good signature shows nothing about any key; a wrong one is refused before. */
static enum stp_errc check_any(const struct finish *finish, struct stp_err *err)
{
	size_t i;

	for (i = 0; i < finish->tally.document_count; i++)
		if (finish->tally.documents[i].signature_count)
			return STP_OK;
	return STP_FAIL(err, STP_REFUSED, STAGE, finish->options->payload,
	                "nobody has signed this drill, so it shows nothing about any key; name the "
	                "signature files of its holders too, %s.*.sig",
	                finish->options->payload);
}

/* A drill is of the keys that the repository has now. */
static enum stp_errc check_drill(const struct finish *finish, struct stp_err *err)
{
	struct stp_trust_options options = {
	    .repo = &finish->repo,
	    .pinned = &finish->config.trusted_root,
	    .seal_key = stp_seal_key_bytes(finish->seal),
	    .needs_pin = 1,
	};
	const struct stp_root *root = stp_payload_published_root(&finish->payload);
	struct stp_current current;
	struct stp_trust trust;
	int same;

	STP_TRY(stp_trust_load(&trust, &options, &current, err));
	same = root && root->doc.body.count == trust.root.doc.body.count &&
	       memcmp(root->doc.body.data, trust.root.doc.body.data, root->doc.body.count) == 0 &&
	       finish->payload.published_targets.body.count == trust.targets.body.count &&
	       memcmp(finish->payload.published_targets.body.data, trust.targets.body.data,
	              trust.targets.body.count) == 0;
	stp_current_release(&current);
	stp_trust_release(&trust);
	if (!same)
		return STP_FAIL(err, STP_REFUSED, STAGE, finish->options->payload,
		                "is a drill of other keys than those published now; make a new "
		                "drill");
	return STP_OK;
}

static enum stp_errc note_seen(struct finish *finish, struct stp_err *err)
{
	return stp_seen_note(finish->repo.root_fd, &finish->payload, &finish->tally, finish->now,
	                     &finish->report->signers, &finish->report->signer_count, err);
}

static enum stp_errc run(struct finish *finish, struct stp_err *err)
{
	struct stp_ceremony_finish_report *report = finish->report;

	STP_TRY(open_all(finish, err));
	stp_hex_encode(finish->payload.sha256, 32, report->payload);
	stp_fingerprint_words(finish->payload.sha256, report->words);
	report->is_drill = finish->payload.is_drill;
	if (report->is_drill) {
		STP_TRY(check_any(finish, err));
		STP_TRY(check_drill(finish, err));
		return note_seen(finish, err);
	}
	STP_TRY(check_signed(finish, err));
	STP_TRY(publish(finish, err));
	report_documents(finish);
	STP_TRY(note_seen(finish, err));
	/* The last run, if any, was refused because of this. */
	if (stp_file_exists(finish->repo.state_fd, STP_PENDING_FILE))
		unlinkat(finish->repo.state_fd, STP_LAST_RUN_FILE, 0);
	STP_FAULT_TRY(err, STAGE, "pending", "state/" STP_PENDING_FILE);
	return stp_pending_remove(finish->repo.state_fd, err);
}

enum stp_errc stp_ceremony_finish(const struct stp_ceremony_finish_options *options,
                                  struct stp_ceremony_finish_report *out_report,
                                  struct stp_err *err)
{
	struct stp_ceremony_finish_options mine;
	struct finish *finish;
	enum stp_errc code;

	memset(out_report, 0, sizeof(*out_report));
	STP_TRY(STP_OPTIONS_TAKE(&mine, options, allows_unproven, STAGE, err));
	STP_TRY(stp_options_need(mine.repo, "repo", STAGE, err));
	STP_TRY(stp_options_need(mine.payload, "payload", STAGE, err));
	finish = calloc(1, sizeof(*finish));
	if (!finish)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, NULL, "no memory");
	finish->options = &mine;
	finish->report = out_report;
	finish->now = stp_options_now(mine.now, mine.has_now);
	stp_repo_init(&finish->repo);
	code = run(finish, err);
	if (code != STP_OK)
		stp_ceremony_finish_report_release(out_report);
	stp_tally_release(&finish->tally);
	free(finish->signatures);
	stp_payload_release(&finish->payload);
	stp_seal_key_destroy(finish->seal);
	stp_config_release(&finish->config);
	stp_repo_close(&finish->repo);
	free(finish);
	return code;
}

void stp_ceremony_finish_report_release(struct stp_ceremony_finish_report *report)
{
	free(report->signers);
	memset(report, 0, sizeof(*report));
}
