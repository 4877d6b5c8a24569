/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "repository.h"
#include "run/ceremony/clients.h"
#include "run/ceremony/shadow.h"

struct world {
	struct repository r;
	struct stp_shadow shadow;
	struct stp_clients_run run;
};

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct stp_err err = STP_ERR_INIT;

	repository_init(&w->r, "compat");
	assert_int_equal(stp_shadow_begin(&w->shadow, &w->r.repo, NULL, 0, &err), STP_OK);
	w->run = (struct stp_clients_run){.before_fd = w->r.repo.metadata_fd,
	                                  .after_fd = w->shadow.repo.metadata_fd,
	                                  .newest = 1,
	                                  .now = REPOSITORY_NOW};
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	stp_shadow_end(&w->shadow);
	assert_int_not_equal(faccessat(w->r.repo.state_fd, STP_SHADOW_FOLDER, F_OK, 0), 0);
	repository_release(&w->r);
	free(w);
	return 0;
}

/* Adds text as 2.root.json to what clients will see. */
static void add_root(struct world *w, const void *bytes, size_t count)
{
	struct stp_err err = STP_ERR_INIT;

	assert_int_equal(stp_shadow_put(&w->shadow, "2.root.json", bytes, count, &err), STP_OK);
	w->run.newest = 2;
}

static void test_run_ceremony_clients__what_is_published_stays_good(void **state)
{
	struct world *w = *state;
	struct stp_err err = STP_ERR_INIT;
	int must_sign = 1;

	assert_int_equal(stp_clients_try(&w->run, &must_sign, &err), STP_OK);
	assert_int_equal(must_sign, 0);
}

static void test_run_ceremony_clients__a_root_that_is_not_one(void **state)
{
	struct world *w = *state;
	struct stp_err err = STP_ERR_INIT;
	int must_sign;

	add_root(w, "{}", 2);
	assert_int_equal(stp_clients_try(&w->run, &must_sign, &err), STP_REFUSED);
	assert_non_null(strstr(err.text, "nothing was published"));
}

/* The first root again, as version 2: it is signed, but is not what its name says. */
static void test_run_ceremony_clients__a_root_of_another_version(void **state)
{
	struct world *w = *state;
	struct stp_err err = STP_ERR_INIT;
	struct stp_buf file = STP_BUF_INIT;
	int must_sign;

	assert_int_equal(stp_file_read(w->r.repo.metadata_fd, "1.root.json", 1 << 20, "test", &file,
	                               &err),
	                 STP_OK);
	add_root(w, file.data, file.count);
	stp_buf_release(&file);
	assert_int_equal(stp_clients_try(&w->run, &must_sign, &err), STP_REFUSED);
	assert_string_equal(err.subject, "2.root.json");
}

/* A root that should be there, but is not: a client stops before it. */
static void test_run_ceremony_clients__a_root_that_no_client_reaches(void **state)
{
	struct world *w = *state;
	struct stp_err err = STP_ERR_INIT;
	int must_sign;

	add_root(w, "{}", 2);
	assert_int_equal(unlinkat(w->shadow.repo.metadata_fd, "2.root.json", 0), 0);
	assert_int_equal(stp_shadow_put(&w->shadow, "3.root.json", "{}", 2, &err), STP_OK);
	w->run.newest = 3;
	assert_int_equal(stp_clients_try(&w->run, &must_sign, &err), STP_REFUSED);
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(test_run_ceremony_clients__##name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(what_is_published_stays_good),
	    TEST(a_root_that_is_not_one),
	    TEST(a_root_of_another_version),
	    TEST(a_root_that_no_client_reaches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
