/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signature files, and signatures of other programs. A file that is read has one form: made again,
 * it is the same.
 */
#include <stdint.h>
#include <string.h>

#include "ceremony/raw_signature.h"
#include "ceremony/signatures.h"
#include "fuzz_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_bytes)
{
	static struct stp_signatures signatures;
	static uint8_t raw[STP_SIGNATURE_BYTES_MAX];
	struct stp_err err = STP_ERR_INIT;
	struct stp_buf again = STP_BUF_INIT;
	size_t count = 0;

	if (stp_signatures_parse(&signatures, data, data_bytes, "S", &err) == STP_OK) {
		must(stp_signatures_make(&signatures, &again, &err) == STP_OK, err.text);
		must(again.count == data_bytes && memcmp(again.data, data, data_bytes) == 0,
		     "two files for the same signatures");
	}
	err = (struct stp_err)STP_ERR_INIT;
	if (stp_raw_signature_read(data, data_bytes, "S", raw, &count, &err) == STP_OK)
		must(count > 0 && count <= sizeof(raw), "the size of a signature");
	stp_buf_release(&again);
	return 0;
}
