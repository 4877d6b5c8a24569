/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Containment: after start-up a run needs two trees and nothing else, so it gives up its access to
 * the rest.
 *
 *	stp_confine_init(&confine);
 *	stp_confine_allow(&confine, targets_fd, STP_CONFINE_READ);
 *	stp_confine_allow(&confine, repo_fd, STP_CONFINE_WRITE);
 *	stp_confine_enter(&confine, err);      → confine.level: what the kernel supports
 *
 * It sets no_new_privs always, and uses Landlock where the kernel has it (5.13 and later). Files
 * that are open stay usable. The restriction applies to the calling thread and all threads that it
 * starts afterwards, and cannot be undone, so it is for programs, not for libraries: only the
 * caller of a run may ask for it.
 *
 * Shape      a handful of folders or files.
 * Memory     one struct.
 * Ownership  descriptors stay the caller's and must be open until enter returns.
 * Threads    call it before threads are started.
 */
#ifndef STP_BASE_CONFINE_H
#define STP_BASE_CONFINE_H

#include <stddef.h>

#include "base/err.h"

#define STP_CONFINE_RULES_MAX 16

enum stp_confine_access {
	STP_CONFINE_TIDY,  /* list folders and remove files; no file is read or written */
	STP_CONFINE_PLACE, /* the same, and give names to files that are open already */
	STP_CONFINE_READ,  /* read files and folders */
	STP_CONFINE_WRITE, /* everything but running programs and making devices */
};

struct stp_confine {
	struct {
		int fd;
		enum stp_confine_access access;
	} rules[STP_CONFINE_RULES_MAX];
	size_t rule_count;
	int level; /* out: the Landlock version that is enforced, 0 when the kernel has none */
};

void stp_confine_init(struct stp_confine *confine);

/* Allows access to everything beneath fd (a folder, or one file). An fd of -1 is ignored. */
void stp_confine_allow(struct stp_confine *confine, int fd, enum stp_confine_access access);

/* Gives up all other access. A kernel without Landlock is not an error: level is 0. */
enum stp_errc stp_confine_enter(struct stp_confine *confine, struct stp_err *err) STP_MUST_CHECK;

#endif
