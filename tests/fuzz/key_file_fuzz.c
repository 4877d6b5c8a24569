/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key files that anybody may have written: descriptions, encrypted and plain secret keys, public
 * keys of other programs. Whatever the bytes, each reader accepts or says why not, and an accepted
 * description has a name that misleads nobody.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "keys/key_description.h"
#include "run/key/public_key_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_bytes);

typedef enum stp_errc reader(const char *text, size_t chars, const char *subject,
                             struct stp_key_object *out, struct stp_err *err);

static void read_public(reader *read, const uint8_t *data, size_t data_bytes)
{
	struct stp_err err = STP_ERR_INIT;
	struct stp_key_object object;

	if (read((const char *)data, data_bytes, "fuzz", &object, &err) != STP_OK)
		STP_ASSERT(err.code == STP_KEY && err.text[0]);
	else
		STP_ASSERT(strlen(object.keyid) == STP_KEYID_CHARS);
}

static void read_secret(const uint8_t *data, size_t data_bytes)
{
	struct stp_err err = STP_ERR_INIT;
	struct stp_secret_key *key;

	/* Without a passphrase: what is costly is not begun. */
	if (stp_secret_key_parse(data, data_bytes, "fuzz.pem", NULL, &key, &err) == STP_OK)
		stp_secret_key_destroy(key);
	else
		STP_ASSERT(err.code == STP_KEY && err.text[0]);
}

static void read_description(const uint8_t *data, size_t data_bytes)
{
	struct stp_err err = STP_ERR_INIT;
	struct stp_key_description description;

	if (stp_key_description_parse(data, data_bytes, "fuzz.key.json", &description, &err) !=
	    STP_OK) {
		STP_ASSERT(err.text[0]);
		return;
	}
	STP_ASSERT(!stp_key_name_problem(description.name));
	STP_ASSERT(!stp_key_holder_problem(description.holder));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_bytes)
{
	if (data_bytes == 0)
		return 0;
	read_description(data, data_bytes);
	read_secret(data, data_bytes);
	read_public(stp_spki_read, data, data_bytes);
	read_public(stp_openssh_read, data, data_bytes);
	read_public(stp_key_json_read, data, data_bytes);
	return 0;
}
