/* SPDX-License-Identifier: Apache-2.0 */
#include "run/sign/versions.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/limits.h"
#include "base/text.h"

#define STAGE "publish"

/* Covers runs within one second, clocks that differ, and tests with a fixed time. */
#define RESTORED_GAP 1000
/* Somebody may have put many files there; a snapshot of this repository is among the highest. */
#define SNAPSHOT_TRIES_MAX 64

__attribute__((format(printf, 3, 4))) static void note(struct stp_sign_run *run,
                                                       const char *subject, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	stp_fault_add(&run->notes, STP_CHANGED, 0, STAGE, subject, strlen(subject), "%s", text);
}

/* Notes files in public/metadata that are not of this repository. */
static void note_unknown(struct stp_sign_run *run, const struct stp_publisher *publisher)
{
	const struct stp_publish_unknown *unknown = stp_publish_unknown(publisher);
	size_t i;

	run->report->unknown_files = unknown->count;
	for (i = 0; i < unknown->count && i < STP_PUBLISH_UNKNOWN_KEPT; i++)
		note(run, unknown->names[i],
		     "is not a file of this repository and was left alone; find out who put it in "
		     "public/metadata, and remove it");
	if (unknown->count > STP_PUBLISH_UNKNOWN_KEPT)
		stp_fault_add(&run->notes, STP_CHANGED, 0, STAGE, "public/metadata", 15,
		              "holds %zu files that are not of this repository; find out who put "
		              "them there, and remove them",
		              unknown->count);
}

/* Notes files with versions above all in use, with no snapshot of this repository among or above
 * them. */
static void note_occupied(struct stp_sign_run *run, const uint64_t *versions, size_t count)
{
	if (!count)
		return;
	stp_fault_add(
	    &run->notes, STP_CHANGED, 0, STAGE, "public/metadata", 15,
	    "holds files of %zu version%s that were never published, from %" PRIu64 " to %" PRIu64
	    "; they were left alone and their numbers are not used; find out who put them "
	    "there, and remove them",
	    count, count == 1 ? "" : "s", versions[0], versions[count - 1]);
}

/* Finds a snapshot above all versions in use that this repository signed: state/ was lost, or an
 * older public/ was restored. Clients have seen its version. */
static int raise_above_snapshots(struct stp_sign_run *run, const struct stp_version_in *in,
                                 struct stp_publisher *publisher)
{
	const uint64_t *occupied;
	unsigned tries;
	size_t count;
	size_t at;

	occupied = stp_publish_occupied(publisher, &count);
	at = count;
	for (tries = 0; at && tries < SNAPSHOT_TRIES_MAX; tries++) {
		uint64_t version = occupied[--at];
		char name[64];

		if (!stp_trust_signed_snapshot(in->trust, run->repo.metadata_fd, version))
			continue;
		stp_publish_raise(publisher, version);
		snprintf(name, sizeof(name), "%" PRIu64 ".snapshot.json", version);
		note(run, name,
		     "was signed by this repository, but neither state/ nor timestamp.json "
		     "mentions it: an older copy of them was restored; version numbers up to its "
		     "own are skipped, so that none is used twice");
		note_occupied(run, occupied + at + 1, count - at - 1);
		return 1;
	}
	note_occupied(run, occupied, count);
	return 0;
}

/* The number of seconds since the last commit, plus RESTORED_GAP: there were no more runs than
 * that. */
static uint64_t restored_gap(const struct stp_sign_run *run, const struct stp_version_in *in)
{
	int64_t committed_at = in->trust->floors.committed_at;

	/* 0: nothing was published here yet, in a repository that was taken over. */
	return RESTORED_GAP +
	       (committed_at && run->now > committed_at ? (uint64_t)(run->now - committed_at) : 0);
}

static int raise_above_restored(struct stp_sign_run *run, const struct stp_version_in *in,
                                struct stp_publisher *publisher)
{
	uint64_t version = in->trust->floors.timestamp.version;
	uint64_t gap = restored_gap(run, in);

	if (in->trust->origin != STP_FLOORS_RESTORED || !version || version > STP_VERSION_MAX - gap)
		return 0;
	stp_publish_raise(publisher, version + gap);
	stp_fault_add(&run->notes, STP_CHANGED, 0, STAGE, "state/" STP_FLOORS_FILE, 12,
	              "was restored from a backup, or changed from outside, since version "
	              "%" PRIu64 "; version numbers up to %" PRIu64
	              " are skipped, so that none is used twice",
	              version, version + gap);
	return 1;
}

