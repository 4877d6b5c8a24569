/* SPDX-License-Identifier: Apache-2.0 */
#include "run/import/old.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/text.h"
#include "hash/hash.h"
#include "trust/judge.h"
#include "verify/published.h"

#define STAGE  "import"
#define ADVICE "give the folder as the other tool publishes it"

static void root_name(uint64_t version, char out[64])
{
	snprintf(out, 64, "%" PRIu64 ".root.json", version);
}

/* ------------------------------------------------------------------ judging */

/* What is wrong with a signature or key of the file: a missed threshold has such a cause. */
static const struct stp_finding *cause_of(const struct stp_finding_list *findings,
                                          const char *subject)
{
	size_t i;

	for (i = 0; i < findings->count; i++) {
		const struct stp_finding *finding = &findings->items[i];

		if (strcmp(finding->subject, subject) == 0 &&
		    (finding->code == STP_FINDING_SIGNATURE ||
		     finding->code == STP_FINDING_SIGNATURE_DUPLICATE ||
		     finding->code == STP_FINDING_KEY || finding->code == STP_FINDING_KEY_UNKNOWN ||
		     finding->code == STP_FINDING_KEY_DUPLICATE ||
		     finding->code == STP_FINDING_SIGNATURE_STRANGER))
			return finding;
	}
	return NULL;
}

enum stp_errc stp_import_judge(struct stp_finding_list *findings, const char *name, int is_good,
                               struct stp_err *err)
{
	struct stp_err why = STP_ERR_INIT;
	const struct stp_finding *cause;
	char advice[512];
	enum stp_errc code = stp_trust_judge(findings, name, is_good, ADVICE, &why);

	if (code == STP_OK)
		return STP_OK;
	cause = cause_of(findings, why.subject);
	if (cause) { /* first the cause, then what to do */
		why = (struct stp_err)STP_ERR_INIT;
		snprintf(advice, sizeof(advice), "%s; " ADVICE, cause->text);
		code = stp_trust_judge(findings, name, is_good, advice, &why);
	}
	return STP_FAIL(err, code, STAGE, why.subject, "%s", why.text);
}

/* ------------------------------------------------------------------ roots */

/* Keeps the bytes of a root that was verified. */
static enum stp_errc keep(struct stp_import_old *old, const struct stp_root *root, int is_first,
                          struct stp_err *err)
{
	struct stp_import_root *item;

	if (old->root_count == STP_ROOT_STEPS_MAX)
		return STP_FAIL(err, STP_LIMIT, STAGE, root->doc.name,
		                "is one of more than %d roots; trust a newer one",
		                STP_ROOT_STEPS_MAX);
	if (!STP_ARRAY_RESERVE(old->roots, old->root_capacity, old->root_count + 1))
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, root->doc.name, "no memory");
	if (is_first)
		memmove(old->roots + 1, old->roots, old->root_count * sizeof(*old->roots));
	item = &old->roots[is_first ? 0 : old->root_count];
	old->root_count++;
	*item = (struct stp_import_root){.version = root->doc.version, .file = STP_BUF_INIT};
	return stp_buf_append(&item->file, root->doc.file.data, root->doc.file.count, err);
}

/* Reads a root that must have that version, 0: any, and be signed by its own keys. */
static enum stp_errc read_root(struct stp_import_old *old, int folder_fd, const char *name,
                               uint64_t version, struct stp_root *root, struct stp_err *err)
{
	struct stp_signature_tally tally = {0, 0};
	int good;

	STP_TRY(stp_root_read_old(root, folder_fd, name, &old->findings, &good, err));
	if (good && version && root->doc.version && root->doc.version != version)
		return STP_FAIL(err, STP_REFUSED, STAGE, name,
		                "is root version %" PRIu64 ", not %" PRIu64
		                ": clients take one version after the other; " ADVICE,
		                root->doc.version, version);
	good = good && root->doc.version &&
	       stp_document_signed_by(&root->doc, &root->root, NULL, "root", &tally);
	return stp_import_judge(&old->findings, name, good, err);
}

/* The file of the trusted root's version in the folder, if there is one, must be that root. */
static enum stp_errc check_trusted(const struct stp_import_old *old, const char *trusted,
                                   struct stp_err *err)
{
	const struct stp_buf *file = &old->tree.root.doc.file;
	struct stp_buf other = STP_BUF_INIT;
	enum stp_errc code;
	char name[64];
	int there;

