/* SPDX-License-Identifier: Apache-2.0 */
#include "run/status/newest.h"

#include <string.h>

#include "verify/delegated.h"

/* Reads who signs the bins, from bins, or from targets when there is no bins role. */
static enum stp_errc load_bin_role(struct stp_newest *newest, struct stp_err *err)
{
	struct stp_trust *trust = &newest->trust;
	struct stp_document *doc = trust->has_bins ? &trust->bins : &trust->targets;
	const json_t *delegations = json_object_get(doc->body_json, "delegations");
	json_t *keys = json_object_get(delegations, "keys");
	json_t *role = json_object_get(delegations, "succinct_roles");

	if (!role)
		role = stp_delegated_first_bin(json_object_get(delegations, "roles"));
	if (!role)
		return STP_OK;
	STP_TRY(stp_key_ring_load(&newest->bin_ring, doc, keys, "delegations.keys", err));
	return stp_role_load(&newest->bin_role, &newest->bin_ring, doc, role, "bin-n", err);
}

void stp_newest_load(struct stp_newest *newest, const struct stp_repo *repo,
                     const struct stp_config *config)
{
	struct stp_err ignored = STP_ERR_INIT;

	memset(newest, 0, sizeof(*newest));
	if (stp_trusted_load(&newest->trust, repo, config, STP_TRUSTED_UNPINNED, NULL, NULL,
	                     &newest->current, &ignored) != STP_OK)
		return;
	newest->found = 1;
	if (load_bin_role(newest, &ignored) != STP_OK)
		stp_newest_release(newest);
}

void stp_newest_release(struct stp_newest *newest)
{
	stp_role_release(&newest->bin_role);
	stp_key_ring_release(&newest->bin_ring);
	if (newest->found) {
		stp_current_release(&newest->current);
		stp_trust_release(&newest->trust);
	}
	memset(newest, 0, sizeof(*newest));
}

static void note(struct stp_status_role *role, const struct stp_document *doc)
{
	if (doc->version <= role->version)
		return;
	role->waiting_version = doc->version;
	role->waiting_expires = doc->expires;
}

void stp_newest_note(const struct stp_newest *newest, struct stp_status_report *status)
{
	if (!newest->found)
		return;
	note(&status->roles[STP_STATUS_TARGETS], &newest->trust.targets);
	if (newest->trust.has_bins)
		note(&status->roles[STP_STATUS_BINS], &newest->trust.bins);
}
