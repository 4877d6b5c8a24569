/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The input of `bench --from` and `bench --compare` may come from anybody: it is shown as text, as
 * a page, and compared with itself. No control character except the line end gets into the text;
 * the page has no element that comes from the document.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "report/bench_views.h"
#include "stampede/bench.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_bytes);

static void check_text(const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		STP_ASSERT((c >= 0x20 && c != 0x7f) || c == '\n');
		STP_ASSERT(c != 0xc2 || (unsigned char)text[1] < 0x80 ||
		           (unsigned char)text[1] >= 0xa0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_bytes)
{
	char *json = malloc(data_bytes + 1);
	char *text = NULL;

	if (!json)
		return 0;
	memcpy(json, data, data_bytes);
	json[data_bytes] = '\0';
	if (stp_bench_text(json, "fuzz.json", 100, &text, NULL) == STP_OK) {
		check_text(text);
		free(text);
		STP_ASSERT(stp_bench_html(json, "fuzz.json", &text, NULL) == STP_OK);
		STP_ASSERT(!strstr(text, "<fuzz"));
		free(text);
		STP_ASSERT(stp_bench_compare_html(json, "a.json", json, "b.json", &text, NULL) ==
		           STP_OK);
		free(text);
		STP_ASSERT(stp_bench_compare(json, "a.json", json, "b.json", &text, NULL) ==
		           STP_OK);
		check_text(text);
		free(text);
	}
	free(json);
	return 0;
}
