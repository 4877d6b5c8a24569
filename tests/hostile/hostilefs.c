/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file system that returns wrong data, and a command that uses it.
 *
 *	stampede-hostilefs SCENARIO[:NUMBER] FOLDER COMMAND [ARGUMENT…]
 *
 * Mounts the scenario on FOLDER in a mount namespace of its own, runs COMMAND there and exits with
 * its status; nothing is left afterwards. It uses /dev/fuse directly, because libfuse corrects some
 *of the errors that are wanted here. Exits with 77 if the system does not allow such a mount.
 *
 *	names:N    18 folders in each other with names of N bytes, a file "f" in each,
 *	           and a file whose name has N bytes
 *	types      names that are listed with a wrong type, or without one
 *	twice      a file and a folder that are listed twice
 *	inode0     a file and a folder with inode 0
 *	slash      a name "up/../x"
 *	empty      a name without bytes
 *	dots       "." and ".." listed as files
 *	times      files from the far past and the far future
 *	large      three files of 8 EiB less one byte
 *	endless    simple/page: 100,000 bytes by its size, but reading it never ends
 *	grows      simple/page: the same, and its size grows with each read
 *	slow       simple/page: 32 MiB; a read takes 20 ms once it was opened twice
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NODES_MAX   64
#define ENTRIES_MAX 8
#define NAME_MAX_   4095
#define REQUEST_MAX (1 << 20)
#define REPLY_MAX   (256 * 1024)
#define SKIPPED     77

struct entry {
	char *name;
	uint32_t name_bytes;
	uint32_t type;
	uint64_t ino;
	uint64_t node;
};

struct node {
	uint32_t mode;
	uint64_t ino, size;
	int64_t seconds;
	uint32_t nanoseconds;
	int is_endless, grows;
	unsigned opens, slow_from;
	struct entry entries[ENTRIES_MAX];
	unsigned entry_count;
};

static struct node nodes[NODES_MAX]; /* by nodeid; 1 is the root */
static uint64_t node_count = 1;
static int fuse_fd;

