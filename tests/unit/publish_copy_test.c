/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <linux/fs.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "base/clock.h"
#include "hash/hash.h"
#include "publish/copy.h"
#include "scratch.h"

#define SET  (STP_ALG_BIT(STP_ALG_SHA256) | STP_ALG_BIT(STP_ALG_SHA512))
#define TERA ((off_t)1 << 40)

/* A file system with blocks of 4 KiB that shares them, or one that does not. */
static struct {
	int refuses;
	size_t count;
	uint64_t longest;
} clones;

static int clone_range(int fd, const struct file_clone_range *range)
{
	uint8_t block[4096];
	struct stat st;
	uint64_t done;

	clones.count++;
	if (range->src_length > clones.longest)
		clones.longest = range->src_length;
	assert_int_equal(fstat((int)range->src_fd, &st), 0);
	errno = EOPNOTSUPP;
	if (clones.refuses)
		return -1;
	errno = EINVAL;
	if (range->src_offset % 4096 || range->dest_offset % 4096 ||
	    range->src_offset + range->src_length > (uint64_t)st.st_size ||
	    (range->src_length % 4096 &&
	     range->src_offset + range->src_length != (uint64_t)st.st_size))
		return -1;
	for (done = 0; done < range->src_length; done += sizeof(block)) {
		ssize_t got = pread((int)range->src_fd, block, sizeof(block),
		                    (off_t)(range->src_offset + done));

		if (got > 0 && (uint64_t)got > range->src_length - done)
			got = (ssize_t)(range->src_length - done);
		assert_true(got > 0);
		assert_int_equal(pwrite(fd, block, (size_t)got, (off_t)(range->dest_offset + done)),
		                 got);
	}
	return 0;
}

int ioctl(int fd, unsigned long request, ...)
{
	va_list arguments;
	void *argument;

	va_start(arguments, request);
	argument = va_arg(arguments, void *);
	va_end(arguments);
	if (request == FICLONERANGE)
		return clone_range(fd, argument);
	return (int)syscall(SYS_ioctl, fd, request, argument);
}

struct fixture {
	struct scratch scratch;
	struct stp_cancel cancel;
	struct stp_copier *copier;
	struct stp_copy_source source;
	uint8_t digests[96];
	int to_fd;
	struct stp_err err;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	memset(&clones, 0, sizeof(clones));
	scratch_init(&f->scratch);
	assert_int_equal(stp_copier_create(SET, &f->cancel, &f->copier, &f->err), STP_OK);
	f->source.fd = -1;
	f->source.name = "source";
	f->source.digests = f->digests;
	f->to_fd = openat(f->scratch.fd, "copy", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(f->to_fd >= 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	stp_copier_destroy(f->copier);
	close(f->source.fd);
	close(f->to_fd);
	scratch_release(&f->scratch);
	free(f);
	return 0;
}

/* A source of count bytes with a correct record. */
static void make_source(struct fixture *f, size_t count)
{
	uint8_t *bytes = malloc(count + 1);

	scratch_noise(&f->scratch, "source", count, (unsigned)count);
	close(f->source.fd);
	f->source.fd = openat(f->scratch.fd, "source", O_RDWR | O_CLOEXEC);
	f->source.length = count;
	assert_int_equal(pread(f->source.fd, bytes, count + 1, 0), count);
	stp_hash_one(STP_ALG_SHA256, bytes, count, f->digests);
	stp_hash_one(STP_ALG_SHA512, bytes, count, f->digests + 32);
	free(bytes);
}

static off_t size_of(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return st.st_size;
}

/* Limits the size of files, so that a failing test cannot fill the disk. */
static void limit_files(rlim_t bytes)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static enum stp_errc try_copy(struct fixture *f, enum stp_copy_result *out_result)
{
	enum stp_errc code;

	assert_int_equal(ftruncate(f->to_fd, 0), 0);
	limit_files(1 << 30);
	code = stp_copier_copy(f->copier, &f->source, f->to_fd, out_result, &f->err);
	limit_files(RLIM_INFINITY);
	return code;
}

static enum stp_copy_result copy(struct fixture *f)
{
	enum stp_copy_result result;

	assert_int_equal(try_copy(f, &result), STP_OK);
	return result;
}

static enum stp_copy_result share(struct fixture *f)
{
	enum stp_copy_result result;

	assert_int_equal(ftruncate(f->to_fd, 0), 0);
	assert_int_equal(stp_copier_share(f->copier, &f->source, f->to_fd, &result, &f->err),
	                 STP_OK);
	return result;
}

static void assert_copied(struct fixture *f)
{
	size_t count = (size_t)f->source.length;
	uint8_t *want = malloc(count + 1);
	uint8_t *have = malloc(count + 1);

	assert_int_equal(pread(f->source.fd, want, count, 0), count);
	assert_int_equal(pread(f->to_fd, have, count + 1, 0), count);
	assert_memory_equal(want, have, count);
	free(want);
	free(have);
}

static void test_publish_copy__copies_every_length(void **state)
{
	static const size_t lengths[] = {0,      1,      4096,    262143,   262144,
	                                 262145, 524288, 8388608, 25165825, 1000000};
	struct fixture *f = *state;
	size_t i;

	for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		make_source(f, lengths[i]);
		assert_int_equal(copy(f), STP_COPY_DONE);
		assert_copied(f);
		assert_int_equal(share(f), STP_COPY_DONE);
		assert_copied(f);
	}
}

static void test_publish_copy__a_source_that_grew_is_copied_no_further(void **state)
{
	static const size_t lengths[] = {0, 5, 262144, 300000};
	struct fixture *f = *state;
	size_t i;

	for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		uint64_t began = stp_clock_monotonic_ns();

		make_source(f, lengths[i]);
		assert_int_equal(ftruncate(f->source.fd, TERA), 0);
		assert_int_equal(copy(f), STP_COPY_CHANGED);
		assert_int_equal(size_of(f->to_fd), lengths[i]);
		if (lengths[i] % 4096) {
			assert_int_equal(share(f), STP_COPY_CHANGED);
			assert_true(size_of(f->to_fd) <= (off_t)lengths[i]);
		}
		/* Even by one byte. */
		assert_int_equal(ftruncate(f->source.fd, (off_t)lengths[i] + 1), 0);
		assert_int_equal(copy(f), STP_COPY_CHANGED);
		assert_true(stp_clock_monotonic_ns() - began < UINT64_C(60000000000));
	}
	/* A range that ends at a block can be shared: it has the recorded bytes. */
	make_source(f, 8192);
	assert_int_equal(ftruncate(f->source.fd, TERA), 0);
	assert_int_equal(share(f), STP_COPY_DONE);
	assert_int_equal(size_of(f->to_fd), 8192);
}

