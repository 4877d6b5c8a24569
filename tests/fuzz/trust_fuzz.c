/* SPDX-License-Identifier: Apache-2.0 */
/*
 * public/metadata and state/ as somebody who may write there could leave them: the input is a list
 * of edits of a genuine small repository. Reading it back either fails, or gives what was
 * published.
 *
 *	edit: file, what (2 bytes), where (2 bytes), count (1 byte), count bytes
 *
 * The keys are new in each process, so no input can hold a signature that fits.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/limits.h"
#include "fuzz_input.h"
#include "keys/keys.h"
#include "publish/publish.h"
#include "run/last_run.h"
#include "run/sign/report.h"
#include "run/trusted.h"
#include "scratch.h"
#include "stampede/init.h"
#include "stampede/sign.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_bytes);

#define VERSION 2 /* two runs */

static const char *const files[] = {
    "public/metadata/1.root.json",
    "public/metadata/1.targets.json",
    "public/metadata/1.bins.json",
    "public/metadata/2.snapshot.json",
    "public/metadata/timestamp.json",
    "public/metadata/2.bin-n-0.json",
    "state/floors",
    "state/reserved",
    "state/commits/2.json",
    "state/last-run.json",
    "stampede.json",
    "public/metadata/2.root.json",
    "public/metadata/2.targets.json",
    "public/metadata/3.snapshot.json",
    "public/metadata/3.bin-n-1.json",
    "state/commits/9.json",
};
#define FILE_COUNT (sizeof(files) / sizeof(files[0]))

enum what { WRITE, REMOVE, TRUNCATE, COPY, WHAT_COUNT };

static struct scratch scratch;
static int repo_fd = -1;
static struct stp_buf genuine[FILE_COUNT]; /* empty: not there */
static int is_dirty[FILE_COUNT];
static struct stp_seal_key *seal_key;

