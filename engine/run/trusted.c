/* SPDX-License-Identifier: Apache-2.0 */
#include "run/trusted.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "run/pending.h"

enum stp_errc stp_trusted_load(struct stp_trust *trust, const struct stp_repo *repo,
                               const struct stp_config *config, enum stp_trusted_need need,
                               const char *root_file, const struct stp_seal_key *seal_key,
                               struct stp_current *out_current, struct stp_err *err)
{
	struct stp_trust_options options = {
	    .repo = repo,
	    .pinned = &config->trusted_root,
	    .root_file = root_file,
	    .seal_key = seal_key ? stp_seal_key_bytes(seal_key) : NULL,
	    .needs_pin = need == STP_TRUSTED_PINNED,
	};

	STP_TRY(stp_pending_check(repo->state_fd, err));
	return stp_trust_load(trust, &options, out_current, err);
}

void stp_trusted_note_offline(struct stp_floors *floors, const struct stp_config *config)
{
	floors->root_keys = (struct stp_threshold){config->root_threshold, config->root_key_count};
	floors->targets_keys =
	    (struct stp_threshold){config->targets_threshold, config->targets_key_count};
	floors->bins_keys = (struct stp_threshold){config->bins_threshold, config->bins_key_count};
	floors->periods =
	    (struct stp_periods){config->expiry.root, config->expiry.targets, config->expiry.bins};
	if (!floors->profile[0])
		snprintf(floors->profile, sizeof(floors->profile), "%s", config->profile);
}

static struct stp_chain_pin chain_pin(const struct stp_pin *pin)
{
	struct stp_chain_pin out = {.version = pin->version};

	memcpy(out.sha256, pin->sha256, sizeof(out.sha256));
	return out;
}

void stp_trusted_pins(int repo_fd, struct stp_chain_pin out_pins[STP_CHAIN_PINS])
{
	struct stp_err ignored = STP_ERR_INIT;
	struct stp_floors floors;
	struct stp_config config;
	int state_fd = -1;
	enum stp_floors_origin origin;
	int found;

	memset(out_pins, 0, STP_CHAIN_PINS * sizeof(out_pins[0]));
	if (stp_config_load(&config, repo_fd, &ignored) == STP_OK) {
		out_pins[0] = chain_pin(&config.trusted_root);
		stp_config_release(&config);
	}
	ignored = (struct stp_err)STP_ERR_INIT;
	if (stp_folder_open(repo_fd, STP_STATE_FOLDER, "floors", &state_fd, &ignored) == STP_OK &&
	    stp_floors_load(state_fd, NULL, &floors, &found, &origin, &ignored) == STP_OK)
		out_pins[1] = chain_pin(&floors.root);
	stp_fd_close(&state_fd);
}
