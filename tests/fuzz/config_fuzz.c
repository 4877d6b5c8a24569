/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration reader survives any bytes: what it refuses, it refuses with the file and a
 * reason; what it accepts passes its own checks.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "roles/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_bytes)
{
	struct stp_config config;
	struct stp_err err = STP_ERR_INIT;
	enum stp_errc code = stp_config_parse(&config, (const char *)data, data_bytes, &err);

	if (code != STP_OK) {
		if (code != STP_CONFIG || strcmp(err.subject, STP_CONFIG_FILE) != 0 || !err.text[0])
			abort();
		return 0;
	}
	if (stp_config_check(&config, "again", NULL) != STP_OK)
		abort();
	stp_globs_match(&config.mutable_globs, "simple/a/index.html", 19);
	stp_globs_match(&config.include, "packages/aa/bb/x-1.whl", 22);
	stp_config_release(&config);
	return 0;
}
