/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Payloads from a stick. Whatever is read has changes that can be shown, completely, or is refused;
 * making its text and its JSON never fails, and no control character is in them.
 */
#include <stdint.h>
#include <string.h>

#include "ceremony/changes.h"
#include "ceremony/tally.h"
#include "fuzz_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_bytes);

static void check_text(const struct stp_buf *text)
{
	size_t i;

	for (i = 0; i < text->count; i++)
		must(text->data[i] == '\n' || text->data[i] >= ' ', "a control character is shown");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_bytes)
{
	struct stp_err err = STP_ERR_INIT;
	struct stp_buf file = STP_BUF_INIT;
	struct stp_buf text = STP_BUF_INIT;
	struct stp_changes *changes = NULL;
	struct stp_payload payload;

	must(stp_buf_append(&file, data, data_bytes, &err) == STP_OK, "memory");
	if (stp_payload_parse(&payload, &file, "P", &err) == STP_OK) {
		enum stp_errc code = stp_changes_make(&payload, &changes, &err);
		json_t *json;

		must(code == STP_OK || code == STP_REFUSED, err.text);
		if (code == STP_OK) {
			must(stp_changes_text(changes, NULL, 1, &text, &err) == STP_OK, err.text);
			check_text(&text);
			json = stp_changes_json(changes);
			must(json != NULL, "JSON");
			json_decref(json);
		}
	}
	stp_changes_release(changes);
	stp_payload_release(&payload);
	stp_buf_release(&text);
	return 0;
}
