/* SPDX-License-Identifier: Apache-2.0 */
#include "run/past.h"

#include <string.h>

#include "base/bytes.h"
#include "hash/hash.h"
#include "verify/bins.h"
#include "verify/published.h"

/* How many earlier roots may have signed a snapshot that is kept: gc keeps the snapshots of a few
 * days. */
#define ROOTS_TRIED_MAX 16

/* Loads snapshot version under the newest root, or under root_last (0: the newest). */
static enum stp_errc load(struct stp_past *past, int folder_fd,
                          const struct stp_chain_pin pins[STP_CHAIN_PINS], uint64_t version,
                          uint64_t root_last, int *out_good, struct stp_err *err)
{
	struct stp_chain_options options = {
	    .folder_fd = folder_fd,
	    .root_fd = folder_fd,
	    .timestamp_name = "timestamp.json",
	    .timestamp_fd = folder_fd,
	    .root_version_last = root_last,
	    .snapshot_version = version,
	};
	enum stp_errc code;

	memset(past, 0, sizeof(*past));
	if (!root_last)
		memcpy(options.pinned, pins, sizeof(options.pinned));
	stp_finding_list_init(&past->findings);
	stp_bin_file_init(&past->bin);
	past->bin_index = UINT32_MAX;
	code = stp_chain_load(&past->tree, &options, &past->findings, err);
	*out_good = code == STP_OK && past->tree.has_snapshot && past->tree.bin_count &&
	            stp_finding_total(&past->findings, STP_SEVERITY_ERROR) == 0;
	return code;
}

enum stp_errc stp_past_open(struct stp_past *past, int folder_fd,
                            const struct stp_chain_pin pins[STP_CHAIN_PINS], uint64_t version,
                            int *out_good, struct stp_err *err)
{
	return load(past, folder_fd, pins, version, 0, out_good, err);
}

enum stp_errc stp_past_open_of_its_time(struct stp_past *past, int folder_fd,
                                        const struct stp_chain_pin pins[STP_CHAIN_PINS],
                                        uint64_t version, int *out_good, struct stp_err *err)
{
	enum stp_errc code = load(past, folder_fd, pins, version, 0, out_good, err);
	uint64_t root = past->tree.has_root ? past->tree.root.doc.version : 0;
	unsigned tries;

	for (tries = 0; code == STP_OK && !*out_good && root > 1 && tries < ROOTS_TRIED_MAX;
	     tries++) {
		stp_past_release(past);
		code = load(past, folder_fd, pins, version, --root, out_good, err);
	}
	return code;
}

void stp_past_release(struct stp_past *past)
{
	stp_chain_release(&past->tree);
	stp_finding_list_release(&past->findings);
	stp_bin_file_release(&past->bin);
	stp_buf_release(&past->file);
}

static int is_repeated(const struct stp_bin_file *bin, size_t index)
{
	const struct stp_bin_signature *s = &bin->signatures[index];
	size_t i;

	for (i = 0; i < index; i++)
		if (bin->signatures[i].keyid_chars == s->keyid_chars &&
		    memcmp(bin->signatures[i].keyid, s->keyid, s->keyid_chars) == 0)
			return 1;
	return 0;
}

/* Whether a threshold of the role's keys signed the bin that was parsed. */
static int is_signed(const struct stp_past *past, const struct stp_chain_bin *item)
{
	const struct stp_role *role = &past->tree.bin_roles[item->role_index];
	const struct stp_bin_file *bin = &past->bin;
	uint64_t good = 0;
	size_t i;

	for (i = 0; i < bin->signature_count; i++) {
		const struct stp_bin_signature *s = &bin->signatures[i];
		const struct stp_public_key *key = stp_role_key(role, s->keyid, s->keyid_chars);

		if (key && !is_repeated(bin, i))
			good += stp_signature_check(key, (const uint8_t *)bin->body,
			                            bin->body_bytes, s->sig, s->sig_chars,
			                            STP_LIBRARIES_BOTH) == STP_SIGNATURE_GOOD;
	}
	return good >= role->threshold;
}

/* Reads bin index and checks it against the snapshot and its role. */
static enum stp_errc read_bin(struct stp_past *past, uint32_t index, struct stp_err *err)
{
	const struct stp_chain_bin *item = &past->tree.bin_items[index];
	uint64_t before = stp_finding_total(&past->findings, STP_SEVERITY_ERROR);
	char name[256];
	int there;

	past->bin_index = index;
	past->bin_good = 0;
	if (!item->listed)
		return STP_OK;
	stp_bin_file_name(item, name, sizeof(name));
	STP_TRY(stp_published_read(past->tree.folder_fd, name, STP_BIN_FILE_BYTES_MAX, &past->file,
	                           &past->findings, &there, err));
	if (!there)
		return STP_OK;
	stp_listed_check(&past->findings, name, item->listed, &past->file);
	switch (stp_bin_file_parse(&past->bin, past->file.data, past->file.count)) {
	case STP_BIN_FILE_NO_MEMORY:
		return STP_FAIL_ERRNO(err, ENOMEM, "verify", name, "cannot parse");
	case STP_BIN_FILE_OTHER:
		return STP_OK;
	default:
		break;
	}
	past->bin_good = past->bin.version == item->listed->version && is_signed(past, item) &&
	                 stp_finding_total(&past->findings, STP_SEVERITY_ERROR) == before;
	return STP_OK;
}

/* Entries are sorted by path; paths with escapes are never stampede's. */
static const struct stp_bin_entry *find_entry(const struct stp_bin_file *bin, const char *path,
                                              size_t path_bytes)
{
	size_t low = 0;
	size_t high = bin->entry_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct stp_bin_entry *entry = &bin->entries[middle];
		size_t shared = entry->path_bytes < path_bytes ? entry->path_bytes : path_bytes;
		int order = memcmp(entry->path, path, shared);

		if (order == 0)
			order = (entry->path_bytes > path_bytes) - (entry->path_bytes < path_bytes);
		if (order == 0)
			return entry->escaped ? NULL : entry;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

enum stp_errc stp_past_find(struct stp_past *past, const char *path, size_t path_bytes,
                            struct stp_past_target *out_target, int *out_good, struct stp_err *err)
{
	uint8_t key[32];
	uint32_t index;

	memset(out_target, 0, sizeof(*out_target));
	*out_good = 0;
	stp_hash_one(STP_ALG_SHA256, path, path_bytes, key);
	index = stp_chain_bin_of(&past->tree, stp_load64_be(key));
	if (index >= past->tree.bin_count)
		return STP_OK;
	if (index != past->bin_index)
		STP_TRY(read_bin(past, index, err));
	out_target->bin = &past->tree.bin_items[index];
	*out_good = past->bin_good;
	if (past->bin_good)
		out_target->entry = find_entry(&past->bin, path, path_bytes);
	return STP_OK;
}
