/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The manifest reader on anything, as it is and with its seal made good; what is read and written
 * again reads the same.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "base/bytes.h"
#include "ledger/manifest.h"
#include "ledger/segment_format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_bytes);

static const uint8_t seal_key[STP_SEAL_KEY_BYTES] = {3};
static char folder[] = "/tmp/stampede-fuzz-XXXXXX";

static void remove_folder(void)
{
	rmdir(folder);
}

static int folder_fd(void)
{
	static int fd = -1;

	if (fd < 0) {
		if (!mkdtemp(folder))
			abort();
		atexit(remove_folder);
		fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	return fd;
}

static void try_bytes(const uint8_t *bytes, size_t count)
{
	struct stp_manifest first;
	struct stp_manifest second;
	int fd = openat(folder_fd(), "7.manifest", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, bytes, count) != (ssize_t)count)
		abort();
	close(fd);
	if (stp_manifest_read(folder_fd(), 7, seal_key, &first, NULL) == STP_OK) {
		unlinkat(folder_fd(), "7.manifest", 0);
		if (stp_manifest_write(&first, folder_fd(), seal_key, NULL) != STP_OK ||
		    stp_manifest_read(folder_fd(), 7, seal_key, &second, NULL) != STP_OK ||
		    first.count != second.count || first.facts.tag != second.facts.tag ||
		    (first.count && strcmp(first.entries[0].name, second.entries[0].name) != 0))
			abort();
	}
	unlinkat(folder_fd(), "7.manifest", 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_bytes)
{
	struct stp_segment_keys keys;
	uint8_t *copy;

	if (data_bytes > 10000)
		return 0;
	try_bytes(data, data_bytes);
	if (data_bytes < STP_SEAL_BYTES)
		return 0;
	copy = malloc(data_bytes);
	if (!copy)
		abort();
	memcpy(copy, data, data_bytes);
	stp_segment_keys_derive(seal_key, &keys);
	crypto_generichash(copy + data_bytes - 32, 32, copy, data_bytes - 32, keys.manifest, 32);
	try_bytes(copy, data_bytes);
	free(copy);
	return 0;
}
