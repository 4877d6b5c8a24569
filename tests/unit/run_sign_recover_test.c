/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "bins/bin.h"
#include "keys/key_signer.h"
#include "made_ledger.h"
#include "run/sign/recover.h"
#include "sign/sealed.h"

#define SHA256  STP_ALG_BIT(STP_ALG_SHA256)
#define BITS    2
#define BINS    (1u << BITS)
#define RECORDS 20
#define VERSION 7

struct fixture {
	struct scratch scratch;
	struct stp_key *keys[2];
	struct stp_signer *signer, *other_signer;
	struct made_record records[RECORDS];
	struct stp_meta items[BINS + 3];
	struct stp_meta_list meta;
	char names[BINS][16];
	struct stp_recover_in in;
	struct stp_recovered out;
	struct stp_err err;
};

/* Publishes bin index, signed by signer, with the records of bin from. */
static void publish_bin(struct fixture *fixture, uint32_t index, uint32_t from, uint64_t version,
                        struct stp_signer *signer)
{
	char head[STP_BIN_HEAD_BYTES];
	char tail[STP_BIN_TAIL_BYTES_MAX];
	struct stp_sealed sealed;
	struct stp_bin bin;
	size_t head_bytes = stp_bin_body_head(2000000000, head);
	size_t tail_bytes = stp_bin_body_tail(version, tail);
	size_t bytes;
	uint8_t *body;
	char name[32];
	size_t i;

	stp_bin_init(&bin);
	for (i = 0; i < RECORDS; i++)
		if (stp_bin_index(fixture->records[i].record.key, BITS) == from)
			assert_int_equal(stp_bin_add(&bin, &fixture->records[i].record, 32, NULL),
			                 STP_OK);
	stp_bin_sort(&bin);
	bytes = stp_bin_write_bytes(&bin, SHA256);
	body = malloc(head_bytes + bytes + tail_bytes);
	memcpy(body, head, head_bytes);
	assert_ptr_equal(stp_bin_write(&bin, SHA256, body + head_bytes), body + head_bytes + bytes);
	memcpy(body + head_bytes + bytes, tail, tail_bytes);
	snprintf(name, sizeof(name), "%d.bin-n-%x.json", VERSION, index);
	assert_int_equal(stp_sealed_make(name, version, body, head_bytes + bytes + tail_bytes,
	                                 &signer, 1, &sealed, NULL),
	                 STP_OK);
	scratch_file(&fixture->scratch, name, sealed.bytes, sealed.length);
	stp_sealed_release(&sealed);
	stp_bin_release(&bin);
	free(body);
}

static struct fixture *set_up(void)
{
	static const uint8_t seeds[2][STP_KEY_SEED_BYTES] = {{1}, {2}};
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	uint32_t i;

	scratch_init(&fixture->scratch);
	for (i = 0; i < 2; i++)
		assert_int_equal(stp_key_from_seed(seeds[i], &fixture->keys[i], NULL), STP_OK);
	assert_int_equal(stp_key_signer_create(fixture->keys[0], &fixture->signer, NULL), STP_OK);
	assert_int_equal(stp_key_signer_create(fixture->keys[1], &fixture->other_signer, NULL),
	                 STP_OK);
	for (i = 0; i < RECORDS; i++)
		make_record(&fixture->records[i], 3, i);
	for (i = 0; i < BINS; i++) {
		publish_bin(fixture, i, i, VERSION, fixture->signer);
		snprintf(fixture->names[i], sizeof(fixture->names[i]), "bin-n-%x", i);
		fixture->items[i] = (struct stp_meta){fixture->names[i], VERSION, 0};
	}
	/* A name of an older number of bins, and roles that are not bins. */
	fixture->items[BINS] = (struct stp_meta){"bin-n-ff", VERSION - 1, 0};
	fixture->items[BINS + 1] = (struct stp_meta){"bins", VERSION, 0};
	fixture->items[BINS + 2] = (struct stp_meta){"targets", VERSION, 0};
	fixture->meta = (struct stp_meta_list){fixture->items, BINS + 3};
	fixture->in = (struct stp_recover_in){.meta = &fixture->meta,
	                                      .version = VERSION,
	                                      .metadata_fd = fixture->scratch.fd,
	                                      .spill_fd = fixture->scratch.fd,
	                                      .key = &fixture->signer->public_key,
	                                      .hash_set = SHA256,
	                                      .jobs = 2};
	return fixture;
}

static void tear_down(struct fixture *fixture)
{
	stp_recovered_release(&fixture->out);
	stp_signer_destroy(fixture->signer);
	stp_signer_destroy(fixture->other_signer);
	stp_key_destroy(fixture->keys[0]);
	stp_key_destroy(fixture->keys[1]);
	scratch_release(&fixture->scratch);
	free(fixture);
}

