/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "report/bench_views.h"
#include "report/metrics.h"
#include "report/out.h"
#include "report/run_html.h"
#include "stampede/bench.h"

#define HOSTILE "<script>alert(1)</script>\\u001b[31m\\\"'&\\u0085"

/* A document of bench in which every text is hostile. */
static const char hostile_bench[] =
    "{\"schema\":\"stampede-bench/1\",\"time\":\"" HOSTILE "\",\"machine\":{\"cpu\":\"" HOSTILE
    "\",\"cores\":2,\"memory_bytes\":-5,\"kernel\":\"" HOSTILE "\"},\"kernels\":[{\"algorithm\":"
    "\"" HOSTILE "\",\"kernel\":\"" HOSTILE "\",\"in_use\":true,\"bytes_per_second\":{\"value\":"
    "1e308,\"spread\":9}}],\"scaling\":[{\"algorithm\":\"sha512\",\"points\":[{\"threads\":1,"
    "\"bytes_per_second\":{\"value\":1e9}},{\"threads\":2,\"bytes_per_second\":{\"value\":2e9}}]}]"
    ",\"latency\":[{\"operation\":\"" HOSTILE "\",\"p50_us\":5,\"buckets\":[{\"from_us\":1,"
    "\"to_us\":10,\"count\":3}]}],\"read\":[{\"files\":\"" HOSTILE "\",\"cache\":\"" HOSTILE
    "\",\"io_backend\":\"" HOSTILE "\",\"depth\":1}],\"runs\":[{\"run\":\"" HOSTILE
    "\",\"targets\":1e300,\"seconds\":{\"total\":1},\"predicted_seconds\":2}],\"predictions\":[{"
    "\"index\":\"" HOSTILE "\",\"hash\":\"" HOSTILE "\",\"targets\":5,\"jobs\":[{\"job\":\"" HOSTILE
    "\",\"seconds\":{\"total\":3,\"scan\":3},\"bottleneck\":\"" HOSTILE "\",\"advice\":\"" HOSTILE
    "\"}]}],\"notes\":[\"" HOSTILE "\"],\"noisy\":[{\"measure\":\"" HOSTILE "\",\"spread\":1}],"
    "\"hash\":[{\"hash\":\"" HOSTILE "\"}]}";

/* No byte that steers a terminal, but for newlines. */
static void assert_clean(const char *text)
{
	const unsigned char *at;

	for (at = (const unsigned char *)text; *at; at++) {
		assert_true(*at >= 0x20 || *at == '\n');
		assert_int_not_equal(*at, 0x7f);
		assert_false(at[0] == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0);
	}
}

static void assert_self_contained(const char *html)
{
	assert_null(strstr(html, "<script"));
	assert_null(strstr(html, "http:"));
	assert_null(strstr(html, "https:"));
	assert_null(strstr(html, "src="));
	assert_null(strstr(html, "@import"));
	assert_null(strstr(html, "url("));
}

static void test_report__escapes_hostile_names_in_html(void **state)
{
	struct stp_err err = STP_ERR_INIT;
	char *html;

	(void)state;
	assert_int_equal(stp_bench_html(hostile_bench, "a.json", &html, &err), STP_OK);
	assert_clean(html);
	assert_self_contained(html);
	assert_non_null(strstr(html, "&#60;script&#62;"));
	assert_non_null(strstr(html, "prefers-color-scheme:dark"));
	assert_non_null(strstr(html, "@media print"));
	free(html);
	assert_int_equal(stp_bench_compare_html(hostile_bench, "<a>", hostile_bench, "<b>", &html,
	                                        &err),
	                 STP_OK);
	assert_clean(html);
	assert_self_contained(html);
	assert_non_null(strstr(html, "A: &#60;a&#62;: "));
	assert_non_null(strstr(html, ">x1.00<"));
	free(html);
}

