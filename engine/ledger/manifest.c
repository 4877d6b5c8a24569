/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/manifest.h"

#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "base/bytes.h"
#include "base/file.h"
#include "ledger/segment_format.h"
#include "stampede/alg.h"

#define MAGIC           UINT64_C(0x31494e414d505453) /* "STPMANI1" */
#define VERSION         1
#define HEAD_BYTES      128
#define ENTRY_BYTES     128
#define MANIFEST_MAX    (HEAD_BYTES + STP_LEDGER_SEGMENTS_MAX * ENTRY_BYTES + STP_SEAL_BYTES)
#define ENTRY_NAME_ROOM 64

/* "N.manifest" for generation. */
static void manifest_name(uint64_t generation, char out[STP_MANIFEST_NAME_BYTES])
{
	snprintf(out, STP_MANIFEST_NAME_BYTES, "%llu.manifest", (unsigned long long)generation);
}

static void seal(const uint8_t *bytes, size_t count, const uint8_t *seal_key,
                 uint8_t out[STP_SEAL_BYTES])
{
	struct stp_segment_keys keys;

	stp_segment_keys_derive(seal_key, &keys);
	crypto_generichash(out, STP_SEAL_BYTES, bytes, count, keys.manifest, sizeof(keys.manifest));
	sodium_memzero(&keys, sizeof(keys));
}

static void store_entry(const struct stp_manifest_entry *entry, uint8_t *out)
{
	memcpy(out, entry->name, strlen(entry->name));
	stp_store32_le(out + 64, entry->kind);
	stp_store64_le(out + 72, entry->generation);
	stp_store64_le(out + 80, entry->file_bytes);
	stp_store64_le(out + 88, entry->record_count);
	memcpy(out + 96, entry->seal, STP_SEAL_BYTES);
}

enum stp_errc stp_manifest_write(const struct stp_manifest *manifest, int folder_fd,
                                 const uint8_t *seal_key, struct stp_err *err)
{
	uint8_t bytes[MANIFEST_MAX] = {0};
	size_t count = HEAD_BYTES + manifest->count * ENTRY_BYTES;
	char name[STP_MANIFEST_NAME_BYTES];
	size_t i;

	stp_store64_le(bytes, MAGIC);
	stp_store32_le(bytes + 8, VERSION);
	stp_store32_le(bytes + 12, manifest->hash_set);
	stp_store64_le(bytes + 16, manifest->generation);
	stp_store64_le(bytes + 24, manifest->summary.run_version);
	stp_store64_le(bytes + 32, (uint64_t)manifest->summary.published_at);
	stp_store64_le(bytes + 40, manifest->summary.target_count);
	stp_store64_le(bytes + 48, (uint64_t)manifest->summary.oldest_verified_at);
	stp_store64_le(bytes + 56, manifest->summary.tag);
	stp_store32_le(bytes + 64, (uint32_t)manifest->count);
	stp_store32_le(bytes + 68, manifest->summary.source);
	for (i = 0; i < manifest->count; i++)
		store_entry(&manifest->entries[i], bytes + HEAD_BYTES + i * ENTRY_BYTES);
	seal(bytes, count, seal_key, bytes + count);
	manifest_name(manifest->generation, name);
	return stp_file_write(folder_fd, name, bytes, count + STP_SEAL_BYTES, 0600, STP_FILE_NEW,
	                      "ledger", err);
}

/* Decodes the entry at bytes; 0 when it is invalid. */
static int load_entry(const uint8_t *bytes, struct stp_manifest_entry *entry)
{
	uint32_t kind = stp_load32_le(bytes + 64);

	memcpy(entry->name, bytes, sizeof(entry->name));
	entry->kind = (enum stp_segment_kind)kind;
	entry->generation = stp_load64_le(bytes + 72);
	entry->file_bytes = stp_load64_le(bytes + 80);
	entry->record_count = stp_load64_le(bytes + 88);
	memcpy(entry->seal, bytes + 96, STP_SEAL_BYTES);
	return entry->name[0] && memchr(entry->name, 0, sizeof(entry->name)) &&
	       !strchr(entry->name, '/') && entry->name[0] != '.' && kind >= STP_SEGMENT_BASE &&
	       kind <= STP_SEGMENT_CHECKPOINT;
}

/* Decodes the fields of bytes[0, count), whose seal was checked. */
static enum stp_errc parse(const uint8_t *bytes, size_t count, const char *name,
                           struct stp_manifest *manifest, struct stp_err *err)
{
	size_t i;

	manifest->hash_set = stp_load32_le(bytes + 12);
	manifest->generation = stp_load64_le(bytes + 16);
	manifest->summary.run_version = stp_load64_le(bytes + 24);
	manifest->summary.published_at = (int64_t)stp_load64_le(bytes + 32);
	manifest->summary.target_count = stp_load64_le(bytes + 40);
	manifest->summary.oldest_verified_at = (int64_t)stp_load64_le(bytes + 48);
	manifest->summary.tag = stp_load64_le(bytes + 56);
	manifest->count = stp_load32_le(bytes + 64);
	manifest->summary.source = stp_load32_le(bytes + 68);
	if (stp_load32_le(bytes + 8) != VERSION || manifest->count > STP_LEDGER_SEGMENTS_MAX ||
	    count != HEAD_BYTES + manifest->count * ENTRY_BYTES + STP_SEAL_BYTES ||
	    !manifest->hash_set || manifest->hash_set >= 1u << STP_ALG_COUNT)
		return STP_FAIL(err, STP_FORMAT, "ledger", name,
		                "has another format version, or values out of range");
	for (i = 0; i < manifest->count; i++) {
		if (!load_entry(bytes + HEAD_BYTES + i * ENTRY_BYTES, &manifest->entries[i]))
			return STP_FAIL(err, STP_FORMAT, "ledger", name,
			                "has an invalid entry for a segment");
	}
	return STP_OK;
}

enum stp_errc stp_manifest_read(int folder_fd, uint64_t generation, const uint8_t *seal_key,
                                struct stp_manifest *out_manifest, struct stp_err *err)
{
	struct stp_manifest manifest = {0};
	char name[STP_MANIFEST_NAME_BYTES];
	struct stp_buf buf = STP_BUF_INIT;
	uint8_t sum[STP_SEAL_BYTES];
	enum stp_errc code;

	manifest_name(generation, name);
	STP_TRY(stp_file_read(folder_fd, name, MANIFEST_MAX, "ledger", &buf, err));
	if (buf.count < HEAD_BYTES + STP_SEAL_BYTES || stp_load64_le(buf.data) != MAGIC) {
		code = STP_FAIL(err, STP_FORMAT, "ledger", name, "is not a manifest of a ledger");
	} else {
		seal(buf.data, buf.count - STP_SEAL_BYTES, seal_key, sum);
		if (sodium_memcmp(sum, buf.data + buf.count - STP_SEAL_BYTES, STP_SEAL_BYTES) != 0)
			code = STP_FAIL(
			    err, STP_KEY, "ledger", name,
			    "its seal does not match: it was changed, or sealed with another key");
		else
			code = parse(buf.data, buf.count, name, &manifest, err);
	}
	stp_buf_release(&buf);
	if (code == STP_OK && manifest.generation != generation)
		code =
		    STP_FAIL(err, STP_CHANGED, "ledger", name, "was renamed: it is generation %llu",
		             (unsigned long long)manifest.generation);
	if (code == STP_OK)
		*out_manifest = manifest;
	return code;
}
