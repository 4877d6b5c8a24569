/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The manifest reader on any bytes, as they are and with a valid seal; a manifest that is read and
 * written again reads the same.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "base/bytes.h"
#include "ledger/manifest.h"
#include "ledger/segment_format.h"
#include "memory_folder.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_bytes);

static const uint8_t seal_key[STP_SEAL_KEY_BYTES] = {3};

static void try_bytes(const uint8_t *bytes, size_t count)
{
	struct stp_manifest first;
	struct stp_manifest second;

	memory_folder_put("7.manifest", bytes, count);
	if (stp_manifest_read(memory_folder(), 7, seal_key, &first, NULL) == STP_OK) {
		unlinkat(memory_folder(), "7.manifest", 0);
		if (stp_manifest_write(&first, memory_folder(), seal_key, NULL) != STP_OK ||
		    stp_manifest_read(memory_folder(), 7, seal_key, &second, NULL) != STP_OK ||
		    first.count != second.count || first.summary.tag != second.summary.tag ||
		    (first.count && strcmp(first.entries[0].name, second.entries[0].name) != 0))
			abort();
	}
	unlinkat(memory_folder(), "7.manifest", 0);
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
