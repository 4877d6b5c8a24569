/* SPDX-License-Identifier: Apache-2.0 */
#include "trust/roots.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/file.h"
#include "base/limits.h"
#include "trust/judge.h"
#include "trust/older.h"
#include "trust/read.h"

#define STAGE STP_TRUST_STAGE

/* A root that is named outside public/. */
struct start {
	struct stp_pin pin;
	const char *origin; /* what names it */
};

static enum stp_errc check_bytes(const struct stp_buf *file, const char *name,
                                 const struct start *start, struct stp_err *err)
{
	struct stp_pin found = stp_pin_of(start->pin.version, file->data, file->count);

	if (stp_pin_is(&found, &start->pin))
		return STP_OK;
	return STP_FAIL(
	    err, STP_REFUSED, STAGE, name,
	    "is not the root that %s names as trusted: somebody replaced it; " STP_TRUST_RESTORE,
	    start->origin);
}

static enum stp_errc check_there(int metadata_fd, const struct start *start, struct stp_err *err)
{
	char name[64];

	stp_trust_root_name(start->pin.version, name);
	if (stp_file_exists(metadata_fd, name))
		return STP_OK;
	return STP_FAIL(err, STP_REFUSED, STAGE, name,
	                "is not there, but %s names it as trusted; " STP_TRUST_RESTORE,
	                start->origin);
}

/* A trusted root from which the chain does not start must also exist with its bytes. */
static enum stp_errc check_older(int metadata_fd, const struct start *start, struct stp_err *err)
{
	struct stp_buf file = STP_BUF_INIT;
	enum stp_errc code;
	char name[64];

	STP_TRY(check_there(metadata_fd, start, err));
	stp_trust_root_name(start->pin.version, name);
	STP_TRY(stp_file_read(metadata_fd, name, STP_ROOT_BYTES_MAX, STAGE, &file, err));
	code = check_bytes(&file, name, start, err);
	stp_buf_release(&file);
	return code;
}

/* The version and digest of a root file of the operator. */
static enum stp_errc pin_file(const char *path, struct stp_pin *out_pin, struct stp_err *err)
{
	struct stp_finding_list findings;
	struct stp_root root;
	enum stp_errc code;
	int usable;

	stp_finding_list_init(&findings);
	code = stp_root_read_old(&root, AT_FDCWD, path, &findings, &usable, err);
	if (code == STP_OK)
		code = stp_trust_judge(&findings, path, usable && root.doc.version,
		                       "give a copy of a root that was published", err);
	if (code == STP_OK)
		*out_pin = stp_pin_of(root.doc.version, root.doc.file.data, root.doc.file.count);
	stp_root_release(&root);
	stp_finding_list_release(&findings);
	return code;
}

/* Where the chain starts: at the newest trusted root; version 0 when there is none. Also finds the
 * one that a person confirmed, at the last ceremony or now: state/floors advances with each sign.
 */
static enum stp_errc find_start(const struct stp_trust *trust,
                                const struct stp_trust_options *options, struct start *out_start,
                                struct start *out_confirmed, struct stp_err *err)
{
	struct start all[] = {
	    {*options->pinned, STP_CONFIG_FILE},
	    {trust->floors.root, "state/" STP_FLOORS_FILE},
	    {{.version = 0}, stp_hint_text(STP_HINT_TRUST)},
	};
	size_t newest = 0;
	size_t i;

	if (options->root_file)
		STP_TRY(pin_file(options->root_file, &all[2].pin, err));
	for (i = 1; i < sizeof(all) / sizeof(all[0]); i++)
		if (all[i].pin.version > all[newest].pin.version)
			newest = i;
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (i != newest && all[i].pin.version)
			STP_TRY(check_older(options->repo->metadata_fd, &all[i], err));
	*out_start = all[newest];
	*out_confirmed = all[0].pin.version ? all[0] : all[2];
	return STP_OK;
}

/* Reads V.root.json into root; *out_good when it is usable and has that version. */
static enum stp_errc read_root(struct stp_trust *trust, int metadata_fd, uint64_t version,
                               struct stp_root *root, int *out_good, struct stp_err *err)
{
	char name[64];

	stp_trust_root_name(version, name);
	STP_TRY(stp_root_read_old(root, metadata_fd, name, &trust->findings, out_good, err));
	stp_trust_version(&root->doc, version, &trust->findings);
	*out_good = *out_good && root->doc.version == version;
	return STP_OK;
}