static void die(const char *what)
{
	fprintf(stderr, "hostilefs: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int skip(const char *what)
{
	printf("skipped: %s: %s\n", what, strerror(errno));
	return SKIPPED;
}

/* --- the files -------------------------------------------------------------------------------- */

static uint64_t make(uint32_t mode, uint64_t size)
{
	struct node *node = &nodes[node_count];

	if (node_count >= NODES_MAX)
		abort();
	node->mode = mode;
	node->ino = node_count;
	node->size = size;
	node->seconds = 1500000000;
	return node_count++;
}

static uint64_t make_folder(void)
{
	return make(S_IFDIR | 0755, 0);
}

static uint64_t make_file(uint64_t size)
{
	return make(S_IFREG | 0644, size);
}

/* Lists node as name_bytes bytes of name in folder, with type and inode number as given. */
static void list_as(uint64_t folder, const char *name, size_t name_bytes, uint32_t type,
                    uint64_t ino, uint64_t node)
{
	struct node *parent = &nodes[folder];
	struct entry *entry = &parent->entries[parent->entry_count++];

	if (parent->entry_count > ENTRIES_MAX)
		abort();
	entry->name = malloc(name_bytes + 1);
	if (!entry->name)
		abort();
	memcpy(entry->name, name, name_bytes);
	entry->name[name_bytes] = '\0';
	entry->name_bytes = (uint32_t)name_bytes;
	entry->type = type;
	entry->ino = ino;
	entry->node = node;
}

/* Lists node as what it is. */
static uint64_t list(uint64_t folder, const char *name, uint64_t node)
{
	list_as(folder, name, strlen(name), nodes[node].mode >> 12, nodes[node].ino, node);
	return node;
}

static void make_names(uint64_t root, size_t bytes)
{
	char name[NAME_MAX_ + 1];
	uint64_t folder = root;
	int depth;

	memset(name, 'n', bytes);
	name[bytes] = '\0';
	for (depth = 0; depth < 18; depth++) {
		list(folder, "f", make_file(3));
		folder = list(folder, name, make_folder());
	}
	memset(name, 'l', bytes);
	list(root, name, make_file(3));
}

static void make_types(uint64_t root)
{
	uint64_t folder = make_folder();
	uint64_t file = make_file(3);

	list(folder, "inside", file);
	list_as(root, "file-as-folder", 14, S_IFDIR >> 12, file, file);
	list_as(root, "folder-as-file", 14, S_IFREG >> 12, folder, folder);
	list_as(root, "file-as-link", 12, S_IFLNK >> 12, file, file);
	list_as(root, "file-as-nothing", 15, 0, file, file);
	list_as(root, "folder-as-nothing", 17, 0, folder, folder);
	list_as(root, "file-as-99", 10, 99, file, file);
	list(root, "honest", file);
}

static void make_twice(uint64_t root)
{
	uint64_t folder = make_folder();
	uint64_t file = make_file(3);

	list(folder, "inside", file);
	list(root, "file", file);
	list(root, "folder", folder);
	list(root, "file", file);
	list(root, "folder", folder);
	list(root, "once", file);
}

static void make_inode0(uint64_t root)
{
	uint64_t folder = list(root, "folder", make_folder());
	uint64_t file = list(root, "file", make_file(3));

	list(folder, "inside", file);
	nodes[root].entries[0].ino = 0;
	nodes[root].entries[1].ino = 0;
	nodes[folder].ino = 0;
	nodes[file].ino = 0;
}

static void make_times(uint64_t root)
{
	static const struct {
		const char *name;
		int64_t seconds;
		uint32_t nanoseconds;
	} files[] = {
	    {"first", INT64_MIN, 0},        {"1600", -11676096000, 0},
	    {"before-1970", -1, 999999999}, {"2446", 15021158400, 1},
	    {"last", INT64_MAX, 999999999}, {"odd", 1500000000, UINT32_MAX},
	};
	size_t i;

	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		uint64_t file = list(root, files[i].name, make_file(3));

		nodes[file].seconds = files[i].seconds;
		nodes[file].nanoseconds = files[i].nanoseconds;
	}
}

static uint64_t make_page(uint64_t root, uint64_t size)
{
	return list(list(root, "simple", make_folder()), "page", make_file(size));
}

static int make_scenario(const char *text)
{
	const char *colon = strchr(text, ':');
	size_t number = colon ? strtoul(colon + 1, NULL, 10) : 0;
	size_t bytes = colon ? (size_t)(colon - text) : strlen(text);
	uint64_t root = make_folder();

#define IS(name) (bytes == strlen(name) && memcmp(text, name, bytes) == 0)
	if (IS("names") && number >= 1 && number <= NAME_MAX_) {
		make_names(root, number);
	} else if (IS("types")) {
		make_types(root);
	} else if (IS("twice")) {
		make_twice(root);
	} else if (IS("inode0")) {
		make_inode0(root);
	} else if (IS("slash")) {
		list(root, "honest", make_file(3));
		list(root, "up/../x", make_file(3));
	} else if (IS("empty")) {
		list(root, "honest", make_file(3));
		list(root, "", make_file(3));
	} else if (IS("dots")) {
		list(root, ".", make_file(3));
		list(root, "..", make_file(3));
		list(root, "honest", make_file(3));
	} else if (IS("times")) {
		make_times(root);
	} else if (IS("large")) {
		list(root, "a", make_file(INT64_MAX));
		list(root, "b", make_file(INT64_MAX));
		list(root, "c", make_file(INT64_MAX));
	} else if (IS("endless") || IS("grows")) {
		uint64_t page = make_page(root, 100000);

		nodes[page].is_endless = 1;
		nodes[page].grows = IS("grows");
	} else if (IS("slow")) {
		nodes[make_page(root, 32 << 20)].slow_from = 2;
	} else {
		return 0;
	}
#undef IS
	return 1;
}

/* --- the replies ------------------------------------------------------------------------------ */

static void reply(const struct fuse_in_header *in, int error, const void *bytes, size_t count)
{
	static char out[REPLY_MAX];
	struct fuse_out_header head = {
	    .len = (uint32_t)(sizeof(head) + count), .error = -error, .unique = in->unique};

	if (sizeof(head) + count > sizeof(out))
		abort();
	memcpy(out, &head, sizeof(head));
	if (count)
		memcpy(out + sizeof(head), bytes, count);
	/* ENOENT: the request was interrupted. */
	if (write(fuse_fd, out, head.len) < 0 && errno != ENOENT)
		die("cannot reply");
}

static void fill_attr(struct fuse_attr *attr, const struct node *node)
{
	memset(attr, 0, sizeof(*attr));
	attr->ino = node->ino;
	attr->size = node->size;
	attr->mode = node->mode;
	attr->nlink = 1;
	attr->blksize = 4096;
	attr->mtime = (uint64_t)node->seconds;
	attr->mtimensec = node->nanoseconds;
	attr->ctime = 1500000000;
	attr->uid = getuid();
	attr->gid = getgid();
}

static void do_init(const struct fuse_in_header *in, const struct fuse_init_in *init)
{
	struct fuse_init_out out = {.major = FUSE_KERNEL_VERSION,
	                            .minor = init->minor < 36 ? init->minor : 36,
	                            .max_readahead = init->max_readahead,
	                            .max_write = 128 * 1024,
	                            /* Without it, names end at 1,024 bytes. */
	                            .flags = FUSE_MAX_PAGES,
	                            .max_pages = 32};

	reply(in, 0, &out, sizeof(out));
}

static void do_lookup(const struct fuse_in_header *in, const char *name)
{
	const struct node *parent = &nodes[in->nodeid];
	struct fuse_entry_out out;
	unsigned i;

	memset(&out, 0, sizeof(out));
	for (i = 0; i < parent->entry_count; i++) {
		if (strcmp(parent->entries[i].name, name) != 0)
			continue;
		out.nodeid = parent->entries[i].node;
		fill_attr(&out.attr, &nodes[out.nodeid]);
		reply(in, 0, &out, sizeof(out));
		return;
	}
	reply(in, ENOENT, NULL, 0);
}

static void do_getattr(const struct fuse_in_header *in)
{
	struct fuse_attr_out out;

	memset(&out, 0, sizeof(out));
	fill_attr(&out.attr, &nodes[in->nodeid]);
	reply(in, 0, &out, sizeof(out));
}

static void do_open(const struct fuse_in_header *in)
{
	struct node *node = &nodes[in->nodeid];
	/* Bypasses the page cache: a read returns what is sent here, whatever the size is. */
	struct fuse_open_out out = {.open_flags = S_ISREG(node->mode) ? FOPEN_DIRECT_IO : 0};

	node->opens++;
	reply(in, 0, &out, sizeof(out));
}

static void do_read(const struct fuse_in_header *in, const struct fuse_read_in *read_in)
{
	static const char zeros[REPLY_MAX];
	struct node *node = &nodes[in->nodeid];
	uint64_t left = read_in->offset < node->size ? node->size - read_in->offset : 0;
	size_t count = read_in->size < REPLY_MAX / 2 ? read_in->size : REPLY_MAX / 2;

	if (node->slow_from && node->opens >= node->slow_from)
		usleep(20000);
	if (!node->is_endless && count > left)
		count = (size_t)left;
	if (node->grows)
		node->size += 4096;
	reply(in, 0, zeros, count);
}

static void do_readdir(const struct fuse_in_header *in, const struct fuse_read_in *read_in)
{
	static char out[REPLY_MAX];
	const struct node *folder = &nodes[in->nodeid];
	size_t used = 0;
	uint64_t i;

	memset(out, 0, sizeof(out));
	for (i = read_in->offset; i < folder->entry_count; i++) {
		const struct entry *entry = &folder->entries[i];
		struct fuse_dirent *dirent = (struct fuse_dirent *)(void *)(out + used);
		size_t bytes = FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET + entry->name_bytes);

		if (used + bytes > read_in->size || used + bytes > sizeof(out))
			break;
		dirent->ino = entry->ino;
		dirent->off = i + 1;
		dirent->namelen = entry->name_bytes;
		dirent->type = entry->type;
		memcpy(dirent->name, entry->name, entry->name_bytes);
		used += bytes;
	}
	reply(in, 0, out, used);
}

