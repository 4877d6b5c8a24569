/* SPDX-License-Identifier: Apache-2.0 */
/* The worked example of engine/ledger/FORMAT.md is what the code writes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "hash/hash.h"
#include "ledger/segment_format.h"
#include "scratch.h"

#define SHA256 STP_ALG_BIT(STP_ALG_SHA256)

/* The example of FORMAT.md's last section. */
static void write_example(const struct scratch *scratch)
{
	uint8_t seal_key[STP_SEAL_KEY_BYTES];
	uint8_t digest[32];
	struct stp_segment_options options = {
	    .kind = STP_SEGMENT_BASE, .hash_set = SHA256, .generation = 1, .seal_key = seal_key};
	struct stp_record record = {
	    .length = 6,
	    .fingerprint = {1, 2, 1700000000000000000, 1700000000000000001},
	    .verified_at = 1700000100,
	    .digests = digest,
	    .path = "a/b.whl",
	    .path_bytes = 7,
	    .flags = STP_RECORD_DIGESTS | STP_RECORD_FILE,
	};
	struct stp_segment_writer *writer;
	size_t i;

	for (i = 0; i < sizeof(seal_key); i++)
		seal_key[i] = (uint8_t)i;
	stp_hash_one(STP_ALG_SHA256, "hello\n", 6, digest);
	stp_hash_one(STP_ALG_SHA256, record.path, record.path_bytes, record.key);
	assert_int_equal(stp_segment_create(scratch->fd, "example", &options, &writer, NULL),
	                 STP_OK);
	assert_int_equal(stp_segment_add(writer, &record, NULL), STP_OK);
	assert_int_equal(stp_segment_commit(writer, NULL, NULL), STP_OK);
}

/* Prints as FORMAT.md does: rows of sixteen, equal rows as one "*". */
static char *dump(const struct stp_buf *buf)
{
	char *text = malloc(buf->count * 5 + 1024);
	int is_repeated = 0;
	char *at = text;
	size_t row;

	assert_non_null(text);
	for (row = 0; row < buf->count; row += 16) {
		size_t count = buf->count - row < 16 ? buf->count - row : 16;
		size_t i;

		if (row && count == 16 && memcmp(buf->data + row, buf->data + row - 16, 16) == 0) {
			if (!is_repeated)
				at += sprintf(at, "*\n");
			is_repeated = 1;
			continue;
		}
		is_repeated = 0;
		at += sprintf(at, "%08zx ", row);
		for (i = 0; i < count; i++)
			at += sprintf(at, " %02x", buf->data[row + i]);
		at += sprintf(at, "\n");
	}
	return text;
}

static void test_format__the_worked_example_is_what_is_written(void **state)
{
	static const char path[] = STP_SOURCE_DIR "/engine/ledger/FORMAT.md";
	struct stp_buf format = STP_BUF_INIT;
	struct stp_buf bytes = STP_BUF_INIT;
	struct scratch scratch;
	char *text;

	(void)state;
	assert_int_equal(stp_file_read(AT_FDCWD, path, 1 << 20, "test", &format, NULL), STP_OK);
	scratch_init(&scratch);
	write_example(&scratch);
	assert_int_equal(stp_file_read(scratch.fd, "example", 1 << 20, "test", &bytes, NULL),
	                 STP_OK);
	text = dump(&bytes);
	if (!strstr((const char *)format.data, text)) {
		print_error("FORMAT.md should show:\n%s", text);
		fail();
	}
	free(text);
	stp_buf_release(&bytes);
	stp_buf_release(&format);
	scratch_release(&scratch);
}

/* Sealed by whoever has the key, but with a header that this format does not have. */
static void test_format__reserved_fields_have_one_value(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
		enum stp_errc code;
	} cases[] = {
	    {24, 1, STP_OK},     {20, 1, STP_FORMAT}, {23, 1, STP_FORMAT}, {24, 0, STP_FORMAT},
	    {24, 2, STP_FORMAT}, {27, 1, STP_FORMAT}, {16, 4, STP_FORMAT}, {16, 0, STP_FORMAT},
	};
	uint8_t seal_key[STP_SEAL_KEY_BYTES];
	struct stp_segment_keys keys;

	(void)state;
	for (size_t i = 0; i < sizeof(seal_key); i++)
		seal_key[i] = (uint8_t)i;
	stp_segment_keys_derive(seal_key, &keys);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct stp_segment *segment = NULL;
		struct stp_buf bytes = STP_BUF_INIT;
		struct scratch scratch;
		uint8_t *footer;
		size_t index_at;

		scratch_init(&scratch);
		write_example(&scratch);
		assert_int_equal(
		    stp_file_read(scratch.fd, "example", 1 << 20, "test", &bytes, NULL), STP_OK);
		bytes.data[cases[i].at] = cases[i].value;
		footer = bytes.data + bytes.count - STP_SEGMENT_FOOTER_BYTES;
		index_at = bytes.count - STP_SEGMENT_FOOTER_BYTES - STP_BLOCK_ENTRY_BYTES;
		stp_segment_seal(&keys, bytes.data, bytes.data + index_at, STP_BLOCK_ENTRY_BYTES,
		                 footer, footer + 16);
		assert_int_equal(stp_file_write(scratch.fd, "changed", bytes.data, bytes.count,
		                                0600, STP_FILE_NEW, "test", NULL),
		                 STP_OK);
		assert_int_equal(stp_segment_open(scratch.fd, "changed", seal_key, &segment, NULL),
		                 cases[i].code);
		if (segment)
			stp_segment_close(segment);
		stp_buf_release(&bytes);
		scratch_release(&scratch);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_format__the_worked_example_is_what_is_written),
	    cmocka_unit_test(test_format__reserved_fields_have_one_value),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
