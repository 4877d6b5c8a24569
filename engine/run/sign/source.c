/* SPDX-License-Identifier: Apache-2.0 */
#include "run/sign/source.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define STAGE "sign"

__attribute__((format(printf, 2, 3))) static void note(struct stp_sign_run *run, const char *format,
                                                       ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	stp_fault_add(&run->notes, STP_CONFIG, 0, STAGE, STP_CONFIG_FILE, strlen(STP_CONFIG_FILE),
	              "%s", text);
}

/* The source as noted: in stampede.json, or in the ledger if that file could not be written. Older
 * ledgers, which do not note it, have a list identity only if there was a list. */
static enum stp_index_source noted_source(const struct stp_sign_run *run, uint64_t published)
{
	const struct stp_ledger_summary *summary = stp_ledger_summary(run->ledger);

	if (run->config.source != STP_INDEX_UNKNOWN || !published)
		return run->config.source;
	if (summary->source <= STP_INDEX_STREAM && summary->source != STP_INDEX_UNKNOWN)
		return (enum stp_index_source)summary->source;
	return summary->tag ? STP_INDEX_LIST : STP_INDEX_UNKNOWN;
}

/* Notes what the operator may not have meant. */
static void note_change(struct stp_sign_run *run, const struct stp_source_choice *choice)
{
	const struct stp_sign_options *options = run->options;
	uint32_t before = stp_ledger_summary(run->ledger)->source;

	if (choice->is_refresh && options->rehash != STP_REHASH_CHANGED)
		note(run,
		     "names a list as the \"source\", but none was given: the targets of the "
		     "last run are signed again, and %s read nothing; give the list with %s",
		     stp_hint_text(STP_HINT_REHASH), stp_hint_text(STP_HINT_DIGESTS));
	else if (choice->is_refresh)
		note(run,
		     "names a list as the \"source\", but none was given: the targets of the last "
		     "run are signed again; to add what is new, give the list with %s, or set "
		     "\"source\": \"tree\" to sign the folder",
		     stp_hint_text(STP_HINT_DIGESTS));
	else if (options->digests && choice->source == STP_INDEX_TREE)
		note(run,
		     "names the folder as the \"source\": a run without %s scans it again; if the "
		     "list is the index from now on, set \"source\": \"list\"",
		     stp_hint_text(STP_HINT_DIGESTS));
	else if (!options->digests && before == STP_INDEX_LIST)
		note(run,
		     "names the folder as the \"source\", so it was scanned; the targets of the "
		     "last run were those of a list");
}

static enum stp_errc refuse_digests(struct stp_err *err)
{
	return STP_FAIL(stp_hinted(err, STP_HINT_DIGESTS), STP_REFUSED, STAGE, "state/ledger",
	                "has other digests than the \"hashes\" of stampede.json name, so "
	                "the targets of the last list cannot be signed; give the list "
	                "again with %s",
	                stp_hint_text(STP_HINT_DIGESTS));
}

enum stp_errc stp_sign_choose_source(struct stp_sign_run *run, uint64_t published,
                                     struct stp_source_choice *out, struct stp_err *err)
{
	static const struct stp_recovered none = {.has_published = 0};
	enum stp_index_source noted = noted_source(run, published);
	int has_list = run->options->digests != NULL;

	out->source = noted != STP_INDEX_UNKNOWN ? noted
	              : has_list                 ? STP_INDEX_LIST
	                                         : STP_INDEX_TREE;
	out->is_refresh = !has_list && out->source != STP_INDEX_TREE;
	run->report->source = out->is_refresh ? "ledger" : has_list ? "list" : "tree";
	note_change(run, out);
	if (!out->is_refresh)
		return STP_OK;
	if (!published)
		return STP_FAIL(stp_hinted(err, STP_HINT_DIGESTS), STP_REFUSED, STAGE,
		                STP_CONFIG_FILE,
		                "names a list as the \"source\", but nothing has been signed yet; "
		                "give the list with %s, or set \"source\": \"tree\" to sign the "
		                "folder",
		                stp_hint_text(STP_HINT_DIGESTS));
	return stp_sign_check_refresh(run, out, &none, err);
}

enum stp_errc stp_sign_check_refresh(const struct stp_sign_run *run,
                                     const struct stp_source_choice *choice,
                                     const struct stp_recovered *recovered, struct stp_err *err)
{
	const unsigned set = run->config.hash_set;

	if (!choice->is_refresh || recovered->has_published)
		return STP_OK;
	if ((run->ledger_set & set) != set)
		return refuse_digests(err);
	if (stp_ledger_generation(run->ledger) && !stp_ledger_refused_count(run->ledger) &&
	    !run->damage.total)
		return STP_OK;
	return STP_FAIL(stp_hinted(err, STP_HINT_DIGESTS), STP_REFUSED, STAGE, "state/ledger",
	                "is lost or damaged, so the targets of the last list are not known; give "
	                "the list again with %s",
	                stp_hint_text(STP_HINT_DIGESTS));
}

uint32_t stp_sign_made_from(const struct stp_sign_run *run, const struct stp_source_choice *choice)
{
	uint32_t before = stp_ledger_summary(run->ledger)->source;

	if (choice->is_refresh)
		return before ? before : (uint32_t)choice->source;
	return run->options->digests ? STP_INDEX_LIST : STP_INDEX_TREE;
}

void stp_sign_note_source(struct stp_sign_run *run, const struct stp_source_choice *choice,
                          struct stp_config_note *note_file)
{
	struct stp_err err = STP_ERR_INIT;
	enum stp_errc code;

	if (run->config.source != STP_INDEX_UNKNOWN)
		return;
	code = note_file->fd < 0
	           ? STP_FAIL(&err, STP_IO, STAGE, STP_CONFIG_FILE, "cannot be written")
	           : stp_config_note_commit(note_file, choice->source, &err);
	if (code != STP_OK)
		stp_fault_add(&run->notes, code, err.sys_errno, STAGE, STP_CONFIG_FILE,
		              strlen(STP_CONFIG_FILE),
		              "does not say what the index is made from; write \"source\": \"%s\" "
		              "into it: %s",
		              stp_index_source_name(choice->source), err.text);
}
