/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The delegation to the bins, in the JSON of the document that has it.
 *
 *	"succinct_roles":{"bit_length":4,…}  ◀─▶  "roles":[{"name":"bin-n-0",…},…]
 *
 * Delegations to other roles, and members that stampede does not know, stay.
 *
 * Shape      one document.
 * Memory     a JSON object a bin.
 * Ownership  the document's.
 * Threads    one thread per document.
 */
#ifndef STP_RUN_CEREMONY_DELEGATE_H
#define STP_RUN_CEREMONY_DELEGATE_H

#include <jansson.h>

#include "base/err.h"
#include "roles/config.h"
#include "scheme/key_object.h"

/* Gives the bins the number, the names and the form that config says; their keys stay. */
enum stp_errc stp_delegate_bins(json_t *document, const struct stp_config *config,
                                struct stp_err *err) STP_MUST_CHECK;

/* Makes key the only one of all bins. 0 when memory is short. */
int stp_delegate_key(json_t *document, const struct stp_key_object *key);

#endif
