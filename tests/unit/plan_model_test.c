/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stampede/alg.h"
#include "stampede/plan.h"

static const struct stp_pep458_input pep_input = {
    STP_PEP458_TARGETS, STP_PEP458_BINS, STP_PEP458_PATH_BYTES, STP_PEP458_FILE_BYTES, 128};

/* PEP 458, tables 2 and 3, as published. */
static void test_plan__the_model_gives_the_peps_own_numbers(void **state)
{
	static const uint64_t c[] = {0, 128, 64, 128, 64, 256, 7, 6, 2273539, 2184393, 16384};
	static const uint64_t v[] = {0,      4,     65536,   139,    17792,   35584,
	                             973,    54349, 1048576, 262144, 1310720, 98304,
	                             108698, 5,     207002,  9,      1517722, 69};
	struct stp_pep458 pep;

	(void)state;
	stp_pep458_model(&pep_input, &pep);
	for (int i = 1; i <= 10; i++)
		assert_int_equal(pep.c[i], c[i]);
	for (int i = 1; i <= 17; i++)
		assert_int_equal(pep.v[i], v[i]);
}

/* The PEP's text: at 22 M targets "around 50-54% and 114% respectively". */
static void test_plan__the_model_grows_as_the_pep_says(void **state)
{
	struct stp_pep458_input input = pep_input;
	struct stp_pep458 pep;

	(void)state;
	input.targets = 10 * STP_PEP458_TARGETS;
	stp_pep458_model(&input, &pep);
	assert_int_equal(pep.v[13], 50);
	assert_int_equal(pep.v[15], 54);
	assert_int_equal(pep.v[17], 114);
}

static void test_plan__percent_rounds_half_to_even(void **state)
{
	struct stp_pep458_input input = {1, 1, 0, 400, 0};
	struct stp_pep458 pep;

	(void)state;
	stp_pep458_model(&input, &pep);
	assert_int_equal(pep.v[12], 14); /* two bins of 7 bytes: 3.5 % of 400 */
	assert_int_equal(pep.v[13], 4);
	input.file_bytes = 560;
	stp_pep458_model(&input, &pep);
	assert_int_equal(pep.v[13], 2); /* 2.5 % */
}

static void test_plan__the_table_has_all_counts_and_one_recommendation(void **state)
{
	struct stp_plan_options options = {.targets = STP_PEP458_TARGETS};
	struct stp_err err = STP_ERR_INIT;
	struct stp_plan_report plan;

	(void)state;
	assert_int_equal(stp_plan(&options, &plan, &err), STP_OK);
	assert_int_equal(plan.row_count, 11);
	assert_int_equal(plan.rows[0].bins, 256);
	assert_int_equal(plan.rows[10].bins, 262144);
	assert_int_equal(plan.rows[6].pep.v[16], 1517722);
	/* With fewer bins php-tuf's limit of 100,000 bytes breaks. */
	assert_int_equal(plan.rows[plan.recommended].bins, 16384);
	assert_non_null(strstr(plan.reason, "php-tuf"));
}

static void test_plan__one_bin_count_is_one_row(void **state)
{
	struct stp_plan_options options = {.targets = 1000, .bins = 16, .profile = "prefixes"};
	struct stp_err err = STP_ERR_INIT;
	struct stp_plan_report plan;

	(void)state;
	assert_int_equal(stp_plan(&options, &plan, &err), STP_OK);
	assert_int_equal(plan.row_count, 1);
	assert_int_equal(plan.rows[0].bits, 4);
	assert_int_equal(plan.hash_set, STP_ALG_BIT(STP_ALG_SHA256));
}

static void test_plan__nonsense_is_refused(void **state)
{
	struct stp_plan_options none = {.targets = 0}, odd = {.targets = 5, .bins = 1000};
	struct stp_plan_options profile = {.targets = 5, .profile = "pep459"};
	struct stp_err err = STP_ERR_INIT;
	struct stp_plan_report plan;

	(void)state;
	assert_int_equal(stp_plan(&none, &plan, &err), STP_CONFIG);
	err.code = STP_OK;
	assert_int_equal(stp_plan(&odd, &plan, &err), STP_CONFIG);
	err.code = STP_OK;
	assert_int_equal(stp_plan(&profile, &plan, &err), STP_CONFIG);
}

static void test_plan__the_picture_is_one_svg_document(void **state)
{
	struct stp_plan_options options = {.targets = 20000000};
	struct stp_err err = STP_ERR_INIT;
	struct stp_plan_report plan;
	char *svg;

	(void)state;
	assert_int_equal(stp_plan(&options, &plan, &err), STP_OK);
	svg = stp_plan_svg(&plan);
	assert_non_null(svg);
	assert_int_equal(strncmp(svg, "<svg ", 5), 0);
	assert_string_equal(svg + strlen(svg) - 7, "</svg>\n");
	assert_null(strstr(svg, "nan"));
	assert_null(strstr(svg, "inf"));
	free(svg);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_plan__the_model_gives_the_peps_own_numbers),
	    cmocka_unit_test(test_plan__the_model_grows_as_the_pep_says),
	    cmocka_unit_test(test_plan__percent_rounds_half_to_even),
	    cmocka_unit_test(test_plan__the_table_has_all_counts_and_one_recommendation),
	    cmocka_unit_test(test_plan__one_bin_count_is_one_row),
	    cmocka_unit_test(test_plan__nonsense_is_refused),
	    cmocka_unit_test(test_plan__the_picture_is_one_svg_document),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
