/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "run/import/run.h"
#include "stampede/text.h"
#include "verify/delegated.h"

#define STAGE "import"

enum stp_errc stp_import_line(struct stp_import_run *run, struct stp_err *err, const char *format,
                              ...)
{
	char text[1024];
	char shown[sizeof(text)];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	stp_text_clean(text, strlen(text), shown, sizeof(shown));
	STP_TRY(stp_buf_append(&run->view, shown, strlen(shown), err));
	return stp_buf_append(&run->view, "\n", 1, err);
}

/* ------------------------------------------------------------------ members */

static int is_listed(const char *list, const char *word)
{
	size_t count = strlen(word);
	const char *at = list;

	for (; (at = strstr(at, word)); at += count ? count : 1)
		if ((at == list || at[-1] == ' ') && (at[count] == ' ' || at[count] == '\0'))
			return 1;
	return 0;
}

/* Shows the members of an object that the specification does not name. */
static enum stp_errc show_unknown(struct stp_import_run *run, json_t *object, const char *where,
                                  const char *known, struct stp_err *err)
{
	const char *name;
	json_t *value;

	json_object_foreach(object, name, value)
	{
		if (!is_listed(known, name))
			STP_TRY(stp_import_line(run, err,
			                        "  = member \"%s\" of %s is unknown, and stays",
			                        name, where));
	}
	return STP_OK;
}

static enum stp_errc show_unknown_keys(struct stp_import_run *run, json_t *keys, const char *where,
                                       struct stp_err *err)
{
	const char *keyid;
	json_t *key;

	json_object_foreach(keys, keyid, key)
	{
		char place[128];

		snprintf(place, sizeof(place), "key %.16s... in %s", keyid, where);
		STP_TRY(show_unknown(run, key, place, "keytype keyval scheme", err));
	}
	return STP_OK;
}

/* ------------------------------------------------------------------ root */

static enum stp_errc show_expired(struct stp_import_run *run, const struct stp_document *doc,
                                  struct stp_err *err)
{
	char text[STP_TIME_BYTES + 1];

	if (!doc->expires || doc->expires > run->now)
		return STP_OK;
	stp_time_format(doc->expires, text);
	return stp_import_line(run, err, "  ! %s expired at %s", doc->name, text);
}

static enum stp_errc show_keys_that_leave(struct stp_import_run *run, json_t *before,
                                          const json_t *after, const char *where,
                                          struct stp_err *err)
{
	const char *keyid;
	json_t *key;

	json_object_foreach(before, keyid, key)
	{
		const char *type = json_string_value(json_object_get(key, "keytype"));

		if (!json_object_get(after, keyid))
			STP_TRY(stp_import_line(run, err, "  - key %.16s... %s leaves %s", keyid,
			                        type ? type : "", where));
	}
	return STP_OK;
}

static enum stp_errc show_root(struct stp_import_run *run, struct stp_err *err)
{
	const struct stp_root *root = &run->old.tree.root;
	json_t *keys = json_object_get(root->doc.body_json, "keys");
	uint64_t version = root->doc.version;

	STP_TRY(stp_import_line(
	    run, err, "root %" PRIu64 " to %" PRIu64 ": %zu files, verified, copied byte for byte",
	    run->old.roots[0].version, version, run->old.root_count));
	STP_TRY(stp_import_line(run, err, "root %" PRIu64 " -> %" PRIu64, version, version + 1));
	if (!root->is_consistent)
		STP_TRY(stp_import_line(
		    run, err, "  + consistent_snapshot becomes true (it was %s)",
		    json_object_get(root->doc.body_json, "consistent_snapshot") ? "false"
		                                                                : "absent"));
	STP_TRY(stp_import_line(run, err, "  + key %.16s... %s signs timestamp and snapshot, alone",
	                        run->online_key.keyid, run->online_key.scheme->keytype));
	STP_TRY(show_keys_that_leave(run, keys, json_object_get(run->takeover.root, "keys"), "root",
	                             err));
	STP_TRY(stp_import_line(run, err,
	                        "  = %" PRIu64 " of %zu keys sign root, %" PRIu64
	                        " of %zu sign targets, as before",
	                        root->root.threshold, root->root.key_count, root->targets.threshold,
	                        root->targets.key_count));
	STP_TRY(show_unknown(run, root->doc.body_json, "root",
	                     "_type consistent_snapshot expires keys roles spec_version version",
	                     err));
	STP_TRY(show_unknown_keys(run, json_object_get(run->takeover.root, "keys"), "root", err));
	return show_expired(run, &root->doc, err);
}

