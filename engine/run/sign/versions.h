/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The version of a run, and the floors that it writes.
 *
 *	published, reserved, committed ─▶ highest in use ─┐
 *	state/ is a backup: floor + 1,000 + seconds       ├▶ next free number ─▶ reserved
 *	a signed snapshot that nothing else mentions     ─┤
 *	--above                                          ─┘
 *
 * A restored backup of the whole repository knows nothing of the versions that were published
 * since. There was at most one run per second, so as many numbers are skipped: a skipped number
 * does no harm.
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

/* What was published, verified, and what the operator says about it. */
struct stp_version_in {
	const struct stp_trust *trust;
	const struct stp_current *current;
	uint64_t above; /* the version that --above names; 0 without */
};

/* The version that --above names, by number or by a timestamp that this repository's keys signed; 0
 * without it. STP_CONFIG when it is not above the published version, or too far above. */
enum stp_errc stp_sign_find_above(const struct stp_sign_run *run, const struct stp_trust *trust,
                                  const struct stp_current *current, uint64_t *out_version,
                                  struct stp_err *err) STP_MUST_CHECK;

/* Reserves the version of this run, and notes files in public/metadata that are not of this
 * repository and which numbers were skipped. */
enum stp_errc stp_sign_choose_version(struct stp_sign_run *run, const struct stp_version_in *in,
                                      struct stp_publisher *publisher, uint64_t *out_version,
                                      struct stp_err *err) STP_MUST_CHECK;

/* After the commit: writes to state/floors what is published now. */
enum stp_errc stp_sign_raise_floors(const struct stp_sign_run *run, const struct stp_trust *trust,
                                    const struct stp_sealed *snapshot,
                                    const struct stp_sealed *timestamp,
                                    struct stp_err *err) STP_MUST_CHECK;

#endif
