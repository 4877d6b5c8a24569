/* SPDX-License-Identifier: Apache-2.0 */
#include "keys/key_description.h"

#include <fcntl.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/text.h"
#include "cjson/encoding.h"
#include "cjson/reader.h"
#include "cjson/writer.h"

#define STAGE "keys"
#define TYPE  "stampede-key"

/* --- writing --------------------------------------------------------------------------------- */

static void write_object(struct stp_cjson_writer *w, const struct stp_key_object *object)
{
	stp_cjson_object_begin(w);
	stp_cjson_key(w, "keytype");
	stp_cjson_string(w, object->scheme->keytype);
	stp_cjson_key(w, "keyval");
	stp_cjson_object_begin(w);
	stp_cjson_key(w, "public");
	stp_cjson_string_raw(w, object->public_text, object->public_chars);
	stp_cjson_object_end(w);
	stp_cjson_key(w, "scheme");
	stp_cjson_string(w, object->scheme->scheme);
	stp_cjson_object_end(w);
}

/* The bytes that the key signs. */
static enum stp_errc write_signed(const struct stp_key_object *object, const char *name,
                                  const char *holder, int64_t made, struct stp_buf *out,
                                  struct stp_err *err)
{
	struct stp_cjson_writer w;
	char time[STP_TIME_BYTES + 1];
	enum stp_errc code;

	stp_time_format(made, time);
	stp_cjson_writer_init(&w);
	stp_cjson_object_begin(&w);
	stp_cjson_key(&w, "_type");
	stp_cjson_string(&w, TYPE);
	stp_cjson_key(&w, "format");
	stp_cjson_u64(&w, 1);
	stp_cjson_key(&w, "holder");
	stp_cjson_string(&w, holder);
	stp_cjson_key(&w, "key");
	write_object(&w, object);
	stp_cjson_key(&w, "made");
	stp_cjson_string(&w, time);
	stp_cjson_key(&w, "name");
	stp_cjson_string(&w, name);
	stp_cjson_object_end(&w);
	code = stp_cjson_writer_finish(&w, STAGE, name, err);
	if (code == STP_OK)
		stp_cjson_writer_take(&w, out);
	stp_cjson_writer_release(&w);
	return code;
}

/* Appends the file: body, with a signature unless sig_bytes is 0. */
static enum stp_errc write_file(const struct stp_buf *body, const char *keyid, const uint8_t *sig,
                                size_t sig_bytes, struct stp_buf *out, struct stp_err *err)
{
	static const char head[] = "{\"signatures\":[{\"keyid\":\"", middle[] = "\",\"sig\":\"",
	                  tail[] = "\"}],\"signed\":", without[] = "{\"signatures\":[],\"signed\":";
	char hex[2 * STP_SIGNATURE_BYTES_MAX];

	if (!sig_bytes) {
		STP_TRY(stp_buf_append(out, without, sizeof(without) - 1, err));
	} else {
		stp_hex_encode(sig, sig_bytes, hex);
		STP_TRY(stp_buf_append(out, head, sizeof(head) - 1, err));
		STP_TRY(stp_buf_append(out, keyid, STP_KEYID_CHARS, err));
		STP_TRY(stp_buf_append(out, middle, sizeof(middle) - 1, err));
		STP_TRY(stp_buf_append(out, hex, 2 * sig_bytes, err));
		STP_TRY(stp_buf_append(out, tail, sizeof(tail) - 1, err));
	}
	STP_TRY(stp_cjson_to_file(body->data, body->count, STAGE, keyid, out, err));
	return stp_buf_append(out, "}", 1, err);
}

static enum stp_errc sign_body(const struct stp_secret_key *secret, const struct stp_buf *body,
                               const char *name, uint8_t *sig, size_t *out_bytes,
                               struct stp_err *err)
{
	struct stp_sign_message message = {
	    .name = name, .bytes = body->data, .count = body->count, .signature = sig};
	struct stp_signer *signer;
	enum stp_errc code;

	STP_TRY(stp_secret_key_signer(secret, &signer, err));
	code = stp_signer_sign(signer, &message, 1, err);
	if (code == STP_OK)
		code = stp_signer_check(signer, &message, 1, err);
	stp_signer_destroy(signer);
	*out_bytes = message.signature_bytes;
	return code;
}

/* secret NULL: without a signature. */
static enum stp_errc make(const struct stp_key_object *object, const struct stp_secret_key *secret,
                          const char *name, const char *holder, int64_t made, struct stp_buf *out,
                          struct stp_err *err)
{
	struct stp_buf body = STP_BUF_INIT;
	uint8_t sig[STP_SIGNATURE_BYTES_MAX];
	const char *problem = stp_key_name_problem(name);
	size_t sig_bytes = 0;
	enum stp_errc code;

