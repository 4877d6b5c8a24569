/* SPDX-License-Identifier: Apache-2.0 */
/*
 * File systems: a number for each that stays the same after a reboot, and whether this machine's
 * clock stamps its files.
 *
 * st_dev is temporary: after a reboot, a remount, with another loop device or when an NFS client
 * restarts, the same file system has another one. So the file system of the root is 0, and any
 * other one found below it has
 *
 *	its own id, from its UUID or statfs(2)'s f_fsid where that comes from one    bit 63 set
 *	else st_dev                                                                  bit 63 set
 *
 * A number that is not 0 and lacks bit 63 is an st_dev that an older program stored.
 *
 * Shape      a table of the devices found in one run; 0 is the root's.
 * Memory     the struct.
 * Ownership  the caller's; no release.
 * Threads    stp_fs_id() from any thread; a device's entry never changes once it is there.
 */
#ifndef STP_BASE_FILESYSTEM_H
#define STP_BASE_FILESYSTEM_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

#define STP_FS_FOREIGN (UINT64_C(1) << 63)
/* Devices beyond these are examined each time: correct, but slow (a volume with more snapshots than
 * this). */
#define STP_FS_TABLE_MAX 256
/* How far a stamp must be behind the clock: the granularity where both come from one clock; the
 * largest error of the server's clock where a server stamps files. */
#define STP_FS_GRACE_NS       INT64_C(2000000000)
#define STP_FS_GRACE_OTHER_NS INT64_C(60000000000)

struct stp_fs_table {
	dev_t root;
	int has_root;
	int root_is_ours; /* see stp_fs_has_own_clock() */
	struct {
		dev_t device;
		uint64_t id;
	} items[STP_FS_TABLE_MAX];
	atomic_size_t count;
	atomic_int others_are_ours; /* this machine's clock stamps all but the root's */
	pthread_mutex_t lock;       /* held while adding */
};

/* root_fd is the folder whose file system is 0; -1: no file system is 0, each has an id. */
void stp_fs_table_init(struct stp_fs_table *table, int root_fd);

/* The number of the file system whose st_dev is device: that of name in the folder at, or of at
 * itself when name is "". */
uint64_t stp_fs_id(struct stp_fs_table *table, dev_t device, int at, const char *name);

/* Whether record_id, as an older run stored it, and entry_id, as this run numbers it, are the same
 * file system. An older program's number may have changed only for the root's file system. */
int stp_fs_is_same(const struct stp_fs_table *table, uint64_t entry_id, uint64_t record_id);

/* Whether that is so for all file systems found. */
int stp_fs_all_have_own_clock(const struct stp_fs_table *table);

/* The grace for the stamps of the files found, measured by the clock of the file system at
 * clock_fd. */
int64_t stp_fs_grace_ns(const struct stp_fs_table *table, int clock_fd);

#endif
