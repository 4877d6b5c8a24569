/* SPDX-License-Identifier: Apache-2.0 */
#include "trust/floors.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/text.h"
#include "hash/hash.h"
#include "publish/repo.h"

#define STAGE "floors"
#define NAME  "state/" STP_FLOORS_FILE

#define TEXT_BYTES_MAX 2048
#define SEAL_BYTES     32
/* The rename of the new file, and what follows it, take no longer than this. */
#define COPIED_AFTER_NS INT64_C(1000000000)
/* No run can have been missed by a younger copy. */
#define COPY_AGE_S 600

/* The lines with a version and a digest, in the order of the file. */
static const struct {
	const char *role;
	size_t offset;
} lines[] = {
    {"root", offsetof(struct stp_floors, root)},
    {"older", offsetof(struct stp_floors, older)},
    {"targets", offsetof(struct stp_floors, targets)},
    {"bins", offsetof(struct stp_floors, bins)},
    {"snapshot", offsetof(struct stp_floors, snapshot)},
    {"timestamp", offsetof(struct stp_floors, timestamp)},
};
#define LINE_COUNT (sizeof(lines) / sizeof(lines[0]))

/* Writes the lines that earlier versions lack; returns their bytes. */
static size_t format_made(const struct stp_floors *floors, char *out, size_t size)
{
	size_t used = 0;

	if (floors->periods.root)
		used += (size_t)snprintf(out, size, "periods %" PRId64 " %" PRId64 " %" PRId64 "\n",
		                         floors->periods.root, floors->periods.targets,
		                         floors->periods.bins);
	if (floors->profile[0])
		used += (size_t)snprintf(out + used, size - used, "profile %s\n", floors->profile);
	return used;
}

/* Writes all lines but the seal; returns their bytes. */
static size_t format(const struct stp_floors *floors, char out[TEXT_BYTES_MAX])
{
	size_t used = (size_t)snprintf(out, TEXT_BYTES_MAX, "stampede-floors 1\n");
	char time[STP_TIME_BYTES + 1];
	size_t i;

	for (i = 0; i < LINE_COUNT; i++) {
		const struct stp_pin *pin =
		    (const struct stp_pin *)(const void *)((const char *)floors + lines[i].offset);
		char hex[65] = "";

		stp_hex_encode(pin->sha256, sizeof(pin->sha256), hex);
		used +=
		    (size_t)snprintf(out + used, TEXT_BYTES_MAX - used, "%s %" PRIu64 " %.64s\n",
		                     lines[i].role, pin->version, hex);
	}
	used +=
	    (size_t)snprintf(out + used, TEXT_BYTES_MAX - used, "thresholds %u/%u %u/%u %u/%u\n",
	                     floors->root_keys.threshold, floors->root_keys.key_count,
	                     floors->targets_keys.threshold, floors->targets_keys.key_count,
	                     floors->bins_keys.threshold, floors->bins_keys.key_count);
	used += format_made(floors, out + used, TEXT_BYTES_MAX - used);
	stp_time_format(floors->committed_at, time);
	used +=
	    (size_t)snprintf(out + used, TEXT_BYTES_MAX - used,
	                     "committed %s\nfolder %" PRIu64 " %" PRIu64 "\nplace %016" PRIx64 "\n",
	                     time, floors->folder_ino, floors->owner, floors->place);
	return used;
}

/* Appends "seal HEX\n" to the used bytes of text. */
static size_t append_seal(char text[TEXT_BYTES_MAX], size_t used, const uint8_t *seal_key)
{
	uint8_t seal[SEAL_BYTES];
	char hex[2 * SEAL_BYTES + 1] = "";

	crypto_generichash(seal, sizeof(seal), (const unsigned char *)text, used, seal_key,
	                   crypto_generichash_KEYBYTES);
	stp_hex_encode(seal, sizeof(seal), hex);
	return used + (size_t)snprintf(text + used, TEXT_BYTES_MAX - used, "seal %.64s\n", hex);
}

/* ------------------------------------------------------------------ reading */

#define REMEDY "restore state/ and keys/ from one backup"

/* Skips "WORD " at *at; 0 when it is missing. */
static int skip_word(const char **at, const char *word)
{
	size_t count = strlen(word);

	if (strncmp(*at, word, count) != 0)
		return 0;
	*at += count;
	return 1;
}

/* Reads decimal digits up to the character end, and skips that. */
static int read_number(const char **at, char end, uint64_t *out)
{
	size_t count = strspn(*at, "0123456789");

	if (!stp_u64_parse(*at, count, out) || (*at)[count] != end)
		return 0;
	*at += count + 1;
	return 1;
}

static int read_pin(const char **at, const char *role, struct stp_pin *pin)
{
	if (!skip_word(at, role) || !skip_word(at, " ") || !read_number(at, ' ', &pin->version) ||
	    pin->version > STP_VERSION_MAX || strnlen(*at, 65) < 65 ||
	    !stp_hex_decode(*at, sizeof(pin->sha256), pin->sha256, 0) || (*at)[64] != '\n')
		return 0;
	*at += 65;
	return 1;
}