	if (!problem)
		problem = stp_key_holder_problem(holder);
	if (problem)
		return STP_FAIL(err, STP_CONFIG, STAGE, name, "%s", problem);
	code = write_signed(object, name, holder, made, &body, err);
	if (code == STP_OK && secret)
		code = sign_body(secret, &body, name, sig, &sig_bytes, err);
	if (code == STP_OK)
		code = write_file(&body, object->keyid, sig, sig_bytes, out, err);
	stp_buf_release(&body);
	return code;
}

enum stp_errc stp_key_description_make(const struct stp_secret_key *secret, const char *name,
                                       const char *holder, int64_t made, struct stp_buf *out,
                                       struct stp_err *err)
{
	return make(stp_secret_key_object(secret), secret, name, holder, made, out, err);
}

enum stp_errc stp_key_description_make_public(const struct stp_key_object *object, const char *name,
                                              const char *holder, int64_t made, struct stp_buf *out,
                                              struct stp_err *err)
{
	return make(object, NULL, name, holder, made, out, err);
}

/* --- reading --------------------------------------------------------------------------------- */

struct reading {
	struct stp_cjson_cursor cursor;
	const char *subject;
	struct stp_err *err;
};

static enum stp_errc refuse(const struct reading *reading, enum stp_errc code, const char *what)
{
	return STP_FAIL(reading->err, code, STAGE, reading->subject, "%s", what);
}

/* Members have one order, so what stands here must be this text. */
static enum stp_errc expect(struct reading *reading, const char *text)
{
	if (stp_cjson_expect(&reading->cursor, text, strlen(text)))
		return STP_OK;
	return STP_FAIL(reading->err, STP_FORMAT, STAGE, reading->subject,
	                "is not a key file that stampede made: '%s' was expected at byte %zu; a "
	                "member is missing, unknown or of another form",
	                text, (size_t)(reading->cursor.at - reading->cursor.begin));
}

/* A string without the character NUL into out. */
static enum stp_errc take_text(struct reading *reading, const char *member, char *out, size_t size)
{
	struct stp_cjson_view view;
	size_t count;

	if (!stp_cjson_take_string(&reading->cursor, &view))
		return STP_FAIL(reading->err, STP_FORMAT, STAGE, reading->subject,
		                "\"%s\" is not a string", member);
	if (view.bytes >= size)
		return STP_FAIL(reading->err, STP_FORMAT, STAGE, reading->subject,
		                "\"%s\" has more than %zu bytes", member, size - 1);
	count = stp_cjson_unescape(&view, out);
	out[count] = '\0';
	return STP_OK;
}

struct signature {
	char keyid[STP_KEYID_CHARS + 2];
	char hex[2 * STP_SIGNATURE_BYTES_MAX + 1];
	int is_there;
};

/* "signatures": none or one. */
static enum stp_errc read_signature(struct reading *reading, struct signature *signature)
{
	STP_TRY(expect(reading, "{\"signatures\":["));
	signature->is_there = stp_cjson_peek(&reading->cursor) != ']';
	if (signature->is_there) {
		STP_TRY(expect(reading, "{\"keyid\":"));
		STP_TRY(take_text(reading, "keyid", signature->keyid, sizeof(signature->keyid)));
		STP_TRY(expect(reading, ",\"sig\":"));
		STP_TRY(take_text(reading, "sig", signature->hex, sizeof(signature->hex)));
		STP_TRY(expect(reading, "}"));
	}
	return expect(reading, "],\"signed\":");
}

/* The member "key", in the one encoding that a key has. */
static enum stp_errc read_key(struct reading *reading, struct stp_key_object *object)
{
	char keytype[32], scheme[32], public_text[STP_KEY_OBJECT_PUBLIC_CHARS_MAX + 1];
	const struct stp_scheme *row;
	const char *problem;

	STP_TRY(expect(reading, "{\"keytype\":"));
	STP_TRY(take_text(reading, "keytype", keytype, sizeof(keytype)));
	STP_TRY(expect(reading, ",\"keyval\":{\"public\":"));
	STP_TRY(take_text(reading, "public", public_text, sizeof(public_text)));
	STP_TRY(expect(reading, "},\"scheme\":"));
	STP_TRY(take_text(reading, "scheme", scheme, sizeof(scheme)));
	STP_TRY(expect(reading, "}"));
	row = stp_scheme_find(keytype, scheme);
	if (!row || row->kind == STP_KEY_KIND_ECDSA_P384_SHA384)
		return STP_FAIL(reading->err, STP_KEY, STAGE, reading->subject,
		                "has a key of type '%s' with scheme '%s', which is not supported",
		                keytype, scheme);
	problem = stp_key_object_init(object, row, public_text, strlen(public_text));
	if (problem)
		return STP_FAIL(reading->err, STP_KEY, STAGE, reading->subject,
		                "its key cannot be used: %s", problem);
	return STP_OK;
}

