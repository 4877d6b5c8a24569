/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The version of a run, and the floors that it leaves.
 *
 *	published, reserved, committed ─▶ highest in use ─┐
 *	state/ is a backup: floor + 1,000 + seconds       ├▶ next free number ─▶ reserved
 *	a signed snapshot that nothing else knows of     ─┤
 *	--above                                          ─┘
 *
 * A backup of the whole repository that is put back knows nothing of the versions that were
 * published since. There was not more than one run a second, so that many numbers are passed over:
 * a number that is skipped hurts nobody.
 *
 * Shape      numbers.
 * Memory     none.
 * Ownership  the caller's.
 * Threads    one thread.
 */
#ifndef STP_RUN_SIGN_VERSIONS_H
#define STP_RUN_SIGN_VERSIONS_H

#include "publish/publish.h"
#include "run/sign/sign_run.h"
#include "run/trusted.h"
#include "sign/sealed.h"

/* What was published, verified, and what the operator says of it. */
struct stp_version_in {
	const struct stp_trust *trust;
	const struct stp_current *current;
	uint64_t above; /* the version that --above names; 0 without */
};

/* The version that --above names, by number or by a timestamp that this repository's keys signed; 0
 * without. STP_CONFIG when it is not above what is published, or too far. */
enum stp_errc stp_sign_find_above(const struct stp_sign_run *run, const struct stp_trust *trust,
                                  const struct stp_current *current, uint64_t *out_version,
                                  struct stp_err *err) STP_MUST_CHECK;

/* Reserves the version of this run and notes what lies in public/metadata that nobody of ours put
 * there, and which numbers were passed over. */
enum stp_errc stp_sign_choose_version(struct stp_sign_run *run, const struct stp_version_in *in,
                                      struct stp_publisher *publisher, uint64_t *out_version,
                                      struct stp_err *err) STP_MUST_CHECK;

/* After the commit: state/floors says what is published now. */
enum stp_errc stp_sign_raise_floors(const struct stp_sign_run *run, const struct stp_trust *trust,
                                    const struct stp_sealed *snapshot,
                                    const struct stp_sealed *timestamp,
                                    struct stp_err *err) STP_MUST_CHECK;

#endif
