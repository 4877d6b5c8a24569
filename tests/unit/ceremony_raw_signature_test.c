/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "ceremony/raw_signature.h"

static uint8_t out[STP_SIGNATURE_BYTES_MAX];
static size_t out_count;
static uint8_t sig[64];

static enum stp_errc read_file(const void *bytes, size_t count, struct stp_err *err)
{
	*err = (struct stp_err)STP_ERR_INIT;
	return stp_raw_signature_read(bytes, count, "S", out, &out_count, err);
}

static void reads(const void *bytes, size_t count)
{
	struct stp_err err;

	if (read_file(bytes, count, &err) != STP_OK)
		fail_msg("%s", err.text);
	assert_int_equal(out_count, 64);
	assert_memory_equal(out, sig, 64);
}

static void refuses(const char *text, const char *words)
{
	struct stp_err err;

	assert_int_equal(read_file(text, strlen(text), &err), STP_FORMAT);
	assert_string_equal(err.subject, "S");
	if (!strstr(err.text, words))
		fail_msg("%s", err.text);
}

/* The base64 line of signify and minisign. */
static void blob(const char *algorithm, char *text, size_t size)
{
	uint8_t bytes[74];

	memcpy(bytes, algorithm, 2);
	memset(bytes + 2, 7, 8);
	memcpy(bytes + 10, sig, 64);
	sodium_bin2base64(text, size, bytes, sizeof(bytes), sodium_base64_VARIANT_ORIGINAL);
}

static void test_raw_signature__forms(void **state)
{
	char text[1024];
	char line[256];

	(void)state;
	for (size_t i = 0; i < 64; i++)
		sig[i] = (uint8_t)(200 + i);
	reads(sig, 64);
	sodium_bin2hex(text, sizeof(text), sig, 64);
	reads(text, 128);
	sodium_bin2hex(text, sizeof(text), sig, 64);
	for (char *at = text; *at; at++)
		*at = (char)((*at >= 'a') ? *at - 32 : *at);
	strcat(text, "\r\n");
	reads(text, strlen(text));
	sodium_bin2base64(line, sizeof(line), sig, 64, sodium_base64_VARIANT_ORIGINAL);
	snprintf(text, sizeof(text), "%.40s\n%s\n", line, line + 40);
	reads(text, strlen(text));
	blob("Ed", line, sizeof(line));
	snprintf(text, sizeof(text), "untrusted comment: verify with key.pub\n%s\n", line);
	reads(text, strlen(text));
	snprintf(text, sizeof(text), "untrusted comment: x\n%s\ntrusted comment: y\nAAAA\n", line);
	reads(text, strlen(text));
	snprintf(text, sizeof(text), "untrusted comment: x\n%s", line);
	reads(text, strlen(text));
}

static void test_raw_signature__other_files_are_refused(void **state)
{
	struct stp_err err;
	uint8_t large[STP_SIGNATURE_BYTES_MAX + 1] = {0x30};
	char text[1024];
	char line[256];

	(void)state;
	refuses("", "is not a signature");
	blob("ED", line, sizeof(line));
	snprintf(text, sizeof(text), "untrusted comment: x\n%s\n", line);
	refuses(text, "minisign -S -l");
	blob("XX", line, sizeof(line));
	snprintf(text, sizeof(text), "untrusted comment: x\n%s\n", line);
	refuses(text, "is not known");
	refuses("untrusted comment: x", "no signature");
	refuses("untrusted comment: x\n", "no signature");
	refuses("untrusted comment: x\nRWQ=\n", "no signature");
	snprintf(text, sizeof(text), "untrusted comment: x\n%s%s\n", line, line);
	refuses(text, "no signature");
	assert_int_equal(read_file(large, sizeof(large), &err), STP_FORMAT);
	/* DER is passed on as it is: the check of the signature judges it. */
	assert_int_equal(read_file(large, 70, &err), STP_OK);
	assert_int_equal(out_count, 70);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_raw_signature__forms),
	    cmocka_unit_test(test_raw_signature__other_files_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
