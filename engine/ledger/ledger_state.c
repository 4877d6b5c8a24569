/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/ledger_state.h"

#include <string.h>

#include "base/array.h"
#include "base/fault.h"
#include "ledger/segment_reader.h"

void stp_ledger_refuse(struct stp_ledger *ledger, const struct stp_err *err)
{
	ledger->refused_count++;
	stp_fault_add(ledger->options.damage, err->code, 0, "ledger", err->subject,
	              strlen(err->subject), "%s; not used, its files count as new", err->text);
}

struct stp_segment_options stp_ledger_segment_options(const struct stp_ledger *ledger,
                                                      enum stp_segment_kind kind)
{
	return (struct stp_segment_options){
	    .kind = kind,
	    .hash_set = ledger->options.hash_set,
	    .generation = ledger->next_generation,
	    .seal_key = ledger->seal_key,
	};
}

void stp_ledger_open_checkpoint(struct stp_ledger *ledger, size_t index,
                                struct stp_segment **out_segment)
{
	struct stp_checkpoint *checkpoint = &ledger->checkpoints[index];
	struct stp_err err = STP_ERR_INIT;

	if (!checkpoint->segment) {
		if (stp_segment_open(ledger->folder_fd, checkpoint->name, ledger->seal_key,
		                     &checkpoint->segment, &err) == STP_OK)
			stp_segment_tolerate(checkpoint->segment, ledger->options.damage);
		else
			stp_ledger_refuse(ledger, &err);
	}
	*out_segment = checkpoint->segment;
}

enum stp_errc stp_ledger_add_checkpoint(struct stp_ledger *ledger,
                                        const struct stp_checkpoint *checkpoint,
                                        struct stp_err *err)
{
	size_t at = 0;

	if (!STP_ARRAY_RESERVE(ledger->checkpoints, ledger->checkpoint_capacity,
	                       ledger->checkpoint_count + 1))
		return STP_FAIL_ERRNO(err, ENOMEM, "ledger", checkpoint->name,
		                      "no memory to list it");
	while (at < ledger->checkpoint_count &&
	       (ledger->checkpoints[at].number > checkpoint->number ||
	        (ledger->checkpoints[at].number == checkpoint->number &&
	         ledger->checkpoints[at].level > checkpoint->level)))
		at++;
	memmove(ledger->checkpoints + at + 1, ledger->checkpoints + at,
	        (ledger->checkpoint_count - at) * sizeof(*ledger->checkpoints));
	ledger->checkpoints[at] = *checkpoint;
	ledger->checkpoint_count++;
	if (ledger->next_number <= checkpoint->number)
		ledger->next_number = checkpoint->number + 1;
	return STP_OK;
}
