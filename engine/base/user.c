/* SPDX-License-Identifier: Apache-2.0 */
#include "base/user.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The user's name, if it needs no quoting in a shell; "" otherwise. */
static const char *plain_name(uid_t uid, char *buffer, size_t size)
{
	static const char plain[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
	struct passwd user;
	struct passwd *found = NULL;
	size_t count;

	if (getpwuid_r(uid, &user, buffer, size, &found) != 0 || !found)
		return "";
	count = strlen(found->pw_name);
	if (count == 0 || count >= STP_USER_BYTES || found->pw_name[0] == '-' ||
	    strspn(found->pw_name, plain) != count)
		return "";
	return found->pw_name;
}

char *stp_user_name(uid_t uid, char out[STP_USER_BYTES])
{
	char buffer[4096];
	const char *name = plain_name(uid, buffer, sizeof(buffer));

	if (*name)
		snprintf(out, STP_USER_BYTES, "%s", name);
	else
		snprintf(out, STP_USER_BYTES, "id %lu", (unsigned long)uid);
	return out;
}

char *stp_user_run_as(uid_t uid, char out[STP_USER_AS_BYTES])
{
	char buffer[4096];
	const char *name = plain_name(uid, buffer, sizeof(buffer));

	if (!*name)
		snprintf(out, STP_USER_AS_BYTES, "setpriv --reuid=%lu --clear-groups",
		         (unsigned long)uid);
	else if (geteuid() == 0)
		snprintf(out, STP_USER_AS_BYTES, "runuser -u %s --", name);
	else
		snprintf(out, STP_USER_AS_BYTES, "sudo -u %s", name);
	return out;
}
