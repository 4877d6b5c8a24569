/* SPDX-License-Identifier: Apache-2.0 */
#include "run/freeze.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "publish/repo.h"

#define STAGE "freeze"
#define NAME  STP_STATE_FOLDER "/" STP_FREEZE_FILE

#define TEXT_BYTES_MAX 8192
#define SEAL_BYTES     32

static const char *const steps[] = {"none", "begun", "staged"};
static const char *const roles[] = {"online"};

/* ---------------------------------------------------------------- text */

static size_t format(const struct stp_freeze *freeze, const uint8_t *seal_key,
                     char out[TEXT_BYTES_MAX])
{
	char time[STP_TIME_BYTES + 1];
	uint8_t seal[SEAL_BYTES];
	char hex[2 * SEAL_BYTES + 1] = "";
	size_t used;
	size_t i;

	stp_time_format(freeze->since, time);
	used =
	    (size_t)snprintf(out, TEXT_BYTES_MAX, "stampede-freeze 1\nsince %s\nstep %s\nrole %s\n",
	                     time, steps[freeze->step], freeze->role);
	for (i = 0; i < freeze->stolen_count; i++)
		used += (size_t)snprintf(out + used, TEXT_BYTES_MAX - used, "stolen %s\n",
		                         freeze->stolen[i]);
	used += (size_t)snprintf(out + used, TEXT_BYTES_MAX - used,
	                         "next %s\nuri %s\nabove %" PRIu64 "\n",
	                         freeze->next[0] ? freeze->next : "-",
	                         freeze->uri[0] ? freeze->uri : "-", freeze->above);
	if (!seal_key)
		return used;
	crypto_generichash(seal, sizeof(seal), (const unsigned char *)out, used, seal_key,
	                   crypto_generichash_KEYBYTES);
	stp_hex_encode(seal, sizeof(seal), hex);
	return used + (size_t)snprintf(out + used, TEXT_BYTES_MAX - used, "seal %s\n", hex);
}

/* The value of the line "WORD value" at *at, which is skipped; NULL when it is another line. */
static const char *take(const char **at, const char *end, const char *word, size_t *out_count)
{
	size_t count = strlen(word);
	const char *line_end = memchr(*at, '\n', (size_t)(end - *at));
	const char *value = *at + count + 1;

	if (!line_end || (size_t)(line_end - *at) < count + 1 || memcmp(*at, word, count) != 0 ||
	    (*at)[count] != ' ')
		return NULL;
	*out_count = (size_t)(line_end - value);
	*at = line_end + 1;
	return value;
}

static int take_keyid(const char **at, const char *end, const char *word,
                      char out[STP_KEYID_CHARS + 1])
{
	uint8_t bytes[STP_KEYID_CHARS / 2];
	size_t count;
	const char *value = take(at, end, word, &count);

	if (!value || count != STP_KEYID_CHARS || !stp_hex_decode(value, sizeof(bytes), bytes, 0))
		return 0;
	memcpy(out, value, count);
	out[count] = '\0';
	return 1;
}

/* The index of the line's value among count names, or -1. */
static int take_name(const char **at, const char *end, const char *word, const char *const names[],
                     size_t name_count)
{
	size_t count;
	const char *value = take(at, end, word, &count);
	size_t i;

	for (i = 0; value && i < name_count; i++)
		if (strlen(names[i]) == count && memcmp(value, names[i], count) == 0)
			return (int)i;
	return -1;
}

/* The lines about the new key. */
static int take_next(const char **at, const char *end, struct stp_freeze *out)
{
	const char *before = *at;
	size_t count;
	const char *value = take(at, end, "next", &count);

	if (!value)
		return 0;
	if (count != 1 || *value != '-') {
		*at = before;
		if (!take_keyid(at, end, "next", out->next))
			return 0;
	}
	value = take(at, end, "uri", &count);
	if (!value || count >= sizeof(out->uri) || memchr(value, '\0', count))
		return 0;
	if (count == 1 && *value == '-')
		return 1;
	memcpy(out->uri, value, count);
	return 1;
}

