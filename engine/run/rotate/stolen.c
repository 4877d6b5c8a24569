/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rotate, after a theft: the conductor.
 *
 *	freeze ─▶ hunt ─▶ horizon, purge list ─▶ new seal key, ledger of the last known good
 *	   ─▶ new root and bins role: staged (offline keys at hand), or a payload for a ceremony
 *
 * Everything may be repeated: the freeze stays what it was (with the jump that was drawn), a new
 * seal key that is half in place is put in place, a ledger that is filled stays.
 */
#include "stampede/stolen.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/options.h"
#include "keys/key_description.h"
#include "run/freeze.h"
#include "run/rotate/evidence.h"
#include "run/rotate/horizon.h"
#include "run/rotate/jump.h"
#include "run/rotate/reseal.h"
#include "run/rotation.h"
#include "stampede/rotate.h"

#define STAGE "rotate"

/* What the report points into. */
struct kept {
	struct stp_hunt hunt;
	struct stp_buf purge;
};

struct stolen {
	const struct stp_stolen_options *options;
	struct stp_stolen_report *report;
	struct kept *kept;
	int64_t now;
	size_t jobs;
	struct stp_repo repo;
	struct stp_config config;
	struct stp_seal_key *seal;
	struct stp_trust trust;
	struct stp_current current;
	int has_trust;
	struct stp_err distrust; /* why what is published cannot be trusted */
	struct stp_freeze freeze;
	struct stp_key_description next;
	struct stp_evidence evidence;
};

static const uint8_t *seal_of(const struct stolen *stolen)
{
	return stp_seal_key_bytes(stolen->seal);
}

/* ---------------------------------------------------------------- the seal */

/* Reads what is sealed with either key and writes it with `after`. A stp_reseal_fn. */
static enum stp_errc reseal_floors(int state_fd, const uint8_t *before, const uint8_t *after,
                                   struct stp_err *err)
{
	struct stp_err ignored = STP_ERR_INIT;
	enum stp_floors_origin origin;
	struct stp_floors floors;
	int found;

	if (stp_floors_load(state_fd, after, &floors, &found, &origin, &ignored) == STP_OK)
		return STP_OK;
	STP_TRY(stp_floors_load(state_fd, before, &floors, &found, &origin, err));
	return stp_floors_save(state_fd, after, &floors, origin, err);
}

static enum stp_errc reseal_rotation(int state_fd, const uint8_t *before, const uint8_t *after,
                                     struct stp_err *err)
{
	struct stp_err ignored = STP_ERR_INIT;
	struct stp_rotation rotation;

	if (stp_rotation_load(state_fd, after, &rotation, &ignored) == STP_OK)
		return STP_OK;
	STP_TRY(stp_rotation_load(state_fd, before, &rotation, err));
	return stp_rotation_save(state_fd, after, &rotation, err);
}

static enum stp_errc reseal_freeze(int state_fd, const uint8_t *before, const uint8_t *after,
                                   struct stp_err *err)
{
	struct stp_err ignored = STP_ERR_INIT;
	struct stp_freeze freeze;

	if (stp_freeze_load(state_fd, after, &freeze, &ignored) == STP_OK)
		return STP_OK;
	STP_TRY(stp_freeze_load(state_fd, before, &freeze, err));
	return stp_freeze_save(state_fd, after, &freeze, err);
}

static enum stp_errc reseal_all(void *ctx, int state_fd, const uint8_t *before,
                                const uint8_t *after, struct stp_err *err)
{
	(void)ctx;
	STP_TRY(reseal_floors(state_fd, before, after, err));
	STP_TRY(reseal_rotation(state_fd, before, after, err));
	return reseal_freeze(state_fd, before, after, err);
}

/* ---------------------------------------------------------------- opening */

static enum stp_errc open_key(struct stolen *stolen, struct stp_err *err)
{
	const char *path = stolen->options->online_key;

	if (!path)
		return STP_OK;
	STP_TRY(stp_key_description_read(path, &stolen->next, err));
	if (!stolen->next.is_proven)
		return STP_FAIL(err, STP_KEY, STAGE, path,
		                "is not signed by the key itself, so nothing proves that its "
		                "secret key is at hand; make the key with its description");
	memcpy(stolen->report->next_keyid, stolen->next.object.keyid,
	       sizeof(stolen->report->next_keyid));
	return STP_OK;
}

/* What is published. After an attack it may not be what was published: that is kept for the end, as
 * the hunt says more. */
static enum stp_errc load_trust(struct stolen *stolen, struct stp_err *err)
{
	enum stp_errc code =
	    stp_trusted_load(&stolen->trust, &stolen->repo, &stolen->config, STP_TRUSTED_PINNED,
	                     NULL, stolen->seal, &stolen->current, &stolen->distrust);

