/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which target paths can be fetched. python-tuf and tuf-js put a path into a URL as it is, behind
 * the base address: a "%" in it reads as an escape, "#" and "?" end the path, and the URL standard
 * (tuf-js) drops a space at the end. engine/decisions/0206-names-that-no-client-can-fetch.md has
 * the measurements for every other byte.
 *
 * Shape      a path that is otherwise valid: printable ASCII.
 * Memory     none; what is wrong comes back as a static string.
 * Ownership  the caller's bytes.
 * Threads    any thread; no state.
 */
#ifndef STP_BASE_URL_H
#define STP_BASE_URL_H

#include <stddef.h>

/* What keeps clients from fetching path, as a phrase ("has a \"%\" in it, …"), or NULL. */
const char *stp_url_problem(const char *path, size_t path_bytes);

#endif
