/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls that are refused, as container runtimes, systemd and network file systems refuse
 * them: with a seccomp filter that returns an errno. A filter cannot be removed, so tests install
 * it in a child process.
 *
 * Shape      one call, one errno.
 * Memory     none.
 * Ownership  the process's, permanently.
 * Threads    the calling one and those it starts.
 */
#ifndef STP_TESTS_SECCOMP_H
#define STP_TESTS_SECCOMP_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>

static inline int seccomp_install(struct sock_filter *code, size_t count)
{
	struct sock_fprog program = {(unsigned short)count, code};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* Makes the system call nr fail with sys from now on; 0 where that is not allowed. */
static inline int seccomp_refuse(unsigned nr, int sys)
{
	struct sock_filter code[] = {
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)sys),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};

	return seccomp_install(code, sizeof(code) / sizeof(code[0]));
}

/* Makes nr fail with sys where one of the bits of mask is set in the low word of its argument. */
static inline int seccomp_refuse_bits(unsigned nr, unsigned argument, unsigned mask, int sys)
{
	unsigned low = (unsigned)offsetof(struct seccomp_data, args) + 8 * argument;
	struct sock_filter code[] = {
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 3),
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, low),
	    BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, mask, 0, 1),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)sys),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};

	return seccomp_install(code, sizeof(code) / sizeof(code[0]));
}

#endif
