/* SPDX-License-Identifier: Apache-2.0 */
#include "run/last_run.h"

#include <jansson.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "verify/document.h"

static uint64_t get_u64(const json_t *object, const char *name)
{
	json_int_t value = json_integer_value(json_object_get(object, name));

	return value > 0 ? (uint64_t)value : 0;
}

static int64_t get_time(const json_t *object, const char *name)
{
	json_t *value = json_object_get(object, name);
	int64_t epoch_s = 0;

	if (!json_is_string(value) ||
	    !stp_expires_parse(json_string_value(value), json_string_length(value), &epoch_s))
		return 0;
	return epoch_s;
}

static void copy_text(char *out, size_t size, const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	stp_text_clean(text ? text : "", text ? strlen(text) : 0, out, size);
}

void stp_last_run_parse(const void *bytes, size_t count, struct stp_status_run *out)
{
	json_t *object = json_loadb(bytes, count, JSON_REJECT_DUPLICATES, NULL);
	json_t *seconds = json_object_get(object, "seconds");

	if (json_is_object(object)) {
		out->found = 1;
		out->published = json_is_true(json_object_get(object, "published"));
		/* Reports of earlier versions do not have it: what was published had been
		 * counted. */
		out->counted = json_object_get(object, "counted")
		                   ? json_is_true(json_object_get(object, "counted"))
		                   : out->published;
		copy_text(out->error, sizeof(out->error), object, "error");
		copy_text(out->io_backend, sizeof(out->io_backend), object, "io_backend");
		out->at = get_time(object, "now");
		out->targets = get_u64(object, "targets");
		out->target_bytes = get_u64(object, "target_bytes");
		out->files_hashed = get_u64(object, "files_hashed");
		out->bytes_hashed = get_u64(object, "bytes_hashed");
		out->files_reused = get_u64(object, "files_reused");
		out->files_removed = get_u64(object, "files_removed");
		out->faults = get_u64(object, "faults");
		out->peak_rss_bytes = get_u64(object, "peak_rss_bytes");
		out->oldest_verified_at = get_time(object, "oldest_verified");
		out->seconds_hash = json_number_value(json_object_get(seconds, "hash"));
		out->seconds_total = json_number_value(json_object_get(seconds, "total"));
	}
	json_decref(object);
}

uint64_t stp_last_run_list_rows(int state_fd)
{
	struct stp_err ignored = STP_ERR_INIT;
	struct stp_buf file = STP_BUF_INIT;
	json_t *object = NULL;
	uint64_t rows;

	if (stp_file_read(state_fd, STP_LAST_RUN_FILE, STP_LAST_RUN_BYTES_MAX, "last run", &file,
	                  &ignored) == STP_OK)
		object =
		    json_loadb((const char *)file.data, file.count, JSON_REJECT_DUPLICATES, NULL);
	rows = get_u64(object, "list_rows");
	json_decref(object);
	stp_buf_release(&file);
	return rows;
}
