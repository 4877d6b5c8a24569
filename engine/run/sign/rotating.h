/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys of a run, and its part of a rotation of online keys (run/rotation.h).
 *
 *	before what is published is read   a staged delegation is published; after the overlap
 *	                                   stampede.json is changed and the old key wiped
 *	keys                               those of "signers"; in a rotation the old and the new
 *	right after the timestamp's rename the staged root
 *
 * After a theft (run/freeze.h) nothing is signed until the new keys are staged. Then only they
 *sign, and the staged root is published right before the timestamp: clients that saw what the thief
 * signed come back with it.
 *
 * A run that dies anywhere leaves what was, or what will be: the next one looks at what is public,
 * and goes on from there.
 *
 * Shape      one struct per run.
 * Memory     secret keys in locked memory.
 * Ownership  release with stp_rotating_release(), after the signers.
 * Threads    one thread.
 */
#ifndef STP_RUN_SIGN_ROTATING_H
#define STP_RUN_SIGN_ROTATING_H

#include "publish/current.h"
#include "run/freeze.h"
#include "run/online_keys.h"
#include "run/rotation.h"
#include "run/sign/sign_run.h"
#include "run/trusted.h"
#include "sign/role_signers.h"

struct stp_rotating {
	struct stp_rotation rotation;
	struct stp_freeze freeze; /* after a theft */
	struct stp_online_keys keys;
	struct stp_current_keys at_hand[STP_ONLINE_ROLES];
	/* of the key that may have signed the bins of the last run, besides that of bin_n; or NULL
	 */
	struct stp_signer *former_bins;
};

/* Does what is due before what is published is read. Needs run->seal_key. */
enum stp_errc stp_rotating_begin(struct stp_sign_run *run, struct stp_rotating *rotating,
                                 struct stp_err *err) STP_MUST_CHECK;

/* Opens the keys of all roles and makes their signers. */
enum stp_errc stp_rotating_signers(struct stp_sign_run *run, struct stp_rotating *rotating,
                                   struct stp_role_signers *out_signers,
                                   struct stp_err *err) STP_MUST_CHECK;

/* Right before the timestamp's rename: after a theft, publishes the staged root. */
enum stp_errc stp_rotating_publish_first(const struct stp_sign_run *run,
                                         const struct stp_rotating *rotating,
                                         struct stp_err *err) STP_MUST_CHECK;

/* Right after the timestamp's rename: publishes the staged root, and notes it in trust->found. */
enum stp_errc stp_rotating_publish_root(struct stp_sign_run *run, struct stp_rotating *rotating,
                                        struct stp_trust *trust,
                                        struct stp_err *err) STP_MUST_CHECK;

void stp_rotating_release(struct stp_rotating *rotating);

#endif
