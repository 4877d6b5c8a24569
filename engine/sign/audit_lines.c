/* SPDX-License-Identifier: Apache-2.0 */
#include "sign/audit_lines.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"

#define STAGE "audit"
/* A line has a time, a role, a version and a digest: sign/audit.h. */
#define LINE_BYTES_MAX (STP_NAME_BYTES_MAX + 160)
#define CHUNK_BYTES    ((size_t)1 << 20)

/* ---------------------------------------------------------------- lines */

/* Reads "TIME ROLE VERSION DIGEST" without its newline. */
static int parse_line(const char *text, size_t count, struct stp_audit_line *out)
{
	struct stp_err ignored = STP_ERR_INIT;
	const char *end = text + count;
	const char *version;
	const char *digest;

	if (count < STP_TIME_BYTES + 1 || text[STP_TIME_BYTES] != ' ' ||
	    stp_time_parse(text, STP_TIME_BYTES, &out->at, &ignored) != STP_OK)
		return 0;
	out->role = text + STP_TIME_BYTES + 1;
	version = memchr(out->role, ' ', (size_t)(end - out->role));
	if (!version || version == out->role)
		return 0;
	out->role_bytes = (size_t)(version - out->role);
	version++;
	digest = memchr(version, ' ', (size_t)(end - version));
	if (!digest || out->role_bytes > STP_NAME_BYTES_MAX ||
	    !stp_u64_parse(version, (size_t)(digest - version), &out->version))
		return 0;
	digest++;
	return (size_t)(end - digest) == 2 * (size_t)STP_COVERED_BYTES &&
	       stp_hex_decode(digest, STP_COVERED_BYTES, out->covered, 0);
}

struct reader {
	int fd;
	char *chunk;
	size_t used; /* bytes of a line that is not complete */
	int skips;   /* in the middle of a line that is too long */
	stp_audit_line_fn *fn;
	void *ctx;
	uint64_t malformed;
};

/* Passes on one line, without its newline. */
static enum stp_errc take_line(struct reader *reader, const char *text, size_t count,
                               struct stp_err *err)
{
	struct stp_audit_line line;

	if (reader->skips) {
		reader->skips = 0;
		reader->malformed++;
		return STP_OK;
	}
	if (count == 0)
		return STP_OK;
	if (!parse_line(text, count, &line)) {
		reader->malformed++;
		return STP_OK;
	}
	return reader->fn(reader->ctx, &line, err);
}

/* Passes on all whole lines of the chunk and moves the rest to its start. */
static enum stp_errc take_chunk(struct reader *reader, struct stp_err *err)
{
	const char *begin = reader->chunk;
	const char *end;

	while ((end = memchr(begin, '\n', reader->used - (size_t)(begin - reader->chunk)))) {
		STP_TRY(take_line(reader, begin, (size_t)(end - begin), err));
		begin = end + 1;
	}
	reader->used -= (size_t)(begin - reader->chunk);
	if (reader->used > LINE_BYTES_MAX) {
		reader->skips = 1;
		reader->used = 0;
	}
	memmove(reader->chunk, begin, reader->used);
	return STP_OK;
}

static enum stp_errc read_all(struct reader *reader, struct stp_err *err)
{
	for (;;) {
		ssize_t got = read(reader->fd, reader->chunk + reader->used,
		                   LINE_BYTES_MAX + CHUNK_BYTES - reader->used);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return STP_FAIL_SYS(err, STAGE, STP_AUDIT_FILE, "cannot read");
		if (got == 0)
			break;
		reader->used += (size_t)got;
		STP_TRY(take_chunk(reader, err));
	}
	/* What a crash cut short is not a line. */
	reader->malformed += reader->used || reader->skips;
	return STP_OK;
}

enum stp_errc stp_audit_each(int folder_fd, const char *name, stp_audit_line_fn *fn, void *ctx,
                             uint64_t *out_malformed, struct stp_err *err)
{
	struct reader reader = {.fd = -1, .fn = fn, .ctx = ctx};
	enum stp_errc code;

	STP_TRY(stp_file_open(folder_fd, name, STAGE, &reader.fd, NULL, err));
	reader.chunk = malloc(LINE_BYTES_MAX + CHUNK_BYTES);
	code = reader.chunk ? read_all(&reader, err)
	                    : STP_FAIL_ERRNO(err, ENOMEM, STAGE, STP_AUDIT_FILE, "cannot read");
	free(reader.chunk);
	stp_fd_close(&reader.fd);
	*out_malformed = reader.malformed;
	return code;
}

/* ---------------------------------------------------------------- the set */

