/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/half.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "verify/bins.h"
#include "verify/published.h"

static enum stp_errc half_reserve(struct stp_half *half, size_t bins, struct stp_err *err)
{
	size_t file_capacity = half->bin_capacity;
	size_t bin_capacity = half->bin_capacity;

	if (!STP_ARRAY_RESERVE(half->files, file_capacity, bins) ||
	    !STP_ARRAY_RESERVE(half->bins, bin_capacity, bins))
		return STP_FAIL_ERRNO(err, ENOMEM, "verify", "", "cannot compare");
	for (; half->bin_capacity < bin_capacity; half->bin_capacity++) {
		half->files[half->bin_capacity] = (struct stp_buf)STP_BUF_INIT;
		stp_bin_file_init(&half->bins[half->bin_capacity]);
	}
	return STP_OK;
}

void stp_half_release(struct stp_half *half)
{
	size_t i;

	for (i = 0; i < half->bin_capacity; i++) {
		stp_buf_release(&half->files[i]);
		stp_bin_file_release(&half->bins[i]);
	}
	free(half->files);
	free(half->bins);
	free(half->entries);
}

enum stp_errc stp_half_read(struct stp_half *half, const struct stp_side *side, size_t begin,
                            size_t end, struct stp_err *err)
{
	size_t i;

	STP_TRY(half_reserve(half, end - begin, err));
	for (i = begin; i < end; i++) {
		const struct stp_chain_bin *bin = &side->tree.bin_items[i];
		char name[256];
		int there;

		if (!bin->listed)
			return STP_FAIL(err, STP_FORMAT, "verify", bin->role,
			                "is not in the snapshot of %s", side->name);
		stp_bin_file_name(bin, name, sizeof(name));
		STP_TRY(stp_published_read(side->folder.fd, name, STP_BIN_FILE_BYTES_MAX,
		                           &half->files[i - begin], NULL, &there, err));
		if (!there)
			return STP_FAIL(err, STP_FORMAT, "verify", name,
			                "is not in %s; gc may have removed it", side->folder.path);
	}
	return STP_OK;
}

int stp_bin_entry_compare(const void *a, const void *b)
{
	const struct stp_bin_entry *x = a, *y = b;
	size_t count = x->path_bytes < y->path_bytes ? x->path_bytes : y->path_bytes;
	int order = memcmp(x->path, y->path, count);

	if (order)
		return order;
	return x->path_bytes < y->path_bytes ? -1 : x->path_bytes > y->path_bytes;
}

/* Joins the entries of several bins in one sorted array. */
static enum stp_errc half_join(struct stp_half *half, size_t bins, struct stp_err *err)
{
	size_t count = 0;
	size_t i;

	for (i = 0; i < bins; i++)
		count += half->bins[i].entry_count;
	if (!STP_ARRAY_RESERVE(half->entries, half->entry_capacity, count))
		return STP_FAIL_ERRNO(err, ENOMEM, "verify", "", "cannot compare");
	half->count = 0;
	for (i = 0; i < bins; i++) {
		if (half->bins[i].entry_count)
			memcpy(half->entries + half->count, half->bins[i].entries,
			       half->bins[i].entry_count * sizeof(*half->entries));
		half->count += half->bins[i].entry_count;
	}
	if (half->count)
		qsort(half->entries, half->count, sizeof(*half->entries), stp_bin_entry_compare);
	half->items = half->entries;
	return STP_OK;
}

enum stp_errc stp_half_parse(struct stp_half *half, const struct stp_side *side, size_t begin,
                             size_t end, struct stp_err *err)
{
	size_t i;

	half->hash_set = 0;
	for (i = 0; i < end - begin; i++) {
		const char *role = side->tree.bin_items[begin + i].role;
		struct stp_bin_file *bin = &half->bins[i];
		enum stp_bin_file_state state =
		    stp_bin_file_parse(bin, half->files[i].data, half->files[i].count);

		if (state == STP_BIN_FILE_NO_MEMORY)
			return STP_FAIL_ERRNO(err, ENOMEM, "verify", role, "cannot compare");
		if (state != STP_BIN_FILE_OK)
			return STP_FAIL(err, STP_FORMAT, "verify", role,
			                "of %s is not a bin in canonical form; run verify on it",
			                side->name);
		if (half->hash_set && bin->hash_set && bin->hash_set != half->hash_set)
			return STP_FAIL(err, STP_FORMAT, "verify", role,
			                "of %s has other hash algorithms than the bin before it",
			                side->name);
		half->hash_set |= bin->hash_set;
	}
	if (end - begin > 1)
		return half_join(half, end - begin, err);
	half->items = half->bins[0].entries;
	half->count = half->bins[0].entry_count;
	return STP_OK;
}

int stp_half_targets(struct stp_half *half, const char **out_text, size_t *out_count)
{
	const char *begin = (const char *)half->files[0].data;
	const char *at = begin + half->files[0].count;

	if (stp_bin_file_head(&half->bins[0], begin, half->files[0].count) != STP_BIN_FILE_OK)
		return 0;
	if (half->files[0].count < 3 || memcmp(at - 2, "}}", 2) != 0)
		return 0;
	at -= 2;
	while (at > half->bins[0].targets && at[-1] >= '0' && at[-1] <= '9')
		at--;
	*out_text = half->bins[0].targets;
	*out_count = (size_t)(at - half->bins[0].targets);
	return 1;
}
