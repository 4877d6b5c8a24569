/* SPDX-License-Identifier: Apache-2.0 */
#include "run/rotate/reseal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "hash/hash.h"
#include "ledger/ledger.h"
#include "ledger/run.h"
#include "verify/bins.h"

#define STAGE         "rotate"
#define LEDGER_FOLDER "ledger"
#define BUDGET_BYTES  ((size_t)256 << 20)

/* ---------------------------------------------------------------- the key */

/* The key that will replace the seal key: made, or left by a call that died. */
static enum stp_errc open_next(const struct stp_repo *repo, struct stp_seal_key **out_key,
                               struct stp_err *err)
{
	if (stp_file_exists(repo->keys_fd, STP_LEDGER_KEY_NEXT_FILE))
		return stp_seal_key_load(repo->keys_fd, STP_LEDGER_KEY_NEXT_FILE, out_key, err);
	return stp_seal_key_generate(repo->keys_fd, STP_LEDGER_KEY_NEXT_FILE, out_key, err);
}

static enum stp_errc remove_file(void *ctx, int folder_fd, const char *name, struct stp_err *err)
{
	(void)ctx;
	if (unlinkat(folder_fd, name, 0) != 0 && errno != ENOENT)
		return STP_FAIL_SYS(err, STAGE, name, "cannot remove it from state/ledger");
	return STP_OK;
}

/* Removes every file of the ledger. */
static enum stp_errc empty_ledger(int state_fd, struct stp_err *err)
{
	struct stp_err why = STP_ERR_INIT;
	enum stp_errc code;
	int fd;

	if (stp_folder_open(state_fd, LEDGER_FOLDER, STAGE, &fd, &why) != STP_OK) {
		if (why.sys_errno == ENOENT)
			return STP_OK;
		stp_err_merge(err, &why);
		return why.code;
	}
	code = stp_folder_each(fd, STAGE, "state/" LEDGER_FOLDER, remove_file, NULL, err);
	if (code == STP_OK)
		code = stp_fd_sync(fd, STAGE, "state/" LEDGER_FOLDER, err);
	close(fd);
	return code;
}

static enum stp_errc put_in_place(const struct stp_repo *repo, struct stp_err *err)
{
	if (renameat(repo->keys_fd, STP_LEDGER_KEY_NEXT_FILE, repo->keys_fd, STP_LEDGER_KEY_FILE) !=
	    0)
		return STP_FAIL_SYS(err, STAGE, STP_KEYS_FOLDER "/" STP_LEDGER_KEY_FILE,
		                    "cannot put the new seal key in place");
	return stp_fd_sync(repo->keys_fd, STAGE, STP_KEYS_FOLDER, err);
}

enum stp_errc stp_reseal(const struct stp_repo *repo, stp_reseal_fn *fn, void *ctx,
                         struct stp_seal_key **seal_key, struct stp_err *err)
{
	struct stp_seal_key *next;
	enum stp_errc code;

	STP_TRY(open_next(repo, &next, err));
	code = empty_ledger(repo->state_fd, err);
	if (code == STP_OK)
		code = fn(ctx, repo->state_fd, stp_seal_key_bytes(*seal_key),
		          stp_seal_key_bytes(next), err);
	if (code == STP_OK)
		code = put_in_place(repo, err);
	if (code != STP_OK) {
		stp_seal_key_destroy(next);
		return code;
	}
	stp_seal_key_destroy(*seal_key);
	*seal_key = next;
	return STP_OK;
}

/* ---------------------------------------------------------------- the ledger */

struct filling {
	const struct stp_reseal_ledger *in;
	unsigned set; /* digests of the targets */
	struct stp_run_builder **builders;
	size_t worker_count;
};

/* Adds the targets of one bin, whose signature is valid. A stp_bins_take_fn. */
static enum stp_errc take_bin(void *ctx, size_t worker, size_t bin_index,
                              const struct stp_bin_file *bin, struct stp_err *err)
{
	struct filling *filling = ctx;
	uint8_t digests[STP_CLAIMS_BYTES_MAX];

	(void)bin_index;
	for (size_t i = 0; i < bin->entry_count; i++) {
		const struct stp_bin_entry *entry = &bin->entries[i];
		struct stp_record record = {
		    .length = entry->length,
		    .path = entry->path,
		    .path_bytes = (uint16_t)entry->path_bytes,
		    .digests = digests,
		    .flags = STP_RECORD_DIGESTS,
		};
		uint8_t *at = digests;

		if (entry->escaped || entry->path_bytes > STP_PATH_BYTES_MAX)
			continue;
		for (int alg = 0; alg < STP_ALG_COUNT; alg++) {
			size_t bytes = stp_alg_digest_bytes((enum stp_alg)alg);

			if (!(filling->set & STP_ALG_BIT(alg)))
				continue;
			if (!entry->hex[alg] || !stp_hex_decode(entry->hex[alg], bytes, at, 0))
				return STP_FAIL(err, STP_REFUSED, STAGE, filling->in->good->name,
				                "has targets with other hash algorithms than the "
				                "rest; name another copy");
			at += bytes;
		}
		stp_hash_one(STP_ALG_SHA256, entry->path, entry->path_bytes, record.key);
		STP_TRY(stp_run_add(filling->builders[worker], &record, err));
	}
	return STP_OK;
}

/* Finds which digests the targets have: those of the first bin that has any. */
static enum stp_errc find_set(const struct stp_side *good, unsigned configured, unsigned *out_set,
                              struct stp_err *err)
{
	struct stp_half half;
	enum stp_errc code = STP_OK;

