/* SPDX-License-Identifier: Apache-2.0 */
#include "base/url.h"

#include <string.h>

#include "base/any16.h"

static inline stp_bytes16 is_delimiter(stp_bytes16 text)
{
	return (stp_bytes16)(text == '%') | (stp_bytes16)(text == '#') | (stp_bytes16)(text == '?');
}

const char *stp_url_problem(const char *path, size_t path_bytes)
{
	if (path_bytes == 0)
		return NULL;
	if (path[path_bytes - 1] == ' ')
		return "ends with a space, which clients drop from the end of a URL";
	if (!stp_any16(path, path_bytes, is_delimiter))
		return NULL;
	if (memchr(path, '%', path_bytes))
		return "has a \"%\" in it, which reads as an escape in the URLs of clients";
	if (memchr(path, '#', path_bytes))
		return "has a \"#\" in it, which ends the path in the URLs of clients";
	return "has a \"?\" in it, which ends the path in the URLs of clients";
}
