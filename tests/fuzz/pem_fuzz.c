/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PEM reader survives any bytes, as the text of a key file and as the DER within one; a seed
 * that it accepts is unchanged after writing and reading.
 */
#include <sodium.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "keys/pem.h"

#define DER_BYTES_MAX 4096
#define BEGIN         "-----BEGIN PRIVATE KEY-----\n"
#define END           "-----END PRIVATE KEY-----\n"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_bytes);

/* 1 when text is a key, whose seed goes to seed. */
static int read_key(const void *text, size_t count, uint8_t seed[32])
{
	struct stp_err err = STP_ERR_INIT;
	enum stp_errc code = stp_pem_read(text, count, "fuzz.pem", seed, &err);
	char own[STP_PEM_BYTES + 1];
	uint8_t again[32];

	if (code != STP_OK) {
		STP_ASSERT(code == STP_KEY && err.code == STP_KEY && err.text[0]);
		return 0;
	}
	stp_pem_write(seed, own);
	STP_ASSERT(stp_pem_read(own, strlen(own), "again", again, NULL) == STP_OK);
	STP_ASSERT(memcmp(seed, again, 32) == 0);
	return 1;
}

/* The DER of an Ed25519 key holds its seed somewhere. */
static void try_der(const uint8_t *der, size_t count)
{
	static char text[sizeof(BEGIN) + DER_BYTES_MAX * 2 + sizeof(END)];
	char base64[sodium_base64_ENCODED_LEN(DER_BYTES_MAX, sodium_base64_VARIANT_ORIGINAL)];
	uint8_t seed[32];
	size_t used = sizeof(BEGIN) - 1, left;

	if (count > DER_BYTES_MAX)
		return;
	sodium_bin2base64(base64, sizeof(base64), der, count, sodium_base64_VARIANT_ORIGINAL);
	left = strlen(base64);
	memcpy(text, BEGIN, used);
	for (const char *at = base64; left;) {
		size_t line = left < 64 ? left : 64;

		memcpy(text + used, at, line);
		used += line;
		text[used++] = '\n';
		at += line;
		left -= line;
	}
	memcpy(text + used, END, sizeof(END) - 1);
	used += sizeof(END) - 1;
	if (read_key(text, used, seed))
		STP_ASSERT(memmem(der, count, seed, sizeof(seed)) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_bytes)
{
	uint8_t seed[32];

	read_key(data, data_bytes, seed);
	try_der(data, data_bytes);
	return 0;
}