static void test_report__escapes_hostile_names_for_a_terminal(void **state)
{
	static const size_t widths[] = {1, 60, 80, 200};
	struct stp_err err = STP_ERR_INIT;
	char *text;
	size_t i;

	(void)state;
	for (i = 0; i < 4; i++) {
		assert_int_equal(stp_bench_text(hostile_bench, "a.json", widths[i], &text, &err),
		                 STP_OK);
		assert_clean(text);
		free(text);
	}
	assert_int_equal(stp_bench_compare(hostile_bench, "a", hostile_bench, "b", &text, &err),
	                 STP_OK);
	assert_clean(text);
	free(text);
}

static void test_report__refuses_what_bench_did_not_write(void **state)
{
	static const char *const others[] = {"",
	                                     "[]",
	                                     "{",
	                                     "{\"schema\":\"stampede-bench/2\"}",
	                                     "{\"schema\":5}",
	                                     "{\"schema\":\"stampede-bench/1\",\"schema\":1}"};
	char *text;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		struct stp_err err = STP_ERR_INIT;

		assert_int_equal(stp_bench_text(others[i], "x.json", 80, &text, &err), STP_FORMAT);
		assert_string_equal(err.subject, "x.json");
	}
}

static void test_report__shows_a_document_with_nothing_in_it(void **state)
{
	static const char empty[] = "{\"schema\":\"stampede-bench/1\"}";
	struct stp_err err = STP_ERR_INIT;
	char *text;

	(void)state;
	assert_int_equal(stp_bench_text(empty, "x", 80, &text, &err), STP_OK);
	free(text);
	assert_int_equal(stp_bench_html(empty, "x", &text, &err), STP_OK);
	free(text);
	assert_int_equal(stp_bench_compare(empty, "x", empty, "y", &text, &err), STP_OK);
	free(text);
	assert_int_equal(stp_bench_compare_html(empty, "x", empty, "y", &text, &err), STP_OK);
	free(text);
}

static void test_report__fits_80_columns(void **state)
{
	struct stp_err err = STP_ERR_INIT;
	const char *line;
	char *text;

	(void)state;
	assert_int_equal(stp_bench_text("{\"schema\":\"stampede-bench/1\",\"notes\":[\"a long note "
	                                "about many things that were not measured as they should "
	                                "have been, with its reason\"]}",
	                                "x", 80, &text, &err),
	                 STP_OK);
	for (line = text; *line; line += strcspn(line, "\n") + 1)
		assert_true(strcspn(line, "\n") <= 80);
	free(text);
}

static void test_report__draws_a_run_with_faults_of_any_name(void **state)
{
	struct stp_run_page page = {
	    .report_json =
	        "{\"fault_list\":[{\"stage\":\"scan\",\"subject\":\"" HOSTILE
	        "\",\"text\":\"is bad\"}],\"notes\":[{\"stage\":\"list\",\"subject\":\"" HOSTILE
	        "\",\"text\":\"is odd\"}],\"seconds\":{\"total\":1.5}}",
	    .repo = "/srv/<b>repo",
	    .outcome = "failed & stopped",
	};
	struct stp_err err = STP_ERR_INIT;
	char *html;

	(void)state;
	assert_int_equal(stp_run_html(&page, &html, &err), STP_OK);
	assert_clean(html);
	assert_self_contained(html);
	assert_non_null(strstr(html, "/srv/&#60;b&#62;repo"));
	assert_non_null(strstr(html, "failed &#38; stopped"));
	assert_non_null(strstr(html, "<td>is bad</td>"));
	assert_non_null(strstr(html, "<td>is odd</td>"));
	free(html);
}

/* What the page says of a run that published nothing; expiry is "null" or quoted. */
static char *unpublished(const char *expiry, int version, int is_dry_run)
{
	char json[256];
	struct stp_run_page page = {
	    .report_json = json, .repo = "r", .outcome = "", .is_dry_run = is_dry_run};
	struct stp_err err = STP_ERR_INIT;
	char *html;

	snprintf(json, sizeof(json),
	         "{\"published\":false,\"expires\":null,\"versions\":{\"timestamp\":%d},"
	         "\"expiries\":{\"timestamp\":%s},\"files_hashed\":3}",
	         version, expiry);
	assert_int_equal(stp_run_html(&page, &html, &err), STP_OK);
	assert_null(strstr(html, "<td></td>"));
	return html;
}

