/* SPDX-License-Identifier: Apache-2.0 */
#include "run/sign/recover.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/text.h"
#include "base/thread.h"
#include "bins/bin.h"
#include "hash/hash.h"
#include "ledger/run.h"
#include "publish/names.h"
#include "verify/bin_file.h"

#define RECOVER_BUDGET_BYTES ((size_t)256 << 20)
#define KEY_BATCH            64

struct recover {
	const struct stp_recover_in *in;
	struct stp_run_builder **builders;
	unsigned bin_bits; /* of the last run; the configuration may have been edited since */
	atomic_size_t next;
};

int stp_recover_is_needed(const struct stp_ledger *ledger, const struct stp_fault_list *damage,
                          uint64_t published)
{
	return published &&
	       (stp_ledger_generation(ledger) == 0 || stp_ledger_refused_count(ledger) != 0 ||
	        damage->total != 0 || stp_ledger_summary(ledger)->run_version != published);
}

static int is_signed_by(const struct stp_public_key *key, const struct stp_bin_file *bin)
{
	size_t i;

	for (i = 0; i < bin->signature_count; i++) {
		const struct stp_bin_signature *signature = &bin->signatures[i];

		if (signature->keyid_chars == STP_KEYID_CHARS &&
		    memcmp(signature->keyid, key->keyid, STP_KEYID_CHARS) == 0)
			return stp_signature_check(key, (const uint8_t *)bin->body, bin->body_bytes,
			                           signature->sig, signature->sig_chars,
			                           STP_LIBRARIES_ONE) == STP_SIGNATURE_GOOD;
	}
	return 0;
}

/* The only signatures that count are those of the keys that sign bins. */
static int is_signed(const struct stp_recover_in *in, const struct stp_bin_file *bin)
{
	return is_signed_by(in->key, bin) || (in->former_key && is_signed_by(in->former_key, bin));
}

static enum stp_errc refuse(const char *name, struct stp_err *err)
{
	return STP_FAIL(err, STP_REFUSED, "recover", name,
	                "is not what was published, and the ledger cannot be relied on; restore "
	                "the file from a mirror or state/ from a backup");
}

/* Packs the digests of entry, whichever it has: other hashes may have been configured then. Returns
 * their set. */
static unsigned pack_digests(const struct stp_bin_entry *entry, uint8_t *out)
{
	unsigned set = 0;
	int alg;

	for (alg = 0; alg < STP_ALG_COUNT; alg++) {
		size_t bytes = stp_alg_digest_bytes((enum stp_alg)alg);

		if (!entry->hex[alg] || !stp_hex_decode(entry->hex[alg], bytes, out, 0))
			continue;
		out += bytes;
		set |= STP_ALG_BIT(alg);
	}
	return set;
}

/* Adds entries[0, count), count at most KEY_BATCH, of the bin with that name and index. */
static enum stp_errc add_batch(struct recover *recover, size_t worker, const char *name,
                               uint32_t bin_index, const struct stp_bin_entry *entries,
                               size_t count, struct stp_err *err)
{
	const uint8_t *paths[KEY_BATCH];
	size_t path_bytes[KEY_BATCH];
	uint8_t keys[KEY_BATCH][STP_KEY_BYTES];
	size_t i;

	for (i = 0; i < count; i++) {
		paths[i] = (const uint8_t *)entries[i].path;
		path_bytes[i] = entries[i].path_bytes;
	}
	stp_hash_many(STP_ALG_SHA256, paths, path_bytes, count, NULL, 0, keys[0], STP_KEY_BYTES);
	for (i = 0; i < count; i++) {
		uint8_t digests[STP_CLAIMS_BYTES_MAX];
		unsigned set = pack_digests(&entries[i], digests);
		struct stp_record record = {
		    .length = entries[i].length,
		    .path = entries[i].path,
		    .path_bytes = (uint16_t)entries[i].path_bytes,
		    .digests = set ? digests : NULL,
		    .flags = (uint16_t)(set == recover->in->hash_set ? STP_RECORD_DIGESTS
		                                                     : STP_RECORD_CLAIM(0) * set),
		};

		if (stp_bin_index(keys[i], recover->bin_bits) != bin_index)
			return refuse(name, err);
		/* Paths that stampede signs contain no escapes. */
		if (entries[i].escaped || entries[i].path_bytes > STP_PATH_BYTES_MAX)
			continue;
		memcpy(record.key, keys[i], STP_KEY_BYTES);
		STP_TRY(stp_run_add(recover->builders[worker], &record, err));
	}
	return STP_OK;
}

/* "bin-n-3f" is bin 63; UINT32_MAX for a name without a number. */
static uint32_t index_of(const char *name)
{
	const char *digits = strrchr(name, '-');
	char *end = NULL;
	unsigned long index = digits ? strtoul(digits + 1, &end, 16) : 0;

	return end && *end == '\0' && end != digits + 1 && index < UINT32_MAX ? (uint32_t)index
	                                                                      : UINT32_MAX;
}

static enum stp_errc read_bin(struct recover *recover, size_t worker, const struct stp_meta *meta,
                              struct stp_bin_file *bin, struct stp_buf *bytes, struct stp_err *err)
{
	const struct stp_recover_in *in = recover->in;
	char name[STP_NAME_BYTES_MAX + 32];
	uint32_t bin_index = index_of(meta->name);
	struct stp_err why = STP_ERR_INIT;
	size_t i;

