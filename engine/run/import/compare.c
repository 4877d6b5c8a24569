/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nothing vanishes silently: the targets that the old metadata signed itself, in targets.json or in
 * its hash bins, are signed from now on if their files are in the targets folder. Those of foreign
 * roles stay with these.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "publish/missing.h"
#include "run/import/run.h"
#include "verify/delegated.h"

#define STAGE "import"
/* targets ─▶ bins ─▶ bin-n, and one more. */
#define DEPTH_MAX 3

struct comparing {
	struct stp_import_run *run;
	int targets_fd;
	struct stp_missing missing;
	uint8_t *levels; /* below each role of the snapshot, those that were read */
	struct stp_err *err;
};

/* Whether path leads out of the folder. */
static int leads_out(const char *path)
{
	const char *at = path;

	if (path[0] == '/' || path[0] == '\0')
		return 1;
	for (; at; at = strchr(at, '/'), at = at ? at + 1 : NULL)
		if (strncmp(at, "..", 2) == 0 && (at[2] == '/' || at[2] == '\0'))
			return 1;
	return 0;
}

static void look_at_targets(struct comparing *comparing, json_t *targets)
{
	const char *path;
	json_t *entry;
	struct stat st;

	json_object_foreach(targets, path, entry)
	{
		comparing->run->report->targets_listed++;
		if (leads_out(path) || fstatat(comparing->targets_fd, path, &st, 0) != 0 ||
		    !S_ISREG(st.st_mode))
			stp_missing_add(&comparing->missing, path);
	}
}

static enum stp_errc look_at_document(struct comparing *comparing, json_t *body, unsigned depth,
                                      int is_again);

/* Reads a role that is replaced, again only if that leads further down; one without a file lists
 * nothing. */
static enum stp_errc look_at_role(struct comparing *comparing, const char *name, unsigned depth)
{
	const struct stp_import_old *old = &comparing->run->old;
	const struct stp_listed *line = stp_chain_listed(&old->tree, name);
	char file_name[STP_NAME_BYTES_MAX + 32];
	struct stp_buf file = STP_BUF_INIT;
	json_t *document = NULL;
	enum stp_errc code;
	uint8_t *levels = line ? &comparing->levels[line - old->tree.listed] : NULL;
	int is_again = levels && *levels;
	int there = 0;

	if (!line || depth + *levels >= DEPTH_MAX)
		return STP_OK;
	*levels = (uint8_t)(DEPTH_MAX - depth);
	code = stp_import_old_file(old, name, line->version, STP_TARGETS_BYTES_MAX, &file,
	                           file_name, &there, comparing->err);
	if (code == STP_OK && there)
		document =
		    json_loadb((const char *)file.data, file.count, JSON_REJECT_DUPLICATES, NULL);
	stp_buf_release(&file);
	if (code == STP_OK && there && !document)
		return STP_FAIL(comparing->err, STP_REFUSED, STAGE, file_name,
		                "is not JSON, so what it signs is not known; restore it from a "
		                "backup or a mirror");
	if (code == STP_OK)
		code = look_at_document(comparing, json_object_get(document, "signed"), depth + 1,
		                        is_again);
	json_decref(document);
	return code;
}

static enum stp_errc look_at_succinct(struct comparing *comparing, const json_t *succinct,
                                      unsigned depth)
{
	const char *prefix = json_string_value(json_object_get(succinct, "name_prefix"));
	json_int_t bits = json_integer_value(json_object_get(succinct, "bit_length"));
	json_int_t i;

	if (!prefix || bits < 1 || bits > STP_BIN_BITS_MAX)
		return STP_OK;
	for (i = 0; i < (json_int_t)1 << bits; i++) {
		char name[STP_NAME_BYTES_MAX + 1];

		snprintf(name, sizeof(name), "%.*s-%0*llx", STP_NAME_BYTES_MAX - 20, prefix,
		         (int)((bits + 3) / 4), (unsigned long long)i);
		STP_TRY(look_at_role(comparing, name, depth));
	}
	return STP_OK;
}

/* The targets of a document, and of the roles below it that are replaced. */
static enum stp_errc look_at_document(struct comparing *comparing, json_t *body, unsigned depth,
                                      int is_again)
{
	json_t *delegations = json_object_get(body, "delegations");
	json_t *role;
	size_t i;

	if (!is_again)
		look_at_targets(comparing, json_object_get(body, "targets"));
	STP_TRY(look_at_succinct(comparing, json_object_get(delegations, "succinct_roles"), depth));
	json_array_foreach(json_object_get(delegations, "roles"), i, role)
	{
		const char *name = json_string_value(json_object_get(role, "name"));

		if (name && (depth || stp_takeover_replaces(role)))
			STP_TRY(look_at_role(comparing, name, depth));
	}
	return STP_OK;
}

enum stp_errc stp_import_compare(struct stp_import_run *run, struct stp_err *err)
{
	struct comparing comparing = {.run = run, .err = err};
	char names[STP_MISSING_NAMES_BYTES];
	enum stp_errc code;

	comparing.targets_fd = open(run->place.targets, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (comparing.targets_fd < 0)
		return STP_FAIL_SYS(err, STAGE, run->place.targets, "cannot open the folder");
	comparing.levels = calloc(run->old.tree.listed_count + 1, 1);
	code = comparing.levels
	           ? look_at_document(&comparing, run->old.tree.targets.body_json, 0, 0)
	           : STP_FAIL_ERRNO(err, ENOMEM, STAGE, NULL, "no memory");
	free(comparing.levels);
	close(comparing.targets_fd);
	run->report->targets_missing = comparing.missing.count;
	stp_missing_names(&comparing.missing, names);
	if (code == STP_OK && comparing.missing.count && !run->options->drop_targets)
		code = STP_FAIL(err, STP_REFUSED, STAGE, run->options->targets_dir,
		                "lacks %" PRIu64 " of the %" PRIu64
		                " targets that the old metadata signs: %s; put the files there, or "
		                "leave them out of the new metadata: %s",
		                comparing.missing.count, run->report->targets_listed, names,
		                stp_hint_text(STP_HINT_DROP_TARGETS));
	if (code == STP_OK && comparing.missing.count)
		code = stp_import_line(run, err,
		                       "  - %" PRIu64 " targets of the old metadata are not in the "
		                       "folder and will be gone: %s",
		                       comparing.missing.count, names);
	stp_missing_release(&comparing.missing);
	return code;
}