static int read_threshold(const char **at, char end, struct stp_threshold *out)
{
	uint64_t threshold;
	uint64_t keys;

	if (!read_number(at, '/', &threshold) || !read_number(at, end, &keys) ||
	    threshold > STP_ROLE_KEYS_MAX || keys > STP_ROLE_KEYS_MAX)
		return 0;
	*out = (struct stp_threshold){(unsigned)threshold, (unsigned)keys};
	return 1;
}

static int read_period(const char **at, char end, int64_t *out)
{
	uint64_t seconds;

	if (!read_number(at, end, &seconds) || seconds > STP_EXPIRY_SECONDS_MAX)
		return 0;
	*out = (int64_t)seconds;
	return 1;
}

/* Earlier versions did not write this line. */
static int read_periods(const char **at, struct stp_periods *out)
{
	if (!skip_word(at, "periods "))
		return 1;
	return read_period(at, ' ', &out->root) && read_period(at, ' ', &out->targets) &&
	       read_period(at, '\n', &out->bins);
}

static int read_profile(const char **at, char out[STP_PROFILE_BYTES_MAX + 1])
{
	size_t count;

	if (!skip_word(at, "profile "))
		return 1;
	count = strspn(*at, "abcdefghijklmnopqrstuvwxyz0123456789");
	if (count == 0 || count > STP_PROFILE_BYTES_MAX || (*at)[count] != '\n')
		return 0;
	memcpy(out, *at, count);
	*at += count + 1;
	return 1;
}

/* Reads all lines but the seal from NUL-terminated text; NULL when one is malformed. */
static const char *read_lines(const char *text, struct stp_floors *floors)
{
	struct stp_err ignored = STP_ERR_INIT;
	const char *at = text;
	uint8_t place[8];
	size_t i;

	if (!skip_word(&at, "stampede-floors 1\n"))
		return NULL;
	for (i = 0; i < LINE_COUNT; i++)
		if (!read_pin(&at, lines[i].role,
		              (struct stp_pin *)(void *)((char *)floors + lines[i].offset)))
			return NULL;
	if (!skip_word(&at, "thresholds ") || !read_threshold(&at, ' ', &floors->root_keys) ||
	    !read_threshold(&at, ' ', &floors->targets_keys) ||
	    !read_threshold(&at, '\n', &floors->bins_keys) ||
	    !read_periods(&at, &floors->periods) || !read_profile(&at, floors->profile))
		return NULL;
	if (!skip_word(&at, "committed ") || strnlen(at, STP_TIME_BYTES) < STP_TIME_BYTES ||
	    stp_time_parse(at, STP_TIME_BYTES, &floors->committed_at, &ignored) != STP_OK)
		return NULL;
	at += STP_TIME_BYTES;
	if (!skip_word(&at, "\nfolder ") || !read_number(&at, ' ', &floors->folder_ino) ||
	    !read_number(&at, '\n', &floors->owner) || !skip_word(&at, "place ") ||
	    strnlen(at, 17) < 17 || !stp_hex_decode(at, sizeof(place), place, 0) || at[16] != '\n')
		return NULL;
	floors->place = stp_load64_be(place);
	return at + 17;
}

enum stp_errc stp_floors_parse(const char *text, size_t text_bytes, const uint8_t *seal_key,
                               struct stp_floors *out_floors, struct stp_err *err)
{
	struct stp_floors floors;
	char copy[TEXT_BYTES_MAX];
	char again[TEXT_BYTES_MAX];
	const char *at = NULL;
	size_t used;

	memset(&floors, 0, sizeof(floors));
	if (text_bytes < sizeof(copy)) {
		memcpy(copy, text, text_bytes);
		copy[text_bytes] = '\0';
		at = read_lines(copy, &floors);
	}
	if (!at || strnlen(at, 71) != 70 || strncmp(at, "seal ", 5) != 0 || at[69] != '\n' ||
	    at + 70 != copy + text_bytes)
		return STP_FAIL(err, STP_FORMAT, STAGE, NAME, "is damaged; " REMEDY);
	used = format(&floors, again);
	if (used != (size_t)(at - copy) || memcmp(again, copy, used) != 0)
		return STP_FAIL(err, STP_FORMAT, STAGE, NAME, "is damaged; " REMEDY);
	if (seal_key) {
		append_seal(again, used, seal_key);
		if (sodium_memcmp(again + used, at, 70) != 0)
			return STP_FAIL(
			    err, STP_REFUSED, STAGE, NAME,
			    "its seal does not match keys/ledger.key: it was edited, or the "
			    "key was replaced; " REMEDY);
	}
	*out_floors = floors;
	return STP_OK;
}

