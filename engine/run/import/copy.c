/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/text.h"
#include "hash/hash.h"
#include "publish/repo.h"
#include "run/import/run.h"
#include "verify/foreign.h"

#define STAGE "import"

enum stp_errc stp_import_put(struct stp_import_run *run, const char *name, const void *bytes,
                             size_t count, struct stp_err *err)
{
	char path[STP_NAME_BYTES_MAX + 64];
	char hex[65];
	uint8_t digest[32];

	STP_TRY(stp_file_write(run->metadata_fd, name, bytes, count, STP_MODE_PUBLIC_FILE,
	                       STP_FILE_NEW, STAGE, err));
	stp_hash_one(STP_ALG_SHA256, bytes, count, digest);
	stp_hex_encode(digest, sizeof(digest), hex);
	hex[64] = '\0';
	snprintf(path, sizeof(path), STP_PUBLIC_FOLDER "/" STP_METADATA_FOLDER "/%.255s", name);
	return stp_init_stage_note(&run->place.stage, path, hex, err);
}

static enum stp_errc put(struct stp_import_run *run, const char *name, const struct stp_buf *file,
                         struct stp_err *err)
{
	return stp_import_put(run, name, file->data, file->count, err);
}

static enum stp_errc put_roots(struct stp_import_run *run, struct stp_err *err)
{
	const struct stp_import_old *old = &run->old;
	char name[64];
	size_t i;

	for (i = 0; i < old->root_count; i++) {
		snprintf(name, sizeof(name), "%" PRIu64 ".root.json", old->roots[i].version);
		STP_TRY(put(run, name, &old->roots[i].file, err));
	}
	return STP_OK;
}

static enum stp_errc put_document(struct stp_import_run *run, const struct stp_document *doc,
                                  const char *role, struct stp_err *err)
{
	char name[64];

	snprintf(name, sizeof(name), "%" PRIu64 ".%s.json", doc->version, role);
	return put(run, name, &doc->file, err);
}

/* Copies one file that the snapshot lists. One that is missing is a fault only if a role that
 * stays delegates to it, which the audit finds. */
static enum stp_errc put_listed(struct stp_import_run *run, const struct stp_listed *line,
                                struct stp_err *err)
{
	char from[STP_NAME_BYTES_MAX + 32];
	char name[STP_NAME_BYTES_MAX + 32];
	struct stp_buf file = STP_BUF_INIT;
	enum stp_errc code;
	int there;

	code = stp_import_old_file(&run->old, line->role, line->version, STP_TARGETS_BYTES_MAX,
	                           &file, from, &there, err);
	snprintf(name, sizeof(name), "%" PRIu64 ".%.255s.json", line->version, line->role);
	if (code == STP_OK && there)
		code = put(run, name, &file, err);
	stp_buf_release(&file);
	return code;
}

/* Checks the foreign roles under the names that clients will ask for. */
static enum stp_errc audit(struct stp_import_run *run, struct stp_err *err)
{
	struct stp_chain *tree = &run->old.tree;
	struct stp_finding_list *findings = &run->old.findings;
	enum stp_errc code;

	tree->folder_fd = run->metadata_fd;
	code = stp_foreign_audit(tree, run->now, 0, findings, err);
	tree->folder_fd = run->old.folder_fd;
	STP_TRY(code);
	return stp_import_judge(findings, tree->targets.name, 1, err);
}

/* Whether timestamp, or a root, names the file of role: a line of the snapshot for it counts for no
 * client, and the file that it names was never verified. */
static int is_top_level(const char *role)
{
	return strcmp(role, "root") == 0 || strcmp(role, "targets") == 0 ||
	       strcmp(role, "snapshot") == 0 || strcmp(role, "timestamp") == 0;
}

enum stp_errc stp_import_copy(struct stp_import_run *run, struct stp_err *err)
{
	const struct stp_chain *tree = &run->old.tree;
	size_t i;

	STP_TRY(put_roots(run, err));
	STP_TRY(put(run, "timestamp.json", &tree->timestamp.file, err));
	STP_TRY(put_document(run, &tree->snapshot, "snapshot", err));
	STP_TRY(put_document(run, &tree->targets, "targets", err));
	for (i = 0; i < tree->listed_count; i++)
		if (!is_top_level(tree->listed[i].role))
			STP_TRY(put_listed(run, &tree->listed[i], err));
	return audit(run, err);
}