	snprintf(name, sizeof(name), "%llu.%s.json", (unsigned long long)meta->version, meta->name);
	if (stp_file_read(in->metadata_fd, name, STP_TARGETS_BYTES_MAX, "recover", bytes, &why) ==
	        STP_IO &&
	    why.sys_errno == ENOENT)
		return refuse(name, err);
	if (why.code != STP_OK) {
		stp_err_merge(err, &why);
		return why.code;
	}
	if (stp_bin_file_parse(bin, bytes->data, bytes->count) != STP_BIN_FILE_OK ||
	    (meta->length && meta->length != bytes->count) || bin->version != in->version ||
	    !is_signed(in, bin))
		return refuse(name, err);
	for (i = 0; i < bin->entry_count; i += KEY_BATCH) {
		size_t count = bin->entry_count - i < KEY_BATCH ? bin->entry_count - i : KEY_BATCH;

		STP_TRY(add_batch(recover, worker, name, bin_index, bin->entries + i, count, err));
	}
	stp_progress_add(in->progress, 1, bytes->count);
	return STP_OK;
}

/* The bins of the last run have its version, as the snapshot has; retired names, and those of
 * foreign roles that look like bins, have others (run/import/). */
static int is_live_bin(const struct stp_recover_in *in, const struct stp_meta *meta)
{
	return meta->version == in->version && stp_bin_role_is(meta->name);
}

static enum stp_errc recover_worker(void *ctx, size_t worker, struct stp_err *err)
{
	struct recover *recover = ctx;
	const struct stp_meta_list *list = recover->in->meta;
	struct stp_bin_file bin;
	struct stp_buf bytes = STP_BUF_INIT;
	enum stp_errc code = STP_OK;

	stp_bin_file_init(&bin);
	while (code == STP_OK) {
		size_t at = atomic_fetch_add_explicit(&recover->next, 1, memory_order_relaxed);

		if (at >= list->count)
			break;
		if (stp_cancelled(recover->in->cancel))
			code = STP_FAIL(err, STP_CANCELLED, "recover", NULL, "stopped");
		else if (is_live_bin(recover->in, &list->items[at]))
			code = read_bin(recover, worker, &list->items[at], &bin, &bytes, err);
	}
	stp_bin_file_release(&bin);
	stp_buf_release(&bytes);
	return code;
}

/* Finds how many leading bits of a key chose the bin: the last run signed all bins, 2 to that
 * power. */
static enum stp_errc count_bits(const struct stp_recover_in *in, unsigned *out_bits,
                                struct stp_err *err)
{
	const struct stp_meta_list *list = in->meta;
	size_t bins = 0;
	size_t i;

	for (i = 0; i < list->count; i++)
		bins += is_live_bin(in, &list->items[i]);
	if (bins < 2 || (bins & (bins - 1)) || bins > (size_t)1 << STP_BIN_BITS_MAX)
		return STP_FAIL(
		    err, STP_REFUSED, "recover", "public/metadata",
		    "the snapshot lists %zu bins of the last run, and the ledger cannot "
		    "be relied on; restore state/ from a backup",
		    bins);
	*out_bits = (unsigned)__builtin_ctzll(bins);
	return STP_OK;
}

enum stp_errc stp_recover(const struct stp_recover_in *in, struct stp_recovered *out,
                          struct stp_err *err)
{
	struct recover recover = {.in = in};
	size_t worker_count = in->jobs ? in->jobs : 1;
	struct stp_run_options options = {
	    .spill_fd = in->spill_fd,
	    .hash_set = in->hash_set,
	    .budget_bytes = RECOVER_BUDGET_BYTES / worker_count,
	    .cancel = in->cancel,
	};
	enum stp_errc code = STP_OK;
	size_t i;

	if (options.budget_bytes < STP_RUN_BUDGET_MIN)
		options.budget_bytes = STP_RUN_BUDGET_MIN;
	STP_TRY(count_bits(in, &recover.bin_bits, err));
	stp_progress_stage(in->progress, "recover", in->meta->count, 0);
	recover.builders = calloc(worker_count, sizeof(struct stp_run_builder *));
	if (!recover.builders)
		return STP_FAIL_ERRNO(err, ENOMEM, "recover", NULL, "no memory for the workers");
	for (i = 0; i < worker_count && code == STP_OK; i++)
		code = stp_run_create(&options, &recover.builders[i], err);
	if (code == STP_OK)
		code =
		    stp_workers_run(in->jobs, "recover", recover_worker, &recover, in->cancel, err);
	for (i = 0; i < worker_count; i++) {
		if (code == STP_OK)
			code = stp_run_finish(recover.builders[i], &out->published, err);
		if (recover.builders[i])
			stp_run_destroy(recover.builders[i]);
	}
	free(recover.builders);
	out->has_published = code == STP_OK;
	return code;
}

void stp_recovered_release(struct stp_recovered *recovered)
{
	stp_sources_release(&recovered->published);
	recovered->has_published = 0;
}

/* A ledger that is intact and one run behind, because a run died between its two commits, lacks no
 * removed path: it still has what that run removed. */
void stp_recover_note(const struct stp_ledger *ledger, const struct stp_fault_list *damage,
                      uint64_t published, struct stp_fault_list *notes)
{
	int is_lost =
	    stp_ledger_generation(ledger) == 0 || stp_ledger_refused_count(ledger) || damage->total;

	if (!is_lost && stp_ledger_summary(ledger)->run_version + 1 >= published)
		return;
	stp_fault_add(notes, STP_CHANGED, 0, "recover", "state/ledger", strlen("state/ledger"),
	              "%s, so the published bins say what was signed last; %s: one that comes back "
	              "with other bytes raises no alarm",
	              is_lost ? "is lost or damaged" : "is older than what is published",
	              is_lost ? "paths that were removed before may be forgotten"
	                      : "paths that were removed since are not known");
}