static void test_report__names_what_is_valid_after_a_run_that_published_nothing(void **state)
{
	char *html = unpublished("\"2026-01-02T03:04:05Z\"", 7, 1);

	(void)state;
	assert_non_null(strstr(html, "<td>7, as before</td>"));
	assert_non_null(strstr(html, "<td>valid until</td><td>2026-01-02T03:04:05Z, as before"));
	assert_non_null(strstr(html, "dry run: nothing was published"));
	assert_non_null(strstr(html, "<td>files to hash</td><td>3"));
	free(html);
	/* A run that failed early knows the time, but no version. */
	html = unpublished("\"2026-01-02T03:04:05Z\"", 0, 0);
	assert_non_null(strstr(html, "2026-01-02T03:04:05Z, as before"));
	assert_null(strstr(html, "<td>version</td>"));
	assert_non_null(strstr(html, "<td>files hashed</td><td>3"));
	free(html);
	/* Nothing was ever published. */
	html = unpublished("null", 0, 1);
	assert_null(strstr(html, "valid until"));
	assert_non_null(strstr(html, "<td>version</td><td>nothing was published</td>"));
	free(html);
}

/* --- metrics --------------------------------------------------------------------------------- */

static struct stp_sign_report sample_report(void)
{
	struct stp_sign_report report = {
	    .targets = 7,
	    .counted = 1,
	    .published = 1,
	    .now = 1000,
	    .expires_at = 87400,
	    .oldest_verified_at = 400,
	};

	return report;
}

static void test_metrics__tell_of_a_run_that_ended_well(void **state)
{
	struct stp_sign_report report = sample_report();
	struct stp_err err = STP_ERR_INIT;
	char *text;

	(void)state;
	assert_int_equal(stp_metrics_text(&report, "/srv/r", 1, 1010, "", &text, &err), STP_OK);
	assert_non_null(strstr(text, "\nstampede_last_run_success{repo=\"/srv/r\"} 1\n"));
	assert_non_null(
	    strstr(text, "\nstampede_last_success_timestamp_seconds{repo=\"/srv/r\"} 1010\n"));
	assert_non_null(strstr(text, "\nstampede_seconds_to_expiry{repo=\"/srv/r\"} 86390\n"));
	assert_non_null(
	    strstr(text, "\nstampede_oldest_verified_age_seconds{repo=\"/srv/r\"} 610\n"));
	assert_non_null(strstr(text, "\nstampede_targets{repo=\"/srv/r\"} 7\n"));
	free(text);
}

static void test_metrics__keep_the_last_success_when_a_run_fails(void **state)
{
	struct stp_sign_report report = sample_report();
	struct stp_err err = STP_ERR_INIT;
	char *before;
	char *text;

	(void)state;
	assert_int_equal(stp_metrics_text(&report, "r", 1, 1010, "", &before, &err), STP_OK);
	memset(&report, 0, sizeof(report));
	assert_int_equal(stp_metrics_text(&report, "r", 0, 5000, before, &text, &err), STP_OK);
	assert_non_null(strstr(text, "\nstampede_last_run_success{repo=\"r\"} 0\n"));
	assert_non_null(
	    strstr(text, "\nstampede_last_success_timestamp_seconds{repo=\"r\"} 1010\n"));
	assert_non_null(strstr(text, "\nstampede_seconds_to_expiry{repo=\"r\"} 82400\n"));
	free(before);
	free(text);
}

