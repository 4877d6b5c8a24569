/* SPDX-License-Identifier: Apache-2.0 */
#include "run/sign/compare.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"

#define SHOWN_DIGITS_MIN 16

struct stp_said stp_said_by(const struct stp_record *record, unsigned set)
{
	struct stp_said said = {record->length, record->digests, stp_record_set(record, set)};

	return said;
}

/* The digest of alg, or NULL. */
static const uint8_t *digest_of(const struct stp_said *said, enum stp_alg alg)
{
	return said->set & STP_ALG_BIT(alg) ? said->digests + stp_alg_set_offset(said->set, alg)
	                                    : NULL;
}

/* The first algorithm that both have with different digests, or -1; *out_common: whether they have
 * one in common. */
static int find_difference(const struct stp_said *a, const struct stp_said *b, int *out_common)
{
	int alg;

	*out_common = (a->set & b->set) != 0;
	for (alg = 0; alg < STP_ALG_COUNT; alg++) {
		const uint8_t *x = digest_of(a, (enum stp_alg)alg);
		const uint8_t *y = digest_of(b, (enum stp_alg)alg);

		if (x && y && memcmp(x, y, stp_alg_digest_bytes((enum stp_alg)alg)) != 0)
			return alg;
	}
	return -1;
}

enum stp_same stp_said_compare(const struct stp_said *a, const struct stp_said *b)
{
	int have_common;

	if (a->length != b->length || find_difference(a, b, &have_common) >= 0)
		return STP_SAME_NO;
	return have_common ? STP_SAME_YES : STP_SAME_UNKNOWN;
}

/* Packs the digests of set, all of which said has, into out. */
static void pick(const struct stp_said *said, unsigned set, uint8_t *out)
{
	int alg;

	STP_ASSERT((said->set & set) == set);
	for (alg = 0; alg < STP_ALG_COUNT; alg++) {
		size_t bytes = stp_alg_digest_bytes((enum stp_alg)alg);

		if (!(set & STP_ALG_BIT(alg)))
			continue;
		memcpy(out, digest_of(said, (enum stp_alg)alg), bytes);
		out += bytes;
	}
}

/* Enough digits to distinguish two digests and some more, at least SHOWN_DIGITS_MIN; an even
 * number. */
static size_t digits_shown(const uint8_t *x, const uint8_t *y, size_t bytes)
{
	size_t same = 0;
	size_t digits;

	while (same < bytes && x[same] == y[same])
		same++;
	digits = 2 * same + 8;
	if (digits < SHOWN_DIGITS_MIN)
		digits = SHOWN_DIGITS_MIN;
	return digits < 2 * bytes ? digits : 2 * bytes;
}

const char *stp_said_difference(const struct stp_said *before, const struct stp_said *now,
                                const char *between, char out[STP_DIFFERENCE_MAX])
{
	char hex[2][2 * STP_DIGEST_BYTES_MAX + 1];
	int have_common;
	int alg = find_difference(before, now, &have_common);
	size_t used = 0;

	out[0] = '\0';
	if (before->length != now->length)
		used = (size_t)snprintf(out, STP_DIFFERENCE_MAX, "length %llu%s%llu",
		                        (unsigned long long)before->length, between,
		                        (unsigned long long)now->length);
	if (alg >= 0) {
		const uint8_t *x = digest_of(before, (enum stp_alg)alg);
		const uint8_t *y = digest_of(now, (enum stp_alg)alg);
		size_t bytes = stp_alg_digest_bytes((enum stp_alg)alg);
		size_t digits = digits_shown(x, y, bytes);
		const char *more = digits < 2 * bytes ? "..." : "";

		stp_hex_encode(x, digits / 2, hex[0]);
		stp_hex_encode(y, digits / 2, hex[1]);
		snprintf(out + used, STP_DIFFERENCE_MAX - used, "%s%s %.*s%s%s%.*s%s",
		         used ? ", " : "", stp_alg_name((enum stp_alg)alg), (int)digits, hex[0],
		         more, between, (int)digits, hex[1], more);
	}
	return out;
}

void stp_record_restate(struct stp_record *record, unsigned set, unsigned wanted,
                        uint8_t buffer[STP_CLAIMS_BYTES_MAX])
{
	struct stp_said said = stp_said_by(record, set);

	record->flags &= (uint16_t) ~(STP_RECORD_DIGESTS | STP_RECORD_CLAIMS);
	if ((said.set & wanted) == wanted) {
		if (said.set != wanted) {
			pick(&said, wanted, buffer);
			record->digests = buffer;
		}
		record->flags |= STP_RECORD_DIGESTS;
	} else {
		record->flags |= (uint16_t)(STP_RECORD_CLAIM(0) * said.set);
	}
}