/* Notes that more numbers were reserved than failed runs are likely to have used. */
static void note_jump(struct stp_sign_run *run, uint64_t version, uint64_t published,
                      struct stp_publisher *publisher)
{
	size_t occupied;

	stp_publish_occupied(publisher, &occupied); /* already noted */
	if (version - published <= RESTORED_GAP + occupied)
		return;
	stp_fault_add(&run->notes, STP_CHANGED, 0, STAGE, "state/reserved", 14,
	              "names a version far above %" PRIu64
	              ", the last one published, so this run is version %" PRIu64
	              "; unless that many runs failed, find out who changed state/",
	              published, version);
}

/* Whether a timestamp signed by our key was published by this copy of the repository, as far as
 * that can be known. */
static int is_published_here(const struct stp_trust *trust, const struct stp_current *current,
                             const struct stp_document *doc)
{
	const struct stp_pin *last = &trust->found.timestamp;
	const struct stp_commit_list *commits = &current->commits;
	struct stp_pin pin = stp_pin_of(doc->version, doc->file.data, doc->file.count);

	if (doc->version == last->version)
		return memcmp(pin.sha256, last->sha256, sizeof(pin.sha256)) == 0;
	/* Versions before the first record may have been published here as well. */
	return doc->version > last->version || !commits->count ||
	       doc->version < commits->items[0].timestamp_version ||
	       stp_commit_find(commits, doc->version) != NULL;
}

/* Refuses --above with a number below ours that another copy used: there is another signer. */
static enum stp_errc check_one_signer(const struct stp_trust *trust,
                                      const struct stp_current *current, const char *path,
                                      const struct stp_document *doc, struct stp_err *err)
{
	if (is_published_here(trust, current, doc))
		return STP_OK;
	return STP_FAIL(stp_hinted(err, STP_HINT_ABOVE), STP_REFUSED, STAGE, path,
	                "has version %" PRIu64 ", but another copy of this repository published "
	                "it: if that copy still signs, stop it; then sign here with %s "
	                "%" PRIu64,
	                doc->version, stp_hint_text(STP_HINT_ABOVE),
	                trust->found.timestamp.version + RESTORED_GAP);
}

/* Reads the version of a timestamp that our keys signed, wherever it was found. */
static enum stp_errc read_above(const struct stp_trust *trust, const struct stp_current *current,
                                const char *path, uint64_t *out_version, struct stp_err *err)
{
	struct stp_signature_tally tally = {0, 0};
	struct stp_finding_list findings;
	struct stp_document doc;
	enum stp_errc code;
	int usable;

	stp_finding_list_init(&findings);
	code =
	    stp_document_read(&doc, AT_FDCWD, path, &stp_rule_timestamp, &findings, &usable, err);
	if (code == STP_OK &&
	    (!usable || !doc.version ||
	     !stp_document_signed_by(&doc, &trust->root.timestamp, NULL, "timestamp", &tally)))
		code =
		    STP_FAIL(err, STP_CONFIG, STAGE, path,
		             "is not a timestamp that this repository's key signed; name one from "
		             "a mirror or a client, or give its version as a number");
	if (code == STP_OK)
		code = check_one_signer(trust, current, path, &doc, err);
	*out_version = doc.version;
	stp_document_release(&doc);
	stp_finding_list_release(&findings);
	return code;
}

enum stp_errc stp_sign_find_above(const struct stp_sign_run *run, const struct stp_trust *trust,
                                  const struct stp_current *current, uint64_t *out_version,
                                  struct stp_err *err)
{
	const char *above = run->options->above;
	uint64_t published = current->timestamp_version;
	uint64_t version = 0;
	int is_number;

	*out_version = 0;
	if (!above)
		return STP_OK;
	is_number = stp_u64_parse(above, strlen(above), &version);
	if (!is_number)
		STP_TRY(read_above(trust, current, above, &version, err));
	if (version <= published)
		return STP_FAIL(err, STP_CONFIG, STAGE, stp_hint_text(STP_HINT_ABOVE),
		                "%" PRIu64 " is not above %" PRIu64
		                ", the last version published here; leave it out",
		                version, published);
	if (version >= STP_VERSION_MAX ||
	    (is_number && version - published > STP_VERSION_ABOVE_MAX))
		return STP_FAIL(err, STP_CONFIG, STAGE, stp_hint_text(STP_HINT_ABOVE),
		                "%" PRIu64 " is far above %" PRIu64
		                ", the last version published here, and there is no way back; name "
		                "the timestamp that has it",
		                version, published);
	*out_version = version;
	return STP_OK;
}

