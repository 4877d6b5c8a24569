/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/file.h"
#include "base/text.h"

/* Reads a number up to the next dot; the text behind the dot, or NULL. */
static const char *number_then_dot(const char *text, uint64_t *out)
{
	const char *dot = strchr(text, '.');

	if (!dot || !stp_u64_parse(text, (size_t)(dot - text), out))
		return NULL;
	return dot + 1;
}

/* Parses name; 0 when it does not belong to the ledger. */
static int parse_name(const char *name, struct stp_ledger_file *file)
{
	const char *rest;

	if (strlen(name) > STP_SEGMENT_NAME_MAX)
		return 0;
	memset(file, 0, sizeof(*file));
	snprintf(file->name, sizeof(file->name), "%s", name);
	file->kind = STP_LEDGER_LEFTOVER;
	if (stp_temporary_is(name))
		return 1;
	rest = number_then_dot(name, &file->number);
	if (!rest)
		return 0;
	if (strcmp(rest, "manifest") == 0) {
		file->kind = STP_LEDGER_MANIFEST;
		return 1;
	}
	if (strcmp(rest, "base.segment") == 0 || strcmp(rest, "delta.segment") == 0) {
		file->kind = STP_LEDGER_SEGMENT;
		return 1;
	}
	rest = number_then_dot(rest, &file->level);
	file->kind = STP_LEDGER_CHECKPOINT;
	return rest && strcmp(rest, "checkpoint.segment") == 0;
}

static int compare(const void *a, const void *b)
{
	const struct stp_ledger_file *x = a;
	const struct stp_ledger_file *y = b;

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	if (x->number != y->number)
		return x->number > y->number ? -1 : 1;
	if (x->level != y->level)
		return x->level > y->level ? -1 : 1;
	return strcmp(x->name, y->name);
}

static enum stp_errc add_name(void *ctx, int folder_fd, const char *name, struct stp_err *err)
{
	struct stp_ledger_folder *folder = ctx;
	struct stp_ledger_file file;

	(void)folder_fd;
	if (!parse_name(name, &file))
		return STP_OK;
	if (!STP_ARRAY_RESERVE(folder->items, folder->capacity, folder->count + 1))
		return STP_FAIL_ERRNO(err, ENOMEM, "ledger", NULL, "no memory to list the folder");
	folder->items[folder->count++] = file;
	return STP_OK;
}

enum stp_errc stp_ledger_folder_list(int folder_fd, struct stp_ledger_folder *out_folder,
                                     struct stp_err *err)
{
	struct stp_ledger_folder folder = {0};
	enum stp_errc code =
	    stp_folder_each(folder_fd, "ledger", "state/ledger", add_name, &folder, err);

	if (code != STP_OK) {
		stp_ledger_folder_release(&folder);
		return code;
	}
	if (folder.count)
		qsort(folder.items, folder.count, sizeof(*folder.items), compare);
	*out_folder = folder;
	return STP_OK;
}

void stp_ledger_folder_release(struct stp_ledger_folder *folder)
{
	free(folder->items);
	memset(folder, 0, sizeof(*folder));
}
