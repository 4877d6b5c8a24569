/* SPDX-License-Identifier: Apache-2.0 */
#include "trust/judge.h"

#include <inttypes.h>
#include <stdio.h>

#define STAGE STP_TRUST_STAGE

void stp_trust_root_name(uint64_t version, char out[64])
{
	snprintf(out, 64, "%" PRIu64 ".root.json", version);
}

/* Findings that do not make a document with good signatures less trustworthy: expiry is checked
 * before signing, the rest concerns spelling, or signatures and keys that do not count.
 */
static int is_harmless(enum stp_finding_code code)
{
	switch (code) {
	case STP_FINDING_EXPIRED:
	case STP_FINDING_EXPIRES_SOON:
	case STP_FINDING_EXPIRES_ORDER:
	case STP_FINDING_CANONICAL:
	case STP_FINDING_ENVELOPE:
	case STP_FINDING_FIELD_UNKNOWN:
	case STP_FINDING_SIGNATURE:
	case STP_FINDING_SIGNATURE_DUPLICATE:
	case STP_FINDING_SIGNATURE_STRANGER:
	case STP_FINDING_KEY:
	case STP_FINDING_KEYID:
	case STP_FINDING_KEY_DUPLICATE:
	case STP_FINDING_KEY_UNKNOWN:
		return 1;
	default:
		return 0;
	}
}

enum stp_errc stp_trust_judge(struct stp_finding_list *findings, const char *name, int is_good,
                              const char *advice, struct stp_err *err)
{
	const struct stp_finding *found = NULL;
	size_t code, i;

	if (findings->out_of_memory)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, NULL, "no memory to read metadata");
	/* Totals also count findings that a full list did not keep. */
	for (code = 0; code < STP_FINDING_CODE_COUNT; code++)
		is_good &= is_harmless((enum stp_finding_code)code) || !findings->totals[code];
	if (is_good)
		return STP_OK;
	stp_finding_list_sort(findings);
	for (i = 0; i < findings->count; i++) {
		const struct stp_finding *finding = &findings->items[i];

		if (is_harmless(finding->code))
			continue;
		/* A missed threshold says more than its cause. */
		if (!found || finding->code == STP_FINDING_THRESHOLD)
			found = finding;
	}
	/* The text about a file that is not regular names the remedy itself. */
	if (found && found->code == STP_FINDING_FILE_TYPE)
		return STP_FAIL(err, STP_REFUSED, STAGE, found->subject, "%s", found->text);
	if (found)
		return STP_FAIL(err, STP_REFUSED, STAGE, found->subject, "%s; %s", found->text,
		                advice);
	return STP_FAIL(err, STP_REFUSED, STAGE, name, "is not signed metadata; %s", advice);
}

enum stp_errc stp_trust_check_floor(const char *role, const char *file, const struct stp_pin *found,
                                    const struct stp_pin *floor, struct stp_err *err)
{
	if (found->version < floor->version)
		return STP_FAIL(err, STP_REFUSED, STAGE, file,
		                "is the newest %s in public/metadata, but version %" PRIu64
		                " was published; " STP_TRUST_RESTORE,
		                role, floor->version);
	if (found->version == floor->version && !stp_pin_is(found, floor))
		return STP_FAIL(err, STP_REFUSED, STAGE, file,
		                "has other bytes than those published as version %" PRIu64
		                "; " STP_TRUST_RESTORE,
		                floor->version);
	return STP_OK;
}
