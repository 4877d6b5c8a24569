/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PEM reader takes any bytes without harm; a seed it accepts comes back from its own writer.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "keys/pem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_bytes)
{
	uint8_t seed[32];
	uint8_t again[32];
	char text[STP_PEM_BYTES + 1];
	struct stp_err err = STP_ERR_INIT;
	enum stp_errc code = stp_pem_read(data, data_bytes, "fuzz.pem", seed, &err);

	if (code != STP_OK) {
		if (code != STP_KEY || err.code != STP_KEY || !err.text[0])
			abort();
		return 0;
	}
	stp_pem_write(seed, text);
	if (stp_pem_read(text, strlen(text), "again", again, NULL) != STP_OK ||
	    memcmp(seed, again, 32) != 0)
		abort();
	return 0;
}
