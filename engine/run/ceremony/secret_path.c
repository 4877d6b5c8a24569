/* SPDX-License-Identifier: Apache-2.0 */
#include "run/ceremony/secret_path.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keys/key_description.h"

#define STAGE    "rotate"
#define KEY_JSON STP_KEY_JSON_SUFFIX

enum stp_errc stp_secret_path_beside(const char *path, char out[PATH_MAX], struct stp_err *err)
{
	size_t count = strlen(path);
	size_t suffix = strlen(KEY_JSON);

	if (count <= suffix || strcmp(path + count - suffix, KEY_JSON) != 0 ||
	    path[count - suffix - 1] == '/')
		return STP_FAIL(err, STP_CONFIG, STAGE, path,
		                "is not named NAME" KEY_JSON
		                "; name the description of the new key");
	if (snprintf(out, PATH_MAX, "%.*s.pem", (int)(count - suffix), path) >= PATH_MAX)
		return STP_FAIL(err, STP_CONFIG, STAGE, path, "the path is too long");
	return STP_OK;
}

enum stp_errc stp_secret_path_uri(const char *repo_path, const char *pem,
                                  char out[STP_SIGNER_URI_BYTES_MAX + 1], struct stp_err *err)
{
	char folder[PATH_MAX];
	char real[PATH_MAX];
	char repo[PATH_MAX];
	const char *slash = strrchr(pem, '/');
	size_t count;
	int need;

	snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - pem) + 1 : 1,
	         slash ? pem : ".");
	if (!realpath(folder, real) || !realpath(repo_path, repo))
		return STP_FAIL_SYS(err, STAGE, folder, "cannot find the path of the folder");
	count = strlen(repo);
	if (strncmp(real, repo, count) == 0 && real[count] == '/')
		need = snprintf(out, STP_SIGNER_URI_BYTES_MAX + 1, "pem:%s/%s", real + count + 1,
		                slash ? slash + 1 : pem);
	else
		need = snprintf(out, STP_SIGNER_URI_BYTES_MAX + 1, "pem:%s/%s", real,
		                slash ? slash + 1 : pem);
	if (need < 0 || need > STP_SIGNER_URI_BYTES_MAX)
		return STP_FAIL(err, STP_CONFIG, STAGE, pem, "the path is too long");
	return STP_OK;
}
