/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/progress.h"

static int setup(void **state)
{
	*state = stp_progress_create();
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	stp_progress_destroy(*state);
	return 0;
}

static struct stp_progress_view view_of(const struct stp_progress *progress)
{
	struct stp_progress_view view;

	stp_progress_read(progress, &view);
	return view;
}

static void assert_share(const struct stp_progress *progress, double share)
{
	assert_float_equal(view_of(progress).share, share, 1e-6);
}

static void test_base_progress__without_a_total_there_is_no_share(void **state)
{
	struct stp_progress *progress = *state;

	stp_progress_stage(progress, "scan", 0, 0);
	stp_progress_add(progress, 10, 1000);
	assert_share(progress, -1);
	assert_float_equal(view_of(progress).seconds_left, -1, 0);
}

static void test_base_progress__bytes_tell_more_than_items(void **state)
{
	struct stp_progress *progress = *state;

	stp_progress_stage(progress, "hash", 4, 1000);
	stp_progress_add(progress, 3, 100);
	assert_share(progress, 0.1);
	stp_progress_stage(progress, "bins", 4, 0);
	assert_share(progress, 0);
	stp_progress_add(progress, 3, 100);
	assert_share(progress, 0.75);
	/* A file that grew. */
	stp_progress_add(progress, 3, 100);
	assert_share(progress, 1);
}

/* A bar that starts again with each window of an index shows nothing about the index. */
static void test_base_progress__parts_are_shares_of_the_stage(void **state)
{
	struct stp_progress *progress = *state;

	stp_progress_stage(progress, "hash", 0, 0);
	stp_progress_part(progress, 0, 4, 10, 1000);
	assert_share(progress, 0);
	stp_progress_add(progress, 10, 1000);
	assert_share(progress, 0.25);
	stp_progress_part(progress, 1, 4, 2, 200);
	assert_share(progress, 0.25);
	stp_progress_add(progress, 1, 100);
	assert_share(progress, 0.375);
	/* A part that has nothing to do is never announced. */
	stp_progress_part(progress, 3, 4, 1, 0);
	assert_share(progress, 0.75);
	assert_int_equal(view_of(progress).items_done, 11);
	assert_int_equal(view_of(progress).items_total, 0);
	assert_int_equal(view_of(progress).bytes_total, 0);
	/* The next stage is whole again. */
	stp_progress_stage(progress, "sign", 8, 0);
	stp_progress_add(progress, 2, 0);
	assert_share(progress, 0.25);
	assert_int_equal(view_of(progress).items_total, 8);
}

static void test_base_progress__the_time_left_follows_the_share(void **state)
{
	struct stp_progress *progress = *state;

	stp_progress_stage(progress, "hash", 0, 1000);
	stp_progress_add(progress, 0, 250);
	/* Nothing is promised in the first second. */
	assert_float_equal(view_of(progress).seconds_left, -1, 0);
	atomic_fetch_sub(&progress->stage_started_ns, 10000000000u);
	assert_in_range((int)(view_of(progress).seconds_left * 10), 300, 302);
}

static void test_base_progress__a_run_with_a_time_follows_the_clock(void **state)
{
	struct stp_progress *progress = *state;

	stp_progress_time(progress, 60);
	atomic_fetch_sub(&progress->run_started_ns, 15000000000u);
	stp_progress_stage(progress, "kernels", 0, 0);
	assert_in_range((int)(view_of(progress).share * 1000), 250, 252);
	assert_in_range((int)(view_of(progress).seconds_left * 10), 448, 450);
	atomic_fetch_sub(&progress->run_started_ns, 60000000000u);
	assert_share(progress, 1);
	assert_float_equal(view_of(progress).seconds_left, 0, 1e-6);
}

static void test_base_progress__lanes_are_summed_over_workers(void **state)
{
	struct stp_progress *progress = *state;

	stp_progress_add_lanes(progress, 16);
	stp_progress_add_lanes(progress, 16);
	atomic_store(&progress->lanes[0].busy, 3);
	atomic_store(&progress->lanes[STP_JOBS_MAX - 1].busy, 8);
	assert_int_equal(view_of(progress).lanes_busy, 11);
	assert_int_equal(view_of(progress).lanes_total, 32);
	stp_progress_add_lanes(progress, -16);
	stp_progress_add_lanes(progress, -16);
	assert_int_equal(view_of(progress).lanes_busy, 0);
	assert_int_equal(view_of(progress).lanes_total, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_base_progress__without_a_total_there_is_no_share,
	                                    setup, teardown),
	    cmocka_unit_test_setup_teardown(test_base_progress__bytes_tell_more_than_items, setup,
	                                    teardown),
	    cmocka_unit_test_setup_teardown(test_base_progress__parts_are_shares_of_the_stage,
	                                    setup, teardown),
	    cmocka_unit_test_setup_teardown(test_base_progress__the_time_left_follows_the_share,
	                                    setup, teardown),
	    cmocka_unit_test_setup_teardown(test_base_progress__a_run_with_a_time_follows_the_clock,
	                                    setup, teardown),
	    cmocka_unit_test_setup_teardown(test_base_progress__lanes_are_summed_over_workers,
	                                    setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
