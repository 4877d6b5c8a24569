/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <liburing.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "read/reader.h"

/* Newest first: 6.1 has all, 6.0 SINGLE_ISSUER, 5.19 COOP_TASKRUN. */
static const unsigned flag_sets[] = {
    IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
    IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
    IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
    0,
};

int stp_io_mode_from_name(const char *name)
{
	int mode;

	for (mode = STP_IO_MODE_AUTO; mode <= STP_IO_MODE_PREAD; mode++) {
		if (strcmp(name, stp_io_mode_name((enum stp_io_mode)mode)) == 0)
			return mode;
	}
	return -1;
}

const char *stp_io_mode_name(enum stp_io_mode mode)
{
	static const char *const names[] = {"auto", "uring", "pread"};

	return names[mode];
}

const char *stp_read_choice_name(const struct stp_read_choice *choice)
{
	return choice->mode == STP_IO_MODE_URING ? "io_uring" : "pread";
}

static const char *refusal(int sys)
{
	switch (sys) {
	case ENOSYS:
		return "this kernel, or the container's seccomp filter, has no io_uring";
	case EPERM:
	case EACCES:
		return "io_uring is forbidden here (kernel.io_uring_disabled or the container's "
		       "seccomp filter)";
	case ENOMEM:
		return "no memory may be locked for rings (raise RLIMIT_MEMLOCK: ulimit -l)";
	case EOPNOTSUPP:
		return "this kernel's io_uring cannot open and read files";
	case EMFILE:
	case ENFILE:
		return "no descriptor is left for a ring (raise ulimit -n)";
	default:
		return strerrordesc_np(sys) ? strerrordesc_np(sys) : "unknown reason";
	}
}

/* Makes a ring in the same way as workers do; returns 0 and sets *out_flags, or returns the
 * errno. */
static int probe(unsigned *out_flags)
{
	struct io_uring uring;
	size_t i;
	int sys = EINVAL;

	for (i = 0; i < sizeof(flag_sets) / sizeof(flag_sets[0]) && sys == EINVAL; i++) {
		sys = -io_uring_queue_init(256, &uring, flag_sets[i]);
		*out_flags = flag_sets[i];
	}
	if (sys != 0)
		return sys;
	{
		struct io_uring_probe *can = io_uring_get_probe_ring(&uring);

		if (!can || !io_uring_opcode_supported(can, IORING_OP_OPENAT2) ||
		    !io_uring_opcode_supported(can, IORING_OP_READ))
			sys = EOPNOTSUPP;
		io_uring_free_probe(can);
	}
	io_uring_queue_exit(&uring);
	return sys;
}

enum stp_errc stp_read_choose(enum stp_io_mode asked, struct stp_read_choice *out,
                              struct stp_err *err)
{
	struct stp_read_choice choice = {.mode = STP_IO_MODE_PREAD};
	int sys;

	if (asked == STP_IO_MODE_PREAD) {
		*out = choice;
		return STP_OK;
	}
	sys = probe(&choice.ring_flags);
	if (sys != 0 && asked == STP_IO_MODE_URING)
		return STP_FAIL(stp_hinted(err, STP_HINT_IO_PREAD), STP_IO, "read", "io_uring",
		                "%s; use %s", refusal(sys), stp_hint_text(STP_HINT_IO_PREAD));
	if (sys == 0)
		choice.mode = STP_IO_MODE_URING;
	else
		snprintf(choice.why, sizeof(choice.why), "%s", refusal(sys));
	choice.may_fall_back = asked == STP_IO_MODE_AUTO;
	*out = choice;
	return STP_OK;
}
