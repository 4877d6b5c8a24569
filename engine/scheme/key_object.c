/* SPDX-License-Identifier: Apache-2.0 */
#include "scheme/key_object.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "scheme/public_key.h"

/* Fills all members. Neither hex nor PEM contains '"' or '\', so the text is in the canonical form
 * as it is. */
static void fill(struct stp_key_object *object, const struct stp_scheme *scheme,
                 const char *public_text, size_t public_chars)
{
	char form[STP_KEY_OBJECT_PUBLIC_CHARS_MAX + 160];
	int count;

	STP_ASSERT(public_chars <= STP_KEY_OBJECT_PUBLIC_CHARS_MAX);
	object->scheme = scheme;
	object->public_chars = public_chars;
	memcpy(object->public_text, public_text, public_chars);
	object->public_text[public_chars] = '\0';
	count = snprintf(form, sizeof(form),
	                 "{\"keytype\":\"%s\",\"keyval\":{\"public\":\"%s\"},\"scheme\":\"%s\"}",
	                 scheme->keytype, object->public_text, scheme->scheme);
	STP_ASSERT(count > 0 && (size_t)count < sizeof(form));
	stp_keyid_of_form(form, (size_t)count, object->keyid);
}

const char *stp_key_object_init(struct stp_key_object *object, const struct stp_scheme *scheme,
                                const char *public_text, size_t public_chars)
{
	struct stp_public_key key;
	const char *problem;

	if (public_chars > STP_KEY_OBJECT_PUBLIC_CHARS_MAX)
		return "it is longer than any key that stampede writes";
	problem =
	    stp_public_key_load(&key, scheme->keytype, scheme->scheme, public_text, public_chars);
	if (problem)
		return problem;
	stp_public_key_release(&key);
	fill(object, scheme, public_text, public_chars);
	return NULL;
}

void stp_key_object_ed25519(struct stp_key_object *object, const uint8_t public_key[32])
{
	char hex[64];

	stp_hex_encode(public_key, 32, hex);
	fill(object, stp_scheme_of(STP_KEY_KIND_ED25519), hex, sizeof(hex));
}
