/* SPDX-License-Identifier: Apache-2.0 */
#include "run/rotate/horizon.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/limits.h"
#include "verify/document.h"

#define STAGE "rotate"

/* ---------------------------------------------------------------- horizon */

/* Raises *expires to that of N.ROLE.json, if there is such a file and it can be read. Its
 * signatures do not matter: at worst the horizon is too far. */
static enum stp_errc raise_to(int metadata_fd, const char *role, uint64_t version,
                              const struct stp_document_rule *rule, int64_t *expires,
                              struct stp_err *err)
{
	struct stp_finding_list findings;
	struct stp_document doc;
	enum stp_errc code;
	char name[64];
	int usable;

	snprintf(name, sizeof(name), "%" PRIu64 ".%s.json", version, role);
	stp_finding_list_init(&findings);
	code = stp_document_read(&doc, metadata_fd, name, rule, &findings, &usable, err);
	if (code == STP_OK && usable && doc.expires > *expires)
		*expires = doc.expires;
	stp_document_release(&doc);
	stp_finding_list_release(&findings);
	return code;
}

/* The latest expiry of role's versions up to newest, of which so many are looked at. */
static enum stp_errc latest(int metadata_fd, const char *role, const struct stp_document *newest,
                            const struct stp_document_rule *rule, int64_t *out, struct stp_err *err)
{
	uint64_t lowest =
	    newest->version > STP_ROOT_STEPS_MAX ? newest->version - STP_ROOT_STEPS_MAX : 1;

	*out = newest->expires;
	for (uint64_t version = lowest; version < newest->version; version++)
		STP_TRY(raise_to(metadata_fd, role, version, rule, out, err));
	return STP_OK;
}

enum stp_errc stp_horizon_find(const struct stp_trust *trust, int metadata_fd,
                               struct stp_horizon *out, struct stp_err *err)
{
	memset(out, 0, sizeof(*out));
	out->root_version = trust->root.doc.version;
	STP_TRY(
	    latest(metadata_fd, "root", &trust->root.doc, &stp_rule_root, &out->root_expires, err));
	STP_TRY(latest(metadata_fd, "targets", &trust->targets, &stp_rule_targets,
	               &out->targets_expires, err));
	if (trust->has_bins)
		STP_TRY(latest(metadata_fd, "bins", &trust->bins, &stp_rule_targets,
		               &out->bins_expires, err));
	out->until = out->root_expires;
	if (out->targets_expires < out->until)
		out->until = out->targets_expires;
	if (trust->has_bins && out->bins_expires < out->until)
		out->until = out->bins_expires;
	return STP_OK;
}

/* ---------------------------------------------------------------- purge list */

static int is_plain(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       strchr("-._~", c) != NULL;
}

/* A line for the file called name, escaped; free() it. */
static char *line_of(const char *name)
{
	static const char folder[] = "metadata/";
	size_t count = strlen(name);
	char *line = malloc(sizeof(folder) + 3 * count);
	size_t used = sizeof(folder) - 1;

	if (!line)
		return NULL;
	memcpy(line, folder, used);
	for (size_t i = 0; i < count; i++) {
		unsigned char c = (unsigned char)name[i];

		if (is_plain(c))
			line[used++] = (char)c;
		else
			used += (size_t)snprintf(line + used, 4, "%%%02X", c);
	}
	line[used] = '\0';
	return line;
}

/* The name by which clients request a forged file. */
static void forged_name(const struct stp_forgery *forgery, char *out, size_t size)
{
	if (strcmp(forgery->role, "timestamp") == 0)
		snprintf(out, size, "timestamp.json");
	else
		snprintf(out, size, "%" PRIu64 ".%s.json", forgery->version, forgery->role);
}

struct lines {
	char **items;
	size_t count, capacity;
};

static enum stp_errc add_line(struct lines *lines, const char *name, struct stp_err *err)
{
	if (!STP_ARRAY_RESERVE(lines->items, lines->capacity, lines->count + 1))
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, NULL, "no memory for the purge list");
	lines->items[lines->count] = line_of(name);
	if (!lines->items[lines->count])
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, NULL, "no memory for the purge list");
	lines->count++;
	return STP_OK;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static enum stp_errc add_all(struct lines *lines, const struct stp_hunt_report *hunt,
                             uint64_t root_version, struct stp_err *err)
{
	char name[STP_NAME_BYTES_MAX + 64];

	STP_TRY(add_line(lines, "timestamp.json", err));
	snprintf(name, sizeof(name), "%" PRIu64 ".root.json", root_version + 1);
	STP_TRY(add_line(lines, name, err));
	for (size_t i = 0; i < hunt->forgery_count; i++) {
		forged_name(&hunt->forgeries[i], name, sizeof(name));
		STP_TRY(add_line(lines, name, err));
	}
	return STP_OK;
}

enum stp_errc stp_purge_list(const struct stp_hunt_report *hunt, uint64_t root_version,
                             struct stp_buf *out, size_t *out_count, struct stp_err *err)
{
	struct lines lines = {NULL, 0, 0};
	enum stp_errc code = add_all(&lines, hunt, root_version, err);
	const char *before = NULL;

	*out_count = 0;
	if (lines.count)
		qsort(lines.items, lines.count, sizeof(*lines.items), by_text);
	for (size_t i = 0; i < lines.count && code == STP_OK; i++) {
		if (before && strcmp(before, lines.items[i]) == 0)
			continue;
		before = lines.items[i];
		code = stp_buf_append(out, before, strlen(before), err);
		if (code == STP_OK)
			code = stp_buf_append(out, "\n", 1, err);
		++*out_count;
	}
	while (lines.count)
		free(lines.items[--lines.count]);
	free(lines.items);
	return code;
}
