/* SPDX-License-Identifier: Apache-2.0 */
#include "run/offline_keys.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "keys/key_signer.h"

void stp_offline_keys_file(const char *role, size_t index, char out[STP_OFFLINE_KEYS_FILE_BYTES])
{
	snprintf(out, STP_OFFLINE_KEYS_FILE_BYTES, "%.16s-%u.pem", role,
	         (unsigned)(index + 1) % 1000);
}

/* How many of the role's key files exist; first_missing names the first that does not. */
static size_t count_present(int folder_fd, const char *role, size_t count,
                            char first_missing[STP_OFFLINE_KEYS_FILE_BYTES])
{
	size_t present = 0;
	size_t i;

	first_missing[0] = '\0';
	for (i = 0; i < count; i++) {
		char name[STP_OFFLINE_KEYS_FILE_BYTES];

		stp_offline_keys_file(role, i, name);
		if (stp_file_exists(folder_fd, name))
			present++;
		else if (!first_missing[0])
			memcpy(first_missing, name, sizeof(name));
	}
	return present;
}

/* Two files with one key would let one key reach a threshold of two. */
static enum stp_errc check_distinct(const struct stp_offline_keys *offline, struct stp_err *err)
{
	size_t i;
	size_t k;

	for (i = 0; i < offline->count; i++)
		for (k = 0; k < i; k++)
			if (strcmp(offline->public_keys[i].keyid, offline->public_keys[k].keyid) ==
			    0)
				return STP_FAIL(err, STP_KEY, "keys", offline->role,
				                "key %zu and key %zu are the same; create another",
				                k + 1, i + 1);
	return STP_OK;
}

int stp_offline_keys_has_any(int folder_fd, const char *role, size_t count)
{
	char first_missing[STP_OFFLINE_KEYS_FILE_BYTES];

	return count_present(folder_fd, role, count, first_missing) != 0;
}

/* Takes over key, and creates its signer. */
static enum stp_errc keep(struct stp_offline_keys *offline, struct stp_key *key,
                          struct stp_err *err)
{
	struct stp_signer **signer = &offline->signers[offline->count];

	offline->keys[offline->count] = key;
	stp_key_object_ed25519(&offline->public_keys[offline->count], stp_key_public(key));
	offline->count++;
	return stp_key_signer_create(key, signer, err);
}

enum stp_errc stp_offline_keys_open(struct stp_offline_keys *offline, int folder_fd,
                                    const char *role, size_t count, unsigned threshold,
                                    enum stp_offline_keys_files files, struct stp_err *err)
{
	char name[STP_OFFLINE_KEYS_FILE_BYTES];
	size_t present = count_present(folder_fd, role, count, name);

	STP_ASSERT(count >= 1 && count <= STP_ROLE_KEYS_MAX);
	memset(offline, 0, sizeof(*offline));
	offline->role = role;
	offline->threshold = threshold;
	if (files == STP_OFFLINE_KEYS_ALL_OR_NONE && present != 0 && present != count)
		return STP_FAIL(err, STP_KEY, "keys", name,
		                "is missing, but other keys of its role are there; add it, or name "
		                "another folder");
	while (offline->count < count) {
		struct stp_key *key = NULL;
		int is_there;

		stp_offline_keys_file(role, offline->count, name);
		is_there = stp_file_exists(folder_fd, name);
		if (is_there)
			STP_TRY(stp_key_load(folder_fd, name, &key, err));
		else
			STP_TRY(stp_key_generate(folder_fd, name, &key, err));
		offline->made[offline->count] = !is_there;
		STP_TRY(keep(offline, key, err));
	}
	return check_distinct(offline, err);
}

/* Keeps the key just loaded if the set does not have it yet, else wipes it. */
static enum stp_errc keep_new(struct stp_offline_keys *offline, struct stp_key *key,
                              struct stp_err *err)
{
	size_t i;

	for (i = 0; i < offline->count; i++)
		if (strcmp(offline->public_keys[i].keyid, stp_key_id(key)) == 0) {
			stp_key_destroy(key);
			return STP_OK;
		}
	if (offline->count == STP_ROLE_KEYS_MAX) {
		stp_key_destroy(key);
		return STP_FAIL(err, STP_LIMIT, "keys", offline->role, "has more than %d key files",
		                STP_ROLE_KEYS_MAX);
	}
	return keep(offline, key, err);
}

enum stp_errc stp_offline_keys_add_folder(struct stp_offline_keys *offline, int folder_fd,
                                          struct stp_err *err)
{
	size_t i;

	for (i = 0; i < STP_ROLE_KEYS_MAX; i++) {
		char name[STP_OFFLINE_KEYS_FILE_BYTES];
		struct stp_key *key = NULL;

		stp_offline_keys_file(offline->role, i, name);
		if (!stp_file_exists(folder_fd, name))
			continue;
		STP_TRY(stp_key_load(folder_fd, name, &key, err));
		STP_TRY(keep_new(offline, key, err));
	}
	return STP_OK;
}

void stp_offline_keys_unmake(const struct stp_offline_keys *offline, int folder_fd)
{
	size_t i;

	for (i = 0; i < offline->count; i++) {
		char name[STP_OFFLINE_KEYS_FILE_BYTES];

		stp_offline_keys_file(offline->role, i, name);
		if (offline->made[i])
			unlinkat(folder_fd, name, 0);
	}
}

struct stp_role_keys stp_offline_keys_public(const struct stp_offline_keys *offline)
{
	return (struct stp_role_keys){offline->public_keys, offline->count, offline->threshold};
}

void stp_offline_keys_release(struct stp_offline_keys *offline)
{
	size_t i;

	for (i = 0; i < offline->count; i++) {
		stp_signer_destroy(offline->signers[i]);
		stp_key_destroy(offline->keys[i]);
	}
	memset(offline, 0, sizeof(*offline));
}