/* BLAKE2b-64 of the path by which state/ was reached. */
static uint64_t place_of(int state_fd)
{
	char proc[64];
	char path[PATH_MAX];
	uint8_t digest[crypto_generichash_BYTES_MIN];
	ssize_t count;

	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", state_fd);
	count = readlink(proc, path, sizeof(path));
	if (count <= 0)
		return 0;
	crypto_generichash(digest, sizeof(digest), (const unsigned char *)path, (size_t)count, NULL,
	                   0);
	return stp_load64_be(digest);
}

static int64_t ns_between(struct timespec from, struct timespec to)
{
	/* Differences are cut to a century, which is more than a second. */
	if (to.tv_sec - from.tv_sec > INT32_MAX)
		return INT64_MAX;
	return (int64_t)(to.tv_sec - from.tv_sec) * 1000000000 + to.tv_nsec - from.tv_nsec;
}

/* A copied folder has another inode; a file that was restored over the original has its mtime from
 * the backup and its ctime from the restore. Backups by hard links also change the ctime, but leave
 * a second link; so does a change of the owner, which is visible. */
static int is_copy(const struct stp_floors *floors, const struct stat *folder,
                   const struct stat *file)
{
	return floors->folder_ino != (uint64_t)folder->st_ino ||
	       (file->st_nlink == 1 && floors->owner == (uint64_t)file->st_uid &&
	        ns_between(file->st_mtim, file->st_ctim) > COPIED_AFTER_NS);
}

enum stp_errc stp_floors_load(int state_fd, const uint8_t *seal_key, struct stp_floors *out_floors,
                              int *out_found, enum stp_floors_origin *out_origin,
                              struct stp_err *err)
{
	struct stp_buf text = STP_BUF_INIT;
	struct stat folder;
	struct stat file;
	enum stp_errc code;

	*out_found = 0;
	*out_origin = STP_FLOORS_OWN;
	memset(out_floors, 0, sizeof(*out_floors));
	if (fstatat(state_fd, STP_FLOORS_FILE, &file, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT)
		return STP_OK;
	if (!seal_key && faccessat(state_fd, STP_FLOORS_FILE, R_OK, AT_EACCESS) != 0 &&
	    errno == EACCES)
		return STP_OK;
	code = stp_file_read(state_fd, STP_FLOORS_FILE, TEXT_BYTES_MAX - 1, STAGE, &text, err);
	if (code == STP_OK)
		code = stp_floors_parse((const char *)text.data, text.count, seal_key, out_floors,
		                        err);
	stp_buf_release(&text);
	STP_TRY(code);
	if (fstat(state_fd, &folder) != 0 ||
	    fstatat(state_fd, STP_FLOORS_FILE, &file, AT_SYMLINK_NOFOLLOW) != 0)
		return STP_FAIL_SYS(err, STAGE, NAME, "cannot stat");
	*out_found = 1;
	if (is_copy(out_floors, &folder, &file))
		*out_origin = place_of(state_fd) == out_floors->place ||
		                      stp_clock_now() - file.st_mtim.tv_sec >= COPY_AGE_S
		                  ? STP_FLOORS_RESTORED
		                  : STP_FLOORS_COPY;
	return STP_OK;
}

/* ------------------------------------------------------------------ writing */

enum stp_errc stp_floors_save(int state_fd, const uint8_t *seal_key,
                              const struct stp_floors *floors, enum stp_floors_origin origin,
                              struct stp_err *err)
{
	struct stp_floors own = *floors;
	char text[TEXT_BYTES_MAX];
	struct stat st;
	size_t used;

	if (fstat(state_fd, &st) != 0)
		return STP_FAIL_SYS(err, STAGE, "state", "cannot stat");
	/* No folder has inode 0. */
	own.folder_ino = origin == STP_FLOORS_RESTORED ? 0 : (uint64_t)st.st_ino;
	own.owner = (uint64_t)geteuid();
	own.place = place_of(state_fd);
	used = format(&own, text);
	used = append_seal(text, used, seal_key);
	STP_TRY(stp_file_write(state_fd, STP_FLOORS_FILE, text, used, STP_MODE_PRIVATE_FILE,
	                       STP_FILE_REPLACE, STAGE, err));
	/* Syncing may take long: the mtime is set to the time of the rename, see is_copy(). A file
	 * system that stores no times only makes the next run skip version numbers. */
	if (fstatat(state_fd, STP_FLOORS_FILE, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		struct timespec times[2] = {st.st_atim, st.st_ctim};

		(void)!utimensat(state_fd, STP_FLOORS_FILE, times, AT_SYMLINK_NOFOLLOW);
	}
	return STP_OK;
}

struct stp_pin stp_pin_of(uint64_t version, const void *bytes, size_t count)
{
	struct stp_pin pin = {.version = version};

	stp_hash_one(STP_ALG_SHA256, bytes, count, pin.sha256);
	return pin;
}

int stp_pin_is(const struct stp_pin *a, const struct stp_pin *b)
{
	return memcmp(a->sha256, b->sha256, sizeof(a->sha256)) == 0;
}
