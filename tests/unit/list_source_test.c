/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "list/format.h"
#include "list/sum.h"
#include "listing.h"
#include "scratch.h"

#define TEXT "path,length,sha256\na,1," HEX32 "\n"

static void test_source__a_path_is_opened_and_can_be_read_twice(void **state)
{
	uint8_t secret[STP_LIST_SUM_KEY_BYTES] = {7};
	struct stp_list_source source;
	struct stp_err err = STP_ERR_INIT;
	struct scratch scratch;
	char path[300];
	char bytes[512];
	uint64_t sums[2];
	size_t got;
	int needs_end = 1;
	int i;

	(void)state;
	scratch_init(&scratch);
	scratch_file(&scratch, "list", TEXT, strlen(TEXT));
	snprintf(path, sizeof(path), "%s/list", scratch.path);
	assert_int_equal(stp_list_source_open(path, &source, &err), STP_OK);
	assert_string_equal(source.name, path);
	assert_int_equal(stp_list_source_needs_end(&source, &needs_end, &err), STP_OK);
	assert_false(needs_end);
	assert_true(stp_list_source_can_repeat(&source));
	for (i = 0; i < 2; i++) {
		assert_int_equal(stp_list_source_identity(&source, secret, 2, NULL, &sums[i], &err),
		                 STP_OK);
		assert_int_equal(
		    stp_list_source_read(&source, bytes, sizeof(bytes), NULL, &got, &err), STP_OK);
		assert_int_equal(got, strlen(TEXT));
		assert_int_equal(
		    stp_list_source_read(&source, bytes, sizeof(bytes), NULL, &got, &err), STP_OK);
		assert_int_equal(got, 0);
		assert_false(stp_list_source_can_repeat(&source));
		assert_int_equal(stp_list_source_rewind(&source, &err), STP_OK);
	}
	assert_true(sums[0] == sums[1]);
	stp_list_source_close(&source);
	stp_list_source_close(&source);
	assert_int_equal(source.fd, -1);
	scratch_release(&scratch);
}

static void test_source__what_cannot_be_opened_is_an_error_of_the_list(void **state)
{
	struct stp_list_source source = {.fd = -1};
	struct stp_err err = STP_ERR_INIT;

	(void)state;
	assert_int_equal(stp_list_source_open("/nonexistent/list", &source, &err), STP_CONFIG);
	assert_string_equal(err.stage, STP_LIST_STAGE);
	assert_int_equal(source.fd, -1);
	assert_string_equal(stp_list_source_name("-"), "stdin");
	assert_string_equal(stp_list_source_name("./-"), "./-");
	assert_null(stp_list_source_name(NULL));
}

/* Rows over a socket: a source needs only read(2), and an end line is required. */
static void test_source__a_socket_is_one_and_needs_an_end_line(void **state)
{
	int said;

	(void)state;
	for (said = 0; said < 2; said++) {
		struct stp_list_source source = {.name = "socket"};
		struct stp_list_options options = {
		    .source = &source, .hash_set = SHA256, .jobs = 2};
		const char *text = "{\"path\":\"a\",\"length\":1,\"sha256\":\"" HEX32 "\"}\n";
		const char *end = stp_list_ndjson.end_line;
		struct stp_list_stats stats = {0};
		struct stp_err err = STP_ERR_INIT;
		struct seen *seen = calloc(1, sizeof(*seen));
		struct stp_fault_list faults;
		int ends[2];

		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
		assert_int_equal(write(ends[1], text, strlen(text)), strlen(text));
		if (said)
			assert_int_equal(write(ends[1], end, strlen(end)), strlen(end));
		close(ends[1]);
		source.fd = ends[0];
		assert_false(stp_list_source_can_repeat(&source));
		pthread_mutex_init(&seen->lock, NULL);
		stp_fault_list_init(&faults);
		assert_int_equal(stp_list_read(&options, collect, seen, &faults, &stats, &err),
		                 said ? STP_OK : STP_FORMAT);
		if (said)
			assert_int_equal(stats.record_count, 1);
		else
			assert_string_equal(err.stage, STP_LIST_STAGE);
		stp_fault_list_release(&faults);
		stp_list_source_close(&source);
		free(seen);
	}
}

static void test_source__a_stopped_run_does_not_wait_for_its_list(void **state)
{
	struct stp_list_source source = {.name = "pipe"};
	struct stp_cancel cancel = {0};
	struct stp_err err = STP_ERR_INIT;
	char byte;
	size_t got;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	source.fd = ends[0];
	stp_cancel_set(&cancel);
	assert_int_equal(stp_list_source_read(&source, &byte, 1, &cancel, &got, &err),
	                 STP_CANCELLED);
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_source__a_path_is_opened_and_can_be_read_twice),
	    cmocka_unit_test(test_source__what_cannot_be_opened_is_an_error_of_the_list),
	    cmocka_unit_test(test_source__a_socket_is_one_and_needs_an_end_line),
	    cmocka_unit_test(test_source__a_stopped_run_does_not_wait_for_its_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