/* Answers one request; 0 when the file system is no longer mounted. */
static int serve(void)
{
	static char request[REQUEST_MAX];
	const struct fuse_in_header *in = (const void *)request;
	const void *argument = request + sizeof(*in);
	struct fuse_statfs_out statfs_out;

	if (read(fuse_fd, request, sizeof(request)) < 0)
		return errno != ENODEV;
	switch (in->opcode) {
	case FUSE_INIT:
		do_init(in, argument);
		break;
	case FUSE_LOOKUP:
		do_lookup(in, argument);
		break;
	case FUSE_GETATTR:
		do_getattr(in);
		break;
	case FUSE_OPEN:
	case FUSE_OPENDIR:
		do_open(in);
		break;
	case FUSE_READ:
		do_read(in, argument);
		break;
	case FUSE_READDIR:
		do_readdir(in, argument);
		break;
	case FUSE_STATFS:
		memset(&statfs_out, 0, sizeof(statfs_out));
		reply(in, 0, &statfs_out, sizeof(statfs_out));
		break;
	case FUSE_RELEASE:
	case FUSE_RELEASEDIR:
		reply(in, 0, NULL, 0);
		break;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		break; /* no answer is expected */
	default:
		reply(in, ENOSYS, NULL, 0);
	}
	return 1;
}

