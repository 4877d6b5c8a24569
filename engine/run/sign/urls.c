/* SPDX-License-Identifier: Apache-2.0 */
#include "run/sign/urls.h"

#include "base/url.h"

/* How many notes name a path; the other paths are counted. */
#define NAMED_MAX 8

/* Whether the list or the scan named it. */
static const char *stage_of(const struct stp_record *record)
{
	return record->flags & STP_RECORD_LISTED ? STP_LIST_STAGE : "scan";
}

int stp_sign_check_url(struct stp_sign_run *run, const struct stp_record *record,
                       struct stp_fault_list *unfetchable)
{
	const char *problem = stp_url_problem(record->path, record->path_bytes);

	if (!problem)
		return 1;
	if (run->config.url_unsafe == STP_URL_UNSAFE_WARN) {
		stp_fault_add(unfetchable, STP_FORMAT, 0, stage_of(record), record->path,
		              record->path_bytes, "%s: no client can fetch it; rename it", problem);
		return 1;
	}
	stp_fault_add(&run->faults, STP_FORMAT, 0, stage_of(record), record->path,
	              record->path_bytes,
	              "%s: no client can fetch it; rename or exclude it, or set \"url_unsafe\": "
	              "\"warn\" in " STP_CONFIG_FILE " to sign it anyway",
	              problem);
	return 0;
}

void stp_sign_note_urls(struct stp_fault_list *list, struct stp_fault_list *notes)
{
	size_t i;

	stp_fault_list_sort(list);
	for (i = 0; i < list->count && i < NAMED_MAX; i++)
		stp_fault_add(notes, STP_FORMAT, 0, list->items[i].stage, list->items[i].subject,
		              strlen(list->items[i].subject), "%s", list->items[i].text);
	if (list->total > i)
		stp_fault_add(notes, STP_FORMAT, 0, "scan", STP_CONFIG_FILE,
		              strlen(STP_CONFIG_FILE),
		              "\"url_unsafe\" is \"warn\": %zu more paths cannot be fetched by any "
		              "client; verify names them",
		              list->total - i);
}
