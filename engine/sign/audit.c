/* SPDX-License-Identifier: Apache-2.0 */
#include "sign/audit.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/faultpoint.h"
#include "base/file.h"
#include "base/text.h"
#include "cjson/reader.h"
#include "cjson/writer.h"

/* Bytes of lines kept in memory; beyond, they are written before commit(). */
#define KEPT_BYTES_MAX ((size_t)16 << 20)
#define CHUNK_BYTES    ((size_t)1 << 20)
#define STAGE          "audit"

struct stp_audit {
	int fd;
	pthread_mutex_t lock;
	struct stp_buf lines;
};

/* Ends a line that a crash cut short, so that the next one starts on its own line. */
static enum stp_errc repair_end(int fd, struct stp_buf *lines, struct stp_err *err)
{
	struct stat st;
	char last;

	if (fstat(fd, &st) != 0)
		return STP_FAIL_SYS(err, STAGE, STP_AUDIT_FILE, "cannot stat");
	if (st.st_size == 0)
		return STP_OK;
	STP_TRY(stp_fd_read_at(fd, &last, 1, st.st_size - 1, STAGE, STP_AUDIT_FILE, err));
	return last == '\n' ? STP_OK : stp_buf_append(lines, "\n", 1, err);
}

enum stp_errc stp_audit_open(int state_fd, struct stp_audit **out_audit, struct stp_err *err)
{
	struct stp_audit *audit = calloc(1, sizeof(*audit));
	enum stp_errc code;

	if (!audit)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, STP_AUDIT_FILE, "cannot open");
	pthread_mutex_init(&audit->lock, NULL);
	audit->fd = -1;
	code = stp_file_open_own(state_fd, STP_AUDIT_FILE, O_APPEND, 0600, STAGE, STP_AUDIT_FILE,
	                         &audit->fd, err);
	if (code == STP_OK)
		code = repair_end(audit->fd, &audit->lines, err);
	if (code != STP_OK) {
		stp_audit_close(audit);
		return code;
	}
	*out_audit = audit;
	return STP_OK;
}

/* Appends bytes to the file; O_APPEND puts them at its end. */
static enum stp_errc append_all(int fd, const uint8_t *bytes, size_t count, struct stp_err *err)
{
	STP_FAULT_TRY(err, STAGE, "write", STP_AUDIT_FILE);
	while (count) {
		ssize_t put = write(fd, bytes, STP_FAULT_WRITE_BYTES(count));

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return STP_FAIL_SYS(err, STAGE, STP_AUDIT_FILE, "cannot write");
		bytes += put;
		count -= (size_t)put;
	}
	return STP_OK;
}

struct line {
	const char *text;
	size_t bytes;
};

static int by_text(const void *a, const void *b)
{
	const struct line *x = a;
	const struct line *y = b;
	int order = memcmp(x->text, y->text, x->bytes < y->bytes ? x->bytes : y->bytes);

	return order ? order : (x->bytes > y->bytes) - (x->bytes < y->bytes);
}

/* Copies the lines of text in sorted order to sorted, which is large enough. */
static enum stp_errc sort_lines(const struct stp_buf *text, struct stp_buf *sorted,
                                struct stp_err *err)
{
	size_t count = 0;
	struct line *lines;
	enum stp_errc code = STP_OK;

	for (size_t i = 0; i < text->count; i++)
		count += text->data[i] == '\n';
	lines = malloc((count + 1) * sizeof(*lines));
	if (!lines)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, STP_AUDIT_FILE, "cannot sort %zu lines",
		                      count);
	for (size_t i = 0, at = 0; i < count; i++) {
		const char *begin = (const char *)text->data + at;
		const char *end = memchr(begin, '\n', text->count - at);

		lines[i].text = begin;
		lines[i].bytes = (size_t)(end - begin) + 1;
		at += lines[i].bytes;
	}
	/* A lone newline, which ends a line that was cut short, sorts first. */
	qsort(lines, count, sizeof(*lines), by_text);
	for (size_t i = 0; i < count && code == STP_OK; i++)
		code = stp_buf_append(sorted, lines[i].text, lines[i].bytes, err);
	free(lines);
	return code;
}

/* Writes the lines kept in memory. The lock is held. */
static enum stp_errc write_kept(struct stp_audit *audit, struct stp_err *err)
{
	struct stp_buf sorted = STP_BUF_INIT;
	enum stp_errc code;

	if (audit->lines.count == 0)
		return STP_OK;
	code = sort_lines(&audit->lines, &sorted, err);
	if (code == STP_OK)
		code = append_all(audit->fd, sorted.data, sorted.count, err);
	if (code == STP_OK)
		audit->lines.count = 0;
	stp_buf_release(&sorted);
	return code;
}

