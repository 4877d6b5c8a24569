/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/evp.h>
#include <sodium.h>
#include <string.h>

#include "base/text.h"
#include "scheme/check.h"

/* Points that an honest key never has are refused: libsodium and libcrypto disagree about them, and
 * with a point of small order anything verifies. */
const char *stp_ed25519_load(struct stp_public_key *key, const char *hex, size_t chars)
{
	if (chars != 64 || !stp_hex_decode(hex, 32, key->ed25519, 0))
		return "it is not 64 lower-case hexadecimal digits";
	if (crypto_core_ed25519_is_valid_point(key->ed25519) != 1)
		return "it is not a point of the prime-order group of Ed25519";
	key->pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key->ed25519, 32);
	return key->pkey ? NULL : "libcrypto does not accept it";
}

/* S must be below the order of the group, R not of small order: libsodium refuses both, libcrypto
 * only some of them. Neither verifies a signature whose R is not in its canonical encoding. */
static int is_ed25519_shape(const uint8_t sig[64])
{
	/* y of the points of order 1, 2, 4, 8 and 8, with either sign of x. */
	static const uint8_t small[][32] = {
	    {1},
	    {0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
	    {0},
	    {0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4,
	     0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6,
	     0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05},
	    {0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b,
	     0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39,
	     0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a},
	};
	static const uint8_t order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58,
	                                  0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
	                                  0,    0,    0,    0,    0,    0,    0,    0,
	                                  0,    0,    0,    0,    0,    0,    0,    0x10};
	uint8_t y[32];
	size_t i;

	if (sodium_compare(sig + 32, order, 32) >= 0)
		return 0;
	memcpy(y, sig, 32);
	y[31] &= 0x7f;
	for (i = 0; i < sizeof(small) / sizeof(small[0]); i++)
		if (memcmp(y, small[i], 32) == 0)
			return 0;
	return 1;
}

enum stp_signature_state stp_ed25519_check(const struct stp_public_key *key, const uint8_t *message,
                                           size_t message_bytes, const uint8_t *sig,
                                           size_t sig_bytes, enum stp_libraries libraries)
{
	int sodium, crypto;

	if (sig_bytes != 64 || !is_ed25519_shape(sig))
		return STP_SIGNATURE_BAD;
	sodium = crypto_sign_verify_detached(sig, message, message_bytes, key->ed25519) == 0;
	if (libraries == STP_LIBRARIES_ONE)
		return sodium ? STP_SIGNATURE_GOOD : STP_SIGNATURE_BAD;
	crypto = stp_libcrypto_check(key, NULL, NULL, message, message_bytes, sig, sig_bytes);
	if (sodium != crypto)
		return STP_SIGNATURE_DISPUTED;
	return sodium ? STP_SIGNATURE_GOOD : STP_SIGNATURE_BAD;
}
