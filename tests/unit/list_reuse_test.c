/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/text.h"
#include "list/reuse.h"
#include "listing.h"
#include "made_ledger.h"

#define ROWS 40

struct fixture {
	struct made_ledger made;
	struct made_record records[ROWS];
	struct stp_list_source source;
	struct stp_list_options options;
	struct stp_list_reuse reuse;
	struct stp_list_stats stats;
	struct stp_fault_list faults;
	struct seen seen;
	FILE *file;
	uint8_t secret[32];
};

/* A row for record i; changed: with another length. */
static void write_row(struct fixture *fixture, size_t i, int changed)
{
	const struct stp_record *record = &fixture->records[i].record;
	char hex[65];

	stp_hex_encode(record->digests, 32, hex);
	fprintf(fixture->file, "%s,%llu,%.64s\n", fixture->records[i].path,
	        (unsigned long long)record->length + (unsigned)changed, hex);
}

static void write_list(struct fixture *fixture, size_t changed)
{
	size_t i;

	rewind(fixture->file);
	assert_int_equal(ftruncate(fileno(fixture->file), 0), 0);
	fputs("path,length,sha256\n", fixture->file);
	for (i = 0; i < ROWS; i++)
		write_row(fixture, i, i < changed);
	fflush(fixture->file);
	rewind(fixture->file);
}

static struct fixture *set_up(void)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	size_t i;

	assert_non_null(fixture);
	ledger_init(&fixture->made, SHA256);
	for (i = 0; i < ROWS; i++)
		make_record(&fixture->records[i], 5, 2 * i + 1); /* rows of a list */
	fixture->file = tmpfile();
	fixture->source = (struct stp_list_source){"list", fileno(fixture->file)};
	fixture->options = (struct stp_list_options){.source = &fixture->source,
	                                             .hash_set = SHA256,
	                                             .jobs = 2,
	                                             .sum_secret = fixture->secret};
	stp_fault_list_init(&fixture->faults);
	pthread_mutex_init(&fixture->seen.lock, NULL);
	return fixture;
}

static void tear_down(struct fixture *fixture)
{
	stp_list_reuse_release(&fixture->reuse);
	stp_fault_list_release(&fixture->faults);
	fclose(fixture->file);
	ledger_end(&fixture->made);
	free(fixture);
}

static void commit(struct fixture *fixture, uint64_t tag)
{
	struct stp_ledger_summary summary = {.run_version = 1, .target_count = ROWS, .tag = tag};
	const struct stp_record *records[ROWS];
	size_t i;

	for (i = 0; i < ROWS; i++)
		records[i] = &fixture->records[i].record;
	ledger_take(&fixture->made, records, ROWS, &summary);
}

static int accept_all(void *ctx, const struct stp_record *row)
{
	(void)ctx;
	(void)row;
	return 1;
}

static void choose(struct fixture *fixture)
{
	struct stp_list_basis basis = {.ledger = fixture->made.ledger,
	                               .damage = &fixture->made.damage,
	                               .digest_bytes = 32,
	                               .jobs = 2};

	assert_int_equal(stp_list_reuse_choose(&fixture->reuse, &fixture->options, &basis, NULL),
	                 STP_OK);
}

static void read_with(struct fixture *fixture, int (*accept)(void *, const struct stp_record *))
{
	struct stp_list_sink sink = {accept, collect, &fixture->seen, NULL};

	fixture->seen.count = 0;
	fixture->seen.total = 0;
	assert_int_equal(stp_list_reuse_read(&fixture->reuse, &fixture->options, &sink,
	                                     &fixture->faults, &fixture->stats, NULL),
	                 STP_OK);
}

static void test_reuse__the_very_same_list_is_not_read(void **state)
{
	struct fixture *fixture = set_up();

	(void)state;
	write_list(fixture, 0);
	read_with(fixture, accept_all);
	assert_int_equal(fixture->seen.total, ROWS);
	assert_false(stp_list_reuse_is_used(&fixture->reuse));
	commit(fixture, fixture->reuse.identity);
	rewind(fixture->file);
	stp_list_reuse_release(&fixture->reuse);
	choose(fixture);
	assert_true(fixture->reuse.is_same);
	assert_true(stp_list_reuse_has(&fixture->reuse, &fixture->records[3].record));
	/* One byte of it. */
	stp_list_reuse_release(&fixture->reuse);
	write_list(fixture, 1);
	choose(fixture);
	assert_false(fixture->reuse.is_same);
	tear_down(fixture);
}

