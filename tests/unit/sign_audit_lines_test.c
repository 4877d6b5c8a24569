/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <sodium.h>

#include "base/bytes.h"
#include "scratch.h"
#include "sign/audit_lines.h"

static struct stp_audit_line line_of(const char *role, uint64_t version, uint8_t digest)
{
	struct stp_audit_line line = {.role = role, .role_bytes = strlen(role), .version = version};

	memset(line.covered, digest, sizeof(line.covered));
	return line;
}

#define AB32 "abababababababababababababababababababababababababababababababab"
#define CD32 "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"

static void load(const struct scratch *scratch, const char *text, size_t count,
                 struct stp_audit_lines *lines)
{
	scratch_file(scratch, STP_AUDIT_FILE, text, count);
	assert_int_equal(stp_audit_lines_load(lines, scratch->fd, STP_AUDIT_FILE, NULL), STP_OK);
}

static void test_audit_lines__a_line_is_found_by_role_version_and_digest(void **state)
{
	static const char text[] = "2030-01-01T00:00:00Z bin-n-01 7 " AB32 "\n"
	                           "2030-01-01T00:00:01Z timestamp 7 " CD32 "\n";
	struct stp_audit_line bin = line_of("bin-n-01", 7, 0xab);
	struct stp_audit_line other_name = line_of("bin-n-02", 7, 0xab);
	struct stp_audit_line other_version = line_of("timestamp", 8, 0xcd);
	struct stp_audit_line unknown = line_of("bin-n-01", 7, 0xef);
	struct stp_audit_lines lines;
	struct scratch scratch;

	(void)state;
	scratch_init(&scratch);
	load(&scratch, text, strlen(text), &lines);
	assert_int_equal(lines.count, 2);
	assert_int_equal(lines.malformed, 0);
	assert_int_equal(lines.last_at - lines.first_at, 1);
	assert_int_equal(stp_audit_lines_find(&lines, &bin), STP_AUDIT_RECORDED);
	assert_int_equal(stp_audit_lines_find(&lines, &other_name), STP_AUDIT_OTHER_NAME);
	assert_int_equal(stp_audit_lines_find(&lines, &other_version), STP_AUDIT_OTHER_NAME);
	assert_int_equal(stp_audit_lines_find(&lines, &unknown), STP_AUDIT_UNKNOWN);
	assert_false(stp_audit_lines_is_marked(&lines, &bin));
	stp_audit_lines_mark(&lines, &other_name);
	stp_audit_lines_mark(&lines, &bin);
	assert_true(stp_audit_lines_is_marked(&lines, &bin));
	assert_false(stp_audit_lines_is_marked(&lines, &other_name));
	stp_audit_lines_release(&lines);
	scratch_release(&scratch);
}

static void test_audit_lines__what_is_not_a_line_is_counted(void **state)
{
	static const char good[] = "2030-01-01T00:00:00Z snapshot 7 " AB32 "\n";
	static const char *const bad[] = {
	    "2030-01-01T00:00:00Z snapshot 7 abab\n",
	    "2030-01-01T00:00:00Z snapshot -7 " AB32 "\n",
	    "2030-13-01T00:00:00Z snapshot 7 " AB32 "\n",
	    "2030-01-01T00:00:00Z snapshot 7 " AB32 " x\n",
	    "2030-01-01T00:00:00Z  7 " AB32 "\n",
	    "2030-01-01T00:00:00Z snapshot 18446744073709551616 " AB32 "\n",
	    "x\n",
	    "2030-01-01T00:00:00Z snapshot 7 " AB32, /* cut short */
	};
	struct stp_audit_lines lines;
	struct scratch scratch;
	char text[1024];
	size_t i;

	(void)state;
	scratch_init(&scratch);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text), "%s\n%s", good, bad[i]);
		load(&scratch, text, strlen(text), &lines);
		assert_int_equal(lines.count, 1);
		assert_int_equal(lines.malformed, 1);
		stp_audit_lines_release(&lines);
	}
	scratch_release(&scratch);
}

/* A line of a megabyte, and one that ends where a chunk does. */
static void test_audit_lines__long_lines_end_at_their_newline(void **state)
{
	static const char good[] = "2030-01-01T00:00:00Z snapshot 7 " AB32 "\n";
	size_t long_bytes = (size_t)3 << 20;
	struct stp_audit_lines lines;
	struct scratch scratch;
	char *text = malloc(long_bytes + 2 * sizeof(good) + 1);

	(void)state;
	assert_non_null(text);
	scratch_init(&scratch);
	memcpy(text, good, strlen(good));
	memset(text + strlen(good), 'x', long_bytes);
	text[strlen(good) + long_bytes] = '\n';
	memcpy(text + strlen(good) + long_bytes + 1, good, strlen(good));
	load(&scratch, text, 2 * strlen(good) + long_bytes + 1, &lines);
	assert_int_equal(lines.count, 2);
	assert_int_equal(lines.malformed, 1);
	stp_audit_lines_release(&lines);
	free(text);
	scratch_release(&scratch);
}

/* Lines that cross the chunks in which the file is read. */
static void test_audit_lines__all_lines_of_a_large_log_are_there(void **state)
{
	enum { LINES = 40000 };
	struct stp_audit_lines lines;
	struct scratch scratch;
	struct stp_buf text = STP_BUF_INIT;
	unsigned i;

	(void)state;
	scratch_init(&scratch);
	for (i = 0; i < LINES; i++) {
		char line[160];
		int count =
		    snprintf(line, sizeof(line), "2030-01-01T00:00:00Z bin-n-%x %u " AB32 "\n",
		             i * 2654435761u, i);

		assert_int_equal(stp_buf_append(&text, line, (size_t)count, NULL), STP_OK);
	}
	load(&scratch, (const char *)text.data, text.count, &lines);
	assert_int_equal(lines.count, LINES);
	assert_int_equal(lines.malformed, 0);
	for (i = 0; i < LINES; i += 977) {
		struct stp_audit_line line;
		char role[32];

		snprintf(role, sizeof(role), "bin-n-%x", i * 2654435761u);
		line = line_of(role, i, 0xab);
		assert_int_equal(stp_audit_lines_find(&lines, &line), STP_AUDIT_RECORDED);
	}
	stp_audit_lines_release(&lines);
	stp_buf_release(&text);
	scratch_release(&scratch);
}

static void test_audit_lines__a_log_that_is_not_there_is_empty(void **state)
{
	struct stp_audit_line line = line_of("snapshot", 7, 0xab);
	struct stp_audit_lines lines;
	struct scratch scratch;

	(void)state;
	scratch_init(&scratch);
	assert_int_equal(stp_audit_lines_load(&lines, scratch.fd, STP_AUDIT_FILE, NULL), STP_OK);
	assert_int_equal(stp_audit_lines_find(&lines, &line), STP_AUDIT_UNKNOWN);
	stp_audit_lines_release(&lines);
	scratch_release(&scratch);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_audit_lines__a_line_is_found_by_role_version_and_digest),
	    cmocka_unit_test(test_audit_lines__what_is_not_a_line_is_counted),
	    cmocka_unit_test(test_audit_lines__long_lines_end_at_their_newline),
	    cmocka_unit_test(test_audit_lines__all_lines_of_a_large_log_are_there),
	    cmocka_unit_test(test_audit_lines__a_log_that_is_not_there_is_empty),
	};

	return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
