/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The small files of state/ as somebody who may write there could leave them: the input is read as
 * state/reserved, as a commit record, as the report of the last run and as state/rotation.json. A
 * number that is accepted is one that can be published; no control character gets from the report
 * to a terminal.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/text.h"
#include "publish/commits.h"
#include "publish/publish.h"
#include "run/last_run.h"
#include "run/rotation.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_bytes);

/* What is accepted is what the writer writes, byte for byte: there is no other accepted form. */
static void try_reserved(const uint8_t *data, size_t data_bytes)
{
	struct stp_err err = STP_ERR_INIT;
	uint64_t version = 0;
	char text[32];
	int count;

	if (stp_reserved_parse(data, data_bytes, &version, &err) != STP_OK) {
		STP_ASSERT(err.code == STP_FORMAT && strstr(err.subject, "reserved"));
		return;
	}
	count = snprintf(text, sizeof(text), "%llu\n", (unsigned long long)version);
	STP_ASSERT(version <= STP_VERSION_MAX);
	STP_ASSERT((size_t)count == data_bytes && memcmp(text, data, data_bytes) == 0);
}

static void try_commit(const uint8_t *data, size_t data_bytes)
{
	struct stp_commit commit = {0};
	struct stp_err err = STP_ERR_INIT;

	if (stp_commit_parse("7.json", data, data_bytes, &commit, &err) != STP_OK) {
		STP_ASSERT(err.code != STP_OK && err.text[0]);
		return;
	}
	STP_ASSERT(commit.snapshot_version >= 1 && commit.snapshot_version <= STP_VERSION_MAX);
	STP_ASSERT(commit.timestamp_version >= 1 && commit.timestamp_version <= STP_VERSION_MAX);
}

static void check_text(const char *text, size_t size)
{
	size_t count = strnlen(text, size);

	STP_ASSERT(count < size);
	for (size_t i = 0; i < count;) {
		size_t bytes = stp_text_harmless(text + i, count - i);

		STP_ASSERT(bytes);
		i += bytes;
	}
}

static void try_last_run(const uint8_t *data, size_t data_bytes)
{
	struct stp_status_run run;

	memset(&run, 0, sizeof(run));
	stp_last_run_parse(data, data_bytes, &run);
	check_text(run.error, sizeof(run.error));
	check_text(run.io_backend, sizeof(run.io_backend));
}

/* Names of documents lead to no other folder, and texts end. */
static void try_rotation(const uint8_t *data, size_t data_bytes)
{
	struct stp_err err = STP_ERR_INIT;
	struct stp_rotation rotation;

	if (stp_rotation_parse((const char *)data, data_bytes, NULL, &rotation, &err) != STP_OK) {
		STP_ASSERT(err.code == STP_FORMAT);
		return;
	}
	STP_ASSERT(rotation.phase != STP_ROTATION_NONE && rotation.file_count >= 1 &&
	           rotation.file_count <= STP_ROTATION_FILES_MAX);
	for (size_t i = 0; i < rotation.file_count; i++)
		STP_ASSERT(!strchr(rotation.files[i].name, '/'));
	for (size_t i = 0; i < STP_ONLINE_ROLES; i++)
		STP_ASSERT(!rotation.roles[i].is_rotated ||
		           strlen(rotation.roles[i].next.keyid) == STP_KEYID_CHARS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_bytes)
{
	try_reserved(data, data_bytes);
	try_commit(data, data_bytes);
	try_last_run(data, data_bytes);
	try_rotation(data, data_bytes);
	return 0;
}