	root_name(old->tree.root.doc.version, name);
	code =
	    stp_published_read(old->folder_fd, name, STP_ROOT_BYTES_MAX, &other, NULL, &there, err);
	if (code == STP_OK && there &&
	    (other.count != file->count || memcmp(other.data, file->data, file->count) != 0))
		code =
		    STP_FAIL(err, STP_REFUSED, STAGE, name,
		             "is not the root that %s names (%s): somebody replaced one of them; "
		             "find out which one clients have",
		             stp_hint_text(STP_HINT_TRUST), trusted);
	stp_buf_release(&other);
	return code;
}

/* Follows older roots down: no signature depends on them, but clients start from them. */
static enum stp_errc read_older(struct stp_import_old *old, struct stp_err *err)
{
	struct stp_signature_tally tally = {0, 0};
	struct stp_root roots[2];
	struct stp_root *next = &old->tree.root;
	uint64_t version = next->doc.version;
	enum stp_errc code = STP_OK;
	unsigned steps = 0;

	memset(roots, 0, sizeof(roots));
	for (; code == STP_OK && version > 1; version--) {
		struct stp_root *root = &roots[steps++ % 2];
		char name[64];

		root_name(version - 1, name);
		if (!stp_file_exists(old->folder_fd, name))
			break;
		stp_root_release(root);
		code = read_root(old, old->folder_fd, name, version - 1, root, err);
		if (code == STP_OK)
			code = stp_import_judge(&old->findings, next->doc.name,
			                        stp_root_follows(next, root, &tally), err);
		if (code == STP_OK)
			code = keep(old, root, 1, err);
		next = root;
	}
	stp_root_release(&roots[0]);
	stp_root_release(&roots[1]);
	return code;
}

/* One step up, to the root in the file called name. */
static enum stp_errc step(struct stp_import_old *old, const char *name, struct stp_err *err)
{
	struct stp_root *now = &old->tree.root;
	struct stp_signature_tally tally = {0, 0};
	uint64_t version = now->doc.version + 1;
	struct stp_root next;
	enum stp_errc code = read_root(old, old->folder_fd, name, version, &next, err);

	if (code == STP_OK)
		code = stp_import_judge(&old->findings, name, stp_root_follows(&next, now, &tally),
		                        err);
	if (code != STP_OK) {
		stp_root_release(&next);
		return code;
	}
	stp_root_release(now);
	*now = next;
	snprintf(now->doc.name, sizeof(now->doc.name), "%" PRIu64 ".root.json", version);
	return keep(old, now, 0, err);
}

/* A tool without versions in the names of files calls the newest root root.json. */
static enum stp_errc step_unversioned(struct stp_import_old *old, struct stp_err *err)
{
	struct stp_finding_list quiet;
	struct stp_root root;
	enum stp_errc code;
	uint64_t version;
	int usable;

	if (!stp_file_exists(old->folder_fd, "root.json"))
		return STP_OK;
	stp_finding_list_init(&quiet);
	code = stp_root_read_old(&root, old->folder_fd, "root.json", &quiet, &usable, err);
	version = usable ? root.doc.version : 0;
	stp_root_release(&root);
	stp_finding_list_release(&quiet);
	STP_TRY(code);
	if (version > old->tree.root.doc.version + 1)
		return STP_FAIL(
		    err, STP_REFUSED, STAGE, "root.json",
		    "is version %" PRIu64 ", but %" PRIu64
		    ".root.json is not there: clients cannot update past the gap; " ADVICE,
		    version, old->tree.root.doc.version + 1);
	return version == old->tree.root.doc.version + 1 ? step(old, "root.json", err) : STP_OK;
}

struct search {
	uint64_t below, above; /* versions beyond those that were verified; 0: none */
	const struct stp_import_old *old;
};

static enum stp_errc look_for_root(void *ctx, int folder_fd, const char *name, struct stp_err *err)
{
	struct search *search = ctx;
	const char *dot = strchr(name, '.');
	uint64_t version = 0;

	(void)folder_fd;
	(void)err;
	if (!dot || strcmp(dot, ".root.json") != 0 ||
	    !stp_u64_parse(name, (size_t)(dot - name), &version))
		return STP_OK;
	if (version > search->old->tree.root.doc.version && version > search->above)
		search->above = version;
	if (version < search->old->roots[0].version && version > search->below)
		search->below = version;
	return STP_OK;
}