static void test_metrics__tell_when_each_role_expires(void **state)
{
	struct stp_sign_report report = sample_report();
	struct stp_err err = STP_ERR_INIT;
	char *before;
	char *text;

	(void)state;
	report.expiries = (struct stp_sign_expiries){
	    .root = 9000, .targets = 8000, .bin_n = 3000, .snapshot = 3000, .timestamp = 2000};
	assert_int_equal(stp_metrics_text(&report, "r", 1, 1000, "", &before, &err), STP_OK);
	assert_non_null(strstr(
	    before, "\nstampede_role_expires_timestamp_seconds{repo=\"r\",role=\"root\"} 9000\n"));
	assert_non_null(strstr(
	    before, "\nstampede_role_expires_seconds{repo=\"r\",role=\"timestamp\"} 1000\n"));
	/* There is no role "bins". */
	assert_null(strstr(before, "role=\"bins\""));
	/* A run that looked at root and targets only keeps the others, counted from now. */
	report.expiries = (struct stp_sign_expiries){.root = 19000, .targets = 8000};
	report.published = 0;
	report.counted = 0;
	report.targets = 0;
	assert_int_equal(stp_metrics_text(&report, "r", 0, 1500, before, &text, &err), STP_OK);
	assert_non_null(
	    strstr(text, "\nstampede_role_expires_seconds{repo=\"r\",role=\"root\"} 17500\n"));
	assert_non_null(
	    strstr(text, "\nstampede_role_expires_seconds{repo=\"r\",role=\"bin_n\"} 1500\n"));
	assert_non_null(
	    strstr(text, "\nstampede_role_expires_seconds{repo=\"r\",role=\"timestamp\"} 500\n"));
	assert_non_null(strstr(text, "\nstampede_targets{repo=\"r\"} 7\n"));
	assert_non_null(strstr(text, "\nstampede_last_run_published{repo=\"r\"} 0\n"));
	free(before);
	free(text);
}

static void test_metrics__escape_the_repositorys_name(void **state)
{
	struct stp_sign_report report = sample_report();
	struct stp_err err = STP_ERR_INIT;
	char *text;

	(void)state;
	assert_int_equal(stp_metrics_text(&report, "a\"} 1\n\\\x1b", 1, 1, "", &text, &err),
	                 STP_OK);
	assert_non_null(strstr(text, "{repo=\"a\\\"} 1\\n\\\\\"} 1\n"));
	assert_clean(text);
	free(text);
}

static void test_out__formats_durations_and_rates(void **state)
{
	char text[32];

	(void)state;
	assert_string_equal(stp_duration_format(0.84, text), "0.84 s");
	assert_string_equal(stp_duration_format(41.3, text), "41.3 s");
	assert_string_equal(stp_duration_format(720, text), "12 min");
	assert_string_equal(stp_duration_format(12000, text), "3 h 20 min");
	assert_string_equal(stp_duration_format(300000, text), "3 d 11 h");
	assert_string_equal(stp_bytes_rate_format(0, text), "-");
	assert_string_equal(stp_count_rate_format(71204, text), "71,204/s");
	assert_string_equal(stp_latency_format(85, text), "85 us");
	assert_string_equal(stp_latency_format(1200, text), "1.2 ms");
	stp_duration_format(1e300, text);
	stp_duration_format(-1e300, text);
	stp_latency_format(1e300, text);
}

static void test_out__drops_a_character_that_was_cut(void **state)
{
	struct stp_out out = STP_OUT_INIT;
	struct stp_err err = STP_ERR_INIT;
	char *text;

	(void)state;
	stp_out_line(&out, "%.4s|%.5s|%.5s|%.3s", "aébc", "aé€", "aé\xf0\x9f\x90\x82", "€");
	assert_int_equal(stp_out_take(&out, &text, &err), STP_OK);
	assert_string_equal(text, "aéb|aé|aé|€\n");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_report__escapes_hostile_names_in_html),
	    cmocka_unit_test(test_report__escapes_hostile_names_for_a_terminal),
	    cmocka_unit_test(test_report__refuses_what_bench_did_not_write),
	    cmocka_unit_test(test_report__shows_a_document_with_nothing_in_it),
	    cmocka_unit_test(test_report__fits_80_columns),
	    cmocka_unit_test(test_report__draws_a_run_with_faults_of_any_name),
	    cmocka_unit_test(test_report__names_what_is_valid_after_a_run_that_published_nothing),
	    cmocka_unit_test(test_metrics__tell_of_a_run_that_ended_well),
	    cmocka_unit_test(test_metrics__keep_the_last_success_when_a_run_fails),
	    cmocka_unit_test(test_metrics__tell_when_each_role_expires),
	    cmocka_unit_test(test_metrics__escape_the_repositorys_name),
	    cmocka_unit_test(test_out__formats_durations_and_rates),
	    cmocka_unit_test(test_out__drops_a_character_that_was_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
