/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/run_source.h"

#include <stdlib.h>

#include "base/file.h"

void stp_run_release(struct stp_run *run)
{
	stp_sort_memory_unmap(&run->memory);
	stp_fd_close(&run->fd);
	free(run->blocks);
	free(run);
}
