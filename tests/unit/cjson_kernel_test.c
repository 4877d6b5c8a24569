/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cpu.h"
#include "base/text.h"
#include "cjson/kernel.h"

#define ROOM 4096

/* A page with pages behind and before it that may not be touched. */
static uint8_t *guarded_page(void)
{
	uint8_t *map = mmap(NULL, (size_t)3 * ROOM, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(map, MAP_FAILED);
	assert_int_equal(mprotect(map + ROOM, ROOM, PROT_READ | PROT_WRITE), 0);
	return map + ROOM;
}

static void drop_page(uint8_t *page)
{
	munmap(page - ROOM, (size_t)3 * ROOM);
}

static int runs_here(const struct stp_cjson_kernel *kernel)
{
	return (kernel->features & stp_cpu_features()) == kernel->features;
}

static size_t span_oracle(const uint8_t *bytes, size_t count)
{
	size_t i = 0;

	while (i < count && bytes[i] >= 0x20 && bytes[i] < 0x7f && !strchr("\"\\", bytes[i]))
		i++;
	return i;
}

static void test_cjson_kernel__finds_each_byte_that_is_not_plain_at_each_place(void **state)
{
	uint8_t *page = guarded_page();

	(void)state;
	for (size_t k = 0; k < stp_cjson_kernel_count; k++) {
		const struct stp_cjson_kernel *kernel = &stp_cjson_kernels[k];

		if (!runs_here(kernel))
			continue;
		for (size_t count = 0; count <= 140; count++) {
			/* Ends right before the guard page. */
			uint8_t *bytes = page + ROOM - count;

			memset(bytes, 'x', count);
			assert_int_equal(kernel->plain_span(bytes, count), count);
			for (size_t at = 0; at < count; at++) {
				for (unsigned c = 0; c < 256; c += at % 7 ? 17 : 1) {
					bytes[at] = (uint8_t)c;
					assert_int_equal(kernel->plain_span(bytes, count),
					                 span_oracle(bytes, count));
				}
				bytes[at] = 'x';
			}
		}
		memset(page, '"', ROOM);
		assert_int_equal(kernel->plain_span(page, ROOM), 0);
	}
	drop_page(page);
}

static void test_cjson_kernel__hex_is_the_same_in_every_kernel(void **state)
{
	uint8_t *in = guarded_page();
	uint8_t *out = guarded_page();
	uint8_t *back = guarded_page();
	char expected[400];

	(void)state;
	for (size_t k = 0; k < stp_cjson_kernel_count; k++) {
		const struct stp_cjson_kernel *kernel = &stp_cjson_kernels[k];

		if (!runs_here(kernel))
			continue;
		for (size_t count = 0; count <= 200; count++) {
			uint8_t *bytes = in + ROOM - count;
			uint8_t *text = out + ROOM - 2 * count;
			uint8_t *again = back + ROOM - count;

			for (size_t i = 0; i < count; i++)
				bytes[i] = (uint8_t)(i * 37 + count * 11);
			memset(out, 0xee, ROOM);
			kernel->hex_encode(bytes, count, text);
			stp_hex_encode(bytes, count, expected);
			assert_memory_equal(text, expected, 2 * count);
			assert_int_equal(text[-1], 0xee);
			memset(back, 0xee, ROOM);
			assert_int_equal(kernel->hex_decode(text, count, again), 1);
			assert_memory_equal(again, bytes, count);
			assert_int_equal(again[-1], 0xee);
		}
	}
	drop_page(in);
	drop_page(out);
	drop_page(back);
}

static void test_cjson_kernel__refuses_each_byte_that_is_no_digit(void **state)
{
	uint8_t text[128];
	uint8_t out[64];

	(void)state;
	for (size_t k = 0; k < stp_cjson_kernel_count; k++) {
		const struct stp_cjson_kernel *kernel = &stp_cjson_kernels[k];

		if (!runs_here(kernel))
			continue;
		for (size_t count = 1; count <= 64; count += count < 34 ? 1 : 15) {
			memset(text, 'a', sizeof(text));
			for (size_t at = 0; at < 2 * count; at++) {
				for (unsigned c = 0; c < 256; c++) {
					int good = c && strchr("0123456789abcdef", (int)c) != NULL;

					text[at] = (uint8_t)c;
					assert_int_equal(kernel->hex_decode(text, count, out),
					                 good);
				}
				text[at] = 'a';
			}
		}
	}
}

static void test_cjson_kernel__selection_takes_the_best_that_runs(void **state)
{
	(void)state;
	assert_string_equal(stp_cjson_kernel_for(0)->name, "portable");
	assert_string_equal(stp_cjson_kernel_for(STP_CPU_SHANI)->name, "portable");
#if defined(__x86_64__)
	assert_string_equal(stp_cjson_kernel_for(STP_CPU_AVX2)->name, "avx2");
	assert_string_equal(stp_cjson_kernel_for(STP_CPU_AVX2 | STP_CPU_AVX512)->name, "avx512");
#endif
}

static void test_cjson_kernel__utf8_is_that_of_rfc_3629(void **state)
{
	static const struct {
		const char *bytes;
		int valid;
	} cases[] = {
	    {"", 1},
	    {"plain", 1},
	    {"\x7f", 1},
	    {"\n", 1},
	    {"\xc3\xa9", 1},
	    {"\xe2\x82\xac", 1},
	    {"\xef\xbf\xbf", 1},
	    {"\xf0\x9f\x98\x80", 1},
	    {"\xf4\x8f\xbf\xbf", 1},
	    {"\x80", 0},
	    {"\xbf", 0},
	    {"\xc0\x80", 0},
	    {"\xc1\xbf", 0},
	    {"\xc3", 0},
	    {"\xc3(", 0},
	    {"\xe0\x9f\xbf", 0},
	    {"\xed\xa0\x80", 0},
	    {"\xed\x9f\xbf", 1},
	    {"\xe2\x82", 0},
	    {"\xf0\x8f\xbf\xbf", 0},
	    {"\xf4\x90\x80\x80", 0},
	    {"\xf5\x80\x80\x80", 0},
	    {"\xff", 0},
	    {"a\xc3\xa9z\xe2\x82", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(stp_utf8_is_valid(cases[i].bytes, strlen(cases[i].bytes)),
		                 cases[i].valid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_cjson_kernel__finds_each_byte_that_is_not_plain_at_each_place),
	    cmocka_unit_test(test_cjson_kernel__hex_is_the_same_in_every_kernel),
	    cmocka_unit_test(test_cjson_kernel__refuses_each_byte_that_is_no_digit),
	    cmocka_unit_test(test_cjson_kernel__selection_takes_the_best_that_runs),
	    cmocka_unit_test(test_cjson_kernel__utf8_is_that_of_rfc_3629),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
