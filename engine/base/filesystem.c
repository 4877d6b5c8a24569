/* SPDX-License-Identifier: Apache-2.0 */
#include "base/filesystem.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define ZFS_MAGIC  0x2fc12fc1
#define CEPH_MAGIC 0x00c36400

/* FS_IOC_GETFSUUID of Linux 6.9. */
struct uuid_answer {
	uint8_t bytes;
	uint8_t uuid[16];
};
#define GET_UUID _IOR(0x15, 0, struct uuid_answer)

/* Whether f_fsid comes from an id that is stored in the file system. Elsewhere it is the device
 * number again, or zero. */
static int has_lasting_fsid(unsigned long type)
{
	return type == EXT4_SUPER_MAGIC || type == BTRFS_SUPER_MAGIC || type == ZFS_MAGIC ||
	       type == CEPH_MAGIC || type == OVERLAYFS_SUPER_MAGIC;
}

/* Mixes bytes into a number (FNV-1a). */
static uint64_t mix(uint64_t sum, const void *bytes, size_t count)
{
	const uint8_t *at = bytes;

	while (count--)
		sum = (sum ^ *at++) * UINT64_C(0x100000001b3);
	return sum;
}

static uint64_t lasting_id(int fd, dev_t device)
{
	static const uint64_t start = UINT64_C(0xcbf29ce484222325);
	struct uuid_answer answer = {0};
	struct statfs fs;
	fsid_t none;

	memset(&none, 0, sizeof(none));
	/* Tried first, so that a newer kernel gives the same number: snapshots of one btrfs share
	 * their UUID. */
	if (fstatfs(fd, &fs) == 0 && has_lasting_fsid((unsigned long)fs.f_type) &&
	    memcmp(&fs.f_fsid, &none, sizeof(none)) != 0)
		return mix(start, &fs.f_fsid, sizeof(fs.f_fsid)) | STP_FS_FOREIGN;
	if (ioctl(fd, GET_UUID, &answer) == 0 && answer.bytes && answer.bytes <= 16)
		return mix(start, answer.uuid, answer.bytes) | STP_FS_FOREIGN;
	return (uint64_t)device | STP_FS_FOREIGN;
}

/* Whether the stamps of files at fd come from this machine's clock, in nanoseconds, as of its last
 * tick. */
static int has_own_clock(int fd)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) != 0)
		return 0;
	switch ((unsigned long)fs.f_type) {
	case EXT4_SUPER_MAGIC:
	case XFS_SUPER_MAGIC:
	case BTRFS_SUPER_MAGIC:
	case TMPFS_MAGIC:
	case F2FS_SUPER_MAGIC:
	case OVERLAYFS_SUPER_MAGIC:
		return 1;
	default:
		return 0;
	}
}

void stp_fs_table_init(struct stp_fs_table *table, int root_fd)
{
	struct stat st;

	memset(table, 0, sizeof(*table));
	pthread_mutex_init(&table->lock, NULL);
	atomic_init(&table->count, 0);
	atomic_init(&table->others_are_ours, 1);
	table->root_is_ours = 1;
	if (root_fd < 0 || fstat(root_fd, &st) != 0)
		return;
	table->root = st.st_dev;
	table->has_root = 1;
	table->root_is_ours = has_own_clock(root_fd);
}

static int find(const struct stp_fs_table *table, dev_t device, uint64_t *out_id)
{
	/* acquire: sees what was written before the count was raised */
	size_t count = atomic_load_explicit(&table->count, memory_order_acquire);
	size_t i;

	for (i = 0; i < count; i++) {
		if (table->items[i].device == device) {
			*out_id = table->items[i].id;
			return 1;
		}
	}
	return 0;
}

/* Opens the file or folder whose file system is queried. */
static int open_there(int at, const char *name)
{
	int flags = O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	int fd;

	if (!name[0])
		return at;
	fd = openat(at, name, O_RDONLY | flags);
	return fd >= 0 ? fd : openat(at, name, O_PATH | flags);
}

static void add(struct stp_fs_table *table, dev_t device, uint64_t id)
{
	uint64_t there;
	size_t count;

	pthread_mutex_lock(&table->lock);
	count = atomic_load_explicit(&table->count, memory_order_relaxed);
	if (count < STP_FS_TABLE_MAX && !find(table, device, &there)) {
		table->items[count].device = device;
		table->items[count].id = id;
		/* release: see find() */
		atomic_store_explicit(&table->count, count + 1, memory_order_release);
	}
	pthread_mutex_unlock(&table->lock);
}

uint64_t stp_fs_id(struct stp_fs_table *table, dev_t device, int at, const char *name)
{
	uint64_t id;
	int fd;

	if (table->has_root && device == table->root)
		return 0;
	if (find(table, device, &id))
		return id;
	fd = open_there(at, name);
	if (fd < 0)
		return (uint64_t)device | STP_FS_FOREIGN; /* it is gone: nobody will ask again */
	id = lasting_id(fd, device);
	if (!has_own_clock(fd))
		atomic_store_explicit(&table->others_are_ours, 0, memory_order_relaxed);
	if (fd != at)
		close(fd);
	add(table, device, id);
	return id;
}

int stp_fs_is_same(const struct stp_fs_table *table, uint64_t entry_id, uint64_t record_id)
{
	size_t count = atomic_load_explicit(&table->count, memory_order_acquire);
	size_t i;

	if (entry_id == record_id)
		return 1;
	if (record_id == 0 || record_id & STP_FS_FOREIGN)
		return 0;
	if (entry_id == 0)
		return 1;
	for (i = 0; i < count; i++)
		if (table->items[i].id == entry_id && table->items[i].device == record_id)
			return 1;
	return 0;
}

int stp_fs_all_have_own_clock(const struct stp_fs_table *table)
{
	return table->root_is_ours &&
	       atomic_load_explicit(&table->others_are_ours, memory_order_relaxed);
}

int64_t stp_fs_grace_ns(const struct stp_fs_table *table, int clock_fd)
{
	int others = atomic_load_explicit(&table->others_are_ours, memory_order_relaxed);
	struct stat st;

	/* The clock was read where the files are, whichever machine it belongs to. */
	if (others && table->has_root && fstat(clock_fd, &st) == 0 && st.st_dev == table->root)
		return STP_FS_GRACE_NS;
	return others && table->root_is_ours && has_own_clock(clock_fd) ? STP_FS_GRACE_NS
	                                                                : STP_FS_GRACE_OTHER_NS;
}