	stolen->has_trust = code == STP_OK;
	if (code == STP_OK || code == STP_REFUSED || code == STP_FORMAT)
		return STP_OK;
	stp_err_merge(err, &stolen->distrust);
	return code;
}

static enum stp_errc open_all(struct stolen *stolen, struct stp_err *err)
{
	const struct stp_stolen_options *options = stolen->options;
	struct stp_evidence_in in = {.repo = &stolen->repo, .options = options};

	STP_TRY(stp_now_check(stolen->now, options->now ? stp_hint_text(STP_HINT_NOW) : "the clock",
	                      err));
	STP_TRY(stp_repo_open(options->repo, options->dry_run ? STP_REPO_READ : STP_REPO_LOCK,
	                      "rotate", &stolen->repo, err));
	STP_TRY(stp_config_load(&stolen->config, stolen->repo.root_fd, err));
	STP_TRY(stp_seal_key_load(stolen->repo.keys_fd, STP_LEDGER_KEY_FILE, &stolen->seal, err));
	/* An earlier call died while it replaced the key. */
	if (!options->dry_run && stp_file_exists(stolen->repo.keys_fd, STP_LEDGER_KEY_NEXT_FILE))
		STP_TRY(stp_reseal(&stolen->repo, reseal_all, NULL, &stolen->seal, err));
	STP_TRY(stp_freeze_load(stolen->repo.state_fd, seal_of(stolen), &stolen->freeze, err));
	STP_TRY(open_key(stolen, err));
	STP_TRY(load_trust(stolen, err));
	if (stolen->has_trust) {
		in.trust = &stolen->trust;
		in.current = &stolen->current;
	}
	in.freeze = &stolen->freeze;
	return stp_evidence_open(&stolen->evidence, &in, err);
}

/* ---------------------------------------------------------------- freeze */

/* The repository's own last version: what the sealed floors say, not what lies in public/. */
static enum stp_errc own_version(const struct stolen *stolen, uint64_t *out, struct stp_err *err)
{
	enum stp_floors_origin origin;
	struct stp_floors floors;
	int found;

	STP_TRY(
	    stp_floors_load(stolen->repo.state_fd, seal_of(stolen), &floors, &found, &origin, err));
	*out = found ? floors.timestamp.version : stolen->current.timestamp_version;
	return STP_OK;
}

static void add_stolen(struct stp_freeze *freeze, const char *keyid)
{
	if (freeze->stolen_count < STP_FREEZE_STOLEN_MAX && !stp_freeze_is_stolen(freeze, keyid))
		memcpy(freeze->stolen[freeze->stolen_count++], keyid, STP_KEYID_CHARS + 1);
}

/* Notes the stolen keys, and those that they replaced in an overlap that has not ended: these lie
 * beside them, and are wiped with them. */
static enum stp_errc note_stolen(struct stolen *stolen, struct stp_err *err)
{
	struct stp_rotation rotation;
	size_t i;

	for (i = 0; i < stolen->evidence.key_count; i++)
		add_stolen(&stolen->freeze, stolen->evidence.keys[i]->keyid);
	STP_TRY(stp_rotation_load(stolen->repo.state_fd, seal_of(stolen), &rotation, err));
	for (i = 0; i < STP_ONLINE_ROLES && rotation.phase == STP_ROTATION_OVERLAP; i++)
		if (rotation.roles[i].is_rotated)
			add_stolen(&stolen->freeze, rotation.roles[i].former.keyid);
	return STP_OK;
}

/* Whether the key that options name is one that signs now. */
static int is_named(const struct stolen *stolen)
{
	const char *key = stolen->options->key;
	size_t i;

	for (i = 0; i < stolen->evidence.key_count && strlen(key) >= 8; i++)
		if (strncmp(stolen->evidence.keys[i]->keyid, key, strlen(key)) == 0)
			return 1;
	return 0;
}

/* A call that is repeated after the recovery must not declare the new key stolen. */
static enum stp_errc check_meant(struct stolen *stolen, struct stp_err *err)
{
	const struct stp_stolen_options *options = stolen->options;
	const char *keyid = stolen->evidence.keys[0]->keyid;
	struct stp_rotation rotation;
	char view[256];