static enum stp_errc recover(struct fixture *fixture)
{
	stp_recovered_release(&fixture->out);
	fixture->out = (struct stp_recovered){.has_published = 0};
	fixture->err = (struct stp_err)STP_ERR_INIT;
	return stp_recover(&fixture->in, &fixture->out, &fixture->err);
}

static void test_recover__every_target_of_the_bins_is_there(void **state)
{
	struct fixture *fixture = set_up();

	(void)state;
	for (fixture->in.jobs = 0; fixture->in.jobs < 4; fixture->in.jobs++) {
		assert_int_equal(recover(fixture), STP_OK);
		assert_true(fixture->out.has_published);
		assert_int_equal(stp_sources_record_count(&fixture->out.published), RECORDS);
	}
	/* Digests of other algorithms were signed too. */
	fixture->in.hash_set = STP_ALG_BIT(STP_ALG_SHA512);
	assert_int_equal(recover(fixture), STP_OK);
	assert_int_equal(stp_sources_record_count(&fixture->out.published), RECORDS);
	tear_down(fixture);
}

static void refused(struct fixture *fixture, const char *subject)
{
	assert_int_equal(recover(fixture), STP_REFUSED);
	assert_string_equal(fixture->err.subject, subject);
	assert_false(fixture->out.has_published);
	publish_bin(fixture, 1, 1, VERSION, fixture->signer);
	assert_int_equal(recover(fixture), STP_OK);
}

static void test_recover__a_bin_that_is_not_what_was_published_is_refused(void **state)
{
	struct fixture *fixture = set_up();

	(void)state;
	publish_bin(fixture, 1, 1, VERSION, fixture->other_signer);
	refused(fixture, "7.bin-n-1.json");
	publish_bin(fixture, 1, 1, VERSION - 1, fixture->signer);
	refused(fixture, "7.bin-n-1.json");
	/* Another bin of the same run in its place. */
	publish_bin(fixture, 1, 2, VERSION, fixture->signer);
	refused(fixture, "7.bin-n-1.json");
	scratch_file(&fixture->scratch, "7.bin-n-1.json", "{}", 2);
	refused(fixture, "7.bin-n-1.json");
	unlinkat(fixture->scratch.fd, "7.bin-n-1.json", 0);
	refused(fixture, "7.bin-n-1.json");
	fixture->items[1].length = 3;
	assert_int_equal(recover(fixture), STP_REFUSED);
	tear_down(fixture);
}

static void test_recover__the_bins_must_be_a_whole_set(void **state)
{
	struct fixture *fixture = set_up();

	(void)state;
	fixture->items[2].version = VERSION - 1;
	assert_int_equal(recover(fixture), STP_REFUSED);
	assert_string_equal(fixture->err.subject, "public/metadata");
	tear_down(fixture);
}

/* Commits a generation of the run that published version, with one record. */
static void commit(struct made_ledger *made, uint64_t version)
{
	struct stp_ledger_summary summary = {.run_version = version, .target_count = 1};
	struct made_record record;
	const struct stp_record *records[1] = {make_record(&record, 1, 1)};

	ledger_take(made, records, 1, &summary);
}

static void test_recover__only_a_ledger_of_the_published_run_stands(void **state)
{
	struct made_ledger made;
	struct stp_fault_list notes;

	(void)state;
	ledger_init(&made, SHA256);
	stp_fault_list_init(&notes);
	assert_false(stp_recover_is_needed(made.ledger, &made.damage, 0));
	assert_true(stp_recover_is_needed(made.ledger, &made.damage, 1));
	commit(&made, 5);
	assert_false(stp_recover_is_needed(made.ledger, &made.damage, 5));
	assert_true(stp_recover_is_needed(made.ledger, &made.damage, 6));
	assert_true(stp_recover_is_needed(made.ledger, &made.damage, 4));
	/* One run behind: it died between its two commits, and nothing is forgotten. */
	stp_recover_note(made.ledger, &made.damage, 6, &notes);
	assert_int_equal(notes.total, 0);
	stp_recover_note(made.ledger, &made.damage, 7, &notes);
	assert_int_equal(notes.total, 1);
	stp_fault_add(&made.damage, STP_FORMAT, 0, "ledger", "x", 1, "broken");
	assert_true(stp_recover_is_needed(made.ledger, &made.damage, 5));
	stp_recover_note(made.ledger, &made.damage, 5, &notes);
	assert_int_equal(notes.total, 2);
	stp_fault_list_release(&notes);
	ledger_end(&made);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_recover__every_target_of_the_bins_is_there),
	    cmocka_unit_test(test_recover__a_bin_that_is_not_what_was_published_is_refused),
	    cmocka_unit_test(test_recover__the_bins_must_be_a_whole_set),
	    cmocka_unit_test(test_recover__only_a_ledger_of_the_published_run_stands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
