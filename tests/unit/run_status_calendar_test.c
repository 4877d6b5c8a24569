/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "run/status/calendar.h"

#define DAY     INT64_C(86400)
#define NOW     (20000 * DAY)
#define BIT(x)  (1u << STP_STATUS_##x)
#define ONLINE  (BIT(BIN_N) | BIT(SNAPSHOT) | BIT(TIMESTAMP))
#define OFFLINE (BIT(ROOT) | BIT(TARGETS) | BIT(BINS))

/* A fresh repository: offline roles expire in a year, online ones in a day. */
static struct stp_status_report fresh(void)
{
	struct stp_status_report status = {.now = NOW};

	for (size_t i = 0; i < STP_STATUS_ROLES; i++) {
		status.roles[i].is_offline = i <= STP_STATUS_BINS;
		status.roles[i].expires = NOW + (i <= STP_STATUS_BINS ? 365 * DAY : DAY);
		status.roles[i].due_s = i <= STP_STATUS_BINS ? 30 * DAY : 0;
	}
	return status;
}

static void test_calendar__is_sorted_by_date(void **state)
{
	struct stp_status_report status = fresh();

	(void)state;
	status.roles[STP_STATUS_TIMESTAMP].expires = NOW + DAY / 2;
	status.roles[STP_STATUS_BINS].expires = NOW + 100 * DAY;
	stp_calendar_make(&status);
	assert_int_equal(status.task_count, 4);
	assert_int_equal(status.tasks[0].kind, STP_STATUS_TASK_SIGN);
	assert_int_equal(status.tasks[0].roles, ONLINE);
	assert_int_equal(status.tasks[0].before, NOW + DAY / 2);
	assert_false(status.tasks[0].is_due);
	assert_int_equal(status.tasks[1].roles, BIT(BINS));
	assert_int_equal(status.tasks[1].together, BIT(BINS));
	assert_int_equal(status.tasks[1].start, NOW + 70 * DAY);
	assert_int_equal(status.tasks[2].roles, BIT(ROOT));
	assert_int_equal(status.tasks[3].roles, BIT(TARGETS));
	for (size_t i = 1; i < 4; i++)
		assert_int_equal(status.tasks[i].kind, STP_STATUS_TASK_RENEW);
}

static void test_calendar__offline_roles_are_due_weeks_before(void **state)
{
	static const struct {
		int64_t left;
		int is_due;
	} cases[] = {{30 * DAY + 1, 0}, {30 * DAY, 1}, {1, 1}, {0, 1}, {-DAY, 1}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct stp_status_report status = fresh();
		size_t at = 0;

		status.roles[STP_STATUS_ROOT].expires = NOW + cases[i].left;
		stp_calendar_make(&status);
		while (status.tasks[at].roles != BIT(ROOT))
			at++;
		assert_int_equal(status.tasks[at].is_due, cases[i].is_due);
	}
}

static void test_calendar__one_ceremony_renews_what_expires_together(void **state)
{
	struct stp_status_report status = fresh();

	(void)state;
	status.roles[STP_STATUS_TARGETS].expires = NOW + 395 * DAY; /* 30 days later */
	status.roles[STP_STATUS_BINS].expires = NOW + 395 * DAY + 1;
	stp_calendar_make(&status);
	assert_int_equal(status.tasks[1].together, BIT(ROOT) | BIT(TARGETS));
	/* and what expires before it */
	assert_int_equal(status.tasks[2].together, OFFLINE);
	assert_int_equal(status.tasks[3].together, OFFLINE);
}

static void test_calendar__a_drill_comes_before_the_margin_is_an_alarm(void **state)
{
	struct stp_status_report status = fresh();

	(void)state;
	status.roles[STP_STATUS_ROOT].margin_until = NOW + 40 * DAY;
	status.roles[STP_STATUS_TARGETS].margin_until = NOW + 29 * DAY;
	status.roles[STP_STATUS_BINS].margin_until = NOW + 365 * DAY; /* a renewal comes first */
	stp_calendar_make(&status);
	assert_int_equal(status.task_count, 6);
	assert_int_equal(status.tasks[1].kind, STP_STATUS_TASK_DRILL);
	assert_int_equal(status.tasks[1].roles, BIT(TARGETS));
	assert_true(status.tasks[1].is_due);
	assert_int_equal(status.tasks[2].kind, STP_STATUS_TASK_DRILL);
	assert_int_equal(status.tasks[2].roles, BIT(ROOT));
	assert_false(status.tasks[2].is_due);
	assert_int_equal(status.tasks[2].start, NOW + 10 * DAY);
}

static void test_calendar__what_is_not_published_is_not_in_it(void **state)
{
	struct stp_status_report status = fresh();

	(void)state;
	for (size_t i = STP_STATUS_TARGETS; i < STP_STATUS_ROLES; i++)
		status.roles[i].expires = 0;
	stp_calendar_make(&status);
	assert_int_equal(status.task_count, 1);
	assert_int_equal(status.tasks[0].roles, BIT(ROOT));
	status.roles[STP_STATUS_ROOT].expires = 0;
	stp_calendar_make(&status);
	assert_int_equal(status.task_count, 0);
}

static void test_calendar__holds_all_that_there_can_be(void **state)
{
	struct stp_status_report status = fresh();

	(void)state;
	for (size_t i = 0; i <= STP_STATUS_BINS; i++)
		status.roles[i].margin_until = NOW + 1;
	stp_calendar_make(&status);
	assert_int_equal(status.task_count, STP_STATUS_TASKS_MAX);
	for (size_t i = 1; i < status.task_count; i++)
		assert_true(status.tasks[i - 1].before <= status.tasks[i].before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_calendar__is_sorted_by_date),
	    cmocka_unit_test(test_calendar__offline_roles_are_due_weeks_before),
	    cmocka_unit_test(test_calendar__one_ceremony_renews_what_expires_together),
	    cmocka_unit_test(test_calendar__a_drill_comes_before_the_margin_is_an_alarm),
	    cmocka_unit_test(test_calendar__what_is_not_published_is_not_in_it),
	    cmocka_unit_test(test_calendar__holds_all_that_there_can_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