	STP_TRY(stp_rotation_load(stolen->repo.state_fd, seal_of(stolen), &rotation, err));
	if (options->key && !is_named(stolen))
		return STP_FAIL(err, STP_CONFIG, STAGE, options->key,
		                "is not a key that signs online; the one that does is %.16s…",
		                keyid);
	if (!options->key && rotation.is_stolen && rotation.phase >= STP_ROTATION_OVERLAP)
		return STP_FAIL(err, STP_CONFIG, STAGE, options->repo,
		                "has recovered from the last theft: nothing is left to do. If the "
		                "new online key %.16s… was stolen too, name it by its keyid",
		                keyid);
	snprintf(view, sizeof(view),
	         "The online key %.16s… is declared stolen: nothing is signed until it is "
	         "replaced.\n",
	         keyid);
	if (options->confirm_freeze && !options->confirm_freeze(options->confirm_ctx, view))
		return STP_FAIL(err, STP_CONFIG, STAGE, options->repo,
		                "was not confirmed, so nothing was frozen");
	return STP_OK;
}

static enum stp_errc freeze(struct stolen *stolen, struct stp_err *err)
{
	struct stp_freeze *freeze = &stolen->freeze;
	uint64_t version;

	/* Without the online key, the thief of an offline one cannot list what he signs. */
	if (freeze->step == STP_FREEZE_NONE && !stolen->options->dry_run &&
	    stolen->options->role == STP_STOLEN_ONLINE) {
		STP_TRY(check_meant(stolen, err));
		STP_TRY(own_version(stolen, &version, err));
		STP_TRY(stp_jump_above(version, &freeze->above, err));
		freeze->step = STP_FREEZE_BEGUN;
		freeze->since = stolen->now;
		memcpy(freeze->role, "online", sizeof("online"));
		STP_TRY(note_stolen(stolen, err));
		STP_TRY(stp_freeze_save(stolen->repo.state_fd, seal_of(stolen), freeze, err));
	}
	stolen->report->is_frozen = freeze->step != STP_FREEZE_NONE;
	stolen->report->above = freeze->above;
	return STP_OK;
}

/* ---------------------------------------------------------------- what the thief did */

/* What was published since the last known good: recorded in the audit log or not, the operator
 * knows which changes were meant. */
static void compare_published(struct stolen *stolen)
{
	struct stp_verify_against_options options = STP_VERIFY_AGAINST_OPTIONS_INIT;
	struct stp_err ignored = STP_ERR_INIT;

	options.new_path = stolen->options->repo;
	options.old_path = stolen->options->against;
	options.jobs = stolen->options->jobs;
	options.cancel = stolen->options->cancel;
	stolen->report->has_against =
	    stp_verify_against(&options, &stolen->report->against, &ignored) == STP_OK;
}

static enum stp_errc hunt(struct stolen *stolen, struct stp_err *err)
{
	struct stp_stolen_report *report = stolen->report;
	enum stp_errc code = stp_evidence_hunt(&stolen->evidence, &stolen->kept->hunt, err);
	uint64_t root = stolen->evidence.good.tree.root.doc.version;

	stp_hunt_finish(&stolen->kept->hunt);
	report->hunt = stolen->kept->hunt.report;
	STP_TRY(code);
	compare_published(stolen);
	if (stolen->has_trust) {
		root = stolen->trust.root.doc.version;
		STP_TRY(stp_horizon_find(&stolen->trust, stolen->repo.metadata_fd, &report->horizon,
		                         err));
	}
	STP_TRY(
	    stp_purge_list(&report->hunt, root, &stolen->kept->purge, &report->purge_count, err));
	STP_TRY(stp_buf_append(&stolen->kept->purge, "", 1, err));
	report->purge_list = (const char *)stolen->kept->purge.data;
	report->has_hunt = 1;
	return STP_OK;
}

/* Whether what the next sign would start from is what was published. */
static enum stp_errc check_published(const struct stolen *stolen, struct stp_err *err)
{
	const struct stp_hunt_report *hunt = &stolen->report->hunt;

	for (size_t i = 0; i < hunt->forgery_count; i++)
		if (hunt->forgeries[i].is_public)
			return STP_FAIL(err, STP_REFUSED, STAGE, hunt->forgeries[i].file,
			                "was forged and is in public/metadata: keep a copy as "
			                "evidence, then remove it%s",
			                strcmp(hunt->forgeries[i].role, "timestamp") == 0
			                    ? " and put back the timestamp that was published last"
			                    : "");
	if (stolen->has_trust)
		return STP_OK;
	stp_err_merge(err, &stolen->distrust);
	return stolen->distrust.code;
}

/* ---------------------------------------------------------------- recovery */

static enum stp_errc renew_state(struct stolen *stolen, struct stp_err *err)
{
	struct stp_reseal_ledger fill = {
	    .repo = &stolen->repo,
	    .good = &stolen->evidence.good,
	    .published = stolen->current.timestamp_version,
	    .source = (uint32_t)stolen->config.source,
	    .hash_set = stolen->config.hash_set,
	    .now = stolen->now,
	    .jobs = stolen->jobs,
	    .cancel = stolen->options->cancel,
	    .progress = stolen->options->progress,
	};