/* Refuses a gap: clients on its far side can never update. */
static enum stp_errc check_gaps(const struct stp_import_old *old, struct stp_err *err)
{
	struct search search = {0, 0, old};
	uint64_t missing, found;
	char name[64];

	STP_TRY(stp_folder_each(old->folder_fd, STAGE, old->folder, look_for_root, &search, err));
	if (!search.above && !search.below)
		return STP_OK;
	missing = search.above ? old->tree.root.doc.version + 1 : old->roots[0].version - 1;
	found = search.above ? search.above : search.below;
	root_name(missing, name);
	return STP_FAIL(err, STP_REFUSED, STAGE, name,
	                "is not there, but %" PRIu64
	                ".root.json is: clients cannot update past the gap; restore it from a "
	                "backup or a mirror",
	                found);
}

static enum stp_errc read_roots(struct stp_import_old *old, const char *trusted,
                                struct stp_err *err)
{
	char name[64];

	if (access(trusted, F_OK) != 0)
		return STP_FAIL(err, STP_CONFIG, STAGE, trusted,
		                "cannot be read (%s); name a copy of a root that clients have",
		                strerror(errno));
	STP_TRY(read_root(old, AT_FDCWD, trusted, 0, &old->tree.root, err));
	STP_TRY(check_trusted(old, trusted, err));
	root_name(old->tree.root.doc.version, old->tree.root.doc.name);
	STP_TRY(keep(old, &old->tree.root, 0, err));
	STP_TRY(read_older(old, err));
	for (;;) {
		root_name(old->tree.root.doc.version + 1, name);
		if (!stp_file_exists(old->folder_fd, name))
			break;
		STP_TRY(step(old, name, err));
	}
	STP_TRY(step_unversioned(old, err));
	old->tree.has_root = 1;
	return check_gaps(old, err);
}

/* ------------------------------------------------------------------ other files */

enum stp_errc stp_import_old_file(const struct stp_import_old *old, const char *role,
                                  uint64_t version, size_t bytes_max, struct stp_buf *file,
                                  char name[STP_NAME_BYTES_MAX + 32], int *out_there,
                                  struct stp_err *err)
{
	struct stp_finding_list *findings = (struct stp_finding_list *)&old->findings;

	snprintf(name, STP_NAME_BYTES_MAX + 32, "%" PRIu64 ".%.*s.json", version,
	         STP_NAME_BYTES_MAX, role);
	if (!stp_file_exists(old->folder_fd, name))
		snprintf(name, STP_NAME_BYTES_MAX + 32, "%.*s.json", STP_NAME_BYTES_MAX, role);
	*out_there = stp_file_exists(old->folder_fd, name);
	return *out_there ? stp_published_read(old->folder_fd, name, bytes_max, file, findings,
	                                       out_there, err)
	                  : STP_OK;
}

/* Reads a document of version and role, as line lists it, signed by a threshold of keys. */
static enum stp_errc read_listed(struct stp_import_old *old, const struct stp_listed *line,
                                 const struct stp_document_rule *rule, const struct stp_role *keys,
                                 struct stp_document *doc, struct stp_err *err)
{
	char name[STP_NAME_BYTES_MAX + 32];
	struct stp_buf file = STP_BUF_INIT;
	enum stp_errc code;
	int good;

	code = stp_import_old_file(old, line->role, line->version, rule->bytes_max, &file, name,
	                           &good, err);
	if (code == STP_OK && !good) {
		STP_TRY(stp_import_judge(&old->findings, name, 1, err));
		return STP_FAIL(err, STP_REFUSED, STAGE, name,
		                "is not there, but version %" PRIu64 " of %s is listed; " ADVICE,
		                line->version, line->role);
	}
	if (code != STP_OK) {
		stp_buf_release(&file);
		return code;
	}
	stp_listed_check(&old->findings, name, line, &file);
	STP_TRY(stp_document_parse(doc, &file, name, rule, &old->findings, &good, err));
	if (good && doc->version && doc->version != line->version)
		stp_finding_add(&old->findings, STP_FINDING_VERSION, name,
		                "has version %" PRIu64 ", but is listed as %" PRIu64, doc->version,
		                line->version);
	good = good && doc->version &&
	       stp_document_signed_by(doc, keys, NULL, line->role, &old->tree.tally);
	return stp_import_judge(&old->findings, name, good, err);
}