/* --- main ------------------------------------------------------------------------------------ */

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd >= 0 && write(fd, text, strlen(text)) < 0)
		perror(path);
	if (fd >= 0)
		close(fd);
}

/* Enters a mount namespace; other users than root become root in a user namespace. */
static int enter_namespace(void)
{
	unsigned uid = getuid();
	unsigned gid = getgid();
	char map[32];

	if (unshare(CLONE_NEWNS) != 0) {
		if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
			return 0;
		write_file("/proc/self/setgroups", "deny");
		snprintf(map, sizeof(map), "0 %u 1", uid);
		write_file("/proc/self/uid_map", map);
		snprintf(map, sizeof(map), "0 %u 1", gid);
		write_file("/proc/self/gid_map", map);
	}
	return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

static int mount_fuse(const char *folder)
{
	char options[128];

	fuse_fd = open("/dev/fuse", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (fuse_fd < 0)
		return 0;
	snprintf(options, sizeof(options),
	         "fd=%d,rootmode=40000,user_id=%u,group_id=%u,allow_other", fuse_fd, getuid(),
	         getgid());
	return mount("hostilefs", folder, "fuse", MS_NOSUID | MS_NODEV, options) == 0;
}

/* Serves until the command ends; returns its exit status. */
static int serve_until_over(pid_t pid)
{
	struct pollfd ready[2] = {{.fd = fuse_fd, .events = POLLIN}, {.events = POLLIN}};
	int status;

	ready[1].fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (ready[1].fd < 0)
		die("pidfd_open");
	do {
		if (poll(ready, 2, -1) < 0 && errno != EINTR)
			die("poll");
	} while ((!(ready[0].revents & POLLIN) || serve()) && !(ready[1].revents & POLLIN));
	if (waitpid(pid, &status, 0) != pid)
		die("waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
	pid_t pid;

	if (argc < 4 || !make_scenario(argv[1])) {
		fputs("usage: stampede-hostilefs SCENARIO[:NUMBER] FOLDER COMMAND [ARGUMENT…]\n",
		      stderr);
		return 2;
	}
	if (!enter_namespace())
		return skip("mount namespaces are not allowed");
	if (!mount_fuse(argv[2]))
		return skip("cannot mount a FUSE file system");
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0) {
		close(fuse_fd);
		execvp(argv[3], argv + 3);
		perror(argv[3]);
		_exit(127);
	}
	return serve_until_over(pid);
}