	STP_TRY(stp_reseal(&stolen->repo, reseal_all, NULL, &stolen->seal, err));
	fill.seal_key = seal_of(stolen);
	STP_TRY(stp_reseal_fill(&fill, &stolen->report->ledger_targets, err));
	stolen->report->has_new_seal = 1;
	return STP_OK;
}

/* Signs with the offline keys that are at hand, or makes a payload for holders elsewhere. The
 * repository is not locked here. */
static enum stp_errc stage(const struct stp_stolen_options *options,
                           struct stp_stolen_report *report, struct stp_err *err)
{
	struct stp_rotate_options rotate = STP_ROTATE_OPTIONS_INIT;
	struct stp_rotate_report rotated;

	rotate.repo = options->repo;
	rotate.online_key = options->online_key;
	rotate.offline_folders = options->offline_folders;
	rotate.offline_folder_count = options->offline_folder_count;
	rotate.now = options->now;
	rotate.has_now = options->has_now;
	rotate.payload = options->payload;
	rotate.confirm = options->confirm;
	rotate.confirm_ctx = options->confirm_ctx;
	STP_TRY(stp_rotate(&rotate, &rotated, err));
	report->has_payload = options->payload != NULL;
	report->is_staged = !report->has_payload;
	report->root_version = rotated.root_version;
	return STP_OK;
}

/* ---------------------------------------------------------------- the whole */

static enum stp_errc prepare(struct stolen *stolen, struct stp_err *err)
{
	STP_TRY(open_all(stolen, err));
	STP_TRY(freeze(stolen, err));
	STP_TRY(hunt(stolen, err));
	if (stolen->options->dry_run || stolen->options->role != STP_STOLEN_ONLINE)
		return STP_OK;
	stolen->report->is_staged = stolen->freeze.step == STP_FREEZE_STAGED;
	if (stolen->report->is_staged)
		return STP_OK;
	STP_TRY(check_published(stolen, err));
	return renew_state(stolen, err);
}

static enum stp_errc finish(const struct stp_stolen_options *options,
                            struct stp_stolen_report *report, struct stp_err *err)
{
	if (options->dry_run || report->is_staged || !options->online_key ||
	    options->role != STP_STOLEN_ONLINE)
		return STP_OK;
	return stage(options, report, err);
}

static void release(struct stolen *stolen)
{
	stp_evidence_close(&stolen->evidence);
	if (stolen->has_trust) {
		stp_current_release(&stolen->current);
		stp_trust_release(&stolen->trust);
	}
	stp_seal_key_destroy(stolen->seal);
	stp_config_release(&stolen->config);
	stp_repo_close(&stolen->repo);
	free(stolen);
}

static enum stp_errc begin(const struct stp_stolen_options *mine, struct stp_stolen_report *report,
                           struct stolen **out, struct stp_err *err)
{
	struct stolen *stolen = calloc(1, sizeof(*stolen));

	report->private_ = calloc(1, sizeof(struct kept));
	if (!stolen || !report->private_) {
		free(stolen);
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, NULL, "no memory");
	}
	stolen->options = mine;
	stolen->report = report;
	stolen->kept = report->private_;
	stolen->now = stp_options_now(mine->now, mine->has_now);
	stolen->jobs = stp_options_jobs(mine->jobs);
	stolen->distrust = (struct stp_err)STP_ERR_INIT;
	stolen->evidence.good.folder.fd = -1;
	stolen->evidence.good_state_fd = -1;
	stp_finding_list_init(&stolen->evidence.findings);
	stp_repo_init(&stolen->repo);
	*out = stolen;
	return STP_OK;
}

enum stp_errc stp_rotate_stolen(const struct stp_stolen_options *options,
                                struct stp_stolen_report *out_report, struct stp_err *err)
{
	struct stp_stolen_options mine;
	struct stolen *stolen = NULL;
	enum stp_errc code;

	memset(out_report, 0, sizeof(*out_report));
	STP_TRY(STP_OPTIONS_TAKE(&mine, options, confirm_ctx, STAGE, err));
	STP_TRY(stp_options_need(mine.repo, "repo", STAGE, err));
	STP_TRY(stp_options_need(mine.against, "against", STAGE, err));
	STP_TRY(begin(&mine, out_report, &stolen, err));
	code = prepare(stolen, err);
	release(stolen);
	return code == STP_OK ? finish(&mine, out_report, err) : code;
}

void stp_stolen_report_release(struct stp_stolen_report *report)
{
	struct kept *kept = report->private_;

	if (kept) {
		stp_hunt_release(&kept->hunt);
		stp_buf_release(&kept->purge);
		free(kept);
	}
	memset(report, 0, sizeof(*report));
}