	memset(&half, 0, sizeof(half));
	*out_set = 0;
	for (size_t i = 0; i < good->tree.bin_count && !*out_set && code == STP_OK; i++) {
		code = stp_half_read(&half, good, i, i + 1, err);
		if (code == STP_OK)
			code = stp_half_parse(&half, good, i, i + 1, err);
		*out_set = half.hash_set;
	}
	if (!*out_set)
		*out_set = configured;
	stp_half_release(&half);
	return code;
}

/* Checks and reads all bins. */
static enum stp_errc read_bins(struct filling *filling, struct stp_sources *sources,
                               struct stp_err *err)
{
	const struct stp_reseal_ledger *in = filling->in;
	struct stp_finding_list findings;
	struct stp_bins_options options = {
	    .tree = &in->good->tree,
	    .findings = &findings,
	    .jobs = in->jobs,
	    .cancel = in->cancel,
	    .take = take_bin,
	    .take_ctx = filling,
	};
	struct stp_bins_totals totals;
	enum stp_errc code;

	stp_finding_list_init(&findings);
	code = stp_bins_audit(&options, &totals, err);
	stp_finding_list_sort(&findings);
	if (code == STP_OK && stp_finding_total(&findings, STP_SEVERITY_ERROR))
		code = STP_FAIL(err, STP_REFUSED, STAGE, findings.items[0].subject,
		                "%s: %s is not a whole copy; name another one",
		                findings.items[0].text, in->good->name);
	stp_finding_list_release(&findings);
	for (size_t i = 0; i < filling->worker_count && code == STP_OK; i++)
		code = stp_run_finish(filling->builders[i], sources, err);
	return code;
}

/* Copies the merged records to the ledger's new base. */
static enum stp_errc copy_records(const struct stp_sources *sources,
                                  struct stp_segment_writer *writer, uint64_t *out_count,
                                  struct stp_err *err)
{
	struct stp_key_range all = stp_key_range_all();
	struct stp_merge_group group;
	struct stp_merge *merge;
	enum stp_errc code;

	STP_TRY(stp_merge_create(sources, &merge, err));
	code = stp_merge_seek(merge, &all, err);
	while (code == STP_OK) {
		code = stp_merge_next(merge, &group, err);
		if (code != STP_OK || !group.key)
			break;
		code = stp_segment_add(writer, &group.items[0].record, err);
		++*out_count;
	}
	stp_merge_destroy(merge);
	return code;
}

static enum stp_errc write_base(const struct filling *filling, const struct stp_sources *sources,
                                struct stp_ledger *ledger, uint64_t *out_count, struct stp_err *err)
{
	const struct stp_reseal_ledger *in = filling->in;
	struct stp_ledger_summary summary = {
	    .run_version = in->published,
	    .published_at = in->now,
	    .source = in->source,
	};
	struct stp_segment_writer *writer;
	enum stp_errc code;

	*out_count = 0;
	STP_TRY(stp_ledger_begin(ledger, STP_SEGMENT_BASE, &writer, err));
	code = copy_records(sources, writer, out_count, err);
	if (code != STP_OK) {
		stp_segment_abort(writer);
		return code;
	}
	STP_TRY(stp_ledger_prepare(ledger, writer, err));
	summary.target_count = *out_count;
	return stp_ledger_commit(ledger, &summary, err);
}

static enum stp_errc make_builders(struct filling *filling, struct stp_err *err)
{
	struct stp_run_options options = {
	    .spill_fd = filling->in->repo->state_fd,
	    .hash_set = filling->set,
	    .budget_bytes = BUDGET_BYTES / filling->worker_count,
	    .cancel = filling->in->cancel,
	};

	if (options.budget_bytes < STP_RUN_BUDGET_MIN)
		options.budget_bytes = STP_RUN_BUDGET_MIN;
	filling->builders = calloc(filling->worker_count, sizeof(struct stp_run_builder *));
	if (!filling->builders)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, NULL, "no memory for the workers");
	for (size_t i = 0; i < filling->worker_count; i++)
		STP_TRY(stp_run_create(&options, &filling->builders[i], err));
	return STP_OK;
}

static enum stp_errc fill(struct filling *filling, struct stp_ledger *ledger, uint64_t *out_count,
                          struct stp_err *err)
{
	struct stp_sources sources;
	enum stp_errc code;

	memset(&sources, 0, sizeof(sources));
	code = make_builders(filling, err);
	if (code == STP_OK)
		code = read_bins(filling, &sources, err);
	if (code == STP_OK)
		code = write_base(filling, &sources, ledger, out_count, err);
	stp_sources_release(&sources);
	for (size_t i = 0; filling->builders && i < filling->worker_count; i++)
		if (filling->builders[i])
			stp_run_destroy(filling->builders[i]);
	free(filling->builders);
	return code;
}

enum stp_errc stp_reseal_fill(const struct stp_reseal_ledger *in, uint64_t *out_targets,
                              struct stp_err *err)
{
	struct filling filling = {.in = in, .worker_count = in->jobs ? in->jobs : 1};
	struct stp_fault_list damage;
	struct stp_ledger_options options = {
	    .state_fd = in->repo->state_fd,
	    .seal_key = in->seal_key,
	    .damage = &damage,
	};
	struct stp_ledger *ledger;
	enum stp_errc code;

	stp_progress_stage(in->progress, "ledger", in->good->tree.bin_count, 0);
	STP_TRY(find_set(in->good, in->hash_set, &filling.set, err));
	options.hash_set = filling.set;
	stp_fault_list_init(&damage);
	code = stp_ledger_open(&options, &ledger, err);
	if (code == STP_OK) {
		if (stp_ledger_generation(ledger))
			*out_targets = stp_ledger_summary(ledger)->target_count;
		else
			code = fill(&filling, ledger, out_targets, err);
		stp_ledger_close(ledger);
	}
	stp_fault_list_release(&damage);
	return code;
}
