/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ceremonies: new versions of root, targets and bins, signed by people on machines of their own.
 *
 *	repository ─ start ─▶ payload ─▶ show, sign ─▶ signature file ─┐
 *	                         └─────▶ export, add ─▶ signature file ─┼▶ finish ─▶ published
 *
 * Shape      options in, a report out.
 * Memory     reports hold what their fields say.
 * Ownership  options' strings stay the caller's; release reports.
 * Threads    one thread.
 */
#ifndef STAMPEDE_CEREMONY_H
#define STAMPEDE_CEREMONY_H

#include <stddef.h>
#include <stdint.h>

#include "stampede/err.h"
#include "stampede/options.h"

#ifdef __cplusplus
extern "C" {
#endif

/* === for holders of keys: needs no repository ===================================================
 */

/* === for the repository =========================================================================
 */

#ifdef __cplusplus
}
#endif
#endif
