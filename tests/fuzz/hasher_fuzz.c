/* SPDX-License-Identifier: Apache-2.0 */
/* The input is a schedule: hasher_script.h plays it and compares with the scalar reference. */
#include "hasher_script.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!script_text[0])
		script_text_init(1);
	script_play(data, size < 1024 ? size : 1024);
	return 0;
}