static void put(size_t index, const void *bytes, size_t count)
{
	int fd = openat(repo_fd, files[index], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	must(fd >= 0 && write(fd, bytes, count) == (ssize_t)count, files[index]);
	close(fd);
}

static void remove_scratch(void)
{
	for (size_t i = 0; i < FILE_COUNT; i++)
		stp_buf_release(&genuine[i]);
	stp_seal_key_destroy(seal_key);
	scratch_release(&scratch);
}

/* Two runs over one file. */
static void make_repository(char *repo, char *targets)
{
	struct stp_init_options options = {
	    .repo = repo, .targets_dir = targets, .bin_count = 2, .now = 1893456000};
	struct stp_sign_options run = STP_SIGN_OPTIONS_INIT;
	struct stp_init_report made;
	struct stp_sign_report report;
	struct stp_err err = STP_ERR_INIT;

	run.repo = repo;
	run.jobs = 1;
	must(stp_init(&options, &made, &err) == STP_OK, err.text);
	stp_init_report_release(&made);
	for (int i = 0; i < VERSION; i++) {
		run.now = 1893456000 + i;
		must(stp_sign(&run, &report, &err) == STP_OK, err.text);
		stp_sign_report_release(&report);
	}
}

static void prepare(void)
{
	char repo[400], targets[400];
	struct stp_err err = STP_ERR_INIT;
	int keys_fd;

	scratch_init(&scratch);
	atexit(remove_scratch);
	snprintf(repo, sizeof(repo), "%s/repo", scratch.path);
	snprintf(targets, sizeof(targets), "%s/targets", scratch.path);
	must(mkdir(targets, 0755) == 0, targets);
	scratch_file(&scratch, "targets/a.whl", "a", 1);
	make_repository(repo, targets);
	repo_fd = open(repo, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	keys_fd = openat(repo_fd, "keys", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	must(stp_seal_key_load(keys_fd, STP_LEDGER_KEY_FILE, &seal_key, &err) == STP_OK, err.text);
	close(keys_fd);
	for (size_t i = 0; i < FILE_COUNT; i++) {
		struct stp_err none = STP_ERR_INIT;

		if (faccessat(repo_fd, files[i], F_OK, 0) == 0)
			must(stp_file_read(repo_fd, files[i], 1 << 20, "fuzz", &genuine[i],
			                   &none) == STP_OK,
			     files[i]);
	}
}

/* Files that the last input edited, as they were. */
static void restore(void)
{
	for (size_t i = 0; i < FILE_COUNT; i++) {
		if (is_dirty[i] && genuine[i].count)
			put(i, genuine[i].data, genuine[i].count);
		else if (is_dirty[i])
			unlinkat(repo_fd, files[i], 0);
		is_dirty[i] = 0;
	}
}

/* Applies one edit; returns its size. */
static size_t edit(const uint8_t *data, size_t count)
{
	size_t index = data[0] % FILE_COUNT;
	size_t other = data[1] / WHAT_COUNT % FILE_COUNT;
	size_t bytes = data[4];
	int fd;

	if (count < 5 || bytes > count - 5)
		return count;
	is_dirty[index] = 1;
	switch (data[1] % WHAT_COUNT) {
	case REMOVE:
		unlinkat(repo_fd, files[index], 0);
		break;
	case COPY:
		put(index, genuine[other].data, genuine[other].count);
		break;
	default:
		fd = openat(repo_fd, files[index], O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		must(fd >= 0, files[index]);
		if (data[1] % WHAT_COUNT == TRUNCATE)
			must(ftruncate(fd, data[2] | data[3] << 8) == 0, files[index]);
		must(pwrite(fd, data + 5, bytes, data[2] | data[3] << 8) == (ssize_t)bytes,
		     files[index]);
		close(fd);
	}
	return 5 + bytes;
}

static void read_last_run(const struct stp_repo *repo)
{
	struct stp_err ignored = STP_ERR_INIT;
	struct stp_buf text = STP_BUF_INIT;
	struct stp_status_run run = {0};

	if (stp_file_read(repo->state_fd, STP_LAST_RUN_FILE, STP_LAST_RUN_BYTES_MAX, "fuzz", &text,
	                  &ignored) == STP_OK)
		stp_last_run_parse(text.data, text.count, &run);
	stp_buf_release(&text);
}

/* Checks that what was read is what was published. */
static void check_current(const struct stp_current *current, int has_floors,
                          const struct stp_repo *repo)
{
	struct stp_publish_options options = {.now = 1893456010};
	struct stp_publisher *publisher;
	struct stp_err err = STP_ERR_INIT;
	uint64_t version;

	must(current->root.version == 1 && current->targets.version == 1 &&
	         current->bins.version == 1,
	     "another role");
	/* Without floors nothing shows that there was a timestamp. */
	if (current->timestamp_version || has_floors) {
		must(current->timestamp_version == VERSION && current->snapshot_version == VERSION,
		     "another version");
		must(current->meta.count == 4, "another name");
	}
	must(current->bin_count == 2, "another number of bins");
	if (stp_publish_begin(repo, current, &options, &publisher, &err) != STP_OK)
		return;
	is_dirty[7] = 1; /* reserved */
	if (stp_publish_reserve(publisher, &version, &err) == STP_OK)
		must(version > current->timestamp_version &&
		         version < VERSION + 2 * STP_VERSION_JUMP_MAX,
		     "a jump");
	stp_publish_end(publisher);
	for (size_t i = 13; i < 15; i++) /* swept as files of a run that died */
		is_dirty[i] = 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_bytes)
{
	struct stp_err err = STP_ERR_INIT;
	struct stp_chain_options pins = {.folder_fd = -1};
	struct stp_config config;
	struct stp_current current;
	struct stp_trust trust;
	struct stp_repo repo;
	char path[400];

	if (repo_fd < 0)
		prepare();
	restore();
	for (size_t at = 0; at + 5 <= data_bytes;)
		at += edit(data + at, data_bytes - at);
	snprintf(path, sizeof(path), "%s/repo", scratch.path);
	if (stp_repo_open(path, STP_REPO_LOCK, "fuzz", &repo, &err) != STP_OK)
		return 0;
	read_last_run(&repo);
	stp_trusted_pins(repo.root_fd, pins.pinned);
	if (stp_config_load(&config, repo.root_fd, &err) == STP_OK) {
		if (stp_trusted_load(&trust, &repo, &config, STP_TRUSTED_UNPINNED, NULL, seal_key,
		                     &current, &err) == STP_OK) {
			check_current(&current, trust.has_floors, &repo);
			stp_current_release(&current);
			stp_trust_release(&trust);
		} else {
			must(err.code != STP_OK && err.text[0], "no reason");
		}
		stp_config_release(&config);
	}
	stp_repo_close(&repo);
	return 0;
}