static void test_publish_copy__other_bytes_and_shorter_sources_are_reported(void **state)
{
	struct fixture *f = *state;

	make_source(f, 300000);
	assert_int_equal(pwrite(f->source.fd, "!", 1, 299999), 1);
	assert_int_equal(copy(f), STP_COPY_CHANGED);
	assert_int_equal(share(f), STP_COPY_CHANGED);
	assert_int_equal(ftruncate(f->source.fd, 299999), 0);
	assert_int_equal(copy(f), STP_COPY_CHANGED);
	assert_int_equal(share(f), STP_COPY_CHANGED);
	assert_int_equal(ftruncate(f->source.fd, 0), 0);
	assert_int_equal(copy(f), STP_COPY_CHANGED);
	assert_int_equal(share(f), STP_COPY_CHANGED);
}

static void test_publish_copy__sharing_goes_in_chunks_and_may_be_refused(void **state)
{
	const size_t length = (64 << 20) + 5;
	struct fixture *f = *state;

	make_source(f, length);
	assert_int_equal(share(f), STP_COPY_DONE);
	assert_int_equal(clones.count, 2);
	assert_int_equal(clones.longest, 64 << 20);
	assert_copied(f);
	clones.refuses = 1;
	assert_int_equal(share(f), STP_COPY_REFUSED);
	assert_int_equal(size_of(f->to_fd), 0);
}

static void *cancel_soon(void *ctx)
{
	usleep(200000);
	stp_cancel_set(ctx);
	return NULL;
}

/* Neither reads its source to the end: a terabyte takes minutes. */
static void test_publish_copy__a_cancelled_copy_stops(void **state)
{
	struct fixture *f = *state;
	enum stp_copy_result result;
	int way;

	make_source(f, 5);
	for (way = 0; way < 2; way++) {
		pthread_t thread;
		uint64_t began;

		assert_int_equal(ftruncate(f->source.fd, TERA), 0);
		f->source.length = (uint64_t)TERA;
		clones.refuses = 1;
		atomic_store(&f->cancel.flag, way);
		f->err.code = STP_OK;
		assert_int_equal(pthread_create(&thread, NULL, cancel_soon, &f->cancel), 0);
		began = stp_clock_monotonic_ns();
		assert_int_equal(way ? stp_copier_share(f->copier, &f->source, f->to_fd, &result,
		                                        &f->err)
		                     : try_copy(f, &result),
		                 STP_CANCELLED);
		assert_true(stp_clock_monotonic_ns() - began < UINT64_C(5000000000));
		pthread_join(thread, NULL);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_publish_copy__copies_every_length),
	    TEST(test_publish_copy__a_source_that_grew_is_copied_no_further),
	    TEST(test_publish_copy__other_bytes_and_shorter_sources_are_reported),
	    TEST(test_publish_copy__sharing_goes_in_chunks_and_may_be_refused),
	    TEST(test_publish_copy__a_cancelled_copy_stops),
	};

	signal(SIGXFSZ, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
