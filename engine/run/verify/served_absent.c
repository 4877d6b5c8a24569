/* SPDX-License-Identifier: Apache-2.0 */
#include "run/verify/served_absent.h"

static void report(const struct stp_served_absent *absent, struct stp_finding_list *findings)
{
	unsigned long long count = absent->missing.count;
	const char *plural = count == 1 ? "" : "s";
	char names[STP_MISSING_NAMES_BYTES];

	stp_missing_names(&absent->missing, names);
	if (!absent->has_index)
		stp_finding_add(findings, STP_FINDING_SERVED_MISSING, absent->targets_dir,
		                "is not there, so clients cannot fetch %llu target%s (%s); mount "
		                "it, or correct \"targets_dir\" and sign again",
		                count, plural, names);
	else
		stp_finding_add(findings, STP_FINDING_SERVED_ABSENT, absent->targets_dir,
		                "has no file for %llu target%s of the digest list (%s): clients "
		                "cannot fetch %s; add the files, or set \"target_files\" to "
		                "\"none\" when another server has them",
		                count, plural, names, count == 1 ? "it" : "them");
}

const char *stp_served_absent(const struct stp_served_absent *absent,
                              struct stp_finding_list *findings)
{
	if (!absent->missing.count)
		return NULL;
	/* If no target has a file, none was ever meant to be here. */
	if (absent->present || absent->astray)
		report(absent, findings);
	else if (!absent->has_index)
		return "the targets folder is not on this machine";
	else
		return "none of the files of the digest list is in the targets folder, so another "
		       "server has them";
	return NULL;
}
