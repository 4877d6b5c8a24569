/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A set of record keys, for the few paths that one step of a run must pass to a later one.
 *
 * Shape      add from many threads, seal once, then look up.
 * Memory     32 bytes per key.
 * Ownership  the set copies keys.
 * Threads    stp_keyset_add() from any thread; stp_keyset_seal() from one; stp_keyset_has() from
 *            any after it.
 */
#ifndef STP_RUN_SIGN_KEYSET_H
#define STP_RUN_SIGN_KEYSET_H

#include <pthread.h>

#include "base/bytes.h"
#include "base/err.h"
#include "ledger/merge.h"
#include "record/record.h"

struct stp_keyset {
	pthread_mutex_t lock;
	struct stp_buf keys;
};

void stp_keyset_init(struct stp_keyset *set);
void stp_keyset_release(struct stp_keyset *set);
enum stp_errc stp_keyset_add(struct stp_keyset *set, const uint8_t key[STP_KEY_BYTES],
                             struct stp_err *err) STP_MUST_CHECK;
/* Sorts; call again after further adds. */
void stp_keyset_seal(struct stp_keyset *set);
/* Nonzero when key is in the sealed set. */
int stp_keyset_has(const struct stp_keyset *set, const uint8_t key[STP_KEY_BYTES]);
/* Nonzero when a key of the sealed set is in range. */
int stp_keyset_meets(const struct stp_keyset *set, const struct stp_key_range *range);
/* Keys in it. */
size_t stp_keyset_count(const struct stp_keyset *set);
/* Forgets all keys. */
void stp_keyset_clear(struct stp_keyset *set);

#endif