static uint64_t keyed(const struct stp_audit_lines *lines, const void *bytes, size_t count)
{
	uint64_t hash;

	_Static_assert(sizeof(hash) == crypto_shorthash_BYTES, "SipHash-2-4 has 64 bits");
	crypto_shorthash((unsigned char *)&hash, bytes, count, lines->key);
	return hash;
}

static struct stp_audit_entry entry_of(const struct stp_audit_lines *lines,
                                       const struct stp_audit_line *line)
{
	char name[STP_NAME_BYTES_MAX + sizeof(line->version)];
	struct stp_audit_entry entry;

	memcpy(name, &line->version, sizeof(line->version));
	memcpy(name + sizeof(line->version), line->role, line->role_bytes);
	entry.covered = keyed(lines, line->covered, sizeof(line->covered));
	entry.name = keyed(lines, name, sizeof(line->version) + line->role_bytes);
	return entry;
}

static enum stp_errc add_line(void *ctx, const struct stp_audit_line *line, struct stp_err *err)
{
	struct stp_audit_lines *lines = ctx;

	if (!STP_ARRAY_RESERVE(lines->items, lines->capacity, lines->count + 1))
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, STP_AUDIT_FILE, "cannot keep %zu lines",
		                      lines->count);
	if (lines->count == 0)
		lines->first_at = line->at;
	else if (line->at < lines->last_at)
		lines->backwards++;
	lines->last_at = line->at;
	lines->items[lines->count++] = entry_of(lines, line);
	return STP_OK;
}

static int by_value(const void *a, const void *b)
{
	const struct stp_audit_entry *x = a;
	const struct stp_audit_entry *y = b;

	if (x->covered != y->covered)
		return x->covered < y->covered ? -1 : 1;
	return x->name < y->name ? -1 : x->name > y->name;
}

enum stp_errc stp_audit_lines_load(struct stp_audit_lines *lines, int folder_fd, const char *name,
                                   struct stp_err *err)
{
	struct stp_err why = STP_ERR_INIT;

	memset(lines, 0, sizeof(*lines));
	randombytes_buf(lines->key, sizeof(lines->key));
	if (stp_audit_each(folder_fd, name, add_line, lines, &lines->malformed, &why) != STP_OK) {
		if (why.sys_errno == ENOENT)
			return STP_OK;
		stp_err_merge(err, &why);
		return why.code;
	}
	if (!lines->count)
		return STP_OK;
	qsort(lines->items, lines->count, sizeof(*lines->items), by_value);
	lines->marks = calloc(lines->count / 8 + 1, 1);
	return lines->marks ? STP_OK
	                    : STP_FAIL_ERRNO(err, ENOMEM, STAGE, STP_AUDIT_FILE,
	                                     "cannot keep %zu lines", lines->count);
}

void stp_audit_lines_release(struct stp_audit_lines *lines)
{
	free(lines->items);
	free(lines->marks);
	memset(lines, 0, sizeof(*lines));
}

/* The index of the first item that is not below entry. */
static size_t lower_bound(const struct stp_audit_lines *lines, const struct stp_audit_entry *entry)
{
	size_t low = 0;
	size_t high = lines->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (by_value(&lines->items[middle], entry) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The index of line's own entry, or lines->count. */
static size_t index_of(const struct stp_audit_lines *lines, const struct stp_audit_line *line)
{
	struct stp_audit_entry entry = entry_of(lines, line);
	size_t at = lower_bound(lines, &entry);

	return at < lines->count && by_value(&lines->items[at], &entry) == 0 ? at : lines->count;
}

enum stp_audit_answer stp_audit_lines_find(const struct stp_audit_lines *lines,
                                           const struct stp_audit_line *line)
{
	struct stp_audit_entry entry = entry_of(lines, line);
	size_t at = lower_bound(lines, &entry);

	if (at < lines->count && by_value(&lines->items[at], &entry) == 0)
		return STP_AUDIT_RECORDED;
	entry.name = 0;
	at = lower_bound(lines, &entry);
	return at < lines->count && lines->items[at].covered == entry.covered ? STP_AUDIT_OTHER_NAME
	                                                                      : STP_AUDIT_UNKNOWN;
}

void stp_audit_lines_mark(struct stp_audit_lines *lines, const struct stp_audit_line *line)
{
	size_t at = index_of(lines, line);

	if (at < lines->count)
		lines->marks[at / 8] |= (uint8_t)(1u << at % 8);
}

int stp_audit_lines_is_marked(const struct stp_audit_lines *lines,
                              const struct stp_audit_line *line)
{
	size_t at = index_of(lines, line);

	return at < lines->count && lines->marks[at / 8] >> at % 8 & 1;
}