static void test_reuse__known_rows_are_marked_and_the_others_are_emitted(void **state)
{
	struct fixture *fixture = set_up();
	size_t i;

	(void)state;
	commit(fixture, 1);
	write_list(fixture, 3);
	choose(fixture);
	assert_true(stp_list_reuse_is_used(&fixture->reuse));
	read_with(fixture, accept_all);
	assert_int_equal(fixture->seen.total, 3);
	assert_int_equal(atomic_load(&fixture->reuse.known_count), ROWS - 3);
	for (i = 0; i < ROWS; i++)
		assert_int_equal(stp_list_reuse_has(&fixture->reuse, &fixture->records[i].record),
		                 i >= 3);
	assert_false(stp_list_reuse_is_unsure(&fixture->reuse));
	assert_int_equal(stp_list_reuse_repeats(&fixture->reuse), 0);
	tear_down(fixture);
}

static int refuse_long(void *ctx, const struct stp_record *row)
{
	(void)ctx;
	return row->length % 2 != 0;
}

static void test_reuse__what_is_not_accepted_is_not_known_either(void **state)
{
	struct fixture *fixture = set_up();
	uint64_t odd = 0;
	size_t i;

	(void)state;
	commit(fixture, 1);
	write_list(fixture, 0);
	choose(fixture);
	read_with(fixture, refuse_long);
	for (i = 0; i < ROWS; i++) {
		const struct stp_record *record = &fixture->records[i].record;

		odd += record->length % 2;
		assert_int_equal(stp_list_reuse_has(&fixture->reuse, record), record->length % 2);
	}
	assert_int_equal(atomic_load(&fixture->reuse.known_count), odd);
	assert_int_equal(fixture->seen.total, 0);
	tear_down(fixture);
}

static void test_reuse__a_path_named_twice_is_read_again_in_full(void **state)
{
	struct fixture *fixture = set_up();

	(void)state;
	commit(fixture, 1);
	write_list(fixture, 0);
	fseek(fixture->file, 0, SEEK_END);
	write_row(fixture, 7, 1);
	fflush(fixture->file);
	rewind(fixture->file);
	choose(fixture);
	read_with(fixture, accept_all);
	assert_true(stp_list_reuse_is_unsure(&fixture->reuse));
	assert_int_equal(stp_list_reuse_drop(&fixture->reuse, &fixture->source, NULL), STP_OK);
	assert_false(stp_list_reuse_is_used(&fixture->reuse));
	fixture->seen.total = 0;
	read_with(fixture, accept_all);
	assert_int_equal(fixture->seen.total, ROWS + 1);
	tear_down(fixture);
}

static void test_reuse__nothing_of_a_damaged_ledger_or_of_a_pipe(void **state)
{
	struct fixture *fixture = set_up();
	int ends[2];

	(void)state;
	commit(fixture, 1);
	write_list(fixture, 1);
	stp_fault_add(&fixture->made.damage, STP_FORMAT, 0, "ledger", "x", 1, "broken");
	choose(fixture);
	assert_false(stp_list_reuse_is_used(&fixture->reuse));
	stp_fault_list_release(&fixture->made.damage);
	stp_fault_list_init(&fixture->made.damage);
	assert_int_equal(pipe(ends), 0);
	fixture->source.fd = ends[0];
	choose(fixture);
	assert_false(stp_list_reuse_is_used(&fixture->reuse));
	close(ends[0]);
	close(ends[1]);
	tear_down(fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_reuse__the_very_same_list_is_not_read),
	    cmocka_unit_test(test_reuse__known_rows_are_marked_and_the_others_are_emitted),
	    cmocka_unit_test(test_reuse__what_is_not_accepted_is_not_known_either),
	    cmocka_unit_test(test_reuse__a_path_named_twice_is_read_again_in_full),
	    cmocka_unit_test(test_reuse__nothing_of_a_damaged_ledger_or_of_a_pipe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
