/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The envelope with one signature, whose every byte has a fixed place:
 *
 *	0                        25            89         98         226           239
 *	{"signatures":[{"keyid":" 64 hex digits ","sig":" 128 digits "}],"signed": BODY }
 *
 * Shape      STP_ENVELOPE_HEAD_BYTES before the body, STP_ENVELOPE_TAIL_BYTES behind it.
 * Memory     the caller's.
 * Ownership  none.
 * Threads    any thread; no state.
 */
#ifndef STP_SIGN_ENVELOPE_H
#define STP_SIGN_ENVELOPE_H

#define STP_ENVELOPE_OPEN "{\"signatures\":["
#define STP_ENVELOPE_ID   "{\"keyid\":\""
#define STP_ENVELOPE_SIG  "\",\"sig\":\""
#define STP_ENVELOPE_NEXT "\"}"
#define STP_ENVELOPE_BODY "],\"signed\":"
#define STP_ENVELOPE_END  "}"

#define STP_ENVELOPE_ID_AT  (sizeof(STP_ENVELOPE_OPEN STP_ENVELOPE_ID) - 1)
#define STP_ENVELOPE_SIG_AT (STP_ENVELOPE_ID_AT + 64 + sizeof(STP_ENVELOPE_SIG) - 1)

#endif
