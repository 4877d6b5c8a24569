/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of marks, which anybody who can write to public/targets can make up: a name that is
 * accepted as one is, byte for byte, what sign makes for some path; and every path that may be
 * signed can be restored from its mark.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "publish/mark_name.h"
#include "scan/path.h"

#define HEX "0123456789abcdef"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_bytes);

static void must(int holds)
{
	if (!holds)
		abort();
}

/* name is NUL-terminated. */
static void take_as_name(const char *name, size_t name_bytes)
{
	char path[STP_MARK_NAME_BYTES];
	char hex[STP_MARK_DIGITS + 1];
	char again[STP_MARK_NAME_BYTES];

	if (!stp_mark_parse(name, name_bytes, path, hex))
		return;
	must(strspn(hex, HEX) == STP_MARK_DIGITS && hex[STP_MARK_DIGITS] == '\0');
	must(stp_mark_name(path, strlen(path), hex, again) == name_bytes);
	must(memcmp(again, name, name_bytes) == 0);
}

static void take_as_path(const char *path, size_t path_bytes)
{
	char name[STP_MARK_NAME_BYTES];
	char again[STP_MARK_NAME_BYTES];
	char hex[STP_MARK_DIGITS + 1];
	size_t name_bytes;

	if (stp_path_problem(path, path_bytes))
		return;
	name_bytes = stp_mark_name(path, path_bytes, HEX, name);
	if (!name_bytes)
		return;
	must(strlen(name) == name_bytes && name_bytes < sizeof(name));
	must(stp_mark_parse(name, name_bytes, again, hex));
	must(strlen(again) == path_bytes && memcmp(again, path, path_bytes) == 0);
	must(memcmp(hex, HEX, STP_MARK_DIGITS) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_bytes)
{
	char text[STP_MARK_NAME_BYTES];

	if (data_bytes >= sizeof(text) || memchr(data, 0, data_bytes))
		return 0;
	memcpy(text, data, data_bytes);
	text[data_bytes] = '\0';
	take_as_name(text, data_bytes);
	take_as_path(text, data_bytes);
	return 0;
}