void stp_audit_close(struct stp_audit *audit)
{
	if (!audit)
		return;
	/* The run has failed already, and has reported why. */
	if (audit->fd >= 0 && write_kept(audit, NULL) != STP_OK)
		audit->lines.count = 0;
	stp_fd_close(&audit->fd);
	stp_buf_release(&audit->lines);
	pthread_mutex_destroy(&audit->lock);
	free(audit);
}

enum stp_errc stp_audit_add(struct stp_audit *audit, int64_t now_s, const char *role,
                            uint64_t version, const uint8_t covered[32], struct stp_err *err)
{
	char hex[2 * STP_COVERED_BYTES + 1];
	char time[STP_TIME_BYTES + 1];
	char line[STP_NAME_BYTES_MAX + 160];
	size_t role_bytes = strlen(role);
	enum stp_errc code;
	int count;

	if (role_bytes == 0 || role_bytes > STP_NAME_BYTES_MAX || strchr(role, ' ') ||
	    !stp_utf8_is_valid(role, role_bytes))
		return STP_FAIL(err, STP_FORMAT, STAGE, role, "is not the name of a role");
	for (const char *c = role; *c; c++) {
		if ((unsigned char)*c < 0x21 || *c == 0x7f)
			return STP_FAIL(err, STP_FORMAT, STAGE, role, "is not the name of a role");
	}
	stp_time_format(now_s, time);
	stp_hex_encode(covered, STP_COVERED_BYTES, hex);
	hex[2 * STP_COVERED_BYTES] = '\0';
	count = snprintf(line, sizeof(line), "%s %s %llu %s\n", time, role,
	                 (unsigned long long)version, hex);
	pthread_mutex_lock(&audit->lock);
	code = audit->lines.count > KEPT_BYTES_MAX ? write_kept(audit, err) : STP_OK;
	if (code == STP_OK)
		code = stp_buf_append(&audit->lines, line, (size_t)count, err);
	pthread_mutex_unlock(&audit->lock);
	return code;
}

/* One entry of "signatures": its keyid and the signature's bytes; 0 when it is malformed. */
static int read_signature(struct stp_cjson_cursor *c, struct stp_cjson_view *out_keyid,
                          uint8_t signature[STP_SIGNATURE_BYTES_MAX], size_t *out_bytes)
{
	struct stp_cjson_view hex;

	if (!STP_CJSON_EXPECT(c, "{\"keyid\":") || !stp_cjson_take_string(c, out_keyid) ||
	    !STP_CJSON_EXPECT(c, ",\"sig\":") || !stp_cjson_take_string(c, &hex) ||
	    !STP_CJSON_EXPECT(c, "}"))
		return 0;
	*out_bytes = hex.bytes / 2;
	return hex.bytes % 2 == 0 && *out_bytes <= STP_SIGNATURE_BYTES_MAX &&
	       stp_hex_decode(hex.text, *out_bytes, signature, 0);
}

/* The signature of signer's key in a sealed document, and the document's body; 0 when it holds
 * none. */
static int find_signature(const struct stp_sealed *sealed, const struct stp_signer *signer,
                          uint8_t found[STP_SIGNATURE_BYTES_MAX], const uint8_t **out_body,
                          size_t *out_body_bytes)
{
	uint8_t signature[STP_SIGNATURE_BYTES_MAX];
	struct stp_cjson_cursor c;
	struct stp_cjson_view keyid;
	size_t found_bytes = 0;
	size_t bytes;

	stp_cjson_cursor_init(&c, sealed->bytes, sealed->length);
	if (!STP_CJSON_EXPECT(&c, "{\"signatures\":["))
		return 0;
	do {
		if (!read_signature(&c, &keyid, signature, &bytes))
			return 0;
		if (!stp_cjson_view_is(&keyid, signer->object.keyid))
			continue;
		memcpy(found, signature, bytes);
		found_bytes = bytes;
	} while (STP_CJSON_EXPECT(&c, ","));
	return found_bytes >= signer->object.scheme->signature_bytes_min &&
	       STP_CJSON_EXPECT(&c, "],\"signed\":") &&
	       stp_cjson_take_value(&c, out_body, out_body_bytes);
}

enum stp_errc stp_audit_add_sealed(struct stp_audit *audit, int64_t now_s, const char *role,
                                   const struct stp_sealed *sealed, const struct stp_signer *signer,
                                   struct stp_err *err)
{
	uint8_t signature[STP_SIGNATURE_BYTES_MAX];
	uint8_t covered[STP_COVERED_BYTES];
	const uint8_t *body;
	size_t body_bytes;

	if (!find_signature(sealed, signer, signature, &body, &body_bytes))
		return STP_FAIL(err, STP_FORMAT, STAGE, sealed->name,
		                "holds no signature of the online key");
	stp_signer_covered(signer, body, body_bytes, signature, covered);
	return stp_audit_add(audit, now_s, role, sealed->version, covered, err);
}

enum stp_errc stp_audit_commit(struct stp_audit *audit, struct stp_err *err)
{
	enum stp_errc code;

