/* SPDX-License-Identifier: Apache-2.0 */
#include "list/sniff.h"

#include <stdint.h>
#include <string.h>

#define NOT_TEXT ", not CSV or NDJSON; "

static const struct {
	uint8_t count;
	char bytes[16];
	const char *problem;
} magics[] = {
    {2, "\x1f\x8b", "is gzip data" NOT_TEXT "decompress it first"},
    {4, "\x28\xb5\x2f\xfd", "is zstd data" NOT_TEXT "decompress it first"},
    {6,
     "\xfd"
     "7zXZ\0",
     "is xz data" NOT_TEXT "decompress it first"},
    {3, "BZh", "is bzip2 data" NOT_TEXT "decompress it first"},
    {4, "\x04\x22\x4d\x18", "is lz4 data" NOT_TEXT "decompress it first"},
    {4, "PK\x03\x04", "is a zip archive" NOT_TEXT "give the list that is in it"},
    {5, "PGDMP",
     "is a dump of a whole database" NOT_TEXT "export the list with COPY ... CSV HEADER"},
    {7, "PGCOPY\n", "is a binary COPY" NOT_TEXT "export it with COPY ... CSV HEADER"},
    {15, "SQLite format 3",
     "is an SQLite database" NOT_TEXT "export the list: sqlite3 -header -csv"},
    {4, "PAR1", "is a Parquet file" NOT_TEXT "export it in one of these formats"},
    {2, "\xff\xfe", "is UTF-16 text; write it as UTF-8: iconv -f UTF-16 -t UTF-8"},
    {2, "\xfe\xff", "is UTF-16 text; write it as UTF-8: iconv -f UTF-16 -t UTF-8"},
};

static int is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

const char *stp_list_sniff(const char *bytes, size_t count)
{
	size_t start = 0;
	size_t i;

	for (i = 0; i < sizeof(magics) / sizeof(*magics); i++)
		if (count >= magics[i].count &&
		    memcmp(bytes, magics[i].bytes, magics[i].count) == 0)
			return magics[i].problem;
	if (memchr(bytes, '\0', count < STP_LIST_SNIFF_BYTES ? count : STP_LIST_SNIFF_BYTES))
		return "has zero bytes: it is UTF-16 text or binary data" NOT_TEXT
		       "write text as UTF-8: iconv -f UTF-16 -t UTF-8";
	while (start < count && is_space(bytes[start]))
		start++;
	if (start == count)
		return NULL;
	if (bytes[start] == '[')
		return "is a JSON array; write one object per line: jq -c '.[]'";
	if (bytes[start] == '<')
		return "is HTML or XML, perhaps an error page; check the program that made it";
	if (bytes[start] != '{')
		return NULL;
	for (i = start + 1; i < count && (bytes[i] == ' ' || bytes[i] == '\t' || bytes[i] == '\r');
	     i++)
		;
	if (i < count && bytes[i] == '\n')
		return "is JSON over several lines; write one object per line: jq -c .";
	return NULL;
}

int stp_list_has_lone_cr(const char *bytes, size_t count)
{
	int is_quoted = 0;
	size_t i;

	for (i = 0; i + 1 < count; i++) {
		if (bytes[i] == '"')
			is_quoted = !is_quoted;
		else if (bytes[i] == '\r' && !is_quoted && bytes[i + 1] != '\n')
			return 1;
		else if (bytes[i] == '\n' && !is_quoted)
			return 0;
	}
	return 0;
}
