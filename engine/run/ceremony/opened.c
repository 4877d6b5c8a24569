/* SPDX-License-Identifier: Apache-2.0 */
#include "run/ceremony/opened.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/limits.h"

#define STAGE "ceremony"

/* ------------------------------------------------------------------ what is published */

/* Reads the files of all roots, from the lowest without a gap up to the newest. */
static enum stp_errc read_chain(struct stp_opened *opened, struct stp_err *err)
{
	uint64_t newest = opened->trust.root.doc.version;
	uint64_t first = newest;
	char name[64];

	for (; first > 1; first--) {
		snprintf(name, sizeof(name), "%" PRIu64 ".root.json", first - 1);
		if (!stp_file_exists(opened->repo.metadata_fd, name))
			break;
	}
	/* Holders' roots may be older than that, but no client can follow further (section 5.3). */
	if (newest - first >= STP_ROOT_STEPS_MAX)
		first = newest - STP_ROOT_STEPS_MAX + 1;
	opened->chain = calloc(newest - first + 1, sizeof(*opened->chain));
	if (!opened->chain)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, NULL, "no memory");
	for (; first <= newest; first++) {
		snprintf(name, sizeof(name), "%" PRIu64 ".root.json", first);
		STP_TRY(stp_file_read(opened->repo.metadata_fd, name, STP_ROOT_BYTES_MAX, STAGE,
		                      &opened->chain[opened->chain_count++], err));
	}
	return STP_OK;
}

enum stp_errc stp_opened_name(struct stp_opened *opened, const struct stp_key_description *key,
                              struct stp_err *err)
{
	struct stp_key_description *more =
	    realloc(opened->keys, (opened->key_count + 1) * sizeof(*more));

	if (!more)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, NULL, "no memory");
	opened->keys = more;
	opened->keys[opened->key_count++] = *key;
	return STP_OK;
}

static int is_published(const struct stp_opened *opened, const char *keyid)
{
	const json_t *root = json_object_get(opened->trust.root.doc.body_json, "keys");
	const json_t *targets =
	    json_object_get(json_object_get(opened->trust.targets.body_json, "delegations"),
	                    "keys");
	const json_t *bins =
	    json_object_get(json_object_get(opened->trust.bins.body_json, "delegations"), "keys");

	return json_object_get(root, keyid) || json_object_get(targets, keyid) ||
	       json_object_get(bins, keyid);
}

/* The names of the published keys, as far as they are known. */
static enum stp_errc read_names(struct stp_opened *opened, struct stp_err *err)
{
	size_t i;

	STP_TRY(stp_keyring_load(&opened->keyring, opened->repo.root_fd, err));
	for (i = 0; i < opened->keyring.count; i++) {
		const struct stp_keyring_entry *entry = &opened->keyring.entries[i];
		struct stp_key_description key;

		if (!entry->name[0] || !is_published(opened, entry->keyid))
			continue;
		memset(&key, 0, sizeof(key));
		memcpy(key.name, entry->name, sizeof(key.name));
		memcpy(key.holder, entry->holder, sizeof(key.holder));
		memcpy(key.object.keyid, entry->keyid, sizeof(key.object.keyid));
		STP_TRY(stp_opened_name(opened, &key, err));
	}
	return STP_OK;
}

static enum stp_errc open_all(struct stp_opened *opened, const struct stp_opened_options *options,
                              struct stp_err *err)
{
	STP_TRY(stp_repo_open(options->repo, options->use, options->holder, &opened->repo, err));
	STP_TRY(stp_config_load(&opened->config, opened->repo.root_fd, err));
	if (opened->repo.keys_fd < 0)
		return STP_FAIL(err, STP_KEY, STAGE, STP_KEYS_FOLDER,
		                "cannot be read by this user; run it as the user who signs");
	STP_TRY(stp_seal_key_load(opened->repo.keys_fd, STP_LEDGER_KEY_FILE, &opened->seal, err));
	STP_TRY(stp_trusted_load(&opened->trust, &opened->repo, &opened->config, STP_TRUSTED_PINNED,
	                         options->root_file, opened->seal, &opened->current, err));
	opened->has_trust = 1;
	STP_TRY(stp_former_keys_read(&opened->former, opened->repo.metadata_fd, &opened->trust.root,
	                             err));
	STP_TRY(read_chain(opened, err));
	return read_names(opened, err);
}

enum stp_errc stp_opened_open(struct stp_opened *opened, const struct stp_opened_options *options,
                              struct stp_err *err)
{
	memset(opened, 0, sizeof(*opened));
	stp_repo_init(&opened->repo);
	return open_all(opened, options, err);
}

void stp_opened_close(struct stp_opened *opened)
{
	size_t i;

	for (i = 0; i < opened->chain_count; i++)
		stp_buf_release(&opened->chain[i]);
	free(opened->chain);
	free(opened->keys);
	stp_keyring_release(&opened->keyring);
	stp_former_keys_release(&opened->former);
	if (opened->has_trust) {
		stp_current_release(&opened->current);
		stp_trust_release(&opened->trust);
	}
	stp_seal_key_destroy(opened->seal);
	stp_config_release(&opened->config);
	stp_repo_close(&opened->repo);
}

/* ------------------------------------------------------------------ what a payload has of it */

static struct stp_payload_base base_of(const struct stp_pin *pin)
{
	struct stp_payload_base base = {.version = pin->version};

	memcpy(base.sha256, pin->sha256, sizeof(base.sha256));
	return base;
}

void stp_opened_input(const struct stp_opened *opened,
                      const struct stp_buf *const bodies[STP_PAYLOAD_ROLES],
                      struct stp_payload_input *out_input)
{
	const struct stp_trust *trust = &opened->trust;
	size_t role;

	out_input->chain = opened->chain;
	out_input->chain_count = opened->chain_count;
	out_input->base[STP_PAYLOAD_ROOT] = base_of(&trust->found.root);
	out_input->base[STP_PAYLOAD_TARGETS] = base_of(&trust->found.targets);
	if (trust->has_bins)
		out_input->base[STP_PAYLOAD_BINS] = base_of(&trust->found.bins);
	for (role = 0; role < STP_PAYLOAD_ROLES; role++)
		out_input->bodies[role] = bodies[role];
	if (bodies[STP_PAYLOAD_TARGETS] || bodies[STP_PAYLOAD_BINS])
		out_input->published_targets = &trust->targets.file;
	if (bodies[STP_PAYLOAD_BINS] && trust->has_bins)
		out_input->published_bins = &trust->bins.file;
	out_input->keys = opened->keys;
	out_input->key_count = opened->key_count;
}
