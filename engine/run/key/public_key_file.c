/* SPDX-License-Identifier: Apache-2.0 */
#include "run/key/public_key_file.h"

#include <jansson.h>
#include <sodium.h>
#include <string.h>

#include "base/bytes.h"
#include "base/text.h"
#include "keys/pem_block.h"
#include "scheme/public_key.h"

#define STAGE        "keys"
#define POINT_BYTES  65 /* 0x04, x, y: SEC 1 section 2.3.3 */
#define SSH_DER_MAX  512
#define SPKI_ED25519 12
#define SPKI_P256    26

/* SubjectPublicKeyInfo up to the key: RFC 8410 section 4, RFC 5480 section 2. */
static const uint8_t ed25519_head[SPKI_ED25519] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
                                                   0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};
static const uint8_t p256_head[SPKI_P256] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
                                             0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
                                             0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00};
/* AlgorithmIdentifier of rsaEncryption (RFC 3279 section 2.3.1), behind two lengths. */
static const uint8_t rsa_algorithm[15] = {0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                                          0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00};

static enum stp_errc refuse(const char *subject, const char *what, struct stp_err *err)
{
	return STP_FAIL(err, STP_KEY, STAGE, subject, "%s", what);
}

static enum stp_errc take_object(const struct stp_scheme *scheme, const char *public_text,
                                 size_t chars, const char *subject, struct stp_key_object *out,
                                 struct stp_err *err)
{
	const char *problem = stp_key_object_init(out, scheme, public_text, chars);

	if (!problem)
		return STP_OK;
	return STP_FAIL(err, STP_KEY, STAGE, subject, "its key cannot be used: %s", problem);
}

static enum stp_errc take_ed25519(const uint8_t key[32], const char *subject,
                                  struct stp_key_object *out, struct stp_err *err)
{
	char hex[64];

	stp_hex_encode(key, 32, hex);
	return take_object(stp_scheme_of(STP_KEY_KIND_ED25519), hex, sizeof(hex), subject, out,
	                   err);
}

/* A key that metadata has as PEM, from its DER. */
static enum stp_errc take_der(enum stp_key_kind kind, const uint8_t *der, size_t bytes,
                              const char *subject, struct stp_key_object *out, struct stp_err *err)
{
	enum stp_errc code;
	size_t chars;
	char *text;

	STP_TRY(stp_pem_block_write("PUBLIC KEY", der, bytes, &text, &chars, err));
	code = take_object(stp_scheme_of(kind), text, chars, subject, out, err);
	sodium_free(text);
	return code;
}

/* --- SubjectPublicKeyInfo -------------------------------------------------------------------- */

static enum stp_errc take_spki(const uint8_t *der, size_t bytes, const char *subject,
                               struct stp_key_object *out, struct stp_err *err)
{
	static const uint8_t ec[] = {0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01};

	if (bytes == SPKI_ED25519 + 32 && memcmp(der, ed25519_head, SPKI_ED25519) == 0)
		return take_ed25519(der + SPKI_ED25519, subject, out, err);
	if (bytes > 20 && memmem(der, 20, ec, sizeof(ec)))
		return take_der(STP_KEY_KIND_ECDSA_P256_SHA256, der, bytes, subject, out, err);
	if (bytes > 24 && memmem(der, 24, rsa_algorithm, sizeof(rsa_algorithm)))
		return take_der(STP_KEY_KIND_RSA_PSS_SHA256, der, bytes, subject, out, err);
	return refuse(subject, "is a public key of another kind than Ed25519, ECDSA P-256 and RSA",
	              err);
}

enum stp_errc stp_spki_read(const char *text, size_t chars, const char *subject,
                            struct stp_key_object *out, struct stp_err *err)
{
	struct stp_pem_block block;
	enum stp_errc code;

	STP_TRY(stp_pem_block_read(text, chars, subject, &block, err));
	if (strcmp(block.label, "PUBLIC KEY") != 0)
		code =
		    refuse(subject, "is not a PEM file with a public key (BEGIN PUBLIC KEY)", err);
	else
		code = take_spki(block.der, block.der_bytes, subject, out, err);
	stp_pem_block_release(&block);
	return code;
}

/* --- OpenSSH --------------------------------------------------------------------------------- */

struct ssh_blob {
	const uint8_t *at, *end;
};

/* The next string of RFC 4251 section 5, which must have count bytes (0: any); NULL if it is not
 * there. */
static const uint8_t *take_string(struct ssh_blob *blob, size_t count)
{
	const uint8_t *string = blob->at + 4;
	size_t bytes;

	if (blob->end - blob->at < 4)
		return NULL;
	bytes = stp_load32_be(blob->at);
	if (bytes != count || (size_t)(blob->end - string) < bytes)
		return NULL;
	blob->at = string + bytes;
	return string;
}

static int take_word(struct ssh_blob *blob, const char *word)
{
	const uint8_t *string = take_string(blob, strlen(word));

	return string && memcmp(string, word, strlen(word)) == 0;
}

static enum stp_errc take_ssh_ed25519(struct ssh_blob *blob, const char *subject,
                                      struct stp_key_object *out, struct stp_err *err)
{
	const uint8_t *key = take_word(blob, "ssh-ed25519") ? take_string(blob, 32) : NULL;

	if (!key || blob->at != blob->end)
		return refuse(subject, "is not an OpenSSH Ed25519 key: it was altered", err);
	return take_ed25519(key, subject, out, err);
}

