/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The version of a run, and the floors that it leaves.
 *
 *	published, reserved, committed ─▶ highest in use ─┐
 *	state/ is a copy: floor + 1,000 + seconds since   ├▶ next free number ─▶ reserved
 *	a signed snapshot that nothing else knows of     ─┘
 *
 * A backup of the whole repository that is put back knows nothing of the versions that were
 * published since. More than one run a second there was not, so that many numbers are passed over;
 *a number that is skipped hurts nobody.
 */
#include <inttypes.h>

#include "base/limits.h"
#include "run/sign_run.h"

#define STAGE "publish"

/* Runs of one second at the end of which clocks agree, and tests with a fixed time. */
#define RESTORED_GAP 1000
/* Files somebody put there may be many; a snapshot of ours is among the highest. */
#define SNAPSHOT_TRIES_MAX 64

static void note(struct stp_sign_run *run, const char *subject, const char *text)
{
	stp_fault_add(&run->notes, STP_CHANGED, 0, STAGE, subject, strlen(subject), "%s", text);
}

/* What lies in public/metadata and is nobody's of ours. */
static void note_unknown(struct stp_sign_run *run)
{
	const struct stp_publish_unknown *unknown = stp_publish_unknown(run->publisher);
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

/* A snapshot above all versions in use that carries our signature: state/ was lost, or an older
 * public/ was put back. Its version has been seen. */
static void raise_above_snapshots(struct stp_sign_run *run)
{
	const uint64_t *occupied;
	unsigned tries;
	size_t count;

	occupied = stp_publish_occupied(run->publisher, &count);
	for (tries = 0; count && tries < SNAPSHOT_TRIES_MAX; tries++) {
		uint64_t version = occupied[--count];

		if (!stp_trust_signed_snapshot(&run->trust, run->repo.metadata_fd, version))
			continue;
		stp_publish_raise(run->publisher, version);
		break;
	}
}

static void raise_above_restored(struct stp_sign_run *run)
{
	const struct stp_floors *floors = &run->trust.floors;
	uint64_t version = floors->timestamp.version;
	uint64_t gap = RESTORED_GAP;

	if (!run->trust.is_restored || !version)
		return;
	if (run->now > floors->committed_at)
		gap += (uint64_t)(run->now - floors->committed_at);
	if (version > STP_VERSION_MAX - gap)
		return;
	stp_publish_raise(run->publisher, version + gap);
	stp_fault_add(&run->notes, STP_CHANGED, 0, STAGE, "state/" STP_FLOORS_FILE, 12,
	              "was copied, put back from a backup or changed from outside since version "
	              "%" PRIu64 "; numbers up to %" PRIu64
	              " are passed over, so that none is used twice",
	              version, version + gap);
}

enum stp_errc stp_sign_choose_version(struct stp_sign_run *run, struct stp_err *err)
{
	run->report->leftover_files = stp_publish_leftovers(run->publisher).file_count;
	note_unknown(run);
	raise_above_restored(run);
	raise_above_snapshots(run);
	return stp_publish_reserve(run->publisher, &run->version, err);
}

static struct stp_pin pin_of_sealed(const struct stp_sealed *sealed)
{
	struct stp_pin pin = {.version = sealed->version};

	memcpy(pin.sha256, sealed->sha256, sizeof(pin.sha256));
	return pin;
}

enum stp_errc stp_sign_raise_floors(struct stp_sign_run *run, const struct stp_sealed *snapshot,
                                    const struct stp_sealed *timestamp, struct stp_err *err)
{
	struct stp_floors floors = run->trust.found;

	floors.snapshot = pin_of_sealed(snapshot);
	floors.timestamp = pin_of_sealed(timestamp);
	floors.committed_at = run->now;
	return stp_floors_save(run->repo.state_fd, stp_seal_key_bytes(run->seal_key), &floors, err);
}
