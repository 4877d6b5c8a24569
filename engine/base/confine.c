/* SPDX-License-Identifier: Apache-2.0 */
#include "base/confine.h"

#include <linux/landlock.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Newer than the headers of Debian 12: version 3 (6.2) adds truncate, 5 (6.10) ioctl on devices. */
#define ACCESS_REFER     (UINT64_C(1) << 13)
#define ACCESS_TRUNCATE  (UINT64_C(1) << 14)
#define ACCESS_IOCTL_DEV (UINT64_C(1) << 15)

#define ACCESS_TIDY (LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE)
/* A rename needs the right to create a file at its destination, but not the right to write one. */
#define ACCESS_PLACE (ACCESS_TIDY | LANDLOCK_ACCESS_FS_MAKE_REG)
#define ACCESS_READ  (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define ACCESS_WRITE                                                                   \
	(ACCESS_READ | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | \
	 LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR |                \
	 LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SYM | ACCESS_REFER |    \
	 ACCESS_TRUNCATE)
/* The rights that a rule for a single file may have. */
#define ACCESS_OF_FILE \
	(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | ACCESS_TRUNCATE)

void stp_confine_init(struct stp_confine *confine)
{
	memset(confine, 0, sizeof(*confine));
}

void stp_confine_allow(struct stp_confine *confine, int fd, enum stp_confine_access access)
{
	if (fd < 0)
		return;
	STP_ASSERT(confine->rule_count < STP_CONFINE_RULES_MAX);
	confine->rules[confine->rule_count].fd = fd;
	confine->rules[confine->rule_count].access = access;
	confine->rule_count++;
}

/* All access rights that this version of Landlock knows: each is refused unless a rule allows
 * it. */
static uint64_t handled_accesses(int version)
{
	uint64_t handled = (UINT64_C(1) << 13) - 1; /* version 1: EXECUTE … MAKE_SYM */

	if (version >= 2)
		handled |= ACCESS_REFER;
	if (version >= 3)
		handled |= ACCESS_TRUNCATE;
	if (version >= 5)
		handled |= ACCESS_IOCTL_DEV;
	return handled;
}

static uint64_t accesses_of(enum stp_confine_access access)
{
	switch (access) {
	case STP_CONFINE_TIDY:
		return ACCESS_TIDY;
	case STP_CONFINE_PLACE:
		return ACCESS_PLACE;
	case STP_CONFINE_READ:
		return ACCESS_READ;
	default:
		return ACCESS_WRITE;
	}
}

static enum stp_errc add_rules(const struct stp_confine *confine, int ruleset, uint64_t handled,
                               struct stp_err *err)
{
	size_t i;

	for (i = 0; i < confine->rule_count; i++) {
		struct landlock_path_beneath_attr rule = {.parent_fd = confine->rules[i].fd};
		struct stat st;

		rule.allowed_access = accesses_of(confine->rules[i].access);
		if (fstat(rule.parent_fd, &st) == 0 && !S_ISDIR(st.st_mode))
			rule.allowed_access &= ACCESS_OF_FILE;
		rule.allowed_access &= handled;
		if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) !=
		    0)
			return STP_FAIL_SYS(err, "confine", NULL, "cannot add a Landlock rule");
	}
	return STP_OK;
}

enum stp_errc stp_confine_enter(struct stp_confine *confine, struct stp_err *err)
{
	struct landlock_ruleset_attr attr = {0};
	enum stp_errc code;
	long version;
	int ruleset;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return STP_FAIL_SYS(err, "confine", NULL, "cannot set no_new_privs");
	version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	if (version < 1)
		return STP_OK; /* ENOSYS, EOPNOTSUPP: built without, or switched off at boot */
	attr.handled_access_fs = handled_accesses((int)version);
	/* Only the first field is passed: the later ones (network, 6.7) are not handled. */
	ruleset =
	    (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr.handled_access_fs), 0);
	if (ruleset < 0)
		return STP_FAIL_SYS(err, "confine", NULL, "cannot create a Landlock ruleset");
	code = add_rules(confine, ruleset, attr.handled_access_fs, err);
	if (code == STP_OK && syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)
		code = STP_FAIL_SYS(err, "confine", NULL, "cannot enforce the Landlock ruleset");
	close(ruleset);
	if (code == STP_OK)
		confine->level = (int)version;
	return code;
}
