#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Sandboxes that refuse system calls newer than themselves: older container runtimes fail them with EPERM.
# That does not mean a missing permission or a missing file. If there is another way, it is used;
# otherwise the call is named.
. "$(dirname "$0")/lib.sh"

command -v cc >/dev/null || skip 'there is no compiler'
cat >refuse.c <<'C'
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	static const struct { const char *name; int number; } calls[] = {
	    {"openat2", 437}, {"clone3", 435}, {"faccessat2", 439}, {"close_range", 436},
	    {"statx", SYS_statx}, {"copy_file_range", SYS_copy_file_range},
	    {"fallocate", SYS_fallocate}, {"io_uring_setup", SYS_io_uring_setup},
	    {"landlock_create_ruleset", 444}, {"mlock", SYS_mlock}, {"flock", SYS_flock},
	    {"rseq", SYS_rseq}, {"fadvise64", SYS_fadvise64}, {"memfd_create", SYS_memfd_create},
	};
	unsigned refused = argc > 2 && strcmp(argv[2], "ENOSYS") == 0 ? ENOSYS : EPERM;
	size_t i = 0;

	while (strcmp(calls[i].name, argv[1]) != 0)
		i++;
	struct sock_filter filter[] = {
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)calls[i].number, 0, 1),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | refused),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {4, filter};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		return 77;
	execv(argv[3], argv + 3);
	return 127;
}
C
cc -o refuse refuse.c 2>err || skip "no headers for filters: $(cat err)"
./refuse rseq EPERM /bin/true || skip 'cannot set a filter here'

index 5
init base --targets index --bins 2 --hash sha256
sign_is 0 base
later=$(date -u -d '+1 hour' +%FT%TZ)
echo new >index/new.whl
find index -type f -exec touch -d '2 days ago' {} +
cp -a base repo && sign_is 0 repo --now "$later"
want=$(published repo)
for call in openat2 faccessat2 close_range statx copy_file_range fallocate io_uring_setup landlock_create_ruleset mlock rseq fadvise64 memfd_create; do
	for how in EPERM ENOSYS; do
		rm -rf repo made && cp -a base repo
		./refuse "$call" "$how" "$STAMPEDE" sign repo --now "$later" >out 2>err ||
			fail "sign with $call refused ($how): $(cat err)"
		[ "$(published repo)" = "$want" ] || fail "other bytes with $call refused ($how)"
		./refuse "$call" "$how" "$STAMPEDE" verify repo --now "$later" >out 2>err ||
			fail "verify with $call refused ($how): $(cat out err)"
		./refuse "$call" "$how" "$STAMPEDE" init made --targets index --bins 2 --quiet >out 2>err ||
			fail "init with $call refused ($how): $(cat err)"
	done
done

./refuse clone3 EPERM "$STAMPEDE" sign repo --now "$later" >out 2>err && fail 'threads without clone3'
says 'cannot start thread .* \(a sandbox refuses clone3\(2\): allow that, or use --jobs 0\)'
./refuse clone3 EPERM "$STAMPEDE" sign repo --now "$later" --jobs 0 >out 2>err || fail "--jobs 0: $(cat err)"
rm -rf made
./refuse flock EPERM "$STAMPEDE" init made --targets index --bins 2 --quiet >out 2>err && fail 'init without a lock'
says 'made: cannot lock the folder: Operation not permitted'
