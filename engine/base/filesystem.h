/* SPDX-License-Identifier: Apache-2.0 */
/*
 * File systems: a number for each that outlasts a reboot, and whose clock stamps its files.
 *
 * st_dev is a number of the moment: a reboot, a remount, another loop device or an NFS client that
 * restarts gives the same file system another one. So the file system of the root is 0, and any
 * other one met below it has
 *
 *	its own id, from its UUID or statfs(2)'s f_fsid where that comes from one    bit 63 set
 *	else st_dev                                                                  bit 63 set
 *
 * Without bit 63 and not 0, a number is an st_dev that an older program wrote down.
 *
 * Shape      a table of the devices met in one run; 0 is the root's.
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
/* Others are looked at each time: right, but slow (a volume of more snapshots than this). */
#define STP_FS_TABLE_MAX 256
/* How far behind the clock a stamp must lie: where both come from one clock, its granularity; where
 * a server stamps files, how far its clock may be off. */
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
	atomic_int others_are_ours; /* every file system but the root's has our clock */
	pthread_mutex_t lock;       /* of those who add */
};

/* root_fd is the folder whose file system is 0; -1: none is, each has an id. */
void stp_fs_table_init(struct stp_fs_table *table, int root_fd);

/* The number of the file system whose st_dev is device: that of name in the folder at, or of at
 * itself when name is "". */
uint64_t stp_fs_id(struct stp_fs_table *table, dev_t device, int at, const char *name);

/* Whether the file system of record_id, as an older run wrote it down, is that of entry_id, as this
 * one numbers it. Only of the root's may an older program's number have moved. */
int stp_fs_is_same(const struct stp_fs_table *table, uint64_t entry_id, uint64_t record_id);

/* Whether stamps of files at fd come from this machine's clock, in nanoseconds at its tick. */
int stp_fs_has_own_clock(int fd);

/* The same of all file systems met. */
int stp_fs_all_have_own_clock(const struct stp_fs_table *table);

/* The grace for stamps of the files met, measured by the clock of the file system at clock_fd. */
int64_t stp_fs_grace_ns(const struct stp_fs_table *table, int clock_fd);

#endif
