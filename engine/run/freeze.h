/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The freeze after a theft: nothing is signed until the stolen key is replaced.
 *
 *	rotate, key stolen ─▶ state/frozen "begun" ─▶ new root and bins are staged: "staged" ─▶
 *	sign ─▶ published, state/frozen removed
 *
 *	stampede-freeze 1
 *	since 2030-01-01T00:00:00Z
 *	step begun
 *	role online              whose key
 *	stolen 9f3c…             its keyid; one line for each, when the online roles had several
 *	next 771a…               the keyid of the new one; "-": none was named yet
 *	uri pem:keys/new.pem     its file, as in "signers" of stampede.json; "-"
 *	above 1483008            the version jump of run/rotate/jump.h, drawn once; 0: none yet
 *	seal 5d1e…               BLAKE2b-256 of all lines above, keyed as state/floors
 *
 * A file that is damaged or was edited freezes as well: only rotate makes and removes it.
 *
 * Shape      one small file, one struct.
 * Memory     none but the struct.
 * Ownership  the caller's.
 * Threads    any thread; writers hold the repository's lock.
 */
#ifndef STP_RUN_FREEZE_H
#define STP_RUN_FREEZE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "roles/config.h"
#include "scheme/scheme.h"

#define STP_FREEZE_FILE       "frozen"
#define STP_FREEZE_STOLEN_MAX 6

enum stp_freeze_step {
	STP_FREEZE_NONE,   /* not frozen */
	STP_FREEZE_BEGUN,  /* nothing may be signed */
	STP_FREEZE_STAGED, /* the next sign publishes the new keys, and ends the freeze */
};

struct stp_freeze {
	enum stp_freeze_step step;
	int64_t since;
	char role[8]; /* "online" */
	char stolen[STP_FREEZE_STOLEN_MAX][STP_KEYID_CHARS + 1];
	size_t stolen_count;
	char next[STP_KEYID_CHARS + 1];         /* "": none */
	char uri[STP_SIGNER_URI_BYTES_MAX + 1]; /* "": none */
	uint64_t above;
};

/* Reads state/frozen; step STP_FREEZE_NONE when it does not exist. seal_key NULL: the seal is not
 * checked, and an unreadable file counts as missing, for readers without access to keys/.
 * STP_REFUSED when the seal is wrong, STP_FORMAT when it is malformed. */
enum stp_errc stp_freeze_load(int state_fd, const uint8_t *seal_key, struct stp_freeze *out_freeze,
                              struct stp_err *err) STP_MUST_CHECK;

/* The same from the bytes of the file. */
enum stp_errc stp_freeze_parse(const char *text, size_t text_bytes, const uint8_t *seal_key,
                               struct stp_freeze *out_freeze, struct stp_err *err) STP_MUST_CHECK;

/* Writes it, durable. */
enum stp_errc stp_freeze_save(int state_fd, const uint8_t *seal_key,
                              const struct stp_freeze *freeze, struct stp_err *err) STP_MUST_CHECK;

/* Ends the freeze, durably. Nothing when there is none. */
enum stp_errc stp_freeze_end(int state_fd, struct stp_err *err) STP_MUST_CHECK;

/* Whether keyid is one of the stolen keys. */
int stp_freeze_is_stolen(const struct stp_freeze *freeze, const char *keyid);

/* STP_REFUSED while nothing may be signed, with what to do next. */
enum stp_errc stp_freeze_check(const struct stp_freeze *freeze, struct stp_err *err) STP_MUST_CHECK;

#endif