	pthread_mutex_lock(&audit->lock);
	code = write_kept(audit, err);
	if (code == STP_OK && fdatasync(audit->fd) != 0)
		code = STP_FAIL_SYS(err, STAGE, STP_AUDIT_FILE, "cannot make it durable");
	pthread_mutex_unlock(&audit->lock);
	return code;
}

/* ---------------------------------------------------------------- retention */

/* Finds where the lines to keep begin: the log is in the order of time, so all lines from the first
 * one that is young enough are kept. Counts the lines before it. */
static enum stp_errc find_first_kept(int fd, off_t size, const char *keep_from, off_t *out_offset,
                                     size_t *out_dropped, struct stp_err *err)
{
	size_t chunk_bytes = CHUNK_BYTES;
	char *chunk = malloc(chunk_bytes);
	enum stp_errc code = STP_OK;
	size_t dropped = 0;
	off_t at = 0;

	if (!chunk)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, STP_AUDIT_FILE, "cannot read");
	while (code == STP_OK && at < size) {
		size_t count = size - at < (off_t)chunk_bytes ? (size_t)(size - at) : chunk_bytes;
		const char *begin = chunk;
		const char *end;

		code = stp_fd_read_at(fd, chunk, count, at, STAGE, STP_AUDIT_FILE, err);
		if (code != STP_OK)
			break;
		/* Whole lines of this chunk that are too old. */
		while ((end = memchr(begin, '\n', count - (size_t)(begin - chunk))) != NULL &&
		       (end - begin < STP_TIME_BYTES ||
		        memcmp(begin, keep_from, STP_TIME_BYTES) < 0)) {
			dropped++;
			begin = end + 1;
		}
		at += begin - chunk;
		/* A young line, an incomplete one at the end, or one that is too long: stop. */
		if (end || begin == chunk)
			break;
	}
	free(chunk);
	if (code == STP_OK) {
		*out_offset = at;
		*out_dropped = dropped;
	}
	return code;
}

/* Copies [offset, size) of the log to the fresh file to_fd. */
static enum stp_errc copy_rest(int from_fd, off_t offset, off_t size, int to_fd,
                               struct stp_err *err)
{
	uint8_t *chunk = malloc(CHUNK_BYTES);
	enum stp_errc code = STP_OK;

	if (!chunk)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, STP_AUDIT_FILE, "cannot copy");
	while (code == STP_OK && offset < size) {
		size_t count =
		    size - offset < (off_t)CHUNK_BYTES ? (size_t)(size - offset) : CHUNK_BYTES;

		code = stp_fd_read_at(from_fd, chunk, count, offset, STAGE, STP_AUDIT_FILE, err);
		if (code == STP_OK)
			code = append_all(to_fd, chunk, count, err);
		offset += (off_t)count;
	}
	free(chunk);
	return code;
}

/* Replaces the log by its part [offset, size), durably. */
static enum stp_errc replace_log(int state_fd, int log_fd, off_t offset, off_t size,
                                 struct stp_err *err)
{
	char temporary[STP_TEMPORARY_BYTES];
	enum stp_errc code;
	int fd;

	STP_TRY(stp_temporary_create(state_fd, O_WRONLY, 0600, STAGE, STP_AUDIT_FILE, temporary,
	                             &fd, err));
	code = copy_rest(log_fd, offset, size, fd, err);
	if (code == STP_OK)
		code = stp_fd_sync(fd, STAGE, STP_AUDIT_FILE, err);
	stp_fd_close(&fd);
	if (code == STP_OK && renameat(state_fd, temporary, state_fd, STP_AUDIT_FILE) != 0)
		code = STP_FAIL_SYS(err, STAGE, STP_AUDIT_FILE, "cannot put in place");
	if (code == STP_OK)
		return stp_fd_sync(state_fd, STAGE, STP_AUDIT_FILE, err);
	unlinkat(state_fd, temporary, 0);
	return code;
}

enum stp_errc stp_audit_prune(int state_fd, int64_t keep_from_s, size_t *out_dropped,
                              struct stp_err *err)
{
	char keep_from[STP_TIME_BYTES + 1];
	struct stp_err why = STP_ERR_INIT;
	struct stat st;
	off_t offset = 0;
	size_t dropped = 0;
	int fd = -1;
	enum stp_errc code = stp_file_open(state_fd, STP_AUDIT_FILE, STAGE, &fd, &st, &why);

	if (code != STP_OK && why.sys_errno == ENOENT) {
		*out_dropped = 0;
		return STP_OK;
	}
	if (code != STP_OK)
		stp_err_merge(err, &why);
	stp_time_format(keep_from_s, keep_from);
	if (code == STP_OK)
		code = find_first_kept(fd, st.st_size, keep_from, &offset, &dropped, err);
	if (code == STP_OK && offset > 0)
		code = replace_log(state_fd, fd, offset, st.st_size, err);
	stp_fd_close(&fd);
	if (code == STP_OK)
		*out_dropped = dropped;
	return code;
}
