/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>

#include "scan/names.h"
#include "scratch.h"

#define HEAD_BYTES offsetof(struct dirent64, d_name)

static int setup(void **state)
{
	struct stp_names *names = calloc(1, sizeof(*names));
	struct stp_err err = STP_ERR_INIT;

	assert_int_equal(stp_names_init(names, &err), STP_OK);
	*state = names;
	return 0;
}

static int teardown(void **state)
{
	stp_names_release(*state);
	free(*state);
	return 0;
}

/* Adds an entry as the kernel lays it out; bytes of name are copied as they are. */
static void add(struct stp_names *names, const char *name, size_t bytes, unsigned char type)
{
	struct dirent64 *entry = (struct dirent64 *)(void *)(names->buffer + names->bytes);
	size_t entry_bytes = (HEAD_BYTES + bytes + 1 + 7) / 8 * 8;

	assert_true(names->bytes + entry_bytes <= STP_NAMES_BYTES);
	memset(entry, 0, entry_bytes);
	entry->d_reclen = (unsigned short)entry_bytes;
	entry->d_type = type;
	memcpy(entry->d_name, name, bytes);
	names->bytes += entry_bytes;
}

static void test_scan_names__gives_each_name_but_the_dots(void **state)
{
	struct stp_names *names = *state;
	struct stp_name name;
	size_t at = 0;

	add(names, ".", 1, DT_DIR);
	add(names, "a", 1, DT_REG);
	add(names, "..", 2, DT_REG);
	add(names, "..b", 3, DT_UNKNOWN);
	assert_int_equal(stp_names_next(names, &at, &name), 1);
	assert_string_equal(name.text, "a");
	assert_int_equal(name.bytes, 1);
	assert_int_equal(name.type, DT_REG);
	assert_null(name.problem);
	assert_int_equal(stp_names_next(names, &at, &name), 1);
	assert_string_equal(name.text, "..b");
	assert_null(name.problem);
	stp_names_set_type(names, &name, DT_DIR);
	assert_int_equal(stp_names_next(names, &at, &name), 0);
	assert_int_equal(stp_names_next(names, &at, &name), 0);
	at = 0;
	assert_int_equal(stp_names_next(names, &at, &name), 1);
	assert_int_equal(stp_names_next(names, &at, &name), 1);
	assert_int_equal(name.type, DT_DIR);
}

/* The kernel refuses such names since Linux 5.4; nothing here relies on it. */
static void test_scan_names__reports_what_cannot_be_a_name(void **state)
{
	struct stp_names *names = *state;
	struct stp_name name;
	size_t at = 0;

	add(names, "", 0, DT_REG);
	add(names, "../etc/passwd", 13, DT_REG);
	add(names, "good", 4, DT_REG);
	assert_int_equal(stp_names_next(names, &at, &name), 1);
	assert_non_null(strstr(name.problem, "without a name"));
	assert_int_equal(stp_names_next(names, &at, &name), 1);
	assert_string_equal(name.text, "../etc/passwd");
	assert_non_null(strstr(name.problem, "\"/\""));
	assert_int_equal(stp_names_next(names, &at, &name), 1);
	assert_null(name.problem);
	assert_int_equal(stp_names_next(names, &at, &name), 0);
}

static void test_scan_names__takes_names_of_any_length(void **state)
{
	static const size_t lengths[] = {255, 256, 765, 1000, 4095, 50000};
	struct stp_names *names = *state;
	char *text = malloc(50000);
	struct stp_name name;
	size_t at = 0;
	size_t i;

	memset(text, 'n', 50000);
	for (i = 0; i < 6; i++)
		add(names, text, lengths[i], DT_DIR);
	for (i = 0; i < 6; i++) {
		assert_int_equal(stp_names_next(names, &at, &name), 1);
		assert_int_equal(name.bytes, lengths[i]);
		assert_int_equal(strlen(name.text), lengths[i]);
		assert_null(name.problem);
	}
	assert_int_equal(stp_names_next(names, &at, &name), 0);
	free(text);
}

static void test_scan_names__a_broken_list_comes_to_an_end(void **state)
{
	static const unsigned short lengths[] = {0, 1, HEAD_BYTES - 1, HEAD_BYTES, 25, UINT16_MAX};
	struct stp_names *names = *state;
	struct dirent64 *entry = (struct dirent64 *)(void *)names->buffer;
	struct stp_name name;
	size_t at;
	size_t i;

	for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		names->bytes = 0;
		add(names, "without an end", 14, DT_REG);
		entry->d_reclen = lengths[i];
		at = 0;
		assert_int_equal(stp_names_next(names, &at, &name), 1);
		assert_non_null(strstr(name.problem, "broken list"));
		assert_string_equal(name.text, "");
		assert_int_equal(stp_names_next(names, &at, &name), 0);
	}
	/* Less than a head is left. */
	for (names->bytes = 1; names->bytes <= HEAD_BYTES; names->bytes++) {
		at = 0;
		assert_int_equal(stp_names_next(names, &at, &name), 1);
		assert_non_null(name.problem);
		assert_int_equal(stp_names_next(names, &at, &name), 0);
	}
}

static void test_scan_names__reads_a_folder_in_buffers(void **state)
{
	struct stp_names *names = *state;
	struct scratch scratch;
	enum stp_names_rest rest;
	size_t reads = 0;
	size_t count = 0;
	char text[64];
	int i;

	scratch_init(&scratch);
	for (i = 0; i < 3000; i++) {
		snprintf(text, sizeof(text), "a-name-of-some-length-%d", i);
		scratch_file(&scratch, text, "", 0);
	}
	do {
		struct stp_name name;
		size_t at = 0;

		rest = stp_names_read(names, scratch.fd);
		while (stp_names_next(names, &at, &name))
			count++;
		reads++;
	} while (rest == STP_NAMES_MORE);
	assert_int_equal(rest, STP_NAMES_END);
	assert_int_equal(count, 3000);
	assert_true(reads > 1);
	assert_int_equal(stp_names_read(names, -1), STP_NAMES_FAILED);
	assert_int_equal(errno, EBADF);
	scratch_release(&scratch);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_scan_names__gives_each_name_but_the_dots),
	    TEST(test_scan_names__reports_what_cannot_be_a_name),
	    TEST(test_scan_names__takes_names_of_any_length),
	    TEST(test_scan_names__a_broken_list_comes_to_an_end),
	    TEST(test_scan_names__reads_a_folder_in_buffers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
