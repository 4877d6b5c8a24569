/* SPDX-License-Identifier: Apache-2.0 */
#include "ceremony/basis.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/limits.h"

#define STAGE   "ceremony"
#define NOTHING "sign nothing, and ask whoever made the payload"

/* The first error of list, for a message; "" when there is none. */
static const char *first_error(struct stp_finding_list *list, struct stp_quote *quote)
{
	size_t i;

	quote->text[0] = '\0';
	stp_finding_list_sort(list);
	for (i = 0; i < list->count; i++)
		if (stp_finding_severity(list->items[i].code) == STP_SEVERITY_ERROR) {
			snprintf(quote->text, sizeof(quote->text), " (%.140s)",
			         list->items[i].text);
			break;
		}
	return quote->text;
}

/* Whether next follows previous as clients demand; findings go to quiet. */
static int follows(struct stp_root *next, const struct stp_root *previous,
                   struct stp_finding_list *quiet)
{
	struct stp_signature_tally tally = {0, 0};

	next->doc.findings = quiet;
	return stp_root_follows(next, previous, &tally);
}

/* Each published root of the payload after the one before it. */
static enum stp_errc check_steps(struct stp_payload *payload, struct stp_err *err)
{
	struct stp_finding_list quiet;
	enum stp_errc code = STP_OK;
	size_t i;

	for (i = 1; i < payload->chain_count && code == STP_OK; i++) {
		struct stp_root *root = &payload->chain[i];
		struct stp_quote quote;

		stp_finding_list_init(&quiet);
		if (!follows(root, &payload->chain[i - 1], &quiet))
			code =
			    STP_FAIL(err, STP_REFUSED, STAGE, root->doc.name,
			             "does not follow %s in the payload%s; " NOTHING,
			             payload->chain[i - 1].doc.name, first_error(&quiet, &quote));
		root->doc.findings = &payload->old;
		stp_finding_list_release(&quiet);
	}
	return code;
}

/* Finds trusted in the chain, or right before it. */
static enum stp_errc check_trusted(struct stp_payload *payload, const struct stp_root *trusted,
                                   const char *path, struct stp_err *err)
{
	uint64_t first = payload->chain[0].doc.version;
	uint64_t last = payload->chain[payload->chain_count - 1].doc.version;
	uint64_t version = trusted->doc.version;
	const struct stp_root *same;
	struct stp_finding_list quiet;
	struct stp_quote quote;
	enum stp_errc code = STP_OK;

	if (version > last)
		return STP_FAIL(err, STP_REFUSED, STAGE, path,
		                "is root %" PRIu64 ", but the payload builds on root %" PRIu64
		                ", which it replaced; " NOTHING,
		                version, last);
	if (version + 1 < first)
		return STP_FAIL(
		    err, STP_REFUSED, STAGE, path,
		    "is root %" PRIu64 ", but the payload's chain begins with root %" PRIu64
		    ": what is between is missing; use a newer root of your own, or " NOTHING,
		    version, first);
	if (version >= first) {
		same = &payload->chain[version - first];
		if (same->doc.body.count == trusted->doc.body.count &&
		    memcmp(same->doc.body.data, trusted->doc.body.data, same->doc.body.count) == 0)
			return STP_OK;
		return STP_FAIL(
		    err, STP_REFUSED, STAGE, path,
		    "is not the root %" PRIu64
		    " of the payload, which is of another repository or forged; " NOTHING,
		    version);
	}
	stp_finding_list_init(&quiet);
	if (!follows(&payload->chain[0], trusted, &quiet))
		code = STP_FAIL(err, STP_REFUSED, STAGE, payload->chain[0].doc.name,
		                "of the payload does not follow %s%s; " NOTHING, path,
		                first_error(&quiet, &quote));
	payload->chain[0].doc.findings = &payload->old;
	stp_finding_list_release(&quiet);
	return code;
}

/* A published document is signed by the keys of role. */
static enum stp_errc check_signed(struct stp_document *doc, const struct stp_role *role,
                                  const char *by, struct stp_err *err)
{
	struct stp_signature_tally tally = {0, 0};
	struct stp_finding_list *old = doc->findings;
	struct stp_finding_list quiet;
	enum stp_errc code = STP_OK;
	struct stp_quote quote;

	if (!doc->version)
		return STP_OK;
	if (!role)
		return STP_FAIL(err, STP_REFUSED, STAGE, doc->name,
		                "in the payload is a role to which no targets delegate; " NOTHING);
	stp_finding_list_init(&quiet);
	doc->findings = &quiet;
	if (!stp_document_signed_by(doc, role, NULL, by, &tally))
		code = STP_FAIL(err, STP_REFUSED, STAGE, doc->name,
		                "in the payload is not signed by a threshold of %s%s; " NOTHING, by,
		                first_error(&quiet, &quote));
	doc->findings = old;
	stp_finding_list_release(&quiet);
	return code;
}

/* Reads the root file at path. */
static enum stp_errc read_trusted(struct stp_root *trusted, struct stp_finding_list *findings,
                                  const char *path, struct stp_err *err)
{
	struct stp_signature_tally tally = {0, 0};
	struct stp_buf file = STP_BUF_INIT;
	struct stp_quote quote;
	int usable;

	STP_TRY(stp_file_read(AT_FDCWD, path, STP_ROOT_BYTES_MAX, STAGE, &file, err));
	STP_TRY(stp_root_parse(trusted, &file, path, findings, &usable, err));
	if (!usable || trusted->doc.version == 0 ||
	    !stp_document_signed_by(&trusted->doc, &trusted->root, NULL, "root", &tally))
		return STP_FAIL(err, STP_REFUSED, STAGE, path,
		                "is not a root that is signed by its own keys%s; use the copy that "
		                "you kept when you last signed",
		                first_error(findings, &quote));
	return STP_OK;
}

static enum stp_errc check_chain(struct stp_payload *payload, const char *path, struct stp_err *err)
{
	struct stp_finding_list findings;
	struct stp_root trusted = {0};
	enum stp_errc code;

	stp_finding_list_init(&findings);
	code = read_trusted(&trusted, &findings, path, err);
	if (code == STP_OK)
		code = check_trusted(payload, &trusted, path, err);
	stp_root_release(&trusted);
	stp_finding_list_release(&findings);
	return code == STP_OK ? check_steps(payload, err) : code;
}

enum stp_errc stp_basis_check(struct stp_payload *payload, const char *trusted_path,
                              struct stp_err *err)
{
	const struct stp_root *published = stp_payload_published_root(payload);

	if (!published && trusted_path)
		return STP_FAIL(
		    stp_hinted(err, STP_HINT_TRUST), STP_CONFIG, STAGE, trusted_path,
		    "vouches for nothing in this payload, which makes the first root of "
		    "a repository; leave %s out, and compare the words of every key with "
		    "its holder",
		    stp_hint_text(STP_HINT_TRUST));
	if (!published)
		return STP_OK;
	if (!trusted_path)
		return STP_FAIL(
		    stp_hinted(err, STP_HINT_TRUST), STP_CONFIG, STAGE, "payload",
		    "is verified from a root that you kept yourself, never from what it "
		    "brings along; name that root with %s",
		    stp_hint_text(STP_HINT_TRUST));
	STP_TRY(check_chain(payload, trusted_path, err));
	STP_TRY(check_signed(&payload->published_targets, &published->targets,
	                     "the targets keys of "
	                     "the newest root",
	                     err));
	return check_signed(&payload->published_bins, payload->published_delegated.bins,
	                    "the bins keys of the published targets", err);
}
