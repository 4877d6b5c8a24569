/* SPDX-License-Identifier: Apache-2.0 */
#include "base/modes.h"

#include <stddef.h>
#include <stdio.h>
#include <sys/vfs.h>
#include <unistd.h>

/* linux/magic.h has some of them, and only in recent versions. */
static const struct {
	unsigned long type;
	enum stp_modes modes;
	const char *name;
} types[] = {
    {0x4d44, STP_MODES_BY_UMASK, "FAT"},      {0x2011bab0, STP_MODES_BY_UMASK, "exFAT"},
    {0x5346544e, STP_MODES_BY_UMASK, "NTFS"}, {0x7366746e, STP_MODES_BY_UMASK, "NTFS"},
    {0xff534d42, STP_MODES_BY_SMB, "SMB"},    {0xfe534d42, STP_MODES_BY_SMB, "SMB"},
    {0x65735546, STP_MODES_UNKNOWN, "FUSE"},
};

enum stp_modes stp_modes_of(unsigned long type, const char **out_name)
{
	size_t i;

	*out_name = "";
	/* f_type is a signed int on some machines. */
	for (i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (types[i].type == (type & 0xffffffff)) {
			*out_name = types[i].name;
			return types[i].modes;
		}
	return STP_MODES_KEPT;
}

static enum stp_modes modes_at(int fd, const char **out_name)
{
	struct statfs file_system;

	*out_name = "";
	if (fstatfs(fd, &file_system) != 0)
		return STP_MODES_KEPT;
	return stp_modes_of((unsigned long)file_system.f_type, out_name);
}

char *stp_mode_advice(int fd, unsigned mode, char out[STP_MODE_ADVICE_BYTES])
{
	const char *name;

	switch (modes_at(fd, &name)) {
	case STP_MODES_BY_UMASK:
		snprintf(
		    out, STP_MODE_ADVICE_BYTES,
		    "%s does not store modes, so chmod has no effect: mount it with umask=077, or "
		    "copy this to a file system that stores modes",
		    name);
		break;
	case STP_MODES_BY_SMB:
		snprintf(
		    out, STP_MODE_ADVICE_BYTES,
		    "%s may not store modes: mount it with dir_mode=0700,file_mode=0600, or copy "
		    "this to a file system that stores modes",
		    name);
		break;
	case STP_MODES_UNKNOWN:
		snprintf(out, STP_MODE_ADVICE_BYTES,
		         "chmod %03o it, and where that has no effect, mount the file system (%s) "
		         "with umask=077",
		         mode, name);
		break;
	default:
		snprintf(out, STP_MODE_ADVICE_BYTES, "chmod %03o it", mode);
	}
	return out;
}

char *stp_owner_advice(int fd, char out[STP_MODE_ADVICE_BYTES])
{
	const char *name;

	if (modes_at(fd, &name) == STP_MODES_KEPT)
		snprintf(out, STP_MODE_ADVICE_BYTES,
		         "run it as its owner, or use a copy of your own");
	else
		snprintf(
		    out, STP_MODE_ADVICE_BYTES,
		    "run it as its owner, or mount the file system (%s) with uid=%lu,umask=077",
		    name, (unsigned long)geteuid());
	return out;
}
