/* SPDX-License-Identifier: Apache-2.0 */
#include "publish/current.h"

#include <string.h>

#include "base/clock.h"

#define STAGE "published"

void stp_current_release(struct stp_current *current)
{
	stp_arena_release(&current->arena);
	memset(current, 0, sizeof(*current));
}

uint64_t stp_current_published(const struct stp_current *current)
{
	return current->is_taken_over ? 0 : current->timestamp_version;
}

/* ------------------------------------------------------------------ checks before a run */

/* Compares expires of role with now, and with last, the latest expiry of what this run signs. */
static enum stp_errc check_role_expiry(const struct stp_current *current, const char *role,
                                       int64_t expires, int64_t now, int64_t last,
                                       struct stp_err *err)
{
	enum stp_hint act = current->is_offline_apart ? STP_HINT_NONE : STP_HINT_UPDATE;
	enum stp_hint renew = current->is_offline_apart ? STP_HINT_CEREMONY : STP_HINT_RENEW;
	char text[STP_TIME_BYTES + 1];

	stp_time_format(expires, text);
	if (expires <= now)
		return STP_FAIL(stp_hinted(err, act), STP_REFUSED, STAGE, role,
		                "expired at %s; renew it: %s", text, stp_hint_text(renew));
	if (expires < last)
		return STP_FAIL(stp_hinted(err, act), STP_REFUSED, STAGE, role,
		                "expires at %s, before what this run would sign; renew it: %s",
		                text, stp_hint_text(renew));
	return STP_OK;
}

#define BY_UPDATE "set it back, or apply it with the offline keys: %s"

/* Compares the published delegation with the configuration. */
static enum stp_errc check_delegation(const struct stp_current *current,
                                      const struct stp_config *config, struct stp_err *err)
{
	int has_bins_role = current->bins.version != 0;

	if (has_bins_role != (config->has_bins_role != 0))
		return STP_FAIL(err, STP_CONFIG, STAGE, STP_CONFIG_FILE,
		                "\"bins_role\" cannot be changed in a repository that is "
		                "published; set it back to %s, or make a new repository",
		                has_bins_role ? "true" : "false");
	if (current->delegation != config->delegation)
		return STP_FAIL(stp_hinted(err, STP_HINT_UPDATE), STP_CONFIG, STAGE,
		                STP_CONFIG_FILE,
		                "\"delegation\" is \"%s\", but what is published delegates by "
		                "\"%s\"; " BY_UPDATE,
		                stp_delegation_name(config->delegation),
		                stp_delegation_name(current->delegation),
		                stp_hint_text(STP_HINT_UPDATE));
	if (current->bin_count != stp_bin_count(config))
		return STP_FAIL(stp_hinted(err, STP_HINT_UPDATE), STP_CONFIG, STAGE,
		                STP_CONFIG_FILE,
		                "\"bins\" is %u, but what is published delegates to %u; " BY_UPDATE,
		                stp_bin_count(config), current->bin_count,
		                stp_hint_text(STP_HINT_UPDATE));
	if (strcmp(current->bin_prefix, config->bin_prefix) != 0)
		return STP_FAIL(stp_hinted(err, STP_HINT_UPDATE), STP_CONFIG, STAGE,
		                STP_CONFIG_FILE,
		                "\"bin_prefix\" is \"%s\", but what is published delegates to "
		                "\"%s\"; " BY_UPDATE,
		                config->bin_prefix, current->bin_prefix,
		                stp_hint_text(STP_HINT_UPDATE));
	return STP_OK;
}

enum stp_errc stp_current_check_clock(const struct stp_current *current, int64_t now,
                                      int after_clock_error, struct stp_err *err)
{
	char text[STP_TIME_BYTES + 1];
	int is_ahead = now < current->committed_at;

	if (is_ahead == (after_clock_error != 0))
		return STP_OK;
	if (after_clock_error)
		return STP_FAIL(err, STP_CONFIG, STAGE, stp_hint_text(STP_HINT_AFTER_CLOCK_ERROR),
		                "is not needed: nothing was published after this run's time; leave "
		                "it out");
	stp_time_format(current->committed_at, text);
	return STP_FAIL(stp_hinted(err, STP_HINT_AFTER_CLOCK_ERROR), STP_REFUSED, STAGE,
	                "timestamp.json",
	                "was published at %s, after this run's time; set the clock right. If it "
	                "is right now and was ahead then: %s",
	                text, stp_hint_text(STP_HINT_AFTER_CLOCK_ERROR));
}

static int has_key(const struct stp_current_keys *keys, const char *keyid)
{
	size_t i;

	for (i = 0; i < keys->count; i++)
		if (strcmp(keys->keyids[i], keyid) == 0)
			return 1;
	return 0;
}