static enum stp_errc read_timestamp(struct stp_import_old *old, struct stp_err *err)
{
	struct stp_document *doc = &old->tree.timestamp;
	json_t *line;
	int good;

	if (!stp_file_exists(old->folder_fd, "timestamp.json"))
		return STP_FAIL(err, STP_CONFIG, STAGE, old->folder,
		                "holds no timestamp.json; give the folder of the metadata that "
		                "clients fetch");
	STP_TRY(stp_document_read(doc, old->folder_fd, "timestamp.json", &stp_rule_old_timestamp,
	                          &old->findings, &good, err));
	good = good && doc->version &&
	       stp_document_signed_by(doc, &old->tree.root.timestamp, NULL, "timestamp",
	                              &old->tree.tally);
	STP_TRY(stp_import_judge(&old->findings, "timestamp.json", good, err));
	line = json_object_get(json_object_get(doc->body_json, "meta"), "snapshot.json");
	good = stp_listed_read(&old->tree.arena, doc, "snapshot.json", line, &old->snapshot);
	old->tree.has_timestamp = 1;
	return stp_import_judge(&old->findings, "timestamp.json", good, err);
}

static enum stp_errc read_snapshot(struct stp_import_old *old, struct stp_err *err)
{
	struct stp_chain *tree = &old->tree;
	struct stp_document *doc = &tree->snapshot;
	const char *name;
	json_t *meta, *line;
	int good = 1;

	STP_TRY(read_listed(old, &old->snapshot, &stp_rule_old_snapshot, &tree->root.snapshot, doc,
	                    err));
	meta = stp_document_member(doc, doc->body_json, "signed", "meta", JSON_OBJECT);
	tree->listed = calloc(json_object_size(meta) + 1, sizeof(*tree->listed));
	if (!tree->listed)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, doc->name, "no memory");
	json_object_foreach(meta, name, line)
	{
		if (stp_listed_read(&tree->arena, doc, name, line,
		                    &tree->listed[tree->listed_count]))
			tree->listed_count++;
		else
			good = 0;
	}
	qsort(tree->listed, tree->listed_count, sizeof(*tree->listed), stp_listed_compare);
	tree->has_snapshot = 1;
	return stp_import_judge(&old->findings, doc->name, good, err);
}

static enum stp_errc read_targets(struct stp_import_old *old, struct stp_err *err)
{
	struct stp_chain *tree = &old->tree;
	struct stp_listed *line = (struct stp_listed *)stp_chain_listed(tree, "targets");
	json_t *keys;

	if (!line)
		return STP_FAIL(err, STP_REFUSED, STAGE, tree->snapshot.name,
		                "does not list targets.json; " ADVICE);
	line->delegated = 1;
	STP_TRY(
	    read_listed(old, line, &stp_rule_foreign, &tree->root.targets, &tree->targets, err));
	tree->has_targets = 1;
	keys = json_object_get(json_object_get(tree->targets.body_json, "delegations"), "keys");
	return json_is_object(keys) ? stp_key_ring_load(&tree->targets_ring, &tree->targets, keys,
	                                                "delegations.keys", err)
	                            : STP_OK;
}

/* ------------------------------------------------------------------ all */

enum stp_errc stp_import_old_read(struct stp_import_old *old, const char *folder,
                                  const char *trusted, struct stp_err *err)
{
	memset(old, 0, sizeof(*old));
	old->folder = folder;
	stp_finding_list_init(&old->findings);
	stp_arena_init(&old->tree.arena, 256 * 1024);
	old->folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (old->folder_fd < 0)
		return STP_FAIL(err, STP_CONFIG, STAGE, folder, "cannot open the folder: %s",
		                strerror(errno));
	STP_TRY(read_roots(old, trusted, err));
	STP_TRY(read_timestamp(old, err));
	STP_TRY(read_snapshot(old, err));
	return read_targets(old, err);
}

void stp_import_old_release(struct stp_import_old *old)
{
	size_t i;

	for (i = 0; i < old->root_count; i++)
		stp_buf_release(&old->roots[i].file);
	free(old->roots);
	stp_chain_release(&old->tree);
	stp_finding_list_release(&old->findings);
	stp_fd_close(&old->folder_fd);
	memset(old, 0, sizeof(*old));
	old->folder_fd = -1;
}
