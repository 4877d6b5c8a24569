/* SPDX-License-Identifier: Apache-2.0 */
#include "base/url.h"

#include <stdint.h>
#include <string.h>

/* True when "%", "#" or "?" is among the bytes. Every file of a tree and every row of a list is
 * asked, so 16 bytes at a time, on every CPU. */
static int has_delimiter(const char *bytes, size_t count)
{
	typedef uint8_t vector __attribute__((vector_size(16)));
	typedef uint64_t halves __attribute__((vector_size(16)));
	uint8_t rest[16];
	vector found = {0};
	halves sum;
	size_t at;

	for (at = 0; at < count; at += 16) {
		vector text;

		if (count - at < 16) {
			memset(rest, 'x', sizeof(rest));
			memcpy(rest, bytes + at, count - at);
			memcpy(&text, rest, sizeof(text));
		} else {
			memcpy(&text, bytes + at, sizeof(text));
		}
		found |= (vector)(text == '%') | (vector)(text == '#') | (vector)(text == '?');
	}
	memcpy(&sum, &found, sizeof(sum));
	return (sum[0] | sum[1]) != 0;
}

const char *stp_url_problem(const char *path, size_t path_bytes)
{
	if (path_bytes == 0)
		return NULL;
	if (path[path_bytes - 1] == ' ')
		return "ends with a space, which clients drop from the end of a URL";
	if (!has_delimiter(path, path_bytes))
		return NULL;
	if (memchr(path, '%', path_bytes))
		return "has a \"%\" in it, which reads as an escape in the URLs of clients";
	if (memchr(path, '#', path_bytes))
		return "has a \"#\" in it, which ends the path in the URLs of clients";
	return "has a \"?\" in it, which ends the path in the URLs of clients";
}
