/* SPDX-License-Identifier: Apache-2.0 */
#include "run/sign/publishing.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/progress.h"
#include "roles/roles.h"

/* What the documents of a commit are made from. */
struct commit {
	struct stp_sign_run *run;
	struct stp_sign_opened *opened;
	struct stp_publishing *publishing;
	const struct stp_commit_in *in;
};

/* --- begin and end --------------------------------------------------------------------------- */

enum stp_errc stp_publishing_begin(struct stp_sign_run *run, const struct stp_sign_opened *opened,
                                   uint64_t target_count, struct stp_publishing *out,
                                   struct stp_err *err)
{
	struct stp_publish_options options = {
	    .worker_count = run->jobs,
	    .now = run->now,
	    .above = opened->above,
	    .spared = opened->note.fd < 0 ? NULL : opened->note.temporary,
	};
	struct stp_version_in in = {&opened->trust, &opened->current, opened->above};

	stp_sign_stage(run, &run->report->seconds.publish);
	out->signers = &opened->signers;
	STP_TRY(stp_publish_begin(&run->repo, &opened->current, &options, &out->publisher, err));
	STP_TRY(stp_sign_choose_version(run, &in, out->publisher, &out->version, err));
	STP_TRY(stp_audit_open(run->repo.state_fd, &out->audit, err));
	STP_TRY(stp_links_begin(&run->repo, &run->config, run->targets_fd, target_count,
	                        run->worker_count, run->cancel, &out->links, err));
	stp_links_set_run(out->links, out->version);
	return STP_OK;
}

void stp_publishing_abort(struct stp_publishing *publishing)
{
	if (publishing->publisher)
		stp_publish_abort(publishing->publisher);
}

void stp_publishing_end(struct stp_publishing *publishing)
{
	if (publishing->links)
		stp_links_end(publishing->links);
	if (publishing->publisher)
		stp_publish_end(publishing->publisher);
	stp_audit_close(publishing->audit);
	memset(publishing, 0, sizeof(*publishing));
}

/* --- the documents --------------------------------------------------------------------------- */

/* Makes a document signed by the role's signers, and an audit line for each. */
static enum stp_errc seal(const struct commit *commit, const char *role,
                          const struct stp_signer_set *signers, const char *file_name,
                          const struct stp_buf *body, struct stp_sealed *out_sealed,
                          struct stp_err *err)
{
	const struct stp_publishing *publishing = commit->publishing;
	size_t i;

	STP_TRY(stp_sealed_make(file_name, publishing->version, body->data, body->count,
	                        signers->items, signers->count, out_sealed, err));
	for (i = 0; i < signers->count; i++)
		STP_TRY(stp_audit_add_sealed(publishing->audit, commit->run->now, role, out_sealed,
		                             signers->items[i], err));
	return STP_OK;
}

static enum stp_errc make_snapshot(const struct commit *commit, struct stp_arena *arena,
                                   struct stp_sealed *out_sealed, struct stp_err *err)
{
	const struct stp_sign_run *run = commit->run;
	const struct stp_publishing *publishing = commit->publishing;
	const struct stp_current *current = &commit->opened->current;
	struct stp_meta_input input = {
	    .targets = {.version = current->targets.version, .length = current->targets.length},
	    .bins = {.version = current->bins.version, .length = current->bins.length},
	    .bin_version = publishing->version,
	    .bin_lengths = commit->in->bin_lengths,
	};
	struct stp_role_head head = {publishing->version, run->now + run->config.expiry.snapshot};
	struct stp_meta_list list;
	struct stp_buf body = STP_BUF_INIT;
	char name[64];
	enum stp_errc code;

	STP_TRY(stp_meta_list_make(&run->config, &input, &current->meta, arena, &list, err));
	snprintf(name, sizeof(name), "%llu.snapshot.json", (unsigned long long)publishing->version);
	code = stp_snapshot_body(head, &list, &body, err);
	if (code == STP_OK)
		code = seal(commit, "snapshot", &commit->publishing->signers->snapshot, name, &body,
		            out_sealed, err);
	stp_buf_release(&body);
	return code;
}

static enum stp_errc make_timestamp(const struct commit *commit, const struct stp_sealed *snapshot,
                                    struct stp_sealed *out_sealed, struct stp_err *err)
{
	const struct stp_sign_run *run = commit->run;
	const struct stp_publishing *publishing = commit->publishing;
	struct stp_role_head head = {publishing->version, run->now + run->config.expiry.timestamp};
	struct stp_buf body = STP_BUF_INIT;
	enum stp_errc code = stp_timestamp_body(head, publishing->version, snapshot->length,
	                                        snapshot->sha256, &body, err);

	if (code == STP_OK)
		code = seal(commit, "timestamp", &commit->publishing->signers->timestamp,
		            "timestamp.json", &body, out_sealed, err);
	stp_buf_release(&body);
	return code;
}

