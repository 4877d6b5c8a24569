/* SPDX-License-Identifier: Apache-2.0 */
#include "publish/served.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "publish/repo.h"
#include "record/fingerprint.h"
#include "record/stamp.h"

static enum stp_served_answer check_symlink(const struct stp_served_look *look,
                                            const struct stp_record *record, const char *name)
{
	char there[PATH_MAX];
	size_t text_bytes = strlen(look->text);
	struct stat st;
	ssize_t count;

	if (record->flags & STP_RECORD_FILE)
		return fstatat(look->targets_fd, name, &st, 0) == 0 &&
		               !stp_record_difference(record, &st)
		           ? STP_SERVED_GOOD
		           : STP_SERVED_BROKEN;
	count = readlinkat(look->targets_fd, name, there, sizeof(there));
	return count == (ssize_t)text_bytes && memcmp(there, look->text, text_bytes) == 0 &&
	               fstatat(look->targets_fd, name, &st, 0) == 0
	           ? STP_SERVED_GOOD
	           : STP_SERVED_BROKEN;
}

enum stp_served_answer stp_served_look(const struct stp_served_look *look,
                                       const struct stp_record *record, const char *name)
{
	struct stat st;

	if (look->link == STP_LINK_SYMLINK)
		return check_symlink(look, record, name);
	if (fstatat(look->targets_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
	    !S_ISREG(st.st_mode) || (uint64_t)st.st_size != record->length)
		return STP_SERVED_BROKEN;
	if (look->link == STP_LINK_HARDLINK)
		return !(record->flags & STP_RECORD_FILE) || !stp_record_difference(record, &st)
		           ? STP_SERVED_GOOD
		           : STP_SERVED_BROKEN;
	if ((st.st_mode & STP_MODE_PUBLIC_FILE) != STP_MODE_PUBLIC_FILE)
		return STP_SERVED_BROKEN;
	if (record->flags & STP_RECORD_FILE && (uint64_t)st.st_ino == record->fingerprint.ino)
		return STP_SERVED_DOUBTFUL;
	return stp_stamp_of(st.st_ctim) < look->touched_before_ns ? STP_SERVED_GOOD
	                                                          : STP_SERVED_DOUBTFUL;
}

int stp_served_turn(const uint8_t key[STP_KEY_BYTES], uint64_t run_number, uint64_t parts)
{
	return parts <= 1 || (stp_load64_be(key + 8) + run_number) % parts == 0;
}
