/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a run makes the index from.
 *
 *	--digests         "source" of stampede.json     made from
 *	given             any                           the list, and what --scan adds
 *	not given         tree, or not noted            the folder of targets
 *	not given         list, stream                  the ledger: its targets are signed again
 *
 * A timer that signs an index of a list has no list to give. Scanning the folder would remove
 * whatever is not in it and sign what the list leaves out, so the targets of the last run get new
 * bins, and nothing is read. The first run that publishes notes what it was made from; after that
 * only whoever edits stampede.json changes it (decisions/0192-source-of-an-index.md).
 */
#include <inttypes.h>
#include <string.h>

#include "run/sign/sign_run.h"

#define STAGE "sign"

static void note(struct stp_sign_run *run, const char *text)
{
	stp_fault_add(&run->notes, STP_CONFIG, 0, STAGE, STP_CONFIG_FILE, strlen(STP_CONFIG_FILE),
	              "%s", text);
}

/* What was noted: in stampede.json, or in the ledger where that could not be written. Ledgers from
 * before it was noted at all have the sum of a list only if there was one. */
static enum stp_index_source noted_source(const struct stp_sign_run *run)
{
	const struct stp_ledger_facts *facts = stp_ledger_facts(run->ledger);

	if (run->config.source != STP_INDEX_UNKNOWN || !run->current.timestamp_version)
		return run->config.source;
	if (facts->source <= STP_INDEX_STREAM && facts->source != STP_INDEX_UNKNOWN)
		return (enum stp_index_source)facts->source;
	return facts->tag ? STP_INDEX_LIST : STP_INDEX_UNKNOWN;
}

/* What an operator may not have meant. */
static void note_change(struct stp_sign_run *run)
{
	const struct stp_sign_options *options = run->options;
	uint32_t before = stp_ledger_facts(run->ledger)->source;

	if (run->is_refresh && options->rehash != STP_REHASH_CHANGED)
		note(run, "names a list as the \"source\", and none was given: the targets of the "
		          "last run "
		          "are signed again, and --rehash read nothing; give it with --digests");
	else if (run->is_refresh)
		note(run,
		     "names a list as the \"source\", and none was given: the targets of the last "
		     "run "
		     "are signed again; for what is new give it with --digests, or set \"source\": "
		     "\"tree\" to sign the folder");
	else if (options->digests && run->source == STP_INDEX_TREE)
		note(run, "names the folder as the \"source\": a run without --digests scans it "
		          "again; if "
		          "the list is the index from now on, set \"source\": \"list\"");
	else if (!options->digests && before == STP_INDEX_LIST)
		note(run,
		     "names the folder as the \"source\", so it was scanned; the targets of the "
		     "last run were those of a list");
}

enum stp_errc stp_sign_choose_source(struct stp_sign_run *run, struct stp_err *err)
{
	enum stp_index_source noted = noted_source(run);
	int has_list = run->options->digests != NULL;

	run->source = noted != STP_INDEX_UNKNOWN ? noted
	              : has_list                 ? STP_INDEX_LIST
	                                         : STP_INDEX_TREE;
	run->is_refresh = !has_list && run->source != STP_INDEX_TREE;
	run->report->source = run->is_refresh ? "ledger" : has_list ? "list" : "tree";
	note_change(run);
	if (!run->is_refresh)
		return STP_OK;
	if (!run->current.timestamp_version)
		return STP_FAIL(err, STP_REFUSED, STAGE, STP_CONFIG_FILE,
		                "names a list as the \"source\", and nothing was signed yet; give "
		                "the list with --digests, or set \"source\": \"tree\" to sign the "
		                "folder");
	return stp_sign_check_refresh(run, err);
}

enum stp_errc stp_sign_check_refresh(const struct stp_sign_run *run, struct stp_err *err)
{
	const unsigned set = run->config.hash_set;

	if (!run->is_refresh || run->recovered.has_published)
		return STP_OK;
	if ((run->ledger_set & set) != set)
		return STP_FAIL(err, STP_REFUSED, STAGE, "state/ledger",
		                "has other digests than the \"hashes\" of stampede.json name, so "
		                "the targets of the last list cannot be signed; give the list "
		                "again with --digests");
	if (stp_ledger_generation(run->ledger) && !stp_ledger_refused_count(run->ledger) &&
	    !run->damage.total)
		return STP_OK;
	return STP_FAIL(err, STP_REFUSED, STAGE, "state/ledger",
	                "is lost or damaged, so the targets of the last list are not known; give "
	                "the list again with --digests");
}

void stp_sign_note_source(struct stp_sign_run *run)
{
	struct stp_err err = STP_ERR_INIT;
	enum stp_errc code;

	if (run->config.source != STP_INDEX_UNKNOWN)
		return;
	code = run->note.fd < 0
	           ? STP_FAIL(&err, STP_IO, STAGE, STP_CONFIG_FILE, "cannot be written")
	           : stp_config_note_commit(&run->note, run->source, &err);
	if (code != STP_OK)
		stp_fault_add(&run->notes, code, err.sys_errno, STAGE, STP_CONFIG_FILE,
		              strlen(STP_CONFIG_FILE),
		              "does not say what the index is made from; write \"source\": \"%s\" "
		              "into it: %s",
		              stp_index_source_name(run->source), err.text);
}