static int parse(const char *text, size_t text_bytes, struct stp_freeze *out)
{
	const char *end = text + text_bytes;
	const char *at = text;
	struct stp_err ignored = STP_ERR_INIT;
	const char *value;
	size_t count;
	int role;
	int step;

	memset(out, 0, sizeof(*out));
	value = take(&at, end, "stampede-freeze", &count);
	if (!value || count != 1 || *value != '1')
		return 0;
	value = take(&at, end, "since", &count);
	if (!value || stp_time_parse(value, count, &out->since, &ignored) != STP_OK)
		return 0;
	step = take_name(&at, end, "step", steps, sizeof(steps) / sizeof(steps[0]));
	role = take_name(&at, end, "role", roles, sizeof(roles) / sizeof(roles[0]));
	if (step <= STP_FREEZE_NONE || role < 0)
		return 0;
	out->step = (enum stp_freeze_step)step;
	memcpy(out->role, roles[role], strlen(roles[role]) + 1);
	while (out->stolen_count < STP_FREEZE_STOLEN_MAX &&
	       take_keyid(&at, end, "stolen", out->stolen[out->stolen_count]))
		out->stolen_count++;
	if (!out->stolen_count || !take_next(&at, end, out))
		return 0;
	value = take(&at, end, "above", &count);
	return value && stp_u64_parse(value, count, &out->above);
}

enum stp_errc stp_freeze_parse(const char *text, size_t text_bytes, const uint8_t *seal_key,
                               struct stp_freeze *out_freeze, struct stp_err *err)
{
	char again[TEXT_BYTES_MAX];
	size_t count;

	if (!parse(text, text_bytes, out_freeze))
		return STP_FAIL(err, STP_FORMAT, STAGE, NAME,
		                "is malformed, so nothing is signed; restore state/ and keys/ from "
		                "one backup");
	count = format(out_freeze, seal_key, again);
	/* Without the key, all but the seal must be as it would be written. */
	if (count > text_bytes || memcmp(text, again, count) != 0 ||
	    (seal_key && count != text_bytes))
		return STP_FAIL(err, STP_REFUSED, STAGE, NAME,
		                "its seal does not match keys/ledger.key: it was edited, or the "
		                "key was replaced; restore state/ and keys/ from one backup");
	return STP_OK;
}

/* ---------------------------------------------------------------- file */

enum stp_errc stp_freeze_load(int state_fd, const uint8_t *seal_key, struct stp_freeze *out_freeze,
                              struct stp_err *err)
{
	struct stp_buf text = STP_BUF_INIT;
	enum stp_errc code;

	memset(out_freeze, 0, sizeof(*out_freeze));
	if (!stp_file_exists(state_fd, STP_FREEZE_FILE) && errno == ENOENT)
		return STP_OK;
	if (!seal_key && faccessat(state_fd, STP_FREEZE_FILE, R_OK, AT_EACCESS) != 0 &&
	    errno == EACCES)
		return STP_OK;
	code = stp_file_read(state_fd, STP_FREEZE_FILE, TEXT_BYTES_MAX - 1, STAGE, &text, err);
	if (code == STP_OK)
		code = stp_freeze_parse((const char *)text.data, text.count, seal_key, out_freeze,
		                        err);
	stp_buf_release(&text);
	return code;
}

enum stp_errc stp_freeze_save(int state_fd, const uint8_t *seal_key,
                              const struct stp_freeze *freeze, struct stp_err *err)
{
	char text[TEXT_BYTES_MAX];
	size_t count = format(freeze, seal_key, text);

	return stp_file_write(state_fd, STP_FREEZE_FILE, text, count, STP_MODE_PRIVATE_FILE,
	                      STP_FILE_REPLACE, STAGE, err);
}

enum stp_errc stp_freeze_end(int state_fd, struct stp_err *err)
{
	if (unlinkat(state_fd, STP_FREEZE_FILE, 0) != 0) {
		if (errno == ENOENT)
			return STP_OK;
		return STP_FAIL_SYS(err, STAGE, NAME, "cannot remove it");
	}
	return stp_fd_sync(state_fd, STAGE, STP_STATE_FOLDER, err);
}

int stp_freeze_is_stolen(const struct stp_freeze *freeze, const char *keyid)
{
	size_t i;

	for (i = 0; i < freeze->stolen_count; i++)
		if (strcmp(freeze->stolen[i], keyid) == 0)
			return 1;
	return 0;
}

enum stp_errc stp_freeze_check(const struct stp_freeze *freeze, struct stp_err *err)
{
	char since[STP_TIME_BYTES + 1];

	if (freeze->step != STP_FREEZE_BEGUN)
		return STP_OK;
	stp_time_format(freeze->since, since);
	return STP_FAIL(stp_hinted(err, STP_HINT_ROTATE_STOLEN), STP_REFUSED, STAGE, NAME,
	                "the online key %.16s… was stolen, as was noted at %s: nothing is signed "
	                "or removed until it is replaced; go on with %s",
	                freeze->stolen[0], since, stp_hint_text(STP_HINT_ROTATE_STOLEN));
}