static void fill_published(const struct commit *commit)
{
	struct stp_sign_run *run = commit->run;
	const struct stp_publishing *publishing = commit->publishing;
	const struct stp_current *current = &commit->opened->current;
	struct stp_sign_report *report = run->report;
	const struct stp_expiry *expiry = &run->config.expiry;
	int64_t soonest = expiry->bin_n;

	if (expiry->snapshot < soonest)
		soonest = expiry->snapshot;
	if (expiry->timestamp < soonest)
		soonest = expiry->timestamp;
	report->expires_at = run->now + soonest;
	report->expiries.bin_n = run->now + expiry->bin_n;
	report->expiries.snapshot = run->now + expiry->snapshot;
	report->expiries.timestamp = run->now + expiry->timestamp;
	report->versions.root = current->root.version;
	report->versions.targets = current->targets.version;
	report->versions.bins = current->bins.version;
	report->versions.snapshot = publishing->version;
	report->versions.timestamp = publishing->version;
	report->published_files = stp_publish_files(publishing->publisher);
	report->published_bytes = stp_publish_bytes(publishing->publisher);
	report->links_made = stp_links_made(publishing->links);
	report->links_repaired = stp_links_repaired(publishing->links);
	if (report->links_repaired)
		stp_fault_add(&run->notes, STP_CHANGED, 0, "links", "public/targets", 14,
		              "names of %" PRIu64 " target%s were missing or wrong and have been "
		              "made again; find out who changed them",
		              report->links_repaired, report->links_repaired == 1 ? "" : "s");
	if (current->committed_at && run->now > current->committed_at)
		report->interval_seconds = run->now - current->committed_at;
}

/* Whether clients find this run's timestamp: after its rename, the sync of the folder may still
 * fail. */
static int is_out(const struct commit *commit, const struct stp_sealed *timestamp)
{
	struct stp_err ignored = STP_ERR_INIT;
	struct stp_buf file = STP_BUF_INIT;
	int is_ours = stp_file_read(commit->run->repo.metadata_fd, timestamp->name,
	                            timestamp->length, "publish", &file, &ignored) == STP_OK &&
	              file.count == timestamp->length &&
	              memcmp(file.data, timestamp->bytes, file.count) == 0;

	stp_buf_release(&file);
	return is_ours;
}

static enum stp_errc commit_metadata(const struct commit *commit, const struct stp_sealed *snapshot,
                                     const struct stp_sealed *timestamp, struct stp_err *err)
{
	const struct stp_sign_run *run = commit->run;
	const struct stp_publishing *publishing = commit->publishing;
	struct stp_publish_file file = {snapshot->name, snapshot->bytes, snapshot->length};
	enum stp_errc code;

	STP_TRY(stp_publish_barrier(publishing->publisher, err));
	STP_TRY(stp_audit_commit(publishing->audit, err));
	STP_TRY(stp_rotating_publish_first(run, &commit->opened->rotating, err));
	code = stp_publish_commit(publishing->publisher, &file, timestamp->bytes, timestamp->length,
	                          run->now, err);
	run->report->published = code == STP_OK || is_out(commit, timestamp);
	if (run->report->published)
		fill_published(commit);
	return code;
}

/* What follows the commit: clients have the new snapshot, and now state/ is updated. */
static enum stp_errc commit_state(const struct commit *commit, const struct stp_sealed *snapshot,
                                  const struct stp_sealed *timestamp, struct stp_err *err)
{
	struct stp_sign_run *run = commit->run;
	const struct stp_publishing *publishing = commit->publishing;
	struct stp_ledger_summary summary = {
	    .run_version = publishing->version,
	    .published_at = run->now,
	    .target_count = run->report->targets,
	    .oldest_verified_at = run->report->oldest_verified_at,
	    .tag = commit->in->identity,
	    .source = stp_sign_made_from(run, commit->in->choice),
	};

	STP_TRY(stp_links_commit(publishing->links, err));
	STP_TRY(stp_ledger_commit(run->ledger, &summary, err));
	STP_TRY(stp_sign_raise_floors(run, &commit->opened->trust, snapshot, timestamp, err));
	stp_sign_note_source(run, commit->in->choice, &commit->opened->note);
	return STP_OK;
}

enum stp_errc stp_publishing_commit(struct stp_sign_run *run, struct stp_sign_opened *opened,
                                    struct stp_publishing *publishing,
                                    const struct stp_commit_in *in, struct stp_err *err)
{
	struct commit commit = {run, opened, publishing, in};
	struct stp_sealed snapshot = {0};
	struct stp_sealed timestamp = {0};
	struct stp_arena arena;
	enum stp_errc code;

	stp_sign_stage(run, &run->report->seconds.publish);
	stp_progress_stage(run->options->progress, "publish", 0, 0);
	stp_arena_init(&arena, 0);
	code = make_snapshot(&commit, &arena, &snapshot, err);
	if (code == STP_OK)
		code = make_timestamp(&commit, &snapshot, &timestamp, err);
	if (code == STP_OK)
		code = commit_metadata(&commit, &snapshot, &timestamp, err);
	if (code == STP_OK)
		code = stp_rotating_publish_root(run, &opened->rotating, &opened->trust, err);
	if (code == STP_OK)
		code = commit_state(&commit, &snapshot, &timestamp, err);
	stp_sealed_release(&snapshot);
	stp_sealed_release(&timestamp);
	stp_arena_release(&arena);
	return code;
}
