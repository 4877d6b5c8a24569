/* SPDX-License-Identifier: Apache-2.0 */
#include "run/key/source.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/text.h"
#include "keys/fingerprint_words.h"
#include "run/key/public_key_file.h"

#define STAGE "keys"

/* A secret key in PEM begins with this line; what is behind it must not be read by just any code.
 */
#define HEAD        "-----BEGIN PUBLIC KEY-----"
#define HEAD_COMMON (sizeof("-----BEGIN ") - 1)

_Static_assert(STP_KEY_REPORT_WORDS == STP_FINGERPRINT_WORDS, "words of a report");

struct asking {
	stp_passphrase_fn *read;
	void *ctx;
};

static long ask(void *ctx, const char *subject, char out[STP_PASSPHRASE_BYTES_MAX])
{
	const struct asking *asking = ctx;

	return asking->read(asking->ctx, subject, out, STP_PASSPHRASE_BYTES_MAX);
}

static enum stp_errc read_secret(struct stp_key_source *source, const char *from,
                                 stp_passphrase_fn *passphrase, void *passphrase_ctx,
                                 struct stp_err *err)
{
	struct asking asking = {passphrase, passphrase_ctx};
	const struct stp_passphrase_source passphrases = {ask, &asking};

	STP_TRY(stp_secret_key_open(from, passphrase ? &passphrases : NULL, &source->secret, err));
	source->object = *stp_secret_key_object(source->secret);
	return STP_OK;
}

/* Whether the file at path is a PEM file of anything but a public key. */
static enum stp_errc find_secret(const char *path, int *out_is_secret, struct stp_err *err)
{
	char head[sizeof(HEAD)] = "";
	ssize_t count;
	int fd;

	STP_TRY(stp_file_open(AT_FDCWD, path, STAGE, &fd, NULL, err));
	count = pread(fd, head, sizeof(HEAD) - 1, 0);
	close(fd);
	if (count < 0)
		return STP_FAIL_SYS(err, STAGE, path, "cannot be read");
	*out_is_secret = strncmp(head, HEAD, HEAD_COMMON) == 0 && strcmp(head, HEAD) != 0;
	return STP_OK;
}

/* A description has "signed", a TUF key object has not. */
static enum stp_errc read_json(struct stp_key_source *source, const char *text, size_t chars,
                               const char *path, struct stp_err *err)
{
	static const char member[] = "\"signed\"";

	if (!memmem(text, chars, member, sizeof(member) - 1))
		return stp_key_json_read(text, chars, path, &source->object, err);
	STP_TRY(stp_key_description_parse(text, chars, path, &source->description, err));
	source->object = source->description.object;
	source->has_description = 1;
	return STP_OK;
}

static enum stp_errc read_public(struct stp_key_source *source, const char *text, size_t chars,
                                 const char *path, struct stp_err *err)
{
	if (chars == 0)
		return STP_FAIL(err, STP_KEY, STAGE, path, "is empty; it should hold a key");
	if (text[strspn(text, " \t\r\n")] == '{')
		return read_json(source, text, chars, path, err);
	if (memmem(text, chars, HEAD, HEAD_COMMON))
		return stp_spki_read(text, chars, path, &source->object, err);
	return stp_openssh_read(text, chars, path, &source->object, err);
}

const char *stp_key_source_path(const char *from)
{
	return strncmp(from, "pem:", 4) == 0 ? from + 4 : from;
}

enum stp_errc stp_key_source_read(struct stp_key_source *source, const char *from,
                                  stp_passphrase_fn *passphrase, void *passphrase_ctx,
                                  struct stp_err *err)
{
	static const char *const schemes[] = {"pem:", "agent:", "pkcs11:", "exec:"};
	struct stp_buf text = STP_BUF_INIT;
	int is_secret = 0;
	enum stp_errc code;
	size_t i;

	memset(source, 0, sizeof(*source));
	for (i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (strncmp(from, schemes[i], strlen(schemes[i])) == 0)
			return read_secret(source, from, passphrase, passphrase_ctx, err);
	STP_TRY(find_secret(from, &is_secret, err));
	if (is_secret)
		return read_secret(source, from, passphrase, passphrase_ctx, err);
	code = stp_file_read(AT_FDCWD, from, STP_KEY_FILE_BYTES_MAX, STAGE, &text, err);
	if (code == STP_OK)
		code = read_public(source, (const char *)text.data, text.count, from, err);
	stp_buf_release(&text);
	return code;
}

void stp_key_source_release(struct stp_key_source *source)
{
	stp_secret_key_destroy(source->secret);
	source->secret = NULL;
}

/* Copies text, which is shorter than size. */
static void put(char *out, size_t size, const char *text)
{
	size_t count = strlen(text);

	STP_ASSERT(count < size);
	memcpy(out, text, count + 1);
}

void stp_key_source_report(const struct stp_key_source *source, struct stp_key_report *report)
{
	const struct stp_key_object *object = &source->object;
	uint8_t digest[32];

	put(report->keyid, sizeof(report->keyid), object->keyid);
	put(report->keytype, sizeof(report->keytype), object->scheme->keytype);
	put(report->scheme, sizeof(report->scheme), object->scheme->scheme);
	put(report->public_text, sizeof(report->public_text), object->public_text);
	/* The keyid is the SHA-256 of the key object. */
	STP_ASSERT(stp_hex_decode(object->keyid, sizeof(digest), digest, 0));
	stp_fingerprint_words(digest, report->words);
	report->signs_digest = object->scheme->kind != STP_KEY_KIND_ED25519;
	report->has_secret = source->secret != NULL;
	report->is_encrypted = source->secret && stp_secret_key_is_encrypted(source->secret);
	report->is_described = source->has_description;
	if (!source->has_description)
		return;
	put(report->name, sizeof(report->name), source->description.name);
	put(report->holder, sizeof(report->holder), source->description.holder);
	put(report->made, sizeof(report->made), source->description.made);
	report->is_proven = source->description.is_proven;
}