static enum stp_errc check_texts(const struct reading *reading,
                                 const struct stp_key_description *out)
{
	const char *problem = stp_key_name_problem(out->name);
	struct stp_err ignored = STP_ERR_INIT;
	int64_t made;

	if (!problem)
		problem = stp_key_holder_problem(out->holder);
	if (problem)
		return refuse(reading, STP_FORMAT, problem);
	if (stp_time_parse(out->made, strlen(out->made), &made, &ignored) != STP_OK)
		return refuse(reading, STP_FORMAT, "\"made\" is not a time YYYY-MM-DDTHH:MM:SSZ");
	return STP_OK;
}

static enum stp_errc read_signed(struct reading *reading, struct stp_key_description *out)
{
	STP_TRY(expect(reading, "{\"_type\":\"" TYPE "\",\"format\":1,\"holder\":"));
	STP_TRY(take_text(reading, "holder", out->holder, sizeof(out->holder)));
	STP_TRY(expect(reading, ",\"key\":"));
	STP_TRY(read_key(reading, &out->object));
	STP_TRY(expect(reading, ",\"made\":"));
	STP_TRY(take_text(reading, "made", out->made, sizeof(out->made)));
	STP_TRY(expect(reading, ",\"name\":"));
	STP_TRY(take_text(reading, "name", out->name, sizeof(out->name)));
	STP_TRY(expect(reading, "}"));
	return check_texts(reading, out);
}

/* Whether hex is a signature of the signed bytes by the key itself. */
static int is_good(const struct stp_key_object *object, const struct stp_buf *body, const char *hex)
{
	struct stp_public_key key;
	int good;

	if (stp_public_key_load(&key, object->scheme->keytype, object->scheme->scheme,
	                        object->public_text, object->public_chars))
		return 0;
	good = stp_signature_check(&key, body->data, body->count, hex, strlen(hex),
	                           STP_LIBRARIES_BOTH) == STP_SIGNATURE_GOOD;
	stp_public_key_release(&key);
	return good;
}

/* Verifies the proof over the file bytes [begin, end) of "signed". */
static enum stp_errc check_proof(const struct reading *reading, const uint8_t *begin,
                                 const uint8_t *end, const struct signature *signature,
                                 struct stp_key_description *out)
{
	struct stp_buf body = STP_BUF_INIT;
	enum stp_errc code;

	if (!signature->is_there)
		return STP_OK;
	if (strcmp(signature->keyid, out->object.keyid) != 0)
		return STP_FAIL(reading->err, STP_KEY, STAGE, reading->subject,
		                "is signed under the keyid %.16s…, which is not the one of its "
		                "key, %.16s…; have the holder make it again",
		                signature->keyid, out->object.keyid);
	code = stp_cjson_from_file(begin, (size_t)(end - begin), STAGE, reading->subject, &body,
	                           reading->err);
	if (code == STP_OK && !is_good(&out->object, &body, signature->hex))
		code = refuse(reading, STP_KEY,
		              "is not signed by its own key: it was altered, or its maker does "
		              "not have the secret key; get it from the holder again");
	stp_buf_release(&body);
	out->is_proven = code == STP_OK;
	return code;
}

enum stp_errc stp_key_description_parse(const void *bytes, size_t count, const char *subject,
                                        struct stp_key_description *out, struct stp_err *err)
{
	struct stp_key_description description = {.is_proven = 0};
	struct reading reading = {.subject = subject, .err = err};
	struct signature signature;
	const uint8_t *begin;

	if (count > STP_KEY_FILE_BYTES_MAX)
		return STP_FAIL(err, STP_LIMIT, STAGE, subject,
		                "has %zu bytes; a key file has at most %d", count,
		                STP_KEY_FILE_BYTES_MAX);
	if (memmem(bytes, count, "PRIVATE KEY-----", 16))
		return STP_FAIL(err, STP_KEY, STAGE, subject,
		                "is a secret key, which must not come to this machine; give "
		                "NAME.key.json");
	STP_TRY(stp_cjson_check_file(bytes, count, STAGE, subject, err));
	stp_cjson_cursor_init(&reading.cursor, bytes, count);
	reading.cursor.is_file = 1;
	STP_TRY(read_signature(&reading, &signature));
	begin = reading.cursor.at;
	STP_TRY(read_signed(&reading, &description));
	STP_TRY(check_proof(&reading, begin, reading.cursor.at, &signature, &description));
	STP_TRY(expect(&reading, "}"));
	*out = description;
	return STP_OK;
}

enum stp_errc stp_key_description_read(const char *path, struct stp_key_description *out,
                                       struct stp_err *err)
{
	struct stp_buf bytes = STP_BUF_INIT;
	enum stp_errc code =
	    stp_file_read(AT_FDCWD, path, STP_KEY_FILE_BYTES_MAX, STAGE, &bytes, err);

	if (code == STP_OK)
		code = stp_key_description_parse(bytes.data, bytes.count, path, out, err);
	stp_buf_release(&bytes);
	return code;
}