/* ------------------------------------------------------------------ targets */

/* Adds a role that stays to the report. */
static enum stp_errc note_foreign(struct stp_import_run *run, const char *name, struct stp_err *err)
{
	struct stp_import_report *report = run->report;
	char **grown =
	    realloc(report->foreign, (report->foreign_count + 1) * sizeof(*report->foreign));

	if (!grown)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, NULL, "no memory");
	report->foreign = grown;
	report->foreign[report->foreign_count] = strdup(name);
	if (!report->foreign[report->foreign_count])
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, NULL, "no memory");
	report->foreign_count++;
	return STP_OK;
}

static enum stp_errc show_delegations(struct stp_import_run *run, struct stp_err *err)
{
	const json_t *before = json_object_get(run->old.tree.targets.body_json, "delegations");
	const json_t *after = json_object_get(run->takeover.targets, "delegations");
	json_t *succinct = json_object_get(before, "succinct_roles");
	size_t replaced = 0;
	json_t *role;
	size_t i;

	json_array_foreach(json_object_get(before, "roles"), i, role) replaced +=
	    stp_takeover_replaces(role) != 0;
	if (succinct || replaced)
		STP_TRY(
		    stp_import_line(run, err,
		                    "  - the delegation to hash bins (%s) is replaced by the one "
		                    "to the bins made here",
		                    succinct ? "succinct" : "path_hash_prefixes"));
	json_array_foreach(json_object_get(after, "roles"), i, role)
	{
		const char *name = json_string_value(json_object_get(role, "name"));
		int ends = json_is_true(json_object_get(role, "terminating"));

		if (!name || stp_delegated_is_bin(role))
			continue;
		if (strcmp(name, STP_BINS_ROLE) == 0) {
			STP_TRY(
			    stp_import_line(run, err, "  + role bins: every path%s",
			                    ends ? ""
			                         : "; roles after it are searched, too, so its "
			                           "bins are delegated to by path_hash_prefixes"));
			continue;
		}
		STP_TRY(note_foreign(run, name, err));
		STP_TRY(stp_import_line(run, err, "  = role %s stays as it is%s", name,
		                        ends ? "; it is terminating: what its paths match is found "
		                               "there or nowhere"
		                             : ""));
	}
	return STP_OK;
}

static enum stp_errc show_targets(struct stp_import_run *run, struct stp_err *err)
{
	const struct stp_document *doc = &run->old.tree.targets;
	size_t own = json_object_size(json_object_get(doc->body_json, "targets"));

	STP_TRY(stp_import_line(run, err, "targets %" PRIu64 " -> %" PRIu64, doc->version,
	                        doc->version + 1));
	if (own)
		STP_TRY(stp_import_line(run, err, "  - %zu target%s targets.json: the bins list %s",
		                        own, own == 1 ? " leaves" : "s leave",
		                        own == 1 ? "it" : "them"));
	STP_TRY(show_delegations(run, err));
	STP_TRY(show_unknown(run, doc->body_json, "targets",
	                     "_type delegations expires spec_version targets version", err));
	return show_expired(run, doc, err);
}

enum stp_errc stp_import_view(struct stp_import_run *run, struct stp_err *err)
{
	const struct stp_chain *tree = &run->old.tree;

	STP_TRY(show_root(run, err));
	STP_TRY(show_targets(run, err));
	STP_TRY(stp_import_line(run, err,
	                        "snapshot %" PRIu64 ", timestamp %" PRIu64
	                        ": the first sign goes on above them; all %zu names stay listed",
	                        tree->snapshot.version, tree->timestamp.version,
	                        tree->listed_count));
	STP_TRY(show_expired(run, &tree->snapshot, err));
	return show_expired(run, &tree->timestamp, err);
}
