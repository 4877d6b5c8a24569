/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks the names that earlier runs made: for most of them one system call is enough.
 */
#include <limits.h>
#include <string.h>

#include "publish/links_state.h"
#include "publish/served.h"

/* Whether every name of the record still serves it, judged by one system call each. */
static int names_are_good(const struct stp_links *links, const struct stp_record *record,
                          int is_changing)
{
	char text[PATH_MAX] = "";
	struct stp_served_look look = {.targets_fd = links->repo->targets_fd,
	                               .link = stp_links_kind(links, is_changing),
	                               .text = text,
	                               .touched_before_ns = links->touched_before_ns};
	int alg;

	if (look.link == STP_LINK_SYMLINK && !(record->flags & STP_RECORD_FILE) &&
	    !stp_links_text(links->base, record->path, record->path_bytes, text))
		return 0;
	for (alg = 0; alg < STP_ALG_COUNT; alg++) {
		char name[PATH_MAX];

		if (!(links->config->hash_set & STP_ALG_BIT(alg)))
			continue;
		if (!stp_links_name(links, record, record->path, record->path_bytes,
		                    (enum stp_alg)alg, name, sizeof(name)) ||
		    stp_served_look(&look, record, name) != STP_SERVED_GOOD)
			return 0;
	}
	return 1;
}

int stp_links_look(struct stp_links *links, const struct stp_record *record)
{
	int is_changing;

	if (links->need != STP_LINKS_NEED_NEW)
		return links->need == STP_LINKS_NEED_ALL;
	is_changing = stp_links_is_mutable(links, record);
	if (links->marks && !is_changing)
		return stp_marks_want_all(links->marks);
	if (stp_linked_has(&links->linked, &record->fingerprint))
		return 1;
	return stp_served_turn(record->key, links->run_number, links->parts) &&
	       !names_are_good(links, record, is_changing);
}

enum stp_errc stp_links_repair(struct stp_links *links, size_t worker_index,
                               const struct stp_record *record, struct stp_fingerprint *fingerprint,
                               struct stp_fault_list *faults, enum stp_links_result *out_result,
                               struct stp_err *err)
{
	const struct stp_links_worker *worker = &links->workers[worker_index];
	int counts_marks = links->marks && !stp_marks_are_new(links->marks);
	uint64_t before = worker->made + (counts_marks ? worker->marked : 0);

	STP_TRY(stp_links_put(links, worker_index, record, fingerprint, faults, out_result, err));
	if (links->need == STP_LINKS_NEED_NEW &&
	    worker->made + (counts_marks ? worker->marked : 0) != before)
		atomic_fetch_add_explicit(&links->repaired, 1, memory_order_relaxed);
	return STP_OK;
}

uint64_t stp_links_repaired(const struct stp_links *links)
{
	return atomic_load_explicit(&links->repaired, memory_order_relaxed);
}
