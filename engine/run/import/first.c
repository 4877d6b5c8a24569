/* SPDX-License-Identifier: Apache-2.0 */
/* The first documents of a repository that was taken over, signed at once by keys at hand. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "publish/repo.h"
#include "run/import/run.h"
#include "sign/sealed.h"
#include "verify/delegated.h"

#define STAGE "import"

/* The key of role that is this one, whatever its keyid there; NULL: none. */
static const struct stp_public_key *find_key(const struct stp_role *role,
                                             const struct stp_signer *signer)
{
	size_t i;

	for (i = 0; i < role->key_count; i++)
		if (memcmp(role->keys[i]->identity, signer->public_key.identity,
		           sizeof(signer->public_key.identity)) == 0)
			return role->keys[i];
	return NULL;
}

/* The signers of keys at hand that role names, under the keyids that it gives them. */
static enum stp_errc choose_signers(const struct stp_offline_keys *at_hand,
                                    const struct stp_role *role,
                                    struct stp_signer *out[STP_ROLE_KEYS_MAX], size_t *out_count,
                                    struct stp_err *err)
{
	size_t i;

	*out_count = 0;
	for (i = 0; i < at_hand->count; i++) {
		const struct stp_public_key *key = find_key(role, at_hand->signers[i]);

		if (!key)
			return STP_FAIL(err, STP_KEY, STAGE, at_hand->role,
			                "key %.16s… is among the key files, but the old root does "
			                "not name it; remove its file from the folder, and add the "
			                "key later",
			                at_hand->public_keys[i].keyid);
		memcpy(at_hand->signers[i]->object.keyid, key->keyid, sizeof(key->keyid));
		out[(*out_count)++] = at_hand->signers[i];
	}
	if (*out_count >= role->threshold)
		return STP_OK;
	return STP_FAIL(err, STP_KEY, STAGE, at_hand->role,
	                "%zu of its keys are in the folder (%s-1.pem …), but %" PRIu64
	                " must sign; put them there, or leave %s out and hold a ceremony",
	                *out_count, at_hand->role, role->threshold,
	                stp_hint_text(STP_HINT_OFFLINE_KEYS));
}

/* Signs document in its next version, and writes it. */
static enum stp_errc write_role(struct stp_import_run *run, const char *role, json_t *document,
                                int64_t period, struct stp_signer *const *signers, size_t count,
                                struct stp_pin *out_pin, struct stp_err *err)
{
	uint64_t version = (uint64_t)json_integer_value(json_object_get(document, "version")) + 1;
	char expires[STP_TIME_BYTES + 1];
	struct stp_buf body = STP_BUF_INIT;
	struct stp_sealed sealed = {0};
	char name[64];
	enum stp_errc code;

	stp_time_format(run->now + period, expires);
	snprintf(name, sizeof(name), "%" PRIu64 ".%s.json", version, role);
	if (json_object_set_new(document, "version", json_integer((json_int_t)version)) != 0 ||
	    json_object_set_new(document, "expires", json_string(expires)) != 0)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, role, "no memory");
	code = stp_canonical_append(document, &body, err);
	if (code == STP_OK)
		code = stp_sealed_make_escaped(name, version, body.data, body.count, signers, count,
		                               &sealed, err);
	if (code == STP_OK)
		code = stp_import_put(run, name, sealed.bytes, sealed.length, err);
	if (code == STP_OK)
		*out_pin = stp_pin_of(version, sealed.bytes, sealed.length);
	stp_sealed_release(&sealed);
	stp_buf_release(&body);
	return code;
}

enum stp_errc stp_import_sign(struct stp_import_run *run, struct stp_err *err)
{
	const struct stp_root *root = &run->old.tree.root;
	const struct stp_expiry *expiry = &run->config.expiry;
	struct stp_import_versions *made = &run->report->made;
	struct stp_signer *signers[STP_ROLE_KEYS_MAX];
	size_t count;

	if (run->takeover.bins) {
		STP_TRY(write_role(run, STP_BINS_ROLE, run->takeover.bins, expiry->bins,
		                   run->bins.signers, run->bins.count, &run->floors.bins, err));
		made->bins = run->floors.bins.version;
	}
	STP_TRY(choose_signers(&run->targets, &root->targets, signers, &count, err));
	STP_TRY(write_role(run, "targets", run->takeover.targets, expiry->targets, signers, count,
	                   &run->floors.targets, err));
	STP_TRY(choose_signers(&run->root, &root->root, signers, &count, err));
	STP_TRY(write_role(run, "root", run->takeover.root, expiry->root, signers, count,
	                   &run->floors.root, err));
	made->targets = run->floors.targets.version;
	made->root = run->floors.root.version;
	return STP_OK;
}