/* Notes thresholds that were edited since init or the last update. */
static void note_thresholds(struct stp_sign_run *run, const struct stp_floors *in_force)
{
	struct stp_floors said = *in_force;

	stp_trusted_note_offline(&said, &run->config);
	if (in_force->root_keys.key_count &&
	    (memcmp(&said.root_keys, &in_force->root_keys, sizeof(said.root_keys)) != 0 ||
	     memcmp(&said.targets_keys, &in_force->targets_keys, sizeof(said.targets_keys)) != 0 ||
	     memcmp(&said.bins_keys, &in_force->bins_keys, sizeof(said.bins_keys)) != 0))
		note(run, STP_CONFIG_FILE,
		     "\"thresholds\" was edited and is not in force yet; apply it with the offline "
		     "keys: %s",
		     stp_hint_text(STP_HINT_UPDATE));
}

/* Notes expiry periods of the offline roles that were edited since; those of the other roles apply
 * from this run on. */
static void note_periods(struct stp_sign_run *run, const struct stp_floors *in_force)
{
	const struct stp_periods *periods = &in_force->periods;
	const struct stp_expiry *said = &run->config.expiry;

	if (periods->root && (said->root != periods->root || said->targets != periods->targets ||
	                      (run->config.has_bins_role && said->bins != periods->bins)))
		note(run, STP_CONFIG_FILE,
		     "\"expiry_seconds\" of root, targets or bins was edited and is not in force "
		     "yet; apply it with the offline keys: %s",
		     stp_hint_text(STP_HINT_UPDATE));
}

/* Notes a profile that was edited: it gives values to omitted fields only, and init omits none. */
static void note_profile(struct stp_sign_run *run, const struct stp_floors *in_force)
{
	const char *before = in_force->profile;

	if (before[0] && strcmp(before, run->config.profile) != 0)
		stp_fault_add(
		    &run->notes, STP_OK, 0, STAGE, STP_CONFIG_FILE, strlen(STP_CONFIG_FILE),
		    "\"profile\" was edited from %s to %s, which changes nothing: the profile only "
		    "chose the defaults of init; set it back, and edit the fields themselves",
		    before, run->config.profile);
}

enum stp_errc stp_sign_choose_version(struct stp_sign_run *run, const struct stp_version_in *in,
                                      struct stp_publisher *publisher, uint64_t *out_version,
                                      struct stp_err *err)
{
	const struct stp_floors *in_force = &in->trust->floors;
	int is_raised;

	run->report->leftover_files = stp_publish_leftovers(publisher).file_count;
	note_unknown(run, publisher);
	note_thresholds(run, in_force);
	note_periods(run, in_force);
	note_profile(run, in_force);
	if (in->trust->is_unpinned)
		note(run, STP_CONFIG_FILE,
		     "names no trusted root, so 1.root.json was trusted; name a copy of it from "
		     "outside public/: %s 1.root.json",
		     stp_hint_text(STP_HINT_UPDATE_TRUST));
	if (!in->trust->has_floors && run->config.trusted_root.version)
		note(run, "state/" STP_FLOORS_FILE,
		     "is missing, so what is in public/metadata counts as what was published last; "
		     "restore state/ from a backup if that may be an older copy");
	is_raised = raise_above_restored(run, in, publisher);
	is_raised |= raise_above_snapshots(run, in, publisher);
	STP_TRY(stp_publish_reserve(publisher, out_version, err));
	if (!is_raised && !in->above)
		note_jump(run, *out_version, in->current->timestamp_version, publisher);
	return STP_OK;
}

static struct stp_pin pin_of_sealed(const struct stp_sealed *sealed)
{
	struct stp_pin pin = {.version = sealed->version};

	memcpy(pin.sha256, sealed->sha256, sizeof(pin.sha256));
	return pin;
}

enum stp_errc stp_sign_raise_floors(const struct stp_sign_run *run, const struct stp_trust *trust,
                                    const struct stp_sealed *snapshot,
                                    const struct stp_sealed *timestamp, struct stp_err *err)
{
	struct stp_floors floors = trust->found;

	floors.snapshot = pin_of_sealed(snapshot);
	floors.timestamp = pin_of_sealed(timestamp);
	floors.committed_at = run->now;
	if (trust->is_unpinned)
		floors.root = floors.older = (struct stp_pin){.version = 0};
	return stp_floors_save(run->repo.state_fd, stp_seal_key_bytes(run->seal_key), &floors,
	                       STP_FLOORS_OWN, err);
}
