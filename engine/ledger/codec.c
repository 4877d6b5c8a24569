/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/codec.h"

#include "base/bytes.h"
#include "base/err.h"

/* Flags of the encoding itself, above those of the record. */
#define HAS_VERIFIED_AT 0x4000u
#define HAS_ORIGIN      0x8000u

#define RECORD_FLAGS                                                                     \
	(STP_RECORD_DIGESTS | STP_RECORD_FILE | STP_RECORD_RACY | STP_RECORD_REMOVED |   \
	 STP_RECORD_LISTED | STP_RECORD_NO_PATH | STP_RECORD_CLAIMS | STP_RECORD_SIZED | \
	 STP_RECORD_PASSED)

#define FINGERPRINT_BYTES 32

/* Bytes of the digests of a record with these flags. */
static size_t digests_of(unsigned flags, size_t digest_bytes)
{
	/* By set of claims: stp_alg_set_digest_bytes(). */
	static const uint8_t claims[8] = {0, 32, 64, 96, 32, 64, 96, 128};

	return flags & STP_RECORD_DIGESTS ? digest_bytes : claims[STP_RECORD_CLAIMS_SET(flags)];
}

/* Size of a record with these encoded flags. */
static size_t bytes_of(unsigned flags, size_t path_bytes, size_t digest_bytes)
{
	return STP_RECORD_HEAD_BYTES + (flags & STP_RECORD_FILE ? FINGERPRINT_BYTES : 0) +
	       (flags & HAS_VERIFIED_AT ? 8 : 0) + (flags & HAS_ORIGIN ? 8 : 0) +
	       digests_of(flags, digest_bytes) + path_bytes;
}

/* The encoded flags of record. */
static unsigned flags_of(const struct stp_record *record)
{
	return record->flags | (record->verified_at ? HAS_VERIFIED_AT : 0) |
	       (record->origin ? HAS_ORIGIN : 0);
}

/* Whether a record is valid: it has a path, unless that is omitted or the target was removed. */
static int is_sound(unsigned flags, size_t path_bytes)
{
	if (flags & ~(RECORD_FLAGS | HAS_VERIFIED_AT | HAS_ORIGIN))
		return 0;
	if (path_bytes > STP_PATH_BYTES_MAX)
		return 0;
	if (flags & STP_RECORD_DIGESTS && flags & STP_RECORD_CLAIMS)
		return 0;
	if (flags & STP_RECORD_NO_PATH)
		return path_bytes == 0;
	return path_bytes != 0 || (flags & STP_RECORD_REMOVED) != 0;
}

size_t stp_record_encoded_bytes(const struct stp_record *record, size_t digest_bytes)
{
	return bytes_of(flags_of(record), record->path_bytes, digest_bytes);
}

size_t stp_record_encode(const struct stp_record *record, size_t digest_bytes, uint8_t *out)
{
	unsigned flags = flags_of(record);
	uint8_t *at = out + STP_RECORD_HEAD_BYTES;

	STP_ASSERT(is_sound(flags, record->path_bytes));
	memcpy(out, record->key, STP_KEY_BYTES);
	stp_store16_le(out + 32, (uint16_t)flags);
	stp_store16_le(out + 34, record->path_bytes);
	stp_store64_le(out + 36, record->length);
	if (flags & STP_RECORD_FILE) {
		stp_store64_le(at, record->fingerprint.fs_id);
		stp_store64_le(at + 8, record->fingerprint.ino);
		stp_store64_le(at + 16, (uint64_t)record->fingerprint.mtime_ns);
		stp_store64_le(at + 24, (uint64_t)record->fingerprint.ctime_ns);
		at += FINGERPRINT_BYTES;
	}
	if (flags & HAS_VERIFIED_AT) {
		stp_store64_le(at, (uint64_t)record->verified_at);
		at += 8;
	}
	if (flags & HAS_ORIGIN) {
		stp_store64_le(at, record->origin);
		at += 8;
	}
	if (flags & (STP_RECORD_DIGESTS | STP_RECORD_CLAIMS)) {
		memcpy(at, record->digests, digests_of(flags, digest_bytes));
		at += digests_of(flags, digest_bytes);
	}
	if (record->path_bytes)
		memcpy(at, record->path, record->path_bytes);
	return (size_t)(at - out) + record->path_bytes;
}

size_t stp_record_skip(const uint8_t *bytes, size_t digest_bytes)
{
	return bytes_of(stp_load16_le(bytes + 32), stp_load16_le(bytes + 34), digest_bytes);
}

size_t stp_record_decode(const uint8_t *bytes, size_t left, size_t digest_bytes,
                         struct stp_record *out_record)
{
	struct stp_record *record = out_record;
	const uint8_t *at = bytes + STP_RECORD_HEAD_BYTES;
	unsigned flags;
	size_t count;

	if (left < STP_RECORD_HEAD_BYTES)
		return 0;
	flags = stp_load16_le(bytes + 32);
	record->path_bytes = stp_load16_le(bytes + 34);
	count = bytes_of(flags, record->path_bytes, digest_bytes);
	if (!is_sound(flags, record->path_bytes) || count > left)
		return 0;
	memcpy(record->key, bytes, STP_KEY_BYTES);
	record->flags = (uint16_t)(flags & RECORD_FLAGS);
	record->length = stp_load64_le(bytes + 36);
	memset(&record->fingerprint, 0, sizeof(record->fingerprint));
	if (flags & STP_RECORD_FILE) {
		record->fingerprint.fs_id = stp_load64_le(at);
		record->fingerprint.ino = stp_load64_le(at + 8);
		record->fingerprint.mtime_ns = (int64_t)stp_load64_le(at + 16);
		record->fingerprint.ctime_ns = (int64_t)stp_load64_le(at + 24);
		at += FINGERPRINT_BYTES;
	}
	record->verified_at = 0;
	if (flags & HAS_VERIFIED_AT) {
		record->verified_at = (int64_t)stp_load64_le(at);
		at += 8;
		if (record->verified_at == 0)
			return 0;
	}
	record->origin = 0;
	if (flags & HAS_ORIGIN) {
		record->origin = stp_load64_le(at);
		at += 8;
		if (record->origin == 0)
			return 0;
	}
	record->digests = NULL;
	if (flags & (STP_RECORD_DIGESTS | STP_RECORD_CLAIMS)) {
		record->digests = at;
		at += digests_of(flags, digest_bytes);
	}
	record->path = (const char *)at;
	return count;
}