static enum stp_errc take_ssh_p256(struct ssh_blob *blob, const char *subject,
                                   struct stp_key_object *out, struct stp_err *err)
{
	uint8_t der[SPKI_P256 + POINT_BYTES];
	const uint8_t *point = NULL;

	if (take_word(blob, "ecdsa-sha2-nistp256") && take_word(blob, "nistp256"))
		point = take_string(blob, POINT_BYTES);
	if (!point || blob->at != blob->end)
		return refuse(subject,
		              "is not an OpenSSH P-256 key with an uncompressed point: it was "
		              "altered",
		              err);
	memcpy(der, p256_head, SPKI_P256);
	memcpy(der + SPKI_P256, point, POINT_BYTES);
	return take_der(STP_KEY_KIND_ECDSA_P256_SHA256, der, sizeof(der), subject, out, err);
}

/* Whether the line begins with the word type and a space. */
static int is_type(const char *text, size_t chars, const char *type)
{
	size_t count = strlen(type);

	return chars > count && memcmp(text, type, count) == 0 && text[count] == ' ';
}

enum stp_errc stp_openssh_read(const char *text, size_t chars, const char *subject,
                               struct stp_key_object *out, struct stp_err *err)
{
	const char *space = memchr(text, ' ', chars), *base64, *end;
	const char *feed = memchr(text, '\n', chars);
	uint8_t bytes[SSH_DER_MAX];
	struct ssh_blob blob = {bytes, bytes};
	size_t count = 0;

	if (chars > 3 && memcmp(text, "sk-", 3) == 0)
		return refuse(subject,
		              "is a FIDO key, which never signs a plain message, so it cannot sign "
		              "metadata; use a key without 'sk'",
		              err);
	if (!is_type(text, chars, "ssh-ed25519") && !is_type(text, chars, "ecdsa-sha2-nistp256"))
		return refuse(
		    subject,
		    "is not a key file: neither PEM, JSON nor OpenSSH of type ssh-ed25519 "
		    "or ecdsa-sha2-nistp256",
		    err);
	if (feed ? feed + 1 != text + chars : 0)
		return refuse(subject, "has more than one line; keep one key per file", err);
	if (memchr(text, '\r', chars) || memchr(text, '\0', chars))
		return refuse(subject, "has a carriage return or NUL; convert it to plain text",
		              err);
	base64 = space + 1;
	end = memchr(base64, ' ', (size_t)(text + chars - base64));
	if (!end)
		end = feed ? feed : text + chars;
	if (sodium_base642bin(bytes, sizeof(bytes), base64, (size_t)(end - base64), NULL, &count,
	                      NULL, sodium_base64_VARIANT_ORIGINAL) != 0)
		return refuse(subject, "is not an OpenSSH key: its second word is not base64", err);
	blob.end = bytes + count;
	return is_type(text, chars, "ssh-ed25519") ? take_ssh_ed25519(&blob, subject, out, err)
	                                           : take_ssh_p256(&blob, subject, out, err);
}

/* --- TUF key objects ------------------------------------------------------------------------- */

/* The first member of object whose name is not among names, or NULL. */
static const char *unknown_member(json_t *object, const char *const *names)
{
	const char *name;
	json_t *value;

	json_object_foreach(object, name, value)
	{
		const char *const *known = names;

		while (*known && strcmp(*known, name) != 0)
			known++;
		if (!*known)
			return name;
	}
	return NULL;
}

static enum stp_errc take_json(json_t *object, const char *subject, struct stp_key_object *out,
                               struct stp_err *err)
{
	static const char *const names[] = {"keytype", "keyval", "scheme", NULL};
	static const char *const value_names[] = {"public", NULL};
	json_t *keyval = json_object_get(object, "keyval");
	const json_t *text = json_object_get(keyval, "public");
	const char *keytype = json_string_value(json_object_get(object, "keytype"));
	const char *scheme = json_string_value(json_object_get(object, "scheme"));
	const struct stp_scheme *row;
	const char *unknown = unknown_member(object, names);

	if (!unknown)
		unknown = unknown_member(keyval, value_names);
	if (!keytype || !scheme || !json_is_string(text))
		return refuse(subject,
		              "is not a key object {\"keytype\":…,\"keyval\":{\"public\":…},"
		              "\"scheme\":…}",
		              err);
	if (unknown)
		return STP_FAIL(err, STP_KEY, STAGE, subject,
		                "has the member \"%s\", which would change the keyid; remove it",
		                unknown);
	row = stp_scheme_find(keytype, scheme);
	if (!row || row->kind == STP_KEY_KIND_ECDSA_P384_SHA384)
		return STP_FAIL(err, STP_KEY, STAGE, subject,
		                "is a key of type '%s' with scheme '%s', which not every client "
		                "accepts; use Ed25519 or ECDSA P-256",
		                keytype, scheme);
	return take_object(row, json_string_value(text), json_string_length(text), subject, out,
	                   err);
}

enum stp_errc stp_key_json_read(const char *text, size_t chars, const char *subject,
                                struct stp_key_object *out, struct stp_err *err)
{
	json_error_t where;
	json_t *object = json_loadb(text, chars, JSON_REJECT_DUPLICATES, &where);
	enum stp_errc code;

	if (!object)
		return STP_FAIL(err, STP_KEY, STAGE, subject, "line %d: %s", where.line,
		                where.text);
	code = take_json(object, subject, out, err);
	json_decref(object);
	return code;
}
