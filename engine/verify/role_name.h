/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names that a role may have.
 *
 * Shape      one name.
 * Memory     none.
 * Ownership  none.
 * Threads    any thread; no state.
 */
#ifndef STP_VERIFY_ROLE_NAME_H
#define STP_VERIFY_ROLE_NAME_H

#include <stddef.h>

/* True when role can be a file name in the metadata folder and a role's name: no '/', '\', control
 * or space characters, not "." or "..", 1 … 128 bytes. */
int stp_role_name_ok(const char *role, size_t count);

#endif