/* Reads the first root of the chain. The digest is that of the same bytes that are used. */
static enum stp_errc load_start(struct stp_trust *trust, int metadata_fd, const struct start *start,
                                struct stp_err *err)
{
	struct stp_signature_tally tally = {0, 0};
	uint64_t version = start->pin.version ? start->pin.version : 1;
	char name[64];
	int good;

	stp_trust_root_name(version, name);
	if (start->pin.version)
		STP_TRY(check_there(metadata_fd, start, err));
	STP_TRY(read_root(trust, metadata_fd, version, &trust->root, &good, err));
	if (start->pin.version && trust->root.doc.file.count)
		STP_TRY(check_bytes(&trust->root.doc.file, name, start, err));
	else
		good = good && stp_document_signed_by(&trust->root.doc, &trust->root.root, NULL,
		                                      "root", &tally);
	return stp_trust_judge(&trust->findings, name, good, STP_TRUST_RESTORE, err);
}

/* Continues with V.root.json, which must follow from the root before it. */
static enum stp_errc step_root(struct stp_trust *trust, int metadata_fd, uint64_t version,
                               struct stp_err *err)
{
	struct stp_signature_tally tally = {0, 0};
	struct stp_root next;
	enum stp_errc code;
	char name[64];
	int good;

	stp_trust_root_name(version, name);
	code = read_root(trust, metadata_fd, version, &next, &good, err);
	good = code == STP_OK && good && stp_root_follows(&next, &trust->root, &tally);
	if (code == STP_OK)
		code = stp_trust_judge(
		    &trust->findings, name, good,
		    "clients cannot update past it; remove it, or restore the right file", err);
	if (code != STP_OK) {
		stp_root_release(&next);
		return code;
	}
	stp_root_release(&trust->root);
	trust->root = next;
	return STP_OK;
}

/* Reads the root that was confirmed last, for callers that show what changed since. */
static enum stp_errc load_confirmed(struct stp_trust *trust, int metadata_fd,
                                    const struct start *start, struct stp_err *err)
{
	char name[64];
	int usable;

	if (!start->pin.version || start->pin.version >= trust->root.doc.version)
		return STP_OK;
	stp_trust_root_name(start->pin.version, name);
	STP_TRY(stp_document_read(&trust->confirmed, metadata_fd, name, &stp_rule_root,
	                          &trust->findings, &usable, err));
	STP_TRY(check_bytes(&trust->confirmed.file, name, start, err));
	return stp_trust_judge(&trust->findings, name, usable, STP_TRUST_RESTORE, err);
}

enum stp_errc stp_trust_load_roots(struct stp_trust *trust, const struct stp_trust_options *options,
                                   struct stp_err *err)
{
	int metadata_fd = options->repo->metadata_fd;
	struct start start;
	struct start confirmed;
	uint64_t lowest;
	unsigned steps;

	STP_TRY(find_start(trust, options, &start, &confirmed, err));
	trust->is_unpinned = !start.pin.version;
	if (trust->is_unpinned && options->needs_pin)
		return STP_FAIL(stp_hinted(err, STP_HINT_UPDATE_TRUST), STP_CONFIG, STAGE,
		                STP_CONFIG_FILE,
		                "\"trusted_root\": is missing, so nothing says which root may be "
		                "trusted; give a copy of one from outside public/: %s 1.root.json",
		                stp_hint_text(STP_HINT_UPDATE_TRUST));
	STP_TRY(load_start(trust, metadata_fd, &start, err));
	STP_TRY(stp_older_verify(trust, metadata_fd, &lowest, err));
	for (steps = 0;; steps++) {
		uint64_t version = trust->root.doc.version + 1;
		char name[64];

		stp_trust_root_name(version, name);
		if (!stp_file_exists(metadata_fd, name))
			break;
		if (steps == STP_ROOT_STEPS_MAX)
			return STP_FAIL(
			    stp_hinted(err, STP_HINT_UPDATE_TRUST), STP_LIMIT, STAGE, name,
			    "more than %d roots follow the trusted one; trust a newer one: %s",
			    STP_ROOT_STEPS_MAX, stp_hint_text(STP_HINT_UPDATE_TRUST));
		STP_TRY(step_root(trust, metadata_fd, version, err));
	}
	STP_TRY(stp_older_compare(trust, metadata_fd, lowest, err));
	trust->found.root = stp_pin_of(trust->root.doc.version, trust->root.doc.file.data,
	                               trust->root.doc.file.count);
	return options->needs_pin ? load_confirmed(trust, metadata_fd, &confirmed, err) : STP_OK;
}
