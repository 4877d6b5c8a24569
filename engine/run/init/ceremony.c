/* SPDX-License-Identifier: Apache-2.0 */
#include "run/init/ceremony.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "keys/key_signer.h"

void stp_ring_file(const char *role, size_t index, char out[STP_RING_FILE_BYTES])
{
	snprintf(out, STP_RING_FILE_BYTES, "%.16s-%u.pem", role, (unsigned)(index + 1) % 1000);
}

/* How many of the ring's files are there; first_missing names the first that is not. */
static size_t count_present(int folder_fd, const char *role, size_t count,
                            char first_missing[STP_RING_FILE_BYTES])
{
	size_t present = 0;
	size_t i;

	first_missing[0] = '\0';
	for (i = 0; i < count; i++) {
		char name[STP_RING_FILE_BYTES];

		stp_ring_file(role, i, name);
		if (stp_file_exists(folder_fd, name))
			present++;
		else if (!first_missing[0])
			memcpy(first_missing, name, sizeof(name));
	}
	return present;
}

/* Two files with one key would let one key reach a threshold of two. */
static enum stp_errc check_distinct(const struct stp_ring *ring, struct stp_err *err)
{
	size_t i;
	size_t k;

	for (i = 0; i < ring->count; i++)
		for (k = 0; k < i; k++)
			if (strcmp(ring->public_keys[i].keyid, ring->public_keys[k].keyid) == 0)
				return STP_FAIL(err, STP_KEY, "keys", ring->role,
				                "key %zu and key %zu are the same; make another",
				                k + 1, i + 1);
	return STP_OK;
}

int stp_ring_has_any(int folder_fd, const char *role, size_t count)
{
	char first_missing[STP_RING_FILE_BYTES];

	return count_present(folder_fd, role, count, first_missing) != 0;
}

/* Takes over key, and makes its signer. */
static enum stp_errc keep(struct stp_ring *ring, struct stp_key *key, struct stp_err *err)
{
	struct stp_signer **signer = &ring->signers[ring->count];

	ring->keys[ring->count] = key;
	stp_key_object_ed25519(&ring->public_keys[ring->count], stp_key_public(key));
	ring->count++;
	return stp_key_signer_create(key, signer, err);
}

enum stp_errc stp_ring_open(struct stp_ring *ring, int folder_fd, const char *role, size_t count,
                            unsigned threshold, enum stp_ring_files files, struct stp_err *err)
{
	char name[STP_RING_FILE_BYTES];
	size_t present = count_present(folder_fd, role, count, name);

	STP_ASSERT(count >= 1 && count <= STP_ROLE_KEYS_MAX);
	memset(ring, 0, sizeof(*ring));
	ring->role = role;
	ring->threshold = threshold;
	if (files == STP_RING_ALL_OR_NONE && present != 0 && present != count)
		return STP_FAIL(err, STP_KEY, "keys", name,
		                "is missing beside other keys of its role; put it there, or name "
		                "another folder");
	while (ring->count < count) {
		struct stp_key *key = NULL;
		int is_there;

		stp_ring_file(role, ring->count, name);
		is_there = stp_file_exists(folder_fd, name);
		if (is_there)
			STP_TRY(stp_key_load(folder_fd, name, &key, err));
		else
			STP_TRY(stp_key_generate(folder_fd, name, &key, err));
		ring->made[ring->count] = !is_there;
		STP_TRY(keep(ring, key, err));
	}
	return check_distinct(ring, err);
}

/* Keeps the key just loaded when it is new to the ring, else wipes it. */
static enum stp_errc keep_new(struct stp_ring *ring, struct stp_key *key, struct stp_err *err)
{
	size_t i;

	for (i = 0; i < ring->count; i++)
		if (strcmp(ring->public_keys[i].keyid, stp_key_id(key)) == 0) {
			stp_key_destroy(key);
			return STP_OK;
		}
	if (ring->count == STP_ROLE_KEYS_MAX) {
		stp_key_destroy(key);
		return STP_FAIL(err, STP_LIMIT, "keys", ring->role, "has more than %d key files",
		                STP_ROLE_KEYS_MAX);
	}
	return keep(ring, key, err);
}

enum stp_errc stp_ring_add_folder(struct stp_ring *ring, int folder_fd, struct stp_err *err)
{
	size_t i;

	for (i = 0; i < STP_ROLE_KEYS_MAX; i++) {
		char name[STP_RING_FILE_BYTES];
		struct stp_key *key = NULL;

		stp_ring_file(ring->role, i, name);
		if (!stp_file_exists(folder_fd, name))
			continue;
		STP_TRY(stp_key_load(folder_fd, name, &key, err));
		STP_TRY(keep_new(ring, key, err));
	}
	return STP_OK;
}

void stp_ring_unmake(const struct stp_ring *ring, int folder_fd)
{
	size_t i;

	for (i = 0; i < ring->count; i++) {
		char name[STP_RING_FILE_BYTES];

		stp_ring_file(ring->role, i, name);
		if (ring->made[i])
			unlinkat(folder_fd, name, 0);
	}
}

struct stp_role_keys stp_ring_public(const struct stp_ring *ring)
{
	return (struct stp_role_keys){ring->public_keys, ring->count, ring->threshold};
}

void stp_ring_release(struct stp_ring *ring)
{
	size_t i;

	for (i = 0; i < ring->count; i++) {
		stp_signer_destroy(ring->signers[i]);
		stp_key_destroy(ring->keys[i]);
	}
	memset(ring, 0, sizeof(*ring));
}