/* Whether root and targets are what the first ceremony after an import makes. */
static int is_ready(const struct stp_current *current, const struct stp_config *config,
                    const struct stp_current_keys keys[STP_ONLINE_ROLES])
{
	return current->is_consistent && current->bin_count &&
	       (current->bins.version != 0) == (config->has_bins_role != 0) &&
	       has_key(&keys[STP_ONLINE_TIMESTAMP], current->timestamp_keyid);
}

/* A repository that was taken over must first have root and targets of its own. */
static enum stp_errc check_taken_over(const struct stp_current *current,
                                      const struct stp_config *config,
                                      const struct stp_current_keys keys[STP_ONLINE_ROLES],
                                      struct stp_err *err)
{
	if (current->is_taken_over && !is_ready(current, config, keys))
		return STP_FAIL(
		    err, STP_REFUSED, STAGE, "root",
		    "is still that of the tool that made this repository: root, targets "
		    "and bins must be signed once before anything else: %s",
		    stp_hint_text(STP_HINT_CEREMONY));
	if (!current->bin_count)
		return STP_FAIL(
		    err, STP_FORMAT, STAGE, "targets",
		    "does not delegate to bins the way stampede does; restore it from a "
		    "backup, or make a new repository");
	return STP_OK;
}

/* Whether one key file signs all online roles, and does not sign any that is published. */
static int is_one_wrong_key(const struct stp_current_keys keys[STP_ONLINE_ROLES],
                            const char *const published[STP_ONLINE_ROLES])
{
	size_t role;

	for (role = 0; role < STP_ONLINE_ROLES; role++)
		if (keys[role].count != 1 || strcmp(keys[role].file, keys[0].file) != 0 ||
		    has_key(&keys[role], published[role]))
			return 0;
	return 1;
}

/* Compares the keys at hand with those that root and the delegation to the bins name. */
static enum stp_errc check_keys(const struct stp_current *current,
                                const struct stp_current_keys keys[STP_ONLINE_ROLES],
                                struct stp_err *err)
{
	static const char *const names[STP_ONLINE_ROLES] = {"bin-n", "snapshot", "timestamp"};
	const char *const published[STP_ONLINE_ROLES] = {
	    current->bin_keyid, current->snapshot_keyid, current->timestamp_keyid};
	size_t role;

	if (is_one_wrong_key(keys, published))
		return STP_FAIL(stp_hinted(err, STP_HINT_UPDATE), STP_CONFIG, STAGE, keys[0].file,
		                "is not the key that root and bins name; restore the right one, or "
		                "publish this one: %s",
		                stp_hint_text(STP_HINT_RENEW));
	for (role = 0; role < STP_ONLINE_ROLES; role++)
		if (!has_key(&keys[role], published[role]))
			return STP_FAIL(
			    stp_hinted(err, STP_HINT_ROTATE), STP_CONFIG, STAGE, keys[role].file,
			    "is key %.16s…, but %.16s… is published for %s; name the right key "
			    "file in \"signers\" of " STP_CONFIG_FILE
			    ", or replace the published key: %s",
			    keys[role].count ? keys[role].keyids[0] : "?", published[role],
			    names[role], stp_hint_text(STP_HINT_ROTATE));
	return STP_OK;
}

enum stp_errc stp_current_check(const struct stp_current *current, const struct stp_config *config,
                                const struct stp_current_keys keys[STP_ONLINE_ROLES], int64_t now,
                                struct stp_err *err)
{
	const struct stp_expiry *e = &config->expiry;
	int64_t last = now + e->bin_n;

	STP_TRY(check_taken_over(current, config, keys, err));
	if (!current->is_consistent)
		return STP_FAIL(stp_hinted(err, STP_HINT_UPDATE), STP_REFUSED, STAGE, "root",
		                "does not say \"consistent_snapshot\": true, so clients would ask "
		                "for names without versions; renew it: %s",
		                stp_hint_text(STP_HINT_RENEW));
	STP_TRY(check_delegation(current, config, err));
	STP_TRY(check_keys(current, keys, err));
	if (e->snapshot > e->bin_n)
		last = now + e->snapshot;
	if (now + e->timestamp > last)
		last = now + e->timestamp;
	STP_TRY(check_role_expiry(current, "root", current->root.expires, now, last, err));
	STP_TRY(check_role_expiry(current, "targets", current->targets.expires, now, last, err));
	if (current->bins.version)
		STP_TRY(check_role_expiry(current, "bins", current->bins.expires, now, last, err));
	return STP_OK;
}
