/* SPDX-License-Identifier: Apache-2.0 */
/* A repository that signs twice, a copy from between (the last known good), and a thief with its
 * online key. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>
#include <sodium.h>

#include "base/file.h"
#include "keys/key_signer.h"
#include "repository.h"
#include "run/rotate/log.h"
#include "sign/sealed.h"
#include "stampede/sign.h"

struct theft {
	struct repository r;
	char good_path[320], metadata_path[340], mirror_path[320];
	struct stp_signer *signer;
	int good_state_fd, mirror_fd;
	struct stp_side good;
	struct stp_rotate_log log;
	const struct stp_public_key *keys[1];
	struct stp_hunt hunt;
};

static void sign(struct theft *t, int64_t now)
{
	struct stp_sign_options options = STP_SIGN_OPTIONS_INIT;
	struct stp_sign_report report;
	struct stp_err err = STP_ERR_INIT;

	options.repo = t->r.path;
	options.now = now;
	options.jobs = 1;
	repository_check(stp_sign(&options, &report, &err) == STP_OK, &err);
	stp_sign_report_release(&report);
}

static void copy(const char *from, const char *to)
{
	char command[1024];

	snprintf(command, sizeof(command), "cp -a %s %s", from, to);
	assert_int_equal(system(command), 0);
}

static struct theft *set_up(void)
{
	struct theft *t = calloc(1, sizeof(*t));
	unsigned i;

	repository_init(&t->r, "pep458");
	for (i = 0; i < 40; i++) {
		char name[64];

		snprintf(name, sizeof(name), "targets/pkg-%u.whl", i);
		scratch_noise(&t->r.scratch, name, 100 + i, i);
	}
	snprintf(t->good_path, sizeof(t->good_path), "%s/good", t->r.scratch.path);
	snprintf(t->mirror_path, sizeof(t->mirror_path), "%s/mirror", t->r.scratch.path);
	snprintf(t->metadata_path, sizeof(t->metadata_path), "%s/public/metadata", t->r.path);
	mkdir(t->mirror_path, 0755);
	t->mirror_fd = open(t->mirror_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	stp_fd_close(&t->r.repo.lock_fd);
	sign(t, REPOSITORY_NOW + 10);
	copy(t->r.path, t->good_path);
	sign(t, REPOSITORY_NOW + 20);
	assert_int_equal(stp_key_signer_create(t->r.online_key, &t->signer, NULL), STP_OK);
	t->keys[0] = &t->signer->public_key;
	memcpy(t->signer->public_key.keyid, t->signer->object.keyid, STP_KEYID_CHARS + 1);
	return t;
}

static void tear_down(struct theft *t)
{
	stp_signer_destroy(t->signer);
	close(t->mirror_fd);
	repository_release(&t->r);
	free(t);
}

/* Hunts in public/metadata and in the mirror. */
static const struct stp_hunt_report *hunt(struct theft *t)
{
	struct stp_hunt_options options = {
	    .keys = t->keys,
	    .key_count = 1,
	    .is_known = stp_rotate_log_known,
	    .is_known_ctx = &t->log,
	    .good = &t->good,
	};
	static const uint64_t snapshots[] = {1, 2};
	struct stp_rotate_published published = {2, snapshots, 2, -1};
	struct stp_err err = STP_ERR_INIT;
	char state[340];

	snprintf(state, sizeof(state), "%s/state", t->good_path);
	t->good_state_fd = open(state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	repository_check(stp_side_open(&t->good, t->good_path, &err) == STP_OK, &err);
	repository_check(stp_rotate_log_load(&t->log, t->r.repo.state_fd, t->good_state_fd, &err) ==
	                     STP_OK,
	                 &err);
	stp_hunt_init(&t->hunt, &options);
	repository_check(
	    stp_hunt_folder(&t->hunt, t->r.repo.metadata_fd, "public", 1, &err) == STP_OK, &err);
	repository_check(stp_hunt_path(&t->hunt, t->mirror_path, &err) == STP_OK, &err);
	stp_hunt_finish(&t->hunt);
	repository_check(stp_rotate_log_report(&t->log, t->r.repo.state_fd, t->good_state_fd,
	                                       &published, &t->hunt.arena, &t->hunt.report,
	                                       &err) == STP_OK,
	                 &err);
	return &t->hunt.report;
}

static void end_hunt(struct theft *t)
{
	stp_hunt_release(&t->hunt);
	stp_rotate_log_release(&t->log);
	stp_side_close(&t->good);
	memset(&t->good, 0, sizeof(t->good));
	close(t->good_state_fd);
}

/* The bin of the last version that has the most targets. */
static json_t *largest_bin(struct theft *t, char *role)
{
	json_t *largest = NULL;
	unsigned i;

	for (i = 0; i < 16; i++) {
		struct stp_buf file = STP_BUF_INIT;
		json_t *envelope;
		char name[64];

		snprintf(name, sizeof(name), "2.bin-n-%x.json", i);
		assert_int_equal(
		    stp_file_read(t->r.repo.metadata_fd, name, 1 << 20, "t", &file, NULL), STP_OK);
		envelope = json_loadb((const char *)file.data, file.count, 0, NULL);
		stp_buf_release(&file);
		if (largest && json_object_size(json_object_get(json_object_get(envelope, "signed"),
		                                                "targets")) <=
		                   json_object_size(json_object_get(largest, "targets"))) {
			json_decref(envelope);
			continue;
		}
		json_decref(largest);
		largest = json_incref(json_object_get(envelope, "signed"));
		json_decref(envelope);
		snprintf(role, 32, "bin-n-%x", i);
	}
	return largest;
}

/* Signs body with the stolen key and writes it to the mirror. */
static void forge(struct theft *t, json_t *body, uint64_t version, const char *name)
{
	struct stp_sealed sealed;
	char *text;

	json_object_set_new(body, "version", json_integer((json_int_t)version));
	text = json_dumps(body, JSON_COMPACT | JSON_SORT_KEYS);
	assert_int_equal(stp_sealed_make(name, version, text, strlen(text), &t->signer, 1, &sealed,
	                                 NULL),
	                 STP_OK);
	scratch_file(&t->r.scratch, name, sealed.bytes, sealed.length);
	stp_sealed_release(&sealed);
	free(text);
}

static json_t *timestamp_body(struct theft *t)
{
	struct stp_buf file = STP_BUF_INIT;
	json_t *envelope;
	json_t *body;

	assert_int_equal(stp_file_read(t->r.repo.metadata_fd, "timestamp.json", 1 << 20, "t", &file,
	                               NULL),
	                 STP_OK);
	envelope = json_loadb((const char *)file.data, file.count, 0, NULL);
	body = json_incref(json_object_get(envelope, "signed"));
	json_decref(envelope);
	stp_buf_release(&file);
	return body;
}

static void test_hunt__what_the_repository_signed_is_no_forgery(void **state)
{
	struct theft *t = set_up();
	const struct stp_hunt_report *report;
	char from[400], to[400];

	(void)state;
	snprintf(from, sizeof(from), "%s/public", t->good_path);
	snprintf(to, sizeof(to), "%s/deep", t->mirror_path);
	copy(from, to);
	report = hunt(t);
	assert_int_equal(report->forgery_total, 0);
	assert_int_equal(report->unjudged_total, 0);
	assert_int_equal(report->bad, 0);
	/* 16 bins, snapshot: two versions here and one in the mirror; two timestamps. */
	assert_int_equal(report->ours, 3 * 17 + 2);
	assert_int_equal(report->unsigned_, 2 * 3); /* root, targets, bins */
	assert_int_equal(report->log_lines, 2 * 18);
	assert_int_equal(report->has_known_log, 1);
	assert_int_equal(report->log_vanished, 0);
	assert_int_equal(report->log_inserted, 0);
	assert_int_equal(report->absent_replaced, 1);
	assert_int_equal(report->absent, 0);
	end_hunt(t);
	tear_down(t);
}

static void test_hunt__a_forged_bin_is_reported_with_its_targets(void **state)
{
	struct theft *t = set_up();
	const struct stp_hunt_report *report;
	const struct stp_forgery *forgery;
	char role[32], name[64];
	json_t *body = largest_bin(t, role);
	json_t *targets = json_object_get(body, "targets");
	json_t *first = json_object_iter_value(json_object_iter(targets));
	const char *changed = json_object_iter_key(json_object_iter(targets));
	char path[64];

	(void)state;
	snprintf(path, sizeof(path), "%s", changed);
	json_object_set_new(first, "length", json_integer(999999));
	snprintf(name, sizeof(name), "mirror/77.%s.json", role);
	forge(t, body, 77, name);
	report = hunt(t);
	assert_int_equal(report->forgery_total, 1);
	forgery = &report->forgeries[0];
	assert_int_equal(forgery->kind, STP_FORGERY_UNRECORDED);
	assert_string_equal(forgery->folder, t->mirror_path);
	assert_string_equal(forgery->file, name + strlen("mirror/"));
	assert_string_equal(forgery->role, role);
	assert_int_equal(forgery->version, 77);
	assert_int_equal(forgery->is_public, 0);
	assert_true(forgery->is_compared);
	assert_int_equal(forgery->changed, 1);
	assert_int_equal(forgery->added, 0);
	assert_int_equal(forgery->removed, 0);
	assert_int_equal(forgery->target_count, 1);
	assert_string_equal(forgery->targets[0].path, path);
	assert_int_equal(forgery->targets[0].new_length, 999999);
	assert_int_equal(report->version_max, 77);
	json_decref(body);
	end_hunt(t);
	tear_down(t);
}

static void test_hunt__the_form_of_a_file_hides_nothing(void **state)
{
	struct theft *t = set_up();
	const struct stp_hunt_report *report;
	json_t *body = timestamp_body(t);
	struct stp_buf file = STP_BUF_INIT;
	json_t *envelope;
	char *text;

	(void)state;
	forge(t, body, 9007199254740991, "mirror/timestamp.json");
	assert_int_equal(stp_file_read(t->mirror_fd, "timestamp.json", 1 << 20, "t", &file, NULL),
	                 STP_OK);
	/* The same with spaces, under another name, and with the digits in upper case. */
	envelope = json_loadb((const char *)file.data, file.count, 0, NULL);
	text = json_dumps(envelope, JSON_INDENT(2));
	scratch_file(&t->r.scratch, "mirror/a/b/c/README.JSON", text, strlen(text));
	/* A duplicate member: readers differ about which one counts. */
	file.data[file.count - 1] = ',';
	assert_int_equal(stp_buf_append(&file, "\"signatures\":[]}", 16, NULL), STP_OK);
	scratch_file(&t->r.scratch, "mirror/double.json", file.data, file.count);
	report = hunt(t);
	assert_int_equal(report->forgery_total, 2);
	assert_string_equal(report->forgeries[0].file, "a/b/c/README.JSON");
	assert_string_equal(report->forgeries[0].role, "timestamp");
	assert_string_equal(report->forgeries[1].file, "timestamp.json");
	assert_int_equal(report->version_max, 9007199254740991);
	assert_int_equal(report->unjudged_total, 1);
	assert_string_equal(report->unjudged[0].file, "double.json");
	assert_non_null(strstr(report->unjudged[0].text, "duplicate"));
	free(text);
	json_decref(envelope);
	json_decref(body);
	stp_buf_release(&file);
	end_hunt(t);
	tear_down(t);
}

static void test_hunt__a_bin_under_another_bins_name_is_reported(void **state)
{
	struct theft *t = set_up();
	const struct stp_hunt_report *report;
	struct stp_buf file = STP_BUF_INIT;

	(void)state;
	assert_int_equal(stp_file_read(t->r.repo.metadata_fd, "2.bin-n-1.json", 1 << 20, "t", &file,
	                               NULL),
	                 STP_OK);
	scratch_file(&t->r.scratch, "mirror/2.bin-n-2.json", file.data, file.count);
	report = hunt(t);
	assert_int_equal(report->forgery_total, 1);
	assert_int_equal(report->forgeries[0].kind, STP_FORGERY_RENAMED);
	assert_string_equal(report->forgeries[0].role, "bin-n-2");
	stp_buf_release(&file);
	end_hunt(t);
	tear_down(t);
}

/* A signature that no client accepts proves nothing. */
static void test_hunt__a_wrong_signature_is_no_proof(void **state)
{
	struct theft *t = set_up();
	const struct stp_hunt_report *report;
	struct stp_buf file = STP_BUF_INIT;
	json_t *body = timestamp_body(t);
	char *expires;

	(void)state;
	forge(t, body, 99, "mirror/timestamp.json");
	assert_int_equal(stp_file_read(t->mirror_fd, "timestamp.json", 1 << 20, "t", &file, NULL),
	                 STP_OK);
	expires = strstr((char *)file.data, "\"expires\":\"20");
	assert_non_null(expires);
	expires[strlen("\"expires\":\"20")] ^= 1;
	scratch_file(&t->r.scratch, "mirror/timestamp.json", file.data, file.count);
	report = hunt(t);
	assert_int_equal(report->forgery_total, 0);
	assert_int_equal(report->bad, 1);
	json_decref(body);
	stp_buf_release(&file);
	end_hunt(t);
	tear_down(t);
}

static void test_hunt__hostile_folders_neither_block_nor_lead_away(void **state)
{
	struct theft *t = set_up();
	const struct stp_hunt_report *report;
	json_t *body = timestamp_body(t);
	char name[64];

	(void)state;
	forge(t, body, 99, "elsewhere.json");
	assert_int_equal(symlinkat("../elsewhere.json", t->mirror_fd, "1.link.json"), 0);
	assert_int_equal(symlinkat("..", t->mirror_fd, "folder"), 0);
	assert_int_equal(mkfifoat(t->mirror_fd, "2.fifo.json", 0644), 0);
	scratch_file(&t->r.scratch, "mirror/3.large.json", "", 0);
	snprintf(name, sizeof(name), "%s", "3.large.json");
	{
		int fd = openat(t->mirror_fd, name, O_WRONLY | O_CLOEXEC);

		assert_int_equal(ftruncate(fd, (off_t)1 << 40), 0);
		close(fd);
	}
	scratch_file(&t->r.scratch, "mirror/4.\n\xff.json", "{", 1);
	scratch_file(&t->r.scratch, "mirror/5.other.json", "{\"a\":1}", 7);
	report = hunt(t);
	assert_int_equal(report->forgery_total, 0);
	assert_int_equal(report->unjudged_total, 4);
	assert_string_equal(report->unjudged[0].file, "1.link.json");
	assert_string_equal(report->unjudged[1].file, "2.fifo.json");
	assert_string_equal(report->unjudged[2].file, "3.large.json");
	assert_string_equal(report->unjudged[3].file, "4.\n\xff.json");
	assert_int_equal(report->other, 1);
	json_decref(body);
	end_hunt(t);
	tear_down(t);
}

/* Removes the line of the log that has this text, or inserts text before it. */
static void edit_log(struct theft *t, const char *text, const char *insert)
{
	struct stp_buf log = STP_BUF_INIT;
	char *at;
	char *begin;
	char path[400];
	FILE *file;

	assert_int_equal(
	    stp_file_read(t->r.repo.state_fd, STP_AUDIT_FILE, 1 << 24, "t", &log, NULL), STP_OK);
	at = strstr((char *)log.data, text);
	assert_non_null(at);
	for (begin = at; begin > (char *)log.data && begin[-1] != '\n'; begin--)
		continue;
	snprintf(path, sizeof(path), "%s/state/" STP_AUDIT_FILE, t->r.path);
	file = fopen(path, "w");
	assert_non_null(file);
	fwrite(log.data, 1, (size_t)(begin - (char *)log.data), file);
	fputs(insert ? insert : "", file);
	fputs(insert ? begin : strchr(begin, '\n') + 1, file);
	fclose(file);
	stp_buf_release(&log);
}

static void test_hunt__lines_that_vanished_or_were_inserted_are_counted(void **state)
{
	struct theft *t = set_up();
	const struct stp_hunt_report *report;

	(void)state;
	edit_log(t, "bin-n-4 1 ", NULL); /* in the copy, and not the first line */
	edit_log(t, "bin-n-7 1 ",
	         "2030-01-01T00:00:00Z timestamp 9 "
	         "abababababababababababababababababababababababababababababababab\n");
	report = hunt(t);
	assert_int_equal(report->log_vanished, 1);
	assert_int_equal(report->log_backwards, 1);
	/* Its file is known: the copy has the line. */
	assert_int_equal(report->forgery_total, 0);
	end_hunt(t);
	tear_down(t);
}

static void test_hunt__a_bin_that_the_log_records_and_nobody_has_is_absent(void **state)
{
	struct theft *t = set_up();
	const struct stp_hunt_report *report;

	(void)state;
	assert_int_equal(unlinkat(t->r.repo.metadata_fd, "2.bin-n-5.json", 0), 0);
	report = hunt(t);
	assert_int_equal(report->absent, 1);
	assert_string_equal(report->absent_first, "2.bin-n-5.json");
	end_hunt(t);
	tear_down(t);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_hunt__what_the_repository_signed_is_no_forgery),
	    cmocka_unit_test(test_hunt__a_forged_bin_is_reported_with_its_targets),
	    cmocka_unit_test(test_hunt__the_form_of_a_file_hides_nothing),
	    cmocka_unit_test(test_hunt__a_bin_under_another_bins_name_is_reported),
	    cmocka_unit_test(test_hunt__a_wrong_signature_is_no_proof),
	    cmocka_unit_test(test_hunt__hostile_folders_neither_block_nor_lead_away),
	    cmocka_unit_test(test_hunt__lines_that_vanished_or_were_inserted_are_counted),
	    cmocka_unit_test(test_hunt__a_bin_that_the_log_records_and_nobody_has_is_absent),
	};

	return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
