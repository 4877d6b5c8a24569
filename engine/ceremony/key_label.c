/* SPDX-License-Identifier: Apache-2.0 */
#include "ceremony/key_label.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* Digits of a keyid that are shown beside a name, and alone. */
#define BESIDE 8
#define ALONE  16

const char *stp_key_label_short(struct stp_key_label *label, const struct stp_payload *payload,
                                const char *keyid)
{
	const char *name = stp_payload_key_name(payload, keyid, NULL);
	char digits[4 * ALONE + 1];

	stp_text_escape(keyid, strnlen(keyid, ALONE), digits, sizeof(digits));
	if (name)
		snprintf(label->text, sizeof(label->text), "%s", name);
	else
		snprintf(label->text, sizeof(label->text), "%.*s…", ALONE, digits);
	return label->text;
}

const char *stp_key_label(struct stp_key_label *label, const struct stp_payload *payload,
                          const char *keyid)
{
	const char *name = stp_payload_key_name(payload, keyid, NULL);

	if (name)
		snprintf(label->text, sizeof(label->text), "%s (%.*s…)", name, BESIDE, keyid);
	else
		stp_key_label_short(label, payload, keyid);
	return label->text;
}
