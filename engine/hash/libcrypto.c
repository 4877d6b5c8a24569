/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fallback on every CPU: libcrypto's single-stream assembly. The low-level contexts are used
 * because EVP has no way to set a chaining value; OpenSSL 3 keeps them, marked deprecated.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

#include <string.h>

#include "hash/kernel.h"

void stp_sha256_libcrypto(struct stp_hash_state *state, const uint8_t *const *data,
                          size_t block_count)
{
	SHA256_CTX ctx;

	memset(&ctx, 0, sizeof ctx);
	ctx.md_len = SHA256_DIGEST_LENGTH;
	memcpy(ctx.h, state->u.w32, sizeof ctx.h);
	SHA256_Update(&ctx, data[0], block_count * 64);
	memcpy(state->u.w32, ctx.h, sizeof ctx.h);
}

void stp_sha512_libcrypto(struct stp_hash_state *state, const uint8_t *const *data,
                          size_t block_count)
{
	SHA512_CTX ctx;

	memset(&ctx, 0, sizeof ctx);
	ctx.md_len = SHA512_DIGEST_LENGTH;
	memcpy(ctx.h, state->u.w64, sizeof ctx.h);
	SHA512_Update(&ctx, data[0], block_count * 128);
	memcpy(state->u.w64, ctx.h, sizeof ctx.h);
}
