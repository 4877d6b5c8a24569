/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PEP 458, "Metadata Scalability": tables 2 and 3, digit for digit. Computed in integers; the PEP's
 * floating point gives the same numbers.
 */
#include <string.h>

#include "base/err.h"
#include "stampede/plan.h"

static const char *const constants[] = {
    NULL,
    "# of bytes in a SHA2-512 hexadecimal digest",
    "# of bytes for a SHA2-512 public key ID",
    "# of bytes for an Ed25519 signature",
    "# of bytes for an Ed25519 public key",
    "# of bytes for a target relative file path",
    "# of bytes to encode a target file size",
    "# of bytes to encode a version number",
    "# of targets (simple indices and distributions)",
    "Average # of bytes for a downloaded distribution",
    "# of bins",
};

static const char *const values[] = {
    NULL,
    "Length of a path hash prefix",
    "Total # of path hash prefixes",
    "Avg # of targets per bin",
    "Avg size of SHA-512 hashes per bin",
    "Avg size of target paths per bin",
    "Avg size of lengths per bin",
    "Avg size of bin-n metadata (bytes)",
    "Total size of public key IDs in bins",
    "Total size of path hash prefixes in bins",
    "Est. size of bins metadata (bytes)",
    "Est. size of snapshot metadata (bytes)",
    "Est. size of metadata overhead per distribution per returning user (same snapshot)",
    "Est. metadata overhead per distribution per returning user (same snapshot)",
    "Est. size of metadata overhead per distribution per returning user (diff snapshot)",
    "Est. metadata overhead per distribution per returning user (diff snapshot)",
    "Est. size of metadata overhead per distribution per new user",
    "Est. metadata overhead per distribution per new user",
};

const char *stp_pep458_description(char letter, int number)
{
	STP_ASSERT((letter == 'C' && number >= 1 && number <= 10) ||
	           (letter == 'V' && number >= 1 && number <= 17));
	return letter == 'C' ? constants[number] : values[number];
}

/* round(100 * part / whole) as in Python 3: halves are rounded to even. */
static uint64_t percent(uint64_t part, uint64_t whole)
{
	uint64_t quotient = 100 * part / whole, rest = 100 * part % whole;

	if (2 * rest > whole || (2 * rest == whole && quotient % 2))
		quotient++;
	return quotient;
}

/* math.ceil(math.log(count, 16)), and 16 to that power. */
static uint64_t prefix_digits(uint64_t count, uint64_t *out_power)
{
	uint64_t digits = 0, power = 1;

	while (power < count) {
		power *= 16;
		digits++;
	}
	*out_power = power;
	return digits;
}

void stp_pep458_model(const struct stp_pep458_input *input, struct stp_pep458 *out)
{
	uint64_t *c = out->c, *v = out->v;

	STP_ASSERT(input->bins > 0 && input->file_bytes > 0);
	memset(out, 0, sizeof(*out));
	c[1] = input->hash_chars;
	c[2] = 64;
	c[3] = 128;
	c[4] = 64;
	c[5] = input->path_bytes;
	c[6] = 7;
	c[7] = 6;
	c[8] = input->targets;
	c[9] = input->file_bytes;
	c[10] = input->bins;
	v[1] = prefix_digits(c[10], &v[2]);
	v[3] = (c[8] + c[10] - 1) / c[10];
	v[4] = v[3] * c[1];
	v[5] = v[3] * c[5];
	v[6] = v[3] * c[6];
	v[7] = v[4] + v[5] + v[6];
	v[8] = c[10] * c[2];
	v[9] = v[1] * v[2];
	v[10] = v[8] + v[9];
	v[11] = c[10] * c[7];
	v[12] = 2 * v[7];
	v[13] = percent(v[12], c[9]);
	v[14] = v[12] + v[11];
	v[15] = percent(v[14], c[9]);
	v[16] = v[14] + v[10];
	v[17] = percent(v[16], c[9]);
}
